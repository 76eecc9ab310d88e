"""How the StatefulSet controller's objects look to the page workloads/statefulset, and what every turn is to be."""

from __future__ import annotations

from ....impl.api.apps import ControllerRevision, StatefulSet
from ....impl.api.cache import Cache
from ....impl.api.core import Pod
from ....impl.api.meta import Ref
from ....impl.api.well_known import REVISION_HASH
from ....model.components.workloads.statefulset import Member, State, steps


def abstract(store: Cache, key: Ref) -> State:
    """Keep the Pods that the set controls by the numbers in their names; a Pod is new if its revision's template is."""
    owner = store.get(StatefulSet, key)
    if owner is None:
        return State(0, ())
    spec, status = owner.spec, owner.status
    new = {
        revision.metadata.name: revision.data.spec.template.spec == spec.template.spec
        for revision in store.list(ControllerRevision, key.namespace)
    }
    mine = {
        int(pod.metadata.name.rpartition("-")[2]) - spec.first: _member(pod, new)
        for pod in store.list(Pod, key.namespace)
        if any(reference.uid == owner.metadata.uid for reference in pod.metadata.owner_references)
    }
    rolling = spec.update_strategy.rolling_update
    return State(
        wanted=spec.wanted,
        members=tuple(mine.get(number) for number in range(max(mine, default=-1) + 1)),
        ordered=spec.pod_management_policy == "OrderedReady",
        replaces=spec.update_strategy.type == "RollingUpdate",
        partition=0 if rolling is None else rolling.partition or 0,
        old=not new.get(status.current_revision, True),
        written=(status.replicas, status.ready_replicas),
    )


def _member(pod: Pod, new: dict[str, bool]) -> Member:
    return Member(
        new=new.get(pod.metadata.labels.get(REVISION_HASH, ""), False),
        placed=bool(pod.spec.node_name),
        ready=pod.status.phase == "Running" and pod.ready,
        failed=pod.status.phase in {"Failed", "Succeeded"},
        going=pod.metadata.deletion_timestamp is not None,
    )


def refines(before: State, after: State) -> bool:
    """Every turn of the controller is a turn of the model, or changes nothing."""
    return after == before or any(action.apply(before) == after for action in steps(before))
