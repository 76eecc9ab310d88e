"""Availability: of the workloads that the scenario names there are never fewer Pods, or more, than it says.

Fewer: Pods that are ready and not on their way out. More: Pods that have not finished, those on their way out among
them, for they hold what they have until they are gone (KEP-3973, KEP-3939). Nobody but the scenario knows which number
is too small or too large: a Deployment that rolls out counts old and new ones, and a terminating Pod for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from attrs import frozen

from ...impl.api.claim_names import AVAILABILITY, SENTENCES
from ...impl.api.core import Pod
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ...impl.api.workloads import BY_KIND
from ...model.machine import Invariant, Property, View
from ..input.scenario import Sizes, placed
from ..world.cluster import Cluster


@frozen
class Counted:
    """A Pod: who made it, whether it is ready, whether it is over, and whether it has failed."""

    owner: Ref
    ready: bool
    over: bool
    failed: bool


def properties(cluster: Cluster) -> Iterator[Property]:
    """Yield that the numbers are kept, where any are given of what there is here."""
    there = {placed(obj, cluster.scenario.namespace) for obj in cluster.scenario.everything}
    sizes = tuple(size for size in cluster.scenario.sizes if size.of in there)
    if sizes:
        check, premise = partial(_out_of_bounds, cluster, sizes), partial(_any_pod, cluster, sizes)
        yield Invariant(AVAILABILITY, SENTENCES[AVAILABILITY], check, premise)


def _out_of_bounds(cluster: Cluster, sizes: tuple[Sizes, ...], view: View) -> Iterator[str]:
    makers = _makers(cluster, view)
    pods = [one for place in cluster.world.layout.pools["Pod"] if (one := view.via(_counted, place)) is not None]
    for size in sizes:
        mine = [pod for pod in pods if size.of in {pod.owner, makers.get(pod.owner)}]
        ready, there = sum(pod.ready for pod in mine), sum(not pod.over for pod in mine)
        if ready < size.least:
            yield f"{size.of} has {ready} ready Pods, and {size.least} are asked for at any time"
        if size.most is not None and there > size.most:
            yield f"{size.of} has {there} Pods that are not over, and no more than {size.most} are allowed"
        failed = sum(pod.failed for pod in mine)
        if size.failed is not None and failed > size.failed:
            yield f"{failed} Pods of {size.of} have failed, and no more than {size.failed} are allowed"


def _any_pod(cluster: Cluster, sizes: tuple[Sizes, ...], view: View) -> bool:
    makers, named = _makers(cluster, view), {size.of for size in sizes}
    found = (view.via(_counted, place) for place in cluster.world.layout.pools["Pod"])
    return any(pod is not None and bool({pod.owner, makers.get(pod.owner)} & named) for pod in found)


def _makers(cluster: Cluster, view: View) -> dict[Ref, Ref]:
    """Return who made the workloads that others made."""
    pools = cluster.world.layout.pools
    slots = (slot for kind in BY_KIND for slot in pools.get(kind, ()))
    return {pair[0]: pair[1] for slot in slots if (pair := view.via(_made_by, slot)) is not None}


def _made_by(obj: Object | None) -> tuple[Ref, Ref] | None:
    owner = None if obj is None else obj.metadata.controller
    return None if obj is None or owner is None else (ref_of(obj), Ref(owner.kind, obj.metadata.namespace, owner.name))


def _counted(obj: Object | None) -> Counted | None:
    owner = obj.metadata.controller if isinstance(obj, Pod) else None
    if not isinstance(obj, Pod) or owner is None:
        return None
    going, over = obj.metadata.deletion_timestamp is not None, obj.status.phase in {"Succeeded", "Failed"}
    ready = any(condition.type == "Ready" and condition.status == "True" for condition in obj.status.conditions)
    return Counted(
        Ref(owner.kind, obj.metadata.namespace, owner.name),
        ready and not going and not over,
        over,
        obj.status.phase == "Failed",
    )
