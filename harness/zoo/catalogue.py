"""Documented failures of Kubernetes as facts: each found by a search, and its repair proved by the same search.

A failure is a pair of runs of one machine or scenario that differ in the repair alone. `kubeproof zoo run` runs them
all, the tests run those that are quick. Mechanisms live with their components; here is only what is common to every
pair.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from ...model.checker.results import Exploration, Status
from ..check.results import Report


@frozen
class Found:
    """What one run of a pair found about the one claim that the failure is about."""

    status: Status
    claim: str
    states: int
    """Distinct states searched."""
    seconds: float
    lines: tuple[str, ...] = ()
    """The trace, one line per step; empty if the claim holds."""
    vacuous: bool = False


@frozen
class Pair:
    """A documented failure and its repair."""

    name: str
    """Short, kebab-case, unique."""
    sources: tuple[str, ...]
    """Where it is documented: k/k#72122, KEP-3094."""
    what: str
    """One sentence: what goes wrong."""
    repair: str
    """One sentence: what the twin has that the faulty one lacks."""
    faulty: Callable[[], Found]
    repaired: Callable[[], Found]
    folder: Path | None = None
    """Where its manifests are, as `faulty` and `repaired`; None if it is a world without manifests."""


def found_by(exploration: Exploration, claim: str) -> Found:
    """Tell what a search found about one of its properties."""
    verdict = exploration[claim]
    trace = verdict.trace.lines() if verdict.trace else ()
    return Found(verdict.status, claim, exploration.states, exploration.seconds, trace, verdict.vacuous)


def found_in(report: Report, claim: str) -> Found:
    """Tell what a check of a cluster found about one of its claims; KeyError if it makes no such claim."""
    for found in report.claims:
        if found.name == claim:
            trace = found.trace.lines() if found.trace else ()
            return Found(found.status, claim, report.states, report.seconds, trace, bool(found.vacuous))
    raise KeyError(f"no claim {claim!r} among {', '.join(found.name for found in report.claims)}")


def as_documented(faulty: Found, repaired: Found) -> bool:
    """Tell whether the failure is there without the repair, and gone with it for a reason (not vacuously)."""
    shown = faulty.status is Status.VIOLATED and bool(faulty.lines)
    return shown and repaired.status is Status.HOLDS and not repaired.vacuous
