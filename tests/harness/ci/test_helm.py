"""What the real helm renders is checked as it comes out of the pipe: its own new chart, with and without a repair."""

from __future__ import annotations

import io
import json
import os
import subprocess
from pathlib import Path

import pytest

from kubeproof.harness import cli
from layer import program


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a chart as `helm create` does."""
    home = tmp_path_factory.mktemp("helm")
    helm(home, "create", "chart")
    return home / "chart"


def helm(home: Path, *words: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    command = [str(program("helm", "v34")), *words]
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=True).stdout


def checked(
    rendered: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[int, str]:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(rendered.encode())))
    with pytest.raises(SystemExit) as ended:
        cli.main(["check", "-", "-n", "prod", "--nodes", "2", *options])
    return int(ended.value.code or 0), capsys.readouterr().out


def test_a_new_chart_is_blamed_at_its_template(
    chart: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(chart.parent)
    rendered = helm(chart.parent, "template", "./chart")
    code, out = checked(rendered, monkeypatch, capsys, "--script", "drain node-1", "--sarif", "out.sarif")
    assert code == 1
    assert "(chart/templates/deployment.yaml): Deployment prod/release-name-chart spec.replicas" in out
    assert "Pod prod/release-name-chart-test-connection: Helm runs it by itself (test): left out" in " ".join(
        out.split()
    )
    (result,) = json.loads(Path("out.sarif").read_text())["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert place == "chart/templates/deployment.yaml"
    assert (chart.parent / place).is_file()


def test_values_repair_it(chart: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What the advice asks for: two replicas, and a budget that lets them go one by one."""
    monkeypatch.chdir(chart.parent)
    budget = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: {{ include "chart.fullname" . }}}
spec:
  minAvailable: 1
  selector: {matchLabels: {{ include "chart.selectorLabels" . | fromYaml | toJson }} }
"""
    (chart / "templates" / "pdb.yaml").write_text(budget)
    try:
        rendered = helm(chart.parent, "template", "./chart", "--set", "replicaCount=2")
    finally:
        (chart / "templates" / "pdb.yaml").unlink()
    _, out = checked(rendered, monkeypatch, capsys, "--script", "drain node-1", "--json")
    claims = {one["claim"]: one["verdict"] for one in json.loads(out)["claims"]}
    assert claims["budget"] == "HOLDS"
    assert "nobody answers" not in out
