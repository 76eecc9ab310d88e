"""A Deployment's status: the sums over its ReplicaSets, and its conditions.

Upstream: pkg/controller/deployment/progress.go and sync.go, calculateStatus (v1.32).
Left out on purpose: the requeue when a deadline is near (a timer). With `now` 0 the progress deadline never passes.
"""

from __future__ import annotations

from attrs import evolve

from ...api.apps import Deployment, DeploymentStatus, WorkloadCondition
from ...api.meta import Time
from .arithmetic import actual_replicas, available_replicas, min_available, total_replicas
from .revisions import Generations
from .turn import Turn, condition, has_progress_deadline, make_condition, with_condition, without_condition


def calculate_status(sets: Generations, deployment: Deployment, now: Time) -> DeploymentStatus:
    """Count over all ReplicaSets and judge availability."""
    ready = available_replicas(sets.all)
    status = evolve(
        deployment.status,
        observed_generation=deployment.metadata.generation,
        replicas=actual_replicas(sets.all),
        updated_replicas=0 if sets.new is None else sets.new.status.replicas,
        ready_replicas=sum(rs.status.ready_replicas for rs in sets.all),
        available_replicas=ready,
        unavailable_replicas=max(0, total_replicas(sets.all) - ready),
    )
    if ready >= min_available(deployment):
        verdict = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        verdict = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    return with_condition(status, make_condition("Available", *verdict, now))


def complete(deployment: Deployment, status: DeploymentStatus) -> bool:
    """Tell whether a rollout is over: all replicas are new, as many as wanted, and available."""
    wanted = deployment.spec.wanted
    return (
        status.updated_replicas == wanted
        and status.replicas == wanted
        and status.available_replicas == wanted
        and status.observed_generation >= deployment.metadata.generation
    )


def sync_status(turn: Turn, sets: Generations) -> Turn:
    """Write the counts, without judging progress: what a paused, scaled or deleted Deployment gets."""
    return _write(turn, calculate_status(sets, turn.deployment, turn.now))


def sync_rollout_status(turn: Turn, sets: Generations) -> Turn:
    """Write the counts and how the rollout goes."""
    deployment = turn.deployment
    status = calculate_status(sets, deployment, turn.now)
    if not has_progress_deadline(deployment):
        status = without_condition(status, "Progressing")
    else:
        status = _progress(turn, sets, status)
    failure = _replica_failure(sets)
    status = without_condition(status, "ReplicaFailure") if failure is None else with_condition(status, failure)
    return _write(turn, status)


def _write(turn: Turn, status: DeploymentStatus) -> Turn:
    if status == turn.deployment.status:
        return turn
    return turn.wrote_status(evolve(turn.deployment, status=status))


def _progress(turn: Turn, sets: Generations, status: DeploymentStatus) -> DeploymentStatus:
    """Set the Progressing condition: complete, in progress, or out of time; else leave it."""
    deployment = turn.deployment
    current = condition(deployment.status, "Progressing")
    if current and current.reason == "NewReplicaSetAvailable" and status.replicas == status.updated_replicas:
        return status  # This rollout was over before: a mere resync.
    what = f'Deployment "{deployment.metadata.name}"' if sets.new is None else f'ReplicaSet "{sets.new.metadata.name}"'
    if complete(deployment, status):
        message = f"{what} has successfully progressed."
        return with_condition(
            status, make_condition("Progressing", "True", "NewReplicaSetAvailable", message, turn.now)
        )
    if _progressed(deployment.status, status):
        new = make_condition("Progressing", "True", "ReplicaSetUpdated", f"{what} is progressing.", turn.now)
        if current is not None and current.status == "True":
            new = evolve(new, last_transition_time=current.last_transition_time)
        return with_condition(without_condition(status, "Progressing"), new)
    if _timed_out(deployment, current, turn.now):
        message = f"{what} has timed out progressing."
        return with_condition(
            status, make_condition("Progressing", "False", "ProgressDeadlineExceeded", message, turn.now)
        )
    return status


def _progressed(before: DeploymentStatus, after: DeploymentStatus) -> bool:
    """Tell whether there are more new, fewer old, more ready or more available replicas than before."""
    return (
        after.updated_replicas > before.updated_replicas
        or after.replicas - after.updated_replicas < before.replicas - before.updated_replicas
        or after.ready_replicas > before.ready_replicas
        or after.available_replicas > before.available_replicas
    )


def _timed_out(deployment: Deployment, current: WorkloadCondition | None, now: Time) -> bool:
    """Tell whether the deadline has passed since progress was last seen."""
    if current is None or current.reason == "NewReplicaSetAvailable":
        return False
    if current.reason == "ProgressDeadlineExceeded":
        return True
    deadline = deployment.spec.progress_deadline_seconds
    return deadline is not None and current.last_update_time is not None and current.last_update_time + deadline < now


def _replica_failure(sets: Generations) -> WorkloadCondition | None:
    """Return the failure the new ReplicaSet reports, or else the first of the others."""
    news = () if sets.new is None else (sets.new,)
    conditions: list[WorkloadCondition] = [condition for rs in (*news, *sets.old) for condition in rs.status.conditions]
    failures = [condition for condition in conditions if condition.type == "ReplicaFailure"]
    if not failures:
        return None
    return evolve(failures[0], last_update_time=failures[0].last_transition_time)
