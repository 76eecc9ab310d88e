"""Owners of kinds without a class here: whether they are there, by what the input has of them.

Upstream: pkg/controller/garbagecollector/garbagecollector.go (isDangling, v1.32): an owner is there if one of its name
has the uid that the dependent gives. The API server draws the uid of what a manifest makes, so that one that is written
down is that of nothing the manifests make; in a dump uids are what they are. Of a kind that no API serves the collector
cannot ask, and deletes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from ....impl.api.kinds import BY_NAME, Object
from ....impl.api.meta import OwnerReference, Ref
from ....impl.api.reading import schema
from ....impl.api.reading.load import Note, Other
from ....impl.api.reading.unmodelled_kinds import MOVES
from ....impl.api.values.frozen import as_map
from ....impl.apiserver.verbs.create import uid_of
from ....impl.controllers.garbage import is_modelled
from ..files.manifests import Manifests


@frozen
class Owners:
    """The uids of owners that are known not to be there, and notes of those of which nobody knows."""

    gone: frozenset[str] = frozenset()
    notes: tuple[Note, ...] = ()


def owners(manifests: Manifests, applied: Iterable[Object], *, complete: bool) -> Owners:
    """Judge the owners that manifests name, in a cluster that they make; `complete`: the input is all there is."""
    gone: set[str] = set()
    notes: list[Note] = []
    served = frozenset(_served(manifests.others))
    for owned, owner in _named((*manifests.objects, *applied)):
        kind = _kind(owner)
        known = schema.is_built_in(owner.api_version, owner.kind) or kind in served
        if any(_is(other, owned, owner) for other in manifests.others) or (complete and known):
            gone.add(owner.uid)
        else:
            notes.append(_note(manifests, owned, owner))
    return Owners(frozenset(gone), tuple(dict.fromkeys(notes)))


def owners_of_live(found: Manifests, manifests: Manifests) -> frozenset[str]:
    """Return the uids of owners that a dump shows not to be there: it has objects of their kind, and none of their uid.

    What the dump has is known by its name in a world; what manifests bring to it is as it is written.
    """
    kinds = {_kind_of(other) for other in found.others}
    uids = {str(_metadata(other).get("uid") or "") for other in found.others}
    live = ((uid_of(_ref(owned, owner)), owner) for owned, owner in _named(found.objects))
    brought = ((owner.uid, owner) for _, owner in _named(manifests.objects))
    return frozenset(key for key, owner in (*live, *brought) if _kind(owner) in kinds and owner.uid not in uids)


def _named(objects: Iterable[Object]) -> Iterator[tuple[Object, OwnerReference]]:
    for obj in objects:
        yield from ((obj, owner) for owner in obj.metadata.owner_references if not is_modelled(owner))


def _kind(owner: OwnerReference) -> tuple[str, str]:
    return owner.api_version.rpartition("/")[0], owner.kind


def _kind_of(other: Other) -> tuple[str, str]:
    return str(other.source.document.value.get("apiVersion", "")).rpartition("/")[0], other.ref.kind


def _served(others: Iterable[Other]) -> Iterator[tuple[str, str]]:
    """Yield the kinds that the cluster must serve: those of which there are objects, and those that are defined."""
    for other in others:
        yield _kind_of(other)
        if other.ref.kind == "CustomResourceDefinition":
            spec = as_map(other.source.document.value.get("spec"))
            yield str(spec.get("group", "")), str(as_map(spec.get("names")).get("kind", ""))


def _is(other: Other, dependent: Object, owner: OwnerReference) -> bool:
    """Tell whether an object of the input is the one that an owner reference names."""
    here = other.ref.namespace in {"", dependent.metadata.namespace}
    return here and _kind_of(other) == _kind(owner) and other.ref.name == owner.name


def _ref(one: Object, owner: OwnerReference) -> Ref:
    kind = BY_NAME.get(owner.kind)
    return Ref(owner.kind, one.metadata.namespace if kind is None or kind.namespaced else "", owner.name)


def _note(manifests: Manifests, one: Object, owner: OwnerReference) -> Note:
    why = f"its owner {owner.kind} {owner.name} is not in the input: it is deleted if that does not exist by this uid"
    return manifests.note(one, "metadata.ownerReferences", why, MOVES)


def _metadata(other: Other) -> Mapping[str, Any]:
    return as_map(other.source.document.value.get("metadata"))
