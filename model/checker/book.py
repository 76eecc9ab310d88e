"""What a search writes down while it runs: how each state was reached, what was observed there, the edges on request.

States are numbered in the order in which they are found, which is breadth-first; they are expanded in that order, so
the first breach found is one with a shortest trace. Properties are observed where a state is expanded.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen

from ..machine import (
    Converges,
    Fairness,
    Invariant,
    LeadsTo,
    Machine,
    MachineError,
    Property,
    Recoverable,
    Sometimes,
    State,
    View,
)
from .semantics import fairness_of
from .symmetry.orbits import Folding


class StopSearch(BaseException):  # no error: the search ends early, for the reason given
    """The search ends before everything was seen; like an interrupt, it is nothing that a function may catch."""


@frozen
class Observer:
    """A function of a state that some property wants to know. Results: a tuple of lines, or a bool."""

    number: int
    role: str
    """One of: check, premise, reached, goal, when."""
    name: str
    call: Callable[[View], Any]


def observers(properties: Sequence[Property]) -> tuple[Observer, ...]:
    """List what must be asked of every state, in the order of the properties."""
    found: list[Observer] = []
    for number, claim in enumerate(properties):
        if isinstance(claim, Invariant):
            found.append(Observer(number, "check", claim.name, _lines(claim.check)))
        if isinstance(claim, Sometimes):
            found.append(Observer(number, "reached", claim.name, _truth(claim.check)))
        elif isinstance(claim, Converges | LeadsTo | Recoverable):
            found.append(Observer(number, "when", f"{claim.name} (when)", _truth(claim.when or _always)))
            found.append(Observer(number, "goal", f"{claim.name} (goal)", _lines(claim.goal)))
        elif claim.premise is not None:
            found.append(Observer(number, "premise", f"{claim.name} (premise)", _truth(claim.premise)))
    return tuple(found)


def _always(_view: View) -> bool:
    return True


def _lines(check: Callable[[View], Any]) -> Callable[[View], tuple[str, ...]]:
    return lambda view: tuple(check(view))


def _truth(check: Callable[[View], bool]) -> Callable[[View], bool]:
    return lambda view: bool(check(view))


@frozen
class Finding:
    """A breach: at a state, or on the step (action, ordinal) that leaves it."""

    kind: str
    state: int
    evidence: tuple[str, ...]
    step: tuple[int, int] | None = None


@frozen
class Mark:
    """A moment between two expansions: all that is needed to know what the book said then."""

    expanded: int
    states: int
    edges: int
    transitions: int
    enabled: tuple[int, ...]
    taken: tuple[int, ...]
    new: tuple[int, ...]
    findings: Mapping[int, Finding]
    occurred: frozenset[int]
    reached: Mapping[int, int]


class Book:
    """The record of one search; all engines fill the same one."""

    def __init__(self, machine: Machine, properties: Sequence[Property], *, urgent: bool, stop_at_first: bool) -> None:
        self.machine = machine
        self.properties = tuple(properties)
        self.urgent = urgent
        self.stop_at_first = stop_at_first
        self.folding: Folding | None = None
        """Where one state of each orbit is kept: what finds it."""
        names = [claim.name for claim in properties]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise MachineError(f"two properties are called {twice[0]!r}")
        self.fair = tuple(fairness_of(action, urgent=urgent) is not Fairness.NONE for action in machine.actions)
        whole_runs = Converges | LeadsTo | Recoverable
        self.liveness = tuple(n for n, claim in enumerate(properties) if isinstance(claim, whole_runs))
        """The properties of whole runs: judged on the graph of all steps when the search has ended."""
        self.rests = frozenset(n for n, claim in enumerate(properties) if isinstance(claim, Converges))
        """Those among them that a state breaks by itself where nothing more need happen."""
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.roots: tuple[State, ...] = ()
        self.parent, self.action, self.ordinal = array("I"), array("H"), array("H")
        self.expanded = 0
        self.transitions = 0
        self.edges_end = array("Q")
        self.edge_to, self.edge_action, self.edge_ordinal = array("I"), array("H"), array("H")
        self.goal = {number: bytearray() for number in self.liveness}
        self.when = {number: bytearray() for number in self.liveness}
        self.findings: dict[int, Finding] = {}
        self.occurred: set[int] = set()
        self.reached: dict[int, int] = {}
        count = len(self.machine.actions)
        self.enabled, self.taken, self.new = [0] * count, [0] * count, [0] * count

    def add_roots(self, roots: tuple[State, ...]) -> None:
        """Start with the initial states; each is its own parent."""
        self.roots = roots
        for number in range(len(roots)):
            self.parent.append(number)
            self.action.append(0)
            self.ordinal.append(0)

    def observe(self, observer: Observer, state: int, result: Any) -> None:
        """Take in what an observer said of a state ("goal" goes in when the state is closed)."""
        number = observer.number
        if observer.role == "check":
            if result:
                self.breach(number, Finding("invariant", state, result))
        elif result:
            if observer.role == "reached":
                self.reached.setdefault(number, state)
            elif observer.role != "goal":
                self.occurred.add(number)

    def breach(self, number: int, finding: Finding) -> None:
        """Keep the first breach of a property; end the search if that is wanted."""
        if number not in self.findings:
            self.findings[number] = finding
            if self.stop_at_first:
                raise StopSearch("stopped at the first violation")

    def close(self, state: int, answers: Sequence[tuple[int, bool, tuple[str, ...]]], *, fair: bool) -> None:
        """End the expansion of a state. `answers`: per liveness property its number, `when`, and the goal's reasons."""
        for number, when, reasons in answers:
            self.when[number].append(when)
            self.goal[number].append(not reasons)
        self.edges_end.append(len(self.edge_to))
        self.expanded = state + 1
        if fair:
            return
        for number, when, reasons in answers:
            if number in self.rests and when and reasons:
                self.breach(number, Finding("stuck", state, reasons))

    def mark(self) -> Mark:
        """Return the moment; to be asked for only where no expansion is under way."""
        return Mark(
            self.expanded,
            len(self.parent),
            len(self.edge_to),
            self.transitions,
            tuple(self.enabled),
            tuple(self.taken),
            tuple(self.new),
            dict(self.findings),
            frozenset(self.occurred),
            dict(self.reached),
        )

    def trim(self) -> None:
        """Drop what a state wrote whose expansion was cut short, at whatever point."""
        del self.edges_end[self.expanded :]
        states = len(self.ordinal)
        del self.parent[states:], self.action[states:]
        keep = self.edges_end[-1] if self.edges_end else 0
        for column in (self.edge_to, self.edge_action, self.edge_ordinal):
            del column[keep:]
        for flags in (*self.goal.values(), *self.when.values()):
            del flags[self.expanded :]

    def path(self, state: int) -> tuple[int, list[tuple[int, int]]]:
        """Return the root a state was reached from, and the (action, ordinal) of each step to it."""
        steps: list[tuple[int, int]] = []
        while self.parent[state] != state:
            steps.append((self.action[state], self.ordinal[state]))
            state = self.parent[state]
        return state, steps[::-1]

    def depths(self) -> tuple[int, ...]:
        """Return how many states have each depth: those of a depth follow each other, as do their parents."""
        layers: list[int] = []
        first, last = 0, len(self.roots)
        while first < last:
            layers.append(last - first)
            first, last = last, bisect_left(self.parent, last, last)
        return tuple(layers)

    @property
    def states(self) -> int:
        """The number of states found."""
        return len(self.parent)

    def gather(self) -> None:
        """Have the graph of all steps at hand, if some property wants it: here it always is."""

    def unjudged(self, _number: int) -> str:
        """Say why a property cannot be judged, "" where it can: here always."""
        return ""

    def depth(self, state: int) -> int:
        """Return the number of steps to a state."""
        return len(self.path(state)[1])
