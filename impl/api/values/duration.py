"""Durations in whole seconds, as Go writes them."""

from __future__ import annotations

import re

UNITS = {"s": 1, "m": 60, "h": 3600}
DURATION = re.compile(r"(?:\d+[smh])+")


class DurationError(ValueError):
    """A text that is no duration in whole seconds."""


def seconds(text: str) -> int:
    """Read a duration in whole seconds: 5s, 1m30s, 2h; a bare number is seconds."""
    if text.isdecimal():
        return int(text)
    if not DURATION.fullmatch(text):
        raise DurationError(f"expected a duration in whole seconds like 5s or 1m30s, got {text!r}")
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([smh])", text))
