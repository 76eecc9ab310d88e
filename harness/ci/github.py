"""GitHub's own: annotations (workflow commands on standard output), and a summary in Markdown for any pipeline.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions: `::error file=,line=,title=::message`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...model.checker.results import Status
from .findings import Checked, Finding

LEVELS = {Status.VIOLATED: "error", Status.UNKNOWN: "warning"}
SIGNS = {Status.HOLDS: "✅", Status.VIOLATED: "❌", Status.UNKNOWN: "❔"}


def commands(every: Iterable[Checked]) -> str:
    """Return a line for each violation and each open claim, at the line that causes it; a known one is a notice."""
    return "".join(
        _annotation(checked, finding) for checked in every for finding in checked.findings if finding.status in LEVELS
    )


def _annotation(one: Checked, finding: Finding) -> str:
    level = "notice" if one.is_known(finding) else LEVELS[finding.status]
    place = finding.places[0] if finding.places else None
    at = {"file": place.file, "line": str(max(1, place.line))} if place else {}
    fields = {**at, "title": f"kubeproof: {finding.claim} {finding.status.value} ({one.name})"}
    told = ",".join(f"{name}={_property(value)}" for name, value in fields.items())
    return f"::{level} {told}::{_data(finding.message)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def summary(every: Iterable[Checked]) -> str:
    """Return the summary: a table of claims for each scenario, and why each is not said to hold."""
    return "\n".join(line for checked in every for line in _of(checked))


def _of(one: Checked) -> Iterator[str]:
    yield f"### {SIGNS[one.status]} kubeproof: {_cell(one.title)}"
    yield ""
    yield "| claim | verdict | where to begin |"
    yield "|---|---|---|"
    for finding in one.findings:
        known = " (known)" if one.is_known(finding) else ""
        yield f"| {finding.claim} | {SIGNS[finding.status]} {finding.verdict}{known} | {_begin(finding)} |"
    yield ""
    for finding in one.findings:
        if finding.status is not Status.HOLDS:
            yield f"<details><summary>{finding.claim}: {_cell(finding.message)}</summary>"
            yield ""
            yield from (f"- {_cell(line)}" for line in finding.lines)
            if finding.trace:
                yield f"- `kubeproof show {finding.trace} --html run.html` shows the run"
            yield ""
            yield "</details>"
            yield ""


def _begin(finding: Finding) -> str:
    place = finding.places[0] if finding.places else None
    if finding.status is Status.HOLDS or place is None or not place.object:
        return ""
    return f"`{_cell(place.file)}:{place.line}` {_cell(place.object)} {_cell(place.what)}".rstrip()


def _cell(text: str) -> str:
    """Return text that Markdown takes for text, also in a table."""
    for sign, instead in (("&", "&amp;"), ("<", "&lt;"), ("|", "&#124;"), ("\n", " ")):
        text = text.replace(sign, instead)
    return text
