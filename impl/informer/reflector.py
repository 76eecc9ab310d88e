"""A reflector: it lists a kind, watches from the version of the list on, and lists anew when it must.

Upstream: staging/src/k8s.io/client-go/tools/cache/reflector.go (v1.32; relistResourceVersion, watchHandler).
Left out on purpose: pages, resync, back-off, streamed lists (WatchList, KEP-3157: `consistent_start` is what they
change of versions).
"""

from __future__ import annotations

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ..api.kinds import Object, ref_of
from ..api.meta import Ref
from ..api.requests import Response
from ..apiserver.verbs.watch import WatchEvent


@frozen(cache_hash=True)
class Reflector:
    """The objects as last heard of, with the version up to which that is so ("" before the first list).

    `unavailable`: the server has said that it does not have that version.
    """

    objects: immutabledict[Ref, Object] = field(factory=immutabledict)
    version: str = ""
    unavailable: bool = False


def list_version(reflector: Reflector, *, consistent_start: bool = False) -> str:
    """Return the resourceVersion to list with: the last one known, the most recent, or, at the start, any.

    `consistent_start`: the first list asks for the most recent, too.
    """
    if reflector.unavailable:
        return ""
    return reflector.version or ("" if consistent_start else "0")


def listed(objects: tuple[Object, ...], revision: int) -> Reflector:
    """Replace everything by a list."""
    return Reflector(immutabledict((ref_of(obj), obj) for obj in objects), str(revision))


def refused(reflector: Reflector, response: Response) -> Reflector:
    """Take note of a refusal: too old (410) and too large (504) versions are not asked for again."""
    return evolve(reflector, unavailable=True) if response.code in {410, 504} else reflector


def heard(reflector: Reflector, event: WatchEvent) -> Reflector:
    """Take an event of the watch."""
    objects = dict(reflector.objects)
    objects.pop(ref_of(event.object), None)
    if event.type != "DELETED":
        objects[ref_of(event.object)] = event.object
    known = immutabledict(sorted(objects.items(), key=lambda item: item[0].name))
    return evolve(reflector, objects=known, version=event.object.metadata.resource_version)


def bookmarked(reflector: Reflector, revision: int) -> Reflector:
    """Take a bookmark: nothing has changed up to that version."""
    return evolve(reflector, version=str(revision))
