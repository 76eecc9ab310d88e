"""A search spread over workers, conducted: who does what in which order, and what is made of their answers.

Why the answer is that of one process. A state belongs to the one worker that its hash names, so it is kept once. The
search goes level by level; by induction every level holds the same states with the same numbers as in one process:
all steps of the level are generated, each by the owner of the state it leaves, by the same compiled loops; a new state
remembers the least of its steps by (number of the source, position among the source's steps), which is the order in
which one process goes through them; and new states are numbered in the order of these least steps. So the step that
found a state is the same one, and with it every trace. Sums (steps, counts per action) are sums over owners; "the
first state where" is the least number over owners. No message is under way between two rounds, for every call to the
workers is answered before the next begins: the search is over when no worker has a new state.

What only the graph of all steps tells (`liveness`) is judged where the search is conducted, on the graph put together
there; a graph above `most_steps` is not, and the verdict is UNKNOWN. A limit ends the search at the last level that was
done; breaches found since then count all the same. A worker that is lost takes all back to the last level that all have
written down, or to the beginning.

Left out on purpose: stopping at the first breach, and fingerprints.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import accumulate
from typing import Any, Protocol, cast

from attrs import evolve

from ...machine import Machine, MachineError, Property, State, StepProperty, View
from ..book import Book, StopSearch, observers
from ..checkpoint import CheckpointError, Identity
from ..explore import _run, _verdict, kind_of, statistics_of, vacuous_without
from ..guard import Guard
from ..results import Exploration, Limits, Progress, Statistics, Status, Step, Verdict
from ..rows import Rows
from ..semantics import ImpureStepError, UrgentError, ask, initial_states, moves, outcomes, write
from ..traces import rebuild, states
from .ledger import Ledger, Saved, Standing
from .told import Costs, Expanded, names_of
from .values import Agreement, unpacked

NO_LIMITS = Limits()
ROUND = 1 << 15
"""A worker expands so many states between two exchanges."""
PILOT = 1000
"""So many states are searched first, for the sake of the values in them: all workers then begin with the same ones."""
MOST_STEPS = 500_000_000
"""A graph of more steps is not put together."""
LOSSES = 5
"""After so many losses without a checkpoint in between the search gives up."""
MOST_STATES = (1 << 31) - 1
"""A graph of more states has no numbers where it is judged."""
UNREADABLE = (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, TypeError, ValueError)
MISTAKES = {error.__name__: error for error in (ImpureStepError, UrgentError)}


class LostError(Exception):
    """Some worker is no longer there."""


class Team(Protocol):
    """Workers, each with a `Part`, and the way to them. Every call raises `LostError` when one is gone."""

    size: int

    def call(self, what: str, arguments: Sequence[Any] = (), parcels: Any = None) -> list[Any]:
        """Let every worker do it, with the same arguments and what lies in the parcels for it; give the answers."""

    def send(self, what: str, arguments: Sequence[Any] = (), parcels: Any = None) -> tuple[list[Any], Any]:
        """Do the same where each answer comes with a parcel for every worker; those stay closed here."""

    def save(self, level: int, content: bytes) -> bool:
        """Let every worker write its part down, and then this; False where there is no place for it."""

    def saved(self) -> bytes | None:
        """Give what was written down last by a search that ended since, if there is anything."""

    def restart(self, level: int | None, values: bytes) -> None:
        """Replace those who are lost and let all go back to what was saved at that level, or (None) to nothing."""


class Conductor:
    """Tells the workers what to do, level by level."""

    def __init__(
        self,
        machine: Machine,
        properties: Sequence[Property],
        guard: Guard,
        team: Team,
        *,
        urgent: bool,
        at_once: int,
        every: float,
        pilot: int,
        resume: bool,
    ) -> None:
        self.guard = guard
        self.team = team
        self.book = Ledger(machine, properties, self._origin, urgent=urgent)
        self.at_once = at_once
        self.every = every
        self.pilot = pilot
        self.resume = resume
        self.identity = Identity.of(self.book, "")
        self.agreement = Agreement(len(machine.slots()))
        self.standing: Standing | None = None
        self.saved: Standing | None = None
        self.lost = False
        self.losses = 0
        self._saved_at = 0.0

    def run(self) -> None:
        """Search until no level is left; `StopSearch` where a limit ends it earlier."""
        if self.resume:
            self._take_up()
        while True:
            try:
                if self.lost:
                    self._replace()
                if self.standing is None:
                    self._begin()
                elif not self.standing.sizes[-1]:
                    return
                else:
                    self._level(self.standing)
            except LostError:
                self.lost = True
                self.losses += 1

    def _stand(self, standing: Standing) -> None:
        self.standing = standing
        self.book.stand(standing)

    def _take_up(self) -> None:
        """Go on where an earlier search has left off, if it has."""
        self.resume = False
        content = self.team.saved()
        if content is None:
            return
        try:
            saved = pickle.loads(content)  # noqa: S301 - the user's own folder
        except UNREADABLE as error:
            raise CheckpointError(f"the checkpoint cannot be read: {error}") from None
        if not isinstance(saved, Saved):
            raise CheckpointError("the checkpoint is none of a search")
        differs = self.identity.difference(saved.identity)
        if differs or saved.workers != self.team.size:
            raise CheckpointError(f"the checkpoint is that of another search: its {differs or 'workers'} differ")
        for place, values in unpacked(saved.values):
            self.agreement.add(place, values)
        self.book.clear()
        self.book.roots = initial_states(self.book.machine, urgent=self.book.urgent)
        self.saved, self.lost = saved.standing, True

    def _replace(self) -> None:
        """Let all begin anew where all can, with others for the lost ones."""
        if self.losses > LOSSES:
            raise StopSearch("workers were lost again and again")
        self.standing = self.saved
        if self.saved is None:
            self.team.restart(None, b"")
        else:
            self.book.stand(self.saved)
            self.team.restart(len(self.saved.sizes), self.agreement.everything())
        self.lost = False

    def _begin(self) -> None:
        """Let every worker take those initial states that are its own."""
        book = self.book
        book.clear()
        book.roots = initial_states(book.machine, urgent=book.urgent)
        for place, values in enumerate(_values_of_some(book, self.pilot)):
            self.agreement.add(place, values)
        begun = self.team.call("begin", (self.agreement.everything(),))
        names, roots = names_of(book), tuple(self.agreement.numbers(state.values_in_order) for state in book.roots)
        if any((one.names, one.roots) != (names, roots) for one in begun):
            raise MachineError("a worker's machine is not that of the search")
        self._stand(Standing((len(book.roots),)))

    def _level(self, standing: Standing) -> None:
        """Expand a level and number the next one."""
        team, first, last = self.team, standing.expanded, standing.states
        try:
            self._expand(last)
        except StopSearch:
            self._stand(standing.noting(team.call("tell")))  # A breach that was found is one.
            raise
        told, parcels = team.send("finish", (first, last))
        totals, parcels = team.send("rank", (), parcels)
        begins = tuple(accumulate(totals, initial=last))
        team.call("number", (begins[:-1],), parcels)
        if self.book.liveness:
            _, parcels = team.send("answer")
            team.call("link", (), parcels)
        self._stand(standing.then(begins[-1] - last, told))
        self._save()

    def _expand(self, last: int) -> None:
        """Go through the rounds of a level; `last` is the number of states known before."""
        team, left = self.team, True
        self.guard.descend(len(self.book.sizes) - 1)
        while left:
            self.guard.tick(self.book, 0)
            answers: list[Expanded] = team.call("expand", (self.at_once,))
            self._watch_memory([one.memory for one in answers])
            left = any(one.left for one in answers)
            _, parcels = team.send("deal", (self.agreement.take(one.news for one in answers),))
            found = last + sum(team.call("arrive", (), parcels))
            self.guard.admit(found - 1)
            self._report(found, sum(one.done for one in answers))
        faults = [one.fault for one in answers if one.fault is not None]
        if faults:
            self._fail(*min(faults))

    def _watch_memory(self, memory: Sequence[int]) -> None:
        most = self.guard.limits.max_memory
        if most is not None and max(memory) > most:
            raise StopSearch(f"the memory limit of {most:,} bytes was hit by a worker")

    def _report(self, found: int, done: int) -> None:
        if self.guard.progress is not None:
            book = self.book
            now = Progress(found, book.expanded + done, book.transitions, len(book.sizes) - 1, self.guard.seconds)
            self.guard.progress(now)

    def _fail(self, number: int, kind: str, message: str) -> None:
        """Raise what a worker met at a state, by asking about that state again."""
        book = self.book
        book.expanded = number
        state = states(book.machine, rebuild(book, number))[-1]
        for action in book.machine.actions:
            if not (action.when_quiet or (action.urgent and book.urgent)):
                outcomes(action, state)
        for observer in observers(book.properties):
            ask(observer.name, observer.call, state)
        for move in moves(book.machine, state, urgent=book.urgent):
            self._watch_step(state, move.step)
        raise MISTAKES.get(kind, MachineError)(message)

    def _watch_step(self, state: State, step: Step) -> None:
        for one in (step, *step.urgent):
            after = write(state, one.outcome, one.action)
            for claim in self.book.properties:
                if isinstance(claim, StepProperty) and (claim.actions is None or claim.actions(one.action)):
                    ask(claim.name, partial(_lines, claim, one.label), state, after)
            state = after

    def _save(self) -> None:
        """Let the workers write their parts down, if it is time."""
        standing = self.standing
        if standing is not None and standing.sizes[-1] and self.guard.seconds >= self._saved_at + self.every:
            content = Saved(self.identity, self.team.size, standing, self.agreement.everything())
            if self.team.save(len(standing.sizes), pickle.dumps(content)):
                self.saved, self.losses = standing, 0
            self._saved_at = self.guard.seconds

    def _origin(self, number: int) -> tuple[int, int]:
        """Ask whose state it is how it was found."""
        (found,) = (one for one in self.team.call("origin", (number,)) if one is not None)
        return tuple(found)

    def graph(self) -> None:
        """Put the graph of all steps together."""
        self.book.put_together(self.team.call("graph", (self.book.expanded,)))

    def costs(self) -> list[tuple[int, int]]:
        """Give (situations, calls) per action, those of all workers added up."""
        every = [one.actions for one in self._costs()]
        return [(sum(s for s, _ in some), sum(c for _, c in some)) for some in zip(*every, strict=True)]

    def total_calls(self) -> int:
        """Give how often a function of the machine or a property was called, by any worker."""
        return sum(one.calls for one in self._costs())

    def _costs(self) -> list[Costs]:
        return self.team.call("cost")

    def memory(self) -> int:
        """Give the bytes that the workers held at most, all together."""
        return sum(one.peak for one in self._costs())

    def widest(self) -> tuple[tuple[str, int], ...]:
        """Give the slots with their numbers of values, the widest first."""
        return self.agreement.widest(self.book.machine.slots())


def _lines(claim: StepProperty, label: str, before: View, after: View) -> tuple[str, ...]:
    return tuple(claim.check(before, after, label))


def _values_of_some(book: Book, most: int) -> Sequence[Sequence[Any]]:
    """Give the values per slot in the first states, so that all workers give most values the same numbers."""
    pilot = Rows(
        Book(book.machine, (), urgent=book.urgent, stop_at_first=False), Guard(Limits(max_states=most), None), None
    )
    with suppress(StopSearch, MachineError):  # What fails here fails again where it is told of.
        pilot.run()
    return pilot.layout.tables


def search(
    machine: Machine,
    properties: Sequence[Property],
    team: Team,
    *,
    limits: Limits = NO_LIMITS,
    urgent: bool = True,
    progress: Callable[[Progress], None] | None = None,
    at_once: int = ROUND,
    every: float = 60.0,
    most_steps: int = MOST_STEPS,
    pilot: int = PILOT,
    resume: bool = False,
) -> Exploration:
    """Search every reachable state with the workers of a team, and judge the properties as `explore` does.

    `at_once`: a worker expands so many states between two exchanges. `every`: the seconds between two checkpoints, at
    least; they are made at the ends of levels. `resume`: go on from the checkpoint of an earlier search with the same
    machine, claims and number of workers, if there is one; limits count anew. `most_steps`: a larger graph is not put
    together, and what only the graph tells is then UNKNOWN. `pilot`: the values in so many states are numbered
    beforehand. `limits.max_memory` is that of each worker and of the process that conducts.

    Counts, verdicts and traces are those of `explore`; `situations` and `calls` are sums over workers, each of which
    learns for itself, and so is `peak_memory`. A search that a limit ends has done whole levels.

    Raises `CheckpointError` for a checkpoint of another search, and what `explore` raises for a machine that is none.
    """
    guard = Guard(limits, progress)
    conductor = Conductor(
        machine, tuple(properties), guard, team, urgent=urgent, at_once=at_once, every=every, pilot=pilot, resume=resume
    )
    while True:
        why = _run(cast("Any", conductor), conductor.book)
        if conductor.losses > LOSSES:
            return _forsaken(conductor, why)
        try:
            return _judged(conductor, why, most_steps)
        except LostError:
            conductor.lost = True
            conductor.losses += 1


def _forsaken(conductor: Conductor, why: str) -> Exploration:
    """Say what is known when there are no workers to ask: how a breach was reached is not."""
    book = conductor.book
    verdicts = []
    for number, claim in enumerate(book.properties):
        evidence = book.findings[number].evidence if number in book.findings else ()
        verdicts.append(Verdict(claim.name, Status.UNKNOWN, kind_of(claim), evidence, reason=why))
    depths = book.depths()
    return Exploration(
        verdicts=tuple(verdicts),
        states=sum(depths),
        transitions=book.transitions,
        depth=max(0, len(depths) - 1),
        complete=False,
        why_incomplete=why,
        seconds=conductor.guard.seconds,
        statistics=Statistics((), 0, 0.0, conductor.widest(), depths),
    )


def _judged(conductor: Conductor, why: str, most_steps: int) -> Exploration:
    book = conductor.book
    small = book.transitions <= most_steps and book.expanded < MOST_STATES
    if book.liveness and small:
        conductor.graph()
    claims = range(len(book.properties))
    verdicts = tuple(_verdict(book, n, why) if small or n not in book.liveness else _unjudged(book, n) for n in claims)
    statistics = statistics_of(cast("Any", conductor), book, ())
    return Exploration(
        verdicts=verdicts,
        states=sum(book.sizes),
        transitions=book.transitions,
        depth=book.depth(sum(book.sizes) - 1),
        complete=not why,
        why_incomplete=why,
        seconds=conductor.guard.seconds,
        statistics=evolve(statistics, peak_memory=conductor.memory()),
    )


def _unjudged(book: Book, number: int) -> Verdict:
    """Say of a property of whole runs what is known without the graph of all steps."""
    if number in book.findings:
        return _verdict(book, number, "")
    claim, reason = book.properties[number], f"the graph of {book.transitions:,} steps is too large to be put together"
    return Verdict(claim.name, Status.UNKNOWN, kind_of(claim), vacuous=vacuous_without(book, number), reason=reason)
