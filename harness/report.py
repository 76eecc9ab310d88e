"""What a check found, as plain text and as JSON: the verdicts first, then what they rest on.

The text says for each claim whether it holds, under a broken one why and by which run, and then what a reader must know
before relying on it: the bounds, what the manifests say that is not modelled, and how much was searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

from ..model.checker.results import Status
from ..traces import render
from ..traces.document import Document
from .results import Claim, Report
from .scenario import Expected, Scenario

WIDTH = 110
NAMED = "{0:<14} {1:<9} {2}"


def text(report: Report, traces: Mapping[str, tuple[str, Document]], not_modelled: tuple[str, ...] = ()) -> str:
    """Render a report. `traces` gives for a claim's name where its trace was written ("": nowhere) and the trace."""
    lines = [report.scenario.title or report.scenario.name, ""]
    for claim in report.claims:
        lines.extend(_claim(claim, expectation(report.scenario, claim), traces.get(claim.name)))
    lines.extend(_unjudged(report))
    lines.extend(_list("Within these bounds", report.bounds))
    lines.extend(_list("Not modelled", (*not_modelled, *report.not_modelled)))
    whole = "\n".join((*lines, "", numbers(report), ""))
    return re.sub(r"\n{3,}", "\n\n", whole)


def numbers(report: Report) -> str:
    """Give the size of the search in one line."""
    searched = f"{report.states:,} states, {report.transitions:,} transitions, depth {report.depth}"
    if report.exploration is not None and report.exploration.symmetry:
        searched += f" ({report.exploration.symmetry})"
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
    expected = dict(report.scenario.expected) or dict.fromkeys((one.name for one in report.claims), Expected.HOLDS)
    found = {claim.name: claim.status.value for claim in report.claims}
    return all(found.get(name) == verdict.value for name, verdict in expected.items())


def status(report: Report) -> Status:
    """Give the worst verdict: VIOLATED before UNKNOWN before HOLDS."""
    found = {claim.status for claim in report.claims}
    return next((one for one in (Status.VIOLATED, Status.UNKNOWN) if one in found), Status.HOLDS)


def _claim(claim: Claim, expected: str, trace: tuple[str, Document] | None) -> Iterator[str]:
    sentence = claim.sentence
    if claim.vacuous:
        sentence += " (vacuous: what it speaks of never occurred)"
    if expected:
        sentence += f" [{expected}]"
    first, *rest = wrap(sentence, WIDTH - 25) or [""]
    yield NAMED.format(claim.name, claim.status.value, first).rstrip()
    yield from (f"{'':25}{line}" for line in rest)
    kind = f"{claim.kind}: " if claim.status is Status.VIOLATED and claim.kind else ""
    for number, line in enumerate(claim.lines):
        yield from wrap(
            f"{kind if number == 0 else ''}{line}",
            WIDTH,
            initial_indent="    ",
            subsequent_indent="      ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    if trace is not None:
        yield from _trace(*trace)


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


def _list(title: str, items: tuple[str, ...]) -> Iterator[str]:
    if items:
        yield ""
        yield f"{title}:"
    for item in items:
        first, *rest = wrap(item, WIDTH - 4, break_long_words=False, break_on_hyphens=False) or [""]
        yield f"  - {first}"
        yield from (f"    {line}" for line in rest)


def to_json(
    report: Report, traces: Mapping[str, tuple[str, Document]], not_modelled: tuple[str, ...]
) -> dict[str, Any]:
    """Give a report as JSON."""
    return {
        "scenario": report.scenario.name,
        "title": report.scenario.title,
        "verdict": status(report).value,
        "claims": [
            {
                "claim": claim.name,
                "sentence": claim.sentence,
                "verdict": claim.status.value,
                "kind": claim.kind,
                "lines": list(claim.lines),
                "vacuous": claim.vacuous,
                "expected": dict(report.scenario.expected)[claim.name].value
                if claim.name in dict(report.scenario.expected)
                else None,
                "trace": traces[claim.name][0] or None if claim.name in traces else None,
            }
            for claim in report.claims
        ],
        "bounds": list(report.bounds),
        "notModelled": [*not_modelled, *report.not_modelled],
        "states": report.states,
        "transitions": report.transitions,
        "depth": report.depth,
        "seconds": round(report.seconds, 3),
        "complete": report.complete,
    }
