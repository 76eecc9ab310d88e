"""The least that has to change so that all Pods have a place: fewest rules given up, or least capacity added.

Both are asked node by node: z3's optimizer, or for the fewest changes CP-SAT where it is installed. A change is one
edit: dropping the anti-affinity of a group, removing a taint, raising a node's cpu. What is found is least among
edits of these kinds; the Pods themselves have to run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import z3
from attrs import frozen

from ...impl.api.values.quantity import Quantity
from .counts import Cell, Cells, Group, Groups, each_alone, here
from .cpsat import Solved, installed, solve
from .groups import Fits, Misfit, Undecided, as_fits, background, bounds, place, rules
from .nodes import asks, units
from .optimum import fits_of
from .problem import Reason, Rule, name_of

MUST_RUN, ROOM = "must run", "room"
OF_A_NODE = ("cordon", "taint")
EDITS = {
    "cordon": "uncordon {node}",
    "taint": "remove the taint from {node}, or let the Pods tolerate it",
    "node affinity": "drop the nodeSelector or required node affinity of {pods}",
    "node name": "drop spec.nodeName of {pods}",
    "room": "raise what {node} has: {words}",
    "ports": "take another host port for {pods}",
    "anti-affinity": "drop the required anti-affinity between {pods}",
    "affinity": "drop the required affinity of {pods}",
    "spread": "make the spread constraint of {pods} ScheduleAnyway",
}


@frozen
class Change:
    """One edit in words, and one of the rules that it does away with."""

    words: str
    reason: Reason


@frozen
class Changed:
    """The fewest changes after which all have a place, and that place."""

    changes: tuple[Change, ...]
    fits: Fits


@frozen
class Added:
    """How much more of which resource (in thousandths of a cpu, else in units) which node needs."""

    amounts: tuple[tuple[str, str, int], ...]
    fits: Fits


def fewest_changes(groups: Groups, *, milliseconds: int = 10_000) -> Changed | Undecided:
    """Find the least number of edits that make room for all; none if there is a place already."""
    some = each_alone(groups)
    edits: dict[tuple[Any, ...], list[Rule]] = {}
    hard: list[Any] = [*background(groups, some)]
    for rule in rules(groups, some):
        if rule.reason.kind == MUST_RUN:
            hard.append(rule.formula)
        else:
            edits.setdefault(_edit(rule.reason), []).append(rule)
    kept = [z3.Bool(f"keep {number}") for number in range(len(edits))]
    each = zip(kept, edits.values(), strict=True)
    hard += [z3.Implies(name, rule.formula) for name, those in each for rule in those]
    if not some:
        return Undecided("there is no node")
    reasons = [those[0].reason for those in edits.values()]
    by = _by_cpsat if installed() else _by_z3
    return by(groups, hard, list(zip(kept, reasons, strict=True)), milliseconds)


Kept = list[tuple[Any, Reason]]
"""A truth value for each edit, false if it is made, and a reason that it does away with."""
NOT_IN_TIME = Undecided("no least number of changes was found in time")


def _by_z3(groups: Groups, hard: list[Any], kept: Kept, milliseconds: int) -> Changed | Undecided:
    optimizer = z3.Optimize()
    optimizer.set("timeout", milliseconds)
    optimizer.add(hard)
    for name, _ in kept:
        optimizer.add_soft(name)
    if optimizer.check() != z3.sat:
        return NOT_IN_TIME
    model = optimizer.model()
    given_up = [reason for name, reason in kept if z3.is_false(model.eval(name))]
    return Changed(_changes(given_up), as_fits(groups, each_alone(groups), model))


def _by_cpsat(groups: Groups, hard: list[Any], kept: Kept, milliseconds: int) -> Changed | Undecided:
    some = each_alone(groups)
    given_up = z3.Sum([z3.If(name, 0, 1) for name, _ in kept])
    answer = solve(hard, bounds(groups, some), given_up, seconds=milliseconds / 1000)
    if not isinstance(answer, Solved) or not answer.best:
        return NOT_IN_TIME
    reasons = [reason for name, reason in kept if answer.values.get(str(name)) == 0]
    return Changed(_changes(reasons), fits_of(groups, some, answer.values))


def _changes(reasons: list[Reason]) -> tuple[Change, ...]:
    return tuple(Change(_words(reason), reason) for reason in reasons)


def _edit(reason: Reason) -> tuple[Any, ...]:
    """Tell which edit does away with a rule: rules with the same one are given up together."""
    if reason.kind in OF_A_NODE:
        return reason.kind, reason.words.partition(": ")[2]
    return (ROOM, reason.nodes, reason.resource) if reason.kind == ROOM else (reason.kind, reason.pods)


def _words(reason: Reason) -> str:
    pods, node = " and ".join(dict.fromkeys(reason.pods)), reason.nodes[0] if reason.nodes else ""
    pattern = EDITS.get(reason.kind, "give {pods} other volumes: {words}")
    return pattern.format(pods=pods, node=node, words=reason.words)


def _optimizer(groups: Groups, some: Cells, milliseconds: int) -> Any:
    optimizer = z3.Optimize()
    optimizer.set("timeout", milliseconds)
    optimizer.add(background(groups, some))
    return optimizer


# --- capacity -----------------------------------------------------------------------------------------------------


def least_capacity(groups: Groups, *, milliseconds: int = 10_000) -> Added | Misfit | Undecided:
    """Find the least sum of each resource, cpu first, that the nodes need more of; no other rule is broken."""
    some = each_alone(groups)
    optimizer = _optimizer(groups, some, milliseconds)
    optimizer.add([rule.formula for rule in rules(groups, some) if rule.reason.kind != ROOM])
    added = {(name_of(cell.first), name): z3.Int(f"more {name} on {name_of(cell.first)}")
             for cell in some for name in _resources(groups.groups)}  # fmt: skip
    optimizer.add([value >= 0 for value in added.values()])
    optimizer.add([formula for cell in some for formula in _roomier(groups, cell, added)])
    for name in _resources(groups.groups):
        optimizer.minimize(z3.Sum([size for (_, resource), size in added.items() if resource == name]))
    found = optimizer.check()
    if found == z3.unsat:
        return _whatever_room(groups, milliseconds)
    if found == z3.unknown:
        return Undecided("no least capacity was found in time")
    model = optimizer.model()
    sizes = {key: model.eval(term, model_completion=True).as_long() for key, term in added.items()}
    more = tuple((node, name, size) for (node, name), size in sizes.items() if size)
    return Added(more, as_fits(groups, some, model))


def _resources(groups: tuple[Group, ...]) -> list[str]:
    """Name what is asked for, cpu first, then memory."""
    names = {name for group in groups for name in asks(group.pod)}
    return sorted(names, key=lambda name: (name != "cpu", name != "memory", name))


def _roomier(groups: Groups, cell: Cell, added: dict[tuple[str, str], Any]) -> Iterator[Any]:
    """Say that those who ask for a resource find what is left of it and what is added."""
    taken = [asks(pod) for pod in groups.problem.on(cell.first)]
    for name in _resources(groups.groups):
        has = units(name, cell.first.status.allocatable.get(name, Quantity()))
        left = max(has - sum(amounts.get(name, 0) for amounts in taken), 0)
        shares = [(index, asks(group.pod).get(name, 0)) for index, group in enumerate(groups.groups)]
        wanted = z3.Sum([here(index, cell) * share for index, share in shares if share])
        yield wanted <= left + added[name_of(cell.first), name]


def _whatever_room(groups: Groups, milliseconds: int) -> Misfit | Undecided:
    """Say why no capacity would help: the core of the problem, less what it says of room."""
    answer = place(groups, milliseconds=milliseconds, roomy=True)
    return answer if isinstance(answer, Misfit) else Undecided("no capacity helps, and no reason was found in time")
