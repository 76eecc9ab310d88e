"""The CronJob controller: what it makes when, by the recorded run, and where that is silent by Kubernetes' own tables.

Upstream: pkg/controller/cronjob/{cronjob_controllerv2,utils}_test.go (v1.32).
"""

from __future__ import annotations

import json
import lzma
from typing import Any

import pytest
from attrs import evolve

from kubeproof.impl.api.batch import CronJob, Job, JobCondition
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.api.requests import Create, Delete, Request, Update
from kubeproof.impl.controllers.cronjob.cronjob import job_at, reconcile
from kubeproof.impl.controllers.cronjob.schedule import due
from places import VECTORS
from planted import planted
from recorded.controllers import judge

HOUR, MINUTE = 3600, 60
BORN = 1_767_225_600
"""2026-01-01T00:00:00Z."""
RUNS = sorted((VECTORS / "controller").glob("cronjob-*.json.xz"))


def cron(active: tuple[int, ...] = (), last: int | None = None, going: bool = False, **spec: Any) -> CronJob:  # noqa: FBT001, FBT002
    pod = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}
    usual = {"schedule": "0 * * * *", "concurrencyPolicy": "Allow", "successfulJobsHistoryLimit": 3}
    status: dict[str, Any] = {
        "active": [
            {"kind": "Job", "namespace": "d", "name": name_of(time), "apiVersion": "batch/v1"} for time in active
        ]
    }
    found = from_json(
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "c", "namespace": "d", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {**usual, "failedJobsHistoryLimit": 1, "jobTemplate": {"spec": pod}, **spec},
            "status": status,
        }
    )
    assert isinstance(found, CronJob)
    meta = evolve(found.metadata, deletion_timestamp=0) if going else found.metadata
    return evolve(found, metadata=meta, status=evolve(found.status, last_schedule_time=last))


def name_of(time: int) -> str:
    return f"c-{time // MINUTE}"


def job(owner: CronJob, time: int, over: str = "", start: int = 0) -> Job:
    made = job_at(owner, time)
    conditions = (JobCondition(over, "True"),) if over else ()
    return evolve(made, status=evolve(made.status, conditions=conditions, start_time=start or time))


def turn(owner: CronJob, now: int, *jobs: Job) -> tuple[Request, ...]:
    return reconcile(Cache.of((owner, *jobs)), ref_of(owner), now=now)


def told(requests: tuple[Request, ...]) -> list[str]:
    """Say what is asked for: + a Job, - a Job, and what is noted as under way."""
    found = []
    for one in requests:
        match one:
            case Create(obj):
                found.append(f"+{obj.metadata.name}")
            case Delete(ref):
                found.append(f"-{ref.name}")
            case Update(obj) if isinstance(obj, CronJob):
                found.append(" ".join(["=", *(each.name for each in obj.status.active)]))
    return found


FIRST, SECOND = BORN + HOUR, BORN + 2 * HOUR
ONE, TWO = name_of(FIRST), name_of(SECOND)


