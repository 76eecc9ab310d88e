"""The node lifecycle controller: a node that falls silent becomes Unknown, and conditions become taints.

Upstream: pkg/controller/nodelifecycle/node_lifecycle_controller.go, pkg/controller/util/node (v1.32).
Time comes in from outside: `heartbeat_lost` says that neither status nor lease was renewed within the grace period. One
sync does one thing: conditions first, then NoSchedule taints, then NoExecute taints (upstream's run about five seconds
later, rate limited). Pods of a node that is not Ready are marked not Ready. Who has to leave is in tainteviction.py.
Where no node at all is Ready (handleDisruption: every zone is fully disrupted) nobody is driven out, and NoExecute
taints that are there are taken back: the fault is taken to be the controller's own.
Left out on purpose: Events; zones beyond that (rates of eviction); labels reconciled from other labels.
"""

from __future__ import annotations

from attrs import evolve
from immutabledict import immutabledict

from ..api.cache import Cache
from ..api.core import Node, NodeCondition, Pod, PodCondition, Taint
from ..api.kinds import Object
from ..api.meta import Ref, Time
from ..api.requests import Request, Update
from ..api.well_known import (
    DISK_PRESSURE,
    MEMORY_PRESSURE,
    NETWORK_UNAVAILABLE,
    NOT_READY,
    PID_PRESSURE,
    UNREACHABLE,
    UNSCHEDULABLE,
)
from .common import Transform, stamp, whole

REPORTED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
"""The conditions a kubelet reports, in the order in which missing ones are added."""

TAINTED_BY = immutabledict(
    {
        ("Ready", "False"): NOT_READY,
        ("Ready", "Unknown"): UNREACHABLE,
        ("MemoryPressure", "True"): MEMORY_PRESSURE,
        ("DiskPressure", "True"): DISK_PRESSURE,
        ("NetworkUnavailable", "True"): NETWORK_UNAVAILABLE,
        ("PIDPressure", "True"): PID_PRESSURE,
    }
)
"""Which condition in which status puts which NoSchedule taint on a node."""


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at."""
    return ("Node", "Pod")


def reconcile(
    cache: Cache, key: Ref, *, heartbeat_lost: bool = False, now: Time = 0, outage: bool = True
) -> tuple[Request, ...]:
    """Return the requests of one look at a node; `outage` False drives Pods out also where no node is ready."""
    node = cache.get(Node, key)
    if node is None:
        return ()
    conditions = _fallen_silent(node, now) if heartbeat_lost else node.status.conditions
    if conditions != node.status.conditions:
        after = evolve(node, status=evolve(node.status, conditions=conditions))
        return (Update(after, node, "status"), *_mark_pods(cache, after, now))
    alone = outage and not any(map(_is_ready, cache.list(Node)))
    return (*_taint(node, now, alone=alone), *_mark_pods(cache, node, now))


def _fallen_silent(node: Node, now: Time) -> tuple[NodeCondition, ...]:
    """Return the conditions of a node nobody hears from: what a kubelet reports is Unknown."""
    unknown = tuple(
        evolve(
            condition,
            status="Unknown",
            reason="NodeStatusUnknown",
            message="Kubelet stopped posting node status.",
            last_transition_time=stamp(now),
        )
        if condition.type in REPORTED and condition.status != "Unknown"
        else condition
        for condition in node.status.conditions
    )
    have = {condition.type for condition in unknown}
    never = tuple(
        NodeCondition(kind, "Unknown", "NodeStatusNeverUpdated", "Kubelet never posted node status.", None, stamp(now))
        for kind in REPORTED
        if kind not in have
    )
    return (*unknown, *never)


def _taint(node: Node, now: Time, *, alone: bool) -> tuple[Request, ...]:
    """Bring the NoSchedule taints in line with the conditions, or else the NoExecute ones; `alone`: none is Ready."""
    for effect, wanted, ours in (
        ("NoSchedule", _no_schedule(node), {*TAINTED_BY.values(), UNSCHEDULABLE}),
        ("NoExecute", () if alone else _no_execute(node), {NOT_READY, UNREACHABLE}),
    ):
        have = {taint.key for taint in node.spec.taints if taint.effect == effect and taint.key in ours}
        if have != set(wanted):
            kept = tuple(
                taint
                for taint in node.spec.taints
                if taint.effect != effect or taint.key not in ours or taint.key in wanted
            )
            new = tuple(Taint(key, effect, time_added=stamp(now)) for key in wanted if key not in have)
            return (Update(evolve(node, spec=evolve(node.spec, taints=(*kept, *new))), node),)
    return ()


def _no_schedule(node: Node) -> tuple[str, ...]:
    """Name the NoSchedule taints that the conditions, and being cordoned, ask for."""
    statuses = ((condition.type, condition.status) for condition in node.status.conditions)
    by_condition = [TAINTED_BY[status] for status in statuses if status in TAINTED_BY]
    return tuple(sorted({*by_condition, *([UNSCHEDULABLE] if node.spec.unschedulable else [])}))


def _no_execute(node: Node) -> tuple[str, ...]:
    """Name the NoExecute taint that readiness asks for; a node that never said a word keeps what it has."""
    ready = node.status.condition("Ready")
    match None if ready is None else ready.status:
        case "True":
            return ()
        case "False":
            return (NOT_READY,)
        case "Unknown":
            return (UNREACHABLE,)
        case _:
            return tuple(
                taint.key
                for taint in node.spec.taints
                if taint.effect == "NoExecute" and taint.key in {NOT_READY, UNREACHABLE}
            )


def _is_ready(node: Node) -> bool:
    ready = node.status.condition("Ready")
    return ready is not None and ready.status == "True"


def _mark_pods(cache: Cache, node: Node, now: Time) -> tuple[Request, ...]:
    """Mark the Pods of a node that is not Ready as not Ready."""
    ready = node.status.condition("Ready")
    if ready is None or ready.status == "True":
        return ()
    return tuple(
        Update(_not_ready(pod, now), pod, "status")
        for pod in cache.list(Pod)
        if pod.spec.node_name == node.metadata.name and pod.ready
    )


def _not_ready(pod: Pod, now: Time) -> Pod:
    conditions = tuple(
        PodCondition("Ready", "False", condition.reason, condition.message, stamp(now), condition.extra)
        if condition.type == "Ready"
        else condition
        for condition in pod.status.conditions
    )
    return evolve(pod, status=evolve(pod.status, conditions=conditions))


def _placed(obj: Object) -> Object | None:
    """Keep a Pod that can be marked whole; ignore one without node or not ready."""
    return obj if isinstance(obj, Pod) and obj.spec.node_name and obj.ready else None


TRANSFORM: Transform = immutabledict({"Node": whole, "Pod": _placed})
