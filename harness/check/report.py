"""What a check found, as plain text and as JSON: the verdict and what to do first, then why to believe it.

The text says in its first lines what came out and where to begin; then for each claim whether it holds, under a broken
one why and by which run; and then what a reader must know before relying on it: what is assumed, what the manifests
say that is not modelled, the bounds, and how much was searched. What is the same for every input, and what no claim
hangs on, is told only where all is asked for (`explain`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from attrs import field, frozen
from immutabledict import immutabledict

from ...impl.api.reading.load import Note
from ...model.checker.results import Status
from ...traces import render
from ...traces.document import Document
from ..input.assumed.assumptions import Assumption
from ..input.files.manifests import Manifests
from ..input.scenario import Expected, Scenario
from .bounds import general
from .report_lists import assumed, not_modelled
from .results import Blame, Claim, Report

WIDTH = 110
NARROWEST = 60
NAMED = "{0:<14} {1:<9} {2}"
MARGIN = 25


@frozen
class Told:
    """What a report tells beside the verdicts: where objects are written, what is not modelled, assumed, left out.

    `traces` gives for a claim's name where its trace was written ("": nowhere) and the trace.
    """

    manifests: Manifests = Manifests()
    notes: tuple[Note, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    traces: immutabledict[str, tuple[str, Document]] = field(factory=immutabledict)


def text(report: Report, told: Told = Told(), *, width: int = WIDTH, explain: bool = False) -> str:
    """Render a report, in lines of at most `width`; with `explain` all of it."""
    width = max(width, NARROWEST)
    lines = [report.scenario.title or report.scenario.name, "", *_headline(report, told, width), ""]
    for claim in report.claims:
        lines.extend(_claim(claim, expectation(report.scenario, claim), told, width))
    lines.extend(_unjudged(report))
    judged = {claim.name for claim in report.claims}
    lines.extend(_list("Assumed", assumed(told.assumptions, explain=explain), width))
    noted = not_modelled(told.notes, judged, explain=explain)
    lines.extend(_list("Not modelled", (*noted, *report.not_modelled), width))
    lines.extend(_list("Left out", assumed(told.manifests.hooks, explain=explain), width))
    lines.extend(_list(ISLANDS, report.islands if explain else _few(report.islands), width))
    lines.extend(_list("Within these bounds", _bounds(report, explain=explain), width))
    whole = "\n".join((*lines, "", numbers(report), ""))
    return re.sub(r"\n{3,}", "\n\n", whole)


ISLANDS = "Islands, each looked at by itself, for none has to do with another"
SHOWN = 6


def _few(islands: tuple[str, ...]) -> tuple[str, ...]:
    more = len(islands) - SHOWN
    return (*islands[:SHOWN], f"and {more} more (--explain tells them)") if more > 1 else islands


def _bounds(report: Report, *, explain: bool) -> tuple[str, ...]:
    """Return the bounds that are this input's own; how many there are beside them."""
    usual = general(report.scenario)
    own = tuple(line for line in report.bounds if explain or line not in usual)
    hidden = len(report.bounds) - len(own)
    return (*own, f"and {hidden} that are the same for every input (--explain tells them)") if hidden else own


def _headline(report: Report, told: Told, width: int) -> Iterator[str]:
    """Say what came out, the worst first, and where to begin."""
    groups = {status: [claim for claim in report.claims if claim.status is status] for status in WORST_FIRST}
    shown = [f"{status.value}: {', '.join(map(_name, found))}" for status, found in groups.items() if found]
    yield from wrap("; ".join(shown), width, subsequent_indent="  ")
    if step := first_step(report, told):
        yield from _wrapped(f"First: {step}", width, "", "  ")


WORST_FIRST = (Status.VIOLATED, Status.UNKNOWN, Status.HOLDS)


def _name(claim: Claim) -> str:
    return f"{claim.name} (vacuous)" if claim.vacuous else claim.name


def first_step(report: Report, told: Told) -> str:
    """Say what to look at first: the object to be mended, else why the worst claim is not said to hold."""
    worst = status(report)
    for claim in (found for found in report.claims if found.status is worst and worst is not Status.HOLDS):
        if claim.blame:
            return blamed(claim.blame[0], told.manifests)
        if claim.lines:
            return f"{claim.name}: {claim.lines[0]}"
    return ""


def blamed(blame: Blame, manifests: Manifests) -> str:
    """Name an object in breach with the file and line of the field to change."""
    source = manifests.sources.get(blame.ref)
    place = f"{source.place(blame.field)}: " if source else ""
    at = f" {blame.field}" if blame.field else ""
    return f"{place}{blame.ref}{at}{f': {blame.what}' if blame.what else ''}"


def quiet(report: Report) -> str:
    """Return the verdicts alone, one a line."""
    return "".join(f"{claim.name:<14} {claim.status.value}{_in_brackets(claim)}\n" for claim in report.claims)


def _in_brackets(claim: Claim) -> str:
    if isinstance(claim.vacuous, bool):
        return " (vacuous)" if claim.vacuous else ""
    return f" (vacuous: {', '.join(claim.vacuous)})"


