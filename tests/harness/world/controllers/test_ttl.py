"""A Job that is over goes after its time: what that is to the claims, to steps, and by a clock."""

from __future__ import annotations

from typing import Any

import yaml

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Claim
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.impl.api.values.frozen import freeze
from kubeproof.model.checker.results import Limits, Status
from planted import planted

JOB = (
    "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once}\nspec:\n  ttlSecondsAfterFinished: 60\n  template:\n"
    "    spec: {restartPolicy: Never, containers: [{name: app, image: 'app:1'}]}\n"
)
DELETES = {"deleteObject": {"kind": "Job", "name": "once"}}
LAST = "kubeproof.impl.controllers.ttlafterfinished"


def claims(manifests: str = JOB, **options: Any) -> dict[str, Claim]:
    given = freeze({"nodes": 1, **options})
    scenario = load_scenario("test", {"job.yaml": manifests}, given).scenario
    return {one.name: one for one in check(scenario, limits=Limits(max_states=20_000)).claims}


def test_a_job_that_has_gone_by_itself_has_done_its_work() -> None:
    found = claims()
    assert found["convergence"].status is found["completion"].status is Status.HOLDS
    assert not found["completion"].vacuous
    with planted("kubeproof.harness.claims.convergence", "or ref in cluster.scenario.expiring", ""):
        assert claims()["convergence"].lines == ("Job once is gone, though nobody was asked to delete it",)


def test_one_that_goes_before_it_is_over_has_not() -> None:
    with planted(LAST, "condition.type in FINISHED", 'condition.type in (*FINISHED, "SuccessCriteriaMet")'):
        assert claims()["completion"].lines == ("Job once is deleted, and it is not over",)


def test_that_a_job_which_has_failed_is_gone_does_not_do_its_work() -> None:
    failing = JOB.replace("ttl", "backoffLimit: 0\n  ttl").replace("app:1", "crash:1")
    told = "Job once has failed (BackoffLimitExceeded) and is gone since, and none of its name was made again"
    assert claims(failing, images="byName")["convergence"].lines == (told,)
    with planted(
        "kubeproof.harness.world.controllers.failed_jobs", "FAILED: tuple(sorted(", "FAILED: tuple(set() and ("
    ):
        assert claims(failing, images="byName")["convergence"].status is Status.HOLDS


def test_a_step_finds_it_or_comes_when_it_has_gone() -> None:
    found = claims(script=[DELETES])["convergence"]
    assert found.status is Status.VIOLATED
    assert found.lines[0].endswith("failed: no Job default/once")
    assert (
        claims(JOB.replace("  ttlSecondsAfterFinished: 60\n", ""), script=[DELETES])["convergence"].status
        is Status.HOLDS
    )


def test_while_it_is_there_its_template_is_immutable() -> None:
    found = claims(script=[{"apply": {"object": yaml.safe_load(JOB.replace("app:1", "app:2"))}}])["convergence"]
    assert found.status is Status.VIOLATED
    assert "field is immutable" in found.lines[0]


def test_it_is_there_at_rest_before_the_script() -> None:
    """What has come to rest may still have it: the seconds are not over for sure."""
    with planted("kubeproof.harness.world.at_rest.prepare", ", jobs_stay=True", ""):
        gone = claims(script=[DELETES])["convergence"]
    there = claims(script=[DELETES])["convergence"]
    assert gone.trace is not None
    assert there.trace is not None
    assert len(there.trace.lines()) > len(gone.trace.lines())


def test_a_clock_knows_how_long_it_stays() -> None:
    found = claims(script=[DELETES], start="empty")["convergence"]
    assert found.trace is not None
    assert found.times is not None
    assert "59" in str(found.times)
