"""Rules about volumes for counted Pods on cells of nodes: disks, attach limits, claims for one Pod.

Of several like nodes taken together they say nothing, which leaves every proof of a contradiction right.
"""

from __future__ import annotations

from collections.abc import Iterator

import z3

from .counts import Cell, Cells, Groups, here, total
from .problem import Reason, Rule, called, name_of
from .volumes import attached, limits, same_disk, single_user


def volume_rules(groups: Groups, cell: Cell) -> Iterator[Rule]:
    """A node attaches a disk for one Pod, and no more volumes than its drivers can; of like nodes together nothing."""
    if cell.size == 1 and any(group.pod.spec.extra.get("volumes") for group in groups.groups):
        yield from _disks(groups, cell)
        yield from _attached(groups, cell)


def _disks(groups: Groups, cell: Cell) -> Iterator[Rule]:
    there = list(groups.problem.on(cell.first))
    remedy = "another disk, one more node, or reading only would do"
    for index, group in enumerate(groups.groups):
        who, where = called(group.pod), name_of(cell.first)
        if any(same_disk(group.pod, other) for other in there):
            reason = Reason("disk", (who,), (where,), f"a disk of {who} is attached to {where} already", remedy)
            yield Rule(reason, here(index, cell) == 0)
        for later in range(index, len(groups.groups)):
            other = groups.groups[later].pod
            if disk := same_disk(group.pod, other):
                words = f"{who} and {called(other)} cannot both attach {disk} to {where}"
                apart = z3.Or(here(index, cell) == 0, here(later, cell) == 0)
                alone = here(index, cell) <= 1 if later == index else apart
                yield Rule(Reason("disk", (who, called(other)), (where,), words, remedy), alone)


def _attached(groups: Groups, cell: Cell) -> Iterator[Rule]:
    """Volumes count once per node, however many Pods use them; those that are attached already count too."""
    there: dict[str, str] = {}
    for pod in groups.problem.on(cell.first):
        there |= attached(pod, groups.storage)
    wanted = [attached(group.pod, groups.storage) for group in groups.groups]
    for driver, most in sorted(limits(cell.first, groups.storage).items()):
        users: dict[str, list[int]] = {}
        for index, volumes in enumerate(wanted):
            for name in (name for name, of in volumes.items() if of == driver and name not in there):
                users.setdefault(name, []).append(index)
        used = sum(value == driver for value in there.values())
        new = [z3.Or([here(index, cell) > 0 for index in indexes]) for indexes in users.values()]
        words = f"{name_of(cell.first)} attaches at most {most} volumes of {driver}; {used} are attached"
        who = tuple(
            called(groups.groups[index].pod) for index in sorted({member for each in users.values() for member in each})
        )
        reason = Reason("attach limit", who, (name_of(cell.first),), words, "one more node would do")
        if new:
            yield Rule(
                reason, z3.Or(z3.Not(z3.Or(new)), z3.Sum([z3.If(attaches, 1, 0) for attaches in new]) + used <= most)
            )


def single_users(groups: Groups, index: int, some: Cells) -> Iterator[Rule]:
    """A claim for one Pod has one user in the whole cluster."""
    group, storage = groups.groups[index], groups.storage
    if not group.pod.spec.extra.get("volumes"):
        return
    who, remedy = called(group.pod), "a claim of its own, or another access mode, would do"
    user = next(
        (pod for node in groups.nodes for pod in groups.problem.on(node) if single_user(group.pod, pod, storage)), None
    )
    if user is not None:
        words = f"{who} wants the claim {single_user(group.pod, user, storage)}, which {called(user)} uses alone"
        yield Rule(Reason("single user", (who,), (), words, remedy), total(index, some) == 0)
    for later in range(index, len(groups.groups)):
        other = groups.groups[later].pod
        if claim := single_user(group.pod, other, storage):
            both = total(index, some) + (total(later, some) if later != index else 0)
            words = f"only one Pod may use the claim {claim}, by its access mode ReadWriteOncePod"
            yield Rule(Reason("single user", (who, called(other)), (), words, remedy), both <= 1)
