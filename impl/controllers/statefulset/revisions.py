"""The templates a StatefulSet has had: which its Pods are rolled from, which they are rolled to, and which are kept.

Upstream: pkg/controller/statefulset/stateful_set_control.go (getStatefulSetRevisions, truncateHistory),
pkg/controller/history/controller_history.go (v1.32).
Left out on purpose: the live GET when a new revision's name is taken (the cache answers).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, groupby, permutations, product

from attrs import evolve, frozen

from ...api.apps import ControllerRevision, StatefulSet
from ...api.cache import Cache
from ...api.core import Pod
from ...api.kinds import ref_of
from ...api.meta import ObjectMeta
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
    if kept := _kept(owner, known):
        return kept
    update, collisions = _new(cache, owner, _number(known), owner.status.collision_count or 0)
    requests = () if ref_of(update) in cache.objects else (Create(update),)
    return _rolled(owner, known, update, requests, collisions)


def ways_before_1_12(cache: Cache, owner: StatefulSet, tries: int) -> Iterator[Revisions]:
    """Find them as controllers before 1.12 did: a name that is taken counts as a collision, whatever has it.

    So a revision that the cache does not show yet is made again under another name, of which this yields the first
    `tries` (k/k#55159, PR #67039). And two of one number have no order: either may be the newest (k/k#69967).
    """
    known = listed(cache, owner)
    if _kept(owner, known):
        yield from (kept for order in _orders(known) if (kept := _kept(owner, order)))
        return
    collisions = owner.status.collision_count or 0
    for count in range(collisions, collisions + tries):
        update = _named(owner, _number(known), count)
        yield _rolled(owner, known, update, (Create(update),), count)


def _orders(known: tuple[ControllerRevision, ...]) -> Iterator[tuple[ControllerRevision, ...]]:
    """Yield every order by numbers alone."""
    ties = (tuple(group) for _, group in groupby(known, key=lambda revision: revision.revision))
    yield from (tuple(chain(*order)) for order in product(*map(permutations, ties)))


def _number(known: tuple[ControllerRevision, ...]) -> int:
    return known[-1].revision + 1 if known else 1


def _kept(owner: StatefulSet, known: tuple[ControllerRevision, ...]) -> Revisions | None:
    """Find the revisions where one of the template is known; None where it is to be made."""
    data, collisions = data_of(owner.spec.template), owner.status.collision_count or 0
    equal = [revision for revision in known if revision.data == data]
    if not equal:
        return None
    if equal[-1].data == known[-1].data:
        return _rolled(owner, known, known[-1], (), collisions)
    newest = evolve(equal[-1], revision=_number(known))
    return _rolled(owner, known, newest, (Update(newest, equal[-1]),), collisions)


def _rolled(
    owner: StatefulSet,
    known: tuple[ControllerRevision, ...],
    update: ControllerRevision,
    requests: tuple[Request, ...],
    collisions: int,
) -> Revisions:
    """Return what Pods are rolled to and from: where that is not known, it is the same."""
    current = next((revision for revision in known if revision.metadata.name == owner.status.current_revision), update)
    return Revisions(current, update, collisions, known, requests)


def _new(cache: Cache, owner: StatefulSet, number: int, collisions: int) -> tuple[ControllerRevision, int]:
    """Make a revision; where its name is taken by another template, the count of collisions gives it another."""
    while True:
        made = _named(owner, number, collisions)
        taken = cache.get(ControllerRevision, ref_of(made))
        if taken is None:
            return made, collisions
        if taken.data == made.data:
            return taken, collisions
        collisions += 1


def _named(owner: StatefulSet, number: int, collisions: int) -> ControllerRevision:
    """Make the revision of the template with the name that it has after so many collisions."""
    data = data_of(owner.spec.template)
    digest = revision_hash(data, collisions)
    meta = ObjectMeta(
        name=f"{owner.metadata.name[:LONGEST_PREFIX]}-{digest}",
        namespace=owner.metadata.namespace,
        labels=strings({**owner.spec.template.metadata.labels, HASH: digest}),
        annotations=owner.metadata.annotations,
        owner_references=(controller_of(owner),),
    )
    return ControllerRevision(meta, data, number)


def truncated(owner: StatefulSet, revisions: Revisions, pods: tuple[Pod, ...]) -> tuple[Request, ...]:
    """Let the oldest revisions go that no Pod is of, beyond the limit."""
    limit = owner.spec.revision_history_limit
    live = {revisions.current.metadata.name, revisions.update.metadata.name, *map(revision_of, pods)}
    history = [revision for revision in revisions.known if revision.metadata.name not in live]
    surplus = len(history) - (10 if limit is None else limit)
    return tuple(Delete(ref_of(revision)) for revision in history[: max(0, surplus)])
