"""Runs plain Python functions on symbolic values: once for every way in which the conditions they ask can turn out.

A symbolic value answers arithmetic and comparisons with symbolic values. Where the program needs a plain truth value
(`if`, `and`, `in`, a dict lookup) the trial decides: z3 says which answers are possible after those given before, and
where both are, the program is run again for the other one. A function that ends on every path has then been run on all
inputs at once; what it returned on a path holds for all inputs that satisfy the path's condition.

What is faithful, and what is not:
- Words (strings) are compared only by equality; anything else done to them raises. The constants of the program that
  are compared with words must be declared; comparing with any other raises. Those that lie beside words of any value
  in sets and dicts must be declared as such: a lookup asks only about these.
- Numbers are unbounded integers. They may lie in sets and as keys in dicts beside each other only.
- Objects that a program keeps in caches of its own must be made anew by each run: `Pod` here is compared by identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import z3
from attrs import field, frozen, mutable

from ...impl.api import core

T = TypeVar("T")
WORD = z3.DeclareSort("Word")
UNKNOWN_WORD = 0x5EED
"""The hash of every word that is none of the constants: which of those are equal is asked when they meet."""


class Unfaithful(Exception):  # noqa: N818 - it says what the run would be
    """A program did to a symbolic value what the answer would not be faithful for."""


class Undecided(Exception):  # noqa: N818 - it says what happened
    """z3 could not tell whether a path exists."""


class Truth:
    """A truth value that is not known; asking for a plain one decides it on this path."""

    def __init__(self, trial: Trial, term: Any) -> None:
        self.trial, self.term = trial, term

    def __bool__(self) -> bool:
        return self.trial.decide(self.term)

    def __add__(self, other: Any) -> Any:
        return Number(self.trial, z3.If(self.term, 1, 0)) + other

    __radd__ = __add__

    def __and__(self, other: Any) -> Truth:
        return Truth(self.trial, z3.And(self.term, _term(other)))

    def __or__(self, other: Any) -> Truth:
        return Truth(self.trial, z3.Or(self.term, _term(other)))

    __rand__, __ror__ = __and__, __or__

    def __eq__(self, other: object) -> Any:
        return bool(self) == other

    __hash__ = None  # type: ignore[assignment]


class Number:
    """An integer that is not known."""

    def __init__(self, trial: Trial, term: Any) -> None:
        self.trial, self.term = trial, term

    def _number(self, term: Any) -> Number:
        return Number(self.trial, term)

    def _truth(self, term: Any) -> Truth:
        return Truth(self.trial, term)

    def __add__(self, other: Any) -> Number:
        return self._number(self.term + _term(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Number:
        return self._number(self.term - _term(other))

    def __rsub__(self, other: Any) -> Number:
        return self._number(_term(other) - self.term)

    def __mul__(self, other: int) -> Number:
        return self if other == 1 else self._number(self.term * _term(other))

    __rmul__ = __mul__

    def __mod__(self, other: int) -> Number:
        """Return the remainder by a positive number; one that is smaller than it anyway stays as it is."""
        if self.trial.certain(z3.And(self.term >= 0, self.term < _positive(other))):
            return self
        return self._number(self.term % other)

    def __neg__(self) -> Number:
        return self._number(-self.term)

    def __lt__(self, other: Any) -> Truth:
        return self._truth(self.term < _term(other))

    def __le__(self, other: Any) -> Truth:
        return self._truth(self.term <= _term(other))

    def __gt__(self, other: Any) -> Truth:
        return self._truth(self.term > _term(other))

    def __ge__(self, other: Any) -> Truth:
        return self._truth(self.term >= _term(other))

    def __eq__(self, other: object) -> Any:
        return False if other is None or isinstance(other, str) else self._truth(self.term == _term(other))

    def __ne__(self, other: object) -> Any:
        return True if other is None or isinstance(other, str) else self._truth(self.term != _term(other))

    def __hash__(self) -> int:
        return UNKNOWN_WORD

    def __bool__(self) -> bool:
        return self.trial.decide(self.term != 0)


class Word:
    """A string that is not known; if it is one of some constants only, `among` has them."""

    def __init__(self, trial: Trial, term: Any, among: tuple[str, ...] = ()) -> None:
        self.trial, self.term, self.among = trial, term, among

    def _same(self, other: object) -> Any:
        if isinstance(other, Word):
            return self.term == other.term
        return self.term == self.trial.constant(other) if isinstance(other, str) else z3.BoolVal(val=False)

    def __eq__(self, other: object) -> Any:
        return Truth(self.trial, self._same(other))

    def __ne__(self, other: object) -> Any:
        return Truth(self.trial, z3.Not(self._same(other)))

    def __hash__(self) -> int:
        """Find out which constant it is; those that are none are told apart when they are compared."""
        found = next((text for text in self.among or self.trial.words.beside if bool(self == text)), None)
        return UNKNOWN_WORD if found is None else hash(found)

    def __bool__(self) -> bool:
        return bool(self != "")

    def __str__(self) -> str:
        return str(self.term)


class Pod(core.Pod):
    """A Pod that is only itself, so that nothing kept for it is taken for another run's."""

    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = object.__hash__


