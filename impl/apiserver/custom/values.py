"""Which rules of a schema a value breaks: types, bounds, patterns, enumerations, and schemas of which some must hold.

Upstream: k8s.io/kube-openapi/pkg/validation/{validate,errors}, and apiextensions-apiserver/pkg/apiserver/validation
(v1.32). A value that has not changed in an update breaks nothing (CRDValidationRatcheting).
Left out on purpose: formats other than those of times, addresses and uids.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any

from ...api.values.timestamps import parse_time
from ..validation.field_error import FieldError, go_value, invalid_raw, not_supported, required, too_long, too_many
from .kind import Schema

ABSENT = object()
INT_OR_STRING = "x-kubernetes-int-or-string"


def broken(value: Any, schema: Schema, path: str = "", old: Any = ABSENT) -> Iterator[FieldError]:
    """Yield the broken rules of a value; `old` is what was there before."""
    if old is not ABSENT and same(old, value):
        return
    types = ("integer", "string") if schema.get(INT_OR_STRING) else tuple(filter(None, (schema.get("type"),)))
    if value is None and (schema.get("nullable") or not types):
        return
    if types and not any(_is(value, kind) for kind in types):
        yield _of_type(path, type_of(value), ",".join(types))
    yield from _composed(value, schema, path)
    if isinstance(value, str):
        yield from _text(value, schema, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number(value, schema, path)
    elif isinstance(value, list | tuple):
        yield from _items(value, schema, path, old)
    if schema.get("enum") is not None and not any(same(allowed, value) for allowed in schema["enum"]):
        listed = [text if isinstance(text, str) else json.dumps(text) for text in schema["enum"]]
        yield not_supported(path, value, listed, rendered=go_value(value))
    if isinstance(value, Mapping):
        yield from _fields(value, schema, path, old)


def type_of(value: Any) -> str:
    """Return what JSON Schema calls the type of a value."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    kinds = {str: "string", int: "integer", float: "number", dict: "object"}
    return kinds.get(type(value)) or ("object" if isinstance(value, Mapping) else "array")


