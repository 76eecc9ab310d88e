"""Quotas: no step lets the objects of a namespace take more than a ResourceQuota allows.

Judged by the objects there are, counted in the words of the documentation (`properties.quotas`), not by the status of
the quota, nor by what the API server or the quota controller would count. What was too much before a quota was made or
lowered may stay (kubernetes.io/docs/concepts/policy/resource-quotas, v1.32: changes to quota do not affect what is
there); what is made beyond it is a breach. A Pod that is being deleted on a node of which nothing is heard is not
counted: Kubernetes forgives it once its grace has passed twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from attrs import evolve

from ...impl.api.claim_names import QUOTA, SENTENCES
from ...impl.api.core import Node, Pod, PodStatus
from ...impl.api.kinds import Object
from ...impl.api.meta import ObjectMeta
from ...impl.api.quota import ResourceQuota, ResourceQuotaStatus
from ...model.machine import Property, StepProperty, View
from ...model.world.verbs import IN_MIND
from ...properties.quotas import exceeded, taken
from ..world.cluster import Cluster


def properties(cluster: Cluster) -> Iterator[Property]:
    """Yield that no step goes beyond a quota, where there are quotas."""
    layout = cluster.world.layout
    if "ResourceQuota" in layout.pools or any(isinstance(obj, ResourceQuota) for obj in layout.constants.values()):
        acts = cluster.except_for(IN_MIND)
        yield StepProperty(
            QUOTA, SENTENCES[QUOTA], partial(_beyond, cluster), acts, partial(is_used, cluster), by_label=False
        )


def _beyond(cluster: Cluster, before: View, after: View, _label: str) -> Iterator[str]:
    for quota, name, now in beyond(cluster, before, after):
        ceiling = f"ResourceQuota {quota.metadata.name} allows {quota.spec.hard[name]}"
        yield f"what is there takes {_told(now)} of {name}, {ceiling}"


def beyond(cluster: Cluster, before: View, after: View) -> Iterator[tuple[ResourceQuota, str, Fraction]]:
    """Yield which ceilings of which quotas a step goes beyond, and what is taken then."""
    before_it = {quota.metadata for quota in quotas(cluster, before)}
    for quota in quotas(cluster, after):
        if quota.metadata not in before_it:
            continue
        now = taken_of(cluster, quota, after)
        over = exceeded(quota.spec, now)
        was = taken_of(cluster, quota, before) if over else now
        for name in over:
            if now[name] > was[name]:
                yield quota, name, now[name]


def taken_of(cluster: Cluster, quota: ResourceQuota, view: View) -> dict[str, Fraction]:
    """Return how much of each ceiling of a quota what there is takes."""
    layout = cluster.world.layout
    silent = {name for slot in layout.pools.get("Node", ()) if (name := view.via(_silent, slot))}
    space = quota.metadata.namespace
    found = [obj for obj in layout.constants.values() if obj.metadata.namespace == space]
    for kind, slots in layout.pools.items():
        for slot in slots:
            one = view.via(_counted, slot) if kind == "Pod" else view.via(_bare, slot)
            if one is None or one.metadata.namespace != space:
                continue
            if not (isinstance(one, Pod) and one.metadata.terminating and one.spec.node_name in silent):
                found.append(one)
    return taken(quota.spec, found)


def is_used(cluster: Cluster, view: View) -> bool:
    """Tell whether something takes of a quota at all."""
    return any(amount for quota in quotas(cluster, view) for amount in taken_of(cluster, quota, view).values())


def quotas(cluster: Cluster, view: View) -> Iterator[ResourceQuota]:
    """Yield the quotas there are: what each allows of what."""
    layout = cluster.world.layout
    yield from (quota for quota in map(ceilings, layout.constants.values()) if quota is not None)
    yield from (one for slot in layout.pools.get("ResourceQuota", ()) if (one := view.via(ceilings, slot)))


def _told(amount: Fraction) -> str:
    return f"{amount}" if amount.denominator == 1 else f"{float(amount):g}"


# --- what is looked at ------------------------------------------------------------------------------------------------


def ceilings(obj: Object | None) -> ResourceQuota | None:
    """Keep of a quota what it allows of what."""
    if not isinstance(obj, ResourceQuota):
        return None
    return ResourceQuota(
        ObjectMeta(obj.metadata.name, namespace=obj.metadata.namespace), obj.spec, ResourceQuotaStatus()
    )


def _counted(obj: Object | None) -> Pod | None:
    """Keep of a Pod what it asks for, whether it is over, and where it is if it is on its way out."""
    if not isinstance(obj, Pod):
        return None
    meta = obj.metadata
    going = None if meta.deletion_timestamp is None else 0
    spec = evolve(obj.spec, node_name="" if going is None else obj.spec.node_name)
    over = obj.status.phase if obj.status.phase in {"Succeeded", "Failed"} else ""
    return Pod(ObjectMeta(meta.name, namespace=meta.namespace, deletion_timestamp=going), spec, PodStatus(phase=over))


def _bare(obj: Object | None) -> Object | None:
    """Keep of an object that is no Pod what it is and asks for."""
    return (
        None if obj is None else evolve(obj, metadata=ObjectMeta(obj.metadata.name, namespace=obj.metadata.namespace))
    )


def _silent(obj: Object | None) -> str:
    """Return the name of a node of which nothing is heard, "" of all else."""
    if not isinstance(obj, Node):
        return ""
    unheard = any(condition.type == "Ready" and condition.status == "Unknown" for condition in obj.status.conditions)
    return obj.metadata.name if unheard else ""
