"""Placement of many Pods at once: replicas that are alike are counted, nodes that are alike share their rules.

The rules are those of placement_nodes and placement_pods, over the number of Pods of a group on a node instead of one
truth value for each Pod and node. A rule that says the same of several like nodes is one rule, so that a minimal set of
reasons stays short. Spreading is taken as it stands when all are placed; affinity depends on who comes first, for which
each group has a rank on each node.
Left out on purpose: volumes, and what is preferred but not required.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations, pairwise
from typing import Any

import z3
from attrs import evolve, frozen

from ..impl.api.core import Node, Pod, PodStatus, TopologySpreadConstraint
from ..impl.api.frozen import Strings
from ..impl.api.meta import LabelSelector, ObjectMeta
from ..impl.api.quantity import Quantity
from .placement_nodes import asks, clash, keeps_out, units
from .placement_pods import about, alike, excludes, takes_part, terms
from .placement_problem import NO_NAMESPACES, Problem, Reason, Rule, called, name_of

HOSTNAME = "kubernetes.io/hostname"


@frozen
class Group:
    """So many Pods that are alike; `pod` is one of them, named as the group is to be called."""

    pod: Pod
    count: int


@frozen
class Kind:
    """Nodes that are alike to every group."""

    nodes: tuple[Node, ...]

    @property
    def words(self) -> str:
        """Name them: one by its name, several by their number and one of their names."""
        first = name_of(self.nodes[0])
        return first if len(self.nodes) == 1 else f"each of the {len(self.nodes)} nodes like {first}"


@frozen
class Groups:
    """Groups to place on nodes, beside Pods that have their place."""

    groups: tuple[Group, ...]
    nodes: tuple[Node, ...]
    bound: tuple[Pod, ...] = ()
    namespaces: Mapping[str, Strings] = NO_NAMESPACES

    @property
    def problem(self) -> Problem:
        """The same with one Pod of each group."""
        return Problem(tuple(one.pod for one in self.groups), self.nodes, self.bound, self.namespaces)


@frozen
class Spot:
    """How many Pods of a group (by its name) go to a node."""

    group: str
    node: str
    count: int


@frozen
class Fits:
    """A place for all Pods, by group and node."""

    spots: tuple[Spot, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes in use."""
        return tuple(sorted({one.node for one in self.spots}))


@frozen
class Misfit:
    """A minimal set of reasons: without any one of them there would be a place for all."""

    core: tuple[Reason, ...]


@frozen
class Undecided:
    """The time was up."""


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


def kinds(groups: Groups) -> tuple[Kind, ...]:
    """Sort nodes by what any group can tell them apart by; only a host name that is the node's own does not count."""
    found: dict[Any, list[Node]] = {}
    for node in groups.nodes:
        found.setdefault(_face(groups, node), []).append(node)
    return tuple(Kind(tuple(nodes)) for nodes in found.values())


def _face(groups: Groups, node: Node) -> Any:
    own = node.metadata.labels.get(HOSTNAME) == name_of(node)
    labels = tuple((key, value) for key, value in node.metadata.labels.items() if not (own and key == HOSTNAME))
    kept_out = tuple(tuple(kind for kind, _, _ in keeps_out(one.pod, node)) for one in groups.groups)
    there = tuple(sorted((repr(_nameless(pod)) for pod in groups.problem.on(node)))) if groups.bound else ()
    return labels, own, node.spec.taints, node.spec.unschedulable, node.status.allocatable, kept_out, there


# --- asking -------------------------------------------------------------------------------------------------------


def place(groups: Groups, *, milliseconds: int = 60_000, most: int | None = None) -> Answer:
    """Find a place for all groups, on at most `most` of the nodes, or the reasons why there is none."""
    named = list(rules(groups))
    tracked = [z3.Bool(f"rule {number}") for number in range(len(named))]
    solver = z3.Solver()
    solver.set("timeout", milliseconds)
    solver.add(_background(groups))
    if most is not None:
        solver.add(_at_most(groups, most))
    solver.add([z3.Implies(name, rule.formula) for name, rule in zip(tracked, named, strict=True)])
    found = solver.check(*tracked)
    if found == z3.sat:
        return _fits(groups, solver.model())
    if found == z3.unknown:
        return Undecided()
    kept = _minimal(solver, sorted(solver.unsat_core(), key=str))
    return Misfit(tuple(rule.reason for name, rule in zip(tracked, named, strict=True) if str(name) in kept))


