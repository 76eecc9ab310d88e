"""The controllers of Jobs and CronJobs.

When a deadline passes is not said, so a sync after it counts as asked for as well as one before it; so does a sync with
expectations open, which makes no Pods. At which moment a CronJob was synced is not recorded: any minute up to then will
do. A Job in a status is known by its name.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve
from immutabledict import immutabledict

from ....impl.api.batch import CronJob, CronJobStatus, Job, JobStatus, UncountedTerminatedPods
from ....impl.api.cache import Cache
from ....impl.api.core import Pod
from ....impl.api.kinds import ref_of
from ....impl.api.meta import Ref
from ....impl.api.requests import Create, PatchMetadata, Request, Update
from ....impl.controllers.common import whole
from ....impl.controllers.cronjob import cronjob
from ....impl.controllers.job import job
from ....impl.controllers.job.pods import TRANSFORM
from ..history import Change
from .writer import LATER, Seen, Writer, asks_to_delete, begins_to_go, deletes, in_the_foreground, owner_of, same_pod

MINUTE = 60
JOB = frozenset({"Job"})


def _job_must(seen: Seen, key: Ref) -> Iterator[Request]:
    if key.kind == "Job":
        yield from (request for groups in job.grouped(seen.cache, key) for group in groups for request in group)
    else:
        yield from job.orphaned(seen.cache, key)


def _job_may(seen: Seen, key: Ref) -> Iterator[Request]:
    yield from _job_must(seen, key)
    if key.kind == "Job":
        yield from job.reconcile(seen.cache, key, now=seen.now + LATER)
        yield from job.reconcile(seen.cache, key, satisfied=False)


def _job_writes(change: Change, cache: Cache) -> bool:
    match change.before, change.after:
        case Job() as old, Job() as new:
            return old.status != new.status
        case None, Pod() as new:
            return owner_of(new) == "Job"
        case Pod() as old, Pod() as new if set(old.metadata.finalizers) - set(new.metadata.finalizers):
            return owner_of(old) == "Job"
    return begins_to_go(change) and change.ref.kind == "Pod" and deletes(JOB, change, cache)


def _job_explains(request: Request, change: Change) -> bool:
    match change.before, change.after, request:
        case Job(), Job() as new, Update(Job() as made):
            return ref_of(made) == change.ref and _untimed(made.status) == _untimed(new.status)
        case None, Pod() as new, Create(Pod() as made):
            return _same(made, new)
        case Pod() as old, Pod() as new, PatchMetadata() if set(old.metadata.finalizers) - set(new.metadata.finalizers):
            return request.ref == change.ref and bool(request.remove_finalizers)
    return begins_to_go(change) and asks_to_delete(request, change)


def _same(made: Pod, stored: Pod) -> bool:
    wanted, given = made.metadata, stored.metadata
    same = (wanted.annotations, wanted.finalizers) == (given.annotations, given.finalizers)
    return same and same_pod(made, stored) and made.spec.extra.get("hostname") == stored.spec.extra.get("hostname")


def _untimed(status: JobStatus) -> JobStatus:
    """Return a status without its times, and without the order of those that are still to be counted."""
    noted = status.uncounted_terminated_pods or UncountedTerminatedPods()
    plain = evolve(noted, succeeded=tuple(sorted(noted.succeeded)), failed=tuple(sorted(noted.failed)))
    conditions = tuple(
        evolve(condition, last_probe_time=None, last_transition_time=None) for condition in status.conditions
    )
    return evolve(status, start_time=None, completion_time=None, conditions=conditions, uncounted_terminated_pods=plain)


def _cron_may(seen: Seen, key: Ref) -> Iterator[Request]:
    """Yield what it may ask for at any half minute since the CronJob was made, and in the two minutes to come."""
    one = seen.cache.get(CronJob, key)
    born = (one.metadata.creation_timestamp if one is not None else None) or seen.now
    for now in range(born, seen.now + 2 * MINUTE, MINUTE // 2):
        yield from cronjob.reconcile(seen.cache, key, now=now)


def _cron_must(seen: Seen, key: Ref) -> Iterator[Request]:
    yield from (
        request for request in cronjob.reconcile(seen.cache, key, now=seen.now) if not isinstance(request, Create)
    )


def _cron_writes(change: Change, cache: Cache) -> bool:
    match change.before, change.after:
        case CronJob() as old, CronJob() as new:
            return old.status != new.status
        case None, Job() as new:
            return owner_of(new) == "CronJob"
    if in_the_foreground(change):
        return change.who == CRONJOBS.name and begins_to_go(change)
    return begins_to_go(change) and change.ref.kind == "Job" and deletes(frozenset({"CronJob"}), change, cache)


def _cron_explains(request: Request, change: Change) -> bool:
    match change.after, request:
        case CronJob() as new, Update(CronJob() as made):
            return ref_of(made) == change.ref and _named(made.status) == _named(new.status)
        case Job() as new, Create(Job() as made) if change.before is None:
            own = made.metadata.annotations.items() <= new.metadata.annotations.items()
            owners = made.metadata.owner_references == new.metadata.owner_references
            return own and owners and made.metadata.name == new.metadata.name
    return begins_to_go(change) and asks_to_delete(request, change)


def _named(status: CronJobStatus) -> CronJobStatus:
    return evolve(status, active=tuple(evolve(ref, uid="", extra=type(ref.extra)()) for ref in status.active))


JOBS = Writer(
    "job-controller", frozenset({"Job", "Pod"}), frozenset({"Job", "Pod"}), TRANSFORM, _job_may, _job_must,
    _job_writes, _job_explains,
)  # fmt: skip
CRONJOBS = Writer(
    "cronjob-controller",
    frozenset({"CronJob"}),
    frozenset({"CronJob", "Job"}),
    immutabledict({"CronJob": whole, "Job": whole}),
    _cron_may,
    _cron_must,
    _cron_writes,
    _cron_explains,
)
