"""What is known of a controller by which its writes are judged, and what several of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from attrs import evolve, frozen

from ....impl.api.cache import Cache
from ....impl.api.core import Pod
from ....impl.api.kinds import Object
from ....impl.api.meta import Ref
from ....impl.api.releases import Release
from ....impl.api.requests import Delete, Request
from ....impl.api.well_known import DISRUPTION_TARGET
from ....impl.controllers.common import Transform
from ....impl.controllers.garbage import FOREGROUND
from ..history import NOT_BY_HAND, Change

ANYBODY = frozenset({"", NOT_BY_HAND, "system:kube-controller-manager"})
"""What is written down of who has changed something where it may have been any controller."""
LATER = 366 * 24 * 3600
"""So many seconds later every deadline has passed: when a sync was is not recorded."""


@frozen
class Seen:
    """What a controller may have seen when it synced, by the time that was told last, and of which release it is."""

    cache: Cache
    now: int
    release: Release


Syncs = Callable[[Seen, Ref], Iterable[Request]]


@frozen
class Writer:
    """A controller. `may`: all that a sync of a key may ask for; `must`: what is left to do where nothing is."""

    name: str
    kinds: frozenset[str]
    """Of what its syncs are."""
    watched: frozenset[str]
    keeps: Transform
    may: Syncs
    must: Syncs
    writes: Callable[[Change, Cache], bool]
    """Whether a change is one that it makes, and nobody else, on what is there."""
    explains: Callable[[Request, Change], bool]
    """Whether a request brings a change about."""
    needs: frozenset[str] = frozenset()
    """Kinds without which nothing can be said of it."""

    def is_its(self, change: Change, cache: Cache) -> bool:
        """Tell whether a change is to be asked for by this controller."""
        return (change.who == self.name or change.who in ANYBODY) and self.writes(change, cache)

    def asked(self, seen: Seen, syncs: Syncs, namespace: str | None = None) -> Iterator[Request]:
        """Yield what it asks for on something that it may have seen, of its keys in a namespace, or in all."""
        kept = ((ref, self.keeps[ref.kind](obj)) for ref, obj in seen.cache.objects.items() if ref.kind in self.keeps)
        slim = evolve(seen, cache=Cache.of(obj for _, obj in kept if obj is not None))
        for key in seen.cache.objects:
            if key.kind in self.kinds and namespace in {None, "", key.namespace}:
                yield from syncs(slim, key)


def owner_of(obj: Object) -> str:
    """Return the kind of an object's controller, "" if it has none."""
    owner = obj.metadata.controller
    return owner.kind if owner is not None else ""


def deletes(kinds: frozenset[str], change: Change, cache: Cache) -> bool:
    """Tell whether a controller of these kinds deletes what is its own, and no collector of garbage nor an eviction.

    Who did is known from an audit log, or where a run tells what was done by hand.
    """
    old, new = change.before, change.after
    if not change.who or old is None or old.metadata.terminating or owner_of(old) not in kinds:
        return False
    if new is not None and not new.metadata.terminating:
        return False
    owner = old.metadata.controller
    disrupted = isinstance(new, Pod) and any(condition.type == DISRUPTION_TARGET for condition in new.status.conditions)
    return not disrupted and owner is not None and stays(cache, owner.uid)


def stays(cache: Cache, uid: str) -> bool:
    """Tell whether an object is there, and is not being deleted."""
    return any(obj.metadata.uid == uid and not obj.metadata.terminating for obj in cache.objects.values())


def asks_to_delete(request: Request, change: Change) -> bool:
    """Tell whether a request is the deletion that a change shows."""
    return isinstance(request, Delete) and request.ref == change.ref


def in_the_foreground(change: Change) -> bool:
    """Tell whether what a change leaves waits for those that it owns."""
    return change.after is not None and FOREGROUND in change.after.metadata.finalizers


def begins_to_go(change: Change) -> bool:
    """Tell whether an object is deleted in a change, at once or in the end."""
    old, new = change.before, change.after
    return old is not None and not old.metadata.terminating and (new is None or new.metadata.terminating)


def same_pod(made: Pod, stored: Pod) -> bool:
    """Tell whether a Pod was stored as it was asked for, but for what the API server and others add."""
    wanted, given = made.metadata, stored.metadata
    if wanted.name not in {"", given.name} or wanted.generate_name != given.generate_name:
        return False
    images = [container.image for container in made.spec.containers] == [
        container.image for container in stored.spec.containers
    ]
    owners = wanted.owner_references == given.owner_references
    return images and owners and wanted.labels == given.labels