def _minimal(solver: z3.Solver, core: list[z3.BoolRef]) -> set[str]:
    """Drop whatever is not needed for the contradiction, one at a time."""
    kept = list(core)
    for name in core:
        fewer = [one for one in kept if not one.eq(name)]
        if solver.check(*fewer) == z3.unsat:
            kept = fewer
    return {str(name) for name in kept}


def _fits(groups: Groups, model: z3.ModelRef) -> Fits:
    spots = (
        Spot(called(group.pod), name_of(node), model.eval(here(index, node), model_completion=True).as_long())
        for index, group in enumerate(groups.groups)
        for node in groups.nodes
    )
    return Fits(tuple(spot for spot in spots if spot.count))


def here(group: int, node: Node) -> Any:
    """Say how many Pods of a group are on a node."""
    return z3.Int(f"{group} at {name_of(node)}")


def _rank(group: int, node: Node) -> Any:
    return z3.Int(f"rank of {group} at {name_of(node)}")


def _total(group: int, nodes: Iterable[Node]) -> Any:
    return z3.Sum([here(group, node) for node in nodes])


def _background(groups: Groups) -> list[Any]:
    """Say what the words mean: counts are between none and all; among like nodes the first carries most."""
    told: list[Any] = []
    for index, group in enumerate(groups.groups):
        for node in groups.nodes:
            told += [here(index, node) >= 0, here(index, node) <= group.count]
    if groups.groups:
        largest = max(range(len(groups.groups)), key=lambda index: groups.groups[index].count)
        for kind in kinds(groups):
            told += [here(largest, one) >= here(largest, two) for one, two in pairwise(kind.nodes)]
    return told


def _at_most(groups: Groups, most: int) -> Any:
    used = [z3.If(z3.Or([here(index, node) > 0 for index in range(len(groups.groups))]), 1, 0) for node in groups.nodes]
    return z3.Sum(used) <= most


# --- the rules ----------------------------------------------------------------------------------------------------


def rules(groups: Groups) -> Iterator[Rule]:
    """Give every rule, in a fixed order."""
    like = kinds(groups)
    for index, group in enumerate(groups.groups):
        who = called(group.pod)
        words = f"{who}: {_pods(group)} to run somewhere"
        reason = Reason("must run", (who,), (), words, "without it there would be a placement")
        yield Rule(reason, _total(index, groups.nodes) == group.count)
        for kind in like:
            yield from _alone(index, group, kind)
    for kind in like:
        yield from _room(groups, kind)
        yield from _ports(groups, kind)
    for index in range(len(groups.groups)):
        yield from _apart(groups, index, like)
        yield from _near(groups, index, like)
        yield from _spread(groups, index, like)


def _pods(group: Group) -> str:
    return "1 Pod has" if group.count == 1 else f"{group.count} Pods have"


def _names(kind: Kind) -> tuple[str, ...]:
    return tuple(name_of(node) for node in kind.nodes)


def _alone(index: int, group: Group, kind: Kind) -> Iterator[Rule]:
    who = called(group.pod)
    for which, why, remedy in keeps_out(group.pod, kind.nodes[0]):
        rest = f" (so it is on all {len(kind.nodes)} nodes like it)" if len(kind.nodes) > 1 else ""
        reason = Reason(
            which, (who,), _names(kind), f"{who} cannot go to {name_of(kind.nodes[0])}: {why}{rest}", remedy
        )
        yield Rule(reason, _total(index, kind.nodes) == 0)


def _room(groups: Groups, kind: Kind) -> Iterator[Rule]:
    """The Pods of a node get no more of a resource than those already there leave."""
    asking = [asks(group.pod) for group in groups.groups]
    first = kind.nodes[0]
    taken = [asks(pod) for pod in groups.problem.on(first)]
    for resource in sorted({name for one in asking for name in one}):
        has = units(resource, first.status.allocatable.get(resource, Quantity()))
        left = max(has - sum(one.get(resource, 0) for one in taken), 0)
        shares = [(index, one[resource]) for index, one in enumerate(asking) if resource in one]
        full = [z3.Sum([here(index, node) * share for index, share in shares]) <= left for node in kind.nodes]
        yield Rule(_full(groups, kind, resource, (has, left), shares), z3.And(full))


def _full(
    groups: Groups, kind: Kind, resource: str, has_left: tuple[int, int], shares: list[tuple[int, int]]
) -> Reason:
    has, left = has_left
    unit = "m" if resource == "cpu" else ""
    asked = ", ".join(
        f"{called(groups.groups[index].pod)} asks for {groups.groups[index].count} x {share}{unit}"
        for index, share in shares
    )
    words = f"{kind.words} has {left}{unit} of {has}{unit} {resource} left: {asked}"
    remedy = f"a larger node, one more node, or smaller requests of {resource} would do"
    if resource == "pods":
        remedy = "one more node, or a higher Pod limit of the kubelet would do"
    who = tuple(called(groups.groups[index].pod) for index, _ in shares)
    return Reason("room", who, _names(kind), words, remedy)


