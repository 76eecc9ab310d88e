"""What a step changed, as values: which slot, which object, which field, the value before and after.

An object of Kubernetes is told as the API shows it, by the names of its JSON fields and item by item where a list keeps
its length; one that comes or goes is told whole. Of what components remember the objects are told by name. Only for
readers: a replay compares digests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Any

import attrs
from attrs import frozen

from ..impl.api.kinds import BY_NAME, Object, Unstructured, ref_of
from ..impl.api.meta import Ref
from ..impl.api.reading.convert import unstructure
from ..impl.api.reading.json_fields import json_name
from ..impl.api.values.frozen import Json, as_map, freeze
from .canonical import canonical

LONGEST = 60
"""Characters of a value that a line shows."""
MOST = 6
"""Lines that are shown of one slot."""
OBJECTS = frozenset({Unstructured, *(kind.cls for kind in BY_NAME.values())})


@frozen
class Change:
    """A field of a slot that is another one after a step. `object` is None in a slot that holds no object."""

    slot: str
    object: Ref | None
    field: str
    """The path in the object's JSON, "" for all of it; elsewhere the path in the slot's value."""
    before: Json
    after: Json

    @property
    def line(self) -> str:
        """Say it in a line; long values are cut, so two different changes may read alike."""
        joint = " " if self.object else "" if self.field.startswith("[") else "."
        path = f"{joint}{self.field}" if self.field else ""
        shown = _presence if self.object and not self.field else brief
        before, after = (shown(value) for value in _apart(self.before, self.after))
        return f"{self.object or self.slot}{path}: {before} -> {after}"

    @property
    def is_told(self) -> bool:
        """Tell whether a reader sees a difference: an empty list and nothing at all are both nothing."""
        return bool(self.before) or bool(self.after) or brief(self.before) != brief(self.after)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return what differs between two states, the slots in order."""
    slots = (slot for slot in after if before[slot] != after[slot])
    return tuple(change for slot in slots for change in _of_slot(slot, before[slot], after[slot]))


def _of_slot(slot: str, before: Any, after: Any) -> Iterator[Change]:
    old, new = _ref(before), _ref(after)
    if old is None and new is None:
        yield from (Change(slot, None, *found) for found in _differing("", before, after))
    elif old == new:
        yield from (Change(slot, old, *found) for found in _differing("", plain(before), plain(after)))
    else:
        if old is not None:
            yield Change(slot, old, "", plain(before), None)
        if new is not None:
            yield Change(slot, new, "", None, plain(after))


def _ref(value: Any) -> Ref | None:
    return ref_of(value) if type(value) in OBJECTS else None


def plain(value: Object) -> Json:
    """Return the frozen JSON of an object, the order of its fields kept out of it."""
    return freeze(unstructure(value))


def _differing(path: str, before: Any, after: Any) -> Iterator[tuple[str, Json, Json]]:
    """Descend where both sides have the same shape; give the rest in whole values."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}, key=canonical):
            name = f"{path}.{key}" if isinstance(key, str) and key.isidentifier() else f"{path}[{_key(key)}]"
            yield from _differing(name.removeprefix("."), before.get(key), after.get(key))
    elif isinstance(before, tuple) and isinstance(after, tuple) and _same_places(before, after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differing(f"{path}[{index}]", old, new)
    elif attrs.has(type(before)) and type(before) is type(after) and _name_of(before) == _name_of(after):
        for field in attrs.fields(type(before)):
            name = f"{path}.{json_name(field.name)}"
            yield from _differing(name.removeprefix("."), getattr(before, field.name), getattr(after, field.name))
    else:
        yield path, remembered(before), remembered(after)


def _same_places(before: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    """Tell whether two lists are told item by item: in each place is what was in it, if it may have changed.

    Where another taint or condition has come in the place of one, and where a condition has another status, the lists
    are told whole: without its type the status of a condition says nothing.
    """
    return len(before) == len(after) and all(map(_is_same, before, after))


def _is_same(one: Any, other: Any) -> bool:
    old, new = as_map(one), as_map(other)
    telling = ("name", "type", "key", "effect", *(("status",) if "type" in old else ()))
    return all(old.get(key) == new.get(key) for key in telling)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else brief(remembered(key))


def remembered(value: Any) -> Json:
    """Return plain JSON of what somebody remembers: objects and requests by what they are about."""
    if isinstance(value, Enum):
        return str(value.value)
    if (name := _name_of(value)) is not None:
        return name
    if attrs.has(type(value)):
        return freeze({json_name(field.name): remembered(getattr(value, field.name)) for field in _telling(value)})
    if isinstance(value, Mapping):
        return freeze({_key(key): remembered(item) for key, item in value.items()})
    if isinstance(value, AbstractSet):
        return tuple(sorted(map(remembered, value), key=str))
    if isinstance(value, tuple | list):
        return tuple(map(remembered, value))
    return value if value is None or isinstance(value, bool | int | float | str) else canonical(value)


def _telling(value: Any) -> Iterable[attrs.Attribute[Any]]:
    return (field for field in attrs.fields(type(value)) if field.eq and getattr(value, field.name) != field.default)


def _name_of(value: Any) -> str | None:
    """Name an object, or a request by its verb and its object; None for anything else."""
    if isinstance(value, Ref):
        return str(value)
    cls = value.of.name if isinstance(value, Unstructured) else type(value).__name__
    if (metadata := getattr(value, "metadata", None)) is not None:
        return f"{cls} {metadata.name or metadata.generate_name + '...'}"
    about = getattr(value, "object", None)
    if about is not None and (name := _name_of(about)):
        return f"{cls} {name}"
    ref = getattr(value, "ref", None) or getattr(value, "pod", None)
    return f"{cls} {ref}" if isinstance(ref, Ref) else None


def lines(found: Iterable[Change]) -> Iterator[str]:
    """Yield a line for each change, of one slot no more than `MOST`."""
    by_slot: dict[str, list[Change]] = {}
    for change in found:
        by_slot.setdefault(change.slot, []).append(change)
    for slot, every in by_slot.items():
        some = [change for change in every if change.is_told]
        yield from (change.line for change in some[:MOST])
        if len(some) > MOST:
            yield f"{some[0].object or slot}: and {len(some) - MOST} more fields"


def _apart(before: Json, after: Json) -> tuple[Json, Json]:
    """Return of two lists of conditions those that differ, by their types; anything else as it is."""
    old, new = conditions(before), conditions(after)
    if old is None or new is None:
        return before, after
    differing = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    if not differing:
        return before, after
    return freeze({name: old.get(name) for name in differing}), freeze({name: new.get(name) for name in differing})


def conditions(value: Json) -> dict[str, Json] | None:
    """Return the statuses of conditions by their types; None for what is no list of conditions."""
    if value is None or value == ():
        return {}
    maps = [as_map(item) for item in value] if isinstance(value, tuple) else [as_map(())]
    if not all("type" in condition and "status" in condition for condition in maps):
        return None
    return {str(condition["type"]): condition["status"] for condition in maps}


def _presence(value: Json) -> str:
    return "nothing" if value is None else "there"


def brief(value: Json) -> str:
    """Return a value in at most `LONGEST` characters."""
    if value is None or value == ():
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=_thawed)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _thawed(value: Any) -> Any:
    return dict(value)
