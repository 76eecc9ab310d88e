"""What an end-to-end record tells of a cluster at rest, in a form that a state of the model tells of itself, too.

Pods go by their workload, revision and node, not by name. Left out on purpose: what only a clock decides (conditions
and their ages, ProgressDeadlineExceeded), the zone of an endpoint, events, and the words of the scheduler: at rest they
may be about an earlier attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve, fields, frozen

from kubeproof.impl.api.apps import ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet
from kubeproof.impl.api.batch import Job
from kubeproof.impl.api.core import Node, Pod
from kubeproof.impl.api.kinds import Object, ref_of
from kubeproof.impl.api.meta import ObjectMeta, Ref
from kubeproof.impl.api.policy import EndpointSlice, PodDisruptionBudget
from kubeproof.impl.api.reading.convert import unstructure
from kubeproof.impl.api.well_known import REVISION_HASH, SERVICE_NAME
from kubeproof.impl.apiserver.admission.quota import without_room
from kubeproof.impl.apiserver.defaulting.pod_defaults import default_pod
from kubeproof.impl.apiserver.storage import Objects
from kubeproof.impl.controllers.common import controlled_by

Json = Mapping[str, Any]
Line = tuple[str | int | bool, ...]

REVISION = "deployment.kubernetes.io/revision"
TIMED = frozenset({"ProgressDeadlineExceeded"})
"""Reason codes that only a clock decides."""


@frozen
class Outcome:
    """A cluster at rest after a step. All lines are sorted; node names stand in the pods, endpoints and nodes only."""

    converged: bool
    completed: bool
    """The command did what it was asked to: false for a drain that was given up."""
    reasons: tuple[str, ...] = ()
    workloads: tuple[Line, ...] = ()
    """Name, revision, whether the status is of this generation, replicas, updated, ready, available, unavailable."""
    replicasets: tuple[Line, ...] = ()
    """Owner, revision, wanted, replicas, ready, available."""
    pods: tuple[Line, ...] = ()
    """Node, workload, revision, phase, ready, terminating, what it waits for, where a preemption made room for it."""
    endpoints: tuple[Line, ...] = ()
    """Node, service, workload, revision, ready, serving, terminating."""
    budgets: tuple[Line, ...] = ()
    """Name, healthy, desired, allowed, expected."""
    nodes: tuple[Line, ...] = ()
    """Name, unschedulable."""

    @property
    def verdict(self) -> tuple[bool, bool]:
        """Tell whether it converged and whether the command completed."""
        return self.converged, self.completed

    def renamed(self, names: Mapping[str, str]) -> Outcome:
        """Return the same with nodes called differently."""

        def lines(many: tuple[Line, ...]) -> tuple[Line, ...]:
            return tuple(sorted((names.get(str(one[0]), one[0]), *one[1:]) for one in many))

        return evolve(self, pods=lines(self.pods), endpoints=lines(self.endpoints), nodes=lines(self.nodes))

    def without_budgets(self, names: frozenset[str]) -> Outcome:
        """Return the same without what some budgets say."""
        return evolve(self, budgets=tuple(one for one in self.budgets if one[0] not in names))

    def differences(self, other: Outcome) -> tuple[str, ...]:
        """Say in what another one differs, field by field: this one first."""
        mine, theirs = _fields(self), _fields(other)
        return tuple(f"{name}: {mine[name]} / {theirs[name]}" for name in mine if mine[name] != theirs[name])


def _fields(one: Outcome) -> dict[str, object]:
    return {field.name: getattr(one, field.name) for field in fields(Outcome)}


# --- as recorded ----------------------------------------------------------------------------------------------------


def recorded(json: Json) -> Outcome:
    """Read one outcome of a record."""
    pods = {one["name"]: one for one in json["pods"]}
    return Outcome(
        converged=json["converged"],
        completed=json["actionCompleted"],
        reasons=tuple(code for code in json["reason"].split(",") if code and code not in TIMED),
        workloads=_sorted(_recorded_workload(one) for one in json["workloads"]),
        replicasets=_sorted(_recorded_replicaset(one) for one in json["replicaSets"]),
        pods=_sorted(_recorded_pod(one) for one in json["pods"]),
        endpoints=_sorted(
            _recorded_endpoint(one["service"], address, pods.get(address["pod"], {}))
            for one in json["endpoints"]
            for address in one["addresses"]
        ),
        budgets=_sorted(_recorded_budget(one) for one in json["pdbs"]),
        nodes=_sorted((one["name"], one.get("unschedulable", False)) for one in json["nodes"]),
    )


def _sorted(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines))


DAEMON_COUNTS = (
    "desiredNumberScheduled",
    "currentNumberScheduled",
    "updatedNumberScheduled",
    "numberReady",
    "numberAvailable",
    "numberMisscheduled",
)


def _recorded_workload(json: Json) -> Line:
    status = json["status"]
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")
    current = status.get("observedGeneration") == json["generation"]
    revision = json.get("revision") or ""
    if json["kind"] == "DaemonSet":
        return (f"DaemonSet/{json['name']}", "", current, *(status.get(name, 0) for name in DAEMON_COUNTS))
    if json["kind"] == "Job":
        met = (f"{one['type']} {one['reason']}" for one in json["conditions"] if one["status"] == "True")
        numbers = (status.get(name, 0) for name in ("active", "succeeded", "failed", "ready", "terminating"))
        indexes = (status.get("completedIndexes", ""), status.get("failedIndexes", ""))
        return (f"Job/{json['name']}", ", ".join(met), *numbers, *indexes)
    if json["kind"] == "StatefulSet":
        revision = f"{status.get('currentRevisionNumber')} to {status.get('updateRevisionNumber')}"
    return (
        f"{json['kind']}/{json['name']}",
        revision,
        current,
        *(status.get(name, 0) for name in counts),
    )


def _recorded_replicaset(json: Json) -> Line:
    counts = (json["status"].get(name, 0) for name in ("replicas", "readyReplicas", "availableReplicas"))
    return (json["owner"], json["revision"] or "", json["specReplicas"], *counts)


def _recorded_pod(json: Json) -> Line:
    going = bool(json.get("deletionTimestamp"))
    room = _room(json["node"] or "", json.get("nominatedNodeName") or "")
    about = (json["phase"], json["ready"], going, json.get("waiting") or "", room)
    return (json["node"] or "", json["workload"], json["revision"] or 0, *about)


def _room(node: str, nominated: str) -> str:
    """Say where room was made for a Pod, without naming a node: here, elsewhere, or nowhere ("")."""
    return "" if not nominated else "here" if nominated == node else "elsewhere"


def _recorded_endpoint(service: str, address: Json, pod: Json) -> Line:
    state = (address["ready"], address["serving"], address["terminating"])
    return (address["node"] or "", service, pod.get("workload", ""), pod.get("revision", 0), *state)


def _recorded_budget(json: Json) -> Line:
    counts = ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")
    return (json["name"], *(json["status"].get(name, 0) for name in counts))


# --- as in a state --------------------------------------------------------------------------------------------------


def observed(objects: Iterable[Object], *, completed: bool, drained: bool = True) -> Outcome:
    """Read the objects of a cluster at rest, observers included. `drained` False: the drain was given up."""
    known = {ref_of(one): one for one in objects}
    pods = [one for one in known.values() if isinstance(one, Pod)]
    workloads = [one for one in known.values() if isinstance(one, Deployment | StatefulSet | DaemonSet | Job)]
    sets = [one for one in known.values() if isinstance(one, ReplicaSet)]
    reasons = _reasons(pods, workloads) | ({"DrainBlocked"} if not drained else set())
    makers = [one for one in (*workloads, *sets) if not isinstance(one, Deployment | Job)]
    reasons |= {"FailedCreate"} if any(_is_refused(one, pods, known) for one in makers) else set()
    return Outcome(
        converged=not reasons & NOT_CONVERGED,
        completed=completed,
        reasons=tuple(sorted(reasons)),
        workloads=_sorted(_workload(one, known) for one in workloads),
        replicasets=_sorted(_replicaset(one) for one in sets),
        pods=_sorted(_pod(one, known) for one in pods),
        endpoints=_sorted(
            line for one in known.values() if isinstance(one, EndpointSlice) for line in _endpoints(one, known)
        ),
        budgets=_sorted(_budget(one) for one in known.values() if isinstance(one, PodDisruptionBudget)),
        nodes=_sorted((one.metadata.name, one.spec.unschedulable) for one in known.values() if isinstance(one, Node)),
    )


NOT_CONVERGED = frozenset(
    {
        "DaemonSetIncomplete",
        "DeploymentIncomplete",
        "StatefulSetIncomplete",
        "JobIncomplete",
        "JobFailed",
        "PodTerminating",
        "Unschedulable",
        "PodPending",
        "PodNotReady",
        "PodFailed",
    }
)


def _reasons(pods: list[Pod], workloads: list[Deployment | StatefulSet | DaemonSet | Job]) -> set[str]:
    """Return the reason codes of the recordings' rule for a converged cluster."""
    found = {code for pod in pods if (code := _trouble(pod))}
    for one in workloads:
        if isinstance(one, Job):
            found |= {"JobFailed" if one.status.condition("Failed") else "JobIncomplete"} - _completed(one)
        elif not _complete(one):
            found.add(f"{type(one).__name__}Incomplete")
            if isinstance(one, Deployment) and one.spec.paused:
                found.add("Paused")
    return found


