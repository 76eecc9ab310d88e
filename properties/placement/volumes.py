"""What a Pod's volumes say about where it may go: claims, reach, zones, single users, disks and attach limits.

Upstream's words: kubernetes.io/docs/concepts/storage/{persistent-volumes,storage-classes,storage-limits} (v1.32).
Left out on purpose: binding. A claim that is still to be bound restricts a Pod to where a volume can be made for it;
where it depends on which of several volumes it gets, or on who binds it first, `undecided` says so and nobody may
conclude that all have a place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...impl.api.cache import Cache
from ...impl.api.core import Node, Pod
from ...impl.api.meta import Ref
from ...impl.api.storage import CSINode, PersistentVolume, PersistentVolumeClaim, StorageClass
from ...impl.api.well_known import REGION, ZONE
from .nodes import holds

BOUND = "pv.kubernetes.io/bind-completed"
CHOSEN = "volume.kubernetes.io/selected-node"
ZONES = (ZONE, REGION)
OLD_ZONES = dict(
    zip(("failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region"), ZONES, strict=True)
)
DISKS = {
    "gcePersistentDisk": ("pdName",),
    "awsElasticBlockStore": ("volumeID",),
    "iscsi": ("iqn",),
    "rbd": ("pool", "image"),
}
Found = tuple[str, PersistentVolumeClaim | None, bool]
"""The name of a claim, the claim if it is there, and whether it is made for the Pod alone."""


def claims(pod: Pod, storage: Cache) -> list[Found]:
    """Return the claims that a Pod's volumes name."""
    volumes: Any = pod.spec.extra.get("volumes") or ()
    found: list[Found] = []
    for volume in volumes:
        if (named := volume.get("persistentVolumeClaim")) is not None:
            found.append((name := named.get("claimName", ""), _claim(pod, name, storage), False))
        elif "ephemeral" in volume:
            found.append((name := f"{pod.metadata.name}-{volume['name']}", _claim(pod, name, storage), True))
    return found


def _claim(pod: Pod, name: str, storage: Cache) -> PersistentVolumeClaim | None:
    return storage.get(PersistentVolumeClaim, Ref("PersistentVolumeClaim", pod.metadata.namespace, name))


def volume_of(claim: PersistentVolumeClaim, storage: Cache) -> PersistentVolume | None:
    """Return the volume that a claim names."""
    return storage.get(PersistentVolume, Ref("PersistentVolume", "", claim.spec.volume_name))


def class_of(claim: PersistentVolumeClaim, storage: Cache) -> StorageClass | None:
    """Return the class that makes volumes for a claim."""
    return storage.get(StorageClass, Ref("StorageClass", "", claim.spec.storage_class_name or ""))


def bound(claim: PersistentVolumeClaim) -> bool:
    """Whether a claim has its volume for good."""
    return bool(claim.spec.volume_name) and BOUND in claim.metadata.annotations


# --- one Pod, one node --------------------------------------------------------------------------------------------


def bars(pod: Pod, node: Node, storage: Cache) -> Iterator[tuple[str, str, str]]:
    """Yield kind, cause and remedy of everything about a Pod's claims that keeps it off a node."""
    for name, claim, own in claims(pod, storage):
        if claim is None:
            if not own:
                yield "claim", f"the claim {name} does not exist", f"creating the claim {name} would do"
        elif wrong := _useless(claim, storage):
            yield "claim", f"the claim {name} {wrong}", "a bound claim would do"
        elif bound(claim):
            yield from _out_of_reach(name, volume_of(claim, storage), node)
        elif (chosen := claim.metadata.annotations.get(CHOSEN)) not in {None, node.metadata.name}:
            yield "volume", f"the volume of the claim {name} is being made for {chosen}", f"going to {chosen} would do"
        elif not _can_be_made(claim, node, storage) and not _found_there(claim, node, storage):
            yield "volume", f"no volume can be made or found there for the claim {name}", "another class would do"


def _useless(claim: PersistentVolumeClaim, storage: Cache) -> str:
    """Say why no Pod can use a claim as it is; "" if one can."""
    if claim.status.phase == "Lost":
        return "has lost its volume"
    if claim.metadata.terminating:
        return "is being deleted"
    if bound(claim):
        return "" if volume_of(claim, storage) else f"names the volume {claim.spec.volume_name}, which does not exist"
    if claim.spec.volume_name:
        volume = volume_of(claim, storage)
        wrong = "which does not exist" if volume is None else _unfit(volume, claim)
        return f"names the volume {claim.spec.volume_name}, {wrong or 'and is not bound to it yet'}"
    found = class_of(claim, storage)
    waits = found is not None and found.volume_binding_mode == "WaitForFirstConsumer"
    return "" if waits else "is not bound yet, and is not one that waits for its Pod"


def _out_of_reach(name: str, volume: PersistentVolume | None, node: Node) -> Iterator[tuple[str, str, str]]:
    if volume is None:
        return
    if not _reaches(volume, node):
        yield "volume", f"the volume of the claim {name} cannot be reached from there", "a volume in reach would do"
    mine, there = volume.metadata.labels, node.metadata.labels
    keys = (*ZONES, *OLD_ZONES)
    for key in keys if any(key in there for key in keys) else ():
        value = there.get(key) or there.get(OLD_ZONES.get(key, ""))
        if key in mine and value not in mine[key].split("__"):
            yield "volume", f"the volume of the claim {name} is in {mine[key]}", "a node or a volume there would do"


def _can_be_made(claim: PersistentVolumeClaim, node: Node, storage: Cache) -> bool:
    """Whether the claim's class makes volumes for a node."""
    found = class_of(claim, storage)
    if found is None or found.provisioner in {"", "kubernetes.io/no-provisioner"}:
        return False
    terms = found.allowed_topologies
    labels = node.metadata.labels
    return not terms or any(
        all(labels.get(expression.key) in expression.values for expression in term.match_label_expressions)
        for term in terms
    )


