"""The templates a DaemonSet has had: which is its own, what new Pods are labelled with, and which are kept.

Upstream: pkg/controller/daemon/update.go (constructHistory, snapshot, cleanupHistory), v1.32.
Left out on purpose: two revisions of one template, of which one would go once its Pods are relabelled; revisions
without the label of their hash; the live GET when a new revision's name is taken (the cache answers).
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve, frozen

from ...api.apps import ControllerRevision, DaemonSet
from ...api.cache import Cache
from ...api.core import Pod
from ...api.kinds import ref_of
from ...api.meta import ObjectMeta, Ref
from ...api.releases import NEWEST, Release
from ...api.requests import Create, Delete, Request, Update
from ...api.values.frozen import strings
from ...api.values.template_hash import pod_template_hash
from ...api.well_known import REVISION_HASH
from ..common import controller_of
from ..history import data_of, listed

DEFAULT_LIMIT = 10


@frozen
class Revisions:
    """The hash of the template's revision, the revisions of other templates, and what must be asked for first."""

    digest: str
    old: tuple[ControllerRevision, ...]
    requests: tuple[Request, ...]


@frozen
class Clash:
    """The name that the revision would have is another one's: it is counted, and the sync ends."""

    requests: tuple[Request, ...]


def revisions_of(cache: Cache, owner: DaemonSet, release: Release = NEWEST) -> Revisions | Clash:
    """Find the revision of the template, or make it; a template that comes back makes its revision the newest."""
    known, data = listed(cache, owner), data_of(owner.spec.template)
    same, old = (
        [revision for revision in known if revision.data == data],
        tuple(revision for revision in known if revision.data != data),
    )
    number = max((revision.revision for revision in old), default=0) + 1
    if same:
        kept = same[-1]
        requests = (Update(evolve(kept, revision=number), kept),) if kept.revision < number else ()
        return Revisions(kept.metadata.labels.get(REVISION_HASH, kept.metadata.name), old, requests)
    digest = pod_template_hash(owner.spec.template, owner.status.collision_count, release)
    meta = ObjectMeta(
        name=f"{owner.metadata.name}-{digest}",
        namespace=owner.metadata.namespace,
        labels=strings({**owner.spec.template.metadata.labels, REVISION_HASH: digest}),
        annotations=owner.metadata.annotations,
        owner_references=(controller_of(owner),),
    )
    taken = cache.get(ControllerRevision, Ref("ControllerRevision", meta.namespace, meta.name))
    if taken is None:
        return Revisions(digest, old, (Create(ControllerRevision(meta, data, number)),))
    if taken.data == data:
        return Revisions(taken.metadata.labels.get(REVISION_HASH, taken.metadata.name), old, ())
    counted = evolve(owner.status, collision_count=(owner.status.collision_count or 0) + 1)
    return Clash((Update(evolve(owner, status=counted), owner, "status"),))


def truncated(owner: DaemonSet, old: tuple[ControllerRevision, ...], pods: Iterable[Pod]) -> tuple[Request, ...]:
    """Let the oldest revisions go that no Pod is of, beyond the limit."""
    limit = owner.spec.revision_history_limit
    surplus = len(old) - (DEFAULT_LIMIT if limit is None else limit)
    live = {pod.metadata.labels.get(REVISION_HASH, "") for pod in pods}
    unused = [revision for revision in old if revision.metadata.labels.get(REVISION_HASH) not in live]
    return tuple(Delete(ref_of(revision)) for revision in unused[: max(0, surplus)])
