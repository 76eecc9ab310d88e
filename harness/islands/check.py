"""Checking a scenario island by island, and putting together what is said of each.

A claim holds if it holds of every island. Where an island breaks one, the breach is a run in which the scheduler chose
nodes that other islands' Pods might make the best. So it is looked for again with those Pods where they are after the
first apply, asleep: the scheduler sees them, and they do nothing, as they may. What is found there is a run of the
whole as long as nobody had to wait for one who slept; what is not is UNKNOWN, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from time import monotonic

from attrs import define, evolve, field

from ...impl.api.claim_names import PRIORITY
from ...impl.api.core import Pod
from ...impl.api.meta import ObjectMeta
from ...impl.kubectl import script as kubectl
from ...model.checker.explore import explore
from ...model.checker.results import Deadline, Exploration, Limits, Progress, Status
from ...model.machine import Machine
from ..check import check as whole
from ..check.results import Alone, Claim, Report
from ..claims import registry as claims
from ..input.priorities import may_preempt
from ..input.scenario import Crowd, Faults, Scenario, Start
from ..world.cluster import Initial, Parts, applied, build
from ..world.environment import command
from ..world.settle import Cut, Restless, contents, settle
from .split import Island, islands_of

GROWS = 4
"""How often a scenario is taken apart anew because an island needs more places for Pods than was thought."""
WORST_FIRST = (Status.VIOLATED, Status.UNKNOWN, Status.HOLDS)
NAMED = 3
"""Islands that are named one by one; of more the number is told."""

Search = Callable[..., Exploration]
Watcher = Callable[[Progress], None]


def check(
    scenario: Scenario,
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    progress: Watcher | None = None,
    symmetry: bool = True,
    search: Callable[[str], Search] = lambda _name: explore,
    islands: bool = True,
) -> Report:
    """Check every claim about a scenario, each island by itself; `islands` False: all at once, as `check.check` does.

    `search` gives for the name of an island ("": the whole) what looks through it.

    Raises `Refused` (cluster) for an object the API server does not accept.
    """
    began, limits = monotonic(), limits.begun()
    sizes: dict[str, int] = {}
    for _ in range(GROWS):
        parts = islands_of(scenario, sizes) if islands else ()
        if len(parts) < 2:
            return whole.check(scenario, limits=limits, progress=progress, symmetry=symmetry, search=search(""))
        look = Looking(scenario, parts, search, limits, progress, symmetry)
        reports = tuple(look.at(one, len(parts) - number) for number, one in enumerate(parts))
        more = {
            one.name: min(2 * one.scenario.pods, _usual(one.scenario))
            for one, report in zip(parts, reports, strict=True)
            if _is_full(report) and one.scenario.pods < _usual(one.scenario)
        }
        if not more:
            break
        sizes |= more
    return _joined(look, reports, monotonic() - began)


def machine_for(scenario: Scenario, kind: str, alone: Alone | None) -> Machine:
    """Return the machine a trace of this kind of breach was found on, for a replay."""
    if alone is None:
        return whole.machine_for(scenario, kind)
    parts = islands_of(scenario, {alone.island: alone.pods})
    island = next(one for one in parts if one.name == alone.island)
    return whole.machine_for(_beside(parts, island, Limits()), kind)


@define
class Looking:
    """The search of one island after the other, within limits for them all."""

    scenario: Scenario
    parts: tuple[Island, ...]
    search: Callable[[str], Search]
    limits: Limits
    progress: Watcher | None
    symmetry: bool
    witnesses: dict[str, Report | str] = field(factory=dict)

    def at(self, island: Island, left: int, scenario: Scenario | None = None) -> Report:
        """Return what is found of an island, in its share of the time that is left for so many of them."""
        shared = self.limits
        if shared.deadline is not None and left > 1:
            shared = evolve(shared, deadline=Deadline(monotonic() + shared.deadline.left / left, shared.deadline.why))
        report = whole.check(
            scenario or island.scenario,
            limits=shared,
            progress=self.progress,
            symmetry=self.symmetry,
            search=self.search(island.name),
        )
        if report.exploration is not None:
            self.limits = self.limits.after(report.exploration)
        return report

    def witness(self, island: Island) -> Report | str:
        """Return what is found of an island among the others asleep; why nothing was looked at, if so."""
        if island.name not in self.witnesses:
            self.witnesses[island.name] = self._witness(island)
        return self.witnesses[island.name]

    def _witness(self, island: Island) -> Report | str:
        try:
            return self.at(island, 2, _beside(self.parts, island, self.limits))
        except (Cut, Restless) as why:
            return f"the others do not come to rest: {why}"


def _usual(alone: Scenario) -> int:
    return evolve(alone, bounds=evolve(alone.bounds, pods=None)).pods


def _is_full(report: Report) -> bool:
    """Tell whether an island came to need more places for Pods."""
    found = report.exploration
    return found is None or found[claims.ROOM].status is Status.VIOLATED


# --- the others, asleep -----------------------------------------------------------------------------------------------


def _beside(parts: tuple[Island, ...], island: Island, limits: Limits) -> Scenario:
    """Return an island's scenario beside all others as they are after the first apply.

    Each comes to rest after those before it, the island itself last. Raises `Cut` and `Restless` (settle).
    """
    asleep: list[Pod] = []
    for one in parts if island.scenario.start is not Start.EMPTY else ():
        if one.name != island.name:
            placed = Crowd(placed=tuple(asleep))
            asleep += _at_rest(evolve(one.scenario, script=(), faults=Faults(), crowd=placed), len(asleep), limits)
    return evolve(island.scenario, crowd=Crowd(placed=tuple(asleep)))


def _at_rest(still: Scenario, number: int, limits: Limits) -> Iterator[Pod]:
    """Yield the Pods of a scenario in one state of rest of it, as a scheduler sees them, numbered from here."""
    cluster = build(still, Parts.core(still), Initial(applied(still)))
    rest = contents(cluster, settle(cluster.machine, limits=limits))
    for pod in (one for one in rest.objects if isinstance(one, Pod)):
        meta = ObjectMeta(
            f"asleep-{number}",
            namespace=pod.metadata.namespace,
            labels=pod.metadata.labels,
            owner_references=pod.metadata.owner_references,
        )
        number += 1
        yield Pod(meta, pod.spec)


def _why_no_run(scenario: Scenario, island: Island, claim: Claim) -> str:
    """Say why a breach among others asleep may be no run of the whole: a step waited for one of them; "": none did."""
    if claim.trace is None:
        return ""
    alone = island.scenario
    taken = {step.action for step in claim.trace.steps}
    begun = [number for number, step in enumerate(alone.script) if command(number, step) in taken]
    last = island.steps[begun[-1]] if begun else -1
    asleep = frozenset(pod.spec.node_name for pod in alone.crowd.placed)
    for number, step in enumerate(scenario.script[: max(last, 0)]):
        stirs = number not in island.steps or _stirs(step, asleep)
        if stirs and (scenario.wait_between_steps or isinstance(step, kubectl.Drain)):
            return f"what comes after {step} waits for them"
    stirred = any(_stirs(step, asleep) for step in scenario.script[: last + 1]) or scenario.faults != Faults()
    return "they would go on moving while this repeats" if claim.trace.cycle_start is not None and stirred else ""


def _stirs(step: kubectl.Step, asleep: frozenset[str]) -> bool:
    """Tell whether a step makes Pods move that are on these nodes."""
    match step:
        case kubectl.Drain():
            return step.node in asleep
        case kubectl.Taint():
            return step.node in asleep and step.effect == "NoExecute"
        case kubectl.DeleteNode():
            return step.name in asleep
        case _:
            return False


# --- put together -----------------------------------------------------------------------------------------------------

Part = tuple[Island, Claim]


def _joined(look: Looking, reports: tuple[Report, ...], seconds: float) -> Report:
    by_name: dict[str, list[Part]] = {name: [] for name in claims.SENTENCES}
    for island, report in zip(look.parts, reports, strict=True):
        for claim in report.claims:
            by_name[claim.name].append((island, claim))
    if may_preempt(look.scenario) and not by_name[PRIORITY]:
        claim = Claim(
            PRIORITY, claims.SENTENCES[PRIORITY], Status.HOLDS, "step", vacuous=True
        )  # There is room for all.
        by_name[PRIORITY].append((look.parts[0], claim))
    found = tuple(_join(look, parts) for parts in by_name.values() if parts)
    everyone = (*reports, *(one for one in look.witnesses.values() if isinstance(one, Report)))
    return Report(
        scenario=look.scenario,
        claims=found,
        bounds=_bounds(look, reports),
        not_modelled=tuple(dict.fromkeys(chain.from_iterable(one.not_modelled for one in reports))),
        states=sum(one.states for one in everyone),
        transitions=sum(one.transitions for one in everyone),
        depth=max(one.depth for one in everyone),
        seconds=seconds,
        complete=all(one.complete for one in reports),
        exploration=reports[-1].exploration,
        islands=tuple(_hangs_together(one) for one in look.parts),
    )


def _join(look: Looking, parts: list[Part]) -> Claim:
    """Return what all islands together say of a claim."""
    broken = []
    for island, claim in sorted(parts, key=lambda part: WORST_FIRST.index(part[1].status)):
        if claim.status is not Status.HOLDS:
            confirmed = _confirmed(look, island, claim)
            if confirmed.status is Status.VIOLATED:
                return confirmed
            broken.append((island, confirmed))
    if broken:
        return evolve(broken[0][1], lines=tuple(_told(broken)))
    vacuous = [one.vacuous for _, one in parts if one.vacuous is not True]
    halves = [frozenset(one) if isinstance(one, tuple) else frozenset() for one in vacuous]
    kept = tuple(sorted(frozenset.intersection(*halves))) if halves else ()
    return evolve(parts[0][1], lines=tuple(_told(parts)), vacuous=kept or not vacuous, trace=None)


def _confirmed(look: Looking, island: Island, claim: Claim) -> Claim:
    """Return an island's claim as far as it is a run of the whole that says so."""
    report = look.witness(island)
    unsure = evolve(claim, status=Status.UNKNOWN, trace=None, blame=())
    if isinstance(report, str):
        return evolve(unsure, lines=(*claim.lines, report))
    found = next((one for one in report.claims if one.name == claim.name), claim)
    if found.status is Status.VIOLATED:
        beside = evolve(island, scenario=report.scenario)
        why = _why_no_run(look.scenario, beside, found)
        if not why:
            return evolve(found, alone=Alone(island.name, island.scenario.pods))
        return evolve(unsure, lines=(*found.lines, f"the Pods of other islands were left out of this run, but {why}"))
    if claim.status is Status.UNKNOWN:
        return claim
    why = "so it may be where Pods of other islands make the scheduler choose so"
    then = "it is not so with those where the first apply leaves them"
    reason = f" ({found.lines[0]})" if found.status is Status.UNKNOWN and found.lines else ""
    return evolve(unsure, lines=(*claim.lines, f"{why}; {then}{reason} (--no-islands looks at all at once)"))


def _told(parts: Iterable[Part]) -> Iterator[str]:
    """Yield the lines of claims, each once, with the islands it is said of unless it is said of all."""
    parts = tuple(parts)
    saying: dict[str, list[str]] = {}
    for island, claim in parts:
        for line in claim.lines:
            saying.setdefault(line, []).append(island.name)
    for line, names in saying.items():
        yield line if len(names) == len(parts) > 1 else f"{_named(names)}: {line}"


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return f"{shown} and {len(names) - NAMED} more" if len(names) > NAMED else shown


def _bounds(look: Looking, reports: tuple[Report, ...]) -> tuple[str, ...]:
    """Return the bounds of all islands, each once, with the islands it is of unless it is of all."""
    saying: dict[str, list[str]] = {}
    for island, report in zip(look.parts, reports, strict=True):
        for line in report.bounds:
            saying.setdefault(line, []).append(island.name)
    return tuple(line if len(names) == len(reports) else f"{_named(names)}: {line}" for line, names in saying.items())


def _hangs_together(island: Island) -> str:
    return f"{island.name}: {'; '.join(island.why)}" if island.why else island.name
