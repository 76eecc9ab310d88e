"""SARIF 2.1.0: each violation at the line of the manifest that causes it, as code scanning shows it.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/: a violation is a result of kind `fail`, UNKNOWN one of kind `open`;
what holds is none. A known violation has a suppression. Without times: the same input gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from ...impl.api.claim_names import SENTENCES
from ...model.checker.results import Status
from ..version import VERSION
from .findings import Checked, Finding, Place

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(every: Iterable[Checked]) -> str:
    """Return the document."""
    found = [
        (checked, finding) for checked in every for finding in checked.findings if finding.status is not Status.HOLDS
    ]
    sentences = {**SENTENCES, **{finding.claim: finding.sentence for _, finding in found}}
    names = list(sentences)
    rules = [
        {"id": name, "name": name.capitalize(), "shortDescription": {"text": text}} for name, text in sentences.items()
    ]
    driver = {"name": "kubeproof", "semanticVersion": VERSION, "rules": rules}
    results = [_result(checked, finding, names.index(finding.claim)) for checked, finding in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _result(one: Checked, finding: Finding, rule: int) -> dict[str, Any]:
    violated = finding.status is Status.VIOLATED
    result: dict[str, Any] = {
        "ruleId": finding.claim,
        "ruleIndex": rule,
        "kind": "fail" if violated else "open",
        "level": "error" if violated else "none",
        "message": {"text": "\n".join(_message(finding))},
        "locations": [_location(place) for place in finding.places[:1]],
        "relatedLocations": [_location(place, number) for number, place in enumerate(finding.places[1:], start=1)],
        "partialFingerprints": {"kubeproof/v1": sha256(repr(finding.key).encode()).hexdigest()},
    }
    if one.known:
        result["baselineState"] = "unchanged" if one.is_known(finding) else "new"
    if one.is_known(finding):
        result["suppressions"] = [{"kind": "external", "justification": "known: it stands in the baseline"}]
    return result


def _message(finding: Finding) -> Iterator[str]:
    """Yield what is wrong, in lines; the scenario in the first."""
    first, *rest = finding.lines or (finding.sentence,)
    yield f"{finding.scenario}: {finding.claim} is {finding.status.value}: {first}"
    yield from rest
    yield from (place.what for place in finding.places if place.what)
    if finding.trace:
        yield f"kubeproof show {finding.trace}"


def _location(place: Place, number: int = 0) -> dict[str, Any]:
    physical = {"artifactLocation": {"uri": quote(place.file)}, "region": {"startLine": max(1, place.line)}}
    found: dict[str, Any] = {"physicalLocation": physical}
    if place.object:
        path = f"{place.object} {place.field}".rstrip()
        found["logicalLocations"] = [{"name": place.object, "fullyQualifiedName": path}]
    if number:
        found |= {"id": number, "message": {"text": place.what or place.object}}
    return found
