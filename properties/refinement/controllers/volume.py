"""How claims and volumes look to the page resources/volume."""

from __future__ import annotations

from ....impl.api.cache import Cache
from ....impl.api.core import Node, Pod
from ....impl.api.storage import PersistentVolume, PersistentVolumeClaim, StorageClass
from ....impl.api.values.quantity import Quantity
from ....model.components.resources.volume import Claim, Phase, State, Volume

BOUND = "pv.kubernetes.io/bind-completed"
CHOSEN = "volume.kubernetes.io/selected-node"
PHASES = {"": Phase.NEW, "Pending": Phase.NEW, "Available": Phase.FREE, "Bound": Phase.TAKEN, "Released": Phase.LEFT}
MOST = 16
"""Sizes are whole numbers up to this."""


def abstract(store: Cache) -> State:
    """Keep sizes, who is whose, where volumes are, what is said of them and what is being deleted."""
    classes = {storage_class.metadata.name: storage_class for storage_class in store.list(StorageClass)}
    used = {
        (pod.metadata.namespace, volume["persistentVolumeClaim"]["claimName"])
        for pod in store.list(Pod)
        if pod.spec.node_name
        for volume in pod.spec.extra.get("volumes", ())
    }
    return State(
        tuple(_claim(claim, classes, used) for claim in store.list(PersistentVolumeClaim)),
        tuple(map(_volume, store.list(PersistentVolume))),
        frozenset(node.metadata.name for node in store.list(Node)),
    )


def _claim(one: PersistentVolumeClaim, classes: dict[str, StorageClass], used: set[tuple[str, str]]) -> Claim:
    found = classes.get(one.spec.storage_class_name or "")
    bound = BOUND in one.metadata.annotations
    return Claim(
        name=one.metadata.uid,
        size=_size(one.spec.resources.requests.get("storage")),
        cls=one.spec.storage_class_name or "",
        waits=found is not None and found.volume_binding_mode == "WaitForFirstConsumer",
        makes=found is not None and found.provisioner != "kubernetes.io/no-provisioner",
        chosen=one.metadata.annotations.get(CHOSEN, ""),
        bound=bound,
        lost=one.status.phase == "Lost",
        going=one.metadata.terminating,
        used=(one.metadata.namespace, one.metadata.name) in used,
    )


def _volume(one: PersistentVolume) -> Volume:
    ref, affinity = one.spec.claim_ref, one.spec.node_affinity
    terms = affinity.required.node_selector_terms if affinity and affinity.required else ()
    return Volume(
        size=_size(one.spec.capacity.get("storage")),
        cls=one.spec.storage_class_name,
        of="" if ref is None else ref.uid,
        phase=PHASES[one.status.phase],
        place=next((value for term in terms for wanted in term.match_expressions for value in wanted.values), ""),
        retained=one.spec.persistent_volume_reclaim_policy != "Delete",
        going=one.metadata.terminating,
    )


def _size(found: Quantity | None) -> int:
    return 0 if found is None else sum(found >= Quantity.of(number) for number in range(1, MOST))