def _is_refused(one: ReplicaSet | StatefulSet | DaemonSet, pods: list[Pod], known: Mapping[Ref, Object]) -> bool:
    """Tell whether a workload is short of Pods, one more of which no quota has room for."""
    mine = sum(pod.active and controlled_by(pod, one) for pod in pods)
    wanted = one.status.desired_number_scheduled if isinstance(one, DaemonSet) else one.spec.wanted
    more = default_pod(Pod(ObjectMeta("one-more", namespace=one.metadata.namespace), one.spec.template.spec))
    return mine < wanted and without_room(Objects.of(known.values()), more) is not None


def _trouble(pod: Pod) -> str:
    if pod.metadata.terminating:
        return "PodTerminating"
    if not pod.spec.node_name:
        return "Unschedulable"
    if pod.status.phase in {"", "Pending"}:
        return "PodPending"
    if pod.metadata.controller is not None and pod.metadata.controller.kind == "Job":
        return ""
    if pod.status.phase == "Failed":
        return "PodFailed"
    return "" if pod.ready or pod.status.phase == "Succeeded" else "PodNotReady"


def _completed(job: Job) -> set[str]:
    return {"JobIncomplete"} if job.status.condition("Complete") else set()


def _complete(one: Deployment | StatefulSet | DaemonSet) -> bool:
    if isinstance(one, DaemonSet):
        return _everywhere(one)
    status, wanted = one.status, one.spec.wanted
    counts = {status.replicas, status.ready_replicas, status.available_replicas}
    current = status.observed_generation == one.metadata.generation
    if isinstance(one, StatefulSet):
        rolling = one.spec.update_strategy.rolling_update
        partition = None if rolling is None else rolling.partition or 0
        done = partition is None or one.status.updated_replicas >= max(0, wanted - partition)
        rolled = partition != 0 or one.status.update_revision == one.status.current_revision
        return current and counts == {wanted} and done and rolled
    return current and {*counts, one.status.updated_replicas} == {wanted} and not one.status.unavailable_replicas


