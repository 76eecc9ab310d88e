"""The volumes of StatefulSets: each Pod's claims are there and bound before it is made, to volumes all nodes can reach.

Nothing here provisions, so that this is an assumption, told with file and line (`input.assumptions`). A claim that the
input has is what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve

from ...impl.api.apps import StatefulSet
from ...impl.api.cache import Cache
from ...impl.api.core import ObjectReference, Pod
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import ObjectMeta
from ...impl.api.storage import (
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimStatus,
    PersistentVolumeSpec,
    PersistentVolumeStatus,
)
from ...impl.api.values.frozen import strings
from ...impl.api.well_known import REGION, ZONE
from ...impl.apiserver.create import uid_of
from ...impl.apiserver.defaulting import default
from ...impl.controllers.statefulset.identity import claims
from ...impl.scheduler.plugins.volume_claims import BIND_COMPLETED, fully_bound, volume_of
from ...impl.scheduler.plugins.volume_claims import claims as claims_of
from ..input.scenario import Scenario, most_replicas


def provisioned(scenario: Scenario, there: Iterable[Object]) -> Iterator[Object]:
    """Yield the claims that Pods of StatefulSets will ever have, beside those that are there, and their volumes."""
    known = {ref_of(obj) for obj in there}
    for obj in scenario.everything:
        for claim in _claims(scenario, obj) if isinstance(obj, StatefulSet) else ():
            if ref_of(claim) not in known:
                known.add(ref_of(claim))
                yield from _bound(claim)


def anywhere(pod: Pod, objects: Iterable[Object]) -> bool:
    """Tell whether every claim of a Pod is bound to a volume that all nodes can reach: then none restricts it."""
    cache = Cache.of(obj for obj in objects if isinstance(obj, PersistentVolumeClaim | PersistentVolume))
    found = claims_of(pod, cache)
    volumes = [
        volume_of(claimed.claim, cache) for claimed in found if claimed.claim is not None and fully_bound(claimed.claim)
    ]
    return len(volumes) == len(found) and all(
        volume is not None and volume.spec.node_affinity is None and not {ZONE, REGION} & volume.metadata.labels.keys()
        for volume in volumes
    )


def _claims(scenario: Scenario, one: StatefulSet) -> Iterator[PersistentVolumeClaim]:
    placed = evolve(one, metadata=evolve(one.metadata, namespace=one.metadata.namespace or scenario.namespace))
    owner = default(placed)
    if isinstance(owner, StatefulSet):
        first = owner.spec.first
        for number in range(first, first + most_replicas(one, scenario.script, scenario.nodes)):
            yield from claims(owner, number)


def _bound(claim: PersistentVolumeClaim) -> tuple[PersistentVolumeClaim, PersistentVolume]:
    meta, spec = claim.metadata, claim.spec
    name = f"pvc-{meta.namespace}-{meta.name}"
    volume = PersistentVolume(
        ObjectMeta(name=name, uid=f"PersistentVolume//{name}"),
        PersistentVolumeSpec(
            capacity=spec.resources.requests,
            access_modes=spec.access_modes,
            claim_ref=ObjectReference("PersistentVolumeClaim", meta.namespace, meta.name, uid_of(ref_of(claim))),
            storage_class_name=spec.storage_class_name or "",
            volume_mode=spec.volume_mode,
        ),
        PersistentVolumeStatus("Bound"),
    )
    annotations = strings({**meta.annotations, BIND_COMPLETED: "yes"})
    bound = evolve(
        claim,
        metadata=evolve(meta, uid=uid_of(ref_of(claim)), annotations=annotations),
        spec=evolve(spec, volume_name=name),
        status=PersistentVolumeClaimStatus("Bound"),
    )
    return bound, volume
