"""What is written to the API server in the scheduler's small world: each write commits at once and sends its event."""

from __future__ import annotations

from attrs import evolve

from .....impl.api.core import Pod, PodCondition
from .....impl.api.well_known import DISRUPTION_TARGET
from .....model.machine import View
from .queue import EVENTS_OF_PODS, EVICTIONS, MANY, Updates, api


def promises(view: View, name: str, node: str) -> Updates:
    """Write the node that is promised to a Pod, "" for none; a Pod that is gone is left alone."""
    pod: Pod | None = view[api(name)]
    if pod is None:
        return {}
    return commits(view, pod, evolve(pod, status=evolve(pod.status, nominated_node_name=node)))


def evicts(view: View, victim: str) -> Updates:
    """Begin to delete a Pod on behalf of another; one that is going already is left alone."""
    pod: Pod | None = view[api(victim)]
    if pod is None or pod.metadata.terminating:
        return {}
    target = PodCondition(DISRUPTION_TARGET, "True", "PreemptionByScheduler")
    marked = evolve(pod, status=evolve(pod.status, conditions=(*pod.status.conditions, target)))
    return deletes(view, marked) | {EVICTIONS: min(view[EVICTIONS] + 1, MANY)}


def deletes(view: View, pod: Pod) -> Updates:
    """Delete a Pod: one that has a node terminates first."""
    going = evolve(pod, metadata=evolve(pod.metadata, deletion_timestamp=0))
    return commits(view, pod, going if pod.spec.node_name else None)


def commits(view: View, old: Pod, new: Pod | None) -> Updates:
    """Put a Pod into the store, or take it out, and send the event."""
    name = old.metadata.name
    return {api(name): new, EVENTS_OF_PODS: (*view[EVENTS_OF_PODS], (name, new))} if view[api(name)] != new else {}
