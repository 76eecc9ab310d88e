"""From the bytes of a body to JSON: what is malformed is told in the words of the real decoder where these are stable.

Upstream: staging/src/k8s.io/apimachinery/pkg/runtime/serializer/json/json.go and encoding/json of Go 1.23 (v1.32).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

DEEPEST = 64
LARGEST = 3 * 1024 * 1024
"""Bytes of a body that are read (--max-request-body-bytes is 3 MiB)."""


class BodyError(ValueError):
    """A body that is no JSON (or YAML) document."""


def parsed(body: bytes, content_type: str) -> tuple[Any, tuple[str, ...]]:
    """Return the document, and the fields that stand in it twice. Raises BodyError."""
    media = content_type.partition(";")[0].strip()
    return _yaml(body) if media.endswith("yaml") else _json(body)


def _json(body: bytes) -> tuple[Any, tuple[str, ...]]:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise BodyError(f"invalid UTF-8 at byte {error.start}") from None
    try:
        found = json.loads(text, object_pairs_hook=_Pairs, parse_constant=_no_constant)
    except RecursionError:
        raise BodyError("exceeded max depth") from None
    except json.JSONDecodeError as error:
        raise BodyError(_in_go(text, error)) from None
    except ValueError as error:
        raise BodyError(str(error)) from None
    repeated: list[str] = []
    return _plain(found, "", repeated, 0), tuple(repeated)


def _no_constant(text: str) -> Any:
    raise ValueError(f"invalid character '{text[0]}' looking for beginning of value")


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON as it is written."""


def _plain(value: Any, path: str, repeated: list[str], depth: int) -> Any:
    if depth > DEEPEST * 4:
        raise BodyError("exceeded max depth")
    if isinstance(value, _Pairs):
        found: dict[str, Any] = {}
        for key, inner in value:
            where = f"{path}.{key}" if path else key
            if key in found:
                repeated.append(where)
            found[key] = _plain(inner, where, repeated, depth + 1)
        return found
    if isinstance(value, list):
        return [_plain(item, f"{path}[{at}]", repeated, depth + 1) for at, item in enumerate(value)]
    return value


def _in_go(text: str, error: json.JSONDecodeError) -> str:
    """Say what is wrong with some JSON as Go's decoder does, roughly: where it ends, or which character is there."""
    rest = text[error.pos :]
    if not rest.strip():
        return "unexpected end of JSON input"
    if error.msg.startswith(("Unterminated", "Invalid control")):
        return "unexpected end of JSON input"
    where = "after top-level value" if error.msg == "Extra data" else "looking for beginning of value"
    return f"invalid character '{rest.lstrip()[0]}' {where}"


def _yaml(body: bytes) -> tuple[Any, tuple[str, ...]]:
    try:
        found = yaml.load(body, _Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BodyError(f"error converting YAML to JSON: {str(error).splitlines()[0]}") from None
    return _stringly(found, 0), ()


class _Loader(yaml.SafeLoader):
    """YAML without aliases (a short text could stand for a huge one) and without dates."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse aliases."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not taken")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _stringly(value: Any, depth: int) -> Any:
    if depth > DEEPEST * 4:
        raise BodyError("exceeded max depth")
    if isinstance(value, Mapping):
        return {str(key): _stringly(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_stringly(item, depth + 1) for item in value]
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    raise BodyError(f"YAML of type {type(value).__name__} has no JSON")
