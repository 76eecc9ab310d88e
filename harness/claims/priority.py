"""Priority: room that only Pods of lower priority take keeps no Pod waiting that may evict them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial

from ...impl.api.claim_names import PRIORITY, SENTENCES
from ...impl.api.core import Pod
from ...model.machine import LeadsTo, Property, View
from ..input.priorities import NEVER, may_preempt
from ..world.cluster import Cluster
from .moments import script_over
from .placement import Judge, breaking, could_run


def properties(cluster: Cluster) -> Iterator[Property]:
    """Yield that nobody waits so for ever, where somebody may evict others."""
    if may_preempt(cluster.scenario):
        yield LeadsTo(PRIORITY, SENTENCES[PRIORITY], partial(script_over, cluster), outranked(cluster))


def outranked(cluster: Cluster) -> Callable[[View], Iterator[str]]:
    """Return the goal that no Pod that may evict others waits for room which Pods of lower priority take."""
    return partial(_outranked, cluster, lru_cache(maxsize=None)(breaking))


def _outranked(cluster: Cluster, breaks: Judge, view: View) -> Iterator[str]:
    for pod, node in could_run(cluster, breaks, view, _not_below):
        if pod.spec.preemption_policy != NEVER:
            yield f"{pod.metadata.name} is Pending; without the Pods of lower priority it could run on {node}"


def _not_below(pod: Pod, other: Pod) -> bool:
    return (other.spec.priority or 0) >= (pod.spec.priority or 0)
