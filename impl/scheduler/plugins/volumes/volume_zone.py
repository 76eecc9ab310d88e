"""VolumeZone: a volume labelled with a zone or region is used from there only.

Upstream: pkg/scheduler/framework/plugins/volumezone/volume_zone.go (v1.32).
"""

from __future__ import annotations

from ....api.core import Pod
from ....api.storage import PersistentVolumeClaim
from ....api.well_known import REGION, ZONE
from ...framework import FilterPlugin, NodeInfo, Prepared, Refusal, Snapshot
from .volume_claims import WAIT_FOR_FIRST_CONSUMER, claims, class_of, volume_of

NAME = "VolumeZone"
ELSEWHERE = Refusal(NAME, ("node(s) had no available volume zone",), resolvable=False)
CURRENT = {
    "failure-domain.beta.kubernetes.io/zone": ZONE,
    "failure-domain.beta.kubernetes.io/region": REGION,
}
"""Labels by their old name."""
LABELS = (*CURRENT, *CURRENT.values())
SEPARATOR = "__"

Topologies = tuple[tuple[str, frozenset[str]], ...]
"""A label and the values it may have, for each such label of each volume."""


def pre_filter(snapshot: Snapshot, pod: Pod) -> Prepared[Topologies] | Refusal | None:
    """Collect the labels of the Pod's volumes; skip a Pod whose volumes have none."""
    found: list[tuple[str, frozenset[str]]] = []
    for claimed in claims(pod, snapshot.cache):
        if claimed.ephemeral:
            continue
        if claimed.claim is None:
            return _refuse(claimed.not_found)
        if not claimed.claim.spec.volume_name:
            if words := _unbound(snapshot, claimed.claim):
                return _refuse(words)
            continue
        volume = volume_of(claimed.claim, snapshot.cache)
        if volume is None:
            return _refuse(f'persistentvolume "{claimed.claim.spec.volume_name}" not found')
        labels = volume.metadata.labels
        found += [(key, frozenset(labels[key].split(SEPARATOR))) for key in LABELS if key in labels]
    return Prepared(tuple(found)) if found else None


def _refuse(words: str) -> Refusal:
    return Refusal(NAME, (words,), resolvable=False)


def _unbound(snapshot: Snapshot, claim: PersistentVolumeClaim) -> str:
    """Say why an unbound claim is no use; "" if it is bound when the Pod is scheduled."""
    name = claim.spec.storage_class_name
    if not name:
        return "PersistentVolumeClaim had no pv name and storageClass name"
    found = class_of(claim, snapshot.cache)
    if found is None:
        return f'storageclass.storage.k8s.io "{name}" not found'
    if found.volume_binding_mode is None:
        return f'VolumeBindingMode not set for StorageClass "{name}"'
    return "" if found.volume_binding_mode == WAIT_FOR_FIRST_CONSUMER else "PersistentVolume had no name"


def filter_node(topologies: Topologies, _pod: Pod, info: NodeInfo) -> Refusal | None:
    """Refuse a node in another zone or region; a node that says neither is taken to reach everything."""
    labels = info.labels
    if not any(key in labels for key in LABELS):
        return None
    there = ((labels.get(key) or labels.get(CURRENT.get(key, "")), values) for key, values in topologies)
    return None if all(value in values for value, values in there) else ELSEWHERE


PLUGIN = FilterPlugin(NAME, filter_node, pre_filter)