def _ports(groups: Groups, kind: Kind) -> Iterator[Rule]:
    """No two Pods of a node have the same host port."""
    named = list(enumerate(groups.groups))
    there = list(groups.problem.on(kind.nodes[0]))
    for index, group in named:
        taken = next((port for other in there if (port := clash(group.pod, other))), None)
        if taken:
            yield _port_rule(group, None, kind, taken, _total(index, kind.nodes) == 0)
        if port := clash(group.pod, group.pod):
            yield _port_rule(group, group, kind, port, z3.And([here(index, node) <= 1 for node in kind.nodes]))
    for (one, group), (two, other) in combinations(named, 2):
        if port := clash(group.pod, other.pod):
            alone = [z3.Or(here(one, node) == 0, here(two, node) == 0) for node in kind.nodes]
            yield _port_rule(group, other, kind, port, z3.And(alone))


def _port_rule(group: Group, other: Group | None, kind: Kind, port: int, formula: Any) -> Rule:
    who = called(group.pod)
    beside = (
        "a Pod that is there" if other is None else "another Pod of its kind" if other is group else called(other.pod)
    )
    words = f"{kind.words} has host port {port} once: {who} cannot be beside {beside}"
    names = (who,) if other is None or other is group else (who, called(other.pod))
    return Rule(Reason("ports", names, _names(kind), words, "one more node, or another hostPort, would do"), formula)


# --- rules about other Pods ---------------------------------------------------------------------------------------


def _domains(groups: Groups, key: str) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {}
    for node in groups.nodes:
        if key in node.metadata.labels:
            found.setdefault(node.metadata.labels[key], []).append(node)
    return found


def _apart(groups: Groups, index: int, like: tuple[Kind, ...]) -> Iterator[Rule]:
    """Required anti-affinity holds both ways: towards Pods that are there, its own kind and the later groups."""
    problem, group = groups.problem, groups.groups[index]
    who = called(group.pod)
    remedy = "one more node (with a new value of the key) would do"
    barred: dict[tuple[str, str], set[str]] = {}
    for home in groups.nodes if groups.bound else ():
        for other in problem.on(home):
            for key in excludes(problem, group.pod, other):
                barred.setdefault((key, called(other)), set()).update(map(name_of, problem.peers(home, key)))
    for (key, other_name), names in sorted(barred.items()):
        words = f"{who} cannot be within one {key} with {other_name}, which is there already"
        reason = Reason("anti-affinity", (who, other_name), tuple(sorted(names)), words, remedy)
        yield Rule(reason, _total(index, (node for node in groups.nodes if name_of(node) in names)) == 0)
    for later in range(index, len(groups.groups)):
        for key in sorted(excludes(problem, group.pod, groups.groups[later].pod)):
            yield _exclusion(groups, index, later, key)


def _exclusion(groups: Groups, index: int, later: int, key: str) -> Rule:
    who, whom = called(groups.groups[index].pod), called(groups.groups[later].pod)
    domains = _domains(groups, key)
    if later == index:
        formulas = [_total(index, nodes) <= 1 for nodes in domains.values()]
        words = (
            f"at most one Pod of {who} fits within one {key}, by its required anti-affinity; there are {len(domains)}"
        )
    else:
        formulas = [z3.Or(_total(index, nodes) == 0, _total(later, nodes) == 0) for nodes in domains.values()]
        words = f"{who} and {whom} exclude each other within one {key}; there are {len(domains)}"
    names = tuple(name_of(node) for nodes in domains.values() for node in nodes)
    who_all = (who,) if later == index else (who, whom)
    remedy = f"one more node with a new {key} would do"
    return Rule(Reason("anti-affinity", who_all, names, words, remedy), z3.And(formulas))


def _near(groups: Groups, index: int, like: tuple[Kind, ...]) -> Iterator[Rule]:
    """A group comes to a node only after Pods its affinity wants are near by every term, or it starts its own kind."""
    problem, group = groups.problem, groups.groups[index]
    wanted_terms = terms(group.pod, "pod_affinity")
    if not wanted_terms:
        return
    keys = sorted({term.topology_key for term in wanted_terms})
    wanted = [other for other, one in enumerate(groups.groups) if about(problem, group.pod, one.pod)]
    who = called(group.pod)
    words = f"{who} goes only where a Pod its required affinity wants is, within one {', one '.join(keys)}"
    for kind in like:
        formulas = []
        for node in kind.nodes:
            labelled = all(key in node.metadata.labels for key in keys)
            near = z3.And([_company(groups, index, node, wanted, problem.peers(node, key)) for key in keys])
            allowed = z3.And(labelled, z3.Or(near, _first(groups, index, node, wanted, keys)))
            formulas.append(z3.Implies(here(index, node) > 0, allowed))
        reason = Reason("affinity", (who,), _names(kind), words, "such a Pod in that domain would do")
        yield Rule(reason, z3.And(formulas))


