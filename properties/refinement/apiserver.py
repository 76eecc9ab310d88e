"""The API server on etcd does what the model does: the map from one to the other, and both driven side by side.

Resource versions are etcd's revisions, so their numbers differ from the model's. What a version is for agrees: a client
that has seen an older Pod is refused. The map therefore leaves versions out, and `Pair` keeps which Pod was read when.
"""

from __future__ import annotations

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ...impl.api.core import Container, Pod, PodCondition, PodSpec, PodStatus
from ...impl.api.meta import LabelSelector, ObjectMeta, Ref
from ...impl.api.policy import PodDisruptionBudget, PodDisruptionBudgetSpec
from ...impl.api.requests import Bind, Create, Delete, Evict, PatchStatus, Request, Update
from ...impl.api.values.frozen import strings
from ...impl.api.well_known import DISRUPTION_TARGET
from ...impl.apiserver.access.authentication import ADMIN
from ...impl.apiserver.server import Server, request, watch_since
from ...impl.apiserver.verbs.watch import WatchFilter
from ...impl.etcd import Compacted
from ...model.components.control_plane import apiserver as model

NAMESPACE = "default"
BUDGET = Ref("PodDisruptionBudget", NAMESPACE, "budget")
NOTE = "note"


def pod_ref(name: str) -> Ref:
    """Name the Pod that stands for a Pod of the model."""
    return Ref("Pod", NAMESPACE, name)


def abstract(server: Server) -> model.State:
    """Return the state of the model that a server's store stands for, versions left out."""
    pods = [obj for obj in server.list("Pod", None) if isinstance(obj, Pod)]
    budget = server.get(BUDGET)
    return model.State(
        immutabledict((pod.metadata.name, _pod(pod)) for pod in pods),
        _budget(budget) if isinstance(budget, PodDisruptionBudget) else None,
    )


def _pod(pod: Pod) -> model.Pod:
    meta = pod.metadata
    return model.Pod(
        version=0,
        held=model.HOLD in meta.finalizers,
        note=meta.annotations.get(NOTE, ""),
        node=pod.spec.node_name,
        phase=pod.status.phase,
        ready=pod.ready,
        grace=meta.deletion_grace_period_seconds,
        deadline=meta.deletion_timestamp,
        evicted=pod.status.condition(DISRUPTION_TARGET) is not None,
    )


def _budget(budget: PodDisruptionBudget) -> model.Budget:
    status = budget.status
    return model.Budget(
        status.disruptions_allowed,
        status.current_healthy,
        status.desired_healthy,
        status.observed_generation == budget.metadata.generation,
        budget.spec.unhealthy_pod_eviction_policy == "AlwaysAllow",
        tuple(status.disrupted_pods),
    )


def unversioned(state: model.State) -> model.State:
    """Return a state of the model with its versions left out."""
    pods = immutabledict((name, evolve(pod, version=0)) for name, pod in state.pods.items())
    return evolve(state, pods=pods, versions=0)


def refines(before: model.State, after: model.State) -> bool:
    """Tell whether the model, too, can go from before to after (a state without versions), or stay."""
    return after == unversioned(before) or any(
        unversioned(action.apply(before)) == after for action in model.steps(before)
    )


def request_of(action: model.Action, server: Server, read: Pod | None) -> Request | None:
    """Return the request for an action of the model; None where there is no object to write it about."""
    match action:
        case model.Create():
            return Create(_new_pod(action))
        case model.Change():
            return None if read is None else Update(_changed(read, action), read)
        case model.Bind():
            return Bind(pod_ref(action.name), action.node)
        case model.Report():
            pod = server.get(pod_ref(action.name)) or Pod(ObjectMeta(action.name, namespace=NAMESPACE))
            return PatchStatus(_reported(pod, action)) if isinstance(pod, Pod) else None
        case model.Delete():
            return Delete(pod_ref(action.name), action.asked)
        case model.Evict():
            return Evict(pod_ref(action.name))
        case _:
            return _about_budget(action, server.get(BUDGET))


def _new_pod(action: model.Create) -> Pod:
    spec = PodSpec(containers=(Container("c", "nginx"),), termination_grace_period_seconds=model.OWN_GRACE)
    finalizers = (model.HOLD,) if action.held else ()
    return Pod(
        ObjectMeta(action.name, namespace=NAMESPACE, labels=strings({"app": "web"}), finalizers=finalizers), spec
    )


