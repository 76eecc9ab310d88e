"""JUnit XML: a suite for each scenario, a case for each claim. Without times: the same input gives the same bytes.

What pipelines read of it: GitLab's, Jenkins' and GitHub's readers know `testsuites`, `testsuite`, `testcase` with
`failure`, `error`, `skipped` and `system-out`. VIOLATED is a failure, UNKNOWN an error, for it is never a success.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable

from ...model.checker.results import Status
from .findings import Checked, Finding, Place

NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to say."""


def junit(every: Iterable[Checked]) -> str:
    """Return the document."""
    found = tuple(every)
    root = ET.Element("testsuites", _counts(found) | {"name": "kubeproof"})
    for checked in found:
        suite = ET.SubElement(root, "testsuite", {"name": _text(checked.name), **_counts((checked,))})
        for finding in checked.findings:
            _case(suite, checked, finding)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _counts(found: tuple[Checked, ...]) -> dict[str, str]:
    findings = [(checked, finding) for checked in found for finding in checked.findings]
    return {
        "tests": str(len(findings)),
        "failures": str(sum(len(checked.violated) - sum(map(checked.is_known, checked.violated)) for checked in found)),
        "errors": str(sum(finding.status is Status.UNKNOWN for _, finding in findings)),
        "skipped": str(sum(report.is_known(finding) for report, finding in findings)),
    }


def _case(suite: ET.Element, one: Checked, finding: Finding) -> None:
    where = {"file": finding.places[0].file, "line": str(max(1, finding.places[0].line))} if finding.places else {}
    case = ET.SubElement(suite, "testcase", {"classname": _text(one.name), "name": finding.claim, **where})
    said = _text("\n".join((finding.sentence, *finding.lines, *map(_place, finding.places), *_trace(finding))))
    tags = {Status.VIOLATED: "failure", Status.UNKNOWN: "error"}
    tag = "skipped" if one.is_known(finding) else tags.get(finding.status)
    if tag is not None:
        ET.SubElement(case, tag, {"message": _text(finding.message), "type": finding.status.value}).text = said
    elif finding.vacuous:
        ET.SubElement(case, "system-out").text = "vacuous: what it speaks of never occurred"


def _place(place: Place) -> str:
    about = f"{place.object} {place.field}".strip()
    return f"at {place.file}:{place.line}: {about}" if about else f"at {place.file}"


def _trace(finding: Finding) -> tuple[str, ...]:
    return (f"kubeproof show {finding.trace}",) if finding.trace else ()


def _text(text: str) -> str:
    return NO_XML.sub("\ufffd", text)
