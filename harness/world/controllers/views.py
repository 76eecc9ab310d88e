"""What the controllers of a world have in common: how old views are represented, and what is kept of an object."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve, field, frozen

from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....model.machine import View
from ....model.world.world import Form, Process, Transform

USUAL = "default"
"""The namespace that goes without saying."""

Quiet = Callable[[View], bool]


def form_of(lagging: int, *, linearizable: bool, mixed: bool) -> Form:
    """Choose the cheapest sound representation of old views for a process with so many kinds that lag."""
    if linearizable:
        return Form.CURRENT
    return Form.SNAPSHOT if lagging > 1 and mixed else Form.DECISION


@frozen(eq=False)
class Remembering:
    """A transform that gives the same value for the same object again: equality is quick where it is identity.

    Objects are told apart by identity, so each is kept, lest another one take its place.
    """

    transform: Transform
    made: dict[tuple[str, int], tuple[Object, Object | None]] = field(factory=dict)

    def __call__(self, uid: str, obj: Object | None) -> Object | None:
        """Return the transform of an object for a process's key."""
        if obj is None:
            return None
        found = self.made.get((uid, id(obj)))
        if found is None:
            found = self.made[uid, id(obj)] = (obj, self.transform(uid, obj))
        return found[1]


def remembering(process: Process) -> Process:
    """Return a process whose transforms remember what they made."""
    watches = tuple(evolve(watch, transform=Remembering(watch.transform)) for watch in process.watches)
    return evolve(process, watches=watches)


def called(one: Object) -> str:
    """Name an object for people: with its namespace where that is not the usual one."""
    return called_by(ref_of(one))


def called_by(ref: Ref) -> str:
    """Name what a reference leads to, in the same way."""
    return ref.name if ref.namespace in {"", USUAL} else f"{ref.namespace}/{ref.name}"


def named(ref: Ref, _uid: str, obj: Object | None) -> Object | None:
    """Keep the object of this name."""
    return obj if obj is not None and ref_of(obj) == ref else None


def itself(_uid: str, obj: Object | None) -> Object | None:
    """Keep an object as it is."""
    return obj
