"""When a CronJob was last due, and how many times it was due since it last made a Job.

Upstream: pkg/controller/cronjob/utils.go (mostRecentScheduleTime, nextScheduleTime) (v1.32). What comes is told by
`impl.api.values.cron`; times are in seconds. Until 1.20 a controller went through all times that were missed, and gave
up for ever where these were more than a hundred; since then it takes the latest and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache

from attrs import frozen

from ...api.batch import CronJob
from ...api.meta import Time
from ...api.values.cron import Schedule, ScheduleError, parse_schedule

MANY = 100


@frozen
class Due:
    """The latest time at which a CronJob was due, and whether more than a hundred were missed until then."""

    time: Time
    too_many: bool


@lru_cache(maxsize=256)
def schedule_of(text: str, zone: str | None) -> Schedule | None:
    """Return what a schedule says, in a time zone; None where it says nothing."""
    try:
        return parse_schedule(f"TZ={zone} {text}" if zone else text)
    except ScheduleError:
        return None


def following(schedule: Schedule, time: Time) -> Time | None:
    """Return the first time after another one; None where none comes."""
    found = schedule.next(datetime.fromtimestamp(time, UTC))
    return None if found is None else int(found.timestamp())


def due(cron: CronJob, now: Time) -> Due | None:
    """Return when a CronJob was last due that has not been seen to; None where it was not."""
    schedule = schedule_of(cron.spec.schedule, cron.spec.time_zone)
    earliest = _earliest(cron, now)
    if schedule is None or earliest > now:
        return None
    times = tuple(_times(schedule, earliest, now))
    return Due(times[-1], len(times) > MANY) if times else None


def _earliest(cron: CronJob, now: Time) -> Time:
    """Return from when on times count: since the last one, or since it was made, but none that is too late by now."""
    last = cron.status.last_schedule_time
    since = cron.metadata.creation_timestamp or 0 if last is None else last
    deadline = cron.spec.starting_deadline_seconds
    return since if deadline is None else max(since, now - deadline)


def _times(schedule: Schedule, earliest: Time, now: Time) -> Iterator[Time]:
    """Yield the times after one until another; of very many the first hundred and the last."""
    number, time = 0, following(schedule, earliest)
    while time is not None and time <= now:
        yield time
        number += 1
        later = following(schedule, time)
        if number > MANY and later is not None and later <= now:
            skipped = max(time, now - 2 * (later - time))
            later = following(schedule, skipped)
        time = later
