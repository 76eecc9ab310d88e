"""The weakest relation between preStop, grace period and delays under which no connection is lost, worked out by z3.

What may happen after a Pod's deletion is written down once, as instants and what each bound says of them. A connection
is lost when some run puts two of these instants in the wrong order. z3 eliminates the instants; what is left is the
exact condition on the numbers alone. It is put into few short inequalities, and both directions are proved anew from
the instants: with the condition no run loses a connection (sufficient), without it the slowest run does (necessary).
All times are whole seconds after the deletion; at equal instants what is bounded has happened.

Left out on purpose: what shortens a run that is not bad (least delays of slices and proxies make no run worse), hooks
of several containers, programs that go on accepting after SIGTERM, connections that nobody closes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from itertools import combinations
from typing import Any

import z3
from attrs import evolve, frozen

NUMBERS = ("preStop", "grace", "notice", "endpoints", "proxies", "checks", "request")
"""The hook and terminationGracePeriodSeconds; least seconds until the kubelet notices the deletion; and at most: until
the slices follow, until the slowest proxy follows them, until the load balancer follows its node (period times
threshold), and of the longest request."""

INSTANTS = ("noticed", "updated", "removed", "steered", "SIGTERM", "SIGKILL", "opened", "done")

Formula = Any
Values = Mapping[str, int]


class Goal(Enum):
    """What must not happen to a connection."""

    NEW = "no new connection is sent to the Pod after its SIGTERM"
    BALANCED = "no new connection of the load balancer is sent to the Pod after its SIGTERM"
    FINISHED = "no connection that the Pod accepted is cut off by SIGKILL"


@frozen(order=True)
class Inequality:
    """Terms (factor times number of seconds) that, with a constant, are together at least 0."""

    terms: tuple[tuple[str, int], ...]
    constant: int = 0

    def formula(self) -> Formula:
        """Return it as a term of z3."""
        return z3.Sum([factor * z3.Int(name) for name, factor in self.terms]) + self.constant >= 0

    def negated(self) -> Inequality:
        """Return the opposite: whole numbers that are not at least 0 are at most -1."""
        return Inequality(tuple((name, -factor) for name, factor in self.terms), -self.constant - 1)

    def given(self, values: Values) -> Inequality:
        """Put numbers in."""
        known = sum(factor * values[name] for name, factor in self.terms if name in values)
        return Inequality(tuple(term for term in self.terms if term[0] not in values), self.constant + known)

    def __str__(self) -> str:
        more = [_term(name, factor) for name, factor in self.terms if factor > 0]
        less = [_term(name, -factor) for name, factor in self.terms if factor < 0]
        more += [str(self.constant)] if self.constant > 0 or not more else []
        less += [str(-self.constant)] if self.constant < 0 and more != ["0"] else []
        return f"{' + '.join(more)} >= {' + '.join(less) or 0}"


def _term(name: str, factor: int) -> str:
    return name if factor == 1 else f"{factor} {name}"


@frozen
class Condition:
    """One inequality of every clause has to hold. No clause: it always does."""

    goal: Goal
    clauses: tuple[tuple[Inequality, ...], ...]

    def met(self, values: Values) -> bool:
        """Tell whether numbers for all that occur meet it."""
        return all(any(inequality.given(values).constant >= 0 for inequality in clause) for clause in self.clauses)

    def given(self, values: Values) -> Condition:
        """Put in the numbers that are known; what is then certain is left out."""
        left: list[tuple[Inequality, ...]] = []
        for clause in self.clauses:
            known = [inequality.given(values) for inequality in clause]
            if not any(not inequality.terms and inequality.constant >= 0 for inequality in known):
                left.append(tuple(inequality for inequality in known if inequality.terms))
        return evolve(self, clauses=tuple(dict.fromkeys(left)))

    def formula(self) -> Formula:
        """Return it as a term of z3."""
        return _all_of(self.clauses)

    def __str__(self) -> str:
        if not self.clauses:
            return "always"
        clauses = (" or ".join(map(str, clause)) or "never" for clause in self.clauses)
        return " and ".join(
            f"({clause})" if " or " in clause and len(self.clauses) > 1 else clause for clause in clauses
        )


# --- what may happen ------------------------------------------------------------------------------------------------


def _numbers() -> Formula:
    """All numbers are durations, and a grace period is at least a second."""
    return z3.And(*(z3.Int(name) >= (1 if name == "grace" else 0) for name in NUMBERS))


def _run() -> dict[str, Formula]:
    """What each bound says of the instants of one run, by the last instant it speaks of."""
    pre_stop, grace, notice, endpoints, proxies, checks, request = map(z3.Int, NUMBERS)
    noticed, updated, removed, steered, sigterm, sigkill, opened, done = map(z3.Int, INSTANTS)
    return {
        "noticed": noticed >= notice,
        "updated": z3.And(updated >= 0, updated <= endpoints),
        "removed": z3.And(updated <= removed, removed <= updated + proxies),
        "steered": z3.And(removed <= steered, steered <= removed + checks),
        # The hook is cut off when the grace period is over; then two more seconds are given (killContainer).
        "SIGTERM": _is_least(sigterm, noticed + pre_stop, noticed + grace),
        "SIGKILL": z3.And(
            sigkill >= noticed + grace,
            sigkill >= sigterm + 2,
            z3.Or(sigkill == noticed + grace, sigkill == sigterm + 2),
        ),
        "opened": z3.And(opened >= 0, opened <= sigterm),
        "done": z3.And(opened <= done, done <= opened + request),
    }


def _is_least(one: Formula, this: Formula, that: Formula) -> Formula:
    return z3.And(one <= this, one <= that, z3.Or(one == this, one == that))


_LOST = {
    Goal.NEW: (("noticed", "updated", "removed", "SIGTERM"), "SIGTERM", "removed"),
    Goal.BALANCED: (("noticed", "updated", "removed", "steered", "SIGTERM"), "SIGTERM", "steered"),
    Goal.FINISHED: (("noticed", "SIGTERM", "SIGKILL", "opened", "done"), "SIGKILL", "done"),
}
"""By goal: the instants it is about, and the two of which the first must not come before the second."""


def _lost(goal: Goal) -> tuple[list[Formula], Formula]:
    """Return the instants of a goal, and that they make a run that loses a connection."""
    instants, early, late = _LOST[goal]
    run = _run()
    return [z3.Int(instant) for instant in instants], z3.And(
        *(run[instant] for instant in instants), z3.Int(early) < z3.Int(late)
    )


# --- the weakest condition ------------------------------------------------------------------------------------------


def weakest(goal: Goal) -> Condition:
    """Return the weakest condition on the numbers under which no run loses a connection."""
    instants, lost = _lost(goal)
    assumed = z3.Goal()
    assumed.add(_numbers(), z3.Not(z3.Exists(instants, lost)))
    exact = z3.Then("qe2", "simplify", "propagate-ineqs", "ctx-solver-simplify")(assumed).as_expr()
    return Condition(goal, _few(exact))


def _few(exact: Formula) -> tuple[tuple[Inequality, ...], ...]:
    """Say the same with short clauses over the inequalities in it: first all that follow, then only those needed."""
    atoms = sorted({_linear(atom) for atom in _atoms(exact)})
    literals = sorted({*atoms, *(atom.negated() for atom in atoms)}, key=_shortest_first)
    solver = z3.Solver()
    solver.add(exact)
    follow: list[tuple[Inequality, ...]] = []
    for clause in (*((literal,) for literal in literals), *combinations(literals, 2)):
        follows = solver.check(*(inequality.negated().formula() for inequality in clause)) == z3.unsat
        if follows and not _says(follow, (clause,)):
            follow.append(clause)
            if _implied(_all_of(follow), exact):
                break
    for clause in tuple(reversed(follow)):
        rest = [other for other in follow if other is not clause]
        if _implied(_all_of(rest), exact):
            follow = rest
    return tuple(follow)


def _shortest_first(one: Inequality) -> tuple[int, list[int], bool]:
    """Order inequalities: few terms, what a manifest says before what a cluster does, bounds from below."""
    return len(one.terms), [NUMBERS.index(name) for name, _ in one.terms], str(one).startswith("0")


def _all_of(clauses: Iterable[tuple[Inequality, ...]]) -> Formula:
    return z3.And(_numbers(), *(z3.Or(*(inequality.formula() for inequality in clause)) for clause in clauses))


def _says(clauses: Iterable[tuple[Inequality, ...]], more: Iterable[tuple[Inequality, ...]]) -> bool:
    return _implied(_all_of(clauses), _all_of(more))


def _implied(known: Formula, said: Formula) -> bool:
    return _unsatisfiable(z3.And(known, z3.Not(said)))


def _unsatisfiable(formula: Formula) -> bool:
    solver = z3.Solver()
    solver.add(formula)
    return bool(solver.check() == z3.unsat)


def _atoms(formula: Formula) -> Iterator[Formula]:
    if z3.is_le(formula) or z3.is_ge(formula):
        yield formula
    else:
        for child in formula.children():
            yield from _atoms(child)


def _linear(atom: Formula) -> Inequality:
    """Bring an atom into the form that everything is at least 0."""
    left, right = (_terms(side) for side in atom.children())
    sign = 1 if z3.is_ge(atom) else -1
    names = sorted({*left, *right} - {""}, key=NUMBERS.index)
    terms = ((name, sign * (left.get(name, 0) - right.get(name, 0))) for name in names)
    return Inequality(tuple(term for term in terms if term[1]), sign * (left.get("", 0) - right.get("", 0)))


def _terms(side: Formula) -> dict[str, int]:
    """Return the factors of a sum by name, its constant by ""."""
    if z3.is_int_value(side):
        return {"": side.as_long()}
    if z3.is_const(side):
        return {side.decl().name(): 1}
    if z3.is_mul(side):
        factor, one = side.children()
        return {name: factor.as_long() * times for name, times in _terms(one).items()}
    found: dict[str, int] = {}
    for child in side.children():
        for name, times in _terms(child).items():
            found[name] = found.get(name, 0) + times
    return found


# --- both directions ------------------------------------------------------------------------------------------------


def is_sufficient(condition: Condition) -> bool:
    """Prove that no run loses a connection where the condition is met, whatever the numbers."""
    _, lost = _lost(condition.goal)
    return _unsatisfiable(z3.And(_numbers(), condition.formula(), lost))


def is_necessary(condition: Condition) -> bool:
    """Prove that the slowest run loses a connection wherever the condition is not met, whatever the numbers."""
    instants, lost = _lost(condition.goal)
    slowest = z3.substitute(lost, *((instant, _slowest()[str(instant)]) for instant in instants))
    return _unsatisfiable(z3.And(_numbers(), z3.Not(condition.formula()), z3.Not(slowest)))


def _slowest() -> dict[str, Formula]:
    """Return the instants of the run in which the kubelet is as quick as it can be and everybody else as slow."""
    pre_stop, grace, notice, endpoints, proxies, checks, request = map(z3.Int, NUMBERS)
    before = z3.If(pre_stop < grace, pre_stop, grace)
    after = z3.If(grace - before > 2, grace - before, z3.IntVal(2))
    removed = endpoints + proxies
    return {
        "noticed": notice,
        "updated": endpoints,
        "removed": removed,
        "steered": removed + checks,
        "SIGTERM": notice + before,
        "SIGKILL": notice + before + after,
        "opened": notice + before,
        "done": notice + before + request,
    }


_TOLD: dict[str, str] = {
    "noticed": "the kubelet notices, preStop begins",
    "updated": "the EndpointSlices are without the Pod",
    "removed": "the last proxy follows",
    "steered": "the load balancer follows",
    "SIGTERM": "SIGTERM",
    "SIGKILL": "SIGKILL",
    "opened": "the Pod accepts a connection",
    "done": "the connection would have its answer",
}


def timeline(goal: Goal, values: Values) -> tuple[tuple[int, str], ...] | None:
    """Return a run that loses a connection with these numbers (all of them), None where there is none."""
    instants, lost = _lost(goal)
    solver = z3.Solver()
    solver.add(_numbers(), lost, *(z3.Int(name) == value for name, value in values.items()))
    if solver.check() != z3.sat:
        return None
    model = solver.model()
    at = ((model.eval(instant, model_completion=True).as_long(), _TOLD[str(instant)]) for instant in instants)
    return ((0, "the Pod is deleted"), *sorted(at, key=lambda one: one[0]))
