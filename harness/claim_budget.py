"""Budgets: no eviction leaves fewer healthy Pods than a PodDisruptionBudget asks for.

Judged by the Pods as they are, not by the budget's status, which lags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ..impl.api.cache import Cache
from ..impl.api.core import Pod, PodSpec
from ..impl.api.kinds import Object
from ..impl.api.policy import PodDisruptionBudget
from ..impl.api.selectors import selects
from ..impl.controllers.common import Keep, slim_metadata, slim_ready
from ..impl.controllers.disruption import expected_and_desired
from ..model.machine import View
from .cluster import Cluster


def check(cluster: Cluster) -> Callable[[View, View, str], Iterator[str]]:
    """Give the check of a cluster's machine."""
    return partial(_over_budget, cluster)


def _over_budget(cluster: Cluster, before: View, after: View, _label: str) -> Iterator[str]:
    layout = cluster.world.layout
    pods = [(before.via(_counted, slot), after.via(_counted, slot)) for slot in layout.pools["Pod"]]
    evicted = [old for old, new in pods if old and _healthy(old) and not (new and _healthy(new))]
    if not evicted:
        return
    owners = [
        one for kind in ("Deployment", "ReplicaSet") for slot in layout.pools.get(kind, ()) if (one := after[slot])
    ]
    mine = [pod for _, pod in pods if pod]
    for slot in layout.pools["PodDisruptionBudget"]:
        budget = before[slot]
        if isinstance(budget, PodDisruptionBudget) and any(_covered(budget, pod) for pod in evicted):
            yield from _shortage(budget, Cache.of((*owners, *mine)), [pod for pod in mine if _covered(budget, pod)])


def _shortage(budget: PodDisruptionBudget, cache: Cache, pods: list[Pod]) -> Iterator[str]:
    wanted = expected_and_desired(cache, budget, tuple(pods))
    healthy = sum(_healthy(pod) for pod in pods)
    if isinstance(wanted, tuple) and healthy < wanted[1]:
        yield f"{budget.metadata.name} asks for {wanted[1]} healthy Pods, the eviction leaves {healthy}"


def _covered(budget: PodDisruptionBudget, pod: Pod) -> bool:
    return pod.metadata.namespace == budget.metadata.namespace and selects(budget.spec.selector, pod.metadata.labels)


def _counted(obj: Object | None) -> Pod | None:
    if not isinstance(obj, Pod):
        return None
    return Pod(slim_metadata(obj.metadata, Keep(labels=True, owners=True)), PodSpec(), slim_ready(obj.status))


def _healthy(pod: Pod) -> bool:
    return pod.ready and pod.active
