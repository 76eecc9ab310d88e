"""What a search answers: verdicts that never merge, traces that replay, and numbers that say what was searched.

HOLDS means in every state within the stated bounds. A limit, an interrupt or exhausted memory gives UNKNOWN with the
reason, unless a breach had been found before: that one stays.
"""

from __future__ import annotations

import math
import time
from collections.abc import Hashable
from enum import Enum

from attrs import evolve, fields, frozen

from ..machine import Action, Memory, Outcome, State

INTERRUPTED = "interrupted (Ctrl-C)"
"""Why a search is incomplete that somebody ended."""


class Status(Enum):
    """The three answers."""

    HOLDS = "HOLDS"
    VIOLATED = "VIOLATED"
    UNKNOWN = "UNKNOWN"


@frozen
class Deadline:
    """A moment after which nothing more is begun, and why: one for all searches and proofs of a command."""

    at: float
    """On the monotonic clock, in seconds."""
    why: str

    @classmethod
    def within(cls, seconds: float) -> Deadline:
        """Return the moment so many seconds from now."""
        return cls(time.monotonic() + seconds, f"the time limit of {seconds:g} s was hit")

    @classmethod
    def past(cls, why: str) -> Deadline:
        """Return a moment that is over already: what follows is not begun, for this reason."""
        return cls(-math.inf, why)

    @property
    def left(self) -> float:
        """Return the seconds that are left, 0 when it is past."""
        return max(0.0, self.at - time.monotonic())


@frozen
class Limits:
    """When to give up: states, bytes of resident memory, seconds of wall time, steps of a run. None is no limit.

    States that only more steps than `max_depth` lead to are neither judged nor expanded. The seconds of `timeout` count
    from the beginning of each search, `deadline` is a moment: what makes several searches turns one into the other.
    """

    max_states: int | None = None
    max_memory: int | None = None
    timeout: float | None = None
    max_depth: int | None = None
    deadline: Deadline | None = None

    def begun(self) -> Limits:
        """Return limits whose time has begun to run, for everything that is measured by them."""
        if self.timeout is None:
            return self
        return evolve(self, timeout=None, deadline=Deadline.within(self.timeout))

    def first(self, share: float) -> Limits:
        """Return those of the first of several searches: it leaves some of the time for the others."""
        if self.deadline is None:
            return self
        return evolve(self, deadline=Deadline(time.monotonic() + share * self.deadline.left, self.deadline.why))

    def after(self, search: Exploration) -> Limits:
        """Return what is left for further searches: nothing, if somebody interrupted this one."""
        if not search.why_incomplete.startswith(INTERRUPTED):
            return self
        return evolve(self, deadline=Deadline.past(INTERRUPTED))


NO_LIMITS = Limits()


@frozen
class Step:
    """One step of a trace: the action taken, which of its outcomes, and the urgent steps it set off.

    `by`, `verb`, `on` and `remembers` are those of the action.
    """

    action: str
    outcome: Outcome
    urgent: tuple[Step, ...] = ()
    by: Hashable = None
    verb: Hashable = None
    on: Hashable = None
    remembers: tuple[Memory, ...] = ()

    @classmethod
    def of(cls, action: Action, outcome: Outcome, urgent: tuple[Step, ...] = ()) -> Step:
        """Return the step that takes an action."""
        return cls(action.name, outcome, urgent, action.by, action.verb, action.on, action.remembers)

    @property
    def label(self) -> str:
        """Return the label of the outcome."""
        return self.outcome.label


@frozen
class Trace:
    """A run: from a state through steps. With `cycle_start` the steps from that index on repeat for ever."""

    initial: State
    steps: tuple[Step, ...] = ()
    cycle_start: int | None = None

    def lines(self) -> tuple[str, ...]:
        """Return one line per step, urgent steps (but those without a label) indented under what set them off."""
        lines: list[str] = []
        for number, step in enumerate(self.steps):
            if number == self.cycle_start:
                lines.append("-- from here on for ever:")
            lines.append(f"{step.action}: {step.label}")
            lines.extend(f"    {urgent.action}: {urgent.label}" for urgent in step.urgent if urgent.label)
        return tuple(lines)


@frozen
class Verdict:
    """What the search says of one property.

    `kind` tells breaches apart: "invariant", "step", "stuck", "livelock", "unrecoverable", "never reached", "initial"
    (of a refinement); it is the property's kind ("invariant", "step", "sometimes", "converges", "leads to",
    "recoverable") where nothing was breached. `vacuous`: the premise was true nowhere, so the answer says nothing.
    `reason` says why it is UNKNOWN. `trace` leads to the breach, or to the witness of a `Sometimes` that was reached.
    """

    name: str
    status: Status
    kind: str
    evidence: tuple[str, ...] = ()
    trace: Trace | None = None
    vacuous: bool = False
    reason: str = ""


