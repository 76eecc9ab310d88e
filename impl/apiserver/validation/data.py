"""Validation of Secrets and ConfigMaps, which have no class here: they are judged as they are written.

Upstream: pkg/apis/core/validation/validation.go (v1.32): ValidateSecret, ValidateConfigMap; stringData goes over data
as in pkg/apis/core/v1/conversion.go.
Left out on purpose: sizes; Go's words for JSON that is wrong further in than at its first character.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .field_error import FieldError, invalid, required

KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
REDACTED = "<secret contents redacted>"
ACCOUNT = "kubernetes.io/service-account.name"
DOCKER = {"kubernetes.io/dockercfg": ".dockercfg", "kubernetes.io/dockerconfigjson": ".dockerconfigjson"}
"""Types of Secrets that hold JSON, and under which key."""
STARTS = '{["-0123456789tfn'
"""What JSON begins with."""
NEEDED = {"kubernetes.io/tls": ("tls.crt", "tls.key"), "kubernetes.io/ssh-auth": ("ssh-privatekey",)}
"""What a Secret of a type has to have."""


def validate_data(kind: str, written: Mapping[str, Any]) -> list[FieldError]:
    """Return the broken rules of a Secret or ConfigMap; other kinds have none here."""
    match kind:
        case "Secret":
            return [*_encoded(kind, "data", written)] or [*_secret(written)]
        case "ConfigMap":
            return [*_encoded(kind, "binaryData", written)] or [*_config_map(written)]
        case _:
            return []


def _encoded(kind: str, field: str, written: Mapping[str, Any]) -> Iterator[FieldError]:
    """Refuse what is no base64; the server cannot even read it (400)."""
    for key, text in (written.get(field) or {}).items():
        if (place := _no_base64_at(text or "")) is not None:
            detail = f'{kind} in version "v1" cannot be handled as a {kind}: illegal base64 data at input byte {place}'
            yield FieldError("", f"{field}[{key}]", detail)


def _no_base64_at(text: str) -> int | None:
    """Return the first byte that is wrong in base64, None where all is well; line ends do not count."""
    bare = text.replace("\r", "").replace("\n", "")
    found = re.match("[A-Za-z0-9+/]*", bare)
    good = found.end() if found else 0
    padding = bare[good:]
    if padding not in {"", "=", "=="}:
        return good
    return None if len(bare) % 4 == 0 else len(bare) - len(bare) % 4


def data_key_errors(field: str, key: str) -> Iterator[FieldError]:
    """Yield what keeps a text from being a key in a ConfigMap or a Secret."""
    if key in {".", ".."}:
        yield invalid(field, key, f"must not be '{key}'")
    elif not re.fullmatch("[-._a-zA-Z0-9]+", key):
        yield invalid(field, key, KEY_RULE)


def _keys(field: str, data: Mapping[str, Any]) -> Iterator[FieldError]:
    for key in sorted(data):
        yield from data_key_errors(f"{field}[{key}]", key)


def _config_map(written: Mapping[str, Any]) -> Iterator[FieldError]:
    """Check the keys; one that is text and binary is twice there."""
    data, binary = written.get("data") or {}, written.get("binaryData") or {}
    yield from _keys("data", data)
    for key in sorted(data.keys() & binary.keys()):
        yield invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
    yield from _keys("binaryData", binary)


def _secret(written: Mapping[str, Any]) -> Iterator[FieldError]:
    """Check the keys, and what the type promises."""
    encoded, plain = written.get("data") or {}, written.get("stringData") or {}
    data = {key: _decoded(text or "") for key, text in encoded.items()}
    data |= {key: (text or "").encode() for key, text in plain.items()}
    yield from _keys("data", data)
    type_ = written.get("type") or "Opaque"
    if type_ == "kubernetes.io/service-account-token":
        if not (written["metadata"].get("annotations") or {}).get(ACCOUNT):
            yield required(f"metadata.annotations[{ACCOUNT}]")
    elif type_ == "kubernetes.io/basic-auth":
        if data.keys().isdisjoint({"username", "password"}):
            yield from (required("data[username]"), required("data[password]"))
    elif type_ in DOCKER:
        yield from _json(DOCKER[type_], data)
    for key in NEEDED.get(type_, ()):
        if key not in data or (type_ == "kubernetes.io/ssh-auth" and not data[key]):
            yield required(f"data[{key}]")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""


def _json(key: str, data: Mapping[str, bytes]) -> Iterator[FieldError]:
    if key not in data:
        yield required(f"data[{key}]")
    elif why := _no_object(data[key]):
        yield invalid(f"data[{key}]", REDACTED, why)


def _no_object(content: bytes) -> str:
    """Say why some bytes are no JSON object, "" if they are one."""
    text = content.decode(errors="replace")
    try:
        found = json.loads(text)
    except ValueError:
        first = text.lstrip()[:1]
        if first and first in STARTS:
            return "invalid JSON"
        if not first:
            return "unexpected end of JSON input"
        return f"invalid character '{first}' looking for beginning of value"
    names: dict[type, str] = {list: "array", str: "string", bool: "bool", int: "number", float: "number"}
    name = names.get(type(found))
    return f"json: cannot unmarshal {name} into Go value of type map[string]interface {{}}" if name else ""
