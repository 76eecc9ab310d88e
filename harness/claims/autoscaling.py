"""Autoscaling: nobody gives up Pods of an autoscaler's target because fewer are asked for than minReplicas.

Judged by what happens to Pods: a controller deletes one of a workload whose size is below the minReplicas of an
autoscaler that scales it. Whether somebody only writes such a size does not matter while it has no effect: the
autoscaler writes another one (kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale, v1.32: keep
`spec.replicas` out of manifests of what is autoscaled). A target that is scaled to 0 is left alone by its autoscaler,
and so it is here. Pods that are evicted, or go with their node, are a matter of budgets.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...impl.api.apps import Sized
from ...impl.api.autoscaling import HorizontalPodAutoscaler
from ...impl.api.claim_names import AUTOSCALING, SENTENCES
from ...impl.api.core import Pod
from ...impl.api.kinds import Object
from ...impl.api.meta import ObjectMeta
from ...impl.api.workloads import SCALED, WORKLOAD_KINDS, only_size
from ...model.machine import Property, StepProperty, View
from ...model.world.verbs import Verb
from ..world.cluster import Cluster

KIND = "HorizontalPodAutoscaler"
CONTROLLERS = tuple(kind.controller for kind in WORKLOAD_KINDS if kind.name in SCALED and kind.makes == "Pod")


def properties(cluster: Cluster) -> Iterator[Property]:
    """Yield that no controller gives up Pods below minReplicas, where there are autoscalers."""
    layout = cluster.world.layout
    there = any(isinstance(obj, HorizontalPodAutoscaler) for obj in layout.constants.values())
    if there or KIND in layout.pools:
        sends = [cluster.actions(who, Verb.SENDS) for who in CONTROLLERS]

        def acts(action: str) -> bool:
            return any(send(action) for send in sends)

        premise = partial(_is_scaled, cluster)
        yield StepProperty(AUTOSCALING, SENTENCES[AUTOSCALING], partial(_below, cluster), acts, premise, by_label=False)


def _below(cluster: Cluster, before: View, after: View, _label: str) -> Iterator[str]:
    for scaler, target, pod in below(cluster, before, after):
        told = f"{target.spec.wanted} are asked for, HorizontalPodAutoscaler {scaler.metadata.name} keeps"
        yield f"{pod.metadata.name} is given up: {told} {scaler.spec.least} at the least"


def below(cluster: Cluster, before: View, after: View) -> Iterator[tuple[HorizontalPodAutoscaler, Sized, Pod]]:
    """Yield the Pods that a step gives up though there are to be more, with who says so and whose they are."""
    pods = cluster.world.layout.pools["Pod"]
    gone = [old for slot in pods if (old := before.via(_stays, slot)) and not after.via(_stays, slot)]
    for scaler, target in _scaled(cluster, before) if gone else ():
        if 0 < target.spec.wanted < scaler.spec.least:
            for pod in gone:
                if target.metadata.uid in _owners(cluster, before, pod):
                    yield scaler, target, pod


def _is_scaled(cluster: Cluster, view: View) -> bool:
    return any(True for _ in _scaled(cluster, view))


def _scaled(cluster: Cluster, view: View) -> Iterator[tuple[HorizontalPodAutoscaler, Sized]]:
    """Yield the autoscalers with what they scale."""
    layout = cluster.world.layout
    sizes = [view.via(_size, slot) for kind in SCALED for slot in layout.pools.get(kind, ())]
    for scaler in scalers_of(cluster, view):
        for target in sizes:
            if isinstance(target, Sized):
                scaled, meta = scaler.spec.scale_target_ref, target.metadata
                named = (type(target).__name__, meta.name, meta.namespace)
                if named == (scaled.kind, scaled.name, scaler.metadata.namespace):
                    yield scaler, target


def scalers_of(cluster: Cluster, view: View) -> tuple[HorizontalPodAutoscaler, ...]:
    """Return the autoscalers that there are: of those that nobody changes, and of those that somebody does."""
    layout = cluster.world.layout
    found = (view.via(_scaler, slot) for slot in layout.pools.get(KIND, ()))
    return tuple(scaler for scaler in (*map(_scaler, layout.constants.values()), *found) if scaler is not None)


def _owners(cluster: Cluster, view: View, pod: Pod) -> Iterator[str]:
    """Yield the uids of what controls a Pod, and of what controls that."""
    layout = cluster.world.layout
    above = {
        one.metadata.uid: one.metadata.controller
        for kind in SCALED
        for slot in layout.pools.get(kind, ())
        if isinstance(one := view.via(_size, slot), Sized)
    }
    owner = pod.metadata.controller
    while owner is not None:
        yield owner.uid
        owner = above.get(owner.uid)


def _stays(obj: Object | None) -> Pod | None:
    """Keep whose Pod it is that is neither over nor on its way out."""
    if not isinstance(obj, Pod) or obj.metadata.terminating or obj.finished:
        return None
    return Pod(ObjectMeta(obj.metadata.name, uid=obj.metadata.uid, owner_references=obj.metadata.owner_references))


def _scaler(obj: Object | None) -> HorizontalPodAutoscaler | None:
    if not isinstance(obj, HorizontalPodAutoscaler):
        return None
    return HorizontalPodAutoscaler(ObjectMeta(obj.metadata.name, namespace=obj.metadata.namespace), obj.spec)


def _size(obj: Object | None) -> Object | None:
    """Keep of a workload who it is, whose, and how many Pods it is to have."""
    if not isinstance(obj, Sized):
        return None
    meta = obj.metadata
    kept = ObjectMeta(meta.name, namespace=meta.namespace, uid=meta.uid, owner_references=meta.owner_references)
    return only_size(obj, kept)
