"""Programs that take a while to start up: probes that kill them first, and connections that come too early."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Report
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.api.runtime import PodRuntime, Stage
from kubeproof.impl.kubelet.runtime import serving
from kubeproof.properties.reachability.answers import accepts
from planted import planted

READY = "readinessProbe: {httpGet: {path: /, port: 80}},"
HOOK = "lifecycle: {preStop: {sleep: {seconds: 10}}},"


def report(probes: str, starts: str = "60s", inside: str = "spec: {", **wish: Any) -> Report:
    """Check a new image of a Deployment of one Pod behind a Service."""
    text = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: web}}}}
  strategy: {{rollingUpdate: {{maxSurge: 1, maxUnavailable: 0}}}}
  template:
    metadata: {{labels: {{app: web}}, annotations: {{kubeproof/starts-in: {starts}}}}}
    {inside}containers: [{{{HOOK} {probes} name: app, image: "web:1", ports: [{{containerPort: 80}}]}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{port: 80}}]}}
"""
    rollout = [{"setImage": {"kind": "Deployment", "name": "web", "image": "web:2"}}]
    given = {"nodes": 1, "consistency": "linearizable", "script": rollout, "bounds": {"propagation": "5s"}} | wish
    return check(load_scenario("it", {"all.yaml": text}, given).scenario)


def verdicts(found: Report) -> dict[str, str]:
    return {claim.name: claim.status.value for claim in found.claims}


def blamed(found: Report, name: str) -> str:
    (claim,) = (claim for claim in found.claims if claim.name == name)
    return " / ".join(f"{one.field}: {one.what}" for one in claim.blame)


LIVENESS = "livenessProbe: {tcpSocket: {port: 80}, initialDelaySeconds: %d, periodSeconds: 10, failureThreshold: 3},"
STARTUP = "startupProbe: {tcpSocket: {port: 80}, periodSeconds: 10, failureThreshold: %d},"


@pytest.mark.parametrize(
    ("probes", "converges"),
    [
        (LIVENESS % 39, "VIOLATED"),
        (LIVENESS % 40, "HOLDS"),
        (STARTUP % 6, "VIOLATED"),
        (STARTUP % 7, "HOLDS"),
        (STARTUP % 7 + LIVENESS % 0, "HOLDS"),
        ("", "HOLDS"),
    ],
)
def test_a_probe_that_does_not_wait_for_a_program_kills_it_each_time(probes: str, converges: str) -> None:
    found = report(READY + probes, script=[], start="empty")
    assert verdicts(found)["convergence"] == converges
    if converges == "VIOLATED":
        kind = "startupProbe" if "startup" in probes else "livenessProbe"
        said = blamed(found, "convergence")
        assert f"spec.template.spec.containers[0].{kind}: " in said
        assert "its program takes 60 s to start up (kubeproof/starts-in)" in said
        assert "failureThreshold: 7 waits long enough" in said


SIDECAR = 'spec: {initContainers: [{name: mesh, image: "mesh:1", restartPolicy: Always, %s}], '


@pytest.mark.parametrize(
    ("probes", "converges"),
    [
        (LIVENESS % 39, "VIOLATED"),
        (LIVENESS % 40, "HOLDS"),
        (STARTUP % 6, "VIOLATED"),
        (STARTUP % 7 + LIVENESS % 0, "HOLDS"),
        ("startupProbe: {tcpSocket: {port: http}, failureThreshold: 30},", "VIOLATED"),
    ],
)
@pytest.mark.parametrize("policy", ["Never", "OnFailure"])
def test_a_sidecar_that_never_starts_up_holds_up_what_comes_after_it(probes: str, converges: str, policy: str) -> None:
    """Of a Pod that is to go on no container gets ready then; a Job ends beside a sidecar that is started anew."""
    found = report(READY, script=[], start="empty", inside=SIDECAR % probes)
    assert verdicts(found)["convergence"] == converges
    if converges == "VIOLATED" and "tcpSocket: {port: 80}" in probes:
        assert "spec.template.spec.initContainers[0]." in blamed(found, "convergence")
    ends = "HOLDS" if "startup" not in probes else converges
    text = f"""\
apiVersion: batch/v1
kind: Job
metadata: {{name: work}}
spec:
  template:
    metadata: {{annotations: {{kubeproof/starts-in: 60s}}}}
    {SIDECAR % probes}restartPolicy: {policy}, containers: [{{name: app, image: "work:1"}}]}}
"""
    job = check(load_scenario("it", {"job.yaml": text}, {"nodes": 1}).scenario)
    assert verdicts(job)["convergence"] == ends


