"""What events do to the waiting Pods: who is worth another try, at once or after its back-off.

Upstream: pkg/scheduler/backend/queue/scheduling_queue.go (v1.32): isPodWorthRequeuing, AddUnschedulableIfNotPresent,
MoveAllToActiveOrBackoffQueue, AssignedPodAdded, AssignedPodUpdated, Update, flushUnschedulablePodsLeftover.
Kept as it is: without hints a Pod that failed is compared with the number of the last trial in which an event came, so
the event may have come before its own trial began (it is tried once more than needed, never once less).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum

from attrs import evolve, frozen

from ...api.core import Pod
from ...api.kinds import ref_of
from ...api.meta import Ref
from ...api.values.frozen import Strings
from ..plugins.pod_affinity_terms import affinity, matches, required
from ..plugins.pod_topology_spread import NAME as POD_TOPOLOGY_SPREAD
from ..plugins.priority_sort import priority
from ..plugins.scheduling_gates import NAME as SCHEDULING_GATES
from .cluster_event import (
    ASSIGNED_POD_ADD,
    ASSIGNED_POD_DELETE,
    ASSIGNED_POD_UPDATE,
    UNSCHEDULABLE_TIMEOUT,
    UNSCHEDULED_POD_UPDATE,
    ActionType,
    ClusterEvent,
    pod_scheduling_properties_change,
)
from .entry import InFlightEvent, QueuedPodInfo, QueueSettings, Remembers
from .queue import SchedulingQueue, done, events_since, is_pod_updated, move_to_active, remember
from .queue import add as add_new
from .queueing_hint import Changed

Check = Callable[[Pod], bool]


class Strategy(Enum):
    """What to do with a Pod after an event."""

    SKIP = "skip"
    AFTER_BACKOFF = "after backoff"
    IMMEDIATELY = "immediately"


@frozen
class AlreadyQueued:
    """A Pod that failed is waiting already: nothing was added."""

    ref: Ref


def worth_requeuing(
    settings: QueueSettings, info: QueuedPodInfo, event: ClusterEvent, old: Changed, new: Changed
) -> Strategy:
    """Ask the plugins that refused a Pod about an event; nobody refused it or nobody is known: try it again."""
    table = settings.registrations.get(_profile(info.pod, settings))
    if not info.rejectors or event.wild_card or table is None:
        return Strategy.AFTER_BACKOFF
    asked = [
        registration
        for registration in table
        if registration.plugin in info.rejectors and registration.event.matches(event)
    ]
    willing = {registration.plugin for registration in asked if registration.worth(info.pod, old, new)}
    if willing & info.pending_plugins:
        return Strategy.IMMEDIATELY
    return Strategy.AFTER_BACKOFF if willing else Strategy.SKIP


def _profile(pod: Pod, settings: QueueSettings) -> str:
    """Name the profile of a Pod; one that names none belongs to the first."""
    return pod.spec.scheduler_name or next(iter(settings.registrations))


def _requeue(
    queue: SchedulingQueue, settings: QueueSettings, info: QueuedPodInfo, strategy: Strategy, now: int
) -> SchedulingQueue:
    if strategy is Strategy.SKIP:
        return queue.in_unschedulable(info)
    if strategy is Strategy.AFTER_BACKOFF and settings.backing_off(info, now):
        return queue.in_backoff(info)
    return move_to_active(queue, info, now)


def add_unschedulable_if_not_present(
    queue: SchedulingQueue, settings: QueueSettings, info: QueuedPodInfo, cycle: int, now: int
) -> SchedulingQueue | AlreadyQueued:
    """Take back a Pod that failed; `cycle` is the number its trial had. Its trial is over in any case.

    It waits for an event, unless one came while it was being tried, or no plugin refused it (something else failed).
    """
    if queue.find(ref_of(info.pod)) is not None:
        return AlreadyQueued(ref_of(info.pod))
    failed = evolve(info, timestamp=now)
    if settings.queueing_hints:
        strategy = _in_flight_strategy(queue, settings, failed)
        return done(_requeue(queue, settings, failed, strategy, now), info.pod.metadata.uid)
    flag = settings.remembers is Remembers.FLAG
    moved = queue.received_move_request if flag else queue.move_request_cycle >= cycle
    if moved or not failed.rejectors:
        return queue.in_backoff(failed)
    return queue.in_unschedulable(failed)


def _in_flight_strategy(queue: SchedulingQueue, settings: QueueSettings, info: QueuedPodInfo) -> Strategy:
    """Ask about every event that came while the Pod was being tried; the strongest answer counts."""
    if not queue.is_in_flight(info.pod.metadata.uid) or not info.rejectors:
        return Strategy.AFTER_BACKOFF
    answers = {
        worth_requeuing(settings, info, event.event, event.old, event.new)
        for event in events_since(queue, info.pod.metadata.uid)
    }
    strongest = (Strategy.IMMEDIATELY, Strategy.AFTER_BACKOFF)
    return next((strategy for strategy in strongest if strategy in answers), Strategy.SKIP)


def move_all_to_active_or_backoff_queue(
    queue: SchedulingQueue,
    settings: QueueSettings,
    event: ClusterEvent,
    old: Changed,
    new: Changed,
    now: int,
    check: Check | None = None,
) -> SchedulingQueue:
    """Try those again that an event may help. `check` sorts out Pods beforehand (upstream: preCheck)."""
    infos = [info for info in queue.unschedulable.values() if check is None or check(info.pod)]
    return _move(queue, settings, infos, event, old, new, now)


def _move(
    queue: SchedulingQueue,
    settings: QueueSettings,
    infos: Iterable[QueuedPodInfo],
    event: ClusterEvent,
    old: Changed,
    new: Changed,
    now: int,
) -> SchedulingQueue:
    if not settings.interested_in(event):
        return queue
    for info in sorted(infos, key=lambda one: ref_of(one.pod)):
        if info.gated and SCHEDULING_GATES in info.unschedulable_plugins:
            continue  # Only a change of the Pod itself opens a gate.
        strategy = worth_requeuing(settings, info, event, old, new)
        if strategy is not Strategy.SKIP:
            queue = _requeue(queue.without(ref_of(info.pod)), settings, info, strategy, now)
    return remember(queue, settings, event, old, new)


def assigned_pod_added(
    queue: SchedulingQueue, settings: QueueSettings, pod: Pod, namespace_labels: Strings, now: int
) -> SchedulingQueue:
    """Try those again that want to be near a Pod which has a node now, or spread over the Pods of its namespace."""
    infos = _across_nodes(queue, pod, namespace_labels)
    return _move(queue, settings, infos, ASSIGNED_POD_ADD, None, pod, now)


def assigned_pod_updated(
    queue: SchedulingQueue,
    settings: QueueSettings,
    old: Pod,
    new: Pod,
    event: ClusterEvent,
    namespace_labels: Strings,
    now: int,
) -> SchedulingQueue:
    """Do the same for a bound Pod that changed; one that asks for less helps everybody."""
    if ActionType.UPDATE_POD_SCALE_DOWN in event.action:
        return _move(queue, settings, queue.unschedulable.values(), ASSIGNED_POD_UPDATE, old, new, now)
    return _move(queue, settings, _across_nodes(queue, new, namespace_labels), event, old, new, now)


def _across_nodes(queue: SchedulingQueue, pod: Pod, namespace_labels: Strings) -> list[QueuedPodInfo]:
    return [info for info in queue.unschedulable.values() if _looks_across(info, pod, namespace_labels)]


def _looks_across(info: QueuedPodInfo, pod: Pod, namespace_labels: Strings) -> bool:
    if POD_TOPOLOGY_SPREAD in info.unschedulable_plugins and pod.metadata.namespace == info.pod.metadata.namespace:
        return True
    return any(matches(term, info.pod, pod, namespace_labels) for term in required(affinity(info.pod)))


def nomination_ended(queue: SchedulingQueue, settings: QueueSettings, pod: Pod, now: int) -> SchedulingQueue:
    """Try those again that a Pod kept away while a node was promised to it: as if it had gone from that node."""
    most = priority(pod)
    infos = [info for info in queue.unschedulable.values() if priority(info.pod) <= most]
    there = evolve(pod, spec=evolve(pod.spec, node_name=pod.spec.node_name or pod.status.nominated_node_name or "?"))
    return _move(queue, settings, infos, ASSIGNED_POD_DELETE, there, None, now)


def flush_unschedulable_leftover(queue: SchedulingQueue, settings: QueueSettings, now: int) -> SchedulingQueue:
    """Try those again that have waited for an event for too long."""
    longest = settings.pod_max_in_unschedulable_pods
    infos = [info for info in queue.unschedulable.values() if now - info.timestamp > longest]
    return _move(queue, settings, infos, UNSCHEDULABLE_TIMEOUT, None, None, now) if infos else queue


def update(
    queue: SchedulingQueue, settings: QueueSettings, old: Pod | None, new: Pod, known: Pod | None, now: int
) -> SchedulingQueue:
    """Take in a waiting Pod that changed. `known` is the Pod as the informer has it (usually `new`)."""
    if settings.queueing_hints and queue.is_in_flight(new.metadata.uid):
        seen = InFlightEvent(UNSCHEDULED_POD_UPDATE, old, new)
        return evolve(queue, in_flight=(*queue.in_flight, seen))
    info = queue.find(ref_of(new))
    if info is None:
        return add_new(queue, new, known, now)
    changed = evolve(info, pod=new)
    promised = evolve(queue, nominator=queue.nominator.update(old, new, known))
    if ref_of(new) in queue.active:
        return promised.in_active(changed)
    if ref_of(new) in queue.backoff:
        return promised.in_backoff(changed)
    return _updated_while_waiting(promised.in_unschedulable(changed), settings, changed, old, new, now)


def _updated_while_waiting(
    queue: SchedulingQueue, settings: QueueSettings, info: QueuedPodInfo, old: Pod | None, new: Pod, now: int
) -> SchedulingQueue:
    if settings.queueing_hints:
        for event in pod_scheduling_properties_change(old or new, new):
            strategy = worth_requeuing(settings, info, event, old, new)
            queue = _requeue(queue, settings, info, strategy, now)
            if ref_of(new) in queue.active:
                break
        return queue
    if old is None or not is_pod_updated(old, new):
        return queue
    return _requeue(queue, settings, info, Strategy.AFTER_BACKOFF, now)
