"""Two checks of what is nearly the same, claim by claim: what got worse, what better, and where the runs part."""

from __future__ import annotations

from enum import Enum

from attrs import evolve, frozen

from ...impl.api.claim_names import SENTENCES
from ...model.checker.results import Status
from ...model.machine import Machine
from ...traces.document import Document
from ..check.check import is_closer
from ..check.results import Alone, Claim
from ..face import Result
from ..input.scenario import Scenario
from ..islands.check import machine_for
from ..world.applied import Refused
from ..world.at_rest.prepare import prepare
from ..world.at_rest.settle import Cut, Restless
from ..world.cluster import build
from ..world.parts import Parts
from .parting import Parting, apart, parting


class Turn(Enum):
    """What became of a claim between the first side and the second."""

    WORSE = "worse"
    """Violated, and was not before."""
    OPEN = "open"
    """UNKNOWN, and was not before."""
    BETTER = "better"
    """Holds, and did not before."""
    GONE = "gone"
    """Not asked any more: what it was about is no longer there."""
    SAME = "same"


@frozen
class Side:
    """One side of a comparison: what it is called, and what the check found."""

    name: str
    result: Result

    def claim(self, name: str) -> Claim | None:
        """Return what was found of a claim; None: it was not asked."""
        return next((claim for claim in self.result.outcome.claims if claim.name == name), None)


@frozen
class Compared:
    """One claim on both sides. `run` breaks it, `of` is the side it is of, `parts` where the other side leaves it.

    Where both break it and the runs are the same there is no `parts`.
    """

    claim: str
    before: Claim | None
    after: Claim | None
    turn: Turn
    of: str = ""
    run: Document | None = None
    parts: Parting | None = None
    because: tuple[str, ...] = ()
    """The changes between two releases without which the second would not break it."""


@frozen
class Comparison:
    """Two sides, claim by claim."""

    first: Side
    second: Side
    claims: tuple[Compared, ...]

    @property
    def turn(self) -> Turn:
        """The worst that became of any claim."""
        turns = {compared.turn for compared in self.claims}
        return next((turn for turn in (Turn.WORSE, Turn.OPEN, Turn.BETTER, Turn.GONE) if turn in turns), Turn.SAME)


def compare(first: Side, second: Side) -> Comparison:
    """Compare what was found of two sides."""
    return Comparison(
        first, second, tuple(_compared(first, second, name) for name in SENTENCES if _asked(first, second, name))
    )


def _asked(first: Side, second: Side, name: str) -> bool:
    return first.claim(name) is not None or second.claim(name) is not None


def _compared(first: Side, second: Side, name: str) -> Compared:
    before, after = first.claim(name), second.claim(name)
    found = Compared(
        name, before, after, turn_of(*(claim.status if claim is not None else None for claim in (before, after)))
    )
    old, new = first.result.documents.get(name), second.result.documents.get(name)
    if old is not None and new is not None:
        return evolve(found, of=second.name, run=new, parts=apart(new, old))
    if new is not None:
        return evolve(found, of=second.name, run=new, parts=_parting(new, second, first))
    if old is not None:
        return evolve(found, of=first.name, run=old, parts=_parting(old, first, second))
    return found


def turn_of(before: Status | None, after: Status | None) -> Turn:
    """Say what a change of verdict is; None: not asked."""
    if before is after:
        return Turn.SAME
    match after:
        case Status.VIOLATED:
            return Turn.WORSE
        case Status.UNKNOWN:
            return Turn.OPEN
        case Status.HOLDS:
            return Turn.SAME if before is None else Turn.BETTER
        case None:
            return Turn.GONE


def _parting(run: Document, own: Side, other: Side) -> Parting | None:
    """Follow a run of one side on the other; None where it has no such machine."""
    machine = _machine(run, *(side.result.loaded.scenario for side in (own, other)))
    return None if machine is None else parting(run, machine)


def _machine(run: Document, own: Scenario, scenario: Scenario) -> Machine | None:
    """Return the machine of the other side that a run of this kind is one of, on the same island if it has that.

    Where the two sides leave out other components, it has those that the run's own side has.
    """
    if Parts.core(own) != Parts.core(scenario) and not run.island and not is_closer(run.kind):
        try:
            return build(scenario, Parts.core(own), *prepare(scenario).starts).machine
        except (Refused, Cut, Restless):
            return None
    alone = Alone(run.island, run.places, run.rest) if run.island else None
    for asked in dict.fromkeys((alone, None)):
        try:
            return machine_for(scenario, run.kind, asked)
        except (StopIteration, IndexError):  # It has no such island, or nothing that is looked at in this way.
            continue
        except (Refused, Cut, Restless):
            return None
    return None