def same(left: Any, right: Any) -> bool:
    """Tell whether two values of JSON are equal; true is not 1."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _is(value: Any, kind: str) -> bool:
    if kind == "number":
        return type_of(value) in {"integer", "number"}
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return type_of(value) == kind


def _of_type(path: str, found: str, wanted: str) -> FieldError:
    detail = f'{path} in body must be of type {wanted}: "{found}"'
    return FieldError("FieldValueTypeInvalid", path, f'Invalid value: "{found}": {detail}')


def _bad(path: str, value: Any, detail: str) -> FieldError:
    return invalid_raw(path, go_value(value), f"{path} in body {detail}")


def _text(value: str, schema: Schema, path: str) -> Iterator[FieldError]:
    longest, shortest, pattern = (schema.get(name) for name in ("maxLength", "minLength", "pattern"))
    if longest is not None and len(value) > longest:
        yield too_long(path, longest)
    if shortest is not None and len(value) < shortest:
        yield _bad(path, value, f"should be at least {shortest} chars long")
    if pattern and not _pattern(pattern).search(value):
        yield _bad(path, value, f"should match '{pattern}'")
    form = schema.get("format")
    if form in FORMATS and not FORMATS[form](value):
        detail = f"{path} in body must be of type {form}: {go_value(value)}"
        yield FieldError("FieldValueTypeInvalid", path, f"Invalid value: {go_value(value)}: {detail}")


@lru_cache(maxsize=1 << 10)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _address(text: str, cls: type[IPv4Address | IPv6Address]) -> bool:
    try:
        cls(text)
    except AddressValueError:
        return False
    return True


FORMATS = {
    "date": lambda text: bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", text)),
    "date-time": lambda text: parse_time(text) is not None,
    "ipv4": lambda text: _address(text, IPv4Address),
    "ipv6": lambda text: _address(text, IPv6Address),
    "uuid": lambda text: bool(re.fullmatch(r"(?i)[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", text)),
}
"""Whether a text is of a format; of other formats all are."""


def _number(value: float, schema: Schema, path: str) -> Iterator[FieldError]:
    least, most, factor = (schema.get(name) for name in ("minimum", "maximum", "multipleOf"))
    if factor is not None and value % factor:
        yield _bad(path, value, f"should be a multiple of {_plain(factor)}")
    if most is not None and (value > most or (schema.get("exclusiveMaximum") and value == most)):
        equal = "" if schema.get("exclusiveMaximum") else " or equal to"
        yield _bad(path, value, f"should be less than{equal} {_plain(most)}")
    if least is not None and (value < least or (schema.get("exclusiveMinimum") and value == least)):
        equal = "" if schema.get("exclusiveMinimum") else " or equal to"
        yield _bad(path, value, f"should be greater than{equal} {_plain(least)}")


def _plain(number: float) -> str:
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)


def _items(values: Any, schema: Schema, path: str, old: Any) -> Iterator[FieldError]:
    inner, least, most = (schema.get(name) for name in ("items", "minItems", "maxItems"))
    if isinstance(inner, Mapping):
        before = _before(old, schema)
        for at, item in enumerate(values):
            yield from broken(item, inner, f"{path}[{at}]", before.get(_key_of(item, at, schema), ABSENT))
    if least is not None and len(values) < least:
        yield _bad(path, len(values), f"should have at least {least} items")
    if most is not None and len(values) > most:
        yield too_many(path, len(values), most)


def _key_of(one: Any, at: int, schema: Schema) -> Any:
    """Return by what an item is known before and after: its keys, or its place."""
    keys = schema.get("x-kubernetes-list-map-keys")
    if schema.get("x-kubernetes-list-type") == "map" and keys and isinstance(one, Mapping):
        return json.dumps([one.get(key) for key in keys], default=str)
    return at


def _before(old: Any, schema: Schema) -> dict[Any, Any]:
    if schema.get("x-kubernetes-list-type") != "map" or not isinstance(old, list | tuple):
        return {}
    return {_key_of(item, at, schema): item for at, item in enumerate(old)}


def _fields(value: Mapping[str, Any], schema: Schema, path: str, old: Any) -> Iterator[FieldError]:
    least, most = schema.get("minProperties"), schema.get("maxProperties")
    if least is not None and len(value) < least:
        yield _bad(path, len(value), f"should have at least {least} properties")
    if most is not None and len(value) > most:
        yield too_many(path, len(value), most)
    declared, other = schema.get("properties") or {}, schema.get("additionalProperties")
    for name in schema.get("required") or ():
        if name not in value:
            yield required(f"{path}.{name}" if path else name)
    before = old if isinstance(old, Mapping) else {}
    for name in sorted(value):
        inner = declared.get(name, other)
        if isinstance(inner, Mapping):
            yield from broken(value[name], inner, f"{path}.{name}" if path else name, before.get(name, ABSENT))


def _composed(value: Any, schema: Schema, path: str) -> Iterator[FieldError]:
    """Yield what is broken of anyOf, oneOf, allOf and not."""

    def tried(name: str) -> list[list[FieldError]]:
        return [list(broken(value, part, path)) for part in schema.get(name) or ()]

    def must(detail: str) -> FieldError:
        return invalid_raw("<nil>", '""', f'"{path}" must {detail}')

    if (found := tried("anyOf")) and all(found):
        yield must("validate at least one schema (anyOf)")
        yield from found[0]
    if found := tried("oneOf"):
        valid = sum(not errors for errors in found)
        if valid != 1:
            how = f"Found {valid} valid alternatives" if valid else "Found none valid"
            yield must(f"validate one and only one schema (oneOf). {how}")
            yield from () if valid else found[0]
    if (found := tried("allOf")) and any(found):
        yield must("validate all the schemas (allOf)")
        for errors in found:
            yield from errors
    refused = schema.get("not")
    if isinstance(refused, Mapping) and not list(broken(value, refused, path)):
        yield must("not validate the schema (not)")
