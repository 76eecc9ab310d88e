"""Validation of volumes, claims and storage classes.

Upstream: pkg/apis/core/validation/validation.go (ValidatePersistentVolumeSpec, ValidatePersistentVolumeClaimSpec, and
those of updates) and pkg/apis/storage/validation/validation.go (v1.32).
Left out on purpose: what each source of a volume needs, data sources; that a claim which is being made larger may be
made smaller again, down to what it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import evolve
from immutabledict import immutabledict

from ...api.core import ResourceRequirements
from ...api.releases import Change
from ...api.storage import PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec, StorageClass
from ...api.values.frozen import Json, thaw
from ...api.values.quantity import Quantity
from .field_error import FieldError, bad_keys, forbidden, invalid, invalid_raw, not_supported, required
from .names import subdomain_errors
from .volumes import validate_source

ALONE = "ReadWriteOncePod"
MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", ALONE)
VOLUME_MODES = ("Block", "Filesystem")
BINDING_MODES = ("Immediate", "WaitForFirstConsumer")
RECLAIM_POLICIES = ("Delete", "Retain")
VOLUME_RECLAIM_POLICIES = ("Delete", "Recycle", "Retain")
NO_SOURCES = frozenset({"mountOptions", "persistentVolumeReclaimPolicy", "volumeAttributesClassName"})
"""Fields of a volume that have no class here and do not say what it is made of."""
ATTRIBUTES = "volumeAttributesClassName"
CLAIM_FIXED = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
)
IMMUTABLE = "field is immutable"


def validate_volume(volume: PersistentVolume) -> list[FieldError]:
    """Return the broken rules of a PersistentVolume: modes, a capacity, and one source."""
    spec = volume.spec
    errors = [*_modes("spec.accessModes", spec.access_modes, "")]
    if not spec.capacity:
        errors.append(required("spec.capacity"))
    if set(spec.capacity) != {"storage"}:
        shown = "map[core.ResourceName]resource.Quantity(nil)"
        amounts = {name: str(amount) for name, amount in spec.capacity.items()} or None
        errors.append(not_supported("spec.capacity", amounts, ("storage",), rendered=shown))
    errors += [error for name, amount in spec.capacity.items() for error in _size(f"spec.capacity[{name}]", amount)]
    policy = spec.persistent_volume_reclaim_policy
    if policy not in VOLUME_RECLAIM_POLICIES:
        errors.append(not_supported("spec.persistentVolumeReclaimPolicy", policy, VOLUME_RECLAIM_POLICIES))
    sources = sorted(name for name in spec.extra if name not in NO_SOURCES)
    for kind in sources[:1]:
        errors += validate_source(f"spec.{kind}", kind, thaw(spec.extra[kind]) or {})
    if not sources:
        errors.append(required("spec", "must specify a volume type"))
    errors += [forbidden(f"spec.{name}", "may not specify more than 1 volume type") for name in sources[1:]]
    return errors


def validate_claim(claim: PersistentVolumeClaim) -> list[FieldError]:
    """Return the broken rules of a PersistentVolumeClaim: modes, and a size above zero."""
    return validate_claim_spec("spec", claim.spec)


def validate_claim_spec(field: str, spec: PersistentVolumeClaimSpec) -> list[FieldError]:
    """Return the broken rules of what a claim asks for, or the template of one."""
    errors = [*_modes(f"{field}.accessModes", spec.access_modes, "at least 1 access mode is required")]
    storage = spec.resources.requests.get("storage")
    if storage is None:
        errors.append(required(f"{field}.resources[storage]"))
    else:
        errors += _size(f"{field}.resources[storage]", storage)
    if name := spec.storage_class_name:
        errors += [invalid(f"{field}.storageClassName", name, detail) for detail in subdomain_errors(name)]
    if spec.volume_mode not in VOLUME_MODES:
        errors.append(not_supported(f"{field}.volumeMode", spec.volume_mode, VOLUME_MODES))
    return errors


def _size(field: str, amount: Quantity) -> list[FieldError]:
    return [] if amount.sign > 0 else [invalid(field, str(amount), "must be greater than zero")]


def validate_claim_update(new: PersistentVolumeClaim, old: PersistentVolumeClaim) -> list[FieldError]:
    """Refuse another claim, or a smaller one: a volume is named once, and a bound claim may be made larger."""
    errors = [] if _fixed(new, old) == _fixed(old, old) else [forbidden("spec", CLAIM_FIXED)]
    sizes = [claim.spec.resources.requests.get("storage") for claim in (new, old)]
    if sizes[0] is not None and sizes[1] is not None and sizes[0] < sizes[1]:
        errors.append(forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"))
    return errors


def _fixed(claim: PersistentVolumeClaim, old: PersistentVolumeClaim) -> PersistentVolumeClaimSpec:
    """Return a claim as it is compared with what it was: without what may change."""
    spec = claim.spec
    if not old.spec.volume_name:
        spec = evolve(spec, volume_name="")
    if old.spec.storage_class_name is None:
        spec = evolve(spec, storage_class_name=None)
    if old.status.phase == "Bound":
        extra = immutabledict((name, value) for name, value in spec.extra.items() if name != ATTRIBUTES)
        spec = evolve(spec, resources=ResourceRequirements(), extra=extra)
    return spec


def validate_volume_update(new: PersistentVolume, old: PersistentVolume) -> list[FieldError]:
    """Refuse a volume made of something else, or that is reached from elsewhere."""
    errors: list[FieldError] = []
    if _source(new) != _source(old):
        detail = "spec.persistentvolumesource is immutable after creation"
        errors.append(forbidden("spec.persistentvolumesource", detail))
    if new.spec.volume_mode != old.spec.volume_mode:
        errors.append(invalid("spec.volumeMode", new.spec.volume_mode, IMMUTABLE))
    if old.spec.node_affinity is not None and new.spec.node_affinity != old.spec.node_affinity:
        errors.append(invalid("spec.nodeAffinity", new.spec.node_affinity, IMMUTABLE))
    return errors


def _source(volume: PersistentVolume) -> Mapping[str, Json]:
    return {name: value for name, value in volume.spec.extra.items() if name not in NO_SOURCES}


def validate_class_update(new: StorageClass, old: StorageClass) -> list[FieldError]:
    """Refuse another way to make volumes: who makes them, of what, when, and what becomes of them."""
    fields = {
        "parameters": (new.extra.get("parameters"), old.extra.get("parameters")),
        "provisioner": (new.provisioner, old.provisioner),
        "reclaimPolicy": (new.reclaim_policy, old.reclaim_policy),
    }
    errors: list[FieldError] = []
    for name, (now, was) in fields.items():
        if now != was:
            later = invalid_raw(name, "", IMMUTABLE, now)
            message = later.reworded[1] if later.reworded else ""
            error = forbidden(name, f"updates to {name} are forbidden.")
            errors.append(evolve(error, reworded=(Change.CLASS_WORDS, message)))
    if new.volume_binding_mode != old.volume_binding_mode:
        errors.append(invalid("volumeBindingMode", new.volume_binding_mode, IMMUTABLE))
    return errors


def validate_class(storage_class: StorageClass) -> list[FieldError]:
    """Return the broken rules of a StorageClass."""
    maker, reclaim = storage_class.provisioner, storage_class.reclaim_policy
    errors = bad_keys("provisioner", maker.lower()) if maker else [required("provisioner")]
    if reclaim and reclaim not in RECLAIM_POLICIES:
        errors.append(not_supported("reclaimPolicy", reclaim, RECLAIM_POLICIES))
    mode = storage_class.volume_binding_mode
    if mode is not None and mode not in BINDING_MODES:
        errors.append(not_supported("volumeBindingMode", mode, BINDING_MODES))
    return errors


def _modes(field: str, modes: tuple[str, ...], detail: str) -> Iterator[FieldError]:
    if not modes:
        yield required(field, detail)
    yield from (not_supported(field, mode, MODES) for mode in modes if mode not in MODES)
    if ALONE in modes and not {ALONE}.issuperset(set(modes) & set(MODES)):
        yield forbidden(field, f"may not use {ALONE} with other access modes")
