"""Validation of metadata: names, labels, annotations, finalizers, owners; and of label selectors.

Upstream: staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go, pkg/apis/meta/v1/validation/validation.go
(v1.32).
Left out on purpose: managedFields; owner references are rendered by name only, not as Go structs.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from ...api.kinds import Object, kind_of
from ...api.meta import LabelSelector, LabelSelectorRequirement, ObjectMeta, OwnerReference
from ...api.reading.convert import unstructure
from ...api.releases import Change
from ...api.values.label_names import key_errors
from .field_error import FieldError, bad_keys, bad_values, forbidden, go, invalid, invalid_raw, required, too_long
from .names import finalizer_errors, name_errors

LONGEST_ANNOTATIONS = 256 * 1024
DISALLOWED = frozenset({("v1", "Event")})
"""What may own nothing."""
SELECTOR_OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})


def validate_meta(obj: Object) -> list[FieldError]:
    """Return the broken rules of an object's metadata, in the order Kubernetes checks them."""
    meta = obj.metadata
    if not meta.name:
        return [required("metadata.name", "name or generateName is required"), *_fields(meta)]
    return [*name_errors("metadata.name", kind_of(obj).key, meta.name), *_fields(meta)]


def _fields(meta: ObjectMeta) -> list[FieldError]:
    errors = validate_labels("metadata.labels", meta.labels)
    errors += validate_annotations("metadata.annotations", meta.annotations) + _owners(meta)
    for index, finalizer in enumerate(meta.finalizers):
        errors += finalizer_errors(f"metadata.finalizers[{index}]", finalizer)
    return errors


def validate_labels(field: str, labels: Mapping[str, str]) -> list[FieldError]:
    """Return the labels that are none."""
    errors: list[FieldError] = []
    for key in sorted(labels):
        errors += bad_keys(field, key) + bad_values(field, labels[key])
    return errors


def validate_annotations(field: str, annotations: Mapping[str, str]) -> list[FieldError]:
    """Return the annotations that are none, and whether they are too much together."""
    errors = [invalid(field, key, detail) for key in sorted(annotations) for detail in key_errors(key.lower())]
    size = sum(len(key.encode()) + len(annotations[key].encode()) for key in annotations)
    return [*errors, too_long(field, LONGEST_ANNOTATIONS)] if size > LONGEST_ANNOTATIONS else errors


def _empty(field: str, word: str) -> FieldError:
    error, later = (invalid(field, "", f"{told}must not be empty") for told in (f"{word} ", ""))
    return error if word == "version" else evolve(error, reworded=(Change.OWNER_WORDS, later.message))


def _owners(meta: ObjectMeta) -> list[FieldError]:
    field = "metadata.ownerReferences"
    errors: list[FieldError] = []
    for owner in meta.owner_references:
        wanted = (("apiVersion", owner.api_version, "version"), ("kind", owner.kind, "kind"))
        named = (("name", owner.name, "name"), ("uid", owner.uid, "uid"))
        if (owner.api_version, owner.kind) in DISALLOWED:
            shown = _as_go(owner)
            detail = f"/{owner.api_version}, Kind={owner.kind} is disallowed from being an owner"
            errors.append(invalid_raw(field, shown, detail, unstructure(owner)))
        errors += [_empty(f"{field}.{key}", word) for key, value, word in wanted + named if not value]
    controllers = [owner for owner in meta.owner_references if owner.controller]
    if len(controllers) > 1:
        names = f"{controllers[0].kind}/{controllers[0].name} and {controllers[1].kind}/{controllers[1].name}"
        detail = f'Only one reference can have Controller set to true. Found "true" in references for {names}'
        errors.append(invalid_raw(field, f"{len(meta.owner_references)} references", detail))
    return errors


def _as_go(owner: OwnerReference) -> str:
    """Write an owner as Go does, flags by whether they are said."""
    flags = (("Controller", owner.controller), ("BlockOwnerDeletion", owner.block_owner_deletion))
    said = ", ".join(f"{name}:(*bool)({'0x1' if value else 'nil'})" for name, value in flags)
    named = f"APIVersion:{go(owner.api_version)}, Kind:{go(owner.kind)}, Name:{go(owner.name)}, UID:{go(owner.uid)}"
    return f"v1.OwnerReference{{{named}, {said}}}"


def validate_meta_update(new: ObjectMeta, old: ObjectMeta) -> list[FieldError]:
    """Return what a change of metadata may not do: hold a deletion up with a new finalizer."""
    added = sorted(set(new.finalizers) - set(old.finalizers))
    if not old.terminating or not added:
        return []
    shown = f"[]string{{{', '.join(go(finalizer) for finalizer in added)}}}"
    detail = f"no new finalizers can be added if the object is being deleted, found new finalizers {shown}"
    return [forbidden("metadata.finalizers", detail)]


def validate_selector(field: str, selector: LabelSelector | None) -> list[FieldError]:
    """Return the broken rules of a label selector."""
    if selector is None:
        return []
    errors = validate_labels(f"{field}.matchLabels", selector.match_labels)
    for index, requirement in enumerate(selector.match_expressions):
        errors += _requirement(f"{field}.matchExpressions[{index}]", requirement)
    return errors


def _requirement(field: str, requirement: LabelSelectorRequirement) -> list[FieldError]:
    errors: list[FieldError] = []
    operator, values = requirement.operator, requirement.values
    if operator in {"In", "NotIn"} and not values:
        errors.append(required(f"{field}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
    if operator in {"Exists", "DoesNotExist"} and values:
        detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        errors.append(forbidden(f"{field}.values", detail))
    if operator not in SELECTOR_OPERATORS:
        errors.append(invalid(f"{field}.operator", operator, "not a valid selector operator"))
    errors += bad_keys(f"{field}.key", requirement.key)
    for index, value in enumerate(values):
        errors += bad_values(f"{field}.values[{index}]", value)
    return errors


def not_negative(field: str, value: int | None) -> list[FieldError]:
    """Refuse a number below zero; None is no number."""
    return [invalid(field, value, "must be greater than or equal to 0")] if value is not None and value < 0 else []
