"""What is there once for each node, and the scheduler, beside their models: every way in a small world."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...impl.api.cache import Cache
from ...impl.api.core import (
    Container,
    Lifecycle,
    LifecycleHandler,
    Node,
    NodeSpec,
    NodeStatus,
    Pod,
    PodSpec,
    Probe,
    ResourceRequirements,
    Service,
    ServicePort,
    ServiceSpec,
    SleepAction,
    Taint,
)
from ...impl.api.kinds import ref_of
from ...impl.api.meta import ObjectMeta, Ref
from ...impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from ...impl.api.requests import Create, Delete, PatchStatus
from ...impl.api.runtime import IDLE, PodRuntime, Stage
from ...impl.api.values.quantity import parse_quantity
from ...impl.api.well_known import SERVICE_NAME
from ...impl.controllers.replicaset.expectations import SATISFIED, Expectations, after_sync
from ...impl.kubelet.behaviour import HOLLOW, WELL, ImageBehaviour
from ...impl.kubelet.runtime import crash, probe_failed
from ...impl.kubelet.worker import steps as kubelet_steps
from ...impl.kubeproxy.proxy import rules
from ...impl.kubeproxy.rule import RuleSet
from ...impl.scheduler import schedule
from ...impl.scheduler.queue.entry import QueueSettings
from ...model.checker.explore import explore
from ...model.checker.results import Status
from ...model.components.network import kubeproxy as proxy_model
from ...model.components.nodes.kubelet import State
from ...model.components.workloads import expectations as waiting
from ..proof import Answer
from . import kubelet, kubeproxy, scheduler, scheduling_queue
from .lockstep import Step, searched, unless

FLAGS = (False, True)


@frozen
class Kept:
    """A Pod and what runs of it, on a node whose images behave in some way."""

    pod: Pod | None
    runtime: PodRuntime
    node: Node
    images: ImageBehaviour
    has_hook: bool


def kubelet_proof() -> Answer:
    """Search six steps of a Pod of every image, policy and hook: deleted, crashed, probed, its reports lost."""
    plain = Node(ObjectMeta(name="n1"))
    tainted = evolve(plain, spec=NodeSpec(taints=(Taint("k", "NoExecute"),)))

    def pod(image: str, policy: str, hook: int, *, probed: bool) -> Pod:
        lifecycle = Lifecycle(pre_stop=LifecycleHandler(sleep=SleepAction(hook)))
        probe = Probe(initial_delay_seconds=3) if probed else None
        containers = (Container(name="app", image=image, lifecycle=lifecycle, readiness_probe=probe),)
        return Pod(ObjectMeta(name="p", namespace="d", uid="u1"), PodSpec(containers=containers, restart_policy=policy))

    images = ("web:1", "bad:1", "crash:1", "nopull:1", "job:1")
    every = product(images, ("Always", "Never"), (0, 5), FLAGS, (plain, tainted), (WELL, HOLLOW))
    starts = (
        Kept(pod(image, policy, hook, probed=probed), IDLE, node, behaviour, hook > 0)
        for image, policy, hook, probed, node, behaviour in every
    )

    def seen(world: Kept) -> State:
        return kubelet.abstract(world.pod, world.runtime, has_hook=world.has_hook)

    def judged(done: str, before: Kept, after: Kept) -> Step:
        was, now = seen(before), seen(after)
        return Step(done, after, unless(kubelet.refines(was, now), f"{was} becomes {now}"))

    def steps(world: Kept) -> Iterator[Step]:
        pod = world.pod
        for step in kubelet_steps(pod, world.runtime, world.node, (), world.images):
            after = evolve(world, runtime=step.runtime)
            yield judged("a step", world, after)
            if isinstance(step.request, PatchStatus) and isinstance(step.request.object, Pod):
                yield judged("a step that is heard", world, evolve(after, pod=step.request.object))
            elif isinstance(step.request, Delete):
                yield judged("its last step", world, evolve(after, pod=None))
        if pod is None:
            return
        if not pod.metadata.terminating:
            yield Step("deleted", evolve(world, pod=evolve(pod, metadata=evolve(pod.metadata, deletion_timestamp=0))))
        yield Step("gone", evolve(world, pod=None))
        if not pod.finished:
            yield Step("declared failed", evolve(world, pod=evolve(pod, status=evolve(pod.status, phase="Failed"))))
        if world.runtime.stage is Stage.RUNNING:
            yield judged("a probe fails", world, evolve(world, runtime=probe_failed(pod, world.runtime)))
            yield judged("a crash", world, evolve(world, runtime=crash(pod, world.runtime)))

    return searched(starts, steps, most=6)


CONDITIONS = (
    EndpointConditions(ready=True, serving=True, terminating=False),
    EndpointConditions(ready=False, serving=True, terminating=True),
    EndpointConditions(ready=False, serving=False, terminating=True),
    EndpointConditions(ready=False, serving=False, terminating=False),
)


@frozen
class Known:
    """What a proxy knows, and the rules that it has written."""

    services: tuple[Service, ...]
    slices: tuple[EndpointSlice, ...]
    rules: RuleSet


def kubeproxy_proof() -> Answer:
    """Search a Service, and up to two endpoints in every condition, here and elsewhere."""

    def service(policy: str) -> Service:
        spec = ServiceSpec(cluster_ip="172.30.0.1", ports=(ServicePort(80, "http"),), internal_traffic_policy=policy)
        return Service(ObjectMeta(name="a", namespace="d"), spec)

    def slice_of(listed: tuple[Endpoint, ...]) -> EndpointSlice:
        labels = immutabledict({SERVICE_NAME: "a"})
        meta = ObjectMeta(name="a-1", namespace="d", labels=labels)
        return EndpointSlice(meta, endpoints=listed, ports=(EndpointPort("http", 8080),))

    some = [
        Endpoint(addresses=(address,), conditions=conditions, node_name=node)
        for address, conditions, node in product(("10.0.1.1", "10.0.1.2"), CONDITIONS, ("n1", "n2"))
    ]
    lists = [pair for count in range(3) for pair in combinations(some, count)]
    slices = [
        (slice_of(endpoints),) for endpoints in lists if len({each.addresses for each in endpoints}) == len(endpoints)
    ]
    services = ((), (service("Cluster"),), (service("Local"),))

    def seen(world: Known) -> proxy_model.State:
        return kubeproxy.abstract(world.rules, world.services, world.slices, "n1")

    def steps(world: Known) -> Iterator[Step]:
        before = seen(world)
        after = evolve(world, rules=rules(world.services, world.slices, "n1"))
        now = seen(after)
        right = kubeproxy.refines(before, now) and (now == before or now == proxy_model.Sync().apply(before))
        yield Step("synchronises", after, unless(right, f"{before} becomes {now}"))

    known = product(services, slices)
    return searched((Known(*pair, rules([], [], "n1")) for pair in known), steps)


def scheduler_proof() -> Answer:
    """Search two Pods of two sizes, or for no node that is there, and two nodes, large, small, tainted or cordoned."""

    def node(name: str, room: str, *, tainted: bool, cordoned: bool) -> Node:
        spec = NodeSpec(taints=(Taint("k", "NoSchedule"),) * tainted, unschedulable=cordoned)
        amounts = immutabledict({"cpu": parse_quantity(room), "pods": parse_quantity("2")})
        return Node(ObjectMeta(name=name), spec, NodeStatus(capacity=amounts, allocatable=amounts))

    def pod(name: str, asks: str, selector: dict[str, str]) -> Pod:
        requests = immutabledict({"cpu": parse_quantity(asks)})
        containers = (Container("c", "i", resources=ResourceRequirements(requests=requests)),)
        spec = PodSpec(containers=containers, node_selector=immutabledict(selector))
        return Pod(ObjectMeta(name=name, namespace="d", uid=name), spec)

    nodes = tuple(product(("1", "2"), FLAGS, FLAGS))
    pods: tuple[tuple[str, dict[str, str]], ...] = (("1", {}), ("2", {}), ("1", {"disk": "ssd"}))
    starts = (
        Cache.of(
            (
                node("n", first[0], tainted=first[1], cordoned=first[2]),
                node("m", second[0], tainted=second[1], cordoned=second[2]),
                pod("a", *running),
                pod("b", *other),
            )
        )
        for first, second, running, other in product(nodes, nodes, pods, pods)
    )

    def steps(cache: Cache) -> Iterator[Step]:
        for pod in cache.list(Pod):
            if pod.spec.node_name:
                continue
            decision, allowed = schedule(pod, cache), scheduler.may_bind(cache, ref_of(pod))
            wrong = unless(decision.feasible == allowed, f"{decision.feasible}, the model allows {allowed}")
            for name in decision.best:
                bound = evolve(pod, spec=evolve(pod.spec, node_name=name))
                after = Cache(cache.objects.set(ref_of(pod), bound))
                no_step = unless(scheduler.refines(cache, after), "a binding that is no step of the model")
                yield Step(f"{pod.metadata.name} to {name}", after, wrong or no_step)
            if wrong:
                yield Step(f"a look at {pod.metadata.name}", cache, wrong)

    return searched(starts, steps)


def scheduling_queue_proof() -> Answer:
    """Search any five operations on a queue of two Pods, with events counted by cycles and kept one by one."""
    paths = 0
    refuted: list[str] = []
    for hints in FLAGS:
        found = explore(
            scheduling_queue.side_by_side(QueueSettings(queueing_hints=hints), 5), [scheduling_queue.AGREES]
        )
        paths += found.transitions
        if found["agrees"].status is not Status.HOLDS:
            refuted += found.summary()
    return Answer(paths, tuple(refuted) or None)


def expectations_proof() -> Answer:
    """Search eight steps of two Pods asked to come or to go, and seen coming and going, expected or not."""

    def asks(new: int, go: frozenset[str]) -> tuple[Create | Delete, ...]:
        made = Create(Pod(ObjectMeta(generate_name="web-", namespace="d")))
        return (*(made,) * new, *(Delete(Ref("Pod", "d", name)) for name in sorted(go)))

    def steps(world: tuple[waiting.State, Expectations]) -> Iterator[Step]:
        model, real = world
        syncs = [waiting.Ask(new=new) for new in (1, 2)]
        syncs += [waiting.Ask(go=frozenset(some)) for some in (("d/a",), ("d/a", "d/b"))]
        after = [("idle", model, after_sync(real, ()))]
        after += [
            (str(ask), ask.apply(model), after_sync(real, asks(ask.new, frozenset(name[2:] for name in ask.go))))
            for ask in syncs
            if ask.enabled(model)
        ]
        after.append(("one comes", waiting.SeeNew().apply(model), real.creation_seen()))
        after += [
            (f"{name} goes", waiting.SeeGoing(name).apply(model), real.deletion_seen(name)) for name in ("d/a", "d/b")
        ]
        for done, now, then in after:
            agree = then.satisfied is not now.waiting
            yield Step(done, (now, then), unless(agree, f"{then} beside {now}"))

    return searched([(waiting.State(), SATISFIED)], steps, most=8)
