"""Can the scheduler get there? An order in which its filters let each Pod go where a placement puts it.

A placement holds when all are placed; on the way, affinity wants its company first and spreading wants even steps. All
orders are searched, like Pods being exchanged at will, so that no order at all is a proof for this one placement. What
the scheduler likes best is another matter: the filters allow each step, the ranking may prefer another node.
"""

from __future__ import annotations

from attrs import evolve, frozen

from ...impl.api.cache import Cache
from ...impl.api.core import Pod
from ...impl.api.kinds import Object
from ...impl.scheduler import DEFAULT, Refusal, Snapshot
from ...impl.scheduler.filtering import prepare, refusal
from .counts import Groups
from .groups import Fits
from .problem import called

Counts = tuple[int, ...]


@frozen
class Reached:
    """Group and node of each Pod, in an order in which they can be scheduled."""

    steps: tuple[tuple[str, str], ...]


@frozen
class Unreachable:
    """No order of scheduling leads to the placement."""


@frozen
class Unsearched:
    """The search was given up."""


def reach(
    groups: Groups, fits: Fits, others: tuple[Object, ...] = (), *, most: int = 2_000
) -> Reached | Unreachable | Unsearched:
    """Search for an order; after `most` questions to the filters the search is given up."""
    pods = {called(group.pod): group.pod for group in groups.groups}
    spots = tuple((spot.group, spot.node) for spot in fits.spots)
    whole = tuple(spot.count for spot in fits.spots)
    start = Snapshot.of(Cache.of([*groups.nodes, *groups.bound, *others]))
    stack: list[tuple[Counts, Snapshot, tuple[tuple[str, str], ...]]] = [((0,) * len(spots), start, ())]
    seen = {stack[0][0]}
    asked = 0
    while stack:
        done, snapshot, steps = stack.pop()
        if done == whole:
            return Reached(steps)
        for index in reversed(range(len(spots))):
            group, node = spots[index]
            further = (*done[:index], done[index] + 1, *done[index + 1 :])
            if done[index] == whole[index] or further in seen:
                continue
            asked += 1
            if asked > most:
                return Unsearched()
            pod = _numbered(
                pods[group], sum(count for (name, _), count in zip(spots, done, strict=True) if name == group)
            )
            if _lets(snapshot, pod, node):
                seen.add(further)
                stack.append((further, snapshot.assume(pod, node), (*steps, spots[index])))
    return Unreachable()


def _numbered(pod: Pod, number: int) -> Pod:
    return evolve(pod, metadata=evolve(pod.metadata, name=f"{pod.metadata.name}-{number}"))


def _lets(snapshot: Snapshot, pod: Pod, name: str) -> bool:
    """Whether the filters let a Pod go to a node."""
    ready, info = prepare(snapshot, pod, DEFAULT), snapshot.node(name)
    return info is not None and not isinstance(ready, Refusal) and refusal(ready, pod, info) is None