@frozen
class ActionStatistics:
    """One action: states where it was enabled, transitions by it, states first reached by it.

    `situations` counts the distinct local situations it was run in, `calls` how often its Python code ran for them,
    `looks` how often the answer was wanted (where the engine counts that).
    """

    name: str
    enabled: int
    taken: int
    new: int
    situations: int
    calls: int
    group: str = ""
    looks: int = 0
    urgent: bool = False
    """Taken inside the steps of others, and not counted as a step."""


@frozen
class GroupStatistics:
    """The same for a group: sums over its actions."""

    group: str
    enabled: int
    taken: int
    new: int
    situations: int
    calls: int
    looks: int

    @property
    def hits(self) -> int:
        """Return how often the answer was wanted and known already."""
        return max(0, self.looks - self.calls)


@frozen
class Timing:
    """How often a function of the machine or of a property was called, and the seconds spent in it."""

    name: str
    calls: int
    seconds: float


@frozen
class Statistics:
    """What the search cost and covered. `calls` counts every call of a step or property function."""

    actions: tuple[ActionStatistics, ...]
    calls: int
    calls_per_transition: float
    widest: tuple[tuple[str, int], ...]
    """Slots with the number of distinct values they took, the widest first."""

    depths: tuple[int, ...] = ()
    """How many states are found first after 0, 1, 2, ... steps."""
    peak_memory: int = 0
    """The most bytes the process ever held."""
    profile: tuple[Timing, ...] = ()
    """Where the Python time went, the slowest first; empty unless asked for."""

    @property
    def groups(self) -> tuple[GroupStatistics, ...]:
        """Add the actions up by group, in the order in which the groups first occur."""
        members: dict[str, list[ActionStatistics]] = {}
        for action in self.actions:
            members.setdefault(action.group, []).append(action)
        names = [field.name for field in fields(GroupStatistics)][1:]
        return tuple(
            GroupStatistics(group, *(sum(getattr(action, name) for action in actions) for name in names))
            for group, actions in members.items()
        )

    @property
    def never_enabled(self) -> tuple[str, ...]:
        """Name the actions that were enabled nowhere; of urgent ones that is not known."""
        return tuple(action.name for action in self.actions if not action.enabled and not action.urgent)


@frozen
class Progress:
    """Where a search is. `expanded` of `states` are done; `depth` is that of the state at hand."""

    states: int
    expanded: int
    transitions: int
    depth: int
    seconds: float

    @property
    def frontier(self) -> int:
        """Return the number of states that wait."""
        return self.states - self.expanded


@frozen
class Exploration:
    """The whole answer. `missed_state_bound` is the probability that fingerprints hid a state; 0.0 means exact."""

    verdicts: tuple[Verdict, ...]
    states: int
    transitions: int
    depth: int
    complete: bool
    why_incomplete: str
    seconds: float
    statistics: Statistics
    missed_state_bound: float = 0.0
    symmetry: str = ""
    """What symmetry was made use of, "" where none was."""

    def __getitem__(self, name: str) -> Verdict:
        """Return the verdict of a property by its name; KeyError with the known names otherwise."""
        for verdict in self.verdicts:
            if verdict.name == name:
                return verdict
        raise KeyError(f"no property {name!r} among {', '.join(verdict.name for verdict in self.verdicts)}")

    @property
    def status(self) -> Status:
        """Return the worst of all: VIOLATED before UNKNOWN before HOLDS; an incomplete search is at best UNKNOWN."""
        found = {verdict.status for verdict in self.verdicts}
        if Status.VIOLATED in found:
            return Status.VIOLATED
        return Status.HOLDS if self.complete and Status.UNKNOWN not in found else Status.UNKNOWN

    def summary(self) -> tuple[str, ...]:
        """Return the lines a person reads first."""
        how = "complete" if self.complete else f"INCOMPLETE: {self.why_incomplete}"
        lines = [f"{self.states:,} states, {self.transitions:,} transitions, depth {self.depth}, {how}"]
        if self.symmetry:
            lines.append(f"symmetry: {self.symmetry}")
        if self.missed_state_bound:
            lines.append(f"fingerprints: a state was missed with probability at most {self.missed_state_bound:.1e}")
        for verdict in self.verdicts:
            vacuous = " (vacuous: its premise was never true)" if verdict.vacuous else ""
            lines.append(f"{verdict.status.value} {verdict.name}{vacuous}{verdict.reason and f': {verdict.reason}'}")
            lines.extend(f"    {line}" for line in verdict.evidence)
        return tuple(lines)
