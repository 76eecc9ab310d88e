"""Counting the Pods of a Job: each is written down before its finalizer goes, and counted after.

Upstream: pkg/controller/job/job_controller.go (trackJobStatusAndRemoveFinalizers), tracking_utils.go (v1.32).
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from ...api.batch import COMPLETE, FAILED, JobCondition, JobStatus, UncountedTerminatedPods
from ...api.core import Pod
from ...api.meta import Time
from ...api.requests import Groups, Update
from ..common import stamp
from . import indexes
from .policies import counts, is_failed
from .sync import SUCCESS, Sync, freed


def tracked(sync: Sync) -> Groups:
    """Write down who is over, take their finalizers away, then count them; and say at the end that the Job is over."""
    job, over = sync.job, sync.over
    held = {pod.metadata.uid for pod in sync.pods if indexes.is_tracked(pod)}
    counted = _counted(job.status, held)
    started = counted.start_time or (None if job.spec.suspend else stamp(sync.now))
    if sync.turned and not job.spec.suspend:
        started = stamp(sync.now)
    told = evolve(
        counted,
        start_time=started,
        conditions=sync.conditions,
        active=sync.active,
        ready=sync.ready,
        terminating=sync.terminating,
    )
    ending = tuple(pod for pod in _in_order(sync) if indexes.is_tracked(pod) and _may_go(sync, pod))
    noted, over = _announced(_noted(sync, told, ending), over, sync.now)
    # That the Job has begun is not worth a write by itself, nor that nobody is uncounted.
    before = evolve(job.status, uncounted_terminated_pods=sync.uncounted, start_time=noted.start_time)
    after = _counted(noted, held - {pod.metadata.uid for pod in ending})
    last = _finished(after, over, sync) if over is not None else after
    written = job if noted == before else evolve(job, status=noted)
    return (
        (Update(written, job, "status"),) if noted != before else (),
        tuple(map(freed, ending)),
        (Update(evolve(job, status=last), written, "status"),) if last != noted else (),
    )


def _in_order(sync: Sync) -> list[Pod]:
    """Return the Pods, those of an Indexed Job by their indexes; who has none comes first."""
    if not sync.job.spec.indexed:
        return list(sync.pods)
    numbers = {pod.metadata.uid: indexes.index_of(pod.metadata) for pod in sync.pods}
    return sorted(sync.pods, key=lambda pod: (numbers[pod.metadata.uid] is not None, numbers[pod.metadata.uid] or 0))


def _may_go(sync: Sync, pod: Pod) -> bool:
    """Tell whether a Pod needs its finalizer no more."""
    if sync.job.metadata.terminating or sync.over is not None or pod.status.phase == "Succeeded":
        return True
    if not is_failed(sync.job, pod):
        return False
    return all(other.metadata.uid != pod.metadata.uid for other in sync.delayed.values())


def _noted(sync: Sync, status: JobStatus, ending: tuple[Pod, ...]) -> JobStatus:
    """Write down who of those that lose their finalizers has succeeded and who has failed."""
    job, noted = sync.job, status.uncounted_terminated_pods or UncountedTerminatedPods()
    succeeded, failed = list(noted.succeeded), list(noted.failed)
    fresh: set[int] = set()
    fails = sync.over is not None and sync.over.type != SUCCESS
    for pod in ending:
        uid, number = pod.metadata.uid, indexes.index_of(pod.metadata)
        if pod.status.phase == "Succeeded" and uid not in sync.uncounted.failed:
            if job.spec.indexed:
                fresh |= {number} if sync.valid(pod) and number is not None else set()
            elif uid not in sync.uncounted.succeeded:
                succeeded.append(uid)
        elif is_failed(job, pod) or fails:
            known = uid in sync.uncounted.failed or (job.spec.indexed and not sync.valid(pod))
            if not known and counts(job, pod):
                failed.append(uid)
    listed = evolve(noted, succeeded=tuple(sorted(succeeded)), failed=tuple(sorted(failed)))
    found = evolve(status, uncounted_terminated_pods=listed)
    if not job.spec.indexed:
        return found
    done = sync.succeeded_indexes | fresh
    given_up = None if sync.failed_indexes is None else indexes.spelt(sync.failed_indexes)
    return evolve(found, succeeded=len(done), completed_indexes=indexes.spelt(done), failed_indexes=given_up)


def _announced(status: JobStatus, over: JobCondition | None, now: Time) -> tuple[JobStatus, JobCondition | None]:
    """Say that the Job will be over, and return what is said when it is."""
    if over is None or over.type == FAILED:
        return status, over
    last = evolve(
        over,
        type=COMPLETE if over.type == SUCCESS else FAILED,
        last_probe_time=stamp(now),
        last_transition_time=stamp(now),
    )
    said = status.condition(over.type) is not None
    return (status if said else evolve(status, conditions=(*status.conditions, over))), last


def _counted(status: JobStatus, held: set[str]) -> JobStatus:
    """Count those written down whose finalizers are gone."""
    noted = status.uncounted_terminated_pods or UncountedTerminatedPods()
    succeeded = tuple(uid for uid in noted.succeeded if uid in held)
    failed = tuple(uid for uid in noted.failed if uid in held)
    return evolve(
        status,
        succeeded=status.succeeded + len(noted.succeeded) - len(succeeded),
        failed=status.failed + len(noted.failed) - len(failed),
        uncounted_terminated_pods=evolve(noted, succeeded=succeeded, failed=failed),
    )


def _finished(status: JobStatus, over: JobCondition, sync: Sync) -> JobStatus:
    """Say that the Job is over, once all are counted and nobody is left."""
    noted = status.uncounted_terminated_pods
    if sync.terminating or (noted is not None and (noted.succeeded or noted.failed)):
        return status
    others = tuple(condition for condition in status.conditions if condition.type != over.type)
    changes: dict[str, Any] = {"completion_time": over.last_transition_time} if over.type == COMPLETE else {}
    return evolve(status, conditions=(*others, over), **changes)
