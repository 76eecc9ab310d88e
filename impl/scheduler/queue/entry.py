"""What the scheduling queue keeps of a waiting Pod, and how it is set up: who waits for what, and for how long.

Upstream: QueuedPodInfo in pkg/scheduler/framework/types.go and the options of
pkg/scheduler/backend/queue/scheduling_queue.go (v1.32). Times are whole seconds of a clock that comes in as `now`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import field, frozen
from immutabledict import immutabledict

from ...api.core import Pod
from ..plugins.priority_sort import priority
from .cluster_event import ClusterEvent
from .queueing_hint import Changed
from .queueing_hint_map import Registration, registrations

DEFAULT_SCHEDULER = "default-scheduler"


class Remembers(Enum):
    """How a queue remembers what happened while a Pod was being tried."""

    FLAG = "flag"
    """One mark for all Pods, wiped out whenever a Pod is taken (before 1.14)."""
    CYCLE = "cycle"
    """The number of Pods taken before the last such event (1.14 and later, without queueing hints)."""


class NominationEnds(Enum):
    """Who is told that a node is promised to a Pod no longer: Pods of its priority or less may fit there now."""

    UNNOTICED = "unnoticed"
    """Nobody (1.32)."""
    SEEN = "seen"
    """They are, when a Pod is seen whose status named the node before (1.33, PR #129058)."""
    REMEMBERED = "remembered"
    """They are, when the scheduler itself remembered the promise, though no status may ever have named it."""


@frozen
class QueuedPodInfo:
    """A waiting Pod: since when it is where it is, how often it was tried, and which plugins refused it last.

    `pending_plugins` asked it to wait rather than refused it. `gated`: a plugin keeps it from being tried.
    """

    pod: Pod
    timestamp: int = 0
    attempts: int = 0
    initial_attempt_timestamp: int | None = None
    unschedulable_plugins: frozenset[str] = frozenset()
    pending_plugins: frozenset[str] = frozenset()
    gated: bool = False

    @property
    def rejectors(self) -> frozenset[str]:
        """The plugins that must change their minds."""
        return self.unschedulable_plugins | self.pending_plugins

    @property
    def order(self) -> tuple[int, int]:
        """What decides who is tried first, the least first: priority, then since when it waits."""
        return -priority(self.pod), self.timestamp


@frozen
class InFlightPod:
    """Marks where, in the list of events, the trial of a Pod began."""

    uid: str


@frozen
class InFlightEvent:
    """An event that came while some Pod was being tried, with the object before and after it."""

    event: ClusterEvent
    old: Changed
    new: Changed


def _default_registrations() -> immutabledict[str, tuple[Registration, ...]]:
    return immutabledict({DEFAULT_SCHEDULER: registrations(queueing_hints=False)})


@frozen
class QueueSettings:
    """Who waits for which events, by schedulerName; whether hints are asked; and the durations, in seconds.

    `remembers` matters only while hints are off: with them the events themselves are remembered. `removes_entries`: the
    cache forgets with a node whom it has on it (`assume_cache.remove_node`).
    """

    registrations: Mapping[str, tuple[Registration, ...]] = field(factory=_default_registrations)
    queueing_hints: bool = False
    remembers: Remembers = Remembers.CYCLE
    nomination_ends: NominationEnds = NominationEnds.UNNOTICED
    pod_initial_backoff: int = 1
    pod_max_backoff: int = 10
    pod_max_in_unschedulable_pods: int = 300
    removes_entries: bool = False

    @classmethod
    def of(cls, *names: str, queueing_hints: bool) -> QueueSettings:
        """Return the settings for profiles with the default plugins."""
        table = registrations(queueing_hints=queueing_hints)
        return cls(immutabledict.fromkeys(names or (DEFAULT_SCHEDULER,), table), queueing_hints)

    def interested_in(self, event: ClusterEvent) -> bool:
        """Tell whether any plugin of any profile waits for such an event."""
        return event.wild_card or any(
            registration.event.matches(event) for table in self.registrations.values() for registration in table
        )

    def backoff(self, info: QueuedPodInfo) -> int:
        """Return how long a Pod waits after it failed: twice as long each time, up to the most."""
        duration = self.pod_initial_backoff
        for _ in range(1, info.attempts):
            if duration > self.pod_max_backoff - duration:
                return self.pod_max_backoff
            duration += duration
        return duration

    def backing_off(self, info: QueuedPodInfo, now: int) -> bool:
        """Tell whether a Pod must not be tried yet."""
        return not info.gated and info.timestamp + self.backoff(info) > now
