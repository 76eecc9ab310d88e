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
written down, or to the beginning, also when its loss is only noticed where the search is judged: `run` is called again.

Left out on purpose: stopping at the first breach, and fingerprints.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Any

from attrs import evolve

from ...machine import Machine, MachineError, Property
from ..book import Book, StopSearch
from ..checkpoint import CheckpointError, Identity
from ..engine import Costs
from ..guard import Guard
from ..layout import widest
from ..results import Limits, Progress
from ..rows import Rows
from ..semantics import ImpureStepError, UrgentError, initial_states
from ..traces import rebuild, states
from .ledger import Ledger, Saved, Standing
from .team import LostError, Partitioned
from .told import Expanded, names_of
from .values import Agreement, unpacked

LOSSES = 5
"""After so many losses without a checkpoint in between the search gives up."""
UNREADABLE = (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, TypeError, ValueError)
MISTAKES = {error.__name__: error for error in (ImpureStepError, UrgentError)}


class Conductor:
    """Tells the workers what to do, level by level."""

    def __init__(
        self,
        machine: Machine,
        properties: Sequence[Property],
        guard: Guard,
        wishes: Partitioned,
        *,
        urgent: bool,
        resume: bool,
    ) -> None:
        self.guard = guard
        self.wishes = wishes
        self.team = wishes.team
        self.book = Ledger(machine, properties, self._call, urgent=urgent, most_steps=wishes.most_steps)
        self.resume = resume
        self.identity = Identity.of(self.book, "")
        self.agreement = Agreement(len(machine.slots()))
        self.standing: Standing | None = None
        self.saved: Standing | None = None
        self.lost = False
        self.losses = 0
        self._saved_at = 0.0

    def run(self, _saved: object = None) -> None:
        """Search until no level is left; `StopSearch` where a limit ends it earlier. What was saved the team knows."""
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
                self._lose()

    def _lose(self) -> None:
        self.losses += not self.lost
        self.lost = True

    def _call(self, what: str, arguments: Sequence[Any] = ()) -> list[Any]:
        """Ask the workers for what is needed to judge the search; whoever is lost then makes it begin anew."""
        try:
            return self.team.call(what, arguments)
        except LostError:
            self._lose()
            raise

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
            self.book.forsaken = "workers were lost again and again"
            raise StopSearch(self.book.forsaken)
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
        for place, values in enumerate(_values_of_some(book, self.wishes.pilot)):
            self.agreement.add(place, values)
        begun = self.team.call("begin", (self.agreement.everything(),))
        names, roots = names_of(book), tuple(self.agreement.numbers(state.values_in_order) for state in book.roots)
        if any((started.names, started.roots) != (names, roots) for started in begun):
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
            answers: list[Expanded] = team.call("expand", (self.wishes.at_once,))
            self._watch_memory([answer.memory for answer in answers])
            left = any(answer.left for answer in answers)
            _, parcels = team.send("deal", (self.agreement.take(answer.news for answer in answers),))
            found = last + sum(team.call("arrive", (), parcels))
            self.guard.admit(found - 1)
            self._report(found, sum(answer.done for answer in answers))
        faults = [answer.fault for answer in answers if answer.fault is not None]
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
        again = Book(evolve(book.machine, initial=(state,)), book.properties, urgent=book.urgent, stop_at_first=False)
        with suppress(StopSearch):
            Rows(again, Guard(Limits(max_depth=0))).run()
        raise MISTAKES.get(kind, MachineError)(message)

    def _save(self) -> None:
        """Let the workers write their parts down, if it is time."""
        standing = self.standing
        if standing is not None and standing.sizes[-1] and self.guard.seconds >= self._saved_at + self.wishes.every:
            content = Saved(self.identity, self.team.size, standing, self.agreement.everything())
            if self.team.save(len(standing.sizes), pickle.dumps(content)):
                self.saved, self.losses = standing, 0
            self._saved_at = self.guard.seconds

    def costs(self) -> Costs:
        """Say what it has cost, all workers together."""
        values = widest(self.book.machine.slots(), self.agreement.tables)
        if self.book.forsaken:
            return Costs((), 0, values, 0)
        every: list[Costs] = self._call("costs")
        actions = zip(*(cost.actions for cost in every), strict=True)
        added = ((sum(some) for some in zip(*rows, strict=True)) for rows in actions)
        return Costs(
            tuple((met, called, looks) for met, called, looks in added),
            sum(cost.calls for cost in every),
            values,
            sum(cost.peak for cost in every),
        )


def _values_of_some(book: Book, most: int) -> Sequence[Sequence[Any]]:
    """Return the values per slot in the first states, so that all workers give most values the same numbers."""
    pilot = Rows(Book(book.machine, (), urgent=book.urgent, stop_at_first=False), Guard(Limits(max_states=most)))
    with suppress(StopSearch, MachineError):  # What fails here fails again where it is told of.
        pilot.run()
    return pilot.layout.tables
