"""The templates a StatefulSet has had: which its Pods are rolled from, which they are rolled to, and which are kept.

Upstream: pkg/controller/statefulset/stateful_set_control.go (getStatefulSetRevisions, truncateHistory),
pkg/controller/history/controller_history.go (v1.32).
Left out on purpose: the live GET when a new revision's name is taken (the cache answers).
"""

from __future__ import annotations

from attrs import evolve, frozen

from ...api.apps import ControllerRevision, RevisionData, StatefulSet
from ...api.cache import Cache
from ...api.core import Pod
from ...api.kinds import ref_of
from ...api.meta import ObjectMeta, Ref
from ...api.requests import Create, Delete, Request, Update
from ...api.values.frozen import strings
from ...api.values.template_hash import revision_hash
from ..common import controller_of
from ..history import data_of, listed
from .identity import revision_of

HASH = "controller.kubernetes.io/hash"
LONGEST_PREFIX = 223


@frozen
class Revisions:
    """The revision that Pods are rolled from, the one they are rolled to, and what must be asked for first."""

    current: ControllerRevision
    update: ControllerRevision
    collisions: int
    known: tuple[ControllerRevision, ...]
    """Those there are, oldest first; a new one is not among them."""
    requests: tuple[Request, ...]


def revisions_of(cache: Cache, owner: StatefulSet) -> Revisions:
    """Find the current and the update revision; a template that comes back makes its old revision the newest."""
    known = listed(cache, owner)
    number = known[-1].revision + 1 if known else 1
    data = data_of(owner.spec.template)
    equal = [revision for revision in known if revision.data == data]
    collisions = owner.status.collision_count or 0
    requests: tuple[Request, ...] = ()
    if equal and equal[-1].data == known[-1].data:
        update = known[-1]
    elif equal:
        update = evolve(equal[-1], revision=number)
        requests = (Update(update, equal[-1]),)
    else:
        update, collisions = _new(cache, owner, data, number, collisions)
        requests = () if ref_of(update) in cache.objects else (Create(update),)
    current = next((revision for revision in known if revision.metadata.name == owner.status.current_revision), update)
    return Revisions(current, update, collisions, known, requests)


def _new(
    cache: Cache, owner: StatefulSet, data: RevisionData, number: int, collisions: int
) -> tuple[ControllerRevision, int]:
    """Make a revision; where its name is taken by another template, the count of collisions gives it another."""
    while True:
        digest = revision_hash(data, collisions)
        name = f"{owner.metadata.name[:LONGEST_PREFIX]}-{digest}"
        meta = ObjectMeta(
            name=name,
            namespace=owner.metadata.namespace,
            labels=strings({**owner.spec.template.metadata.labels, HASH: digest}),
            annotations=owner.metadata.annotations,
            owner_references=(controller_of(owner),),
        )
        taken = cache.get(ControllerRevision, Ref("ControllerRevision", owner.metadata.namespace, name))
        if taken is None:
            return ControllerRevision(meta, data, number), collisions
        if taken.data == data:
            return taken, collisions
        collisions += 1


def truncated(owner: StatefulSet, revisions: Revisions, pods: tuple[Pod, ...]) -> tuple[Request, ...]:
    """Let the oldest revisions go that no Pod is of, beyond the limit."""
    limit = owner.spec.revision_history_limit
    live = {revisions.current.metadata.name, revisions.update.metadata.name, *map(revision_of, pods)}
    history = [revision for revision in revisions.known if revision.metadata.name not in live]
    surplus = len(history) - (10 if limit is None else limit)
    return tuple(Delete(ref_of(revision)) for revision in history[: max(0, surplus)])
