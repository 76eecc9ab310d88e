"""Requests made of the OpenAPI documents that a server serves: each operation, with parameters and bodies by schema.

Most of a body is what its schema asks for; here and there something is wrong, as a client that errs would have it. All
of it is drawn from a seed, so that a request that is not answered well can be made again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from attrs import frozen

METHODS = ("get", "put", "post", "patch", "delete")
NAMES = ("web", "a", "kubernetes", "node-1", "default", "no-such", "UPPER", "", "a/b", "é")
DEEPEST = 6
Document = Mapping[str, Any]


@frozen
class Operation:
    """A method on a path, with what its document says of it."""

    document: Document
    path: str
    method: str

    @property
    def described(self) -> Document:
        """What the document says of the operation itself."""
        found: Document = self.document["paths"][self.path][self.method]
        return found

    @property
    def parameters(self) -> tuple[Document, ...]:
        """The parameters of the path, and those of the operation."""
        there = (*self.document["paths"][self.path].get("parameters", ()), *self.described.get("parameters", ()))
        return tuple(self.resolved(one) for one in there)

    def resolved(self, schema: Document) -> Document:
        """Follow a reference."""
        while "$ref" in schema:
            found: Any = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        return schema


@frozen
class Asked:
    """One request."""

    method: str
    url: str
    body: bytes
    headers: dict[str, str]


def operations(documents: Mapping[str, Document]) -> list[Operation]:
    """Return every operation of the documents of version 3."""
    return [
        Operation(document, path, method)
        for name, document in sorted(documents.items())
        if name.startswith("/openapi/v3/")
        for path in sorted(document.get("paths", {}))
        for method in METHODS
        if method in document["paths"][path]
    ]


def request_of(operation: Operation, seed: int) -> Asked:
    """Make one request of an operation."""
    chance = Random(f"{seed} {operation.method} {operation.path}")  # noqa: S311 - no secrets
    path, query = operation.path, []
    for one in operation.parameters:
        schema = one.get("schema", {})
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", quote(_name(one["name"], chance), safe=""))
        elif one["in"] == "query" and one["name"] not in {"watch", "timeoutSeconds"} and chance.random() < 0.15:
            query.append((one["name"], _text(value(operation, schema, chance, 0))))
    media = sorted(operation.described.get("requestBody", {}).get("content", {}))
    headers = {"accept": chance.choice(("application/json", "application/json;as=Table;v=v1;g=meta.k8s.io,*/*", "*/*"))}
    body = b""
    if media:
        kind = "application/json" if media == ["*/*"] else chance.choice(media)
        headers["content-type"] = kind if chance.random() < 0.95 else "text/plain"
        schema = operation.described["requestBody"]["content"][kind if kind in media else "*/*"]["schema"]
        body = json.dumps(_patch(chance) if "json-patch" in kind else value(operation, schema, chance, 0)).encode()
    url = path + (f"?{urlencode(query)}" if query else "")
    return Asked(operation.method.upper(), url, body, headers)


def value(operation: Operation, schema: Document, chance: Random, depth: int) -> Any:
    """Make a value of a schema, or now and then of another one."""
    schema = operation.resolved(schema)
    if "allOf" in schema:
        schema = operation.resolved(schema["allOf"][0])
    if chance.random() < 0.02:
        return chance.choice((None, True, -1, 2**70, "x" * 300, [], {}, [None], {"": ""}))
    kind = "object" if "properties" in schema else schema.get("type", "")
    match kind:
        case "object":
            return _object(operation, schema, chance, depth)
        case "array":
            few = chance.choice((0, 1, 1, 2)) if depth < DEEPEST else 0
            return [value(operation, schema["items"], chance, depth + 1) for _ in range(few)]
        case "boolean":
            return chance.random() < 0.5
        case "integer" | "number":
            return chance.choice((0, 1, 2, 3, 80, -1, 70000))
        case "string":
            return _string(schema, chance)
        case _:
            return chance.choice(("1", 1, "25%", {}, None))


def _object(operation: Operation, schema: Document, chance: Random, depth: int) -> Any:
    properties = schema.get("properties", {})
    needed = set(schema.get("required", ()))
    likely = 0.9 if depth == 0 else 0.25
    made: dict[str, Any] = {}
    for name, inner in properties.items():
        if name in {"apiVersion", "kind", "status", "managedFields"} and chance.random() < 0.9:
            continue
        if name in needed or (depth < DEEPEST and chance.random() < likely):
            made[name] = value(operation, inner, chance, depth + 1)
    if "name" in properties and chance.random() < 0.7:
        made["name"] = chance.choice(NAMES)
    if not properties and isinstance(schema.get("additionalProperties"), Mapping):
        made = {chance.choice(("app", "a/b", "")): value(operation, schema["additionalProperties"], chance, depth + 1)}
    return made


def _string(schema: Document, chance: Random) -> str:
    if "enum" in schema:
        return str(chance.choice(schema["enum"]))
    if schema.get("format") == "date-time":
        return chance.choice(("2026-01-01T00:00:00Z", "yesterday"))
    if schema.get("format") == "byte":
        return chance.choice(("cQ==", "?"))
    return chance.choice((*NAMES, "nginx:1.29", "1", "100m", "Always", "In", "TCP", "10.0.0.1", "app=web", "/metadata"))


def _name(parameter: str, chance: Random) -> str:
    if parameter == "namespace":
        return chance.choice(("default", "default", "default", "no-such"))
    return chance.choice(NAMES) or "web"


def _patch(chance: Random) -> Any:
    path = chance.choice(("/metadata/labels", "/spec", "/spec/replicas", "", "/a/-", "~2"))
    return [{"op": chance.choice(("add", "remove", "replace", "test", "copy", "?")), "path": path, "value": {"a": "b"}}]


def _text(found: Any) -> str:
    return found if isinstance(found, str) else json.dumps(found)


def requests(documents: Mapping[str, Document], seeds: range) -> Iterator[tuple[int, Operation, Asked]]:
    """Yield a request of every operation, for each seed."""
    for seed in seeds:
        for operation in operations(documents):
            yield seed, operation, request_of(operation, seed)
