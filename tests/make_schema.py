"""Make the table of all of Kubernetes' fields and their types (impl/api/reading) from an OpenAPI v2 document.

    python tests/make_schema.py OPENAPI [OUT]

OPENAPI is what an API server answers to GET /openapi/v2 (JSON, may be .xz, may be a recording with a `body`); OUT
defaults to the table in the package. Run it when the release changes; the loader's tests say whether the table still
fits the vocabulary.

The table is {"kinds": {apiVersion: {kind: definition}}, "types": {definition: {field: type}}}. A type is "string",
"integer" (32 bits), "long" (64 bits), "number", "boolean", "quantity", "intOrString", "time", "any", "#definition",
[type] for a list of it, or {"": type} for a map to it.
"""

from __future__ import annotations

import json
import lzma
import sys
from pathlib import Path
from typing import Any

import kubeproof

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
SPECIAL = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "intOrString",
    f"{META}Time": "time",
    f"{META}MicroTime": "time",
}


def table(openapi: dict[str, Any]) -> dict[str, Any]:
    """Reduce an OpenAPI document to the table."""
    kinds: dict[str, dict[str, str]] = {}
    types = {}
    for name, definition in sorted(openapi["definitions"].items()):
        if "properties" in definition and name.startswith("io.k8s."):
            types[name] = {field: kind_of(one) for field, one in sorted(definition["properties"].items())}
        for one in definition.get("x-kubernetes-group-version-kind", ()):
            version = f"{one['group']}/{one['version']}" if one["group"] else one["version"]
            if name.startswith("io.k8s.") and not name.startswith(META):
                kinds.setdefault(version, {})[one["kind"]] = name
    return {"kinds": kinds, "types": types}


def kind_of(schema: dict[str, Any]) -> Any:
    """Return the type of a field."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/definitions/")
        return SPECIAL.get(name, f"#{name}")
    match schema.get("type"):
        case "array":
            return [kind_of(schema["items"])]
        case "object" if "additionalProperties" in schema:
            return {"": kind_of(schema["additionalProperties"])}
        case "integer":
            return "long" if schema.get("format") == "int64" else "integer"
        case "string" | "number" | "boolean" as kind:
            return kind
        case _:
            return "any"


def opaque(made: dict[str, Any]) -> dict[str, Any]:
    """Call references to definitions without fields (raw JSON of any kind) "any"."""

    def resolve(kind: Any) -> Any:
        match kind:
            case [item]:
                return [resolve(item)]
            case {"": item}:
                return {"": resolve(item)}
            case str() if kind.startswith("#") and kind[1:] not in made["types"]:
                return "any"
            case _:
                return kind

    types = {name: {field: resolve(kind) for field, kind in fields.items()} for name, fields in made["types"].items()}
    return made | {"types": types}


def main(openapi: str, out: str | None = None) -> None:
    """Write the table."""
    source = Path(openapi)
    text = lzma.decompress(source.read_bytes()) if source.suffix == ".xz" else source.read_bytes()
    document = json.loads(text)
    made = opaque(table(document.get("body") or document))
    target = Path(out) if out else Path(kubeproof.__file__).parent / "impl" / "api" / "reading" / "schema.json.xz"
    packed = json.dumps(made, separators=(",", ":"), sort_keys=True).encode()
    target.write_bytes(lzma.compress(packed, preset=9 | lzma.PRESET_EXTREME))
    print(f"{target}: {len(made['types'])} types, {sum(map(len, made['kinds'].values()))} kinds")


if __name__ == "__main__":
    main(*sys.argv[1:])
