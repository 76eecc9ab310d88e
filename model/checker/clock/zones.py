"""Zones: sets of values of clocks, as bounds of the differences between any two of them.

Upstream: Dill, Timing assumptions and verification of finite-state concurrent systems (1989); the usual extrapolation
by greatest constants: Behrmann, Bouyer, Larsen and Pelanek, Lower and upper bounds in zone-based abstractions of timed
automata (2006). It needs guards that compare single clocks with constants, which is all there is here.

A zone is in canonical form: every bound is as tight as the others make it. A clock that is not bounded from above has
no entry for that. `None` is the clock that is always 0.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from immutabledict import immutabledict

Clock: TypeAlias = Hashable
Bound: TypeAlias = tuple[Fraction, bool]
"""At most so much; True: as much is allowed, too. False sorts below True, as it is tighter."""
Zone: TypeAlias = immutabledict[tuple[Clock, Clock], Bound]
"""For two clocks, how much more the first one shows than the second."""

ZERO: Bound = (Fraction(0), True)
NOWHERE: Zone = immutabledict()


def added(zone: Zone, clock: Clock, *, known: bool) -> Zone:
    """Return a zone with one clock more that shows 0, or, where nothing is `known`, any time."""
    if not known:
        return immutabledict({**zone, (None, clock): ZERO})
    found = dict(zone)
    for other in clocks(zone):
        if (above := zone.get((other, None))) is not None:
            found[other, clock] = above
        if (below := zone.get((None, other))) is not None:
            found[clock, other] = below
    return immutabledict({**found, (clock, None): ZERO, (None, clock): ZERO})


def removed(zone: Zone, clock: Clock) -> Zone:
    """Return a zone without a clock."""
    return immutabledict((pair, bound) for pair, bound in zone.items() if clock not in pair)


def later(zone: Zone, most: Mapping[Any, Fraction]) -> Zone | None:
    """Return what a zone may become as time passes while these clocks show no more; None: they show more already."""
    found = {pair: bound for pair, bound in zone.items() if pair[1] is not None}
    for clock, limit in most.items():
        found[clock, None] = (limit, True)
    return _tight(found, clocks(zone))


def beyond(zone: Zone, clock: Clock, least: Fraction) -> Zone | None:
    """Return the part of a zone in which a clock shows more than that; None: nowhere."""
    tighter = min(zone.get((None, clock), ZERO), (-least, False))
    return _tight({**zone, (None, clock): tighter}, clocks(zone))


def coarse(zone: Zone, greatest: Mapping[Any, Fraction]) -> Zone:
    """Return a zone without what nobody can tell from it: beyond the greatest constant a clock is compared with."""
    found: dict[tuple[Clock, Clock], Bound] = {}
    for (clock, other), bound in zone.items():
        below: Bound = (-greatest.get(other, Fraction(0)), False)
        if bound[0] <= greatest.get(clock, Fraction(0)):
            found[clock, other] = max(bound, below)
    wider = _tight(found, clocks(zone))
    return zone if wider is None else wider


def clocks(zone: Zone) -> set[Clock]:
    """Return the clocks of a zone."""
    return {clock for pair in zone for clock in pair if clock is not None}


def _tight(bounds: Mapping[tuple[Clock, Clock], Bound], there: Iterable[Clock]) -> Zone | None:
    """Return bounds in canonical form (Floyd and Warshall); None where they leave nothing."""
    tight, names = dict(bounds), (None, *there)
    for via in names:
        into = [(name, tight[name, via]) for name in names if (name, via) in tight]
        onward = [(other, tight[via, other]) for other in names if (via, other) in tight]
        for clock, first in into:
            for other, second in onward:
                both = (first[0] + second[0], first[1] and second[1])
                if clock == other and both < ZERO:
                    return None
                known = tight.get((clock, other))
                if clock != other and (known is None or both < known):
                    tight[clock, other] = both
    return immutabledict(tight)
