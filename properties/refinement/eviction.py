"""A node short of memory and its kubelet beside the page nodes/eviction: every turn is a step of its page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from immutabledict import immutabledict

from ...impl.api.core import Container, Node, NodeStatus, Pod, PodSpec, ResourceRequirements
from ...impl.api.meta import ObjectMeta
from ...impl.api.runtime import PodRuntime, Stage
from ...impl.api.values.frozen import strings
from ...impl.api.values.qos import pod_requests
from ...impl.api.values.quantity import Quantity, parse_quantity
from ...impl.kubelet import eviction
from ...model.components.nodes import eviction as model
from ..proof import Answer
from .lockstep import Step, searched, unless

Running = tuple[eviction.Running, ...]
World = tuple[Node, Running]


def abstract(node: Node, running: Running) -> model.State:
    """Keep who still runs, in bytes, and what the node says."""
    pods = tuple(
        model.Pod(
            pod.metadata.name,
            eviction.used(pod),
            int(pod_requests(pod.spec).get("memory", Quantity()).value()),
            pod.spec.priority or 0,
            runtime.stage is not Stage.RUNNING,
        )
        for pod, runtime in running
        if runtime.stage in eviction.RUNS
    )
    has = node.status.capacity["memory"].value()
    return model.State(int(has), eviction.THRESHOLD, pods, eviction.says_so(node))


def turns(node: Node, running: Running) -> Iterator[tuple[str, World]]:
    """Yield what the kubelet may do, and what has come of it."""
    short = eviction.short(node, running)
    for victim in eviction.victims(running) if short else ():
        left = tuple((pod, eviction.evicted(how) if pod == victim else how) for pod, how in running)
        yield f"ends {victim.metadata.name}", (node, left)
    if short is not eviction.says_so(node):
        yield "says how it is", (eviction.reported(node, pressure=short), running)


def eviction_proof() -> Answer:
    """Search two Pods that use nothing, less or more than asked for, of two priorities, one leaving or not."""
    kinds = tuple(product((0, 1), ("0", "300Mi"), ("0", "200Mi", "400Mi")))

    def pod(number: int, priority: int, asked: str, uses: str, *, leaves: bool) -> eviction.Running:
        says = strings({eviction.USES: uses})
        meta = ObjectMeta(name=f"p{number}", namespace="d", uid=f"u{number}", annotations=says)
        asks = ResourceRequirements(requests=immutabledict({"memory": parse_quantity(asked)}))
        spec = PodSpec(containers=(Container(name="c", image="i", resources=asks),), priority=priority)
        stage = Stage.TERMINATING if leaves and not number else Stage.RUNNING
        return Pod(meta, spec), PodRuntime(stage, f"u{number}")

    worlds = (
        (eviction.reported(node, pressure=says), tuple(pod(n, *kind, leaves=leaves) for n, kind in enumerate(some)))
        for size, says, leaves in product(("700Mi", "2Gi"), (False, True), (False, True))
        for capacity in [immutabledict({"memory": parse_quantity(size)})]
        for node in [Node(ObjectMeta(name="n"), status=NodeStatus(capacity=capacity))]
        for some in product(kinds, repeat=2)
    )

    def steps(world: World) -> Iterator[Step]:
        state = abstract(*world)
        allowed = {action.apply(state) for action in model.steps(state)}
        done = tuple(turns(*world))
        for what, after in done:
            yield Step(what, after, unless(abstract(*after) in allowed, f"{state} becomes {abstract(*after)}"))
        if missing := allowed - {abstract(*after) for _, after in done}:
            yield Step("nothing", world, f"nobody does what leads to {missing}")

    return searched(worlds, steps)
