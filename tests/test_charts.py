"""The table about whole charts: what it asks, what it says of sets that do not load, and that nothing ends it."""

from __future__ import annotations

from pathlib import Path

import pytest

import charts as command

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: alone}
spec:
  replicas: 0
  selector: {matchLabels: {app: alone}}
  template: {metadata: {labels: {app: alone}}, spec: {containers: [{name: app, image: "alone:1"}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: "web:1"}]}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


@pytest.fixture
def charts(tmp_path: Path) -> Path:
    (tmp_path / "web.yaml").write_text(WEB, encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "web.yaml").write_text(WEB.replace("web", "api"), encoding="utf-8")
    (tmp_path / "README.md").write_text("not a set", encoding="utf-8")
    return tmp_path


def test_the_image_is_changed_of_the_first_deployment_behind_a_service(charts: Path) -> None:
    assert command.first_served(charts / "web.yaml") == "default/Deployment/web"
    asked = {one.name: one.arguments for one in command.questions(charts / "folder")}
    assert asked["set-image"] == ("--script", f"set-image default/Deployment/api *={command.NAMED}")
    assert list(asked) == ["apply", "set-image", "drain", "node-crash"]


def test_a_deployment_is_named_with_its_namespace(charts: Path) -> None:
    text = WEB.replace("{name: web}\n", "{name: web, namespace: shop}\n")
    (charts / "web.yaml").write_text(text, encoding="utf-8")
    (question,) = (one for one in command.questions(charts / "web.yaml") if one.name == "set-image")
    answer = command.ask(charts / "web.yaml", question, 30)
    assert question.arguments[1].startswith("set-image shop/Deployment/web ")
    assert answer.problem == ""


def test_nothing_is_asked_of_an_image_where_no_service_is(charts: Path) -> None:
    (charts / "web.yaml").write_text(WEB.partition("---\napiVersion: v1")[0], encoding="utf-8")
    assert [one.name for one in command.questions(charts / "web.yaml")] == ["apply", "drain", "node-crash"]


def test_the_table_has_a_line_for_each_question(charts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command.main([str(charts), "web", "--timeout", "30", "--question", "apply", "--question", "node-crash"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [["web.yaml", "apply"], ["web.yaml", "node-crash"]]
    assert "convergence H  placement H" in lines[1]


def test_a_set_that_does_not_load_is_named_with_its_reason(charts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (charts / "web.yaml").write_text(WEB.replace("apps/v1", "apps/v9"), encoding="utf-8")
    assert command.main([str(charts), "web"]) == 1
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("does not load: web.yaml: "))
    assert "apps/v9" in line


def test_a_process_that_does_not_end_is_ended_and_unknown(charts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SPARE_SECONDS", 0.2)
    answer = command.ask(charts / "web.yaml", command.Question("apply", ("--start", "empty")), 0)
    assert answer.verdicts == (("all", "U"),)
    assert [command.kind_of(reason) for _, reason in answer.unknown] == ["no answer in time"]


def test_a_command_that_fails_is_no_verdict(charts: Path) -> None:
    answer = command.ask(charts / "web.yaml", command.Question("apply", ("--fault", "nonsense")), 30)
    assert answer.verdicts == ()
    assert "nonsense" in answer.problem


def test_reasons_are_folded_to_kinds_and_a_strange_one_is_told() -> None:
    kind_of = command.kind_of
    assert kind_of("the limit of 30,000 states was hit") == kind_of("the time limit of 5 s was hit")
    assert kind_of("the whole is not known, for it may hang on Job default/x") == "something is not modelled"
    assert kind_of("the stars are wrong") == f"{command.NO_NAME}: the stars are wrong"


def test_a_folder_without_sets_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([str(tmp_path)]) == 2
    assert "no sets of manifests" in capsys.readouterr().err
