"""Objects from and to JSON, losing nothing.

Upstream: the Go types' JSON tags (staging/src/k8s.io/api, v1.32) and their `omitempty`.
A JSON name is the attribute's in camelCase. A field no class models goes into `extra` and comes out again as it was,
unless it is null. Absent and null are the class's default; on the way out, a field is left out when it is Go's zero
value ("", 0, false, empty, or absent), unless Kubernetes always prints it (`ALWAYS`). So writing what was read gives
the same JSON, but for zero values spelled out. A value of the wrong type is reported with its path:
`spec.template.spec.containers[0].image: expected a string, got 3`.
Left out on purpose: whether a value is allowed (the API server's validation), and fractions of a second.
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import attrs
from attrs import frozen
from cattrs import Converter
from immutabledict import immutabledict

from ..kinds import BY_NAME, KINDS, Kind, Object, Unstructured, kind_of
from ..meta import ObjectMeta, PlainSelector
from ..values.frozen import Json, freeze, thaw
from ..values.quantity import Quantity, QuantityError, parse_quantity
from ..values.timestamps import format_time, parse_time
from .json_fields import Field, Timestamp, fields_of, holds_time

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]
TYPE_META = ("apiVersion", "kind")
MICRO_TIME = frozenset({"acquireTime", "renewTime"})


@frozen(order=True)
class FieldError:
    """One value its field does not take; `path` is "" for the object itself, `hint` says what to do, or ""."""

    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message

    def under(self, prefix: str) -> FieldError:
        """Return the same error seen from one level further out."""
        joint = "" if not self.path or self.path.startswith("[") else "."
        return FieldError(f"{prefix}{joint}{self.path}", self.message, self.hint)


class BadObject(ValueError):  # noqa: N818 - it says what is bad
    """JSON that is no object of its kind: every error, in the order of the fields."""

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = errors


def from_json(json: Any) -> Object:
    """Make an object of its JSON, by kind and apiVersion; raise BadObject on what is none."""
    if not isinstance(json, Mapping):
        raise BadObject((FieldError("", _expected("a map", json)),))
    kind = BY_NAME.get(json.get("kind", ""))
    if kind is None:
        raise BadObject((FieldError("kind", f"{json.get('kind')!r} is not a modelled kind"),))
    if json.get("apiVersion") != kind.api_version:
        message = f"a {kind.name} is {kind.api_version}, got {_show(json.get('apiVersion'))}"
        raise BadObject((FieldError("apiVersion", message),))
    found: Object = structure(json, kind.cls)
    return found


def unstructured(json: Mapping[str, Any], kind: Kind) -> Unstructured:
    """Make an object of a kind without a class of its JSON; raise BadObject where its metadata are none."""
    try:
        metadata = structure(json.get("metadata") or {}, ObjectMeta)
    except BadObject as bad:
        raise BadObject(tuple(error.under("metadata") for error in bad.errors)) from None
    rest = {key: value for key, value in json.items() if key not in {*TYPE_META, "metadata"} and value is not None}
    return Unstructured(kind, metadata, freeze(rest))


def structure(json: Any, cls: type[T]) -> T:
    """Make a value of a vocabulary class of its JSON; raise BadObject, with every error and its path."""
    return _READER.structure(json, cls)


def unstructure(value: Any) -> Any:
    """Return the plain JSON (dicts, lists, strings, numbers) of a vocabulary value; an object says its kind first."""
    if not attrs.has(type(value)):
        return _plain(value)
    if isinstance(value, Unstructured):
        meta = _plain_class(value.metadata)
        return {"apiVersion": value.of.api_version, "kind": value.of.name, "metadata": meta, **thaw(value.extra)}
    plain = _plain_class(value)
    if type(value) in {kind.cls for kind in KINDS}:
        kind = kind_of(value)
        plain = {"apiVersion": kind.api_version, "kind": kind.name} | plain
    return plain


# --- reading ------------------------------------------------------------------------------------------------------


def _read_class(json: Any, cls: type) -> Any:
    if not isinstance(json, Mapping):
        raise BadObject((FieldError("", _expected("a map", json)),))
    fields = fields_of(cls)
    known = {field.json: field for field in fields}
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for key, value in json.items():
        one = known.get(key)
        if one is None or value is None:
            continue
        try:
            values[one.name] = _READER.structure(value, one.type)
        except BadObject as bad:
            errors.extend(error.under(key) for error in bad.errors)
    if errors:
        raise BadObject(tuple(errors))
    dropped = TYPE_META if cls in _OBJECTS else ()
    extra = {key: value for key, value in json.items() if key not in known and key not in dropped and value is not None}
    return cls(**values, extra=freeze(extra))


def _read_plain_selector(json: Any, _: Any) -> PlainSelector:
    return PlainSelector(_read_map(json, dict[str, str]))


def _read_union(json: Any, union: Any) -> Any:
    kinds = [arg for arg in get_args(union) if arg is not NoneType]
    if len(kinds) == 1:
        return None if json is None else _READER.structure(json, kinds[0])
    if isinstance(json, bool) or not isinstance(json, int | str):
        raise BadObject((FieldError("", _expected("an integer or a string", json)),))
    return json


def _read_tuple(json: Any, kind: Any) -> tuple[Any, ...]:
    if not isinstance(json, list | tuple):
        raise BadObject((FieldError("", _expected("a list", json)),))
    return tuple(_each(((f"[{index}]", item) for index, item in enumerate(json)), get_args(kind)[0]).values())


def _read_map(json: Any, kind: Any) -> immutabledict[str, Any]:
    if not isinstance(json, Mapping):
        raise BadObject((FieldError("", _expected("a map", json)),))
    named = _each(((f"[{key}]", json[key]) for key in sorted(json)), get_args(kind)[1])
    return immutabledict((step[1:-1], item) for step, item in named.items())


def _each(steps: Any, kind: Any) -> dict[str, Any]:
    """Read the items of a list or map by their step in the path, and collect all errors."""
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for step, item in steps:
        try:
            values[step] = _READER.structure(item, kind)
        except BadObject as bad:
            errors.extend(error.under(step) for error in bad.errors)
    if errors:
        raise BadObject(tuple(errors))
    return values


def _read_text(json: Any, _: Any) -> str:
    if not isinstance(json, str):
        raise BadObject((FieldError("", _expected("a string", json)),))
    return json


def _read_int(json: Any, _: Any) -> int:
    if isinstance(json, bool) or not (isinstance(json, int) or (isinstance(json, float) and json.is_integer())):
        raise BadObject((FieldError("", _expected("an integer", json)),))
    return int(json)


def _read_bool(json: Any, _: Any) -> bool:
    if not isinstance(json, bool):
        raise BadObject((FieldError("", _expected("true or false", json)),))
    return json


def _read_time(json: Any, _: Any) -> int:
    seconds = parse_time(json) if isinstance(json, str) else None
    if seconds is None:
        raise BadObject((FieldError("", _expected("a time such as 2025-01-31T12:00:00Z", json)),))
    return seconds


def _read_quantity(json: Any, _: Any) -> Quantity:
    if isinstance(json, bool) or not isinstance(json, int | float | str):
        raise BadObject((FieldError("", _expected("a quantity", json)),))
    text = str(int(json)) if isinstance(json, float) and json.is_integer() else str(json).strip()
    try:
        return parse_quantity(text)
    except QuantityError as error:
        raise BadObject((FieldError("", f"{_expected('a quantity such as 500m or 64Mi', json)}: {error}"),)) from None


def _reader() -> Converter:
    """Build the converter: a hook for each kind of type the vocabulary uses."""
    reader = Converter()
    reader.register_structure_hook_func(attrs.has, _read_class)
    reader.register_structure_hook(PlainSelector, _read_plain_selector)
    reader.register_structure_hook_func(lambda kind: _origin(kind) in {Union, UnionType}, _read_union)
    reader.register_structure_hook_func(lambda kind: _origin(kind) is tuple, _read_tuple)
    reader.register_structure_hook_func(lambda kind: _origin(kind) is immutabledict, _read_map)
    reader.register_structure_hook_func(lambda kind: kind is Any, lambda json, _: freeze(json))
    simple: tuple[tuple[type, Hook], ...] = (
        (str, _read_text),
        (int, _read_int),
        (bool, _read_bool),
        (Quantity, _read_quantity),
    )
    for kind, hook in simple:
        reader.register_structure_hook(kind, hook)
    reader.register_structure_hook_func(lambda kind: kind is Timestamp, _read_time)
    return reader


def _origin(kind: Any) -> Any:
    return get_origin(kind)


# --- writing ------------------------------------------------------------------------------------------------------


def _plain_class(value: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    kind: Any = type(value)
    for field in fields_of(kind):
        mine = getattr(value, field.name)
        if mine is None or not (field.always or field.optional or not _is_zero(mine)):
            continue
        plain[field.json] = _plain_time(mine, field) if holds_time(field.type) else _plain(mine)
    rest: dict[str, Any] = thaw(value.extra)
    return plain | rest


def _plain(value: Any) -> Json:
    match value:
        case Quantity():
            return str(value)
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case PlainSelector():
            return _plain(value.match_labels)
        case _ if attrs.has(type(value)):
            return _plain_class(value)
        case _:
            return value


def _plain_time(value: Any, one: Field) -> Any:
    if isinstance(value, Mapping):
        return {key: format_time(item) for key, item in value.items()}
    return format_time(value, micro=one.json in MICRO_TIME)


def _is_zero(value: Any) -> bool:
    """Tell whether Go's omitempty would leave a value out, or a struct of which nothing would be printed."""
    if attrs.has(type(value)) and not isinstance(value, Quantity):
        return not _plain(value)
    return not isinstance(value, Quantity) and not value


def _show(value: Any) -> str:
    text = jsonlib.dumps(thaw(value), ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _expected(what: str, got: Any) -> str:
    return f"expected {what}, got {_show(got)}"


_OBJECTS = frozenset(kind.cls for kind in KINDS)
_READER = _reader()
