"""Two objects as YAML, and where they differ: the lines that change, each under what it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

import yaml

from ...impl.api.values.frozen import Json, thaw

Line = tuple[str, str]
"""A mark (" ", "-", "+", or "~" where lines are left out) and the text."""

APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""A note that says again what stands beside it."""


def written(value: Json) -> str:
    """Return an object as YAML; "" for none."""
    if value is None:
        return ""
    plain = thaw(value)
    annotations = plain.get("metadata", {}).get("annotations", {}) if isinstance(plain, dict) else {}
    if APPLIED in annotations:
        annotations[APPLIED] = "..."
    text: str = yaml.safe_dump(plain, sort_keys=True, allow_unicode=True, width=1_000)
    return text


def diff(before: str, after: str) -> tuple[Line, ...]:
    """Return the lines that differ, each with one around it and with the lines that it is under."""
    every = tuple(_lines(before.splitlines(), after.splitlines()))
    kept = {number for number, (mark, _) in enumerate(every) if mark != " "}
    kept |= {number + step for number in kept for step in (-1, 1) if 0 <= number + step < len(every)}
    kept |= {above for number in kept for above in _above(every, number)}
    return tuple(_shown(every, kept)) if kept else ()


def _lines(old: list[str], new: list[str]) -> Iterator[Line]:
    for same, first, end, begin, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if same == "equal":
            yield from ((" ", line) for line in old[first:end])
        else:
            yield from (("-", line) for line in old[first:end])
            yield from (("+", line) for line in new[begin:last])


def _above(every: tuple[Line, ...], number: int) -> Iterator[int]:
    """Yield the lines that a line is under: of those before it each that is indented less than what follows it."""
    depth = _depth(every[number][1])
    for above in range(number - 1, -1, -1):
        mark, text = every[above]
        if mark == " " and _depth(text) < depth:
            depth = _depth(text)
            yield above


def _depth(text: str) -> int:
    """Return how far a line is indented; an item of a list counts as what stands in it."""
    return len(text) - len(text.lstrip(" -"))


def _shown(every: tuple[Line, ...], kept: set[int]) -> Iterator[Line]:
    last = -1
    for number in sorted(kept):
        if number > last + 1:
            yield "~", ""
        yield every[number]
        last = number
    if last < len(every) - 1:
        yield "~", ""
