"""Which ReplicaSet is the new one, how it is made, its revision, and the history that is kept.

Upstream: pkg/controller/deployment/sync.go, getNewReplicaSet and cleanupDeployment, and util/deployment_util.go
(v1.32).
Left out on purpose: rollback by annotation (deprecated; `kubectl rollout undo` writes the template itself); the
Progressing condition of a failed creation.
A creation that would collide with another object's name is not sent when the cache shows that object: collisionCount
is raised at once. When the cache does not show it yet, the 409 ends the turn and the next look does it.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve, frozen

from ...api.apps import Deployment, ReplicaSet, ReplicaSetSpec
from ...api.cache import Cache
from ...api.core import PodTemplateSpec
from ...api.kinds import ref_of
from ...api.meta import LabelSelector, ObjectMeta, Ref
from ...api.releases import Release
from ...api.requests import Create, Delete, Update
from ...api.values.frozen import Strings, strings
from ...api.values.template_hash import pod_template_hash
from ...api.well_known import TEMPLATE_HASH
from ...api.workloads import without_hash
from ..common import controlled_by, controller_of
from .arithmetic import annotated, max_surge, new_rs_replicas, total_replicas
from .turn import (
    MAX_INT32,
    Turn,
    by_age,
    condition,
    has_progress_deadline,
    make_condition,
    replicas_annotations,
    with_condition,
)

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
HISTORY_CHARACTERS = 2000
NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        HISTORY,
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
    }
)


@frozen
class Generations:
    """A Deployment's ReplicaSets: the one of its template, if there is one, and all others."""

    new: ReplicaSet | None
    old: tuple[ReplicaSet, ...]

    @property
    def all(self) -> tuple[ReplicaSet, ...]:
        """The old ones, then the new one."""
        return self.old if self.new is None else (*self.old, self.new)

    @property
    def made(self) -> ReplicaSet:
        """The new one, where it was asked for with `create`."""
        assert self.new is not None  # noqa: S101 - only a programming error gets here
        return self.new


@frozen
class Abandoned:
    """The turn ends here, its requests stand, and the key is looked at again: upstream returns an error."""

    turn: Turn


def same_template(one: PodTemplateSpec, other: PodTemplateSpec) -> bool:
    """Tell whether two templates are equal but for the hash label."""
    return without_hash(one) == without_hash(other)


def find_new(deployment: Deployment, replica_sets: Iterable[ReplicaSet]) -> ReplicaSet | None:
    """Find the ReplicaSet of the Deployment's template; the oldest if there are several."""
    template = deployment.spec.template
    return next((rs for rs in by_age(replica_sets) if same_template(rs.spec.template, template)), None)


def generations(
    cache: Cache, turn: Turn, replica_sets: tuple[ReplicaSet, ...], *, create: bool
) -> tuple[Turn, Generations] | Abandoned:
    """Tell new from old, bring the new one's annotations and the revision up to date; make it if `create` says so."""
    new = find_new(turn.deployment, replica_sets)
    old = tuple(rs for rs in replica_sets if new is None or rs.metadata.uid != new.metadata.uid)
    revision = 1 + max((0, *(annotated(rs, REVISION) or 0 for rs in old)))
    if new is not None:
        turn, new = _sync_new(turn, new, revision)
    elif create:
        created = _create_new(cache, turn, old, revision)
        if isinstance(created, Abandoned):
            return created
        turn, new = created
    return turn, Generations(new, old)


def _sync_new(turn: Turn, rs: ReplicaSet, revision: int) -> tuple[Turn, ReplicaSet]:
    """Update the ReplicaSet, or else the Deployment, where the revision or the conditions lag."""
    deployment = turn.deployment
    after = evolve(
        rs,
        metadata=evolve(rs.metadata, annotations=_new_annotations(deployment, rs.metadata.annotations, revision)),
        spec=evolve(rs.spec, min_ready_seconds=deployment.spec.min_ready_seconds),
    )
    if after != rs:
        return turn.asking(Update(after, rs)), after
    updated = _with_revision(deployment, rs.metadata.annotations.get(REVISION, ""))
    if has_progress_deadline(deployment) and condition(deployment.status, "Progressing") is None:
        found = make_condition(
            "Progressing", "True", "FoundNewReplicaSet", f'Found new replica set "{rs.metadata.name}"', turn.now
        )
        updated = evolve(updated, status=with_condition(updated.status, found))
    return (turn, rs) if updated == deployment else (turn.wrote_status(updated), rs)


def _with_revision(deployment: Deployment, revision: str) -> Deployment:
    annotations = strings({**deployment.metadata.annotations, REVISION: revision})
    return evolve(deployment, metadata=evolve(deployment.metadata, annotations=annotations))


