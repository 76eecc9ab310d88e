"""How a cluster looks to the page scheduling/descheduler, and the proof that the descheduler looks at it so."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement, product
from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ...impl.api.cache import Cache
from ...impl.api.core import (
    Container,
    Node,
    NodeCondition,
    NodeSpec,
    NodeStatus,
    Pod,
    PodSpec,
    PodStatus,
    Taint,
    Toleration,
)
from ...impl.api.meta import ObjectMeta, OwnerReference
from ...impl.api.requests import Evict
from ...impl.api.values.quantity import Quantity
from ...impl.descheduler.descheduler import cycles
from ...impl.descheduler.policy import Policy
from ...model.components.scheduling import descheduler as model
from ..placement.nodes import keeps_out
from ..proof import Answer
from .lockstep import Step, searched, unless

TAINT = Taint("pool", "NoSchedule", "gpu")
FLAGS = (False, True)
NAMES = ("n0", "n1", "n2")


def abstract(store: Cache, policy: Policy) -> model.State:
    """Keep whose each Pod is and where it may be, by the words in which placement is proved; rooms count Pods."""
    nodes = [
        node for node in store.list(Node) if any(condition == ("Ready", "True") for condition in _conditions(node))
    ]
    known = tuple(
        model.Node(node.metadata.name, not node.spec.unschedulable, int(node.status.allocatable["pods"].value()))
        for node in nodes
    )
    pods = tuple(_seen(pod, nodes) for pod in store.list(Pod) if pod.status.phase not in {"Succeeded", "Failed"})
    return model.State(known, pods, policy.taints, policy.duplicates, policy.node_fit)


def _conditions(node: Node) -> list[tuple[str, str]]:
    return [(condition.type, condition.status) for condition in node.status.conditions]


def _seen(pod: Pod, nodes: list[Node]) -> model.Pod:
    owner = next(iter(pod.metadata.owner_references), None)
    may = frozenset(node.metadata.name for node in nodes if not _repels(node, pod))
    return model.Pod(
        name=pod.metadata.name,
        maker="" if owner is None else f"{owner.kind} {owner.name}",
        node=pod.spec.node_name,
        movable=owner is not None and owner.kind not in {"DaemonSet", "Node"},
        repelled=pod.spec.node_name not in may,
        may=may,
        leaving=pod.metadata.deletion_timestamp is not None,
    )


def _repels(node: Node, pod: Pod) -> bool:
    """Tell whether anything about a node but its cordon keeps a Pod off that has none yet."""
    nowhere = evolve(pod, spec=evolve(pod.spec, node_name=""))
    return any(keeps_out(nowhere, evolve(node, spec=evolve(node.spec, unschedulable=False))))


def looks(store: Cache, policy: Policy) -> dict[frozenset[str], Cache]:
    """Return whom the descheduler may ask to leave, in one look, and what there is then."""
    found = (
        frozenset(eviction.pod.name for eviction in look if isinstance(eviction, Evict))
        for look in cycles(store, policy)
    )
    return {leave: _left(store, leave) for leave in found}


def _left(store: Cache, leave: frozenset[str]) -> Cache:
    """Return the store with some Pods on their way out."""
    going = (
        evolve(obj, metadata=evolve(obj.metadata, deletion_timestamp=0))
        if isinstance(obj, Pod) and obj.metadata.name in leave
        else obj
        for obj in store.objects.values()
    )
    return Cache.of(going)


def compared(store: Cache, policy: Policy) -> Iterator[Step]:
    """Yield every look; wrong if the model has other ones, or another one leads elsewhere."""
    before = abstract(store, policy)
    theirs = {look.leave: look.apply(before) for look in model.steps(before)}
    ours = looks(store, policy)
    for leave, after in ours.items():
        names = ", ".join(sorted(leave))
        right = theirs.get(leave) == abstract(after, policy)
        yield Step(f"asks {names} to leave", (after, policy), unless(right, f"no look of the model: {names}"))
    for leave in theirs.keys() - ours.keys():
        yield Step("looks", (store, policy), f"the model also asks {', '.join(sorted(leave))} to leave")


def pod(number: int, node: str, owner: str = "ReplicaSet", *, tolerates: bool = False) -> Pod:
    """Return a Pod of a maker of this kind ("": nobody's), on a node."""
    owners = (OwnerReference("apps/v1", owner, "web", owner, controller=True),) if owner else ()
    meta = ObjectMeta(name=f"web-{number}", namespace="d", uid=f"web-{number}", owner_references=owners)
    tolerations = (Toleration("pool", "Exists"),) if tolerates else ()
    spec = PodSpec(containers=(Container("c", "i"),), node_name=node, tolerations=tolerations)
    return Pod(meta, spec, PodStatus("Running"))


def node(name: str, *, tainted: bool = False, cordoned: bool = False, ready: str = "True", room: int = 2) -> Node:
    """Return a node with room for so many Pods."""
    offered = immutabledict({"pods": Quantity.of(room)})
    status = NodeStatus(conditions=(NodeCondition("Ready", ready),), capacity=offered, allocatable=offered)
    return Node(ObjectMeta(name=name), NodeSpec(unschedulable=cordoned, taints=(TAINT,) if tainted else ()), status)


def descheduler_proof() -> Answer:
    """Search three Pods of one maker, of a DaemonSet or nobody's on three nodes, tainted, cordoned or not ready."""
    kinds: tuple[dict[str, Any], ...] = ({}, {"tainted": True}, {"cordoned": True}, {"ready": "Unknown"})
    policies = tuple(
        Policy(taints=taints, duplicates=duplicates, node_fit=fits)
        for taints, duplicates, fits in product(FLAGS, repeat=3)
        if taints or duplicates
    )
    starts = (
        (
            Cache.of(
                (
                    *(node(name, **kind) for name, kind in zip(NAMES, (first, second, {}), strict=True)),
                    *(pod(number, place, owner, tolerates=tolerates) for number, place in enumerate(places)),
                )
            ),
            policy,
        )
        for first, second in combinations_with_replacement(kinds, 2)
        for places in combinations_with_replacement(NAMES, 3)
        for owner, tolerates in (("ReplicaSet", False), ("ReplicaSet", True), ("DaemonSet", False), ("", False))
        for policy in policies
    )
    return searched(starts, lambda world: compared(*world))
