"""A place for every Pod as the scheduler itself would find one, Pod by Pod: the witness that there is one.

The scheduler decides on one Pod at a time and never moves it again, so it may get stuck though there is a placement.
Several orders and two choices among its feasible nodes are tried; what is found is reachable by scheduling in that
order. That nothing is found proves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from attrs import evolve, frozen

from ...impl.api.cache import Cache
from ...impl.api.core import Node, Pod
from ...impl.api.kinds import Object
from ...impl.api.values.quantity import Quantity
from ...impl.scheduler import DEFAULT, Decision, Profile, Snapshot, decide
from ...impl.scheduler.plugins.priority_sort import priority
from .counts import Group, Groups
from .groups import Fits, Spot
from .nodes import asks, units
from .problem import called

Choice = Callable[[Decision, Snapshot], str]


@frozen
class Stuck:
    """How many Pods found a place before one did not, and what the scheduler says of that one.

    `late`: nothing, for there was no time left to ask.
    """

    placed: int
    pod: str
    message: str
    late: bool = False


def never() -> bool:
    """Tell that there is time."""
    return False


def pack(
    groups: Groups,
    others: tuple[Object, ...] = (),
    profile: Profile = DEFAULT,
    *,
    over: Callable[[], bool] = never,
) -> Fits | Stuck:
    """Let the scheduler place all; `others` are the further objects it sees (volumes, claims, services, ...).

    `over` tells that there is no time left, and is asked before each Pod.
    """
    start = Snapshot.of(Cache.of([*groups.nodes, *groups.bound, *others]))
    first = by_itself(groups, others, profile, over=over)
    if isinstance(first, Fits) or first.late:
        return first
    for order in _orders(groups):
        for choice in (_best, _fullest):
            found = _attempt(order, start, profile, choice, over)
            if isinstance(found, Fits) or found.late:
                return found
    return first


def by_itself(
    groups: Groups,
    others: tuple[Object, ...] = (),
    profile: Profile = DEFAULT,
    *,
    over: Callable[[], bool] = never,
) -> Fits | Stuck:
    """Let the scheduler place all as it would: the most important Pods first, each on the node it likes best."""
    start = Snapshot.of(Cache.of([*groups.nodes, *groups.bound, *others]))
    order = tuple(sorted(groups.groups, key=lambda group: -priority(group.pod)))
    found = _attempt(order, start, profile, _best, over)
    return evolve(found, by_itself=True) if isinstance(found, Fits) else found


def _orders(groups: Groups) -> Iterator[tuple[Group, ...]]:
    """Yield the order given, then the large ones first, then those wanted by affinity first, large ones first."""
    nodes = groups.nodes
    has = {name: max(1, *(_units(node, name) for node in nodes)) for name in _resources(groups)} if nodes else {}

    def size(group: Group) -> float:
        return max((amount / has.get(name, 1) for name, amount in asks(group.pod).items()), default=0.0)

    large = tuple(sorted(groups.groups, key=size, reverse=True))
    yield groups.groups
    if large != groups.groups:
        yield large
    dependent = tuple(sorted(large, key=_depends))
    if dependent != large:
        yield dependent


def _resources(groups: Groups) -> list[str]:
    return sorted({name for group in groups.groups for name in asks(group.pod)})


def _units(node: Node, name: str) -> int:
    return units(name, node.status.allocatable.get(name, Quantity()))


def _depends(group: Group) -> bool:
    return bool(group.pod.spec.affinity and group.pod.spec.affinity.pod_affinity)


def _attempt(
    order: tuple[Group, ...], snapshot: Snapshot, profile: Profile, choice: Choice, over: Callable[[], bool]
) -> Fits | Stuck:
    spots: Counter[tuple[str, str]] = Counter()
    search = 0
    for group in order:
        for number in range(group.count):
            if over():
                return Stuck(spots.total(), called(group.pod), "there is no time left", late=True)
            pod = _numbered(group.pod, number)
            decision = decide(pod, snapshot, profile, search)
            search += decision.looked_at
            if not decision.feasible:
                return Stuck(spots.total(), called(group.pod), decision.message or decision.skipped)
            node = choice(decision, snapshot)
            spots[called(group.pod), node] += 1
            snapshot = snapshot.assume(pod, node)
    return Fits(tuple(Spot(group, node, count) for (group, node), count in sorted(spots.items())))


def _numbered(pod: Pod, number: int) -> Pod:
    return evolve(pod, metadata=evolve(pod.metadata, name=f"{pod.metadata.name}-{number}"))


def _best(decision: Decision, _snapshot: Snapshot) -> str:
    """Take the node the scheduler likes best, the first by name of several."""
    return decision.best[0]


def _fullest(decision: Decision, snapshot: Snapshot) -> str:
    """Take the feasible node that carries most Pods already, so that others stay empty."""
    carried = {info.name: len(info.pods) for info in snapshot.nodes}
    return max(decision.feasible, key=lambda name: (carried[name], name))
