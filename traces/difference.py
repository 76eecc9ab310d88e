"""What a step changed, in a few words per slot: field paths with the value before and after.

Only for readers: a replay compares digests. Long values are cut, so two different changes may read alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from ..impl.api.meta import Ref
from .canonical import canonical

LONGEST = 60
"""Characters of a value that are shown."""
MOST = 6
"""Fields of one slot that are shown."""


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Give one line per field that differs, the slots in order: `pod 1.spec.node_name: "" -> "node-1"`."""
    lines: list[str] = []
    for slot in after:
        if before[slot] == after[slot]:
            continue
        found = list(_changes(slot, before[slot], after[slot]))
        lines.extend(found[:MOST])
        if len(found) > MOST:
            lines.append(f"{slot}: and {len(found) - MOST} more fields")
    return tuple(lines)


def _changes(path: str, before: Any, after: Any) -> Iterator[str]:
    """Descend where both sides have the same shape; say the rest in whole values."""
    if before == after:
        return
    if attrs.has(type(before)) and type(before) is type(after) and _subject(before) == _subject(after):
        for field in attrs.fields(type(before)):
            name = f"{path}.{field.name}"
            yield from _changes(name, getattr(before, field.name), getattr(after, field.name))
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}, key=canonical):
            yield from _changes(f"{path}[{_name(key)}]", before.get(key), after.get(key))
    elif isinstance(before, tuple) and isinstance(after, tuple) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _changes(f"{path}[{index}]", old, new)
    else:
        yield f"{path}: {brief(before)} -> {brief(after)}"


def _name(key: Any) -> str:
    return key if isinstance(key, str) else brief(key)


def brief(value: Any) -> str:
    """Give a value in at most `LONGEST` characters; an object goes by its name, a request by what it is about."""
    text = _whole(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _whole(value: Any) -> str:
    if value is None or value == ():
        return "nothing"
    if isinstance(value, tuple) and all(isinstance(item, tuple) or _subject(item) for item in value):
        return ", ".join(map(_whole, value))
    return _subject(value) or canonical(value)


def _subject(value: Any) -> str:
    """Name an object, or a request by its verb and its object; "" for anything else."""
    name = type(value).__name__
    if (metadata := getattr(value, "metadata", None)) is not None:
        return f"{name} {metadata.name or metadata.generate_name + '...'}"
    about = getattr(value, "object", None)
    ref = getattr(value, "ref", None) or getattr(value, "pod", None)
    if about is not None and _subject(about):
        return f"{name} {_subject(about)}"
    return f"{name} {ref}" if isinstance(ref, Ref) else ""
