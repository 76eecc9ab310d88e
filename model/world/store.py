"""The store of a world: committed objects in pools of places, read through a view and written as slot updates.

A place is a slot that holds one object of a kind or None. Objects of kinds that nothing changes are constants and
take no slot. Names of created objects carry their place (`web-5d8f-p3`), so equal clusters are equal states however
they came about; a place is used again only when nothing in the state remembers the name it gave. Some names are not
generated and used again at once (a StatefulSet's `db-0`): they have places of their own (`Layout.homes`), and who is
made under such a name is told from the one before by its uid, which is a number longer for as long as anything in the
state remembers that one.

Left out on purpose: resource versions and uids as numbers. An object's uid is its reference, and a precondition
compares the object as it was read with the object as it is: what differs from a version number is only an object
changed there and back again, whose conflict would have been retried on equal content.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import cache
from itertools import chain, count
from typing import Any

from attrs import field, fields, frozen, has
from immutabledict import immutabledict

from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ..machine import View

Updates = dict[str, Hashable]
NO_HOMES: immutabledict[Ref, str] = immutabledict()

_PLACE = re.compile(r"-[a-z](\d+)$")
UID_SLASHES = 2
"""In a uid, which is kind, namespace and name."""
_AGAIN = "~"
"""What stands in a uid between the reference and the number of one who was made under a name that is remembered."""


def name_in(uid: str) -> str:
    """Return the name of the object that a uid is of."""
    return uid.rpartition("/")[2].partition(_AGAIN)[0]


class Names:
    """Which object names and uids a value mentions; what was found is kept for each object, told by its identity.

    The objects are kept with it, lest another one take their place: they are what the states of one machine hold.
    """

    def __init__(self) -> None:
        self.kept: dict[int, tuple[object, frozenset[str]]] = {}

    def __call__(self, value: Any) -> frozenset[str]:
        """Return every object name and uid that a value mentions, wherever it is inside."""
        if isinstance(value, tuple):
            return frozenset().union(*map(self, value))
        if not _fields_of(value.__class__):
            return names_in(value)
        known = self.kept.get(id(value))
        if known is None:
            known = self.kept[id(value)] = (value, names_in(value))
        return known[1]


@frozen
class Layout:
    """Which kinds have places, which objects never change, and which slots may remember an object's name."""

    constants: immutabledict[Ref, Object]
    pools: immutabledict[str, tuple[str, ...]]
    memories: tuple[str, ...] = ()
    busy: immutabledict[str, str] = immutabledict()
    """By place: a slot that must be idle (its value false) before the place is used again."""
    homes: immutabledict[Ref, str] = immutabledict()
    """The places that are kept for objects which have names of their own."""
    names: Names = field(factory=Names, eq=False, repr=False)

    def slots(self) -> tuple[str, ...]:
        """Return every place, kind by kind."""
        return tuple(slot for kind in sorted(self.pools) for slot in self.pools[kind])


def reference(obj: Object | None) -> Ref | None:
    """Return the reference of what is in a place."""
    return None if obj is None else ref_of(obj)


def absent(obj: Object | None) -> bool:
    """Tell whether a place is free."""
    return obj is None


def idle(value: Hashable) -> bool:
    """Tell whether a slot that keeps a place busy lets go of it."""
    return not value


def names_in(value: object) -> frozenset[str]:
    """Return every object name and uid that a value mentions, wherever it is inside."""
    found: set[str] = set()
    _collect(value, found)
    return frozenset(found)


def _collect(value: Any, found: set[str]) -> None:
    if isinstance(value, Ref):
        found.add(value.name)
    elif isinstance(value, tuple | frozenset):
        for item in value:
            if isinstance(item, str):
                found |= {item, name_in(item)}  # A Job's status lists uids so.
            else:
                _collect(item, found)
    elif names := _fields_of(value.__class__):
        for name in names:
            inner = getattr(value, name)
            if isinstance(inner, str):
                if name == "name" or (name == "uid" and inner):
                    found.add(inner)
            elif inner is not None:
                _collect(inner, found)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(key, str):
                found.add(key)  # A budget's status names evicted Pods so.
            if isinstance(inner, str) and inner.count("/") == UID_SLASHES:
                found.add(inner)  # An annotation of somebody's own may keep a uid.
            _collect(inner, found)


@cache
def _fields_of(cls: type[Any]) -> tuple[str, ...]:
    """Name the fields of a class of values; none if it is not one of ours."""
    return tuple(field.name for field in fields(cls)) if has(cls) else ()


