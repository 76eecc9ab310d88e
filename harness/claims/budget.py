"""Budgets: nobody who evicts leaves fewer healthy Pods than a PodDisruptionBudget asks for.

Judged by the Pods and the sizes of their workloads as they are, not by the budget's status, which lags, nor by what the
disruption controller would count. Who evicts: a drain through the API, and a scheduler that makes room, which asks no
budget but prefers not to break one. What the documentation promises (kubernetes.io/docs/tasks/run-application/
configure-pdb, v1.32): minAvailable is a number of Pods, or a share of those there should be; maxUnavailable leaves the
rest of those there should be; shares are rounded up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial

from ...impl.api.apps import Sized
from ...impl.api.claim_names import BUDGET, SENTENCES
from ...impl.api.core import Pod, PodCondition, PodSpec, PodStatus
from ...impl.api.kinds import Object
from ...impl.api.meta import ObjectMeta
from ...impl.api.policy import PodDisruptionBudget
from ...impl.api.values.selectors import selects
from ...impl.api.well_known import DISRUPTION_TARGET
from ...impl.api.workloads import SCALED
from ...model.machine import Property, StepProperty, View
from ...model.world.verbs import Verb
from ..world import scheduling
from ..world.cluster import Cluster
from ..world.controllers import descheduler
from ..world.script.script_slots import USER


def properties(cluster: Cluster) -> Iterator[Property]:
    """Yield that no step goes below a budget, where somebody may."""
    if cluster.parts.budgets and "PodDisruptionBudget" in cluster.world.layout.pools:
        yield StepProperty(
            BUDGET, SENTENCES[BUDGET], check(cluster), evictions(cluster), premise(cluster), by_label=False
        )


def check(cluster: Cluster) -> Callable[[View, View, str], Iterator[str]]:
    """Return the check of a cluster's machine."""
    return partial(_over_budget, cluster)


def evictions(cluster: Cluster) -> Callable[[str], bool]:
    """Pick the steps in which somebody may evict: a drain, a scheduler, or a descheduler."""
    drains, schedulers = cluster.actions(USER, Verb.EVICTS), cluster.actions(scheduling.USER, Verb.SENDS)
    moves = cluster.actions(descheduler.USER, Verb.SENDS)
    return lambda action: drains(action) or schedulers(action) or moves(action)


def premise(cluster: Cluster) -> Callable[[View], bool]:
    """Return the test whether somebody has been evicted at all: such a Pod says that it is a target of disruption."""
    return partial(_disrupted, cluster)


def _disrupted(cluster: Cluster, view: View) -> bool:
    return any(view.via(_is_target, slot) for slot in cluster.world.layout.pools["Pod"])


def _is_target(obj: Object | None) -> bool:
    """Tell whether a Pod was evicted, and not deleted for a taint or for a node that is gone, which asks no budget."""
    found = obj.status.condition(DISRUPTION_TARGET) if isinstance(obj, Pod) else None
    return found is not None and not found.reason.startswith("DeletionBy")


def _over_budget(cluster: Cluster, before: View, after: View, _label: str) -> Iterator[str]:
    yield from (line for _, line in over(cluster, before, after))


def over(cluster: Cluster, before: View, after: View) -> Iterator[tuple[PodDisruptionBudget, str]]:
    """Yield the budgets that an eviction in a step does not keep, and how."""
    layout = cluster.world.layout
    pods = [(before.via(_counted, slot), after.via(_counted, slot)) for slot in layout.pools["Pod"]]
    evicted = [old for old, new in pods if old and is_healthy(old) and not (new and is_healthy(new))]
    if not evicted:
        return
    slots = (slot for kind in SCALED for slot in layout.pools.get(kind, ()))
    workloads = [one for slot in slots if isinstance(one := after[slot], Sized)]
    budgets = (
        one for slot in layout.pools["PodDisruptionBudget"] if isinstance(one := before[slot], PodDisruptionBudget)
    )
    yield from left_by(evicted, [pod for _, pod in pods if pod], budgets, workloads)


def left_by(
    evicted: Collection[Pod], left: Iterable[Pod], budgets: Iterable[PodDisruptionBudget], workloads: Iterable[Sized]
) -> Iterator[tuple[PodDisruptionBudget, str]]:
    """Yield the budgets that are not kept by the Pods that are left where some have been evicted, and say how."""
    there, sizes = tuple(left), _sizes(workloads)
    for budget in budgets:
        if any(covers(budget, pod) for pod in evicted):
            covered = [pod for pod in there if covers(budget, pod)]
            healthy, asked = sum(map(is_healthy, covered)), _asked(budget, covered, sizes)
            if healthy < asked:
                yield budget, f"{budget.metadata.name} asks for {asked} healthy Pods, the eviction leaves {healthy}"


def _sizes(given: Iterable[Sized]) -> Mapping[str, tuple[str, int]]:
    """Return, by the uid of a workload, whose size counts for its Pods (its controller's or its own) and that size."""
    workloads = tuple(given)
    wanted = {workload.metadata.uid: workload.spec.wanted for workload in workloads}
    owners = {workload.metadata.uid: workload.metadata.controller for workload in workloads}
    return {
        uid: (owner.uid, wanted[owner.uid]) if owner is not None and owner.uid in wanted else (uid, wanted[uid])
        for uid, owner in owners.items()
    }


def _asked(budget: PodDisruptionBudget, pods: list[Pod], sizes: Mapping[str, tuple[str, int]]) -> int:
    """Return how many healthy Pods a budget asks for; Pods of no known workload add nothing to what should be there."""
    owners = (pod.metadata.controller for pod in pods)
    workloads = dict(sizes[owner.uid] for owner in owners if owner is not None and owner.uid in sizes)
    should_be = sum(workloads.values())
    spec = budget.spec
    if spec.max_unavailable is not None:
        return max(0, should_be - _share(spec.max_unavailable, should_be))
    return 0 if spec.min_available is None else _share(spec.min_available, should_be)


def _share(number: int | str, whole: int) -> int:
    """Return a number of Pods, or the Pods that a percentage stands for, rounded up."""
    if isinstance(number, int):
        return number
    return -(-whole * int(number.removesuffix("%")) // 100)


def covers(budget: PodDisruptionBudget, pod: Pod) -> bool:
    """Tell whether a budget counts a Pod."""
    return pod.metadata.namespace == budget.metadata.namespace and selects(budget.spec.selector, pod.metadata.labels)


def _counted(obj: Object | None) -> Pod | None:
    """Keep who a Pod is and whose, whether it is ready, and whether it is on its way out."""
    if not isinstance(obj, Pod):
        return None
    meta = obj.metadata
    kept = ObjectMeta(
        name=meta.name,
        namespace=meta.namespace,
        labels=meta.labels,
        deletion_timestamp=None if meta.deletion_timestamp is None else 0,
        owner_references=meta.owner_references,
    )
    ready = tuple(
        PodCondition(condition.type, condition.status)
        for condition in obj.status.conditions
        if condition.type == "Ready"
    )
    return Pod(kept, PodSpec(), PodStatus(phase=obj.status.phase, conditions=ready))


def is_healthy(pod: Pod) -> bool:
    """Tell whether a Pod counts for a budget: it is ready and not on its way out."""
    going = pod.metadata.deletion_timestamp is not None or pod.status.phase in {"Succeeded", "Failed"}
    return not going and any(
        condition.type == "Ready" and condition.status == "True" for condition in pod.status.conditions
    )
