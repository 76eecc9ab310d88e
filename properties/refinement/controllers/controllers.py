"""Controllers beside their models in small worlds: every store of a few objects, and what their turns make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ....impl.api.apps import Deployment, DeploymentSpec, DeploymentStrategy, ReplicaSet, ReplicaSetSpec
from ....impl.api.apps import RollingUpdateDeployment as Rolling
from ....impl.api.cache import Cache
from ....impl.api.core import (
    Container,
    Namespace,
    Node,
    NodeCondition,
    NodeSpec,
    NodeStatus,
    Pod,
    PodCondition,
    PodSpec,
    PodStatus,
    PodTemplateSpec,
    Service,
    ServicePort,
    ServiceSpec,
    Taint,
)
from ....impl.api.kinds import ref_of
from ....impl.api.meta import LabelSelector, ObjectMeta, OwnerReference, Ref
from ....impl.api.policy import PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus
from ....impl.api.requests import Create, Delete, Request
from ....impl.api.values.frozen import strings
from ....impl.api.well_known import OUT_OF_SERVICE
from ....impl.apiserver.access.authentication import ADMIN, User, controller
from ....impl.apiserver.handler import handle
from ....impl.apiserver.storage import Objects
from ....impl.controllers import disruption as budgets
from ....impl.controllers import namespace as namespaces
from ....impl.controllers import nodelifecycle as nodes
from ....impl.controllers import podgc as collector
from ....impl.controllers.common import controller_of
from ....impl.controllers.deployment import deployment as deployments
from ....impl.controllers.deployment.arithmetic import max_surge, max_unavailable
from ....impl.controllers.endpointslice import endpointslice as slices
from ....impl.controllers.replicaset import replicaset as replicasets
from ....model.components.nodes import podgc as podgc_model
from ....model.components.nodes.nodelifecycle import steps as node_steps
from ....model.components.workloads.replicaset import Turn
from ....model.components.workloads.replicaset import steps as turns
from ...proof import Answer
from ..granted import all_granted, granted, with_object
from ..lockstep import Step, searched, unless
from . import deployment, disruption, endpointslice, namespace, nodelifecycle, podgc, replicaset

LABELS = strings({"app": "web"})
LETTERS = "abc"
FLAGS = (False, True)


def _requests(
    store: Cache, requests: Iterable[Request], seen: Callable[[Cache], Any], refines: Callable[[Any, Any], bool]
) -> Iterator[Step]:
    """Yield the store after the requests of a turn; wrong if one of them is no step of the model."""
    wrong = ""
    after = store
    for number, request in enumerate(requests):
        now = granted(after, request, f"{number}")
        if now is None or not refines(seen(after), seen(now)):
            wrong = wrong or f"no step of the model: {request}"
        after = after if now is None else now
    if after != store:
        yield Step("a turn", after, wrong)
    elif wrong:
        yield Step("a turn is refused", store, wrong)


def meta(name: str, **given: Any) -> ObjectMeta:
    """Return the metadata of an object of the namespace."""
    return ObjectMeta(name=name, namespace="d", uid=name, **given)


def pod(
    name: str, node: str = "n", phase: str = "Running", *, ready: bool = True, leaves: bool = False, **given: Any
) -> Pod:
    """Return a Pod of the workload."""
    status = PodStatus(phase, (PodCondition("Ready", "True" if ready else "False"),), pod_ip=given.pop("ip", ""))
    labels = meta(name, labels=LABELS, deletion_timestamp=0 if leaves else None, **given)
    return Pod(labels, PodSpec(node_name=node), status)


def node(name: str, ready: str = "True", *taints: str, cordoned: bool = False) -> Node:
    """Return a node."""
    spec = NodeSpec(taints=tuple(Taint(key, "NoExecute") for key in taints), unschedulable=cordoned)
    return Node(ObjectMeta(name=name), spec, NodeStatus(conditions=(NodeCondition("Ready", ready),)))


def _some(choices: Iterable[Any], most: int) -> Iterator[tuple[Any, ...]]:
    """Yield every selection of at most so many, in order."""
    known = tuple(choices)
    for count in range(most + 1):
        yield from product(known, repeat=count)


def podgc_proof() -> Answer:
    """Search two Pods, nowhere, here, or where nothing is, leaving or not, and two nodes, in service or not."""
    places = tuple(product(("", "n0", "n1", "gone"), FLAGS))
    kinds = tuple(product(("True", "Unknown"), ((), (OUT_OF_SERVICE,))))
    stores = (
        Cache.of(
            (
                *(pod(LETTERS[n], where, leaves=leaves) for n, (where, leaves) in enumerate(pods)),
                *(node(f"n{n}", ready, *taints) for n, (ready, taints) in enumerate(both)),
            )
        )
        for pods in _some(places, 2)
        for both in _some(kinds, 2)
    )

    def steps(store: Cache) -> Iterator[Step]:
        allowed = {action.name for action in podgc_model.steps(podgc.abstract(store))}
        for pod in store.list(Pod):
            requests = collector.reconcile(store, ref_of(pod))
            yield from _requests(store, requests, podgc.abstract, podgc.refines)
            if bool(requests) is not (f"d/{pod.metadata.name}" in allowed):
                yield Step(f"a look at {pod.metadata.name}", store, f"allowed are {sorted(allowed)}")

    return searched(stores, steps)


SHOP = Ref("Namespace", "", "d")


def _sent(store: Objects, asked: Request, user: User) -> Objects:
    """Return what there is when the API server has handled a request; it is to grant it."""
    response, transaction = handle(store, asked, user=user)
    if not response.ok:
        raise AssertionError(response.message)
    return store.commit(transaction)


def namespace_proof() -> Answer:
    """Search a namespace, deleted or not, with two things in it, each held or not, going or not."""

    def store_of(things: tuple[tuple[bool, bool], ...], *, leaves: bool) -> Objects:
        store = _sent(Objects(), Create(Namespace(ObjectMeta("d"))), ADMIN)
        for letter, (held, going) in zip(LETTERS, things, strict=False):
            headless = Service(
                ObjectMeta(letter, namespace="d", finalizers=("x.y/z",) * held), ServiceSpec(cluster_ip="None")
            )
            store = _sent(store, Create(headless), ADMIN)
            if going:
                store = _sent(store, Delete(Ref("Service", "d", letter)), ADMIN)
        return _sent(store, Delete(SHOP), ADMIN) if leaves else store

    def steps(store: Objects) -> Iterator[Step]:
        for asked in namespaces.reconcile(Cache.of(store.objects.values()), SHOP):
            after = _sent(store, asked, controller("namespace-controller"))
            before, now = (namespace.abstract(Cache.of(objects.objects.values()), "d") for objects in (store, after))
            yield Step("a request", after, unless(namespace.refines(before, now), f"no step of the model: {asked}"))

    kinds = ((True, True), (True, False), (False, False))
    starts = (store_of(things, leaves=leaves) for leaves in FLAGS for things in _some(kinds, 2))
    return searched(starts, steps)


def disruption_proof() -> Answer:
    """Search two Pods, ready or not, leaving or not, promised to somebody or not, under every kind of budget."""
    key = Ref("PodDisruptionBudget", "d", "pdb")
    amounts = (0, 1, 2, "0%", "33%", "50%", "100%")
    owner = (OwnerReference("apps/v1", "ReplicaSet", "web", "web", controller=True),)

    def store_of(pods: tuple[tuple[bool, bool, bool], ...], size: int, rule: str, amount: int | str) -> Cache:
        spec = PodDisruptionBudgetSpec(selector=LabelSelector(LABELS), **{rule: amount})  # type: ignore[arg-type]
        promised = immutabledict((LETTERS[n], 0) for n, (_, _, gone) in enumerate(pods) if gone)
        made = (
            pod(LETTERS[n], ready=ready, leaves=leaves, owner_references=owner)
            for n, (ready, leaves, _) in enumerate(pods)
        )
        budget = PodDisruptionBudget(
            meta("pdb", generation=1), spec, PodDisruptionBudgetStatus(disrupted_pods=promised)
        )
        return Cache.of((budget, ReplicaSet(meta("web"), ReplicaSetSpec(replicas=size)), *made))

    def steps(store: Cache) -> Iterator[Step]:
        (web,) = store.list(ReplicaSet)
        wanted = web.spec.replicas or 0 if store.list(Pod) else 0
        before = disruption.abstract(store, key, wanted=wanted)
        after = all_granted(store, budgets.reconcile(store, key), "")
        now = disruption.abstract(after, key, wanted=wanted)
        right = disruption.refines(before, now) and now.written == before.right
        yield Step("a turn", after, unless(right, f"{now.written} is written, right is {before.right}"))

    kinds = tuple(product(FLAGS, FLAGS, FLAGS))
    rules = ("min_available", "max_unavailable")
    every = product(_some(kinds, 2), range(3), rules, amounts)
    return searched((store_of(*way) for way in every), steps)


def nodelifecycle_proof() -> Answer:
    """Search six steps of a node that speaks, falls silent and is cordoned, beside another one."""
    key = Ref("Node", "", "n")
    starts = (
        (Cache.of((node("n", ready, cordoned=cordoned), node("m", other), pod("a"))), silent)
        for ready, other, cordoned, silent in product(("True", "False"), ("True", "Unknown"), FLAGS, FLAGS)
    )

    def steps(world: tuple[Cache, bool]) -> Iterator[Step]:
        store, silent = world

        def seen(now: Cache) -> Any:
            return nodelifecycle.abstract(now, key, silent=silent)

        requests = nodes.reconcile(store, key, heartbeat_lost=silent)
        for request in _requests(store, requests, seen, nodelifecycle.refines):
            yield evolve(request, world=(request.world, silent))
        if not requests and (left := node_steps(seen(store))):
            yield Step("nothing", world, f"it stops before {left}")
        yield Step("it is silent" if not silent else "it is heard", (store, not silent))
        (other,) = (each for each in store.list(Node) if each.metadata.name == "m")
        for says in ("True", "Unknown"):
            conditions = (NodeCondition("Ready", says),)
            changed = evolve(other, status=evolve(other.status, conditions=conditions))
            yield Step(f"the other says {says}", (with_object(store, changed), silent))

    return searched(starts, steps, most=6)


def endpointslice_proof() -> Answer:
    """Search three Pods, with an address or not, ready or not, leaving or not, in slices of two endpoints."""
    kinds = tuple((ready, leaves, there) for ready, leaves, there in product(FLAGS, FLAGS, FLAGS) if there or ready)

    def pods(all_of: tuple[tuple[bool, bool, bool], ...]) -> tuple[Pod, ...]:
        return tuple(
            pod(LETTERS[n], ready=ready, leaves=leaves, ip=f"10.0.0.{n + 1}" if there else "")
            for n, (ready, leaves, there) in enumerate(all_of)
        )

    def service(*, everybody: bool) -> Service:
        ports = (ServicePort(80, "http"),)
        spec = ServiceSpec(selector=LABELS, ports=ports, cluster_ip="10.96.0.1", publish_not_ready_addresses=everybody)
        return Service(meta("web"), spec)

    key = ref_of(service(everybody=False))

    def seen(store: Cache) -> Any:
        return endpointslice.abstract(store, key)

    def steps(store: Cache) -> Iterator[Step]:
        yield from _requests(store, slices.reconcile(store, key, max_endpoints=2), seen, endpointslice.refines)
        if slices.reconcile(store, key, max_endpoints=2) == ():
            if seen(store).wrong:
                yield Step("nothing", store, f"{seen(store).wrong} stays wrong")
            for known in store.list(Pod)[:1]:
                ip = known.status.pod_ip
                for changed in (pod("a", ready=not known.ready, ip=ip), pod("a", "n", "Failed", ip=ip)):
                    yield Step("a Pod changes", with_object(store, changed))

    starts = (
        Cache.of((node("n"), service(everybody=everybody), *pods(some)))
        for everybody in FLAGS
        for some in _some(kinds, 3)
    )
    return searched(starts, steps)


def replicaset_proof() -> Answer:
    """Search up to three Pods, each waiting, starting, ready, failed or leaving, for 0 to 3 replicas."""
    web = ReplicaSet(
        meta("web", generation=1),
        ReplicaSetSpec(selector=LabelSelector(LABELS), template=PodTemplateSpec(metadata=ObjectMeta(labels=LABELS))),
    )
    kinds: tuple[dict[str, Any], ...] = (
        {"node": "", "phase": "Pending", "ready": False},
        {"phase": "Pending", "ready": False},
        {"ready": False},
        {},
        {"node": "m"},
        {"phase": "Failed", "ready": False},
        {"leaves": True},
    )
    stores = (
        Cache.of(
            (
                evolve(web, spec=evolve(web.spec, replicas=replicas)),
                *(pod(LETTERS[n], owner_references=(controller_of(web),), **kind) for n, kind in enumerate(some)),
            )
        )
        for replicas in range(4)
        for some in _some(kinds, 3)
    )
    key = ref_of(web)

    def steps(store: Cache) -> Iterator[Step]:
        before = replicaset.abstract(store, key)
        outcomes = [all_granted(store, turn, "t") for turn in replicasets.reconcile_all(store, key, satisfied=True)]
        allowed = {turn.apply(before) for turn in turns(before) if isinstance(turn, Turn)}
        found = {replicaset.abstract(outcome, key) for outcome in outcomes}
        for after in outcomes:
            yield Step(
                "a turn", after, unless(found == allowed, f"the turns lead to {found}, the model's to {allowed}")
            )
        waiting = all_granted(store, replicasets.reconcile(store, key, satisfied=False), "w")
        now = replicaset.abstract(waiting, key)
        right = replicaset.refines(before, now) and now.members == before.members
        yield Step("a turn that waits", waiting, unless(right, f"{before} becomes {now}"))

    return searched(stores, steps, most=1)


def deployment_proof() -> Answer:
    """Search a rollout from v1 to v2, sets for 0 to 2 Pods, of which any number is there, and every strategy."""

    def web(replicas: int, image: str, strategy: DeploymentStrategy) -> Deployment:
        template = PodTemplateSpec(ObjectMeta(labels=LABELS), PodSpec((Container("c", image),)))
        spec = DeploymentSpec(replicas=replicas, selector=LabelSelector(LABELS), template=template, strategy=strategy)
        return Deployment(meta("web", generation=1), evolve(spec, revision_history_limit=1))

    key = Ref("Deployment", "d", "web")
    amounts = ((0, 1), (1, 0), (1, 1), ("25%", "25%"), ("100%", "50%"))
    rolling = tuple(DeploymentStrategy("RollingUpdate", Rolling(unavailable, surge)) for surge, unavailable in amounts)

    def turn(store: Cache, suffix: str) -> Cache:
        return all_granted(store, deployments.reconcile(store, key), suffix)

    def stores() -> Iterator[Cache]:
        sizes = tuple(product(range(3), range(3)))
        for strategy, wanted in product((*rolling, DeploymentStrategy("Recreate")), range(3)):
            first = turn(Cache.of((web(wanted, "v1", strategy),)), "a")
            after = turn(
                with_object(first, evolve(web(wanted, "v2", strategy), metadata=first_of(first).metadata)), "b"
            )
            found = after.list(ReplicaSet)
            surge = max_surge(first_of(after))
            for some in product(sizes, repeat=len(found)):
                if sum(size for size, _ in some) <= wanted + surge:
                    sets = (_sized(replicaset, *size) for replicaset, size in zip(found, some, strict=True))
                    yield Cache.of((*after.list(Deployment), *sets))

    def first_of(store: Cache) -> Deployment:
        return store.list(Deployment)[0]

    def seen(store: Cache) -> Any:
        found = first_of(store)
        return deployment.abstract(store, key, surge=max_surge(found), unavailable=max_unavailable(found))

    def steps(store: Cache) -> Iterator[Step]:
        after = turn(store, "c")
        right = deployment.refines(seen(store), seen(after))
        yield Step("a turn", after, unless(right, f"{seen(store)} becomes {seen(after)}"))

    return searched(stores(), steps, most=1)


def _sized(found: ReplicaSet, size: int, available: int) -> ReplicaSet:
    status = evolve(
        found.status,
        replicas=available,
        ready_replicas=available,
        available_replicas=available,
        observed_generation=found.metadata.generation,
    )
    return evolve(found, spec=evolve(found.spec, replicas=size), status=status)
