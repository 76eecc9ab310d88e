"""Placements and smallest numbers of nodes by CP-SAT, on the rules that z3 reads too (`groups`).

CP-SAT is asked where z3 gives up or would take too long: whether there is a place for all, and on how few nodes. Why
there is none stays z3's to say.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import z3
from attrs import frozen

from .counts import Cells, Groups, each_alone, here
from .cpsat import Solved, solve
from .groups import Fits, Spot, background, bounds, in_use, rules
from .problem import called, name_of


@frozen
class Fewest:
    """A place for all, and whether it is proved that none is on fewer of the nodes in question."""

    fits: Fits
    best: bool


def placed(groups: Groups, *, seconds: float) -> Fits | None:
    """Find a place for all; None if there is none or time is up."""
    found = fewest_of((), groups, seconds=seconds)
    return None if found is None else found.fits


def fewest_of(names: Collection[str], groups: Groups, *, seconds: float) -> Fewest | None:
    """Find a place for all on as few of the named nodes as possible; None if there is none or time is up."""
    some = each_alone(groups)
    used = [z3.If(in_use(groups, cell), 1, 0) for cell in some if name_of(cell.first) in names]
    formulas = [*(rule.formula for rule in rules(groups, some)), *background(groups, some)]
    answer = solve(formulas, bounds(groups, some), z3.Sum(used) if used else None, seconds=seconds)
    if not isinstance(answer, Solved):
        return None
    return Fewest(fits_of(groups, some, answer.values), answer.best)


def fits_of(groups: Groups, some: Cells, values: Mapping[str, int]) -> Fits:
    """Read the counts of an answer, for cells of one node."""
    spots = (
        Spot(called(group.pod), name_of(cell.first), values.get(str(here(index, cell)), 0))
        for index, group in enumerate(groups.groups)
        for cell in some
    )
    return Fits(tuple(spot for spot in spots if spot.count))
