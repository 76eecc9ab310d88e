"""Frozen JSON: what a manifest says in fields that have no class of their own here.

Every class of the vocabulary keeps the fields it does not model in `extra`, so that loading and writing an object loses
nothing and a report can name what was not modelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from immutabledict import immutabledict

Strings = immutabledict[str, str]
"""Labels, annotations, nodeSelector, matchLabels: frozen, iterated in key order when built by `strings`."""

Json = Any
"""None, bool, int, float, str, a tuple of Json, or an immutabledict of str to Json."""


def strings(pairs: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> Strings:
    """Freeze a map of strings, its keys in order, so that equal maps print alike."""
    return _shared(tuple(sorted(dict(pairs).items())))


@lru_cache(maxsize=1 << 14)
def _shared(pairs: tuple[tuple[str, str], ...]) -> Strings:
    """Return one map for equal pairs: to compare objects is quick where their maps are the same one."""
    return immutabledict(pairs)


def freeze(value: Any) -> Json:
    """Freeze parsed JSON: lists become tuples, maps become immutabledicts with their keys in order."""
    if isinstance(value, Mapping):
        return immutabledict((key, freeze(value[key])) for key in sorted(value))
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    return value


def thaw(value: Json) -> Any:
    """Return back plain lists and dicts, as `json` and PyYAML make them."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [thaw(item) for item in value]
    return value


def as_map(value: Json) -> Mapping[str, Json]:
    """Return a value that is a map, and no fields where it is something else."""
    return value if isinstance(value, Mapping) else EMPTY


EMPTY: immutabledict[str, Json] = immutabledict()
"""No field left over."""
