"""Validation of volumes, claims and storage classes.

Upstream: pkg/apis/core/validation/validation.go (ValidatePersistentVolumeSpec, ValidatePersistentVolumeClaimSpec) and
pkg/apis/storage/validation/validation.go (v1.32).
Left out on purpose: what each source of a volume needs, data sources, what may change.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...api.storage import PersistentVolume, PersistentVolumeClaim, StorageClass
from .field_error import FieldError, forbidden, invalid, not_supported, required

ALONE = "ReadWriteOncePod"
MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", ALONE)
BINDING_MODES = ("Immediate", "WaitForFirstConsumer")
NO_SOURCES = frozenset({"mountOptions", "persistentVolumeReclaimPolicy", "volumeAttributesClassName"})
"""Fields of a volume that have no class here and do not say what it is made of."""


def validate_volume(volume: PersistentVolume) -> list[FieldError]:
    """Return the broken rules of a PersistentVolume: modes, a capacity, and one source."""
    spec = volume.spec
    errors = [*_modes(spec.access_modes, "")]
    if not spec.capacity:
        errors.append(required("spec.capacity"))
    sources = sorted(name for name in spec.extra if name not in NO_SOURCES)
    if not sources:
        errors.append(required("spec", "must specify a volume type"))
    errors += [forbidden(f"spec.{name}", "may not specify more than 1 volume type") for name in sources[1:]]
    return errors


def validate_claim(claim: PersistentVolumeClaim) -> list[FieldError]:
    """Return the broken rules of a PersistentVolumeClaim: modes, and a size above zero."""
    errors = [*_modes(claim.spec.access_modes, "at least 1 access mode is required")]
    storage = claim.spec.resources.requests.get("storage")
    if storage is None:
        errors.append(required("spec.resources[storage]"))
    elif storage.sign <= 0:
        errors.append(invalid("spec.resources[storage]", str(storage), "must be greater than zero"))
    return errors


def validate_class(storage_class: StorageClass) -> list[FieldError]:
    """Return the broken rules of a StorageClass."""
    errors = [] if storage_class.provisioner else [required("provisioner")]
    mode = storage_class.volume_binding_mode
    if mode is not None and mode not in BINDING_MODES:
        errors.append(not_supported("volumeBindingMode", mode, BINDING_MODES))
    return errors


def _modes(modes: tuple[str, ...], detail: str) -> Iterator[FieldError]:
    if not modes:
        yield required("spec.accessModes", detail)
    yield from (not_supported("spec.accessModes", mode, MODES) for mode in modes if mode not in MODES)
    if ALONE in modes and len(modes) > 1:
        yield forbidden("spec.accessModes", f"may not use {ALONE} with other access modes")
