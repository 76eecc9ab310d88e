"""Linear temporal logic: any claim about runs that is made of now, always, eventually, until and release.

A run that breaks the formula is looked for as a fair cycle of a larger machine: beside the state goes what the rest of
the run still owes for the formula to be broken (a tableau, worked out state by state), and which of its promises has
to be kept next. A run that comes to where nothing more need happen stays there for ever.

Left out on purpose: "next", since what is next depends on who else moves; and urgency: urgent actions are searched as
ordinary weakly fair ones, so that what is true only between them counts as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import evolve, field, frozen

from ..machine import Action, Converges, Fairness, Machine, MachineError, Outcome, State, View
from .explore import explore
from .options import OPTIONS, Options
from .results import NO_LIMITS, Exploration, Limits, Trace, Verdict

OWED, ROUND, PARITY = "ltl owed", "ltl round", "ltl parity"
STAYS = "(stays)"


class Formula:
    """A formula in negation normal form. Combine them with & | ~ and >> (implies)."""

    __slots__ = ()

    def __and__(self, other: Formula) -> Formula:
        return And(self, other)

    def __or__(self, other: Formula) -> Formula:
        return Or(self, other)

    def __invert__(self) -> Formula:
        return _negation(self)

    def __rshift__(self, other: Formula) -> Formula:
        return Or(_negation(self), other)


@frozen
class Now(Formula):
    """True where `check` of the state gives what is wanted."""

    name: str
    check: Callable[[View], bool] = field(repr=False)
    wanted: bool = True


@frozen
class Two(Formula):
    """A formula of two others."""

    left: Formula
    right: Formula


class And(Two):
    """Both."""


class Or(Two):
    """At least one."""


class Until(Two):
    """`right` becomes true, and until then `left` is."""


class Release(Two):
    """`right` is true up to and including where `left` is, for ever if that is never."""


TRUE = Now("true", lambda _view: True)
FALSE = Now("true", TRUE.check, wanted=False)


def eventually(what: Formula) -> Formula:
    """Say that it becomes true."""
    return Until(TRUE, what)


def always(what: Formula) -> Formula:
    """Say that it is true, and stays so."""
    return Release(FALSE, what)


def _negation(what: Formula) -> Formula:
    match what:
        case Now():
            return evolve(what, wanted=not what.wanted)
        case And(left, right):
            return Or(_negation(left), _negation(right))
        case Or(left, right):
            return And(_negation(left), _negation(right))
        case Until(left, right):
            return Release(_negation(left), _negation(right))
        case Release(left, right):
            return Until(_negation(left), _negation(right))
    raise TypeError(f"{what!r} is no formula")


Owed = frozenset[Formula]
"""What must be true of the run from the next state on."""


def satisfies(
    machine: Machine, formula: Formula, options: Options = OPTIONS, *, name: str = "ltl", limits: Limits = NO_LIMITS
) -> Exploration:
    """Tell whether every fair run satisfies a formula; urgent actions are ordinary ones here, whatever `options` say.

    A breach is a "livelock", a run that ends in a cycle, or "stuck", one that ends where nothing more need happen.
    States and transitions are those of the larger machine.
    """
    product = Product(machine, ~formula)
    claim = Converges(name, "No fair run breaks the formula.", product.accepting)
    found = explore(product.machine(), (claim,), evolve(options, urgent=False), limits=limits)
    return evolve(found, verdicts=(_translated(machine, found.verdicts[0]),))


class Product:
    """A machine together with what is still owed to a formula; its fair cycles through `accepting` satisfy it."""

    def __init__(self, machine: Machine, formula: Formula) -> None:
        self._machine = machine
        self._formula = formula
        self._promises = tuple(dict.fromkeys(part for part in _parts(formula) if isinstance(part, Until)))
        if taken := sorted({OWED, ROUND, PARITY} & set(machine.slots())):
            raise MachineError(f"a slot is called {taken[0]!r}")

    def machine(self) -> Machine:
        """Return the machine."""
        start = {OWED: frozenset({self._formula}), ROUND: 0, PARITY: False}
        return Machine(
            tuple({**state, **start} for state in self._machine.initial),
            (
                *(evolve(action, step=self._step(action)) for action in self._machine.actions),
                Action(STAYS, STAYS, self._stay, Fairness.WEAK, when_quiet=True),
            ),
        )

    def accepting(self, view: View) -> Iterator[str]:
        """Say so where every promise was kept once more and the run can go on."""
        if view[ROUND] == len(self._promises) and _expansions(view[OWED], view):
            yield "a run that breaks the formula comes by here again and again"

    def _step(self, action: Action) -> Callable[[View], Iterator[Outcome]]:
        def step(view: View) -> Iterator[Outcome]:
            for outcome in action.step(view):
                if any(view[slot] != value for slot, value in outcome.updates.items()):
                    for further in self._further(view):
                        yield Outcome(outcome.label, {**outcome.updates, **further})

        return step

    def _stay(self, view: View) -> Iterator[Outcome]:
        for further in self._further(view):
            yield Outcome("stays", {**further, PARITY: not view[PARITY]})

    def _further(self, view: View) -> Iterator[dict[str, Any]]:
        """Yield what can be owed next, and which promise is then the one to be kept."""
        for owed in _expansions(view[OWED], view):
            kept = view[ROUND] % len(self._promises) if self._promises else 0
            while kept < len(self._promises) and self._promises[kept] not in owed:
                kept += 1
            yield {OWED: owed, ROUND: kept}


def _parts(formula: Formula) -> Iterator[Formula]:
    yield formula
    if not isinstance(formula, Now):
        assert isinstance(formula, And | Or | Until | Release)  # noqa: S101 - there are no others
        yield from _parts(formula.left)
        yield from _parts(formula.right)


def _expansions(owed: Owed, view: View) -> tuple[Owed, ...]:
    """Return each way to keep what is owed in this state: what is owed from the next state on."""
    found: dict[Owed, None] = {}
    order = tuple(sorted(owed, key=repr))
    _expand(view, order, frozenset(), frozenset(), found)
    return tuple(found)


def _expand(view: View, todo: tuple[Formula, ...], done: Owed, later: Owed, found: dict[Owed, None]) -> None:
    if not todo:
        found.setdefault(later)
        return
    one, rest = todo[0], todo[1:]
    if one in done:
        _expand(view, rest, done, later, found)
        return
    done = done | {one}
    match one:
        case Now():
            if bool(one.check(view)) is one.wanted:
                _expand(view, rest, done, later, found)
        case And(left, right):
            _expand(view, (left, right, *rest), done, later, found)
        case Or(left, right):
            _expand(view, (left, *rest), done, later, found)
            _expand(view, (right, *rest), done, later, found)
        case Until(left, right):
            _expand(view, (right, *rest), done, later, found)
            _expand(view, (left, *rest), done, later | {one}, found)
        case Release(left, right):
            _expand(view, (right, left, *rest), done, later, found)
            _expand(view, (right, *rest), done, later | {one}, found)


def _translated(machine: Machine, verdict: Verdict) -> Verdict:
    """Return a verdict on the machine itself: its slots only, and staying put is no step."""
    verdict = evolve(verdict, kind="ltl" if verdict.trace is None else verdict.kind, vacuous=False)
    trace = verdict.trace
    if trace is None:
        return verdict
    slots = machine.slots()
    steps = [evolve(step, outcome=_bare(step.outcome), urgent=()) for step in trace.steps]
    begin = len(steps) if trace.cycle_start is None else trace.cycle_start
    before = tuple(step for step in steps[:begin] if step.action != STAYS)
    cycle = tuple(step for step in steps[begin:] if step.action != STAYS)
    initial = State.of({slot: trace.initial[slot] for slot in slots})
    bare = Trace(initial, (*before, *cycle), len(before) if cycle else None)
    return evolve(verdict, kind="livelock" if cycle else "stuck", trace=bare, evidence=_evidence(bare))


def _bare(outcome: Outcome) -> Outcome:
    updates = {slot: value for slot, value in outcome.updates.items() if slot not in {OWED, ROUND, PARITY}}
    return Outcome(outcome.label, updates)


def _evidence(trace: Trace) -> tuple[str, ...]:
    if trace.cycle_start is None:
        return (f"the run of {len(trace.steps)} steps that ends there breaks the formula",)
    length = len(trace.steps) - trace.cycle_start
    return (f"the run that repeats its last {length} steps for ever breaks the formula",)
