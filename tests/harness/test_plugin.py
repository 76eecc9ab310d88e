"""The pytest fixture and the Python face, in a project that has nothing to do with this one."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import kubeproof
from kubeproof.harness import face
from kubeproof.harness.check import check as checking
from kubeproof.harness.check.results import Claim, Report
from kubeproof.harness.input.files.scenario_file import FAULTS
from kubeproof.harness.input.scenario import Bounds, Faults, Scenario, Start
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.kubectl import script
from kubeproof.model.checker.results import Status, Step, Trace
from kubeproof.model.machine import Outcome, State

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers: [{name: app, image: "nginx:1.28"}]
"""
CONFTEST = '''
"""A stand-in for the exploration of a cluster: its verdict is what the script says."""
from kubeproof.harness.check import check as checking
from kubeproof.harness.check.results import Claim, Report
from kubeproof.model.checker.results import Status, Step, Trace
from kubeproof.model.machine import Outcome, State

def check(scenario, *, limits, progress, **_rest):
    bad = bool(scenario.faults.crash)
    trace = Trace(State.of({"a": 0}), (Step("pod", Outcome("falls over", {"a": 1})),)) if bad else None
    status = Status.VIOLATED if bad else Status.HOLDS
    claim = Claim(name="reachability", sentence="It stays reachable.", status=status, kind="step",
                  lines=("nobody answers",) if bad else (), trace=trace, vacuous=False)
    return Report(scenario=scenario, claims=(claim,), bounds=(), not_modelled=(), states=1, transitions=0, depth=0,
                  seconds=0.0, complete=True, exploration=None)

checking.check = check
'''
TEST = '''
"""A project's own tests, which import its own package called model."""
import model
from kubeproof import Faults, drain, set_image

def test_its_own_package_is_its_own():
    assert model.WHOSE == "the project's"

def test_that_holds(kubeproof):
    assert kubeproof.check("deploy", nodes=1, script=[drain("node-1"), "uncordon node-1"]).holds

def test_that_does_not(kubeproof):
    kubeproof.check("deploy/", nodes=1, faults=Faults(crash=1))

def test_with_a_mistake(kubeproof):
    kubeproof.check("deploy/", nodes=1, script=[set_image("shop", "nginx:1.29")])
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Make a project and run its pytest: its root, and what was printed."""
    root = tmp_path_factory.mktemp("project")
    for name, text in {
        "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['.']\n",
        "model/__init__.py": 'WHOSE = "the project\'s"\n',
        "deploy/pod.yaml": POD,
        "tests/conftest.py": CONFTEST,
        "tests/test_deploy.py": TEST,
    }.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", "-v"]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return root, ran.stdout + ran.stderr


def test_a_project_keeps_its_own_packages_and_gets_the_fixture(project: tuple[Path, str]) -> None:
    out = project[1]
    assert "test_its_own_package_is_its_own PASSED" in out
    assert "test_that_holds PASSED" in out
    assert "test_that_does_not FAILED" in out
    assert "test_with_a_mistake FAILED" in out
    assert "2 failed, 2 passed" in out


def test_a_failing_check_shows_the_report_and_leaves_a_trace_under_the_root(project: tuple[Path, str]) -> None:
    root, out = project
    path = root / ".kubeproof" / "traces" / "tests-test_deploy.py-test_that_does_not-deploy-reachability.json"
    assert "reachability   VIOLATED  It stays reachable." in out
    assert "step: nobody answers" in out
    assert "1. pod: falls over" in out
    assert f"replay it with: kubeproof replay {path}" in out
    assert json.loads(path.read_text())["inputs"]["options"] == {
        "faults": dict.fromkeys(FAULTS, 0) | {"crash": 1},
        "nodes": 1,
        "release": "1.36",
        "script": [],
    }


def test_a_mistake_is_told_with_its_place(project: tuple[Path, str]) -> None:
    assert "options: script[0].setImage.name: there is no Deployment 'shop' in namespace default" in project[1]


def fresh(code: str) -> str:
    """Run code in a Python that has imported nothing yet."""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def test_importing_kubeproof_imports_nothing_else() -> None:
    code = "import kubeproof, sys; print(sorted(name for name in sys.modules if name.startswith('kubeproof')))"
    assert fresh(code) == "['kubeproof']"


def test_loading_the_plugin_imports_nothing_that_coverage_would_miss() -> None:
    code = "import kubeproof.harness.plugin, sys; print(sorted(n for n in sys.modules if n.startswith('kubeproof')))"
    assert fresh(code) == "['kubeproof', 'kubeproof.harness', 'kubeproof.harness.plugin']"


def test_the_names_of_the_python_face_are_there_and_type_checkers_know_the_same() -> None:
    tree = ast.parse(Path(str(kubeproof.__file__)).read_text(encoding="utf-8"))
    typed = {
        one.asname for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for one in node.names if one.asname
    }
    assert typed == set(kubeproof.__all__) == {*kubeproof._HOMES, *kubeproof._MODULES}
    for name in kubeproof._HOMES:
        assert getattr(kubeproof, name).__name__ == name
        assert name in dir(kubeproof)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'kubeproof' has no attribute 'chek'"):
        _ = kubeproof.chek


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Scenario]:
    """Collect the scenarios that were to be explored; each is said to be broken in one step."""
    scenarios: list[Scenario] = []

    def check(scenario: Scenario, **_: Any) -> Report:
        scenarios.append(scenario)
        trace = Trace(State.of({"a": 0}), (Step("pod", Outcome("falls over", {"a": 1})),))
        claim = Claim(
            name="reachability",
            sentence="It stays reachable.",
            status=Status.VIOLATED,
            kind="step",
            lines=("nobody answers",),
            trace=trace,
            vacuous=False,
        )
        return Report(
            scenario=scenario,
            claims=(claim,),
            bounds=(),
            not_modelled=(),
            states=1,
            transitions=0,
            depth=0,
            seconds=0.0,
            complete=True,
            exploration=None,
        )

    monkeypatch.setattr(checking, "check", check)
    return scenarios


def test_the_python_face_asks_what_it_was_told(asked: list[Scenario], tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(POD)
    result = kubeproof.check(
        kubeproof.Cluster.from_manifests(tmp_path / "web.yaml", nodes=2),
        script=[kubeproof.cordon("node-1"), kubeproof.delete_pod("web"), "drain node-2"],
        faults=Faults(node_crash=1),
        propagation="5s",
        wait_between_steps=True,
        start="empty",
    )
    (scenario,) = asked
    assert scenario.script == (script.Cordon("node-1"), script.DeletePod("web"), script.Drain("node-2"))
    assert scenario.faults == Faults(node_crash=1)
    assert scenario.bounds == Bounds(propagation_seconds=5)
    assert (scenario.wait_between_steps, scenario.start, scenario.name) == (True, Start.EMPTY, "web")
    assert not result.holds
    assert result.trace.startswith("reachability VIOLATED (step): It stays reachable.\n  nobody answers\n")
    assert "1. pod: falls over" in result.trace
    assert "trace written to" not in result.report


def test_a_path_is_enough_and_bounds_add_up(asked: list[Scenario], tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(POD)
    kubeproof.check(str(tmp_path / "web.yaml"), nodes=1, bounds={"pods": 4}, propagation=7)
    assert asked[0].bounds == Bounds(7, 4)


def test_an_unknown_option_is_bad_input(asked: list[Scenario], tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(POD)
    with pytest.raises(BadInput, match=r"options: releases: unknown field 'releases' \(did you mean release"):
        kubeproof.check(tmp_path / "web.yaml", nodes=1, releases="1.32")
    with pytest.raises(BadInput, match=r"options: script\[0\]: 'dran' is no command"):
        kubeproof.check(tmp_path / "web.yaml", nodes=1, script=["dran node-1"])
    assert asked == []


@pytest.mark.parametrize(
    ("made", "step"),
    [
        (face.set_image("web", "a:1"), script.SetImage("Deployment", "web", "a:1")),
        (face.set_image("ReplicaSet/web", "a:1", "app"), script.SetImage("ReplicaSet", "web", "a:1", "app")),
        (face.scale("web", 3), script.Scale("Deployment", "web", 3)),
        (face.delete_pod("web-1"), script.DeletePod("web-1")),
        (face.delete_pod("Deployment/web", "node-1"), script.DeletePod("", "Deployment/web", "node-1")),
        (face.cordon("node-1"), script.Cordon("node-1")),
        (face.drain("node-1"), script.Drain("node-1")),
    ],
)
def test_the_functions_make_the_steps_they_are_called_after(made: script.Step, step: script.Step) -> None:
    assert made == step
