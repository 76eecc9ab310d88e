"""The words that several tables share: ages, labels, images.

Upstream: staging/src/k8s.io/apimachinery/pkg/util/duration, pkg/printers/internalversion/printers.go (v1.32).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ....api.meta import Time
from ....api.values.timestamps import parse_time

NONE = "<none>"
UNKNOWN = "<unknown>"


def human(seconds: int) -> str:
    """Write a duration as short as a table wants it."""
    if seconds < -1:
        return "<invalid>"
    if seconds < 120:
        return f"{max(seconds, 0)}s"
    minutes, hours = seconds // 60, seconds // 3600
    if minutes < 10:
        return f"{minutes}m{_unless_zero(seconds % 60, 's')}"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{_unless_zero(minutes % 60, 'm')}"
    if hours < 48:
        return f"{hours}h"
    days = hours // 24
    if hours < 192:
        return f"{days}d{_unless_zero(hours % 24, 'h')}"
    if days < 730:
        return f"{days}d"
    return f"{days // 365}y{_unless_zero(days % 365, 'd') if days < 2920 else ''}"


def _unless_zero(number: int, unit: str) -> str:
    return f"{number}{unit}" if number else ""


def age(since: Any, now: Time) -> str:
    """Write how long ago a time stamp was."""
    then = parse_time(since) if isinstance(since, str) else None
    return UNKNOWN if then is None else human(now - then)


def labels(given: Mapping[str, str] | None) -> str:
    """Write labels, sorted."""
    return ",".join(f"{key}={value}" for key, value in sorted((given or {}).items())) or NONE


def selector(given: Mapping[str, Any] | None) -> str:
    """Write a label selector."""
    if given is None:
        return NONE
    parts = [f"{key}={value}" for key, value in (given.get("matchLabels") or {}).items()]
    for expression in given.get("matchExpressions") or ():
        values = f" ({','.join(sorted(expression.get('values') or ()))})"
        match expression.get("operator"):
            case "In" | "NotIn":
                parts.append(f"{expression['key']} {expression['operator'].lower()}{values}")
            case "Exists":
                parts.append(expression["key"])
            case _:
                parts.append(f"!{expression['key']}")
    return ",".join(sorted(parts)) or NONE


def containers(template: Mapping[str, Any] | None) -> tuple[str, str]:
    """Write the names and the images of the containers of a template."""
    found = ((template or {}).get("spec") or {}).get("containers") or ()
    return ",".join(container.get("name", "") for container in found), ",".join(
        container.get("image", "") for container in found
    )


def listed(values: Iterable[Any], most: int = 3, empty: str = "<unset>") -> str:
    """Write the first few of some values."""
    found = [str(value) for value in values]
    if not found:
        return empty
    shown = ",".join(found[:most])
    return f"{shown} + {len(found) - most} more..." if len(found) > most else shown
