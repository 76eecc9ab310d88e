"""How a CronJob and its Jobs look to the page workloads/cronjob, where it is due once a minute."""

from __future__ import annotations

from ....impl.api.batch import CronJob, Job
from ....impl.api.cache import Cache
from ....impl.api.meta import Ref, Time
from ....model.components.workloads.cronjob import Policy, Run, State

MINUTE = 60


def abstract(store: Cache, key: Ref, now: Time) -> State:
    """Keep which times have come and were seen to, and the Jobs that are the CronJob's, by the time in their names."""
    cron = store.get(CronJob, key)
    if cron is None:
        return State(Policy.ALLOW)
    mine = [
        job
        for job in store.list(Job, key.namespace)
        if any(owner.uid == cron.metadata.uid for owner in job.metadata.owner_references)
    ]
    return State(
        policy=Policy(cron.spec.concurrency_policy),
        come=now // MINUTE,
        seen=(cron.status.last_schedule_time or 0) // MINUTE,
        runs=frozenset(Run(_number(job.metadata.name), over=_is_over(job)) for job in mine),
        noted=frozenset(_number(ref.name) for ref in cron.status.active),
        suspended=cron.spec.suspend,
    )


def _number(name: str) -> int:
    return int(name.rpartition("-")[2])


def _is_over(job: Job) -> bool:
    return any(
        condition.type in {"Complete", "Failed"} and condition.status == "True" for condition in job.status.conditions
    )
