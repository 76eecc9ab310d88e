"""Looking through islands, one after the other, each within its share of the time that is left."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from attrs import define, evolve, field, frozen

from ...model.checker.results import INTERRUPTED, Deadline, Exploration, Limits, Progress
from ..check.results import Report
from ..input.scenario import Scenario
from .cache import Cache
from .split import Island

if TYPE_CHECKING:
    from ..world.at_rest.prepare import Prepared

Search = Callable[..., Exploration]
Watcher = Callable[[Progress], None]


AFTERWARDS = 2
"""How many more searches there may be in the end, to show a breach among all."""
MOST = 0.9
"""Of the time that is left, what one of several searches may take: what others found is still followed among all."""
SHARED = 2
"""Of how many searches the time that is left is taken to be for when a breach is looked for again."""


@frozen
class Ways:
    """How a search of an island is done, and how many processes share the islands."""

    search: Callable[..., Search]
    """What looks through an island, by its name ("": the whole); to the `first` breach, or all of it."""
    limits: Limits
    progress: Watcher | None = None
    symmetry: bool = True
    jobs: int = 1
    cache: Cache | None = None
    ray: str = ""
    """The address of a Ray cluster that shares the islands in place of processes here."""

    def look(
        self,
        name: str,
        scenario: Scenario,
        left: int | None = None,
        prepared: Prepared | None = None,
        most: int | None = None,
        only: str = "",
    ) -> Report:
        """Return what is found of an island, in its share of the time for so many of them; in all of it where None is.

        `prepared` is where it starts, if that is known; `most` states of it are looked at. Where `only` one claim is
        asked for, the search ends with its first breach.
        """
        key = self.key(scenario, only) if prepared is None else ""
        if (found := self.known(key, scenario)) is not None:
            return found
        from ..check import check as whole  # noqa: PLC0415 - who finds an answer in the cache needs no engine

        asked, name = (partial(self.search, first=True), f"{name} {only}".strip()) if only else (self.search, name)
        try:
            report = whole.check(
                scenario,
                limits=self._share(left, most),
                progress=self.progress,
                symmetry=self.symmetry,
                search=asked(name),
                alone=asked(f"{name} on one node"),
                prepared=prepared,
                only=only,
            )
        except KeyboardInterrupt:  # Not in a search, which would have said what it knows.
            return whole.nothing_known(scenario, INTERRUPTED)
        self.keep(key, report)
        return report

    def key(self, scenario: Scenario, only: str = "") -> str:
        """Return by which name answers are kept for later runs; "" if they are not."""
        return self.cache.key(scenario, symmetry=self.symmetry, only=only) if self.cache else ""

    def known(self, key: str, scenario: Scenario) -> Report | None:
        """Return what an earlier run has found of an island."""
        found = self.cache.get(key) if self.cache and key else None
        return None if found is None else evolve(found, scenario=scenario, seconds=0.0, remembered=1)

    def keep(self, key: str, report: Report) -> None:
        """Keep for later runs what was found."""
        if self.cache and key:
            self.cache.put(key, report)

    def _share(self, left: int | None, most: int | None) -> Limits:
        """Return the limits for one of so many searches that are left; None: it is the only one.

        The last of several leaves some time, too: a breach of another island that nobody follows would be UNKNOWN.
        """
        limits = self.limits
        if most is not None:
            limits = evolve(limits, max_states=min(limits.max_states or most, most))
        if limits.deadline is None or left is None:
            return limits
        share = limits.deadline.left * (MOST if left == 1 else min(MOST, self.jobs / (left + AFTERWARDS)))
        return evolve(limits, deadline=Deadline(monotonic() + share, limits.deadline.why))

    def after(self, report: Report) -> Ways:
        """Return the ways for further searches: none, if somebody interrupted this one, or a closer look behind it."""
        if report.interrupted:
            return evolve(self, limits=evolve(self.limits, deadline=Deadline.past(INTERRUPTED)))
        return self if report.exploration is None else evolve(self, limits=self.limits.after(report.exploration))

    @property
    def over(self) -> bool:
        """Whether there is no time for another search."""
        return self.limits.deadline is not None and self.limits.deadline.left == 0

    def look_at_all(self, named: tuple[tuple[str, Scenario], ...]) -> tuple[Report, ...]:
        """Return what is found of islands, in their order."""
        if len(named) > 1 and (self.jobs > 1 or self.ray):
            from .side_by_side import look  # noqa: PLC0415 - one process needs no pool

            return look(self, named)
        ways, reports = self, []
        for number, (name, scenario) in enumerate(named):
            reports.append(ways.look(name, scenario, len(named) - number))
            ways = ways.after(reports[-1])
        return tuple(reports)


@define
class Looks:
    """What is found of islands by themselves and among the others asleep; each is looked at once in each order."""

    scenario: Scenario
    parts: tuple[Island, ...]
    ways: Ways
    known: dict[tuple[str, int], Report] = field(factory=dict)
    """What is found of an island among the others, by its name and who came first."""
    rests: dict[str, Prepared] = field(factory=dict)
    """The states of rest that an island comes to by itself."""
    open: set[str] = field(factory=set)
    """The claims that some island breaks and no run of all that was found."""
    among: dict[tuple[str, int], tuple[Scenario, Prepared]] = field(factory=dict)
    """The scenario of an island among the others, and where it starts."""
