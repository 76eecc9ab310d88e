"""Placement of many Pods at once: replicas that are alike are counted, nodes that are alike are taken together.

The rules are those of placement_nodes and placement_pods, over the number of Pods of a group on a cell of like nodes
instead of one truth value for each Pod and node. For cells of one node they are exact; for larger cells they are what
any placement must satisfy, so that a contradiction is a proof and its minimal core is short. Spreading is taken as it
stands when all are placed; affinity depends on who comes first, for which each group has a rank in each cell.
Left out on purpose: the binding of claims (placement_volumes), and what is preferred but not required.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, pairwise
from typing import Any

import z3
from attrs import evolve, frozen

from ...impl.api.core import Node, Pod, PodStatus, TopologySpreadConstraint
from ...impl.api.meta import LabelSelector, ObjectMeta
from ...impl.api.values.quantity import Quantity
from ...impl.api.well_known import HOSTNAME
from .counts import Cell, Cells, Group, Groups, here, total
from .group_volumes import single_users, volume_rules
from .nodes import asks, clash, keeps_out, more_room, shown, units, what_is_left
from .pods import about, alike, excludes, takes_part, terms
from .problem import Reason, Rule, called, name_of
from .volumes import bars, limits

__all__ = [
    "Answer",
    "Cell",
    "Fits",
    "Group",
    "Groups",
    "Misfit",
    "Spot",
    "Undecided",
    "as_fits",
    "background",
    "bounds",
    "cells",
    "contradiction",
    "grouped",
    "in_use",
    "place",
    "rules",
]


@frozen
class Spot:
    """How many Pods of a group (by its name) go to a node."""

    group: str
    node: str
    count: int


@frozen
class Fits:
    """A place for all Pods, by group and node; `by_itself` tells that the scheduler reaches it left to itself."""

    spots: tuple[Spot, ...]
    by_itself: bool = False

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes in use."""
        return tuple(sorted({spot.node for spot in self.spots}))


@frozen
class Misfit:
    """A set of reasons; if it is `minimal`, without any one of them there would be a place for all."""

    core: tuple[Reason, ...]
    minimal: bool = True


@frozen
class Undecided:
    """Neither was found; `why` says what stood in the way."""

    why: str = "the time was up"


Answer = Fits | Misfit | Undecided


# --- what is alike ------------------------------------------------------------------------------------------------


def grouped(pods: Iterable[Pod], name: Callable[[Pod], str] = called) -> tuple[Group, ...]:
    """Count Pods that are alike in all that placement looks at; a group is called after its first Pod."""
    found: dict[Pod, list[Pod]] = {}
    for pod in pods:
        found.setdefault(_nameless(pod), []).append(pod)
    return tuple(
        Group(evolve(alike_pod, metadata=evolve(alike_pod.metadata, name=name(members[0]))), len(members))
        for alike_pod, members in found.items()
    )


def _nameless(pod: Pod) -> Pod:
    return Pod(ObjectMeta(namespace=pod.metadata.namespace, labels=pod.metadata.labels), pod.spec, PodStatus())


def cells(groups: Groups) -> Cells:
    """Sort nodes by what any group can tell them apart by; only a host name that is the node's own does not count."""
    found: dict[Any, list[Node]] = {}
    for node in groups.nodes:
        found.setdefault(_face(groups, node), []).append(node)
    return tuple(Cell(tuple(nodes)) for nodes in found.values())


def _face(groups: Groups, node: Node) -> Any:
    own = node.metadata.labels.get(HOSTNAME) == name_of(node)
    labels = tuple((key, value) for key, value in node.metadata.labels.items() if not (own and key == HOSTNAME))
    kept_out = tuple(tuple(why for _, why, _ in _reasons(groups, group.pod, node)) for group in groups.groups)
    attaches = tuple(sorted(limits(node, groups.storage).items()))
    there = tuple(sorted(repr(_nameless(pod)) for pod in groups.problem.on(node)))
    return labels, own, node.spec.taints, node.spec.unschedulable, node.status.allocatable, kept_out, there, attaches


# --- asking -------------------------------------------------------------------------------------------------------


def contradiction(groups: Groups, *, milliseconds: int = 10_000) -> Answer | None:
    """Prove that there is no place for all, looking at like nodes together; None if that shows no contradiction."""
    found = _ask(groups, cells(groups), milliseconds)
    return None if isinstance(found, Fits) else found