def _candidates(claim: PersistentVolumeClaim, storage: Cache) -> bool:
    """Whether there is a volume that a claim might be bound to."""
    key = (claim.metadata.namespace, claim.metadata.name)
    return any(
        volume.spec.storage_class_name == (claim.spec.storage_class_name or "")
        if volume.spec.claim_ref is None
        else (volume.spec.claim_ref.namespace, volume.spec.claim_ref.name) == key
        for volume in storage.list(PersistentVolume)
    )


def _found_there(claim: PersistentVolumeClaim, node: Node, storage: Cache) -> bool:
    """Whether a volume within a node's reach is a claim's, or may be: of its class and modes, large enough, free."""
    return any(not _unfit(volume, claim) and _reaches(volume, node) for volume in storage.list(PersistentVolume))


def _unfit(volume: PersistentVolume, claim: PersistentVolumeClaim) -> str:
    """Say why a volume is never a claim's; "" where it is, or may be: of its class and modes, large enough, free."""
    kept, wanted = volume.spec.claim_ref, claim.spec.resources.requests.get("storage")
    if kept is not None:
        mine = (kept.namespace, kept.name) == (claim.metadata.namespace, claim.metadata.name)
        return "" if mine else f"which is kept for the claim {kept.namespace}/{kept.name}"
    its, own = (_named(name) for name in (volume.spec.storage_class_name, claim.spec.storage_class_name or ""))
    if its != own:
        return f"which has {its}, and the claim has {own}"
    if volume.status.phase in {"Released", "Failed"}:
        return f"which is {volume.status.phase}"
    if lacking := sorted(set(claim.spec.access_modes) - set(volume.spec.access_modes)):
        return f"which is not {' nor '.join(lacking)}"
    has = volume.spec.capacity.get("storage")
    return f"which has less than {wanted}" if wanted is not None and (has is None or has < wanted) else ""


def _named(name: str) -> str:
    return f"the storage class {name}" if name else "no storage class"


def _reaches(volume: PersistentVolume, node: Node) -> bool:
    selector = volume.spec.node_affinity.required if volume.spec.node_affinity else None
    return selector is None or any(holds(term, node) for term in selector.node_selector_terms)


# --- several Pods -------------------------------------------------------------------------------------------------


def single_user(one: Pod, other: Pod, storage: Cache) -> str:
    """Return a claim of two Pods that only one Pod may use at a time; "" if there is none."""
    if one.metadata.namespace != other.metadata.namespace:
        return ""
    theirs = {name for name, _, _ in claims(other, storage)}
    return next(
        (
            name
            for name, claim, own in claims(one, storage)
            if claim and not own and name in theirs and "ReadWriteOncePod" in claim.spec.access_modes
        ),
        "",
    )


def same_disk(one: Pod, other: Pod) -> str:
    """Return a disk that two Pods of a node cannot both attach; "" if there is none."""
    theirs = dict(_disks(other))
    return next((disk for disk, reads in _disks(one) if disk in theirs and not (reads and theirs[disk])), "")


def _disks(pod: Pod) -> Iterator[tuple[str, bool]]:
    """Yield the disks a Pod attaches, and whether each is only read; one named twice is read only if both are."""
    volumes: Any = pod.spec.extra.get("volumes") or ()
    found: dict[str, bool] = {}
    for volume in volumes:
        for source, fields in DISKS.items():
            if source in volume:
                details = volume[source]
                disk = " ".join((source, *(str(details.get(name, "")) for name in fields)))
                reads = source != "awsElasticBlockStore" and bool(details.get("readOnly"))
                found[disk] = found.get(disk, True) and reads
    yield from found.items()


def attached(pod: Pod, storage: Cache) -> dict[str, str]:
    """Return the volumes a Pod attaches, each by a name and with its driver; one to be made is one of its class."""
    found: dict[str, str] = {}
    for name, claim, _ in claims(pod, storage):
        volume = volume_of(claim, storage) if claim else None
        source: Any = volume.spec.extra.get("csi") if volume else None
        made = class_of(claim, storage) if claim and volume is None else None
        if source:
            found[f"{source['driver']} {source['volumeHandle']}"] = source["driver"]
        elif made:
            found[f"{made.provisioner} {pod.metadata.namespace}/{name}"] = made.provisioner
    return found


def limits(node: Node, storage: Cache) -> dict[str, int]:
    """Return how many volumes of each driver a node attaches; a driver without a limit is absent."""
    found = storage.get(CSINode, Ref("CSINode", "", node.metadata.name))
    drivers = found.spec.drivers if found else ()
    return {
        driver.name: driver.allocatable.count
        for driver in drivers
        if driver.allocatable and driver.allocatable.count is not None
    }


def undecided(pods: Iterable[tuple[Pod, int]], nodes: Iterable[Node], storage: Cache) -> str:
    """Say which claim of Pods (each with how many of it there are) leaves open where they fit; "" if none does."""
    users: dict[tuple[str, str], int] = {}
    machines = tuple(nodes)
    for pod, count in pods:
        for name, claim, own in claims(pod, storage):
            if claim is None and own:
                return f"the claim {name} is made for each Pod as it comes"
            if claim is None or bound(claim) or _useless(claim, storage):
                continue
            key = (pod.metadata.namespace, name)
            users[key] = users.get(key, 0) + count
            if users[key] > 1:
                return f"several Pods share the claim {name}, and where it is bound depends on who comes first"
            if _candidates(claim, storage) and not all(_can_be_made(claim, node, storage) for node in machines):
                return f"the claim {name} may be bound to one of several volumes"
    return ""
