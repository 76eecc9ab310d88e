"""Tables of custom resources: the columns that their definition names, each by a path into the object.

Upstream: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor/tableconvertor.go and
client-go/util/jsonpath (v1.32), of which ranges and unions are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from ....api.meta import Time
from ...custom.kind import ServedKind
from ..tables.words import age

Json = dict[str, Any]
NAME = {
    "name": "Name",
    "type": "string",
    "format": "name",
    "description": (
        "Name must be unique within a namespace. Is required when creating resources, although some resources may "
        "allow a client to request the generation of an appropriate name automatically. Name is primarily intended for "
        "creation idempotence and configuration definition. Cannot be updated. More info: "
        "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
    ),
    "priority": 0,
}
STEP = re.compile(
    r"\.?(?P<name>[\w-]+|\*)|\.\.(?P<deep>[\w-]+)|\[(?P<index>-?\d+|\*)\]|\[(['\"])(?P<quoted>.*?)\4\]"
    r"|\[\?\(@(?P<field>(?:\.[\w-]+)+)\s*(?P<how>==|!=|<=|>=|<|>)\s*(?P<value>'[^']*'|\"[^\"]*\"|[\w.-]+)\)\]"
)


def definitions_of(kind: ServedKind) -> list[Json]:
    """Return the heads of the columns."""
    return [NAME, *map(_definition, kind.columns)]


def _definition(column: Mapping[str, Any]) -> Json:
    path = column.get("jsonPath")
    return {
        "name": column.get("name", ""),
        "type": column.get("type", ""),
        "format": column.get("format") or "",
        "description": column.get("description") or f"Custom resource definition column (in JSONPath format): {path}",
        "priority": column.get("priority") or 0,
    }


def cells_of(kind: ServedKind, obj: Json, now: Time) -> list[Any]:
    """Return what stands in the columns."""
    name = (obj.get("metadata") or {}).get("name", "")
    return [name, *(_cell(column, obj, now) for column in kind.columns)]


def _cell(column: Mapping[str, Any], obj: Json, now: Time) -> Any:
    found = next(found_at(obj, str(column.get("jsonPath") or "")), None)
    match column.get("type"):
        case "string" if found is not None:
            return found if isinstance(found, str) else _printed(found)
        case "integer" if isinstance(found, int | float) and not isinstance(found, bool):
            return int(found)
        case "number" if isinstance(found, int | float) and not isinstance(found, bool):
            return found
        case "boolean" if isinstance(found, bool):
            return found
        case "date" if isinstance(found, str):
            shown = age(found, now)
            return "<invalid>" if shown == "<unknown>" else shown
        case _:
            return None


def _printed(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else json.dumps(value, separators=(",", ":"), sort_keys=True)


@lru_cache(maxsize=1 << 10)
def _steps(path: str) -> tuple[tuple[tuple[str, Any], ...], ...] | None:
    """Return the steps of a path; None of one that cannot be read."""
    steps, at, text = [], 0, path.strip().removeprefix("{").removesuffix("}").removeprefix("$")
    text = text.replace("\\.", "\0")
    while at < len(text):
        if text[at:] == ".":
            break
        found = STEP.match(text, at)
        if found is None:
            escaped = re.compile(r"\.?(?P<name>[\w\0-]+)").match(text, at)
            if escaped is None:
                return None
            found = escaped
        steps.append(tuple((key, value) for key, value in found.groupdict().items() if value is not None))
        at = found.end()
    return tuple(steps)


def found_at(value: Any, path: str) -> Iterator[Any]:
    """Yield what a JSONPath leads to."""
    steps = _steps(path)
    return iter(()) if steps is None else _walked([value], steps)


def _walked(values: list[Any], steps: tuple[tuple[tuple[str, Any], ...], ...]) -> Iterator[Any]:
    for step in steps:
        values = [inner for value in values for inner in _stepped(value, dict(step))]
    return iter(values)


def _stepped(value: Any, step: Mapping[str, str]) -> Iterator[Any]:
    name = step.get("name") or step.get("quoted")
    if step.get("name") == "*" or step.get("index") == "*":
        yield from value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    elif name is not None and "field" not in step:
        name = name.replace("\0", ".")
        if isinstance(value, Mapping) and name in value:
            yield value[name]
    elif "index" in step:
        at = int(step["index"])
        if isinstance(value, list) and -len(value) <= at < len(value):
            yield value[at]
    elif "deep" in step:
        yield from _deep(value, step["deep"])
    elif isinstance(value, list):
        yield from (item for item in value if _holds(item, step))


def _deep(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, Mapping):
        if name in value:
            yield value[name]
        for inner in value.values():
            yield from _deep(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _deep(inner, name)


def _holds(one: Any, step: Mapping[str, str]) -> bool:
    found = next(found_at(one, step["field"]), None)
    text = step["value"]
    wanted = text[1:-1] if text[:1] in "'\"" else json.loads(text) if re.fullmatch(r"-?\d+|true|false", text) else text
    if found is None or type(found) is not type(wanted):
        return False
    match step["how"]:
        case "==":
            return bool(found == wanted)
        case "!=":
            return bool(found != wanted)
        case "<":
            return bool(found < wanted)
        case "<=":
            return bool(found <= wanted)
        case ">":
            return bool(found > wanted)
        case _:
            return bool(found >= wanted)