def _company(groups: Groups, index: int, node: Node, wanted: list[int], domain: tuple[Node, ...]) -> Any:
    """Say that a wanted Pod is in the domain, from the start or by coming before."""
    pod = groups.groups[index].pod
    if any(about(groups.problem, pod, other) for one in domain for other in groups.problem.on(one)):
        return z3.BoolVal(val=True)
    return z3.Or(
        [
            z3.And(here(other, one) > 0, _rank(other, one) < _rank(index, node))
            for other in wanted
            for one in domain
            if (other, one) != (index, node)
        ]
    )


def _first(groups: Groups, index: int, node: Node, wanted: list[int], keys: list[str]) -> Any:
    """Say that its like are what it wants and none has come before, on any node that has one of the keys."""
    pod = groups.groups[index].pod
    nodes = [one for one in groups.nodes if set(keys) & set(one.metadata.labels)]
    there = any(about(groups.problem, pod, other) for one in nodes for other in groups.problem.on(one))
    if index not in wanted or there:
        return z3.BoolVal(val=False)
    return z3.And(
        [
            z3.Implies(here(other, one) > 0, _rank(index, node) < _rank(other, one))
            for other in wanted
            for one in nodes
            if (other, one) != (index, node)
        ]
    )


def _spread(groups: Groups, index: int, like: tuple[Kind, ...]) -> Iterator[Rule]:
    """Where a group is, no other domain has so much less that the skew is above maxSkew."""
    pod = groups.groups[index].pod
    hard = [one for one in pod.spec.topology_spread_constraints if one.when_unsatisfiable == "DoNotSchedule"]
    counted = [node for node in groups.nodes if all(one.topology_key in node.metadata.labels for one in hard)]
    for one in hard:
        key = one.topology_key
        eligible = [node for node in counted if takes_part(one, pod, node)]
        counts = {value: _count(groups, index, one, value, eligible) for value in _values(eligible, key)}
        floor = [z3.IntVal(0)] if len(counts) < (one.min_domains or 1) else list(counts.values())
        unlabelled = [node for node in groups.nodes if key not in node.metadata.labels]
        formulas = [_total(index, unlabelled) == 0]
        for value, nodes in sorted(_domains(groups, key).items()):
            mine = counts.get(value, z3.IntVal(0) if not alike(pod, one, pod) else z3.IntVal(1))
            even = z3.And([mine - least <= one.max_skew for least in floor if least is not mine])
            formulas.append(z3.Implies(_total(index, nodes) > 0, even))
        yield Rule(_skewed(called(pod), one, counts.keys(), groups.nodes), z3.And(formulas))


def _values(nodes: list[Node], key: str) -> list[str]:
    return sorted({node.metadata.labels[key] for node in nodes})


def _count(groups: Groups, index: int, one: TopologySpreadConstraint, value: str, eligible: list[Node]) -> Any:
    """Count all Pods of a domain that are alike to one of the group; an empty selector counts the Pod itself only."""
    pod = groups.groups[index].pod
    narrowed = any(key in pod.metadata.labels for key in one.match_label_keys)
    if one.label_selector == LabelSelector() and not narrowed:
        return z3.IntVal(1)

    def counts(other: Pod) -> bool:
        same = other.metadata.namespace == pod.metadata.namespace and not other.metadata.terminating
        return same and alike(pod, one, other)

    domain = [node for node in eligible if node.metadata.labels[one.topology_key] == value]
    there = sum(counts(other) for node in domain for other in groups.problem.on(node))
    return there + z3.Sum([_total(other, domain) for other, each in enumerate(groups.groups) if counts(each.pod)])


def _skewed(who: str, one: TopologySpreadConstraint, values: Iterable[str], nodes: tuple[Node, ...]) -> Reason:
    number = len(list(values))
    words = f"{who} spreads over {number} values of {one.topology_key} with a skew of at most {one.max_skew}"
    remedy = f"room in a less used {one.topology_key}, a greater maxSkew, or ScheduleAnyway would do"
    return Reason("spread", (who,), tuple(map(name_of, nodes)), words, remedy)
