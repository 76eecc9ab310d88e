"""Runs of a check, performed on an API server: objects become what the trace says, and a server that errs is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner

from kubeproof.harness import against
from kubeproof.harness.cli import cli
from kubeproof.harness.serve.start import fresh
from kubeproof.traces import files
from kubeproof.traces.document import Document
from places import ROOT
from planted import planted
from scenes.definitions import Cluster

CORPUS = ROOT / "traces" / "corpus"
RUNS = ("deadlock-convergence", "drain-blocked-convergence", "dropped-reachability", "full-nodes-convergence")


def document(name: str) -> Document:
    return files.read(CORPUS / f"{name}.json")


def performed(found: Document) -> against.Performed:
    cluster = Cluster(fresh(0, 1_700_000_000, 1))

    def ask(method: str, path: str, body: Any, media: str) -> tuple[int, Any]:
        answer = cluster(method, path, body, media=media)
        return answer.code, json.loads(json.dumps(answer.body))

    return against.performed(found, ask)


@pytest.mark.parametrize("name", RUNS)
def test_every_step_of_a_run_does_on_a_server_what_it_did_in_the_check(name: str) -> None:
    told = performed(document(name))
    assert told.otherwise == ()
    assert told.steps == len(document(name).steps)
    assert told.requests > told.steps


BOUND = ("verbs.binding", "spec=evolve(pod.spec, node_name=request.node)", "spec=pod.spec")
STATUS = ("verbs.update", 'case "status":', 'case "statuses":')
GRACE = (
    "verbs.delete",
    "now + grace, deletion_grace_period_seconds=grace",
    "now, deletion_grace_period_seconds=grace + 1",
)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (BOUND, "spec.nodeName is null"),
        (STATUS, "status is null"),
        (GRACE, "metadata.deletionGracePeriodSeconds is 31"),
    ],
)
def test_a_server_that_does_otherwise_is_told(fault: tuple[str, str, str], said: str) -> None:
    module, before, after = fault
    with planted(f"kubeproof.impl.apiserver.{module}", before, after):
        told = performed(document("dropped-reachability"))
    assert said in "; ".join(line for _, line in told.otherwise)


def test_a_run_that_says_otherwise_is_told_with_its_step() -> None:
    found = document("dropped-reachability")
    moment = found.steps[0]
    wrong = evolve(moment.changes[0], after="nginx:7")
    other = evolve(found, steps=(evolve(moment, changes=(evolve(wrong, field="spec.nope"),)), *found.steps[1:]))
    (step, line), *_ = performed(other).otherwise
    assert step == 1
    assert 'spec.nope is null, and the trace has "nginx:7"' in line


def test_only_the_run_of_a_check_can_be_performed() -> None:
    done = CliRunner().invoke(cli, ["replay", str(CORPUS / "run-nginx-pod.json"), "--against", "http://127.0.0.1:1"])
    assert "only the run of a check" in str(done.exception or done.output)
