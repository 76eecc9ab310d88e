"""What was found of each claim, with the lines of the manifests that cause it: what pipelines are told."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from ...model.checker.results import Status
from ..check.report import Told
from ..check.results import Blame, Claim, Report


@frozen
class Place:
    """A field of an object that is to be changed: where it is written (line 0: the whole file), and what to do."""

    object: str
    field: str
    file: str
    line: int
    what: str = ""


@frozen
class Finding:
    """What was found of one claim; `places` are never empty where there is a file, the first to be mended first."""

    scenario: str
    claim: str
    sentence: str
    status: Status
    kind: str
    lines: tuple[str, ...]
    places: tuple[Place, ...]
    trace: str = ""
    vacuous: bool = False
    """Whether it holds of nothing."""

    @property
    def verdict(self) -> str:
        """The verdict in words."""
        return f"{self.status.value} (vacuous)" if self.vacuous else self.status.value

    @property
    def key(self) -> Key:
        """What tells this violation from others, whatever names Pods were given in the run that shows it."""
        return key_of(self)

    @property
    def message(self) -> str:
        """The first reason, and what to do about it."""
        do = next((place.what for place in self.places if place.what), "")
        return "; ".join(part for part in ((self.lines or (self.sentence,))[0], do) if part)


@frozen(order=True)
class Key:
    """A violation by what is broken and where."""

    scenario: str
    claim: str
    kind: str
    objects: tuple[tuple[str, str], ...] = ()


@frozen
class Checked:
    """Everything that was found of one scenario, and which of its violations were known before."""

    name: str
    title: str
    findings: tuple[Finding, ...]
    known: frozenset[Key] = frozenset()

    @property
    def violated(self) -> tuple[Finding, ...]:
        """The violations."""
        return tuple(finding for finding in self.findings if finding.status is Status.VIOLATED)

    def is_known(self, finding: Finding) -> bool:
        """Tell whether a violation was known before."""
        return finding.status is Status.VIOLATED and finding.key in self.known

    @property
    def status(self) -> Status:
        """The worst that is not known: VIOLATED before UNKNOWN before HOLDS."""
        return worst(finding.status for finding in self.findings if not self.is_known(finding))


def key_of(finding: Finding) -> Key:
    """Return a violation by what is broken and where."""
    objects = tuple((place.object, place.field) for place in finding.places)
    return Key(finding.scenario, finding.claim, finding.kind, objects)


def worst(statuses: Iterable[Status]) -> Status:
    """Return the worst: VIOLATED before UNKNOWN before HOLDS."""
    found = set(statuses)
    return next((status for status in (Status.VIOLATED, Status.UNKNOWN) if status in found), Status.HOLDS)


def checked(report: Report, told: Told, known: Iterable[Key] = ()) -> Checked:
    """Return what was found, each violation with its places in the manifests."""
    name = report.scenario.name
    findings = tuple(_finding(name, claim, told) for claim in report.claims)
    return Checked(name, report.scenario.title or name, findings, frozenset(known))


def _finding(name: str, claim: Claim, told: Told) -> Finding:
    places = tuple(_place(blame, told) for blame in claim.blame)
    trace = told.traces[claim.name][0] if claim.name in told.traces else ""
    return Finding(
        scenario=name,
        claim=claim.name,
        sentence=claim.sentence,
        status=claim.status,
        kind=claim.kind,
        lines=claim.lines,
        places=places or _somewhere(told),
        trace=trace,
        vacuous=claim.vacuous is True,
    )


def _place(blame: Blame, told: Told) -> Place:
    source = told.manifests.sources.get(blame.ref)
    if source is None:
        first = _somewhere(told)
        return Place(str(blame.ref), blame.field, first[0].file if first else "", 0, blame.what)
    if Path(source.template).is_file() and not Path(source.file).is_file():
        return Place(str(blame.ref), blame.field, relative(source.template), 0, blame.what)
    return Place(str(blame.ref), blame.field, relative(source.file), source.line_of(blame.field), blame.what)


def _somewhere(told: Told) -> tuple[Place, ...]:
    """Return the first file of the input, for what nothing in it is to blame for."""
    files = sorted(relative(source.file) for source in told.manifests.sources.values())
    return (Place("", "", files[0], 0),) if files else ()


def relative(file: str) -> str:
    """Return a file by its path from here, with slashes, if it lies below; as it is otherwise."""
    path = Path(file)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return os.path.normpath(path).replace(os.sep, "/")