class Full(Exception):  # noqa: N818 - it says what is the matter with the pool
    """A kind has no free place left: the world is too small for what happens in it."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Stored:
    """The committed objects as one step sees them: a read-only store with the updates made so far laid over it."""

    def __init__(self, view: View, layout: Layout, updates: Updates | None = None) -> None:
        self.view = view
        self.layout = layout
        self.updates: Updates = {} if updates is None else updates

    def __getitem__(self, slot: str) -> Any:
        return self.updates[slot] if slot in self.updates else self.view[slot]

    def via(self, transform: Callable[[Any], Hashable], slot: str) -> Any:
        """Return `transform(value)`, as a view does."""
        return transform(self.updates[slot]) if slot in self.updates else self.view.via(transform, slot)

    def get(self, ref: Ref) -> Object | None:
        """Return one object, None where there is none."""
        if ref in self.layout.constants:
            return self.layout.constants[ref]
        slot = self.place_of(ref)
        return None if slot is None else self[slot]

    def list(self, kind: str, namespace: str | None) -> tuple[Object, ...]:
        """Return the objects of a kind, in one namespace or in all (None), by namespace and name."""
        constant = (obj for ref, obj in self.layout.constants.items() if ref.kind == kind)
        placed = (self[slot] for slot in self.layout.pools.get(kind, ()))
        found = [obj for obj in (*constant, *placed) if obj is not None and namespace in {None, obj.metadata.namespace}]
        return tuple(sorted(found, key=ref_of))

    def place_of(self, ref: Ref) -> str | None:
        """Return the slot an object is in."""
        pool = self.layout.pools.get(ref.kind, ())
        hint = _PLACE.search(ref.name)
        if hint and int(hint[1]) < len(pool) and self.via(reference, pool[int(hint[1])]) == ref:
            return pool[int(hint[1])]
        return next((slot for slot in pool if self.via(reference, slot) == ref), None)

    def free_place(self, ref: Ref, prefix: str) -> tuple[str, str]:
        """Return a new object's own place, or the first that is free and forgotten and the suffix of a generated name.

        The suffix begins with the kind's letter: what is remembered are names, and no kind takes those of another.
        """
        kind, home = ref.kind, self.layout.homes.get(ref)
        if home is not None and self._is_free(home):
            return home, ""
        remembered = [self.via(self.layout.names, slot) for slot in self.layout.memories] if prefix else []
        kept = frozenset(self.layout.homes.values())
        for number, slot in enumerate(self.layout.pools.get(kind, ())):
            if slot in kept or not self._is_free(slot):
                continue
            suffix = f"{kind[0].lower()}{number}"
            if not any(f"{prefix}{suffix}" in names for names in remembered):
                return slot, suffix
        raise Full(kind)

    def _is_free(self, slot: str) -> bool:
        busy = self.layout.busy.get(slot)
        return bool(self.via(absent, slot)) and (busy is None or bool(self.via(idle, busy)))

    def unused(self, uid: str) -> str:
        """Return a uid that nothing remembers: this one, or it with a number."""
        slots = (*self.layout.memories, *self.layout.busy.values())
        remembered = frozenset().union(*(self.via(self.layout.names, slot) for slot in slots))
        again = (f"{uid}{_AGAIN}{number}" for number in count(2))
        return next(candidate for candidate in chain((uid,), again) if candidate not in remembered)

    def write(self, ref: Ref, obj: Object | None, free: str | None) -> None:
        """Lay one committed change over the store; a new object goes to the place chosen for it."""
        slot = self.place_of(ref) or free
        if slot is None:
            raise Full(ref.kind)
        self.updates[slot] = obj


def pool(kind: str, size: int) -> tuple[str, ...]:
    """Name the places of a kind."""
    return tuple(f"store/{kind}/{number}" for number in range(size))


def place(
    objects: Iterable[Object], pools: Mapping[str, tuple[str, ...]], homes: Mapping[Ref, str] = NO_HOMES
) -> dict[str, Object | None]:
    """Put objects into their own places, and into those of their kinds, in order."""
    slots: dict[str, Object | None] = {slot: None for kind in sorted(pools) for slot in pools[kind]}
    kept = frozenset(homes.values())
    given = tuple(objects)
    slots |= {homes[ref_of(obj)]: obj for obj in given if ref_of(obj) in homes}
    for obj in given:
        if ref_of(obj) in homes:
            continue
        places = sorted(pools[ref_of(obj).kind], key=kept.__contains__)
        free = next((slot for slot in places if slots[slot] is None), None)
        if free is None:
            raise Full(ref_of(obj).kind)
        slots[free] = obj
    return slots
