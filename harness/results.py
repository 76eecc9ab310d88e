"""What a check answers: claims with verdicts, and what they rest on."""

from __future__ import annotations

from attrs import frozen

from ..model.checker.results import Exploration, Status, Trace
from .scenario import Scenario


@frozen
class Claim:
    """One claim and what became of it. `kind` tells breaches apart; `lines` are the reasons or the evidence."""

    name: str
    sentence: str
    status: Status
    kind: str
    lines: tuple[str, ...] = ()
    trace: Trace | None = None
    vacuous: bool = False


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
