"""One text for every value a state may hold, and the digest of a whole state: what makes a replay exact to the bit.

The text depends on values only: not on hash seeds, on the order in which a map was filled, or on fields that hold their
default, so that a class may grow a field without making every recorded trace differ.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from hashlib import sha256
from typing import Any

import attrs


def canonical(value: Any) -> str:
    """Return the canonical text of a value; a type it does not know is a TypeError, never a guess by `repr`."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if value is None or isinstance(value, bool | int | float | str):
        return json.dumps(value)
    if attrs.has(type(value)):
        return f"{type(value).__name__}({_fields(value)})"
    if isinstance(value, Mapping):
        pairs = sorted((canonical(key), canonical(item)) for key, item in value.items())
        return "{" + ",".join(f"{key}:{item}" for key, item in pairs) + "}"
    if isinstance(value, AbstractSet):
        return "<" + ",".join(sorted(map(canonical, value))) + ">"
    if isinstance(value, tuple | list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, bytes):
        return f"bytes:{value.hex()}"
    raise TypeError(f"a state holds a {type(value).__name__}, which has no canonical text")


def _fields(value: Any) -> str:
    """Write the fields that differ from their default, in the order of the class."""
    return ",".join(
        f"{field.name.lstrip('_')}={canonical(found)}"
        for field in attrs.fields(type(value))
        if field.eq and not _is_default(field, found := getattr(value, field.name))
    )


def _is_default(field: attrs.Attribute[Any], found: Any) -> bool:
    default: Any = field.default
    if hasattr(default, "takes_self"):
        return not default.takes_self and bool(found == default.factory())
    return default is not attrs.NOTHING and type(found) is type(default) and bool(found == default)


def digest(state: Mapping[str, Hashable]) -> str:
    """Return the SHA-256 of the canonical text of a whole state, slots in the order of their names."""
    whole = sha256()
    for slot in sorted(state):
        whole.update(f"{slot}={canonical(state[slot])}\n".encode())
    return whole.hexdigest()
