"""Which Pods a ReplicaSet gives up first.

Upstream: pkg/controller/controller_utils.go, ActivePodsWithRanks.Less, and pkg/controller/replicaset/replica_set.go,
getPodsToDelete (v1.32, LogarithmicScaleDown and PodDeletionCost on).
Two Pods whose ages are of the same order of magnitude are told apart by uid upstream. A uid is random, so that is a tie
here, as is everything that no rule decides; `victims_of` says between whom, `deletion_choices` lists every way to
resolve ties.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from attrs import frozen

from ...api.core import Pod
from ...api.meta import Time

COST = "controller.kubernetes.io/pod-deletion-cost"
PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}
INTEGER = re.compile(r"-[0-9]+|0|[1-9][0-9]*", re.ASCII)
"""What a deletion cost may look like: no plus sign, no leading zero unless negative."""


@frozen
class Ranked:
    """A Pod and the number of related active Pods on its node."""

    pod: Pod
    rank: int


def deletion_cost(pod: Pod) -> int:
    """Read the deletion cost annotation; 0 where it is absent, malformed or no int32."""
    text = pod.metadata.annotations.get(COST, "0")
    cost = int(text) if INTEGER.fullmatch(text) else 0
    return cost if -(2**31) <= cost < 2**31 else 0


def ranked(pods: Iterable[Pod], related: Iterable[Pod]) -> tuple[Ranked, ...]:
    """Rank each Pod by how many active related Pods share its node."""
    nodes = [pod.spec.node_name for pod in related if pod.active]
    return tuple(Ranked(pod, nodes.count(pod.spec.node_name)) for pod in pods)


def goes_before(one: Ranked, other: Ranked, now: Time) -> bool:
    """Tell whether a rule says that `one` is deleted before `other`; neither way round is a tie."""
    mine, theirs = _standing(one), _standing(other)
    if mine != theirs:
        return mine < theirs
    if one.pod.ready and (ready := _younger(_ready_since(one.pod), _ready_since(other.pod), now)) is not None:
        return ready
    restarts, their_restarts = _restarts(one.pod), _restarts(other.pod)
    if restarts != their_restarts:
        return restarts > their_restarts
    return bool(_younger(one.pod.metadata.creation_timestamp, other.pod.metadata.creation_timestamp, now))


def _standing(one: Ranked) -> tuple[bool, int, bool, int, int]:
    """Unassigned, pending, not ready, cheap and crowded go first."""
    pod = one.pod
    return bool(pod.spec.node_name), PHASES.get(pod.status.phase, 0), pod.ready, deletion_cost(pod), -one.rank


def _younger(mine: Time | None, theirs: Time | None, now: Time) -> bool | None:
    """Tell whether mine is younger by an order of magnitude (False: older, or the same order); None: the same time."""
    if mine == theirs:
        return None
    if mine is None or theirs is None:
        return mine is None
    return mine > theirs if not now else _magnitude(now - mine) < _magnitude(now - theirs)


def _magnitude(age: int) -> int:
    """Return the power of two of an age in nanoseconds; -1 when it is not past."""
    return int(math.log2(float(age * 10**9))) if age > 0 else -1


def _ready_since(pod: Pod) -> Time | None:
    ready = pod.status.condition("Ready")
    return None if ready is None else ready.last_transition_time


def _restarts(pod: Pod) -> tuple[int, int]:
    """Return the highest restart count of the containers, then of the sidecars."""
    sidecars = {sidecar.name for sidecar in pod.spec.sidecars}
    return (
        max((status.restart_count for status in pod.status.container_statuses), default=0),
        max(
            (status.restart_count for status in pod.status.init_container_statuses if status.name in sidecars),
            default=0,
        ),
    )


def deletion_order(pods: Iterable[Pod], related: Iterable[Pod], now: Time) -> tuple[Pod, ...]:
    """Put Pods in the order in which they go; ties stay in the order given.

    By insertion, as Go sorts short lists: the rules are no strict order once magnitudes of age come in.
    """
    return tuple(candidate.pod for candidate in in_order(ranked(pods, related), now))


def in_order(candidates: Iterable[Ranked], now: Time) -> list[Ranked]:
    """Insert each candidate behind the last one that it does not go before."""
    order: list[Ranked] = []
    for candidate in candidates:
        place = len(order)
        while place and goes_before(candidate, order[place - 1], now):
            place -= 1
        order.insert(place, candidate)
    return order


def deletion_choices(pods: Sequence[Pod], related: Iterable[Pod], count: int, now: Time) -> Iterator[tuple[Pod, ...]]:
    """Yield every set of `count` victims that the rules allow, the one `deletion_order` names first.

    Each set is in deletion order.
    """
    for victims in victims_of(pods, related, count, now):
        yield from victims.sets()


@frozen
class Victims:
    """Who goes: all that are `certain`, and `count` of those between whom no rule decides (`open`), which go later."""

    certain: tuple[Pod, ...]
    open: tuple[Pod, ...] = ()
    count: int = 0

    def sets(self) -> Iterator[tuple[Pod, ...]]:
        """Yield each set of Pods that may go."""
        for some in combinations(self.open, self.count):
            yield (*self.certain, *some)


def victims_of(pods: Sequence[Pod], related: Iterable[Pod], count: int, now: Time) -> Iterator[Victims]:
    """Yield who may go of some Pods, all together in as few ways as say it.

    Allowed: no Pod that stays goes before one that is deleted. Where being deleted before another is a strict weak
    order, that is one way: those before a tie, and some of the tie. Ages that are told apart by magnitude are none.
    """
    order = in_order(ranked(pods, related), now)
    if count >= len(order):
        yield Victims(tuple(candidate.pod for candidate in order))
        return
    before = [[goes_before(candidate, other, now) for other in order] for candidate in order]
    places = range(len(order))
    at_most = [sum(before[other][place] for other in places) < count for place in places]
    open_to_choice = [place for place in places if at_most[place] and sum(before[place]) < len(order) - count]
    forced = [place for place in places if place not in open_to_choice and at_most[place]]
    may_go = (*forced, *open_to_choice)
    if may_go == (*range(len(may_go)),) and not any(
        before[stays][goes] for stays in places if stays not in forced for goes in may_go
    ):
        certain, tie = (tuple(order[place].pod for place in some) for some in (forced, open_to_choice))
        left = count - len(forced)
        yield Victims(certain, tie, left) if 0 < left < len(tie) else Victims((*certain, *tie)[:count])
        return
    chosen = tuple(range(count))
    yield Victims(tuple(order[place].pod for place in chosen))
    if len(forced) > count:
        return
    for some in combinations(open_to_choice, count - len(forced)):
        victims = tuple(sorted((*forced, *some)))
        stay = [place for place in places if place not in victims]
        if victims != chosen and not any(before[kept][victim] for kept in stay for victim in victims):
            yield Victims(tuple(order[place].pod for place in victims))
