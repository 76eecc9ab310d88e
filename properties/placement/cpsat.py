"""The same rules for OR-Tools' CP-SAT: formulas over counts are read a second time, as a constraint model.

Only what the rules of placement_groups are made of is read: linear sums and comparisons of integers, and, or, not,
implies, if. CP-SAT is much faster at minimising sums over many nodes; cores and proofs about the filters stay with z3.
It is an extra (`pip install ortools`); without it `installed` is False.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import z3
from attrs import field, frozen, mutable

Bounds = Mapping[str, tuple[int, int]]


def installed() -> bool:
    """Whether CP-SAT is there."""
    return find_spec("ortools") is not None


@frozen
class Solved:
    """Values by variable; `best` tells that no smaller sum is possible."""

    values: dict[str, int]
    best: bool


@frozen
class Impossible:
    """No values satisfy the formulas."""


@frozen
class TimeUp:
    """Neither was found."""


def solve(
    formulas: Iterable[Any], bounds: Bounds, minimise: Any = None, *, seconds: float = 10.0
) -> Solved | Impossible | TimeUp:
    """Find values that satisfy formulas, with the least value of a sum if one is given; one thread, fixed seed."""
    cp_model: Any = import_module("ortools.sat.python.cp_model")
    reading = Reading(cp_model.CpModel(), bounds)
    for formula in formulas:
        reading.say(formula)
    if minimise is not None:
        reading.model.minimize(reading.number(minimise))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    status = solver.solve(reading.model)
    if status == cp_model.INFEASIBLE:
        return Impossible()
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return TimeUp()
    values = {name: int(solver.value(variable)) for name, variable in reading.names.items()}
    return Solved(values, status == cp_model.OPTIMAL)


@mutable
class Reading:
    """A constraint model that grows as formulas are read."""

    model: Any
    bounds: Bounds
    names: dict[str, Any] = field(factory=dict)
    literals: dict[int, tuple[Any, Any]] = field(factory=dict)

    def say(self, formula: Any) -> None:
        """Add a formula that must hold; an empty sum makes a plain truth value of a rule."""
        if isinstance(formula, bool):
            formula = z3.BoolVal(val=formula)
        if z3.is_and(formula):
            for child in formula.children():
                self.say(child)
        elif z3.is_or(formula):
            self.model.add_bool_or([self.literal(child) for child in formula.children()])
        elif z3.is_implies(formula):
            self.model.add_implication(*map(self.literal, formula.children()))
        elif (relation := self._relation(formula)) is not None:
            self.model.add(relation)
        else:
            self.model.add_bool_and([self.literal(formula)])

    def literal(self, formula: Any) -> Any:
        """Return a truth value of the model that is true exactly when a formula is."""
        if formula.get_id() not in self.literals:
            self.literals[formula.get_id()] = formula, self._literal(formula)
        return self.literals[formula.get_id()][1]

    def _literal(self, formula: Any) -> Any:
        children = formula.children()
        if z3.is_true(formula) or z3.is_false(formula):
            return self.model.new_constant(int(z3.is_true(formula)))
        if z3.is_not(formula):
            return ~self.literal(children[0])
        if z3.is_and(formula):
            return ~self._any([~self.literal(child) for child in children])
        if z3.is_or(formula):
            return self._any([self.literal(child) for child in children])
        if z3.is_implies(formula):
            return self._any([~self.literal(children[0]), self.literal(children[1])])
        return self._compared(formula)

    def _any(self, literals: list[Any]) -> Any:
        found = self.model.new_bool_var("")
        self.model.add_bool_or(literals).only_enforce_if(found)
        self.model.add_bool_and([~literal for literal in literals]).only_enforce_if(~found)
        return found

    def _compared(self, formula: Any) -> Any:
        if z3.is_const(formula):
            return self._named(formula.decl().name(), self.model.new_bool_var)
        relation, opposite = self._relation(formula), self._relation(formula, opposite=True)
        if relation is None:
            raise NotImplementedError(f"CP-SAT is not told how to read {formula}")
        found = self.model.new_bool_var("")
        self.model.add(relation).only_enforce_if(found)
        self.model.add(opposite).only_enforce_if(~found)
        return found

    def _relation(self, formula: Any, *, opposite: bool = False) -> Any:
        """Return a comparison of integers, or its opposite; None if the formula is none."""
        if len(formula.children()) != 2 or not z3.is_int(formula.arg(0)):
            return None
        one, other = self.number(formula.arg(0)), self.number(formula.arg(1))
        if z3.is_eq(formula):
            return one != other if opposite else one == other
        if z3.is_le(formula):
            return one > other if opposite else one <= other
        if z3.is_ge(formula):
            return one < other if opposite else one >= other
        if z3.is_lt(formula):
            return one >= other if opposite else one < other
        return (one <= other if opposite else one > other) if z3.is_gt(formula) else None

    def number(self, term: Any) -> Any:
        """Return a linear expression."""
        if isinstance(term, int):
            return term
        children = term.children()
        if z3.is_int_value(term):
            return term.as_long()
        if z3.is_const(term):
            return self._named(term.decl().name(), lambda name: self.model.new_int_var(*self.bounds[name], name))
        if z3.is_add(term):
            return sum((self.number(child) for child in children), 0)
        if z3.is_sub(term):
            return self.number(children[0]) - sum((self.number(child) for child in children[1:]), 0)
        if z3.is_mul(term) and z3.is_int_value(children[0]):
            return children[0].as_long() * self.number(children[1])
        if z3.is_mul(term):
            return self.number(children[0]) * children[1].as_long()
        if term.decl().kind() == z3.Z3_OP_ITE and all(map(z3.is_int_value, children[1:])):
            chosen, other = children[1].as_long(), children[2].as_long()
            return self.literal(children[0]) * (chosen - other) + other
        raise NotImplementedError(f"CP-SAT is not told how to read {term}")

    def _named(self, name: str, make: Callable[[str], Any]) -> Any:
        if name not in self.names:
            self.names[name] = make(name)
        return self.names[name]
