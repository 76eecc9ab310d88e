"""What would help, and whether the scheduler gets there by itself: further answers of `kubeproof place` in words."""

from __future__ import annotations

from ...properties.placement.changes import Added, Changed, fewest_changes, least_capacity
from ...properties.placement.groups import Fits, Misfit
from ...properties.placement.order import Reached, Unreachable, reach
from ...properties.placement.packing import Stuck, by_itself
from ...properties.placement.volumes import undecided
from .place import Wanted, not_searched
from .words import Section, core, pods, row, source, where


def changes(found: Wanted, milliseconds: int) -> Section:
    """Name the fewest edits after which all have a place."""
    if why := _unasked(found):
        return Section("changes", "UNKNOWN", f"the fewest changes are not known: {why}")
    answer = fewest_changes(found.groups, milliseconds=milliseconds)
    if not isinstance(answer, Changed):
        return Section("changes", "UNKNOWN", f"the fewest changes are not known: {answer.why}")
    if not answer.changes:
        return Section("changes", "HOLDS", "nothing has to change", where(answer.fits))
    number = "1 change" if len(answer.changes) == 1 else f"{len(answer.changes)} changes"
    lines = tuple(f"{source(found, change.reason)}{change.words}" for change in answer.changes)
    words = f"after {number} there is a place for all, and not after fewer"
    return Section("changes", "HOLDS", words, (*lines, *(f"then {line}" for line in where(answer.fits))))


def capacity(found: Wanted, milliseconds: int) -> Section:
    """Name the least capacity that the nodes there are need more of."""
    if why := _unasked(found):
        return Section("capacity", "UNKNOWN", f"the least capacity is not known: {why}")
    answer = least_capacity(found.groups, milliseconds=milliseconds)
    if isinstance(answer, Misfit):
        words = "no capacity would make room for all; without any one of these some would"
        return Section("capacity", "VIOLATED", words, core(found, answer))
    if not isinstance(answer, Added):
        return Section("capacity", "UNKNOWN", f"the least capacity is not known: {answer.why}")
    lines = tuple(f"{node}: {size}{'m' if name == 'cpu' else ''} more {name}" for node, name, size in answer.amounts)
    words = "with so much more there is a place for all, and not with less (cpu before memory before others)"
    return Section("capacity", "HOLDS", words if lines else "no more is needed", (*lines, *where(answer.fits)))


def _unasked(found: Wanted) -> str:
    """Say why nobody is asked: too many pairs, or a claim on whose binding the answer hangs; "" if for no reason."""
    groups = found.groups
    if most := not_searched(groups):
        return f"more than {most} pairs of a group and a node are not searched"
    return undecided(((group.pod, group.count) for group in groups.groups), groups.nodes, groups.storage)


def by_scheduling(found: Wanted, answer: Fits) -> tuple[str, ...]:
    """Say what the scheduler reaches by itself where that is not all, and in which order it could be led there."""
    alone = None if answer.by_itself else by_itself(found.groups, found.others)
    if not isinstance(alone, Stuck):
        return ()
    first = f"left to itself the scheduler places {pods(alone.placed)} and gets stuck at {alone.pod}: {alone.message}"
    order = reach(found.groups, answer, found.others)
    if isinstance(order, Reached):
        return first, f"in this order its filters allow the placement: {_steps(order)}"
    if isinstance(order, Unreachable):
        return first, "in no order do its filters allow this placement"
    return first, "whether some order leads there was not searched to the end"


def _steps(order: Reached) -> str:
    """Name the steps, those alike that follow each other together."""
    told: list[list[str | int]] = []
    for group, node in order.steps:
        if told and told[-1][:2] == [group, node]:
            told[-1][2] = int(told[-1][2]) + 1
        else:
            told.append([group, node, 1])
    return row(f"{f'{count} x ' if count != 1 else ''}{group} to {node}" for group, node, count in told)
