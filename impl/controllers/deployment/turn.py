"""One sync of a Deployment as a value: what was read, what it has become, and the requests so far.

Upstream: pkg/controller/deployment/sync.go and util/deployment_util.go (v1.32): scaleReplicaSet, condition helpers.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve, frozen

from ...api.apps import Deployment, DeploymentStatus, ReplicaSet, WorkloadCondition
from ...api.meta import Time
from ...api.releases import NEWEST, Release
from ...api.requests import Request, Update
from ...api.values.frozen import Strings, strings
from ..common import stamp
from .arithmetic import MAX_REPLICAS, max_surge

DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_INT32 = 2**31 - 1


@frozen
class Turn:
    """A sync in progress. `read` is the Deployment as the cache has it: the base of every update of it.

    The second status update of one sync therefore meets a conflict, as upstream's does, and the key is looked at again.
    """

    read: Deployment
    deployment: Deployment
    now: Time = 0
    release: Release = NEWEST
    requests: tuple[Request, ...] = ()

    def asking(self, *requests: Request) -> Turn:
        """Send requests."""
        return evolve(self, requests=self.requests + requests)

    def wrote_status(self, deployment: Deployment) -> Turn:
        """Update the Deployment's status, and the annotations that travel with it."""
        return evolve(self, deployment=deployment).asking(Update(deployment, self.read, "status"))

    def scaled(self, rs: ReplicaSet, replicas: int) -> tuple[Turn, ReplicaSet]:
        """Scale a ReplicaSet, and note in it for which size of the Deployment that was; nothing if all is so."""
        wanted = self.deployment.spec.wanted
        after = evolve(
            rs,
            metadata=evolve(
                rs.metadata,
                annotations=replicas_annotations(rs, wanted, wanted + max_surge(self.deployment)),
            ),
            spec=evolve(rs.spec, replicas=replicas),
        )
        if after == rs:
            return self, rs
        return self.asking(Update(after, rs)), after


def replicas_annotations(rs: ReplicaSet, desired: int, maximum: int) -> Strings:
    """Return a ReplicaSet's annotations with the Deployment's wanted and greatest size in them."""
    return strings({**rs.metadata.annotations, DESIRED_REPLICAS: str(desired), MAX_REPLICAS: str(maximum)})


def condition(status: DeploymentStatus, kind: str) -> WorkloadCondition | None:
    """Find a condition by its type."""
    return next((known for known in status.conditions if known.type == kind), None)


def make_condition(kind: str, status: str, reason: str, message: str, now: Time) -> WorkloadCondition:
    """Make a condition that changed now."""
    return WorkloadCondition(kind, status, reason, message, stamp(now), stamp(now))


def with_condition(status: DeploymentStatus, new: WorkloadCondition) -> DeploymentStatus:
    """Set a condition: one of the same status and reason is kept as it is; a new one goes last."""
    current = condition(status, new.type)
    if current is not None and (current.status, current.reason) == (new.status, new.reason):
        return status
    if current is not None and current.status == new.status:
        new = evolve(new, last_transition_time=current.last_transition_time)
    others = without_condition(status, new.type)
    return evolve(others, conditions=(*others.conditions, new))


def without_condition(status: DeploymentStatus, kind: str) -> DeploymentStatus:
    """Take a condition away."""
    return evolve(status, conditions=tuple(condition for condition in status.conditions if condition.type != kind))


def has_progress_deadline(deployment: Deployment) -> bool:
    """Tell whether progress is watched; the largest int32 stands for no deadline."""
    return deployment.spec.progress_deadline_seconds not in {None, MAX_INT32}


def by_age(replica_sets: Iterable[ReplicaSet]) -> tuple[ReplicaSet, ...]:
    """Order ReplicaSets oldest first, equal ages by name."""
    return tuple(sorted(replica_sets, key=lambda rs: (rs.metadata.creation_timestamp or 0, rs.metadata.name)))


def active(replica_sets: Iterable[ReplicaSet]) -> tuple[ReplicaSet, ...]:
    """Keep the ReplicaSets that are asked for at least one Pod."""
    return tuple(rs for rs in replica_sets if rs.spec.wanted > 0)
