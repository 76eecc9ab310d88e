"""The TTL-after-finished controller: when a Job that is over goes, and how it is deleted."""

from __future__ import annotations

import pytest

from kubeproof.impl.api.batch import Job, JobCondition, JobSpec, JobStatus
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.requests import Delete
from kubeproof.impl.controllers import ttlafterfinished
from planted import planted

OVER = JobCondition("Complete", "True", last_transition_time=100)


def job(*conditions: JobCondition, seconds: int | None = 60, deleted: int | None = None) -> Job:
    meta = ObjectMeta("once", namespace="default", uid="u", deletion_timestamp=deleted)
    return Job(meta, JobSpec(ttl_seconds_after_finished=seconds), JobStatus(conditions=conditions))


def goes(one: Job, now: int | None = None) -> bool:
    """Tell whether a Job is deleted: by its uid and in the foreground, as recorded of 1.32 (controller/job-ttl)."""
    found = ttlafterfinished.reconcile(Cache.of((one,)), ref_of(one), now=now)
    assert found in {(), (Delete(ref_of(one), uid="u", propagation_policy="Foreground"),)}
    return bool(found)


@pytest.mark.parametrize(("now", "gone"), [(100, False), (159, False), (160, True), (None, True)])
def test_a_job_goes_so_many_seconds_after_it_is_over(now: int | None, gone: bool) -> None:  # noqa: FBT001
    assert goes(job(OVER), now) is gone


def test_who_is_not_over_stays_or_goes_already_is_left_alone() -> None:
    assert not goes(job())
    assert not goes(job(JobCondition("Complete", "False")))
    assert not goes(job(JobCondition("SuccessCriteriaMet", "True"), JobCondition("FailureTarget", "True")))
    assert not goes(job(OVER, seconds=None))
    assert not goes(job(OVER, deleted=0))
    assert goes(job(JobCondition("Failed", "True")))
    assert goes(job(OVER, seconds=0), 100)
    with planted(
        "kubeproof.impl.controllers.ttlafterfinished", "job is None or job.metadata.terminating", "job is None"
    ):
        assert goes(job(OVER, deleted=0))
