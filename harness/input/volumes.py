"""Who asks for volumes, and which class makes them."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from ...impl.api.apps import StatefulSet
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ...impl.api.storage import PersistentVolume, PersistentVolumeClaim, StorageClass, default_of


@frozen
class Claimant:
    """A claim, or the template of claims of a StatefulSet (`many`): who has it, where, and its class as it is found.

    `wanted` is the class it names, None for none, "" for a volume that is there.
    """

    ref: Ref
    field: str
    name: str
    many: bool
    wanted: str | None
    found: StorageClass | None


def claimants(objects: tuple[Object, ...]) -> Iterator[Claimant]:
    """Yield the claims and the templates of claims that are not said to be for a certain volume.

    One that names no class where there is no default one wants a volume without a class, if there are any by hand.
    """
    classes = {obj.metadata.name: obj for obj in objects if isinstance(obj, StorageClass)}
    default = default_of(classes.values()) or None
    by_hand = any(isinstance(obj, PersistentVolume) and not obj.spec.storage_class_name for obj in objects)
    for ref, field, claim, many in _claims(objects):
        if not claim.spec.volume_name:
            named = claim.spec.storage_class_name
            wanted = named if named is not None else default if default or not by_hand else ""
            yield Claimant(ref, field, claim.metadata.name, many, wanted, classes.get(wanted or ""))


def _claims(objects: tuple[Object, ...]) -> Iterator[tuple[Ref, str, PersistentVolumeClaim, bool]]:
    for obj in objects:
        if isinstance(obj, PersistentVolumeClaim):
            yield ref_of(obj), "spec", obj, False
        elif isinstance(obj, StatefulSet):
            for index, claim in enumerate(obj.spec.volume_claim_templates):
                yield ref_of(obj), f"spec.volumeClaimTemplates[{index}]", claim, True


def pinned(objects: tuple[Object, ...]) -> Iterator[tuple[Ref, str, PersistentVolume, str]]:
    """Yield the claims that name a volume of the input and no class, with where, that volume, and the default class.

    Admission gives such a claim the default class (plugin/pkg/admission/storage/storageclass/setdefault, v1.36), and a
    volume of another class, or of none, never becomes its own (checkVolumeSatisfyClaim).
    """
    default = default_of(obj for obj in objects if isinstance(obj, StorageClass))
    volumes = {obj.metadata.name: obj for obj in objects if isinstance(obj, PersistentVolume)}
    for ref, field, claim, _ in _claims(objects) if default else ():
        volume = volumes.get(claim.spec.volume_name)
        if volume is not None and claim.spec.storage_class_name is None:
            yield ref, field, volume, default
