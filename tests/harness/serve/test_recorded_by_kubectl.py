"""What kubectl records of `kubeproof serve` is a history that the model allows, and tells when it is tampered with."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kubeproof.harness.validate.command import validated
from kubeproof.harness.validate.report import Validated
from kubeproof.model.checker.results import Status

KINDS = ("nodes", "services", "deployments", "replicasets", "pods", "endpointslices")


@pytest.fixture(scope="module")
def recording(
    serving: Callable[..., Any], newest: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Record a rollout and a drain, a file for each kind."""
    home = tmp_path_factory.mktemp("recording")
    server = serving("--nodes", "2")
    kubectl = newest(server.url)
    watching = []
    for kind in KINDS:
        command = f"{kubectl.binary} -s {server.url} get {kind} -A -w -o json --output-watch-events"
        with (home / f"{kind}.json").open("w") as file:
            watching.append(subprocess.Popen(shlex.split(command), stdout=file, stderr=subprocess.DEVNULL))
    while not (home / "nodes.json").stat().st_size:
        time.sleep(0.1)
    time.sleep(2)
    for line in (
        "create deployment web --image=nginx:1.28 --replicas=2",
        "expose deployment web --port 80",
        "rollout status deployment/web --timeout=60s",
        "set image deployment/web nginx=nginx:1.29",
        "rollout status deployment/web --timeout=60s",
        "drain node-1 --timeout=60s",
        "rollout status deployment/web --timeout=60s",
    ):
        said = kubectl(line, timeout=90)
        assert said.code == 0, said.err
    time.sleep(2)  # for what kubectl has not yet been told
    for one in watching:
        one.terminate()
        one.wait()
    server.end()
    return home


def found(folder: Path) -> Validated:
    return validated([str(folder)])


def test_a_session_is_a_history_that_the_model_allows(recording: Path) -> None:
    one = found(recording)
    assert one.followed.unasked == ()
    assert one.allowed is Status.HOLDS
    assert {"deployment-controller", "replicaset-controller", "endpointslice-controller"} <= one.followed.judged.keys()
    assert {claim.claim for claim in one.found} == {"placement", "reachability", "convergence"}
    assert {claim.status for claim in one.found} == {Status.HOLDS}


def test_one_that_is_tampered_with_is_not(recording: Path, tmp_path: Path) -> None:
    for kind in KINDS:
        text = (recording / f"{kind}.json").read_text()
        (tmp_path / f"{kind}.json").write_text(text.replace("nginx:1.29", "nginx:1.30") if kind == "pods" else text)
    one = found(tmp_path)
    assert {unasked.writer for unasked in one.followed.unasked} == {"replicaset-controller"}
    assert one.status is Status.VIOLATED
    assert json.dumps(one.followed.unasked[0].nearest)
