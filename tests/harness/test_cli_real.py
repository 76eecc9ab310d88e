"""The command as a user runs it: a Pod that fits on no node, from the manifest to a trace that replays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      volumes: [{name: data, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce]}}}}]
      containers:
        - name: app
          image: "nginx:1.28"
          resources: {requests: {cpu: 8}}
"""


def kubeproof(folder: Path, *arguments: str, seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    command = [sys.executable, "-m", "kubeproof", *arguments]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with the manifest."""
    made = tmp_path_factory.mktemp("real")
    (made / "web.yaml").write_text(MANIFEST)
    return made


@pytest.fixture(scope="module")
def checked(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check it once."""
    return kubeproof(folder, "check", "web.yaml", "--nodes", "2")


def test_a_pod_that_fits_nowhere_is_stuck_and_every_node_has_its_reason(
    checked: subprocess.CompletedProcess[str],
) -> None:
    assert (checked.returncode, checked.stderr) == (1, "")
    assert "\nconvergence    VIOLATED  " in checked.stdout
    assert "    stuck: " in checked.stdout
    for node in ("node-1", "node-2"):
        assert f"    {node} has 4000m of 4000m cpu left" in checked.stdout
    assert "\n    1. deployment-controller" in checked.stdout


def test_what_is_not_modelled_is_named_with_its_line(checked: subprocess.CompletedProcess[str]) -> None:
    assert "\nNot modelled:\n" in checked.stdout
    assert "web.yaml:10: Deployment default/web spec.template.spec.volumes" in checked.stdout


def test_its_trace_replays_and_is_the_same_whatever_the_hash_seed(
    folder: Path, checked: subprocess.CompletedProcess[str]
) -> None:
    path = ".kubeproof/traces/web-convergence.json"
    assert f"replay it with: kubeproof replay {path}" in checked.stdout
    again = kubeproof(folder, "check", "web.yaml", "--nodes", "2", "--trace-dir", "again", "--json", seed="7")
    assert json.loads(again.stdout)["verdict"] == "VIOLATED"
    assert (folder / "again" / "web-convergence.json").read_text() == (folder / path).read_text()
    replayed = kubeproof(folder, "replay", path, seed="3")
    assert (replayed.returncode, replayed.stderr) == (0, "")
    assert replayed.stdout.endswith(" steps, every state as recorded\n")
