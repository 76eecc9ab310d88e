"""CronJobs in the world: starts come due, their Jobs take room and end, and the policy says how many go on at once."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.check.bounds import bounds_of
from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Report
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.applied import applied
from kubeproof.harness.world.cluster import Initial, build
from kubeproof.harness.world.parts import Parts
from kubeproof.impl.api.batch import CronJob, Job
from kubeproof.model.checker.explore import explore
from kubeproof.model.checker.results import Limits, Status
from kubeproof.model.machine import Invariant, View
from planted import planted

CRON = """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: backup}
spec:
  schedule: "*/5 * * * *"
  SAYS
  jobTemplate:
    spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: "backup:1", BOX}]}}}
"""


def load(says: str = "concurrencyPolicy: Forbid", box: str = "", **options: Any) -> Scenario:
    text = CRON.replace("SAYS", says).replace("BOX", box)
    given = {"nodes": 1, "start": "empty", "consistency": "linearizable", **options}
    return load_scenario("it", {"it.yaml": text}, given).scenario


def verdicts(report: Report) -> dict[str, str]:
    return {one.name: one.status.value for one in report.claims}


def most_at_once(scenario: Scenario) -> int:
    """Return how many Jobs may be under way at once, as their CronJob has noted it."""
    cluster = build(scenario, Parts.core(scenario), Initial(applied(scenario)))
    slots = cluster.world.layout.pools["CronJob"]

    def under_way(view: View) -> int:
        return max(len(one.status.active) for slot in slots if isinstance(one := view[slot], CronJob))

    found = 0
    while True:
        more = Invariant("more", "More at once.", lambda view, most=found: ("more",) if under_way(view) > most else ())
        verdict = explore(cluster.machine, [more], limits=Limits(max_states=20_000))["more"]
        if verdict.status is not Status.VIOLATED:
            return found
        found += 1


@pytest.mark.parametrize(("policy", "most"), [("Allow", 2), ("Forbid", 1), ("Replace", 1)])
def test_so_many_jobs_are_under_way_at_once_as_the_policy_says(policy: str, most: int) -> None:
    assert most_at_once(load(f"concurrencyPolicy: {policy}")) == most


@pytest.mark.parametrize("policy", ["Allow", "Forbid"])
def test_what_holds_of_a_cron_job_is_said_and_within_which_bounds(policy: str) -> None:
    scenario = load(f"concurrencyPolicy: {policy}")
    report = check(scenario)
    assert set(verdicts(report).values()) == {"HOLDS"}
    assert report.not_modelled == ()
    assert "at most 2 starts of each CronJob come due, at any time" in bounds_of(scenario)
    assert not next(one for one in report.claims if one.name == "completion").vacuous


def test_a_run_that_has_no_room_is_found() -> None:
    report = check(load(box="resources: {requests: {cpu: 9}}"))
    assert verdicts(report)["convergence"] == "VIOLATED"


@pytest.mark.parametrize("says", ["suspend: false", "failedJobsHistoryLimit: 0"])
def test_a_run_that_fails_is_found(says: str) -> None:
    text = CRON.replace("SAYS", says).replace("BOX", "").replace("backup:1", "crash:1")
    text = text.replace("    spec: {template", "    spec: {backoffLimit: 0, template")
    given = {"nodes": 1, "start": "empty", "consistency": "linearizable", "images": "byName"}
    assert verdicts(check(load_scenario("it", {"it.yaml": text}, given).scenario))["convergence"] == "VIOLATED"


def test_one_that_is_suspended_never_comes_due() -> None:
    scenario = load("suspend: true", box="resources: {requests: {cpu: 9}}")
    assert scenario.runs == ()
    assert verdicts(check(scenario))["convergence"] == "HOLDS"


def test_without_its_controller_a_start_is_not_seen_to() -> None:
    sends = '        found.append(Action(f"{name}: sends", name, works, by=USER, verb=Verb.SENDS, on=ref))\n'
    with planted("kubeproof.harness.world.controllers.cron", sends, ""):
        report = check(load())
    assert verdicts(report)["convergence"] == "VIOLATED"


def test_its_runs_are_named_after_their_times() -> None:
    assert [one.metadata.name for one in load().runs] == ["backup-5", "backup-10"]
    assert all(isinstance(one, Job) for one in load().runs)


@pytest.mark.parametrize(
    ("says", "switches", "verdict"),
    [
        ("concurrencyPolicy: Forbid", {}, "HOLDS"),
        ("concurrencyPolicy: Forbid", {"missedStarts": "before-1.21"}, "VIOLATED"),
        ("concurrencyPolicy: Forbid, startingDeadlineSeconds: 900", {"missedStarts": "before-1.21"}, "HOLDS"),
    ],
    ids=["now", "before 1.21", "with a deadline"],
)
def test_after_an_outage_it_goes_on_or_is_never_started_again(
    says: str, switches: dict[str, str], verdict: str
) -> None:
    scenario = load(says.replace(", ", "\n  "), faults={"controllerOutage": 1}, switches=switches)
    assert [one.metadata.name for one in scenario.runs] == ["backup-5", "backup-10", "backup-515", "backup-520"]
    report = check(scenario)
    assert verdicts(report)["convergence"] == verdict
    found = next(one for one in report.claims if one.name == "convergence")
    assert found.trace is None or "hundred starts" in found.trace.lines()[0]
