"""What pipelines read: JUnit, SARIF, annotations, a summary, a baseline. Each says what was found, and where."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.harness.check.report import Told
from kubeproof.harness.check.results import Blame, Claim, Report
from kubeproof.harness.ci import baseline
from kubeproof.harness.ci.findings import Checked, Key, checked, relative
from kubeproof.harness.ci.github import commands, summary
from kubeproof.harness.ci.junit import junit
from kubeproof.harness.ci.sarif import sarif
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.model.checker.results import Status
from kubeproof.traces.document import Document, Inputs

SCHEMA = json.loads((Path(__file__).parent / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
"""https://github.com/oasis-tcs/sarif-spec, sarif-2.1/schema/sarif-schema-2.1.0.json."""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: app
          image: nginx
"""
LOADED = load_scenario("web", immutabledict({"deploy/web.yaml": WEB}), immutabledict(nodes=1))
BLAME = Blame(Ref("Deployment", "default", "web"), "spec.replicas", "ask for fewer")
CLAIMS = (
    Claim(
        "convergence",
        "It comes to rest.",
        Status.VIOLATED,
        "stuck",
        ("nothing moves", "for a <reason>"),
        blame=(BLAME,),
    ),
    Claim("placement", "All are placed.", Status.UNKNOWN, "", ("the time limit of 1 s was hit",)),
    Claim("reachability", "All are reached.", Status.HOLDS, "step", vacuous=True),
)
TRACE = ("traces/web-convergence.json", Document("check", "0", Inputs(), "", ()))


def found(*claims: Claim, known: frozenset[Key] = frozenset()) -> Checked:
    report = Report(
        evolve(Scenario("web", ()), title="A | title"), claims or CLAIMS, (), (), 1, 1, 1, 0.5, complete=True
    )
    told = Told(LOADED.manifests, traces=immutabledict(convergence=TRACE))
    return checked(report, told, known)


KNOWN = frozenset(one.key for one in found().violated)


def test_a_violation_has_the_line_of_the_field_that_causes_it() -> None:
    (violation,) = found().violated
    (place,) = violation.places
    assert (place.file, place.line, place.object) == ("deploy/web.yaml", 6, "Deployment default/web")
    assert violation.message == "nothing moves; ask for fewer"
    assert violation.trace == "traces/web-convergence.json"


def test_what_nothing_is_to_blame_for_is_told_of_the_first_file() -> None:
    place = found().findings[1].places[0]
    assert (place.file, place.line, place.object) == ("deploy/web.yaml", 0, "")


def test_junit_has_a_case_for_each_claim_and_unknown_is_no_success() -> None:
    root = ET.fromstring(junit([found()]))  # noqa: S314 - our own
    assert root.attrib == {"tests": "3", "failures": "1", "errors": "1", "skipped": "0", "name": "kubeproof"}
    cases = {case.attrib["name"]: case for case in root.iter("testcase")}
    assert [(name, [child.tag for child in case]) for name, case in cases.items()] == [
        ("convergence", ["failure"]),
        ("placement", ["error"]),
        ("reachability", ["system-out"]),
    ]
    assert (cases["convergence"].attrib["file"], cases["convergence"].attrib["line"]) == ("deploy/web.yaml", "6")
    assert "for a <reason>" in (cases["convergence"][0].text or "")


def test_junit_is_xml_whatever_a_name_holds() -> None:
    odd = found(evolve(CLAIMS[0], lines=("\x00\x1b[1m]]>&",)))
    assert ET.fromstring(junit([odd])).find(".//failure").attrib["message"].startswith("\ufffd\ufffd[1m]]>&")  # noqa: S314


def results(text: str) -> list[dict[str, Any]]:
    document = json.loads(text)
    jsonschema.validate(document, SCHEMA)
    return document["runs"][0]["results"]


def test_sarif_keeps_its_schema_and_points_at_the_line() -> None:
    violated, unknown = results(sarif([found()]))
    assert (violated["ruleId"], violated["kind"], violated["level"]) == ("convergence", "fail", "error")
    physical = violated["locations"][0]["physicalLocation"]
    assert physical == {"artifactLocation": {"uri": "deploy/web.yaml"}, "region": {"startLine": 6}}
    assert (unknown["kind"], unknown["level"]) == ("open", "none")
    assert "baselineState" not in violated


def test_sarif_without_any_violation_keeps_its_schema() -> None:
    assert results(sarif([found(CLAIMS[2])])) == []
    assert results(sarif([])) == []


def test_the_schema_would_notice_a_mistake() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(sarif([found()]).replace('"fail"', '"failed"')), SCHEMA)


def test_what_is_known_is_told_everywhere_and_counts_nowhere() -> None:
    known = found(known=KNOWN)
    assert known.status is Status.UNKNOWN
    assert found(CLAIMS[0], known=KNOWN).status is Status.HOLDS
    assert results(sarif([known]))[0]["suppressions"][0]["kind"] == "external"
    assert results(sarif([known]))[0]["baselineState"] == "unchanged"
    assert ET.fromstring(junit([known])).attrib["failures"] == "0"  # noqa: S314
    assert commands([known]).startswith("::notice ")
    assert "VIOLATED (known)" in summary([known])


def test_a_violation_elsewhere_is_not_the_known_one() -> None:
    moved = evolve(CLAIMS[0], blame=(evolve(BLAME, field="spec.template"),))
    assert found(moved, known=KNOWN).status is Status.VIOLATED
    assert results(sarif([found(moved, known=KNOWN)]))[0]["baselineState"] == "new"
    assert found(evolve(CLAIMS[0], kind="livelock"), known=KNOWN).status is Status.VIOLATED
    assert found(evolve(CLAIMS[0], lines=("other names",)), known=KNOWN).status is Status.HOLDS


def test_annotations_stand_at_the_line_and_escape_what_would_end_them() -> None:
    odd = evolve(CLAIMS[0], lines=("50%\nof a,b::c",))
    assert commands([found(odd)]) == (
        "::error file=deploy/web.yaml,line=6,title=kubeproof%3A convergence VIOLATED (web)"
        "::50%25%0Aof a,b::c; ask for fewer\n"
    )
    assert [line.split()[0] for line in commands([found()]).splitlines()] == ["::error", "::warning"]


def test_the_summary_is_a_table_with_why_below_it() -> None:
    text = summary([found()])
    assert "### ❌ kubeproof: A &#124; title" in text
    assert "| convergence | ❌ VIOLATED | `deploy/web.yaml:6` Deployment default/web ask for fewer |" in text
    assert "| reachability | ✅ HOLDS (vacuous) |  |" in text
    assert "- for a &lt;reason>" in text
    assert "kubeproof show traces/web-convergence.json --html run.html" in text


def test_a_baseline_is_read_as_it_was_written_and_keeps_what_was_not_asked(tmp_path: Path) -> None:
    other = Key("other", "budget", "step")
    (tmp_path / "known.json").write_text(baseline.text([found()], {other, Key("web", "budget", "step")}))
    assert baseline.read(tmp_path / "known.json") == KNOWN | {other}
    assert baseline.read(tmp_path / "none.json") == frozenset()


def test_what_is_known_and_gone_is_told() -> None:
    gone = Key("web", "budget", "step")
    assert baseline.told([found(known=KNOWN | {gone, Key("other", "budget", "step")})]).splitlines() == [
        "known, not counted: web: convergence (stuck) at Deployment default/web spec.replicas",
        "known, but not found any more (--update-baseline takes it out): web: budget (step)",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no baseline"),
        ("[]", "is no baseline"),
        ('{"format": 1, "violations": [{}]}', "is no baseline"),
        ('{"format": 2}', "has format 2; this kubeproof reads format 1"),
    ],
)
def test_a_baseline_that_is_none_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "known.json").write_text(text)
    with pytest.raises(BadInput, match=words):
        baseline.read(tmp_path / "known.json")


def test_files_are_named_by_their_path_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert relative(str(tmp_path / "a" / "b.yaml")) == "a/b.yaml"
    assert relative("./a/../b.yaml") == "b.yaml"
    assert relative("/elsewhere/b.yaml") == "/elsewhere/b.yaml"


def test_what_comes_from_a_pipe_is_shown_at_its_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code scanning can show a file of the repository only: the template, and not a line of standard input."""
    monkeypatch.chdir(tmp_path)
    rendered = f"---\n# Source: chart/templates/web.yaml\n{WEB}"
    loaded = load_scenario("web", immutabledict({"stdin": rendered}), immutabledict(nodes=1))
    report = Report(Scenario("web", ()), CLAIMS, (), (), 1, 1, 1, 0.5, complete=True)

    def place() -> tuple[str, int]:
        first = checked(report, Told(loaded.manifests)).findings[0].places[0]
        return first.file, first.line

    assert place() == ("stdin", 8)
    (tmp_path / "chart" / "templates").mkdir(parents=True)
    (tmp_path / "chart" / "templates" / "web.yaml").write_text("{{ .Values }}\n")
    assert place() == ("chart/templates/web.yaml", 0)
    (tmp_path / "stdin").write_text(rendered)
    assert place() == ("stdin", 8)
