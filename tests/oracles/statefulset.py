"""What the real StatefulSet controller wrote in recorded runs, held against what ours asks for (`controller_runs`)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from attrs import evolve

from kubeproof.impl.api.apps import ControllerRevision, StatefulSet
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.kinds import Object, ref_of
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.requests import Create, Delete, Request, Update
from kubeproof.impl.api.storage import PersistentVolumeClaim
from kubeproof.impl.controllers.statefulset import statefulset

from .controller_runs import Difference, Ours, differences

WATCHED = frozenset(statefulset.reads(Ref("", "", "")))


def judge(record: dict[str, Any]) -> Difference | None:
    """Return the first difference of a recorded run, None where there is none."""
    return next(differences(record, Ours(WATCHED, _requests, _requests, _is_asked)), None)


def _requests(cache: Cache) -> list[Request]:
    """Return what ours asks for on one state, whatever it keeps of it."""
    kept = (statefulset.TRANSFORM[ref.kind](one) for ref, one in cache.objects.items())
    slim = Cache.of(one for one in kept if one is not None)
    return [one for key in cache.objects if key.kind == "StatefulSet" for one in statefulset.reconcile(slim, key)]


def _is_asked(old: Object | None, new: Object, asked: list[Request], by_hand: Collection[str]) -> bool:
    """Tell whether a change is one that somebody else makes, or one that was asked for."""
    match old, new:
        case None, StatefulSet():
            return True
        case StatefulSet(), StatefulSet():
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


def _writes_status(request: Request, new: StatefulSet) -> bool:
    return (
        isinstance(request, Update)
        and isinstance(request.object, StatefulSet)
        and (evolve(request.object.status, extra=new.status.extra) == new.status)
    )


def _alike(made: Object, stored: Object) -> bool:
    """Tell whether an object was stored as it was asked for, but for what the API server and others add."""
    if ref_of(made) != ref_of(stored) or made.metadata.labels != stored.metadata.labels:
        return False
    match made, stored:
        case Pod(), Pod():
            extra = {key: value for key, value in made.spec.extra.items() if key in {"hostname", "subdomain"}}
            images = [one.image for one in made.spec.containers] == [one.image for one in stored.spec.containers]
            volumes = set(made.spec.extra.get("volumes") or ()) <= set(stored.spec.extra.get("volumes") or ())
            owners = made.metadata.owner_references == stored.metadata.owner_references
            return images and volumes and owners and extra.items() <= stored.spec.extra.items()
        case ControllerRevision(), ControllerRevision():
            return (made.data, made.revision) == (stored.data, stored.revision)
        case PersistentVolumeClaim(), PersistentVolumeClaim():
            return made.spec.resources == stored.spec.resources
    return False