def place(groups: Groups, *, milliseconds: int = 10_000, most: int | None = None, roomy: bool = False) -> Answer:
    """Find a place for all groups, on at most `most` of the nodes, or the reasons why there is none: node by node.

    `roomy` asks as if every node had room for all.
    """
    return _ask(groups, tuple(Cell((node,)) for node in groups.nodes), milliseconds, most, roomy=roomy)


def _ask(groups: Groups, some: Cells, milliseconds: int, most: int | None = None, *, roomy: bool = False) -> Answer:
    named = [rule for rule in rules(groups, some) if not (roomy and rule.reason.kind == "room")]
    tracked = [z3.Bool(f"rule {number}") for number in range(len(named))]
    solver = z3.Solver()
    solver.set("timeout", milliseconds)
    solver.add(background(groups, some))
    if most is not None:
        solver.add(_at_most(groups, some, most))
    solver.add([z3.Implies(name, rule.formula) for name, rule in zip(tracked, named, strict=True)])
    found = solver.check(*tracked)
    if found == z3.sat:
        return as_fits(groups, some, solver.model())
    if found == z3.unknown:
        return Undecided()
    core = sorted(solver.unsat_core(), key=str)
    solver.set("timeout", max(milliseconds // max(len(core), 1), 100))
    kept, minimal = _minimal(solver, core)
    reasons = tuple(rule.reason for name, rule in zip(tracked, named, strict=True) if str(name) in kept)
    return Misfit(reasons, minimal)


def _minimal(solver: z3.Solver, core: list[z3.BoolRef]) -> tuple[set[str], bool]:
    """Drop whatever is not needed for the contradiction, one at a time; tell whether each that is left is needed."""
    kept, minimal = list(core), True
    for name in core:
        fewer = [other for other in kept if not other.eq(name)]
        answer = solver.check(*fewer)
        if answer == z3.unsat:
            kept = fewer
        minimal = minimal and answer != z3.unknown
    return {str(name) for name in kept}, minimal


def as_fits(groups: Groups, some: Cells, model: z3.ModelRef) -> Fits:
    """Read the counts of a model, for cells of one node."""
    spots = (
        Spot(called(group.pod), name_of(cell.first), model.eval(here(index, cell), model_completion=True).as_long())
        for index, group in enumerate(groups.groups)
        for cell in some
    )
    return Fits(tuple(spot for spot in spots if spot.count))


def _rank(group: int, cell: Cell) -> Any:
    return z3.Int(f"rank of {group} at {name_of(cell.first)}")


def background(groups: Groups, some: Cells) -> list[Any]:
    """Say what the words mean: counts are between none and all; among like nodes the first carries most."""
    told: list[Any] = []
    for index, group in enumerate(groups.groups):
        for cell in some:
            told += [here(index, cell) >= 0, here(index, cell) <= group.count]
    if groups.groups:
        of = {name_of(cell.first): cell for cell in some}
        largest = max(range(len(groups.groups)), key=lambda index: groups.groups[index].count)
        for like in cells(groups):
            alone = [of[name] for node in like.nodes if (name := name_of(node)) in of and of[name].size == 1]
            told += [here(largest, first) >= here(largest, two) for first, two in pairwise(alone)]
    return told


def _at_most(groups: Groups, some: Cells, most: int) -> Any:
    return z3.Sum([z3.If(in_use(groups, cell), 1, 0) for cell in some]) <= most


def in_use(groups: Groups, cell: Cell) -> Any:
    """Say that a cell carries a Pod of some group."""
    return z3.Or([here(index, cell) > 0 for index in range(len(groups.groups))])


def bounds(groups: Groups, some: Cells) -> dict[str, tuple[int, int]]:
    """Return the least and the largest value of every variable of the rules."""
    ranks = len(groups.groups) * len(some)
    return {
        str(term): between
        for index, group in enumerate(groups.groups)
        for cell in some
        for term, between in ((here(index, cell), (0, group.count)), (_rank(index, cell), (0, ranks)))
    }


# --- the rules ----------------------------------------------------------------------------------------------------


def rules(groups: Groups, some: Cells) -> Iterator[Rule]:
    """Yield every rule, in a fixed order."""
    for index, group in enumerate(groups.groups):
        who = called(group.pod)
        reason = Reason(
            "must run", (who,), (), f"{who}: {_pods(group)} to run somewhere", "without it there would be a placement"
        )
        yield Rule(reason, total(index, some) == group.count)
        for cell in some:
            yield from _alone(groups, index, cell)
    for cell in some:
        yield from _room(groups, cell)
        yield from _ports(groups, cell)
        yield from volume_rules(groups, cell)
    for index in range(len(groups.groups)):
        yield from _apart(groups, index, some)
        yield from single_users(groups, index, some)
        yield from _near(groups, index, some)
        yield from _spread(groups, index, some)


def _pods(group: Group) -> str:
    return "1 Pod has" if group.count == 1 else f"{group.count} Pods have"


def _names(some: Iterable[Cell]) -> tuple[str, ...]:
    return tuple(name_of(node) for cell in some for node in cell.nodes)


def _reasons(groups: Groups, pod: Pod, node: Node) -> Iterator[tuple[str, str, str]]:
    yield from keeps_out(pod, node)
    yield from bars(pod, node, groups.storage)


def _alone(groups: Groups, index: int, cell: Cell) -> Iterator[Rule]:
    group = groups.groups[index]
    who, where = called(group.pod), name_of(cell.first)
    for kind, why, remedy in _reasons(groups, group.pod, cell.first):
        rest = f" (and so on {cell.size - 1} more nodes like it)" if cell.size > 1 else ""
        reason = Reason(kind, (who,), _names([cell]), f"{who} cannot go to {where}: {why}{rest}", remedy)
        yield Rule(reason, here(index, cell) == 0)


def _room(groups: Groups, cell: Cell) -> Iterator[Rule]:
    """The Pods of a node get no more of a resource than those already there leave."""
    asking = [asks(group.pod) for group in groups.groups]
    taken = [asks(pod) for pod in groups.problem.on(cell.first)]
    for resource in sorted({name for amounts in asking for name in amounts}):
        has = units(resource, cell.first.status.allocatable.get(resource, Quantity()))
        left = max(has - sum(amounts.get(resource, 0) for amounts in taken), 0)
        shares = [(index, amounts[resource]) for index, amounts in enumerate(asking) if resource in amounts]
        whole = [here(index, cell) <= cell.size * (left // share) for index, share in shares]
        sum_of_all = z3.Sum([here(index, cell) * share for index, share in shares]) <= cell.size * left
        yield Rule(_full(groups, cell, resource, (has, left), shares), z3.And(sum_of_all, *whole))


def _full(
    groups: Groups, cell: Cell, resource: str, has_left: tuple[int, int], shares: list[tuple[int, int]]
) -> Reason:
    has, left = has_left
    asking = [(groups.groups[index], share) for index, share in shares]
    asked = ", ".join(
        f"{called(group.pod)} asks for {group.count} x {shown(resource, share)}" for group, share in asking
    )
    words = f"{cell.words} has {what_is_left(resource, has, left)}: {asked}"
    remedy = more_room(groups.problem.nodes, resource, (share for _, share in shares))
    return Reason("room", tuple(called(group.pod) for group, _ in asking), _names([cell]), words, remedy, resource)


def _ports(groups: Groups, cell: Cell) -> Iterator[Rule]:
    """No two Pods of a node have the same host port."""
    named = list(enumerate(groups.groups))
    there = list(groups.problem.on(cell.first))
    for index, group in named:
        taken = next((port for other in there if (port := clash(group.pod, other))), None)
        if taken:
            yield _port_rule((group,), "a Pod that is there", cell, taken, here(index, cell) == 0)
        if port := clash(group.pod, group.pod):
            yield _port_rule((group,), "another of its kind", cell, port, here(index, cell) <= cell.size)
    for (combination, group), (two, other) in combinations(named, 2):
        if port := clash(group.pod, other.pod):
            formula = here(combination, cell) + here(two, cell) <= cell.size
            yield _port_rule((group, other), called(other.pod), cell, port, formula)


def _port_rule(who: tuple[Group, ...], beside: str, cell: Cell, port: int, formula: Any) -> Rule:
    names = tuple(called(group.pod) for group in who)
    words = f"{cell.words} has host port {port} once: {names[0]} cannot be beside {beside}"
    return Rule(Reason("ports", names, _names([cell]), words, "one more node, or another hostPort, would do"), formula)


# --- rules about other Pods ---------------------------------------------------------------------------------------


def _domains(some: Cells, key: str) -> dict[str, list[Cell]]:
    """Sort cells by a label; those without it, and those in which each node has its own value, are left out."""
    found: dict[str, list[Cell]] = {}
    for cell in some:
        if (value := cell.value(key)) is not None:
            found.setdefault(value, []).append(cell)
    return found


def _split(some: Cells, key: str) -> list[Cell]:
    """Return the cells in which each node has its own value of a label."""
    return [cell for cell in some if key in cell.first.metadata.labels and cell.value(key) is None]


def _apart(groups: Groups, index: int, some: Cells) -> Iterator[Rule]:
    """Required anti-affinity holds both ways: towards Pods that are there, its own kind and the later groups."""
    problem, group = groups.problem, groups.groups[index]
    who = called(group.pod)
    barred: dict[tuple[str, str], set[str]] = {}
    for home in groups.nodes if groups.bound else ():
        for other in problem.on(home):
            for key in excludes(problem, group.pod, other):
                barred.setdefault((key, called(other)), set()).update(map(name_of, problem.peers(home, key)))
    for (key, other_name), names in sorted(barred.items()):
        whole = [cell for cell in some if names.issuperset(_names([cell]))]
        words = f"{who} cannot be within one {key} with {other_name}, which is there already"
        reason = Reason("anti-affinity", (who, other_name), _names(whole), words, _another(key))
        yield Rule(reason, total(index, whole) == 0)
    for later in range(index, len(groups.groups)):
        for key in sorted(excludes(problem, group.pod, groups.groups[later].pod)):
            yield _own_kind(groups, index, key, some) if later == index else _exclusion(groups, index, later, key, some)


def _another(key: str) -> str:
    return f"one more node with a new {key} would do"


def _own_kind(groups: Groups, index: int, key: str, some: Cells) -> Rule:
    who = called(groups.groups[index].pod)
    domains, split = _domains(some, key), _split(some, key)
    formulas = [total(index, inside) <= 1 for inside in domains.values()]
    formulas += [here(index, cell) <= cell.size for cell in split]
    number = len(domains) + sum(cell.size for cell in split)
    words = f"at most one Pod of {who} fits within one {key}, by its required anti-affinity; there are {number}"
    names = _names([*split, *(cell for inside in domains.values() for cell in inside)])
    return Rule(Reason("anti-affinity", (who,), names, words, _another(key)), z3.And(formulas))


def _exclusion(groups: Groups, index: int, later: int, key: str, some: Cells) -> Rule:
    who, whom = called(groups.groups[index].pod), called(groups.groups[later].pod)
    domains = _domains(some, key)
    formulas = [z3.Or(total(index, inside) == 0, total(later, inside) == 0) for inside in domains.values()]
    # Of like nodes taken together nothing follows: each of them may carry one of the two.
    formulas += [z3.Or(here(index, cell) == 0, here(later, cell) == 0) for cell in _split(some, key) if cell.size == 1]
    words = f"{who} and {whom} exclude each other within one {key}"
    names = _names(cell for inside in domains.values() for cell in inside)
    return Rule(Reason("anti-affinity", (who, whom), names, words, _another(key)), z3.And(formulas))


def _near(groups: Groups, index: int, some: Cells) -> Iterator[Rule]:
    """A group comes to a node only after Pods its affinity wants are near by every term, or it starts its own kind."""
    problem, group = groups.problem, groups.groups[index]
    wanted_terms = terms(group.pod, "pod_affinity")
    if not wanted_terms:
        return
    keys = sorted({term.topology_key for term in wanted_terms})
    wanted = [other for other, known in enumerate(groups.groups) if about(problem, group.pod, known.pod)]
    who = called(group.pod)
    words = f"{who} goes only where a Pod its required affinity wants is, within one {', one '.join(keys)}"
    for cell in some:
        labelled = all(key in cell.first.metadata.labels for key in keys)
        near = z3.And([_company(groups, index, cell, wanted, _around(some, cell, key)) for key in keys])
        allowed = z3.And(labelled, z3.Or(near, _first(groups, index, cell, wanted, keys, some)))
        reason = Reason("affinity", (who,), _names([cell]), words, "such a Pod in that domain would do")
        yield Rule(reason, z3.Implies(here(index, cell) > 0, allowed))


def _around(some: Cells, cell: Cell, key: str) -> list[Cell]:
    """Return the cells that share a cell's value of a label."""
    value = cell.value(key)
    return [cell] if value is None else [other for other in some if other.value(key) == value]


def _company(groups: Groups, index: int, cell: Cell, wanted: list[int], domain: list[Cell]) -> Any:
    """Say that a wanted Pod is in the domain, from the start or by coming before."""
    pod = groups.groups[index].pod
    if any(about(groups.problem, pod, other) for near in domain for other in groups.problem.on(near.first)):
        return z3.BoolVal(val=True)
    return z3.Or(
        [
            z3.And(here(other, near) > 0, _rank(other, near) < _rank(index, cell))
            for other in wanted
            for near in domain
            if (other, near) != (index, cell)
        ]
    )


def _first(groups: Groups, index: int, cell: Cell, wanted: list[int], keys: list[str], some: Cells) -> Any:
    """Say that its like are what it wants and none has come before, on any node that has one of the keys."""
    pod = groups.groups[index].pod
    known = [near for near in some if set(keys) & set(near.first.metadata.labels)]
    there = any(about(groups.problem, pod, other) for near in known for other in groups.problem.on(near.first))
    if index not in wanted or there:
        return z3.BoolVal(val=False)
    return z3.And(
        [
            z3.Implies(here(other, near) > 0, _rank(index, cell) < _rank(other, near))
            for other in wanted
            for near in known
            if (other, near) != (index, cell)
        ]
    )


def _spread(groups: Groups, index: int, some: Cells) -> Iterator[Rule]:
    """Where a group is, no other domain has so much less that the skew is above maxSkew."""
    pod = groups.groups[index].pod
    hard = [
        constraint
        for constraint in pod.spec.topology_spread_constraints
        if constraint.when_unsatisfiable == "DoNotSchedule"
    ]
    counted = [
        cell for cell in some if all(constraint.topology_key in cell.first.metadata.labels for constraint in hard)
    ]
    for constraint in hard:
        key = constraint.topology_key
        bare = [cell for cell in some if key not in cell.first.metadata.labels]
        formulas = [total(index, bare) == 0]
        if not any(cell.size > 1 for cell in _split(some, key)):
            eligible = tuple(cell for cell in counted if takes_part(constraint, pod, cell.first))
            formulas += _even(groups, index, constraint, eligible, some)
        number = len({node.metadata.labels[key] for cell in counted for node in cell.nodes})
        words = f"{called(pod)} spreads over {number} values of {key} with a skew of at most {constraint.max_skew}"
        remedy = f"room in a less used {key}, a greater maxSkew, or ScheduleAnyway would do"
        yield Rule(Reason("spread", (called(pod),), _names(some), words, remedy), z3.And(formulas))


def _even(groups: Groups, index: int, one: TopologySpreadConstraint, eligible: Cells, some: Cells) -> Iterator[Any]:
    """Compare each domain the group may be in with the emptiest of those that take part."""
    pod = groups.groups[index].pod
    counts = {
        value: _count(groups, index, one, inside) for value, inside in _domains(eligible, one.topology_key).items()
    }
    floor = [z3.IntVal(0)] if len(counts) < (one.min_domains or 1) else list(counts.values())
    for value, inside in sorted(_domains(some, one.topology_key).items()):
        mine = counts.get(value, z3.IntVal(int(alike(pod, one, pod))))
        even = z3.And([mine - least <= one.max_skew for least in floor if least is not mine])
        yield z3.Implies(total(index, inside) > 0, even)


def _count(groups: Groups, index: int, one: TopologySpreadConstraint, domain: list[Cell]) -> Any:
    """Count all Pods of a domain that are alike to one of the group; an empty selector counts the Pod itself only."""
    pod = groups.groups[index].pod
    narrowed = any(key in pod.metadata.labels for key in one.match_label_keys)
    if one.label_selector == LabelSelector() and not narrowed:
        return z3.IntVal(1)

    def counts(other: Pod) -> bool:
        same = other.metadata.namespace == pod.metadata.namespace and not other.metadata.terminating
        return same and alike(pod, one, other)

    there = sum(counts(other) for cell in domain for node in cell.nodes for other in groups.problem.on(node))
    return there + z3.Sum([total(other, domain) for other, each in enumerate(groups.groups) if counts(each.pod)])
