"""Checking a scenario island by island, and putting together what is said of each.

A claim holds if it holds of every island. Where an island breaks one, the breach is a run in which the scheduler chose
nodes that other islands' Pods might make the best; `witness` looks for it among them. What is not found there is
UNKNOWN, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from ...impl.api.claim_names import CONVERGENCE, PRIORITY, REACHABILITY, SENTENCES
from ...model.checker.options import Options
from ...model.checker.results import Limits, Status, Verdict
from ..check.results import ROOM, Alone, Claim, Report, vacuous_in_all
from ..input.priorities import may_preempt
from ..input.scenario import Scenario
from .cache import Cache
from .held import held_up, refused
from .looking import SHARED, Looks, Search, Watcher, Ways
from .pieces import pieces_of, together
from .split import Island

if TYPE_CHECKING:
    from ...model.machine import Machine

GROWS = 4
"""How often a scenario is taken apart anew because an island needs more places for Pods than was thought."""
WORST_FIRST = (Status.VIOLATED, Status.UNKNOWN, Status.HOLDS)
SMALL, SPARE = 12, 50_000
"""With so few places for Pods in all, so many states of all at once are looked at where a breach was not found so."""
NAMED = 3
"""Islands that are named one by one; of more the number is told."""


def _exploring(_island: str, *, first: bool = False) -> Search:
    from ...model.checker.explore import explore  # noqa: PLC0415 - who finds an answer in the cache searches nothing

    return partial(explore, options=Options(stop_at_first=first))


def check(
    scenario: Scenario,
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    progress: Watcher | None = None,
    symmetry: bool = True,
    search: Callable[..., Search] = _exploring,
    islands: bool = True,
    jobs: int = 1,
    cache: Cache | None = None,
    ray: str = "",
) -> Report:
    """Check every claim about a scenario, each island by itself; `islands` False: all at once, as `check.check` does.

    `search` gives for the name of an island ("": the whole) what looks through it, up to the `first` breach where only
    one claim is asked (else it is given the name alone). `jobs` processes share the islands, or
    the processors of the Ray cluster at an address.
    `cache` keeps what is found, and gives what was found before.

    Raises `Refused` (cluster) for an object the API server does not accept.
    """
    began = monotonic()
    ways = Ways(search, limits.begun(), progress, symmetry, jobs, cache, ray)
    sizes: dict[str, int] = {}
    for _ in range(GROWS):
        parts = pieces_of(scenario, sizes) if islands else ()
        if len(parts) < 2:
            return ways.look("", scenario)
        parts = refused(scenario, parts)
        named = tuple((f"{island.name}, {island.scenario.pods} places", island.scenario) for island in parts)
        reports = ways.look_at_all(named)
        for report in reports:
            ways = ways.after(report)
        more = {
            island.name: min(2 * island.scenario.pods, _usual(island.scenario))
            for island, report in zip(parts, reports, strict=True)
            if _is_full(report) and island.scenario.pods < _usual(island.scenario)
        }
        if not more or ways.over:
            break
        sizes |= more
    look = Looks(scenario, parts, ways)
    found = _held_up(look, reports, _joined(look, reports, _behind_services(look, reports)))
    if look.open and not ways.over and sum(island.scenario.pods for island in parts) <= SMALL:
        found = _with(found, ways.look("", scenario, most=SPARE), look.open)
    return evolve(found, seconds=monotonic() - began)


def _with(joined: Report, together: Report, names: set[str]) -> Report:
    """Return a report with what is found of these claims in all at once, as far as it is found."""
    known = {
        claim.name: claim for claim in together.claims if claim.name in names and claim.status is not Status.UNKNOWN
    }
    return evolve(
        joined,
        claims=tuple(known.get(claim.name, claim) for claim in joined.claims),
        states=joined.states + together.states,
        transitions=joined.transitions + together.transitions,
        depth=max(joined.depth, together.depth),
    )


def _held_up(look: Looks, reports: tuple[Report, ...], joined: Report) -> Report:
    """Return a report that also says what does not hold where one island holds up the drains of the others."""
    claims = {found.name: found for found in joined.claims}
    searched: list[Report] = []
    for case in held_up(look.parts, reports):
        searched.append(look.ways.look(case.name, case.scenario))
        for claim in searched[-1].claims:
            kept = claims.get(claim.name)
            if kept is None or claim.name == CONVERGENCE or claim.status is Status.HOLDS:
                continue
            if kept.status is Status.HOLDS:
                look.open.add(claim.name)
                claims[claim.name] = evolve(kept, status=Status.UNKNOWN, lines=tuple(case.said_of(claim)))
    return evolve(
        joined,
        claims=tuple(claims.values()),
        states=joined.states + sum(report.states for report in searched),
        transitions=joined.transitions + sum(report.transitions for report in searched),
        depth=max([joined.depth, *(report.depth for report in searched)]),
    )


def machine_for(scenario: Scenario, kind: str, alone: Alone | None) -> Machine:
    """Return the machine a trace of this kind of breach was found on, for a replay."""
    from ..check import check as whole  # noqa: PLC0415 - who finds an answer in the cache needs no machine
    from .witness import among_others, rests_of  # noqa: PLC0415 - nor runs of it

    if alone is None:
        return whole.machine_for(scenario, kind)
    pods = {alone.island: alone.pods}
    parts = pieces_of(scenario, pods)
    if all(part.name != alone.island for part in parts):
        parts = tuple(island for island, _ in together(scenario, parts, pods))
    parts = refused(scenario, parts)
    island = next(part for part in parts if part.name == alone.island)
    own = rests_of(island, Limits()) if alone.rest else None
    beside, prepared = among_others(parts, island, alone.rest, Limits(), own)
    return whole.machine_for(beside, kind, prepared)


def _usual(alone: Scenario) -> int:
    return evolve(alone, bounds=evolve(alone.bounds, pods=None)).pods


def _is_full(report: Report) -> bool:
    """Tell whether an island came to need more places for Pods."""
    room = _room(report)
    return room is None or room.status is Status.VIOLATED


def _room(report: Report) -> Verdict | None:
    """Return whether an island keeps to its places for Pods; None where it was not looked at."""
    return None if report.exploration is None else report.exploration[ROOM]


# --- put together -----------------------------------------------------------------------------------------------------

Part = tuple[Island, Claim]


@frozen
class Behind:
    """What is found of reachability where workloads that share Services are looked at together."""

    look: Looks
    parts: tuple[Part, ...] = ()
    reports: tuple[Report, ...] = ()
    pieces: frozenset[str] = frozenset()
    """Of whom that takes the place of what is found of them by themselves."""


def _behind_services(look: Looks, reports: tuple[Report, ...]) -> Behind:
    """Look at those together of whom one by itself does not show that the Services they share are reachable."""
    found = dict(zip((part.name for part in look.parts), reports, strict=True))
    shared = any(part.shares for part in look.parts)
    islands = together(look.scenario, look.parts) if shared else ()
    among = evolve(look, parts=refused(look.scenario, tuple(island for island, _ in islands)))
    parts, looked, pieces = [], [], []
    for island, (_, its) in zip(among.parts, islands, strict=True):
        if any(piece.shares for piece in its) and not all(_is_well(found[piece.name]) for piece in its):
            report = look.ways.look(island.name, island.scenario, SHARED, only=REACHABILITY)
            looked.append(report)
            pieces += [piece.name for piece in its]
            parts += [(island, claim) for claim in report.claims]
    return Behind(among, tuple(parts), tuple(looked), frozenset(pieces))


def _is_well(report: Report) -> bool:
    """Tell whether an island converges, keeps to its places for Pods, and its Services are reachable."""
    room = _room(report)
    asked = [claim.status for claim in report.claims if claim.name in {CONVERGENCE, REACHABILITY}]
    return room is not None and all(status is Status.HOLDS for status in (room.status, *asked))


def _joined(look: Looks, reports: tuple[Report, ...], behind: Behind) -> Report:
    by_name: dict[str, list[Part]] = {name: [] for name in SENTENCES}
    for island, report in zip(look.parts, reports, strict=True):
        for claim in report.claims:
            if claim.name != REACHABILITY or island.name not in behind.pieces:
                by_name[claim.name].append((island, claim))
    by_name[REACHABILITY] += behind.parts
    if may_preempt(look.scenario) and not by_name[PRIORITY]:
        claim = Claim(PRIORITY, SENTENCES[PRIORITY], Status.HOLDS, "step", vacuous=True)  # There is room for all.
        by_name[PRIORITY].append((look.parts[0], claim))
    unsure = tuple(_beyond(look.parts, reports))
    found = tuple(_within(_join((look, behind.look), parts), unsure) for parts in by_name.values() if parts)
    everyone = (*reports, *behind.reports, *look.known.values())
    return Report(
        scenario=look.scenario,
        claims=found,
        bounds=_bounds(look, reports),
        not_modelled=tuple(dict.fromkeys(chain.from_iterable(part.not_modelled for part in reports))),
        states=sum(report.states for report in everyone),
        transitions=sum(report.transitions for report in everyone),
        depth=max(report.depth for report in everyone),
        seconds=0.0,
        complete=all(report.complete for report in (*reports, *behind.reports)),
        exploration=reports[-1].exploration,
        islands=tuple(_hangs_together(part) for part in look.parts),
        remembered=sum(report.remembered for report in everyone),
    )


def _beyond(parts: tuple[Island, ...], reports: tuple[Report, ...]) -> Iterator[str]:
    """Say of which islands it is not known that they keep to their places for Pods, on which all others rely."""
    for island, report in zip(parts, reports, strict=True):
        found = _room(report)
        if found is None or found.status is not Status.HOLDS:
            most = f"more than {island.scenario.pods} Pods at a time, and the others were looked at beside no more"
            why = f": {found.reason}" if found is not None and found.reason else ""
            yield f"{island.name} may come to have {most}{why} (bounds.pods, or --no-islands, gives more room)"


def _within(claim: Claim, unsure: tuple[str, ...]) -> Claim:
    return evolve(claim, status=Status.UNKNOWN, lines=unsure) if unsure and claim.status is Status.HOLDS else claim


def _join(looks: tuple[Looks, ...], parts: list[Part]) -> Claim:
    """Return what all islands together say of a claim."""
    broken = []
    for island, claim in sorted(parts, key=lambda part: WORST_FIRST.index(part[1].status)):
        if claim.status is not Status.HOLDS:
            look = next(known for known in looks if any(part.name == island.name for part in known.parts))
            confirmed = _confirmed(look, island, claim) if island.name else claim
            if confirmed.status is Status.VIOLATED:
                return evolve(confirmed, lines=(*confirmed.lines, *_others(island, parts)))
            broken.append((island, confirmed))
    if broken:
        return evolve(broken[0][1], lines=tuple(_told(broken)))
    vacuous = vacuous_in_all(claim for _, claim in parts)
    return evolve(parts[0][1], lines=tuple(_told(parts)), vacuous=vacuous, trace=None)


def _others(island: Island, parts: list[Part]) -> Iterator[str]:
    """Say which islands break a claim as well when they are looked at by themselves."""
    names = [part.name for part, claim in parts if claim.status is Status.VIOLATED and part.name != island.name]
    if names:
        yield f"this is {island.name}; the same may be said of {_named(names)}"


def _confirmed(look: Looks, island: Island, claim: Claim) -> Claim:
    """Return an island's claim as far as it is a run of the whole that says so."""
    from .witness import witness  # noqa: PLC0415 - only what is broken needs a machine

    found = witness(look, island, claim)
    if found.claim is not None:
        return found.claim
    if claim.status is Status.UNKNOWN:
        return claim
    look.open.add(claim.name)
    why = (
        f"{island.name} by itself breaks it, if its Pods go to nodes that Pods of other islands may make the best; "
        "no run of all of them was found that does"
    )
    told = f"{why}{f': {found.why}' if found.why else ''} (--no-islands looks at all at once)"
    return evolve(claim, status=Status.UNKNOWN, trace=None, blame=(), lines=(told, *claim.lines))


