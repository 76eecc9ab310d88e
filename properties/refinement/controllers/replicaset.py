"""How the ReplicaSet controller's objects look to the page workloads/replicaset, and the obligation of every turn."""

from __future__ import annotations

from ....impl.api.apps import ReplicaSet
from ....impl.api.cache import Cache
from ....impl.api.core import Pod
from ....impl.api.meta import Ref
from ....model.components.workloads.replicaset import Member, State, steps


def abstract(store: Cache, key: Ref) -> State:
    """Forget names; keep the living Pods that the ReplicaSet controls."""
    rs = store.get(ReplicaSet, key)
    if rs is None:
        return State(0, ())
    uid = rs.metadata.uid
    mine = [
        pod
        for pod in store.list(Pod, key.namespace)
        if any(reference.uid == uid for reference in pod.metadata.owner_references)
    ]
    members = [
        Member(pod.spec.node_name, pod.status.phase == "Running", pod.ready)
        for pod in mine
        if pod.metadata.deletion_timestamp is None and pod.status.phase not in {"Failed", "Succeeded"}
    ]
    written = (rs.status.replicas, rs.status.ready_replicas)
    return State(rs.spec.wanted, tuple(sorted(members)), written)


def refines(before: State, after: State) -> bool:
    """Every turn of the controller is a turn of the model, or changes nothing."""
    return after == before or any(action.apply(before) == after for action in steps(before))