def _term(value: Any) -> Any:
    return getattr(value, "term", value)


def _positive(number: int) -> int:
    if not isinstance(number, int) or number <= 0:
        raise Unfaithful(f"the remainder by {number!r}")
    return number


# --- all paths ----------------------------------------------------------------------------------------------------


@frozen
class Constants:
    """The strings a program compares words with, and those of them that are in sets and dicts with words."""

    all: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


NO_CONSTANTS = Constants()


@mutable
class Choice:
    """A decision on the current path; `other` is a model of the path with the other answer, None if there is none."""

    term: Any
    answer: bool
    other: Any
    granted: bool = False


@mutable
class Trial:
    """One function being run on symbolic values, path after path. Make the values with its methods."""

    words: Constants = NO_CONSTANTS
    solver: Any = field(factory=z3.Solver)
    path: list[Choice] = field(factory=list)
    at: int = 0
    decided: dict[int, tuple[Any, bool]] = field(factory=dict)
    model: Any = None
    checks: int = 0

    def constant(self, text: str) -> Any:
        """Return the term of a declared constant. Raises Unfaithful for another one."""
        if text not in self.words.all:
            raise Unfaithful(f"a word is compared with {text!r}, which is not among the constants declared")
        return z3.Const(f"{text!r}", WORD)

    def number(self, name: str, least: int | None = 0, most: int | None = None) -> Any:
        """Make a number within bounds, both included."""
        term = z3.Int(name)
        bounds = [*([term >= least] if least is not None else []), *([term <= most] if most is not None else [])]
        return Number(self, self.assume(term, *bounds))

    def word(self, name: str, among: tuple[str, ...] = ()) -> Any:
        """Make a word, any or one of some constants."""
        term = z3.Const(name, WORD)
        if among:
            self.assume(term, z3.Or([term == self.constant(text) for text in among]))
        return Word(self, term, among)

    def truth(self, name: str) -> Any:
        """Make a truth value."""
        return Truth(self, z3.Bool(name))

    def pick(self, name: str, options: Sequence[T]) -> T:
        """Take one of some plain values; every one of them has its own path."""
        index = z3.Int(name)
        self.assume(index, index >= 0, index < len(options))
        last = len(options) - 1
        return next(
            (option for number, option in enumerate(options[:last]) if self.decide(index == number)), options[last]
        )

    def assume(self, term: Any, *facts: Any) -> Any:
        """Take something for granted from here on; it must be the same on every run."""
        for fact in facts:
            if not self.decide(fact, granted=True):
                raise Unfaithful(f"{fact} is assumed, but excluded by what was decided before")
        return term

    def certain(self, term: Any) -> bool:
        """Whether something holds for all inputs of this path."""
        self.checks += 1
        return bool(self.solver.check(z3.Not(term)) == z3.unsat)

    def decide(self, term: Any, *, granted: bool = False) -> bool:
        """Return a plain answer: as on the runs before, the only possible one, or the first of both."""
        if z3.is_true(term) or z3.is_false(term):
            return bool(z3.is_true(term))
        if (known := self.decided.get(term.get_id())) is not None:
            return known[1]
        if self.at == len(self.path):
            self.path.append(self._granted(term) if granted else self._either(term))
        choice = self.path[self.at]
        self.at += 1
        self.decided[term.get_id()] = term, choice.answer
        return choice.answer

    def _either(self, term: Any) -> Choice:
        """The last model shows one answer to be possible; ask about the other."""
        answer = bool(z3.is_true(self.model.eval(term, model_completion=True)))
        other = self.inputs(z3.Not(term) if answer else term)
        return self._taken(Choice(term, answer, other))

    def _granted(self, term: Any) -> Choice:
        if not z3.is_true(self.model.eval(term, model_completion=True)):
            self.model = self.inputs(term)
        return self._taken(Choice(term, self.model is not None, None, granted=True))

    def _taken(self, choice: Choice) -> Choice:
        self.solver.push()
        self.solver.add(choice.term if choice.answer else z3.Not(choice.term))
        return choice

    @property
    def apart(self) -> Any:
        """Say that no two constants are the same word."""
        terms = [self.constant(text) for text in self.words.all]
        return z3.Distinct(terms) if len(terms) > 1 else z3.BoolVal(val=True)

    def inputs(self, *terms: Any) -> Any:
        """Return a model of what was decided and of more; None if there is none. Raises Undecided."""
        self.checks += 1
        found = self.solver.check(*terms)
        if found == z3.unknown:
            raise Undecided(self.solver.reason_unknown())
        return self.solver.model() if found == z3.sat else None

    def next(self) -> bool:
        """Go back to the last decision that can be otherwise; False if there is none."""
        while self.path:
            choice = self.path.pop()
            self.solver.pop()
            if choice.other is not None:
                self.model = choice.other
                self.path.append(self._taken(Choice(choice.term, not choice.answer, None)))
                self.at, self.decided = 0, {}
                return True
        return False


