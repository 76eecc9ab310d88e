"""Random walks, for machines too large to search: they find breaches and prove nothing.

Each walk begins in an initial state and takes one step after another, rather those of actions that were seldom taken so
far, and with likings of its own, so that walks differ in more than luck. The properties are judged in every state that
is visited, and step properties on every step that was possible there. A breach comes with a trace that is made shorter
by leaving out what is not needed for it; it need not be the shortest. What was not breached is UNKNOWN, with how much
was seen: never HOLDS. The same seed gives the same walks.

Left out on purpose: properties of whole runs, but for `Converges` broken by a state where nothing more need happen;
and what urgent steps do in between is judged, but not what would happen without urgency.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate
from random import Random
from typing import Any

from attrs import evolve

from ..machine import Machine, Property, Sometimes
from .book import Book, Finding
from .explore import run
from .guard import NEWS, TICK, Guard, Patience
from .judge import kind_of, statistics_of, vacuous_without
from .results import NO_LIMITS, Exploration, Limits, Progress, Status, Verdict
from .rows import Rows
from .shorten import Choice, breach, shorten
from .trees.functions import Leaves


class WalkBook(Book):
    """A book that keeps, with each first breach, the walk that led to it."""

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        self.walk: list[Choice] = []
        self.root = 0
        self.ways: dict[int, tuple[int, tuple[Choice, ...]]] = {}
        self.witnesses: dict[int, tuple[int, tuple[Choice, ...]]] = {}

    def path(self, _state: int) -> tuple[int, list[Choice]]:
        """Return the root and the steps of the walk so far: whatever state is asked for is its last one."""
        return self.root, list(self.walk)

    def here(self) -> tuple[int, tuple[Choice, ...]]:
        """Return the root and the steps of the walk so far."""
        return self.root, tuple(self.walk)

    def breach(self, number: int, finding: Finding) -> None:
        """Keep the first breach of a property."""
        if number not in self.findings:
            root, walk = self.here()
            self.findings[number] = finding
            self.ways[number] = root, walk if finding.step is None else (*walk, finding.step)

    def observe(self, observer: Any, state: int, result: Any) -> None:
        """Take in what an observer said of a state."""
        super().observe(observer, state, result)
        if observer.role == "reached" and result:
            self.witnesses.setdefault(observer.number, self.here())

    def close(self, state: int, answers: Sequence[tuple[int, bool, tuple[str, ...]]], *, fair: bool) -> None:
        """End the visit of a state; of whole runs only the end is judged."""
        self.expanded = state + 1
        for number, when, reasons in answers:
            if not fair and number in self.rests and when and reasons:
                self.breach(number, Finding("stuck", state, reasons))


class Walker(Rows):
    """The fast engine, going one way at a time."""

    def start(self, walks: int, depth: int, random: Random, progress: Callable[[Progress], None] | None) -> None:
        """Say how far to go."""
        self.walks, self.depth, self.random, self.progress = walks, depth, random, progress
        self.visits: Counter[int] = Counter()
        self.begun = self.steps = self.longest = 0
        self.options: list[tuple[Choice, int, Leaves, int]] = []
        self.liking: list[float] = []
        """How much this walk likes each action: different walks, different habits."""

    def _search(self, _saved: object = None) -> None:
        book = self.book
        assert isinstance(book, WalkBook)  # noqa: S101 - `simulate` gives it one
        self._begin()
        roots = list(self.queue)
        self.visits.clear()
        self.begun = self.steps = self.longest = 0
        for number in range(self.walks):
            self.begun = number + 1
            book.root, book.walk = number % len(roots), []
            self.liking = [1.0 - self.random.random() for _ in book.taken]
            self._walk(book, roots[book.root])

    def _walk(self, book: WalkBook, begin: tuple[int, Leaves, int]) -> None:
        row, leaves, written = begin
        for _ in range(self.depth + 1):
            if not self.steps % TICK:
                self.guard.tick(book, self.steps)
            if self.progress is not None and self.steps and not self.steps % NEWS:
                seen = len(self.visits)
                self.progress(Progress(seen, seen, book.transitions, len(book.walk), self.guard.seconds))
            if row not in self.visits:
                self.guard.admit(len(self.visits))
            self.visits[row] += 1
            self.options = []
            self._expand(self.steps, row, leaves, written)
            self.steps += 1
            if not self.options or len(book.walk) == self.depth:
                return
            choice, row, leaves, written = self._choose()
            book.walk.append(choice)
            book.taken[choice[0]] += 1
            book.transitions += 1
            self.longest = max(self.longest, len(book.walk))

    def _arrive(self, number: int, choice: Choice, row: int, leaves: Leaves, written: int) -> None:
        del number
        self.options.append((choice, row, leaves, written))

    def _choose(self) -> tuple[Choice, int, Leaves, int]:
        """Choose a step, rather of an action that this walk likes and that was seldom taken."""
        taken, liking = self.book.taken, self.liking
        weights = accumulate(liking[choice[0]] / (1 + taken[choice[0]]) for choice, *_ in self.options)
        return self.random.choices(self.options, cum_weights=list(weights))[0]

    @property
    def unseen(self) -> float:
        """Estimate how likely one more visit is to a state never seen (Good and Turing: visited once, by visits)."""
        once = sum(1 for count in self.visits.values() if count == 1)
        return once / self.visits.total() if self.visits else 1.0


def simulate(
    machine: Machine,
    properties: Sequence[Property] = (),
    *,
    walks: int = 100,
    depth: int = 200,
    seed: int = 0,
    urgent: bool = True,
    limits: Limits = NO_LIMITS,
    progress: Callable[[Progress], None] | None = None,
) -> Exploration:
    """Walk at random, and judge the properties where the walks come by. Give what `explore` gives, never complete.

    `states` are the distinct ones visited, `transitions` the steps taken, `depth` the most steps of a walk. Ctrl-C and
    limits end it early. Raises what `explore` raises.
    """
    guard, patience = Guard(limits), Patience(limits)
    book = WalkBook(patience.machine(machine), properties, urgent=urgent, stop_at_first=False)
    walker = Walker(book, guard)
    walker.start(walks, depth, Random(seed), progress)  # noqa: S311 - no secret
    early = run(walker, patience)
    why = _coverage(walker, seed, early and f"{early}; ")
    return Exploration(
        verdicts=tuple(_verdict(book, number, why) for number in range(len(book.properties))),
        states=len(walker.visits),
        transitions=book.transitions,
        depth=walker.longest,
        complete=False,
        why_incomplete=why,
        seconds=guard.seconds,
        statistics=evolve(statistics_of(book, walker.costs()), depths=()),
    )


def _coverage(walker: Walker, seed: int, early: str) -> str:
    counted = [n for n, action in enumerate(walker.book.machine.actions) if not (walker.book.urgent and action.urgent)]
    seen = sum(1 for n in counted if walker.book.enabled[n])
    return (
        f"{early}simulated: {walker.begun:,} random walks (seed {seed}) of at most {walker.depth:,} steps saw "
        f"{len(walker.visits):,} states and {seen} of {len(counted)} actions enabled; "
        f"about {walker.unseen:.0%} of further visits would be to new states"
    )


def _verdict(book: WalkBook, number: int, why: str) -> Verdict:
    claim = book.properties[number]
    if number in book.ways:
        root, way = book.ways[number]
        shorter = shorten(book.machine, claim, book.roots[root], way, urgent=book.urgent)
        evidence = breach(book.machine, claim, shorter, urgent=book.urgent)
        return Verdict(claim.name, Status.VIOLATED, book.findings[number].kind, evidence, shorter.trace)
    vacuous = vacuous_without(book, number)
    witness = None
    if isinstance(claim, Sometimes) and number in book.witnesses:
        root, way = book.witnesses[number]
        witness = shorten(book.machine, claim, book.roots[root], way, urgent=book.urgent).trace
        why = f"it was true in a state that was visited; {why}"
    return Verdict(claim.name, Status.UNKNOWN, kind_of(claim), trace=witness, vacuous=vacuous, reason=why)
