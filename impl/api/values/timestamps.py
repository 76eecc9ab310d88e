"""Times as Kubernetes writes them, RFC 3339, and as integers: seconds since 1970 UTC.

Upstream: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/{time,micro_time}.go (v1.32).
Left out on purpose: fractions of a second, which are read and forgotten.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

SHAPE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time(text: str) -> int | None:
    """Read a time as seconds since 1970; None if it is no RFC 3339 time."""
    shape = SHAPE.fullmatch(text)
    if shape is None:
        return None
    try:
        moment = datetime.fromisoformat(shape[1] + shape[3].replace("Z", "+00:00"))
    except ValueError:
        return None
    return (moment - EPOCH) // timedelta(seconds=1)


def format_time(seconds: int, *, micro: bool = False) -> str:
    """Write seconds since 1970 as Kubernetes does, in UTC; `micro` with six places, as a Lease has them."""
    places = ".000000" if micro else ""
    return f"{EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}{places}Z"
