"""Cron schedules: when a CronJob is due.

Upstream: github.com/robfig/cron v3.0.1 (parser.go, spec.go, constantdelay.go), ParseStandard, as v1.32 vendors it.
Five fields (minute, hour, day of month, month, day of week), descriptors (@daily, @every 5m) and a TZ= prefix. When
both days are restricted, either of them makes a day match. Without TZ= the zone is UTC.
Left out on purpose: the CronJob controller itself, and units of @every below a second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import frozen

MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
WEEKDAYS = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
YEARS_AHEAD = 5
"""A schedule that never comes (30 February) is given up after so many years."""

DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
UNITS = {"h": 3600, "m": 60, "s": 1, "ms": 0.001, "us": 1e-6, "ns": 1e-9}


class ScheduleError(ValueError):
    """Text that is no schedule; the message is the parser's own."""


@frozen
class Bounds:
    """The smallest and largest number of a field, and names for some."""

    low: int
    high: int
    names: Mapping[str, int]


@frozen
class CronField:
    """The numbers a field allows, and whether it was left open (`*` or `?`, without a step)."""

    allowed: frozenset[int]
    open: bool


MINUTE, HOUR, DAY = Bounds(0, 59, {}), Bounds(0, 23, {}), Bounds(1, 31, {})
MONTH, WEEKDAY = Bounds(1, 12, MONTHS), Bounds(0, 6, WEEKDAYS)


@frozen
class Every:
    """A fixed delay in whole seconds."""

    seconds: int

    def next(self, moment: datetime) -> datetime | None:
        """Return the moment one delay later, in whole seconds."""
        return moment.replace(microsecond=0) + timedelta(seconds=self.seconds)


@frozen
class Calendar:
    """Five fields and a time zone ("" for UTC)."""

    minute: CronField
    hour: CronField
    day: CronField
    month: CronField
    weekday: CronField
    zone: str

    def next(self, moment: datetime) -> datetime | None:
        """Return the first matching minute after a moment, in UTC; None if none comes within five years.

        An hour that a change to summer time skips has no matching minute; one that is repeated has two.
        """
        zone: tzinfo = ZoneInfo(self.zone) if self.zone else UTC
        local = (moment.astimezone(UTC) + timedelta(seconds=1)).astimezone(zone)
        last = local.year + YEARS_AHEAD
        day, now = local.date(), moment.astimezone(UTC)
        while day.year <= last:
            if day.month not in self.month.allowed:
                day = _month_after(day)
                continue
            if self._matches(day):
                found = self._on(day, zone, now)
                if found is not None:
                    return found
            day += timedelta(days=1)
        return None

    def _matches(self, day: date) -> bool:
        in_month = day.day in self.day.allowed
        in_week = day.isoweekday() % 7 in self.weekday.allowed
        return in_month and in_week if self.day.open or self.weekday.open else in_month or in_week

    def _on(self, day: date, zone: tzinfo, now: datetime) -> datetime | None:
        """Return the first matching minute of a day after now, walking in real hours."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        hour = midnight.astimezone(UTC)
        while (local := hour.astimezone(zone)).date() <= day:
            if local.date() == day and local.hour in self.hour.allowed:
                for minute in sorted(self.minute.allowed):
                    found = hour + timedelta(minutes=minute)
                    if found > now:
                        return found
            hour += timedelta(hours=1)
        return None


Schedule = Every | Calendar


def parse_schedule(text: str) -> Schedule:
    """Read a schedule, or raise ScheduleError in the parser's words."""
    if not text:
        raise ScheduleError("empty spec string")
    zone, text = _zone(text)
    if text.startswith("@every "):
        return _every(text)
    if text.startswith("@") and text not in DESCRIPTORS:
        raise ScheduleError(f"unrecognized descriptor: {text}")
    fields = DESCRIPTORS.get(text, text).split()
    if len(fields) != 5:
        raise ScheduleError(f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]")
    bounds = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)
    minute, hour, day, month, weekday = (_field(field, bound) for field, bound in zip(fields, bounds, strict=True))
    return Calendar(minute, hour, day, month, weekday, zone)


def _zone(text: str) -> tuple[str, str]:
    prefix = re.match(r"(?:CRON_)?TZ=(\S*) ", text)
    if prefix is None:
        return "", text
    if not is_zone(prefix[1] or "UTC"):
        raise ScheduleError(f"provided bad location {prefix[1]}: unknown time zone {prefix[1]}")
    return prefix[1], text[prefix.end() :].strip()


def is_zone(name: str) -> bool:
    """Tell whether there is a time zone of a name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # A folder of zones (`Europe`) is an OSError.
        return False
    return True


def _every(text: str) -> Every:
    duration = text.removeprefix("@every ")
    parts = re.findall(r"([0-9]*\.?[0-9]+)(h|ms|us|ns|m|s)", duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ScheduleError(f'failed to parse duration {text}: time: invalid duration "{duration}"')
    return Every(max(1, int(sum(float(number) * UNITS[unit] for number, unit in parts))))


def _field(text: str, bounds: Bounds) -> CronField:
    ranges = [_range(part, bounds) for part in text.split(",") if part]
    return CronField(
        frozenset(number for field in ranges for number in field.allowed), any(field.open for field in ranges)
    )


def _range(text: str, bounds: Bounds) -> CronField:
    """Read `*`, `3`, `3-7`, `*/2`, `3-7/2` or `3/2` (from 3 to the end, every second)."""
    span, *steps = text.split("/")
    low, *highs = span.split("-")
    is_open = low in {"*", "?"}
    start = bounds.low if is_open else _number(low, bounds)
    if not is_open and len(highs) > 1:
        raise ScheduleError(f"too many hyphens: {text}")
    end = bounds.high if is_open else _number(highs[0], bounds) if highs else start
    if len(steps) > 1:
        raise ScheduleError(f"too many slashes: {text}")
    step = _integer(steps[0]) if steps else 1
    if steps and not highs:
        end = bounds.high
    if start < bounds.low:
        raise ScheduleError(f"beginning of range ({start}) below minimum ({bounds.low}): {text}")
    if end > bounds.high:
        raise ScheduleError(f"end of range ({end}) above maximum ({bounds.high}): {text}")
    if start > end:
        raise ScheduleError(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise ScheduleError(f"step of range should be a positive number: {text}")
    return CronField(frozenset(range(start, end + 1, step)), is_open and step == 1)


def _number(text: str, bounds: Bounds) -> int:
    return bounds.names[text.lower()] if text.lower() in bounds.names else _integer(text)


def _integer(text: str) -> int:
    if not re.fullmatch(r"[-+]?[0-9]+", text, re.ASCII):
        raise ScheduleError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    if int(text) < 0:
        raise ScheduleError(f"negative number ({int(text)}) not allowed: {text}")
    return int(text)


def _month_after(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
