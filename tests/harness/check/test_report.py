"""The report: what came out and what to do first, then only what matters to this input; all of it where it is asked."""

from __future__ import annotations

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.harness.check import report as reports
from kubeproof.harness.check.bounds import bounds_of, general
from kubeproof.harness.check.report import Told, first_step, quiet, text, to_json
from kubeproof.harness.check.report_lists import assumed, not_modelled
from kubeproof.harness.check.results import Blame, Claim, Report
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Bounds, Consistency
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.reading.load import Note
from kubeproof.model.checker.results import Status

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
        - name: app
          image: "nginx:1"
"""
LOADED = load_scenario("it", {"web.yaml": WEB}, immutabledict(nodes=1))
TOLD = Told(LOADED.manifests)
DEPLOYMENT = Ref("Deployment", "default", "web")


def claim(name: str, status: Status, *lines: str, blame: tuple[Blame, ...] = ()) -> Claim:
    return Claim(name, f"The sentence of {name}.", status, "", lines, blame=blame)


def report(*claims: Claim, bounds: tuple[str, ...] = ()) -> Report:
    return Report(LOADED.scenario, claims, bounds, (), 3, 2, 1, 0.5, complete=True)


def test_the_worst_comes_first_with_what_to_do() -> None:
    shown = text(
        report(
            claim("convergence", Status.HOLDS),
            claim("placement", Status.UNKNOWN, "a limit"),
            claim("reachability", Status.VIOLATED, "nobody answers"),
        )
    )
    assert shown.splitlines()[:4] == [
        "it",
        "",
        "VIOLATED: reachability; UNKNOWN: placement; HOLDS: convergence",
        "First: reachability: nobody answers",
    ]


def test_where_all_holds_there_is_nothing_to_do() -> None:
    shown = text(report(claim("convergence", Status.HOLDS)))
    assert "HOLDS: convergence\n" in shown
    assert "First:" not in shown


def test_an_object_in_breach_is_named_with_the_line_of_its_field() -> None:
    field = "spec.template.spec.terminationGracePeriodSeconds"
    broken = report(claim("reachability", Status.VIOLATED, "x", blame=(Blame(DEPLOYMENT, field, "give it 9 s"),)))
    said = f"web.yaml:9: Deployment default/web {field}: give it 9 s"
    assert first_step(broken, TOLD) == said
    assert f"at {said}" in " ".join(text(broken, TOLD).split())
    assert to_json(broken, TOLD)["claims"][0]["blame"] == [
        {"object": "Deployment default/web", "field": field, "file": "web.yaml", "line": 9, "what": "give it 9 s"}
    ]


def test_a_field_that_is_not_written_is_blamed_on_the_nearest_that_is() -> None:
    broken = claim("reachability", Status.VIOLATED, blame=(Blame(DEPLOYMENT, "spec.template.spec.containers[0].x"),))
    assert first_step(report(broken), TOLD).startswith("web.yaml:11: Deployment default/web spec.template")


def test_what_nobody_wrote_has_no_place() -> None:
    broken = claim("convergence", Status.VIOLATED, blame=(Blame(Ref("Pod", "default", "web-1")),))
    assert first_step(report(broken), TOLD) == "Pod default/web-1"
    assert to_json(report(broken), TOLD)["claims"][0]["blame"][0]["file"] is None


@pytest.mark.parametrize(
    ("vacuous", "said", "json"),
    [
        (False, "placement      HOLDS\n", False),
        (True, "placement      HOLDS (vacuous)\n", True),
        (("nothing was bound",), "placement      HOLDS (vacuous: nothing was bound)\n", ["nothing was bound"]),
    ],
)
def test_quiet_and_json_say_which_half_never_occurred(
    vacuous: bool | tuple[str, ...],  # noqa: FBT001
    said: str,
    json: object,
) -> None:
    one = report(evolve(claim("placement", Status.HOLDS), vacuous=vacuous))
    assert quiet(one) == said
    assert to_json(one)["claims"][0]["vacuous"] == json
    assert ("vacuous" in text(one)) == bool(vacuous)


def test_bounds_that_every_input_has_are_told_on_request() -> None:
    one = report(claim("convergence", Status.HOLDS), bounds=bounds_of(LOADED.scenario))
    hidden = [line for line in one.bounds if line in general(LOADED.scenario)]
    assert len(hidden) == 6
    shown, whole = text(one), text(one, explain=True)
    assert "faults: none" in shown
    assert "no clocks" not in shown
    assert "and 6 that are the same for every input (--explain tells them)" in shown
    assert "no clocks" in whole
    assert "--explain" not in whole


def test_a_bound_that_somebody_set_is_this_input_s_own() -> None:
    changed = evolve(LOADED.scenario, consistency=Consistency.RESETTABLE, bounds=Bounds(pods=3))
    own = [line for line in bounds_of(changed) if line not in general(changed)]
    assert any(line.startswith("views:") for line in own)
    assert any(line.startswith("at most 3 Pods") for line in own)


def note(kind: str, number: int, *claims: str, field: str = "") -> Note:
    return Note("a.yaml", number, field, f"{kind} default/n{number}", "not modelled", claims)


def test_objects_on_which_no_claim_hangs_are_counted() -> None:
    notes = [*(note("Secret", n) for n in range(4)), note("Ingress", 9), note("Job", 7, "convergence")]
    assert not_modelled(notes, {"convergence"}, explain=False) == (
        "a.yaml:7: Job default/n7: not modelled",
        "no claim hangs on: 4 x Secret, 1 x Ingress (--explain says why)",
    )
    assert not_modelled(notes, {"placement"}, explain=False)[0].startswith("no claim hangs on: 4 x Secret, 1 x Ingress")
    assert not_modelled(notes, {"placement"}, explain=True) == tuple(map(str, notes))


def test_more_than_three_alike_are_folded_and_never_silently() -> None:
    notes = [note("Pod", n, "convergence", field="spec.os") for n in range(1, 6)]
    assert not_modelled(notes[:3], {"convergence"}, explain=False) == tuple(map(str, notes[:3]))
    assert not_modelled(notes, {"convergence"}, explain=False) == ("a.yaml:1 and 4 more: Pod spec.os: not modelled",)
    assert assumed(notes, explain=True) == tuple(map(str, notes))


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_asked_for(width: int) -> None:
    lines = ("a long line of many words " * 12, "another")
    one = report(claim("convergence", Status.VIOLATED, *lines), bounds=bounds_of(LOADED.scenario))
    shown = text(one, Told(LOADED.manifests, LOADED.notes, LOADED.assumptions), width=width, explain=True)
    longest = max(len(line) for line in shown.splitlines())
    assert longest <= width
    assert longest > width * 3 // 4


def test_a_narrow_terminal_is_not_narrower_than_the_sentences_need() -> None:
    one = report(claim("convergence", Status.HOLDS))
    assert text(one, width=5) == text(one, width=reports.NARROWEST)


def test_json_has_everything_that_the_text_folds() -> None:
    one = report(claim("convergence", Status.HOLDS), bounds=bounds_of(LOADED.scenario))
    found = to_json(one, Told(LOADED.manifests, LOADED.notes, LOADED.assumptions))
    assert found["bounds"] == list(bounds_of(LOADED.scenario))
    assert found["assumptions"] == ["1 image: pulled, running and ready in the end: nginx:1"]
    assert (found["notModelled"], found["leftOut"], found["first"]) == ([], [], "")
