"""The scheduling queue: Pods to be tried now, Pods that failed lately, Pods that wait for something to happen.

Upstream: pkg/scheduler/backend/queue/{scheduling_queue,active_queue}.go (v1.32). Here is what concerns one Pod: how it
comes in, is taken, fails, changes and leaves. What events do to all of them is in queue_requeue.py.
Left out on purpose: metrics, and the heap's order among equals (`heads` names all of them; upstream takes any).
"""

from __future__ import annotations

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...api.core import Pod, PodStatus
from ...api.kinds import ref_of
from ...api.meta import Ref
from ..plugins.scheduling_gates import NAME as SCHEDULING_GATES
from ..plugins.scheduling_gates import pre_enqueue
from .cluster_event import ClusterEvent
from .entry import InFlightEvent, InFlightPod, QueuedPodInfo, QueueSettings
from .nominator import Nominator
from .queueing_hint import Changed

Infos = immutabledict[Ref, QueuedPodInfo]
NONE: Infos = immutabledict()


@frozen
class SchedulingQueue:
    """The three places a Pod can wait in, and what came while Pods were being tried.

    `in_flight` is kept only with queueing hints: marks of Pods being tried, with the events that came after each.
    `received_move_request` is kept only for `Remembers.FLAG`, the two cycles for `Remembers.CYCLE`.
    """

    active: Infos = NONE
    backoff: Infos = NONE
    unschedulable: Infos = NONE
    in_flight: tuple[InFlightPod | InFlightEvent, ...] = ()
    scheduling_cycle: int = 0
    move_request_cycle: int = -1
    received_move_request: bool = False
    nominator: Nominator = Nominator()

    def find(self, ref: Ref) -> QueuedPodInfo | None:
        """Look a Pod up wherever it waits."""
        return self.active.get(ref) or self.backoff.get(ref) or self.unschedulable.get(ref)

    def without(self, ref: Ref) -> SchedulingQueue:
        """Return the queue without a Pod, wherever it waits; what is promised to it stays."""
        return evolve(
            self,
            active=self.active.discard(ref),
            backoff=self.backoff.discard(ref),
            unschedulable=self.unschedulable.discard(ref),
        )

    def in_active(self, info: QueuedPodInfo) -> SchedulingQueue:
        """Put a Pod among those to be tried, and nowhere else."""
        free = self.without(ref_of(info.pod))
        return evolve(free, active=free.active.set(ref_of(info.pod), info))

    def in_backoff(self, info: QueuedPodInfo) -> SchedulingQueue:
        """Put a Pod among those that failed lately, and nowhere else."""
        free = self.without(ref_of(info.pod))
        return evolve(free, backoff=free.backoff.set(ref_of(info.pod), info))

    def in_unschedulable(self, info: QueuedPodInfo) -> SchedulingQueue:
        """Put a Pod among those that wait for an event, and nowhere else."""
        free = self.without(ref_of(info.pod))
        return evolve(free, unschedulable=free.unschedulable.set(ref_of(info.pod), info))

    def is_in_flight(self, uid: str) -> bool:
        """Tell whether a Pod is being tried (known only with queueing hints)."""
        return InFlightPod(uid) in self.in_flight


def move_to_active(queue: SchedulingQueue, info: QueuedPodInfo, now: int) -> SchedulingQueue:
    """Put a Pod among those to be tried, unless a gate holds it: then it stays where it is, or waits for an event."""
    if pre_enqueue(info.pod):
        gated = evolve(info, gated=True, unschedulable_plugins=info.unschedulable_plugins | {SCHEDULING_GATES})
        waits = ref_of(info.pod) in queue.active or ref_of(info.pod) in queue.backoff
        return queue if waits else queue.in_unschedulable(gated)
    first = now if info.initial_attempt_timestamp is None else info.initial_attempt_timestamp
    return queue.in_active(evolve(info, gated=False, initial_attempt_timestamp=first))


def add(queue: SchedulingQueue, pod: Pod, known: Pod | None, now: int) -> SchedulingQueue:
    """Take in a new Pod. `known` is the same Pod as the informer has it."""
    return _new(queue, pod, known, now)


