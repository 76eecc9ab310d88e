"""Ownership: no controller of a workload deletes a Pod that it has been let go of.

Who deletes a workload and orphans its Pods (`kubectl delete --cascade=orphan`) keeps them. Judged by what happens to
Pods where a step does so: a controller deletes one that, at that moment, nobody controls. It decides on a view in which
the Pod is still its own, and its request names no more than the Pod's uid (k/k PR 138818); what a controller has seen
of its own writes, as since 1.36, does not matter, for the garbage collector let go of the Pod.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...impl.api.claim_names import OWNERSHIP, SENTENCES
from ...impl.api.core import Pod
from ...impl.api.kinds import Object
from ...impl.api.meta import ObjectMeta
from ...impl.api.workloads import WORKLOAD_KINDS
from ...model.machine import Property, StepProperty, View
from ...model.world.verbs import Verb
from ..world.cluster import Cluster

CONTROLLERS = tuple(kind.controller for kind in WORKLOAD_KINDS if kind.makes == "Pod")


def properties(cluster: Cluster) -> Iterator[Property]:
    """Yield that no controller deletes what it was let go of, where a step orphans something."""
    if cluster.scenario.orphans:
        sends = [cluster.actions(who, Verb.SENDS) for who in CONTROLLERS]

        def acts(action: str) -> bool:
            return any(send(action) for send in sends)

        places = cluster.world.layout.pools["Pod"]
        told = SENTENCES[OWNERSHIP]
        yield StepProperty(OWNERSHIP, told, partial(_taken, places), acts, partial(_there, places), by_label=False)


def _taken(places: tuple[str, ...], before: View, after: View, _label: str) -> Iterator[str]:
    for place in places:
        pod: Pod | None = before.via(_free, place)
        if pod is not None and after.via(_stays, place) != pod.metadata.uid:
            yield f"{pod.metadata.name} is deleted by a controller, and nobody controls it any more"


def _there(places: tuple[str, ...], view: View) -> bool:
    """Tell whether there is a Pod that nobody controls."""
    return any(view.via(_free, place) is not None for place in places)


def _free(obj: Object | None) -> Pod | None:
    """Keep who a Pod is that nobody controls, and that is not on its way out."""
    if not isinstance(obj, Pod) or obj.metadata.terminating or obj.metadata.controller is not None:
        return None
    return Pod(ObjectMeta(obj.metadata.name, uid=obj.metadata.uid))


def _stays(obj: Object | None) -> str:
    """Return the uid of a Pod that is not on its way out."""
    return obj.metadata.uid if isinstance(obj, Pod) and not obj.metadata.terminating else ""