def _told(parts: list[Part]) -> Iterator[str]:
    """Yield the lines of claims, each once."""
    return _each_once(len(parts), ((line, island) for island, claim in parts for line in claim.lines))


def _each_once(count: int, said: Iterable[tuple[str, Island]]) -> Iterator[str]:
    """Yield lines, each once, with the islands it is said of unless it is said of all of so many."""
    saying: dict[str, list[str]] = {}
    for line, island in said:
        saying.setdefault(line, []).append(island.name)
    for line, names in saying.items():
        of_all = len(names) == count > 1 or "" in names  # The whole has no name.
        yield line if of_all else f"{_named(names)}: {line}"


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return f"{shown} and {len(names) - NAMED} more" if len(names) > NAMED else shown


def _bounds(look: Looks, reports: tuple[Report, ...]) -> tuple[str, ...]:
    """Return the bounds of all islands, each once."""
    said = ((line, island) for island, report in zip(look.parts, reports, strict=True) for line in report.bounds)
    return tuple(_each_once(len(reports), said))


def _hangs_together(island: Island) -> str:
    """Say why an island's objects hang together, and which Services it shares with others."""
    shared = ", ".join(f"{ref.kind} {ref.name}" for ref in island.shares)
    why = (*island.why, *((f"others stand behind {shared} as well",) if shared else ()))
    return f"{island.name}: {'; '.join(why)}" if why else island.name
