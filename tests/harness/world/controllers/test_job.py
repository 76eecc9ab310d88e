"""Jobs in the world: what is done to them, programs that fail, and what others make of Pods that are over."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Report
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.islands.check import check as by_islands
from kubeproof.harness.islands.split import islands_of
from kubeproof.impl.api.batch import JobStatus, UncountedTerminatedPods
from kubeproof.model.world.store import names_in
from planted import planted

JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: %s}
spec: {%stemplate: {spec: {restartPolicy: %s, containers: [{name: app, image: "%s:1"%s}]}}}
---
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "web:1"%s}]}
---
"""
WHOLE = ', resources: {requests: {cpu: "4"}}'


def job(spec: str = "", *, name: str = "j", restarts: str = "Never", image: str = "work", box: str = "") -> str:
    return JOB % (name, spec, restarts, image, box)


def scenario(text: str, *script: dict[str, Any], **options: Any) -> Scenario:
    asked = {"nodes": 1, "script": list(script), "bounds": {"propagation": "5s"}, **options}
    return load_scenario("it", {"it.yaml": text}, asked).scenario


def verdicts(report: Report) -> dict[str, str]:
    return {claim.name: claim.status.value for claim in report.claims}


def convergence(text: str, *script: dict[str, Any], **options: Any) -> tuple[str, str]:
    report = check(scenario(text, *script, **options))
    claim = next(one for one in report.claims if one.name == "convergence")
    return claim.status.value, "; ".join(claim.lines)


@pytest.mark.parametrize(("status", "verdict"), [("", "HOLDS"), (', status: "False"', "VIOLATED")])
def test_a_rule_about_a_condition_is_about_one_that_is_true(status: str, verdict: str) -> None:
    rule = f"{{action: Ignore, onPodConditions: [{{type: DisruptionTarget{status}}}]}}"
    text = job(f"backoffLimit: 0, podFailurePolicy: {{rules: [{rule}]}}, ")
    assert convergence(text, {"drain": {"node": "node-1"}}, nodes=2, start="empty")[0] == verdict


INDEXED = "completionMode: Indexed, "
SOUND = {"convergence": "HOLDS", "placement": "HOLDS", "reachability": "HOLDS", "completion": "HOLDS"}
DELETED = {"deleteObject": {"kind": "Job", "name": "j"}}


@pytest.mark.parametrize(
    "step",
    [{"drain": {"node": "node-1"}}, DELETED, {"deletePod": {"workload": "Job/j"}}],
    ids=["drain", "delete", "delete a Pod"],
)
@pytest.mark.parametrize("start", ["settled", "empty"])
def test_what_is_done_to_a_job_comes_to_its_end(step: dict[str, Any], start: str) -> None:
    report = check(scenario(job(), step, start=start, nodes=2))
    assert verdicts(report) == SOUND


def test_a_pod_whose_job_is_deleted_is_let_go_though_nobody_counts_it() -> None:
    assert convergence(job(), DELETED, start="empty")[0] == "HOLDS"
    with planted("kubeproof.impl.controllers.job.job", "    return (freed(pod),)\n", "    return ()\n"):
        status, told = convergence(job(), DELETED, start="empty")
    assert status == "VIOLATED"
    assert "finalizers batch.kubernetes.io/job-tracking" in told


def test_jobs_run_one_after_the_other_where_there_is_room_for_one_pod() -> None:
    """A Pod that is over takes no room: not in the scheduler's eyes, not in the kubelet's."""
    assert convergence(job("completions: 2, parallelism: 2, ", box=WHOLE))[0] == "HOLDS"
    assert convergence(job(box=WHOLE) + job(name="k", box=WHOLE))[0] == "HOLDS"
    assert convergence(job(box=WHOLE) + WEB % WHOLE)[0] == "VIOLATED"  # Where web comes first.


@pytest.mark.parametrize(
    ("spec", "restarts", "line"),
    [
        ("backoffLimit: 1, ", "Never", "Job j has failed: BackoffLimitExceeded"),
        ("backoffLimit: 2, ", "OnFailure", "Job j has failed: BackoffLimitExceeded"),
        (
            "completionMode: Indexed, completions: 1, backoffLimitPerIndex: 0, ",
            "Never",
            "Job j has failed: FailedIndexes",
        ),
    ],
    ids=["Pods", "restarts", "indexes"],
)
def test_a_program_that_always_fails_ends_its_job_and_that_is_no_convergence(
    spec: str, restarts: str, line: str
) -> None:
    status, told = convergence(job(spec, restarts=restarts, image="crash"), images="byName")
    assert (status, line in told) == ("VIOLATED", True)


