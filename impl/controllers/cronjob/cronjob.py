"""The CronJob controller: makes a Job when one is due, minds those under way, and takes away what is long over.

Upstream: pkg/controller/cronjob/cronjob_controllerv2.go, utils.go (v1.32). One sync strikes off who is over, or gone;
nothing more where the CronJob is suspended or going. Then, if a time has come that has not been seen to: with Forbid
nothing while a Job is under way, with Replace these are deleted; a Job is made that is called after its time, noted as
under way, and its time as the last. At the end Jobs that are over go beyond the limits of the history, the oldest
first.
Left out on purpose: Events; the uids of Jobs in the status (a name says which one it is); that one sync adopts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from ...api.batch import CronJob, Job
from ...api.cache import Cache
from ...api.core import ObjectReference
from ...api.kinds import ref_of
from ...api.meta import ObjectMeta, Ref, Time
from ...api.requests import Create, Delete, Request, Update
from ...api.values.frozen import strings
from ...api.values.timestamps import format_time
from ...api.well_known import SCHEDULED
from ..common import controlled_by, controller_of
from .schedule import due

FORBID, REPLACE = "Forbid", "Replace"
MINUTE = 60


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at."""
    return ("CronJob", "Job")


def reconcile(cache: Cache, key: Ref, *, now: Time = 0, gives_up: bool = False) -> tuple[Request, ...]:
    """Return the requests of one sync; `gives_up`: it starts nothing after a hundred missed starts, as before 1.21."""
    cron = cache.get(CronJob, key)
    if cron is None:
        return ()
    jobs = [job for job in cache.list(Job, key.namespace) if controlled_by(job, cron)]
    seen = _seen(cron, jobs)
    asked, after = ((), seen) if cron.metadata.terminating or cron.spec.suspend else _started(seen, jobs, now, gives_up)
    going = tuple(Delete(ref_of(job), propagation_policy="Background") for job in _too_old(cron, jobs))
    written = (Update(after, cron, "status"),) if after.status != cron.status else ()
    return (*asked, *going, *written)


def _seen(cron: CronJob, jobs: Iterable[Job]) -> CronJob:
    """Strike off the Jobs that are over, or gone, and note when one was last done."""
    there = {job.metadata.name: job for job in jobs}
    active = tuple(
        ref for ref in cron.status.active if (found := there.get(ref.name)) is not None and not found.finished
    )
    named = {ref.name for ref in cron.status.active}
    over = (job for name, job in there.items() if name in named and job.status.condition("Complete") is not None)
    times = [job.status.completion_time or 0 for job in over]
    last = max([*times, cron.status.last_successful_time or 0]) or None
    return evolve(cron, status=evolve(cron.status, active=active, last_successful_time=last))


def _started(cron: CronJob, jobs: Iterable[Job], now: Time, gives_up: bool) -> tuple[tuple[Request, ...], CronJob]:  # noqa: FBT001
    """Return what makes the Job that is due, if any, and the CronJob as it says so."""
    found, policy = due(cron, now), cron.spec.concurrency_policy
    if found is None or (found.too_many and gives_up) or (policy == FORBID and cron.status.active):
        return (), cron
    job = job_at(cron, found.time)
    asked: tuple[Request, ...] = ()
    active = cron.status.active
    if policy == REPLACE:
        asked = tuple(Delete(Ref("Job", ref.namespace, ref.name), propagation_policy="Background") for ref in active)
        active = ()
    there = next((other for other in jobs if other.metadata.name == job.metadata.name), None)
    if there is None:
        asked = (*asked, Create(job))
    reference = ObjectReference("Job", job.metadata.namespace, job.metadata.name, api_version="batch/v1")
    if there is None or not there.finished:
        active = (*(ref for ref in active if ref.name != reference.name), reference)
    return asked, evolve(cron, status=evolve(cron.status, active=active, last_schedule_time=found.time))


def job_at(cron: CronJob, time: Time) -> Job:
    """Make the Job of a time."""
    template = cron.spec.job_template
    meta = ObjectMeta(
        name=f"{cron.metadata.name}-{time // MINUTE}",
        namespace=cron.metadata.namespace,
        labels=template.metadata.labels,
        annotations=strings({**template.metadata.annotations, SCHEDULED: format_time(time)}),
        owner_references=(controller_of(cron),),
    )
    return Job(meta, template.spec)


def _too_old(cron: CronJob, jobs: Iterable[Job]) -> list[Job]:
    """Return the Jobs that are over beyond the limits of the history, those that began first."""
    limits = {
        "Complete": cron.spec.successful_jobs_history_limit,
        "Failed": cron.spec.failed_jobs_history_limit,
    }
    found: list[Job] = []
    for kind, limit in limits.items():
        over = [job for job in jobs if job.status.condition(kind) is not None and not job.metadata.terminating]
        over.sort(key=lambda one: (one.status.start_time or 0, one.metadata.name))
        found += over[: max(0, len(over) - limit)] if limit is not None else ()
    return found
