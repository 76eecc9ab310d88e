"""Drains that never end because of another island's Pods, so that the steps after them are never taken.

An island by itself ends a drain once its own Pods are gone, and goes on. In a run of the whole a budget of another
island may hold the drain up for ever: then that island does not converge, and this one comes to rest without the steps
that come after. So, where some island may not converge, each other one is looked at with its script cut off behind each
drain: its runs then are those of the whole in which that drain is the last step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve, frozen

from ...impl.api.claim_names import CONVERGENCE
from ...impl.kubectl import script as kubectl
from ...model.checker.results import Status
from ..check.results import Claim, Report
from ..input.scenario import Scenario
from .split import Island


@frozen
class HeldUp:
    """An island whose script ends with a drain that another one may hold up."""

    island: Island
    scenario: Scenario
    drain: kubectl.Drain

    @property
    def name(self) -> str:
        """What its search is called."""
        return f"{self.island.name}, {self.drain} held up"

    def said_of(self, claim: Claim) -> Iterator[str]:
        """Yield what is said of a claim that is not kept there."""
        others = f"if Pods of others never let {self.drain} end, and so no step comes after it"
        yield from (f"{self.island.name}, {others}: {line}" for line in claim.lines or ("it is not known",))


def held_up(parts: Iterable[Island], reports: Iterable[Report]) -> Iterator[HeldUp]:
    """Yield what has to be looked at beside the islands, given what was found of each."""
    known = tuple(zip(parts, reports, strict=True))
    open_ended = {island.name for island, report in known if not _converges(report)}
    for island, _ in known:
        script = island.scenario.script
        for number, step in enumerate(script[:-1] if open_ended - {island.name} else ()):
            if isinstance(step, kubectl.Drain):
                yield HeldUp(island, evolve(island.scenario, script=script[: number + 1]), step)


def _converges(report: Report) -> bool:
    return all(claim.status is Status.HOLDS for claim in report.claims if claim.name == CONVERGENCE)