@pytest.mark.parametrize(("probes", "reachable"), [("", "VIOLATED"), (READY, "HOLDS"), (STARTUP % 7, "HOLDS")])
def test_nobody_is_sent_to_a_program_that_is_starting_up_if_a_probe_waits_for_it(probes: str, reachable: str) -> None:
    found = report(probes)
    assert verdicts(found)["convergence"] == "HOLDS"
    assert verdicts(found)["reachability"] == reachable
    if reachable == "VIOLATED":
        said = "containers[0].readinessProbe: without one the Pod counts as ready 60 s before its program answers"
        assert said in blamed(found, "reachability")


def test_images_that_behave_as_they_are_called_take_as_long() -> None:
    """Of these no probe is looked at, but an annotation says what to make of it."""
    named = {"images": "byName"}
    assert verdicts(report(READY, **named))["reachability"] == "HOLDS"
    assert verdicts(report("", **named))["reachability"] == "VIOLATED"
    assert verdicts(report(READY + LIVENESS % 39, script=[], start="empty", **named))["convergence"] == "VIOLATED"


def test_a_first_apply_sends_connections_too_early_as_well() -> None:
    assert verdicts(report("", script=[], start="empty"))["reachability"] == "VIOLATED"
    assert verdicts(report(READY, script=[], start="empty"))["reachability"] == "HOLDS"


def test_a_program_that_is_up_at_once_needs_no_probe() -> None:
    assert verdicts(report("", starts="0s"))["reachability"] == "HOLDS"


def test_what_is_no_duration_is_told() -> None:
    with pytest.raises(BadInput, match=r"starts-in.*expected a duration in whole seconds like 5s or 1m30s, got 'soon'"):
        report(READY, starts="soon")


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        ("kubeproof.impl.kubelet.starting", "if needed > lasts", "if needed > lasts + 1"),
        ("kubeproof.impl.kubelet.starting", "(probe.failure_threshold - 1)", "probe.failure_threshold"),
        ("kubeproof.impl.kubelet.behaviour", "if needed := starts_in(pod)", "if needed := 0"),
    ],
)
def test_a_probe_that_is_taken_to_wait_longer_is_noticed(module: str, before: str, after: str) -> None:
    with planted(module, before, after):
        assert verdicts(report(READY + LIVENESS % 39, script=[], start="empty"))["convergence"] == "HOLDS"


SCALE = [{"scale": {"kind": "Deployment", "name": "web", "replicas": 2}}]


def test_one_more_is_sent_connections_too_early_while_another_answers() -> None:
    assert verdicts(report("", script=SCALE))["reachability"] == "VIOLATED"
    with planted("kubeproof.harness.claims.answers", "if takes_time else ()", "if not takes_time else ()"):
        assert verdicts(report("", script=SCALE))["reachability"] == "HOLDS"


@pytest.mark.parametrize(
    ("runtime", "answers"),
    [(PodRuntime(Stage.RUNNING, "u", ready=True, cold=cold), not cold) for cold in (True, False)],
)
def test_a_program_that_starts_up_takes_no_connections(runtime: PodRuntime, *, answers: bool) -> None:
    assert bool(accepts(runtime)) is answers
    assert serving(runtime) is answers


def test_a_program_that_is_taken_to_answer_at_once_is_noticed() -> None:
    with planted("kubeproof.impl.kubelet.worker", "cold = starts_in(pod) > 0", "cold = starts_in(pod) > 99"):
        assert verdicts(report(""))["reachability"] == "HOLDS"
