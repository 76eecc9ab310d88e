"""The controllers of StatefulSets and DaemonSets: Pods, revisions of templates, claims, and the status."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from attrs import evolve

from ....impl.api.apps import ControllerRevision, DaemonSet, StatefulSet
from ....impl.api.cache import Cache
from ....impl.api.core import Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.requests import Create, Request, Update, possible
from ....impl.api.storage import PersistentVolumeClaim
from ....impl.controllers.daemonset import daemonset
from ....impl.controllers.statefulset import statefulset
from ..history import Change
from .writer import Seen, Writer, asks_to_delete, begins_to_go, deletes, owner_of, same_pod

NOBODY = Ref("", "", "")


def _statefulset_syncs(seen: Seen, key: Ref) -> Iterator[Request]:
    yield from statefulset.reconcile(seen.cache, key, now=seen.now)


def _daemonset_syncs(seen: Seen, key: Ref) -> Iterator[Request]:
    for groups in daemonset.syncs(seen.cache, key, release=seen.release):
        yield from possible(groups)


def _writes(kind: str, change: Change, cache: Cache) -> bool:
    match change.before, change.after:
        case ((StatefulSet() | DaemonSet()) as old, (StatefulSet() | DaemonSet()) as new):
            return change.ref.kind == kind and old.status != new.status
        case None, Pod() as new:
            return owner_of(new) == kind
        case None, PersistentVolumeClaim():
            return kind == "StatefulSet" and _is_claim_of(change.ref, cache)
        case old, ControllerRevision() as new:
            return owner_of(new) == kind and (old is None or getattr(old, "revision", None) != new.revision)
    return begins_to_go(change) and change.ref.kind == "Pod" and deletes(frozenset({kind}), change, cache)


def _is_claim_of(ref: Ref, cache: Cache) -> bool:
    """Tell whether a claim is named after a template of a StatefulSet."""
    return any(
        ref.name.rpartition("-")[0] == f"{template.metadata.name}-{stateful_set.metadata.name}"
        for stateful_set in cache.list(StatefulSet, ref.namespace)
        for template in stateful_set.spec.volume_claim_templates
    )


def _explains(request: Request, change: Change) -> bool:
    new = change.after
    if begins_to_go(change):
        return asks_to_delete(request, change)
    if isinstance(new, StatefulSet | DaemonSet):
        return (
            isinstance(request, Update)
            and isinstance(request.object, StatefulSet | DaemonSet)
            and ref_of(request.object) == change.ref
            and evolve(request.object.status, extra=new.status.extra) == new.status
        )
    kind = Create if change.before is None else Update
    return isinstance(request, kind) and new is not None and _alike(request.object, new)


def _alike(made: Object, stored: Object) -> bool:
    """Tell whether an object was stored as it was asked for, but for what the API server and others add."""
    if made.metadata.name not in {"", stored.metadata.name} or made.metadata.labels != stored.metadata.labels:
        return False
    match made, stored:
        case Pod(), Pod():
            extra = {key: value for key, value in made.spec.extra.items() if key in {"hostname", "subdomain"}}
            volumes = set(made.spec.extra.get("volumes") or ()) <= set(stored.spec.extra.get("volumes") or ())
            placed = made.spec.affinity == stored.spec.affinity
            tolerated = set(made.spec.tolerations) <= set(stored.spec.tolerations)
            return (
                same_pod(made, stored)
                and volumes
                and placed
                and tolerated
                and extra.items() <= stored.spec.extra.items()
            )
        case ControllerRevision(), ControllerRevision():
            return (made.data, made.revision) == (stored.data, stored.revision)
        case PersistentVolumeClaim(), PersistentVolumeClaim():
            return made.spec.resources == stored.spec.resources
    return False


STATEFULSETS = Writer(
    "statefulset-controller",
    frozenset({"StatefulSet"}),
    frozenset(statefulset.reads(NOBODY)),
    statefulset.TRANSFORM,
    _statefulset_syncs,
    _statefulset_syncs,
    partial(_writes, "StatefulSet"),
    _explains,
)
DAEMONSETS = Writer(
    "daemon-set-controller",
    frozenset({"DaemonSet"}),
    frozenset(daemonset.reads(NOBODY)),
    daemonset.TRANSFORM,
    _daemonset_syncs,
    _daemonset_syncs,
    partial(_writes, "DaemonSet"),
    _explains,
    needs=frozenset({"Node"}),
)