def _changed(pod: Pod, action: model.Change) -> Pod:
    meta = evolve(pod.metadata, annotations=strings({NOTE: action.note} if action.note else {}))
    return evolve(pod, metadata=evolve(meta, finalizers=()) if action.release else meta)


def _reported(pod: Pod, action: model.Report) -> Pod:
    ready = (PodCondition("Ready", "True"),) if action.ready else ()
    kept = tuple(condition for condition in pod.status.conditions if condition.type != "Ready")
    return evolve(pod, status=PodStatus(phase=action.phase, conditions=(*kept, *ready)))


def _about_budget(action: model.Protect | model.Count | model.Amend, found: object) -> Request | None:
    if isinstance(action, model.Protect):
        policy = "AlwaysAllow" if action.forgives_unready else None
        spec = PodDisruptionBudgetSpec(1, None, LabelSelector(strings({"app": "web"})), policy)
        return Create(PodDisruptionBudget(ObjectMeta(BUDGET.name, namespace=NAMESPACE), spec))
    if not isinstance(found, PodDisruptionBudget):
        return None
    if isinstance(action, model.Amend):
        return Update(evolve(found, spec=evolve(found.spec, min_available=_other(found))), found)
    status = evolve(
        found.status,
        observed_generation=found.metadata.generation,
        disruptions_allowed=action.allowed,
        current_healthy=action.healthy,
        desired_healthy=action.desired,
        disrupted_pods=immutabledict(),
    )
    return Update(evolve(found, status=status), found, "status")


def _other(budget: PodDisruptionBudget) -> int:
    return 2 if budget.spec.min_available == 1 else 1


Reads = immutabledict[tuple[str, int], Pod]


@frozen
class Pair:
    """The server and the model after the same actions, and each Pod as it was read under each version of the model."""

    server: Server = field(factory=Server)
    state: model.State = field(factory=model.State)
    reads: Reads = field(factory=immutabledict)


def drive(pair: Pair, action: model.Action) -> tuple[Pair, tuple[str, ...]]:
    """Ask for one action on both sides; the lines say where they then differ."""
    read = pair.reads.get((action.name, action.seen)) if isinstance(action, model.Change) else None
    asked = request_of(action, pair.server, read)
    if asked is None:
        return pair, (f"{action}: granted by the model, but there is nothing to ask",) if action.enabled(
            pair.state
        ) else ()
    uid = f"uid-{pair.server.store.revision}"
    server, response = request(pair.server, ADMIN, asked, now=model.NOW, uid=uid)
    granted = action.enabled(pair.state)
    lines: list[str] = []
    if response.ok != granted:
        lines.append(f"{action}: the server says {response.code} {response.message}")
    state = action.apply(pair.state) if granted else pair.state
    found = abstract(server)
    if found != unversioned(state):
        lines.append(f"{action}: the server has {found}, the model {state}")
    if not refines(pair.state, found):
        lines.append(f"{action}: no step of the model")
    lines += _unwatched(pair.server, server)
    return Pair(server, state, _reading(pair.reads, server, state)), tuple(lines)


def _reading(reads: Reads, server: Server, state: model.State) -> Reads:
    """Remember every Pod as it can be read now."""
    for name, pod in state.pods.items():
        found = server.get(pod_ref(name))
        if isinstance(found, Pod) and (name, pod.version) not in reads:
            reads = reads.set((name, pod.version), found)
    return reads


def _unwatched(before: Server, after: Server) -> list[str]:
    """Replay what a watch shows on what was there: a watcher knows all that is there now."""
    events = watch_since(after, WatchFilter("Pod"), before.store.revision)
    if isinstance(events, Compacted):
        return ["the watch is too old"]
    known = {obj.metadata.name: obj for obj in before.list("Pod", None)}
    for event in events:
        if event.type == "DELETED":
            known.pop(event.object.metadata.name)
        else:
            known[event.object.metadata.name] = event.object
    listed = {obj.metadata.name: obj for obj in after.list("Pod", None)}
    return [] if known == listed else [f"a watcher knows {known}, there is {listed}"]
