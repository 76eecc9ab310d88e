"""The Jobs that CronJobs may come to make: how often one comes due is a bound, when it does is left open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from attrs import evolve

from ...impl.api.batch import CronJob, Job
from ...impl.api.kinds import Object
from ...impl.api.meta import Time
from ...impl.controllers.cronjob.cronjob import job_at
from ...impl.controllers.cronjob.schedule import MANY, following, schedule_of


def times(cron: CronJob, count: int, outages: int = 0) -> tuple[Time, ...]:
    """Return the first times of a CronJob's schedule after the one it has seen to, or after it was made.

    After each outage come as many again; a hundred lie between, which are told of nowhere.
    """
    schedule = schedule_of(cron.spec.schedule, cron.spec.time_zone)
    time = cron.status.last_schedule_time or cron.metadata.creation_timestamp or 0
    wanted = {number for outage in range(outages + 1) for number in _stretch(count, outage)}
    found: list[Time] = []
    for number in range(max(wanted, default=-1) + 1):
        later = None if schedule is None else following(schedule, time)
        if later is None:
            break
        time = later
        found += [time] if number in wanted else []
    return tuple(found)


def _stretch(count: int, outage: int) -> range:
    """Return the numbers of the times that come after so many outages."""
    first = outage * (count + MANY)
    return range(first, first + count)


def runs_of(objects: Iterable[Object], namespace: str, count: int, outages: int = 0) -> Iterator[Job]:
    """Yield the Jobs of so many starts of every CronJob that is not suspended."""
    for obj in objects:
        if isinstance(obj, CronJob) and not obj.spec.suspend:
            yield from _runs(obj, namespace, count, outages)


@lru_cache(maxsize=256)
def _runs(one: CronJob, namespace: str, count: int, outages: int) -> tuple[Job, ...]:
    placed = evolve(one, metadata=evolve(one.metadata, namespace=one.metadata.namespace or namespace))
    return tuple(job_at(placed, time) for time in times(placed, count, outages))