@frozen
class Path:
    """What a function returned for all inputs that satisfy `condition`."""

    trial: Trial
    value: Any

    @property
    def condition(self) -> Any:
        """What was decided on the way, what was taken for granted included; it is of this moment."""
        return z3.And([choice.term if choice.answer else z3.Not(choice.term) for choice in self.trial.path])

    def refutes(self, claim: Any) -> tuple[str, ...] | None:
        """Return inputs of this path for which a claim is false, as lines; None if there are none."""
        model = self.trial.inputs(z3.Not(_term(claim)))
        return None if model is None else shown(model)


def shown(model: Any) -> tuple[str, ...]:
    """Return the inputs of a model as lines."""
    return tuple(sorted(f"{name} = {model[name]}" for name in model.decls()))


def every_path(run: Callable[[Trial], Any], constants: Constants = NO_CONSTANTS) -> Iterator[Path]:
    """Run a function on each of its paths. It gets its symbolic values from the trial and must do nothing else."""
    trial = Trial(constants)
    trial.solver.add(trial.apart)
    trial.model = trial.inputs()
    going = True
    while going:
        yield Path(trial, run(trial))
        going = trial.next()


@frozen
class Summary:
    """A function of symbolic inputs to a truth value as one formula, and the inputs it was run on as another."""

    paths: int
    true: Any
    inputs: Any
    granted: Any
    """What was taken for granted of the inputs: the constants differ, and what `Trial.assume` was told."""


def summary(run: Callable[[Trial], Any], constants: Constants = NO_CONSTANTS) -> Summary:
    """Run a function that gives a truth value, plain or as a formula, on all paths and put them together."""
    true: list[Any] = []
    inputs: list[Any] = []
    granted: dict[int, Any] = {}
    for path in every_path(run, constants):
        condition = path.condition
        inputs.append(condition)
        true.append(z3.And(condition, _term(path.value)))
        granted |= {choice.term.get_id(): choice.term for choice in path.trial.path if choice.granted}
        apart = path.trial.apart
    return Summary(len(inputs), z3.Or(true), z3.Or(inputs), z3.And(apart, *granted.values()))


def differ(one: Summary, other: Summary) -> tuple[str, ...] | None:
    """Return inputs on which two functions differ, or that one of them was not run on; None if there are none."""
    solver = z3.Solver()
    solver.add(one.granted, other.granted)
    solver.add(z3.Or(one.true != other.true, z3.Not(one.inputs), z3.Not(other.inputs)))
    found = solver.check()
    if found == z3.unknown:
        raise Undecided(solver.reason_unknown())
    return shown(solver.model()) if found == z3.sat else None
