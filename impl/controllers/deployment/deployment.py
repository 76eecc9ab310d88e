"""The Deployment controller: rolls Pods from one template to the next by sizing ReplicaSets.

Upstream: pkg/controller/deployment/deployment_controller.go (v1.32). The parts: deployment_revisions (which ReplicaSet
is new), deployment_rolling (RollingUpdate, Recreate), deployment_scaling (resized or paused), deployment_status (counts
and conditions), deployment_math (the arithmetic).
Left out on purpose: Events; rollback by annotation; timers: the progress deadline is judged by `now`, so a world that
says 0 never exceeds it.
"""

from __future__ import annotations

from attrs import evolve
from immutabledict import immutabledict

from ...api.apps import Deployment, ReplicaSet
from ...api.cache import Cache
from ...api.core import Pod, PodStatus
from ...api.kinds import Object
from ...api.meta import LabelSelector, Ref, Time
from ...api.releases import NEWEST, Release
from ...api.requests import Request
from ..common import Keep, Transform, claim, slim_pod, whole
from .revisions import Abandoned, generations
from .rolling import rollout_recreate, rollout_rolling
from .scaling import is_scaling_event, resize
from .status import sync_status
from .turn import Turn, condition, has_progress_deadline, make_condition, with_condition


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at."""
    return ("Deployment", "Pod", "ReplicaSet")


def reconcile(cache: Cache, key: Ref, *, now: Time = 0, release: Release = NEWEST) -> tuple[Request, ...]:
    """Return the requests of one sync; the release decides on the hash of a template."""
    deployment = cache.get(Deployment, key)
    if deployment is None:
        return ()
    turn = Turn(deployment, deployment, now, release)
    if deployment.spec.selector == LabelSelector():
        return _observe(turn).requests  # It would select every Pod: refused.
    replica_sets, claims = claim(
        deployment, deployment.spec.selector, cache.list(ReplicaSet, deployment.metadata.namespace)
    )
    return _sync(cache, turn.asking(*claims), replica_sets).requests


def _observe(turn: Turn) -> Turn:
    deployment = turn.deployment
    if deployment.status.observed_generation >= deployment.metadata.generation:
        return turn
    status = evolve(deployment.status, observed_generation=deployment.metadata.generation)
    return turn.wrote_status(evolve(deployment, status=status))


def _sync(cache: Cache, turn: Turn, replica_sets: tuple[ReplicaSet, ...]) -> Turn:
    """Decide what kind of sync this is: deleted, paused, resized, or a rollout."""
    if turn.deployment.metadata.terminating:
        found = generations(cache, turn, replica_sets, create=False)
        return found.turn if isinstance(found, Abandoned) else sync_status(*found)
    turn = _note_pause(turn)
    if turn.deployment.spec.paused:
        return resize(cache, turn, replica_sets)
    found = generations(cache, turn, replica_sets, create=False)
    if isinstance(found, Abandoned):
        return found.turn
    turn, sets = found
    if sets.new is not None and sets.new not in replica_sets:
        return turn  # Upstream looks at the same old ReplicaSet again, updates it again, and meets a conflict.
    if is_scaling_event(turn.deployment, sets):
        return resize(cache, turn, replica_sets)
    if turn.deployment.spec.strategy.type == "Recreate":
        return rollout_recreate(cache, turn, replica_sets)
    return rollout_rolling(cache, turn, replica_sets)


def _note_pause(turn: Turn) -> Turn:
    """Say in the Progressing condition that a Deployment was paused or resumed."""
    deployment = turn.deployment
    current = condition(deployment.status, "Progressing")
    reason = "" if current is None else current.reason
    noted = reason == "DeploymentPaused"
    if not has_progress_deadline(deployment) or reason == "ProgressDeadlineExceeded" or noted == deployment.spec.paused:
        return turn
    word = "Paused" if deployment.spec.paused else "Resumed"
    new = make_condition("Progressing", "Unknown", f"Deployment{word}", f"Deployment is {word.lower()}", turn.now)
    return turn.wrote_status(evolve(deployment, status=with_condition(deployment.status, new)))


# --- what it looks at -----------------------------------------------------------------------------------------------


def _slim(obj: Object) -> Object | None:
    """Keep of a Pod whose it is and its phase; a finished one or a stray is ignored."""
    if (
        not isinstance(obj, Pod)
        or obj.metadata.controller is None
        or obj.status.phase in {"Failed", "Succeeded", "Unknown"}
    ):
        return None
    slim = slim_pod(obj, Keep(labels=True, owners=True), status=PodStatus(phase="Pending"))
    return evolve(slim, metadata=evolve(slim.metadata, deletion_timestamp=None))


TRANSFORM: Transform = immutabledict({"Deployment": whole, "Pod": _slim, "ReplicaSet": whole})
