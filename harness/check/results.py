"""What a check answers: claims with verdicts, and what they rest on."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from ...impl.api.meta import Ref
from ...model.checker.clock.timetable import Timetable
from ...model.checker.results import INTERRUPTED, Exploration, Status, Trace
from ..input.scenario import Scenario

ROOM = "world/room"
"""The property of a cluster's machine that it has a place for every object."""


class TooMuchError(Exception):
    """There is something that a closer look does not know; the message names it."""


@frozen
class Blame:
    """An object in breach, the field to change (a path, "" for the object as a whole), and what to do there."""

    ref: Ref
    field: str = ""
    what: str = ""


@frozen
class Alone:
    """An island that a breach was found on by itself, the others asleep.

    Its name, its places for Pods, and in which of its own states of rest it was when the others came (from 1; 0: they
    were there first).
    """

    island: str
    pods: int
    rest: int = 0


@frozen
class Claim:
    """One claim and what became of it. `kind` tells breaches apart; `lines` are the reasons or the evidence.

    `vacuous` names the halves of the claim that never had an occasion (or is True: the whole of it); `blame` says
    which objects are in breach, the first to be mended first.
    """

    name: str
    sentence: str
    status: Status
    kind: str
    lines: tuple[str, ...] = ()
    trace: Trace | None = None
    vacuous: bool | tuple[str, ...] = False
    blame: tuple[Blame, ...] = ()
    alone: Alone | None = None
    times: Timetable | None = None
    """When the steps of `trace` happen, where that was asked."""


@frozen
class Report:
    """What a check found, within which bounds, and at what size."""

    scenario: Scenario
    claims: tuple[Claim, ...]
    bounds: tuple[str, ...]
    not_modelled: tuple[str, ...]
    states: int
    transitions: int
    depth: int
    seconds: float
    complete: bool
    exploration: Exploration | None = None
    islands: tuple[str, ...] = ()
    """The islands that were looked at one by one, each with why it hangs together; none where all was."""
    remembered: int = 0
    """How many searches were not done anew, for their answers are kept from an earlier run."""

    @property
    def interrupted(self) -> bool:
        """Whether somebody ended it: a claim is open for that reason, which may stand behind what was asked then."""
        return any(INTERRUPTED in line for claim in self.claims for line in claim.lines)


def vacuous_in_all(claims: Iterable[Claim]) -> bool | tuple[str, ...]:
    """Return in what a claim is vacuous that several searches speak of: what none of them had an occasion for."""
    occasions = [claim.vacuous for claim in claims if claim.vacuous is not True]
    halves = [frozenset(occasion) if isinstance(occasion, tuple) else frozenset() for occasion in occasions]
    kept = tuple(sorted(frozenset.intersection(*halves))) if halves else ()
    return kept or not occasions
