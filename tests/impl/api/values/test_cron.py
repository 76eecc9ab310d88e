"""A schedule's next moment is the first minute after now that its fields allow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.impl.api.values.cron import ScheduleError, parse_schedule

MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31)).map(lambda one: one.replace(tzinfo=UTC))  # noqa: DTZ001
SIMPLE = st.sampled_from(
    ["* * * * *", "*/5 * * * *", "7 3-5 * * *", "0 0 1 * *", "30 6 * * 1-5", "0 0 13 * 5", "5/15 1 * JAN *"]
)


def after(text: str, moment: str) -> str | None:
    found = parse_schedule(text).next(datetime.fromisoformat(moment))
    return found and f"{found.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"


@given(SIMPLE, MOMENTS)
def test_the_next_moment_is_later_whole_and_the_same_from_anywhere_in_between(text: str, moment: datetime) -> None:
    schedule = parse_schedule(text)
    found = schedule.next(moment)
    assert found is not None
    assert found > moment
    assert (found.second, found.microsecond) == (0, 0)
    assert schedule.next(found - timedelta(seconds=1)) == found
    assert schedule.next(moment + (found - moment) / 2) == found


@pytest.mark.parametrize(
    ("text", "moment", "expected"),
    [
        ("0 0 13 * 5", "2025-06-07T00:00:00Z", "2025-06-13T00:00:00"),
        ("0 0 13 * 5", "2025-06-13T00:00:00Z", "2025-06-20T00:00:00"),
        ("0 0 13 * *", "2025-06-13T00:00:00Z", "2025-07-13T00:00:00"),
        ("0 0 * * 5", "2025-06-13T00:00:00Z", "2025-06-20T00:00:00"),
        ("0 0 */2 * 5", "2025-06-13T00:00:00Z", "2025-06-15T00:00:00"),
        ("0 0 29 2 *", "2025-01-01T00:00:00Z", "2028-02-29T00:00:00"),
        ("0 0 30 2 *", "2025-01-01T00:00:00Z", None),
        ("59 23 31 12 ?", "2025-12-31T23:59:00Z", "2026-12-31T23:59:00"),
        ("@weekly", "2025-06-11T12:00:00Z", "2025-06-15T00:00:00"),
        ("@every 90s", "2025-06-11T12:00:00.7Z", "2025-06-11T12:01:30"),
        ("@every 1ms", "2025-06-11T12:00:00Z", "2025-06-11T12:00:01"),
        ("TZ=Asia/Tokyo 0 9 * * *", "2025-06-11T12:00:00Z", "2025-06-12T00:00:00"),
        ("CRON_TZ=Europe/Berlin 30 2 * * *", "2025-03-29T12:00:00Z", "2025-03-31T00:30:00"),
        ("CRON_TZ=Europe/Berlin 30 2 * * *", "2025-10-26T00:30:00Z", "2025-10-26T01:30:00"),
        ("0 12 * DEC Sun", "2025-06-11T12:00:00Z", "2025-12-07T12:00:00"),
    ],
    ids=[
        *("either day matches", "the other day", "an open weekday", "an open day", "a step closes a field"),
        *("a leap day", "a day that never comes", "a question mark", "a descriptor", "a delay from the whole second"),
        *("at least a second", "a zone", "a skipped hour", "a repeated hour", "names"),
    ],
)
def test_days_zones_and_delays(text: str, moment: str, expected: str | None) -> None:
    assert after(text, moment) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty spec string"),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("* * * * 7", "end of range (7) above maximum (6): 7"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("-5 * * * *", 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax'),
        ("1-+2/-3 * * * *", "negative number (-3) not allowed: -3"),
        ("@reboot", "unrecognized descriptor: @reboot"),
        ("@every fast", 'failed to parse duration @every fast: time: invalid duration "fast"'),
        ("TZ=Moon/Base * * * * *", "provided bad location Moon/Base: unknown time zone Moon/Base"),
    ],
)
def test_what_is_no_schedule_is_refused_in_the_parsers_words(text: str, message: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(text)
    assert str(caught.value) == message
