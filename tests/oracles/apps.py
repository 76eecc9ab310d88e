"""What the real controllers of StatefulSets and DaemonSets wrote in recorded runs, held against what ours ask for."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from attrs import evolve, frozen

from kubeproof.impl.api.apps import ControllerRevision, DaemonSet, StatefulSet
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Node, Pod
from kubeproof.impl.api.kinds import Object, ref_of
from kubeproof.impl.api.meta import ObjectMeta, Ref
from kubeproof.impl.api.releases import OLDEST
from kubeproof.impl.api.requests import Create, Delete, Request, Update
from kubeproof.impl.api.storage import PersistentVolumeClaim
from kubeproof.impl.controllers.common import Transform
from kubeproof.impl.controllers.daemonset import daemonset
from kubeproof.impl.controllers.statefulset import statefulset

from .controller_runs import Difference, Ours, differences

NOBODY = Ref("", "", "")


@frozen
class Controller:
    """A controller: the kind that it is about, what it watches and keeps, and what a sync may ask for."""

    kind: str
    watched: frozenset[str]
    keep: Transform
    syncs: Callable[[Cache, Ref], tuple[tuple[Request, ...], ...]]
    start: tuple[Node, ...] = ()
    """What is there from the start and not among the events."""


def _daemonset_syncs(cache: Cache, key: Ref) -> tuple[tuple[Request, ...], ...]:
    found = daemonset.grouped(cache, key, release=OLDEST)
    return tuple(tuple(one for group in groups for one in group) for groups in found)


CONTROLLERS = {
    "sts": Controller(
        "StatefulSet",
        frozenset(statefulset.reads(NOBODY)),
        statefulset.TRANSFORM,
        lambda cache, key: (statefulset.reconcile(cache, key),),
    ),
    "ds": Controller(
        "DaemonSet",
        frozenset(daemonset.reads(NOBODY)),
        daemonset.TRANSFORM,
        _daemonset_syncs,
        tuple(Node(ObjectMeta(name=f"node-{number}", uid=f"node-{number}")) for number in range(3)),
    ),
}
"""By what the names of their recordings begin with."""


def judge(record: dict[str, Any]) -> Difference | None:
    """Return the first difference of a recorded run, None where there is none."""
    of = CONTROLLERS[record["scenario"].partition("-")[0]]
    asks = partial(_requests, of)
    return next(differences(record, Ours(of.watched, asks, asks, _is_asked, of.start)), None)


def _requests(of: Controller, cache: Cache) -> list[Request]:
    """Return what ours asks for on one state, whatever it keeps of it."""
    kept = (of.keep[ref.kind](one) for ref, one in cache.objects.items())
    slim = Cache.of(one for one in kept if one is not None)
    keys = (key for key in cache.objects if key.kind == of.kind)
    return [one for key in keys for sync in of.syncs(slim, key) for one in sync]


def _is_asked(old: Object | None, new: Object, asked: list[Request], by_hand: Collection[str]) -> bool:
    """Tell whether a change is one that somebody else makes, or one that was asked for."""
    match old, new:
        case None, StatefulSet() | DaemonSet():
            return True
        case ((StatefulSet() | DaemonSet()), (StatefulSet() | DaemonSet())):
            return new.status == old.status or any(_writes_status(one, new) for one in asked)
        case None, _:
            return any(isinstance(one, Create) and _alike(one.object, new) for one in asked)
        case Pod(), Pod() if new.metadata.terminating and not old.metadata.terminating:
            owner = new.metadata.controller
            hand = new.metadata.name in by_hand or (owner is not None and owner.name in by_hand)
            return hand or any(isinstance(one, Delete) and one.ref == ref_of(new) for one in asked)
        case ControllerRevision(), ControllerRevision() if new.revision != old.revision:
            return any(isinstance(one, Update) and _alike(one.object, new) for one in asked)
    return True


def _writes_status(request: Request, new: StatefulSet | DaemonSet) -> bool:
    return (
        isinstance(request, Update)
        and isinstance(request.object, StatefulSet | DaemonSet)
        and (evolve(request.object.status, extra=new.status.extra) == new.status)
    )


def _alike(made: Object, stored: Object) -> bool:
    """Tell whether an object was stored as it was asked for, but for what the API server and others add."""
    named = made.metadata.name in {"", stored.metadata.name} and ref_of(made).kind == ref_of(stored).kind
    if not named or made.metadata.labels != stored.metadata.labels:
        return False
    if made.metadata.generate_name != stored.metadata.generate_name:
        return False
    match made, stored:
        case Pod(), Pod():
            extra = {key: value for key, value in made.spec.extra.items() if key in {"hostname", "subdomain"}}
            images = [one.image for one in made.spec.containers] == [one.image for one in stored.spec.containers]
            volumes = set(made.spec.extra.get("volumes") or ()) <= set(stored.spec.extra.get("volumes") or ())
            owners = made.metadata.owner_references == stored.metadata.owner_references
            affinity = made.spec.affinity == stored.spec.affinity
            placed = affinity and set(made.spec.tolerations) <= set(stored.spec.tolerations)
            return images and volumes and owners and placed and extra.items() <= stored.spec.extra.items()
        case ControllerRevision(), ControllerRevision():
            return (made.data, made.revision) == (stored.data, stored.revision)
        case PersistentVolumeClaim(), PersistentVolumeClaim():
            return made.spec.resources == stored.spec.resources
    return False
