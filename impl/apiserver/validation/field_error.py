"""A broken rule of validation: which field, what kind of breach, and Kubernetes' words for it.

Upstream: staging/src/k8s.io/apimachinery/pkg/util/validation/field/errors.go (v1.32).
Left out on purpose: Go's rendering of whole structs is written out by the few rules that need it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import field as attribute
from attrs import frozen

from ...api.releases import Change


@frozen
class FieldError:
    """`reason` is the cause's type (FieldValueInvalid, ...); `message` has no field name in it."""

    reason: str
    field: str
    message: str
    lifted: Change | None = attribute(default=None, eq=False)
    """The change since which it is no breach any more."""

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def go(value: object) -> str:
    """Write a value as Go's %#v does for the simple types: strings quoted, numbers and booleans bare."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def go_value(value: object) -> str:
    """Write a value of JSON as Go's %#v does, maps and lists too."""
    if value is None:
        return "interface {}(nil)"
    if isinstance(value, Mapping):
        return f"map[string]interface {{}}{{{', '.join(f'{go(key)}:{go_value(value[key])}' for key in sorted(value))}}}"
    if isinstance(value, list | tuple):
        return f"[]interface {{}}{{{', '.join(map(go_value, value))}}}"
    return go(value)


def invalid(field: str, value: object, detail: str, *, lifted: Change | None = None) -> FieldError:
    """Say that a value is malformed or out of range."""
    return FieldError("FieldValueInvalid", field, f"Invalid value: {go(value)}: {detail}", lifted)


def invalid_raw(field: str, rendered: str, detail: str) -> FieldError:
    """Say that a value is malformed, where Go prints it in its own way."""
    return FieldError("FieldValueInvalid", field, f"Invalid value: {rendered}: {detail}")


def required(field: str, detail: str = "") -> FieldError:
    """Say that a value is missing."""
    return FieldError("FieldValueRequired", field, "Required value" + (f": {detail}" if detail else ""))


def not_supported(
    field: str, value: object, supported: Iterable[str], *, rendered: str = "", lifted: Change | None = None
) -> FieldError:
    """Say that a value is none of an enumeration."""
    choices = ", ".join(go(one) for one in supported)
    told = f"Unsupported value: {rendered or go(value)}: supported values: {choices}"
    return FieldError("FieldValueNotSupported", field, told, lifted)


def not_found(field: str, value: object) -> FieldError:
    """Say that a value names nothing there is."""
    return FieldError("FieldValueNotFound", field, f"Not found: {go(value)}")


def duplicate(field: str, value: object, *, rendered: str = "") -> FieldError:
    """Say that a value occurs twice where it must be unique."""
    return FieldError("FieldValueDuplicate", field, f"Duplicate value: {rendered or go(value)}")


def forbidden(field: str, detail: str) -> FieldError:
    """Say that a value may not be set, or not be changed, here."""
    return FieldError("FieldValueForbidden", field, f"Forbidden: {detail}")


def too_long(field: str, limit: int) -> FieldError:
    """Say that a value has too many bytes."""
    return FieldError("FieldValueTooLong", field, f"Too long: may not be more than {limit} bytes")


def too_many(field: str, count: int, most: int) -> FieldError:
    """Say that a list or a map has too many items."""
    return FieldError("FieldValueTooMany", field, f"Too many: {count}: must have at most {most} items")


def aggregate(errors: Iterable[FieldError]) -> str:
    """Join broken rules as an aggregated error prints them: one bare, several in brackets, none twice."""
    lines = list(dict.fromkeys(str(error) for error in errors))
    return lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
