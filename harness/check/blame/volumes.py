"""What to change where somebody waits for a volume: a class that is not there, or a volume that another Pod has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from ....impl.api.apps import StatefulSet
from ....impl.api.cache import Cache
from ....impl.api.core import Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.storage import PersistentVolumeClaim, StorageClass
from ....impl.api.volume_sources import PLUGINS_GONE
from ....impl.controllers.volume.attaching import disks
from ....properties.placement.volumes import claims, volume_of
from ..results import Blame


@frozen
class Unbound:
    """What to change where a claim has no volume; `nobody`: the class that it names is not there."""

    blame: Blame
    nobody: bool


def unbound(objects: tuple[Object, ...]) -> Iterator[Unbound]:
    """Yield the claims that no volume is made for: who writes them, and why."""
    classes = {obj.metadata.name: obj for obj in objects if isinstance(obj, StorageClass)}
    for claim in objects:
        if isinstance(claim, PersistentVolumeClaim) and claim.status.phase != "Bound":
            named = claim.spec.storage_class_name
            found = classes.get(named or "")
            if found is None or found.volume_binding_mode != "WaitForFirstConsumer":
                ref, field = _written(claim, objects)
                yield Unbound(Blame(ref, field, _why(claim, found)), found is None and bool(named))


def _why(claim: PersistentVolumeClaim, found: StorageClass | None) -> str:
    name, named = claim.metadata.name, claim.spec.storage_class_name
    if found is not None:
        return f"no volume fits {name}, and {found.provisioner} makes none for it"
    if named:
        return f"there is no StorageClass {named}, so that nobody makes a volume for {name}"
    return f"no volume fits {name}, which {'wants one without a class' if named == '' else 'names no class'}"


def _written(claim: PersistentVolumeClaim, objects: tuple[Object, ...]) -> tuple[Ref, str]:
    """Return who says what a claim is: itself, or the set whose Pod it is for."""
    meta = claim.metadata
    for obj in objects:
        if isinstance(obj, StatefulSet) and obj.metadata.namespace == meta.namespace:
            for index, template in enumerate(obj.spec.volume_claim_templates):
                base = f"{template.metadata.name}-{obj.metadata.name}-"
                if meta.name.startswith(base) and meta.name.removeprefix(base).isdecimal():
                    return ref_of(obj), f"spec.volumeClaimTemplates[{index}].spec.storageClassName"
    return ref_of(claim), "spec.storageClassName"


def unmounted(pod: Pod, objects: Iterable[Object]) -> str:
    """Say which volume of a Pod's claims no kubelet can mount; "" if none is so."""
    there = Cache.of(objects)
    for name, claim, _ in claims(pod, there):
        volume = volume_of(claim, there) if claim else None
        if volume is not None and (gone := sorted(volume.spec.extra.keys() & PLUGINS_GONE)):
            what = f"{pod.metadata.name} waits for {volume.metadata.name}, the volume of claim {name}"
            return f"{what}, and no kubelet has a plugin for {gone[0]} any more"
    return ""


def taken(pod: Pod, objects: Iterable[Object]) -> str:
    """Say which Pod elsewhere has a volume that a Pod waits for on its node; "" if none has."""
    mine = _names(pod)
    for other in (obj for obj in objects if isinstance(obj, Pod)):
        both = sorted(mine & _names(other))
        if both and other.metadata.uid != pod.metadata.uid and other.spec.node_name and not other.finished:
            who, where = other.metadata.name, other.spec.node_name
            what = f"{pod.metadata.name} waits on {pod.spec.node_name} for {both[0][1]}"
            return f"{what}, which {who} has on {where}"
    return ""


def _names(pod: Pod) -> set[tuple[str, str]]:
    """Return the volumes that a Pod may have in common with others: the namespace of its claim, and what to call it."""
    named = {(pod.metadata.namespace, f"the volume of claim {name}") for name, _, _ in claims(pod, Cache())}
    return named | {("", f"the disk {which} ({source})") for (source, which), _ in disks(pod.spec)}
