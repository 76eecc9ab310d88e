"""A broken rule of validation: which field, what kind of breach, and Kubernetes' words for it.

Upstream: staging/src/k8s.io/apimachinery/pkg/util/validation/field/errors.go (v1.32 and v1.36).
Left out on purpose: Go's rendering of whole structs is written out by the few rules that need it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve, frozen
from attrs import field as attribute

from ...api.releases import NEWEST, OLDEST, Change, Release
from ...api.values.frozen import thaw
from ...api.values.label_names import key_errors, value_errors


@frozen
class FieldError:
    """`reason` is the cause's type (FieldValueInvalid, ...); `message` has no field name in it."""

    reason: str
    field: str
    message: str
    lifted: Change | None = attribute(default=None, eq=False)
    """The change since which it is no breach any more."""
    brought: Change | None = attribute(default=None, eq=False)
    """The change since which it is one."""
    reworded: tuple[Change, str] | None = attribute(default=None, eq=False)
    """The change since which it is told in other words, and these."""

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def as_told(errors: Iterable[FieldError], release: Release) -> tuple[FieldError, ...]:
    """Return those that are breaches in a release, in its words."""
    return tuple(
        evolve(error, message=error.reworded[1]) if error.reworded and error.reworded[0] in release else error
        for error in errors
        if (error.lifted is None or error.lifted not in release) and (error.brought is None or error.brought in release)
    )


def since(errors: Iterable[FieldError], change: Change) -> list[FieldError]:
    """Return errors that are breaches only since a change."""
    return [error if error.brought else evolve(error, brought=change) for error in errors]


ESCAPES = str.maketrans(
    {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v", "\\": r"\\", '"': r"\""}
)


def go(value: object) -> str:
    """Write a value as Go's %#v does for the simple types: strings quoted, numbers and booleans bare."""
    if isinstance(value, str):
        return f'"{value.translate(ESCAPES)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def go_json(value: object) -> str:
    """Write a value as Go's encoding/json does: without blanks, and what HTML reads otherwise by its number."""
    text = json.dumps(thaw(value), separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


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


def omitted(field: str, detail: str) -> FieldError:
    """Say that a value is malformed without showing it."""
    return FieldError("FieldValueInvalid", field, f"Invalid value: {detail}")


def invalid_raw(field: str, rendered: str, detail: str, *value: object) -> FieldError:
    """Say that a value is malformed, where Go prints it in its own way; `value` is what is printed as JSON later."""
    detail = f": {detail}" if detail else ""
    error = FieldError("FieldValueInvalid", field, f"Invalid value: {rendered}{detail}")
    return _as_json(error, f"Invalid value: {go_json(value[0])}{detail}") if value else error


def invalid_list(field: str, kind: str, values: Sequence[str], detail: str) -> FieldError:
    """Say that a list of texts is malformed, `kind` being what Go calls one of them."""
    return invalid_raw(field, f"[]{kind}{{{', '.join(map(go, values))}}}", detail, values)


def _as_json(error: FieldError, message: str) -> FieldError:
    return evolve(error, reworded=(Change.VALUES_AS_JSON, message))


def bad_keys(field: str, key: str) -> list[FieldError]:
    """Say what keeps a text from being the key of a label, in the words before and since a change."""
    return _reworded(field, key, key_errors(key, OLDEST), key_errors(key, NEWEST))


def bad_names(field: str, name: str) -> list[FieldError]:
    """Say the same of the name of a resource: Go prints such a text bare until it prints it as JSON."""
    pairs = zip(key_errors(name, OLDEST), key_errors(name, NEWEST), strict=True)
    return [_as_json(invalid_raw(field, name, told), invalid(field, name, later).message) for told, later in pairs]


def bad_values(field: str, value: str) -> list[FieldError]:
    """Say what keeps a text from being the value of a label, in the words before and since a change."""
    return _reworded(field, value, value_errors(value, OLDEST), value_errors(value, NEWEST))


def _reworded(field: str, value: str, before: tuple[str, ...], after: tuple[str, ...]) -> list[FieldError]:
    return [
        evolve(invalid(field, value, told), reworded=(Change.LABEL_KEY_WORDS, invalid(field, value, later).message))
        for told, later in zip(before, after, strict=True)
    ]


def required(field: str, detail: str = "") -> FieldError:
    """Say that a value is missing."""
    return FieldError("FieldValueRequired", field, "Required value" + (f": {detail}" if detail else ""))


def not_supported(
    field: str, value: object, supported: Iterable[str], *, rendered: str = "", lifted: Change | None = None
) -> FieldError:
    """Say that a value is none of an enumeration; `rendered` is how Go prints one that is none of the simple types."""
    choices = ", ".join(go(word) for word in supported)
    told, later = (
        f"Unsupported value: {shown}: supported values: {choices}" for shown in (rendered or go(value), go_json(value))
    )
    error = FieldError("FieldValueNotSupported", field, told, lifted)
    return _as_json(error, later) if rendered else error


def not_found(field: str, value: object) -> FieldError:
    """Say that a value names nothing there is."""
    return FieldError("FieldValueNotFound", field, f"Not found: {go(value)}")


def duplicate(field: str, value: object, *, rendered: str = "") -> FieldError:
    """Say that a value occurs twice where it must be unique."""
    error = FieldError("FieldValueDuplicate", field, f"Duplicate value: {rendered or go(value)}")
    return _as_json(error, f"Duplicate value: {go_json(value)}") if rendered else error


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
