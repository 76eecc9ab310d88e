"""Judging the model of a whole cluster by what real ones were recorded to do, step by step, until each was quiet.

From every state in which the cluster may be after a step, the next command is given and every interleaving explored
until nothing more happens. A record is *allowed* when each of its runs is one of those: after each step the recorded
outcome is among the states at rest that are reachable from the states that matched the step before. It is *decided*
when those searches were complete and none of its runs comes to a verdict (converged, command completed, or never quiet)
that is not among those reached: then the exhaustive answer contradicts no run. Where a limit is hit: UNKNOWN.

Components act on the store as it is first (`LINEARIZABLE`): what they do then they may also do with caches that lag, so
an outcome found there is allowed by the wider model, and its verdict among those of the wider model. Only what is not
found there is looked for with lagging caches; `unanimous` speaks of the views that were tried last.

Left out on purpose: time. Which of several outcomes is likely, and what only a clock decides, is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from kubeproof.harness.input.scenario import Consistency
from kubeproof.model.checker.results import Limits

from .outcome import Outcome, recorded
from .scenario import not_modelled
from .search import Reached, Run

Record = Mapping[str, Any]
Tiers = tuple[tuple[Consistency, Limits], ...]

TIERS: Tiers = (
    (Consistency.LINEARIZABLE, Limits(max_states=600_000, timeout=30)),
    (Consistency.SESSION, Limits(max_states=600_000, timeout=30)),
)
"""How old views may be, and how far each step is explored."""


@frozen
class Judged:
    """What became of a record. None: not known within the limits."""

    allowed: bool | None
    decided: bool | None
    differences: tuple[str, ...] = ()
    unanimous: bool = False
    """Every search of the record came to one verdict only."""
    states: int = 0

    @property
    def unknown(self) -> bool:
        """Tell whether a limit left something open."""
        return self.allowed is None or self.decided is None


@frozen
class NotJudged:
    """A record that is about something without a model."""

    reason: str


def judge(record: Record, tiers: Tiers = TIERS) -> Judged | NotJudged:
    """Judge a record: with each way of looking at the store, until one finds all its runs."""
    if reason := not_modelled(record):
        return NotJudged(reason)
    found = Judged(None, None)
    for consistency, limits in tiers:
        found = _judged(Run(record, consistency, limits))
        if False not in {found.allowed, found.decided}:
            break
    return found


# --- following the recorded runs ------------------------------------------------------------------------------------


def runs_of(record: Record) -> tuple[tuple[Mapping[str, Any], ...], ...]:
    """Return the distinct recorded runs: each is its outcomes, one a step."""
    return tuple(tuple(one["outcomes"]) for one in (record, *record.get("alternatives", ())))


def _judged(run: Run) -> Judged:
    verdicts = [_follow(run, outcomes) for outcomes in runs_of(run.record)]
    return Judged(
        allowed=_all(one.allowed for one in verdicts),
        decided=_all(one.decided for one in verdicts),
        differences=tuple(dict.fromkeys(line for one in verdicts for line in one.differences)),
        unanimous=all(one.unanimous for one in verdicts),
        states=run.states,
    )


def _all(answers: Iterable[bool | None]) -> bool | None:
    known = set(answers)
    return False if False in known else None if None in known else True


def _follow(run: Run, outcomes: tuple[Mapping[str, Any], ...]) -> Judged:
    """Follow one recorded run through the model, as far as it goes."""
    allowed: bool | None = True
    decided: bool | None = True
    unanimous = True
    lines: list[str] = []
    starts = run.first
    for number, outcome in enumerate(outcomes):
        reached = run.after(starts, number)
        unanimous = unanimous and reached.complete and len(reached.verdicts) == 1
        if not outcome["quiesced"]:
            answer = reached.restless or (None if not reached.complete else False)
            lines += [] if answer else [f"{outcome['afterAction']}: never quiet / always comes to rest"]
            return Judged(_all((allowed, answer)), _all((decided, answer)), tuple(lines), unanimous)
        wanted = recorded(outcome).without_budgets(run.unsure)
        matching = tuple(one for one in reached.rests if run.same(one.seen, wanted))
        if not matching:
            allowed = _all((allowed, False if reached.complete else None))
            lines.append(_difference(run, outcome["afterAction"], wanted, reached))
            matching = tuple(one for one in reached.rests if one.seen.verdict == wanted.verdict)
        if not matching:
            return Judged(allowed, _all((decided, False if reached.complete else None)), tuple(lines), unanimous)
        decided = _all((decided, True if reached.complete else None))
        starts = matching
    return Judged(allowed, decided, tuple(lines), unanimous)


def _difference(run: Run, step: str, wanted: Outcome, reached: Reached) -> str:
    """Say how the recorded outcome differs from the nearest one reached."""
    if not reached.rests:
        return f"{step}: recorded {wanted.verdict} / no state at rest was reached ({reached.why})"
    options = (wanted.differences(one.seen.renamed(names)) for one in reached.rests for names in run.renamings)
    nearest = min(options, key=len)
    return f"{step} [{reached.why or f'all of {len(reached.rests)} reached'}] {'; '.join(nearest)}"