def _everywhere(one: DaemonSet) -> bool:
    """Tell whether a DaemonSet says that all nodes which are to have a Pod have one that is available and new."""
    status = one.status
    counts = {status.current_number_scheduled, status.number_ready, status.number_available}
    if one.spec.update_strategy.type != "OnDelete":
        counts.add(status.updated_number_scheduled)
    return counts == {status.desired_number_scheduled} and status.observed_generation == one.metadata.generation


def _workload(one: Deployment | StatefulSet | DaemonSet | Job, known: Mapping[Ref, Object]) -> Line:
    if isinstance(one, DaemonSet):
        told = unstructure(one.status)
        seen = one.status.observed_generation == one.metadata.generation
        return (f"DaemonSet/{one.metadata.name}", "", seen, *(told.get(name, 0) for name in DAEMON_COUNTS))
    if isinstance(one, Job):
        counted = one.status
        met = (f"{each.type} {each.reason}" for each in counted.conditions if each.status == "True")
        numbers = (counted.active, counted.succeeded, counted.failed, counted.ready or 0, counted.terminating or 0)
        indexes = (counted.completed_indexes, counted.failed_indexes or "")
        return (f"Job/{one.metadata.name}", ", ".join(met), *numbers, *indexes)
    status = one.status
    counts = (status.replicas, status.updated_replicas, status.ready_replicas, status.available_replicas)
    current = status.observed_generation == one.metadata.generation
    if isinstance(one, StatefulSet):
        names = (one.status.current_revision, one.status.update_revision)
        rolls = " to ".join(str(_number(known, one.metadata.namespace, name)) for name in names)
        return (f"StatefulSet/{one.metadata.name}", rolls, current, *counts, 0)
    revision = one.metadata.annotations.get(REVISION, "")
    return (f"Deployment/{one.metadata.name}", revision, current, *counts, one.status.unavailable_replicas)