@pytest.mark.parametrize(
    ("owner", "now", "jobs", "asks"),
    [
        pytest.param(cron(), FIRST - 1, [], [], id="not before its time"),
        pytest.param(cron(), FIRST, [], [f"+{ONE}", f"= {ONE}"], id="at its time"),
        pytest.param(cron(), SECOND + 5, [], [f"+{TWO}", f"= {TWO}"], id="of several missed times the last"),
        pytest.param(cron(last=FIRST), SECOND - 1, [], [], id="not twice for a time"),
        pytest.param(cron(suspend=True), SECOND, [], [], id="not while it is suspended"),
        pytest.param(cron(going=True), SECOND, [], [], id="not while it is being deleted"),
        pytest.param(cron(schedule="no"), SECOND, [], [], id="not by a schedule that is none"),
        pytest.param(
            cron(startingDeadlineSeconds=60), FIRST + 59, [], [f"+{ONE}", f"= {ONE}"], id="within its deadline"
        ),
        pytest.param(cron(startingDeadlineSeconds=60), FIRST + 61, [], [], id="not after its deadline"),
        pytest.param(cron(timeZone="Asia/Kolkata"), BORN + HOUR // 2, [], None, id="in a time zone of half hours"),
        pytest.param(cron((FIRST,), FIRST), SECOND, ["first"], [f"+{TWO}", f"= {ONE} {TWO}"], id="Allow: beside it"),
        pytest.param(
            cron((FIRST,), FIRST, concurrencyPolicy="Forbid"), SECOND, ["first"], [], id="Forbid: not while it goes on"
        ),
        pytest.param(
            cron((FIRST,), FIRST, concurrencyPolicy="Forbid"),
            SECOND,
            ["first done"],
            [f"+{TWO}", f"= {TWO}"],
            id="Forbid: once it is over",
        ),
        pytest.param(
            cron((FIRST,), FIRST, concurrencyPolicy="Replace"),
            SECOND,
            ["first"],
            [f"-{ONE}", f"+{TWO}", f"= {TWO}"],
            id="Replace: in its place",
        ),
        pytest.param(cron((FIRST,), FIRST), FIRST, [], ["="], id="who is gone is struck off"),
        pytest.param(cron((FIRST,), FIRST), FIRST, ["first failed"], ["="], id="who has failed, too"),
        pytest.param(cron(), FIRST, ["first"], [f"= {ONE}"], id="a Job that it made and did not note"),
    ],
)
def test_a_sync_asks(owner: CronJob, now: int, jobs: list[str], asks: list[str] | None) -> None:
    kinds = {"first": "", "first done": "Complete", "first failed": "Failed"}
    found = told(turn(owner, now, *(job(owner, FIRST, kinds[one]) for one in jobs)))
    if asks is None:
        assert [one[0] for one in found] == ["+", "="]  # 05:30 there is a full hour.
    else:
        assert found == asks


@pytest.mark.parametrize(("over", "kept"), [("Complete", 3), ("Failed", 1)])
def test_jobs_that_are_over_go_beyond_the_limit_the_oldest_first(over: str, kept: int) -> None:
    owner = cron(last=BORN + 9 * HOUR)
    jobs = [job(owner, BORN + number * HOUR, over) for number in range(1, 6)]
    gone = [one.ref.name for one in turn(owner, BORN + 9 * HOUR, *jobs) if isinstance(one, Delete)]
    assert gone == [one.metadata.name for one in jobs[: 5 - kept]]


def test_more_than_a_hundred_missed_times_are_told_and_the_last_is_seen_to() -> None:
    """k/k#42649: once it never ran again."""
    often = cron(schedule="* * * * *")
    few, many = due(often, BORN + 100 * MINUTE), due(often, BORN + 101 * MINUTE)
    assert few is not None
    assert many is not None
    assert (few.too_many, many.too_many) == (False, True)
    assert many.time == BORN + 101 * MINUTE
    year = due(often, BORN + 400 * 24 * HOUR + 30)
    assert year is not None
    assert year.time == BORN + 400 * 24 * HOUR


def record(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lzma.decompress((VECTORS / "controller" / name).read_bytes()))
    return found


@pytest.mark.parametrize("path", RUNS, ids=[one.name.partition(".")[0] for one in RUNS])
def test_a_recorded_run_is_what_ours_asks_for(path: Any) -> None:
    assert judge(record(path.name)) is None


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        ("cronjob", "time // MINUTE}", "time}"),
        ("cronjob", "found.finished\n    )", "False\n    )"),
        ("schedule", "times[-1], len", "times[0] + 60, len"),
    ],
)
def test_a_planted_fault_is_seen_in_a_recorded_run(module: str, before: str, after: str) -> None:
    with planted(f"kubeproof.impl.controllers.cronjob.{module}", before, after):
        assert judge(record("cronjob-minutely.json.xz")) is not None
