"""The Jobs that CronJobs may come to make: how often one comes due is a bound, when it does is left open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from attrs import evolve

from ...impl.api.batch import CronJob, Job
from ...impl.api.kinds import Object
from ...impl.api.meta import Time
from ...impl.controllers.cronjob.cronjob import job_at
from ...impl.controllers.cronjob.schedule import following, schedule_of


def times(cron: CronJob, count: int) -> tuple[Time, ...]:
    """Return the first times of a CronJob's schedule after the one it has seen to, or after it was made."""
    schedule = schedule_of(cron.spec.schedule, cron.spec.time_zone)
    time = cron.status.last_schedule_time or cron.metadata.creation_timestamp or 0
    found: list[Time] = []
    while schedule is not None and len(found) < count and (later := following(schedule, time)) is not None:
        found.append(later)
        time = later
    return tuple(found)


def runs_of(objects: Iterable[Object], namespace: str, count: int) -> Iterator[Job]:
    """Yield the Jobs of so many starts of every CronJob that is not suspended."""
    for obj in objects:
        if isinstance(obj, CronJob) and not obj.spec.suspend:
            yield from _runs(obj, namespace, count)


@lru_cache(maxsize=256)
def _runs(one: CronJob, namespace: str, count: int) -> tuple[Job, ...]:
    placed = evolve(one, metadata=evolve(one.metadata, namespace=one.metadata.namespace or namespace))
    return tuple(job_at(placed, time) for time in times(placed, count))