def _number(known: Mapping[Ref, Object], namespace: str, name: str) -> int:
    """Return the number of a revision; 0 where there is none of that name."""
    found = known.get(Ref("ControllerRevision", namespace, name))
    return found.revision if isinstance(found, ControllerRevision) else 0


def _replicaset(one: ReplicaSet) -> Line:
    owner = one.metadata.controller
    counts = (one.status.replicas, one.status.ready_replicas, one.status.available_replicas)
    wanted = one.spec.wanted
    return (f"{owner.kind}/{owner.name}" if owner else "", one.metadata.annotations.get(REVISION, ""), wanted, *counts)


def _owner(pod: Pod, known: Mapping[Ref, Object]) -> tuple[str, int]:
    """Return the workload and the revision a Pod belongs to."""
    owner = pod.metadata.controller
    if owner is None:
        return f"Pod/{pod.metadata.name}", 0
    found = known.get(Ref(owner.kind, pod.metadata.namespace, owner.name))
    above = found.metadata.controller if found is not None else None
    if found is None or above is None:
        label = pod.metadata.labels.get(REVISION_HASH, "")
        name = f"{owner.name}-{label}" if owner.kind == "DaemonSet" else label
        return f"{owner.kind}/{owner.name}", _number(known, pod.metadata.namespace, name)
    return f"{above.kind}/{above.name}", int(found.metadata.annotations.get(REVISION, "0"))


def _pod(pod: Pod, known: Mapping[Ref, Object]) -> Line:
    phase = pod.status.phase or "Pending"
    about = (phase, pod.ready, pod.metadata.terminating, _waits_for(pod))
    room = _room(pod.spec.node_name, pod.status.nominated_node_name)
    return (pod.spec.node_name, *_owner(pod, known), *about, room)


def _waits_for(pod: Pod) -> str:
    for status in pod.status.container_statuses:
        waiting = status.state.get("waiting")
        if isinstance(waiting, Mapping):
            return str(waiting.get("reason", ""))
    return ""


def _endpoints(piece: EndpointSlice, known: Mapping[Ref, Object]) -> Iterable[Line]:
    service = piece.metadata.labels.get(SERVICE_NAME, "")
    for one in piece.endpoints:
        ref = one.target_ref
        pod = known.get(Ref("Pod", piece.metadata.namespace, ref.name)) if ref is not None else None
        owner = _owner(pod, known) if isinstance(pod, Pod) else ("", 0)
        state = (one.conditions.ready, one.conditions.serving, one.conditions.terminating)
        yield (one.node_name or "", service, *owner, *state)


def _budget(one: PodDisruptionBudget) -> Line:
    status = one.status
    counts = (status.current_healthy, status.desired_healthy, status.disruptions_allowed, status.expected_pods)
    return (one.metadata.name, *counts)