def _new(queue: SchedulingQueue, pod: Pod, known: Pod | None, now: int) -> SchedulingQueue:
    after = move_to_active(queue, QueuedPodInfo(pod, timestamp=now), now)
    if ref_of(pod) not in after.active:
        return after
    return evolve(after, nominator=after.nominator.add(pod, None, known))


def heads(queue: SchedulingQueue) -> tuple[Ref, ...]:
    """Name the Pods that may be taken next: those that are equally first."""
    first = min((info.order for info in queue.active.values()), default=None)
    return tuple(sorted(ref for ref, info in queue.active.items() if info.order == first))


def pop(
    queue: SchedulingQueue, settings: QueueSettings, ref: Ref | None = None
) -> tuple[QueuedPodInfo | None, SchedulingQueue]:
    """Take a Pod to be tried: the given one, or the first by name of those that are first; None if there is none.

    A Pod that is already being tried is dropped, and the next one is taken.
    """
    first = heads(queue)
    if not first:
        return None, queue
    chosen = first[0] if ref is None else ref
    info = queue.active[chosen]
    left = evolve(queue, active=queue.active.discard(chosen))
    if settings.queueing_hints:
        if left.is_in_flight(info.pod.metadata.uid):
            return pop(left, settings)
        left = evolve(left, in_flight=(*left.in_flight, InFlightPod(info.pod.metadata.uid)))
    taken = evolve(
        info, attempts=info.attempts + 1, unschedulable_plugins=frozenset[str](), pending_plugins=frozenset[str]()
    )
    return taken, evolve(left, scheduling_cycle=left.scheduling_cycle + 1, received_move_request=False)


def done(queue: SchedulingQueue, uid: str) -> SchedulingQueue:
    """End the trial of a Pod: the events that only it had to look at are forgotten."""
    if not queue.is_in_flight(uid):
        return queue
    left = [flying for flying in queue.in_flight if flying != InFlightPod(uid)]
    while left and isinstance(left[0], InFlightEvent):
        del left[0]
    return evolve(queue, in_flight=tuple(left))


def remember(
    queue: SchedulingQueue, settings: QueueSettings, event: ClusterEvent, old: Changed, new: Changed
) -> SchedulingQueue:
    """Note an event for the Pods that are being tried."""
    noted = evolve(queue, move_request_cycle=queue.scheduling_cycle, received_move_request=True)
    if not settings.queueing_hints or not any(isinstance(flying, InFlightPod) for flying in queue.in_flight):
        return noted
    return evolve(noted, in_flight=(*queue.in_flight, InFlightEvent(event, old, new)))


def events_since(queue: SchedulingQueue, uid: str) -> tuple[InFlightEvent, ...]:
    """Return the events that came since the trial of a Pod began; ValueError if it is not being tried."""
    begin = queue.in_flight.index(InFlightPod(uid))
    return tuple(flying for flying in queue.in_flight[begin:] if isinstance(flying, InFlightEvent))


def delete(queue: SchedulingQueue, pod: Pod) -> SchedulingQueue:
    """Forget a Pod and what was promised to it. That it is being tried is not undone."""
    return evolve(queue.without(ref_of(pod)), nominator=queue.nominator.delete(pod))


def activate(queue: SchedulingQueue, refs: tuple[Ref, ...], now: int) -> SchedulingQueue:
    """Have Pods tried at once that wait for an event or failed lately; others are left alone."""
    for ref in refs:
        info = queue.unschedulable.get(ref) or queue.backoff.get(ref)
        if info is not None:
            queue = move_to_active(queue, info, now)
    return queue


def flush_backoff_completed(queue: SchedulingQueue, settings: QueueSettings, now: int) -> SchedulingQueue:
    """Have those tried again that have waited long enough after they failed."""
    ready = [info for info in queue.backoff.values() if not settings.backing_off(info, now)]
    for info in sorted(ready, key=lambda one: (one.timestamp + settings.backoff(one), ref_of(one.pod))):
        queue = move_to_active(queue.without(ref_of(info.pod)), info, now)
    return queue


def is_pod_updated(old: Pod, new: Pod) -> bool:
    """Tell whether an update may make a waiting Pod fit: anything but its status, finalizers and version numbers."""
    return _stripped(old) != _stripped(new)


def _stripped(pod: Pod) -> Pod:
    meta = evolve(pod.metadata, resource_version="", generation=0, finalizers=())
    return evolve(pod, metadata=meta, status=PodStatus())
