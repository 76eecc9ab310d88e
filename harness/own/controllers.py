"""A controller that a user writes: a function of an object and what its caches show, which asks for requests.

    @controller(kind="example.com/v1/Database", owns=["StatefulSet", "Service"])
    def reconcile(db, view):
        yield create(owned_by(db, {...}))

It is called for one object of its kind at a time, as controller-runtime's Reconciler is, and only while it sees one. It
must be pure: the same object and view give the same requests. A function that returns a list of requests asks for them
one after the other, and a refusal ends the sync; one that yields them hears each answer, and a refusal is raised in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from attrs import field, frozen

from ...impl.api.kinds import Kind, Object
from .asking import Asked
from .kinds import kind_of_name
from .objects import Objects

Reconcile = Callable[[dict[str, Any], Objects], Iterable[Asked] | None]
Named = str | type | Kind


def _kinds(given: Iterable[Named]) -> tuple[Kind, ...]:
    return tuple(dict.fromkeys(map(kind_of_name, given)))


@frozen(eq=False)
class Controller:
    """A controller of a user. Calling it calls the function."""

    reconcile: Reconcile
    name: str
    kind: Kind
    owns: tuple[Kind, ...] = ()
    watches: tuple[Kind, ...] = ()
    sees_own: frozenset[str] = field(factory=frozenset)
    places: int = 4

    def __call__(self, obj: dict[str, Any], view: Objects) -> Iterable[Asked] | None:
        """Reconcile one object."""
        return self.reconcile(obj, view)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Return every kind that it looks at, its own first."""
        return tuple(dict.fromkeys((self.kind, *self.owns, *self.watches)))


def controller(
    kind: Named,
    *,
    owns: Iterable[Named] = (),
    watches: Iterable[Named] = (),
    sees_own: Iterable[Named] = (),
    places: int = 4,
    name: str = "",
) -> Callable[[Reconcile], Controller]:
    """Make a controller of a function.

    `kind` is what it reconciles, `owns` what it makes and `watches` what else its caches hold, of its object's
    namespace. A kind is a class, its name, or group/version/kind of a custom one. `sees_own` names the kinds of which
    it acts only once it has seen what it wrote itself (expectations); controller-runtime promises that of none. Of each
    kind that it makes `places` objects may be there at one time: where more are needed, the verdict is UNKNOWN.

    Raises UnknownKindError.
    """
    own, made, seen = kind_of_name(kind), _kinds(owns), _kinds(watches)
    waits = frozenset(seen_kind.name for seen_kind in _kinds(sees_own))

    def decorate(reconcile: Reconcile) -> Controller:
        called = name or f"{own.name.lower()}-controller"
        return Controller(reconcile, called, own, made, seen, waits, places)

    return decorate


@frozen(eq=False)
class Own:
    """What a user brings to a check: controllers, and properties."""

    controllers: tuple[Controller, ...] = ()
    properties: tuple[Any, ...] = ()
    made: tuple[Object, ...] = ()
    """What controllers of the user have been seen to make that controllers of Kubernetes take up (`making`)."""

    def __bool__(self) -> bool:
        return bool(self.controllers or self.properties)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Return the kinds that controllers look at."""
        return tuple(dict.fromkeys(kind for maker in self.controllers for kind in maker.kinds))

    def places(self, kind: str) -> int:
        """Return how many objects of a kind controllers may have made at one time."""
        return sum(maker.places for maker in self.controllers if kind in {made.name for made in maker.owns})


NOTHING = Own()