def test_a_program_that_never_ends_or_cannot_start_is_not_complete() -> None:
    for image in ("bad", "nopull"):
        status, told = convergence(job(image=image), images="byName")
        assert (status, "j-p0 on node-1 is" in told) == ("VIOLATED", True)
    assert convergence(job(image="job"), images="byName")[0] == "HOLDS"


@pytest.mark.parametrize(("limit", "crashes", "verdict"), [(0, 0, "HOLDS"), (0, 1, "VIOLATED"), (1, 1, "HOLDS")])
def test_a_job_fails_of_as_many_crashes_as_it_does_not_bear(limit: int, crashes: int, verdict: str) -> None:
    found = convergence(job(f"backoffLimit: {limit}, "), faults={"containerCrash": crashes})
    assert found[0] == verdict


def test_a_suspended_job_is_as_it_should_be_without_a_pod() -> None:
    assert convergence(job("suspend: true, "))[0] == "HOLDS"
    with planted("kubeproof.impl.controllers.job.sync", "if self.job.spec.suspend:\n", "if False:\n"):
        report = check(scenario(job("suspend: true, ")))
    assert verdicts(report)["completion"] == "VIOLATED"
    assert "though it is suspended" in str(next(one for one in report.claims if one.name == "completion").lines)


def test_what_is_assumed_of_a_job_is_told_with_its_line() -> None:
    text = job("activeDeadlineSeconds: 60, ")
    said = [str(one) for one in load_scenario("it", {"it.yaml": text}, {"nodes": 1}).assumptions]
    assert "it.yaml:4: Job default/j spec.template.spec.containers: its program ends, with exit code 0" in said
    assert any("all is done within 60 s" in one for one in said)
    assert any("1 image of Jobs: pulled, and running until their work is done: work:1" in one for one in said)
    named = load_scenario("it", {"it.yaml": text}, {"nodes": 1, "images": "byName"}).assumptions
    assert not any("exit code 0" in str(one) for one in named)


def test_a_job_is_an_island_of_its_own_and_the_verdicts_are_those_of_the_whole() -> None:
    asked = scenario(job() + WEB % "", nodes=2)
    assert [one.name for one in islands_of(asked)] == ["Deployment web", "Job j"]
    assert verdicts(by_islands(asked)) == verdicts(check(asked)) == SOUND


def test_a_service_that_selects_the_pods_of_a_job_is_on_its_island() -> None:
    spec = "{selector: {job-name: j}, ports: [{port: 80}]}"
    service = f"apiVersion: v1\nkind: Service\nmetadata: {{name: s}}\nspec: {spec}\n---\n"
    asked = scenario(job() + service + WEB % "", nodes=2)
    assert any(
        {"Job", "Service"} <= {type(one).__name__ for one in part.scenario.objects} for part in islands_of(asked)
    )


def test_nobody_is_wanted_behind_a_service_once_a_job_is_done() -> None:
    """A headless Service is how Pods of an Indexed Job find each other; who is not there to stay is not asked for."""
    spec = "{%sselector: {job-name: j}, ports: [{port: 80}]}"
    service = f"apiVersion: v1\nkind: Service\nmetadata: {{name: s}}\nspec: {spec}\n"
    assert verdicts(check(scenario(job() + service % "clusterIP: None, ")))["reachability"] == "HOLDS"
    settled = scenario(job() + service % "", {"cordon": {"node": "node-1"}})
    assert verdicts(check(settled))["reachability"] == "HOLDS"


@pytest.mark.parametrize("spec", ["completions: 2, parallelism: 2, ", f"{INDEXED}completions: 2, "])
def test_exchanging_pods_changes_no_verdict(spec: str) -> None:
    asked = scenario(job(spec), nodes=2)
    folded, plain = check(asked), check(asked, symmetry=False)
    assert verdicts(folded) == verdicts(plain) == SOUND
    assert folded.states < plain.states


def test_the_parts_by_themselves_and_all_together_say_the_same() -> None:
    asked = scenario(job("backoffLimit: 0, "), faults={"containerCrash": 1})
    assert verdicts(check(asked, reductions=False)) == verdicts(check(asked))


def test_who_is_written_down_is_remembered_by_name() -> None:
    """So a place is not given again under a name that a Job has still to count."""
    noted = JobStatus(uncounted_terminated_pods=UncountedTerminatedPods(("Pod/d/j-p0",)))
    assert {"Pod/d/j-p0", "j-p0"} <= names_in(noted)


def test_a_job_of_the_input_may_write_what_others_miss() -> None:
    pod = WEB % ", envFrom: [{configMapRef: {name: made-later}}]"
    assert load_scenario("it", {"it.yaml": pod}, {"nodes": 1, "complete": True}).scenario.absent
    assert not load_scenario("it", {"it.yaml": job() + pod}, {"nodes": 1, "complete": True}).scenario.absent