def _new_annotations(deployment: Deployment, mine: Strings, revision: int) -> Strings:
    """Copy the Deployment's annotations and raise the revision; a raised one is remembered in the history."""
    copied = {key: value for key, value in deployment.metadata.annotations.items() if key not in NOT_COPIED}
    before = mine.get(REVISION, "")
    try:
        lower = int(before or "0") < revision
    except ValueError:
        return strings({**mine, **copied})
    raised = {REVISION: str(revision)} if lower else {}
    remembered = {HISTORY: _history(mine.get(HISTORY, ""), before)} if lower and before else {}
    return strings({**mine, **copied, **raised, **remembered})


def _history(history: str, revision: str) -> str:
    """Append a revision, forgetting the oldest ones until it fits."""
    revisions = [*history.split(","), revision] if history else [revision]
    while len(",".join(revisions)) > HISTORY_CHARACTERS:
        revisions.pop(0)
    return ",".join(revisions)


def _create_new(
    cache: Cache, turn: Turn, old: tuple[ReplicaSet, ...], revision: int
) -> tuple[Turn, ReplicaSet] | Abandoned:
    """Create the ReplicaSet of the template, named after its hash; a name taken by another template is a collision."""
    deployment = turn.deployment
    new = _new_replica_set(deployment, old, revision, turn.release)
    taken = cache.get(ReplicaSet, Ref("ReplicaSet", new.metadata.namespace, new.metadata.name))
    if taken is not None and not (
        controlled_by(taken, deployment) and same_template(taken.spec.template, deployment.spec.template)
    ):
        count = (deployment.status.collision_count or 0) + 1
        return Abandoned(turn.wrote_status(evolve(deployment, status=evolve(deployment.status, collision_count=count))))
    updated = _with_revision(deployment, str(revision))
    if taken is None:
        turn = turn.asking(Create(new))
        if has_progress_deadline(deployment):
            made = make_condition(
                "Progressing",
                "True",
                "NewReplicaSetCreated",
                f'Created new replica set "{new.metadata.name}"',
                turn.now,
            )
            updated = evolve(updated, status=with_condition(updated.status, made))
    if updated != deployment:
        turn = turn.wrote_status(updated)
    return turn, taken or new


def _new_replica_set(
    deployment: Deployment, old: tuple[ReplicaSet, ...], revision: int, release: Release
) -> ReplicaSet:
    """Make the ReplicaSet: hash in name, labels, selector and template; as large as the strategy allows at once."""
    template = deployment.spec.template
    digest = pod_template_hash(template, deployment.status.collision_count, release)
    labels = strings({**template.metadata.labels, TEMPLATE_HASH: digest})
    size = new_rs_replicas(deployment, total_replicas(old), 0)
    new = ReplicaSet(
        metadata=ObjectMeta(
            name=f"{deployment.metadata.name}-{digest}",
            namespace=deployment.metadata.namespace,
            labels=labels,
            annotations=_new_annotations(deployment, strings(), revision),
            owner_references=(controller_of(deployment),),
        ),
        spec=ReplicaSetSpec(
            replicas=size,
            min_ready_seconds=deployment.spec.min_ready_seconds,
            selector=_with_hash(deployment.spec.selector, digest),
            template=evolve(template, metadata=evolve(template.metadata, labels=labels)),
        ),
    )
    wanted = deployment.spec.wanted
    annotations = replicas_annotations(new, wanted, wanted + max_surge(deployment))
    return evolve(new, metadata=evolve(new.metadata, annotations=annotations))


def _with_hash(selector: LabelSelector, digest: str) -> LabelSelector:
    return evolve(selector, match_labels=strings({**selector.match_labels, TEMPLATE_HASH: digest}))


def cleanup(turn: Turn, old: tuple[ReplicaSet, ...]) -> Turn:
    """Delete the oldest revisions beyond revisionHistoryLimit, but none that has or should have Pods."""
    limit = turn.deployment.spec.revision_history_limit
    if limit is None or limit == MAX_INT32:
        return turn
    alive = [rs for rs in by_age(old) if not rs.metadata.terminating]
    alive.sort(key=lambda rs: annotated(rs, REVISION) or 0)
    doomed = alive[: max(0, len(alive) - limit)]
    return turn.asking(*(Delete(ref_of(rs)) for rs in doomed if _empty(rs)))


def _empty(rs: ReplicaSet) -> bool:
    """Tell whether a ReplicaSet has no Pods, wants none, and has counted them since it was last changed."""
    return rs.status.replicas == 0 and rs.spec.wanted == 0 and rs.metadata.generation <= rs.status.observed_generation