def numbers(report: Report) -> str:
    """Say in one line of which release it is, and how much was searched."""
    size = f"{report.states:,} states, {report.transitions:,} transitions, depth {report.depth}"
    searched = f"Kubernetes {report.scenario.release}: {size}"
    if report.exploration is not None and report.exploration.symmetry:
        searched += f" ({report.exploration.symmetry})"
    if report.remembered:
        searched += f", {report.remembered} of the searches as found before (--no-cache looks anew)"
    return f"{searched}, {report.seconds:.1f} s{'' if report.complete else ', INCOMPLETE'}"


def expectation(scenario: Scenario, claim: Claim) -> str:
    """Say whether a verdict is the one the scenario expects; "" where it expects none."""
    expected = dict(scenario.expected).get(claim.name)
    if expected is None:
        return ""
    return "as expected" if expected.value == claim.status.value else f"expected {expected.value}"


def as_expected(report: Report) -> bool:
    """Tell whether every verdict is the one the scenario expects; one that expects nothing expects all to hold.

    Of a scenario that names some claims the others are not asked.
    """
    expected = dict(report.scenario.expected) or dict.fromkeys((claim.name for claim in report.claims), Expected.HOLDS)
    found = {claim.name: claim.status.value for claim in report.claims}
    return all(found.get(name) == verdict.value for name, verdict in expected.items())


def status(report: Report) -> Status:
    """Return the worst verdict: VIOLATED before UNKNOWN before HOLDS."""
    found = {claim.status for claim in report.claims}
    return next((verdict for verdict in (Status.VIOLATED, Status.UNKNOWN) if verdict in found), Status.HOLDS)


def _claim(claim: Claim, expected: str, told: Told, width: int) -> Iterator[str]:
    sentence = claim.sentence
    if claim.vacuous is True:
        sentence += " (vacuous: what it speaks of never occurred)"
    elif claim.vacuous:
        sentence += f" (vacuous in part: this never occurred: {', '.join(claim.vacuous)})"
    if expected:
        sentence += f" [{expected}]"
    first, *rest = wrap(sentence, width - MARGIN) or [""]
    yield NAMED.format(claim.name, claim.status.value, first).rstrip()
    yield from (f"{'':{MARGIN}}{line}" for line in rest)
    kind = f"{claim.kind}: " if claim.status is Status.VIOLATED and claim.kind else ""
    for number, line in enumerate(claim.lines):
        yield from _wrapped(f"{kind if number == 0 else ''}{line}", width, "    ", "      ")
    for blame in claim.blame:
        yield from _wrapped(f"at {blamed(blame, told.manifests)}", width, "    ", "      ")
    if claim.name in told.traces:
        yield from _trace(*told.traces[claim.name])


def _wrapped(line: str, width: int, first: str, rest: str) -> list[str]:
    """Break a line between words only: paths and names stay whole."""
    return wrap(
        line, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def _unjudged(report: Report) -> Iterator[str]:
    """Name the claims the scenario expects something of and that there was no cause to judge."""
    judged = {claim.name for claim in report.claims}
    for name, expected in report.scenario.expected:
        if name not in judged:
            yield f"{name:<14} not judged: nothing here could break it [expected {expected.value}]"


def _trace(path: str, document: Document) -> Iterator[str]:
    yield ""
    yield from render.steps(document, indent="    ")
    yield ""
    if path:
        yield f"    trace written to {path}, replay it with: kubeproof replay {path}"
        yield ""


def _list(title: str, items: tuple[str, ...], width: int) -> Iterator[str]:
    if items:
        yield ""
        yield f"{title}:"
    for item in items:
        yield from _wrapped(item, width, "  - ", "    ")


def to_json(report: Report, told: Told = Told()) -> dict[str, Any]:
    """Return a report as JSON, all of it."""
    expected = dict(report.scenario.expected)
    return {
        "scenario": report.scenario.name,
        "title": report.scenario.title,
        "release": report.scenario.release.name,
        "verdict": status(report).value,
        "first": first_step(report, told),
        "claims": [
            {
                "claim": claim.name,
                "sentence": claim.sentence,
                "verdict": claim.status.value,
                "kind": claim.kind,
                "lines": list(claim.lines),
                "blame": [_blame_json(blame, told.manifests) for blame in claim.blame],
                "vacuous": claim.vacuous if isinstance(claim.vacuous, bool) else list(claim.vacuous),
                "expected": expected[claim.name].value if claim.name in expected else None,
                "trace": told.traces[claim.name][0] or None if claim.name in told.traces else None,
            }
            for claim in report.claims
        ],
        "assumptions": [str(assumption) for assumption in told.assumptions],
        "notModelled": [*(str(note) for note in told.notes), *report.not_modelled],
        "leftOut": [str(note) for note in told.manifests.hooks],
        "bounds": list(report.bounds),
        "states": report.states,
        "transitions": report.transitions,
        "depth": report.depth,
        "seconds": round(report.seconds, 3),
        "complete": report.complete,
    }


def _blame_json(blame: Blame, manifests: Manifests) -> dict[str, Any]:
    source = manifests.sources.get(blame.ref)
    return {
        "object": str(blame.ref),
        "field": blame.field,
        "file": source.file if source else None,
        "line": source.line_of(blame.field) if source else None,
        "what": blame.what,
    }
