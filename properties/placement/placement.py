"""Is there a place for every Pod? A placement, or the smallest set of reasons why there is none, proved by z3.

The rules are a specification of their own (`nodes`, `pods`). `feasible` asks for all Pods at once: it
finds placements that a scheduler that decides one Pod at a time may miss. `why_pending` asks for one Pod and each node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

import z3
from attrs import frozen
from immutabledict import immutabledict

from ...impl.api.cache import Cache
from ...impl.api.core import Namespace, Node, Pod
from ...impl.api.values.frozen import Strings
from .nodes import node_rules
from .pods import pod_rules
from .problem import NO_NAMESPACES, Problem, Reason, Rule, called, name_of
from .volumes import bars

__all__ = ["Infeasible", "Placed", "Problem", "Reason", "broken", "feasible", "nearest", "rules", "why_pending"]


@frozen
class Placed:
    """A node for every Pod, by the Pods' reported names, and an order in which they can be placed so."""

    assignment: immutabledict[str, str]
    order: tuple[str, ...]


@frozen
class Infeasible:
    """A minimal set of reasons: without any one of them there would be a placement. `words` has a line for each."""

    core: tuple[Reason, ...]
    words: str


def feasible(
    pods: Iterable[Pod],
    nodes: Iterable[Node],
    bound: Iterable[Pod] = (),
    namespaces: Mapping[str, Strings] = NO_NAMESPACES,
) -> Placed | Infeasible:
    """Place all Pods at once, beside those that are bound."""
    problem = Problem(tuple(pods), tuple(nodes), tuple(bound), namespaces)
    named = list(rules(problem))
    tracked = [z3.Bool(f"rule {number}") for number in range(len(named))]
    solver = z3.Solver()
    solver.add(_background(problem))
    solver.add([z3.Implies(name, rule.formula) for name, rule in zip(tracked, named, strict=True)])
    if solver.check(*tracked) == z3.sat:
        return _placed(problem, solver.model())
    kept = _minimal(solver, sorted(solver.unsat_core(), key=str))
    core = tuple(rule.reason for name, rule in zip(tracked, named, strict=True) if str(name) in kept)
    return Infeasible(core, "\n".join(str(reason) for reason in core))


def rules(problem: Problem) -> Iterable[Rule]:
    """Yield every rule of a problem, in a fixed order: each Pod runs somewhere, what nodes say, what Pods say."""
    for index, pod in enumerate(problem.pods):
        who = called(pod)
        reason = Reason("must run", (who,), (), f"{who} has to run somewhere", "without it there would be a placement")
        yield Rule(reason, z3.Or([problem.at(index, node) for node in problem.nodes]))
    yield from node_rules(problem)
    yield from pod_rules(problem)


def _background(problem: Problem) -> list[z3.BoolRef]:
    """What is no rule but what the words mean: a Pod is in one place at most, and one comes after another."""
    places = [[problem.at(pod, node) for node in problem.nodes] for pod in range(len(problem.pods))]
    ranks = [problem.rank(pod) for pod in range(len(problem.pods))]
    return [
        *(z3.AtMost(*of_one, 1) for of_one in places if of_one),
        z3.Distinct(ranks) if ranks else z3.BoolVal(val=True),
    ]


def _placed(problem: Problem, model: z3.ModelRef) -> Placed:
    homes = {
        called(pod): name_of(node)
        for index, pod in enumerate(problem.pods)
        for node in problem.nodes
        if z3.is_true(model.eval(problem.at(index, node)))
    }
    ranks = {
        index: model.eval(problem.rank(index), model_completion=True).as_long() for index in range(len(problem.pods))
    }
    return Placed(
        immutabledict(homes), tuple(called(problem.pods[index]) for index in sorted(ranks, key=ranks.__getitem__))
    )


def _minimal(solver: z3.Solver, core: list[z3.BoolRef]) -> set[str]:
    """Drop whatever is not needed for the contradiction, one at a time."""
    kept = list(core)
    for name in core:
        fewer = [other for other in kept if not other.eq(name)]
        if solver.check(*fewer) == z3.unsat:
            kept = fewer
    return {str(name) for name in kept}


def broken(problem: Problem) -> dict[str, tuple[Reason, ...]]:
    """Return, for each node, every rule that breaks when the only Pod of a problem is put there.

    A rule about a node is broken by nobody who goes elsewhere, so only the rules that name the node are evaluated.
    """
    named = list(rules(problem))
    found = {}
    for node in problem.nodes:
        values = [(problem.at(0, other), z3.BoolVal(val=other is node)) for other in problem.nodes]
        about = (rule for rule in named if name_of(node) in rule.reason.nodes)
        found[name_of(node)] = tuple(
            rule.reason for rule in about if z3.is_false(z3.simplify(z3.substitute(rule.formula, *values)))
        )
    return found


def why_pending(pod: Pod, cache: Cache) -> tuple[str, ...]:
    """Say for each node what keeps a Pod off it and what would have to change; a line without a cause means it fits."""
    return tuple(chain.from_iterable(_by_node(pod, cache)))


def nearest(pod: Pod, cache: Cache) -> str:
    """Say what keeps a Pod off the node that the least keeps it off: where one change may do, that one."""
    return min(_by_node(pod, cache), key=len)[0]


def _by_node(pod: Pod, cache: Cache) -> list[list[str]]:
    """Say for each node what keeps a Pod off it; in place of that what keeps it off all."""
    namespaces = {namespace.metadata.name: namespace.metadata.labels for namespace in cache.list(Namespace)}
    bound = tuple(other for other in cache.list(Pod) if other.spec.node_name)
    problem = Problem((pod,), cache.list(Node), bound, namespaces)
    if gates := [gate.name for gate in pod.spec.scheduling_gates]:
        who = called(pod)
        return [[f"{who} is not tried: it has the scheduling gates {', '.join(gates)}; removing them would do"]]
    if not problem.nodes:
        return [[f"{called(pod)} cannot run: there is no node; one node would do"]]
    found = broken(problem)
    return [_why_not(pod, node, found[name_of(node)], cache) for node in problem.nodes]


def _why_not(pod: Pod, node: Node, reasons: tuple[Reason, ...], cache: Cache) -> list[str]:
    """Say what keeps a Pod off a node: what the rules say, and its claims."""
    who, where = called(pod), name_of(node)
    held = [f"{who} cannot go to {where}: {why}; {remedy}" for _, why, remedy in bars(pod, node, cache)]
    return [*map(str, reasons), *held] or [f"{who} fits on {where}"]
