"""OpenAPI documents of custom resources.

Upstream: staging/src/k8s.io/apiextensions-apiserver/pkg/controller/openapi/{builder/builder,v2/conversion}.go (v1.32);
what parameters a verb has is taken from the recorded document of a group of Kubernetes' own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from ....api.values.frozen import thaw
from ...custom.definition import Definition, Version
from ...custom.kind import METADATA, ServedKind
from ...custom.structural import PRESERVE
from ..documents.documents import openapi

Json = dict[str, Any]
META = METADATA.rpartition(".")[0]
PATTERN = "/openapi/v3/apis/apiextensions.k8s.io/v1"
"""The document that parameters and Kubernetes' own schemas are taken from."""
OF_SCALE = "/openapi/v3/apis/apps/v1"
COLLECTION, ONE = (f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions{end}" for end in ("", "/{name}"))
DOCS = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
BODIES = ("application/json", "application/yaml")
PATCHES_OF_V2 = ("application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml")
PATCHES = ("application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json")
OPTIONS, OF_KINDS = f"{META}.DeleteOptions", "x-kubernetes-group-version-kind"
NOT_CLIENTS = frozenset({"admission.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "imagepolicy.k8s.io"})
"""Groups that client-go does not know, whose types this document is made of."""
SCALE = "io.k8s.api.autoscaling.v1.Scale"
ONLY_V3 = ("allOf", "anyOf", "default", "not", "nullable", "oneOf")
VOWELS = "AEIOUaeiou"


def with_definitions(document: Mapping[str, Any], found: Iterable[Definition]) -> Json:
    """Return the OpenAPI document of version 2 with the definitions of custom kinds."""
    found = list(found)
    added = {
        name: schema
        for definition in found
        for version in definition.versions
        if version.served
        for name, schema in _schemas(version.kind, "#/definitions/", v2=True)
    }
    shared = {_written(parameter): name for name, parameter in document["parameters"].items()}
    paths = {
        path: _item_of_v2(item, shared)
        for definition in found
        for version in definition.versions
        if version.served
        for path, item in _paths(definition, version)
    }
    definitions = {**document["definitions"], **added}
    return {**document, "definitions": definitions, "paths": {**document["paths"], **paths}}


def with_index(document: Mapping[str, Any], found: Iterable[Definition]) -> Json:
    """Return the index of the OpenAPI documents of version 3 with those of custom kinds."""
    found = list(found)
    groups = sorted(
        {version.kind.api_version for definition in found for version in definition.versions if version.served}
    )
    added = {
        f"apis/{name}": {"serverRelativeURL": f"/openapi/v3/apis/{name}?hash={_hash(document_of(name, found))}"}
        for name in groups
    }
    return {**document, "paths": dict(sorted({**document["paths"], **added}.items()))}


def _hash(document: Any) -> str:
    return hashlib.sha512(json.dumps(document, sort_keys=True).encode()).hexdigest().upper()


def document_of(api_version: str, found: Iterable[Definition]) -> Json | None:
    """Return the OpenAPI document, version 3, of a version of a group; None where no custom kind has it."""
    served = [
        (definition, version)
        for definition in found
        for version in definition.versions
        if version.served and version.kind.api_version == api_version
    ]
    if not served:
        return None
    paths = {path: item for version in served for path, item in _paths(*version)}
    schemas = {
        name: schema for _, version in served for name, schema in _schemas(version.kind, "#/components/schemas/")
    }
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"},
        "paths": paths,
        "components": {"schemas": _closed(schemas, paths)},
    }


@cache
def _own() -> Mapping[str, Any]:
    found: Mapping[str, Any] = openapi()[PATTERN]
    return found


@cache
def _known() -> Mapping[str, Any]:
    found = {**openapi()[OF_SCALE]["components"]["schemas"], **_own()["components"]["schemas"]}
    options = found[OPTIONS]
    return {
        **found,
        OPTIONS: {**options, OF_KINDS: [kind for kind in options[OF_KINDS] if kind["group"] not in NOT_CLIENTS]},
    }


def _closed(schemas: Json, paths: Json) -> Json:
    """Return schemas with those that they, and paths, refer to."""
    known, found, waiting = _known(), dict(schemas), {*_references(schemas), *_references(paths)}
    while waiting:
        name = waiting.pop()
        if name not in found and name in known:
            found[name] = known[name]
            waiting |= set(_references(known[name]))
    return dict(sorted(found.items()))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "$ref" in value:
            yield str(value["$ref"]).rpartition("/")[2]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def model_name(kind: ServedKind, name: str) -> str:
    """Return what OpenAPI calls a kind: com.example.v1.Foo."""
    group, _, version = kind.api_version.partition("/")
    return f"{'.'.join(reversed(group.split('.')))}.{version}.{name}"


def _schemas(kind: ServedKind, prefix: str, *, v2: bool = False) -> Iterator[tuple[str, Json]]:
    group, _, version = kind.api_version.partition("/")

    def marked(schema: Json, name: str) -> tuple[str, Json]:
        of = [{"group": group, "kind": name, "version": version}]
        selectable = [{"fieldPath": path} for path in kind.selectable]
        marks = {"x-kubernetes-group-version-kind": of, "x-kubernetes-selectable-fields": selectable}
        return model_name(kind, name), {**schema, **marks}

    yield marked(_whole(kind, prefix, v2=v2), kind.name)
    described = f"List of {kind.plural}. More info: {DOCS}"
    items = {"type": "array", "items": {"$ref": f"{prefix}{model_name(kind, kind.name)}"}, "description": described}
    properties = {
        **_type_meta(),
        "items": items,
        "metadata": _referring(
            f"{prefix}{META}.ListMeta", f"Standard list metadata. More info: {DOCS}#types-kinds", v2=v2
        ),
    }
    listed = {"type": "object", "required": ["items"], "properties": properties}
    yield marked({**listed, "description": f"{kind.list_kind} is a list of {kind.name}"}, kind.list_kind)


def _whole(kind: ServedKind, prefix: str, *, v2: bool) -> Json:
    schema = thaw(kind.schema)
    if not schema or (v2 and schema.get(PRESERVE)):
        return {"type": "object"}
    schema = _as_v2(schema) if v2 else schema
    meta = _referring(f"{prefix}{METADATA}", f"Standard object's metadata. More info: {DOCS}#metadata", v2=v2)
    return {**schema, "properties": {**(schema.get("properties") or {}), **_type_meta(), "metadata": meta}}


def _type_meta() -> Json:
    known = _known()["io.k8s.api.apps.v1.Deployment"]["properties"]
    return {name: known[name] for name in ("apiVersion", "kind")}


def _referring(reference: str, described: str, *, v2: bool) -> Json:
    return {"description": described, **({"$ref": reference} if v2 else {"allOf": [{"$ref": reference}]})}


def _as_v2(schema: Json) -> Json:
    """Return what version 2 can say of a schema."""
    found = {key: value for key, value in schema.items() if key not in ONLY_V3}
    if schema.get(PRESERVE) or schema.get("nullable"):
        gone = {"items", "properties", "type", *(("additionalProperties",) if schema.get("nullable") else ())}
        return {key: value for key, value in found.items() if key not in gone}
    if "properties" in found:
        found["properties"] = {name: _as_v2(inner) for name, inner in found["properties"].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(found.get(name), dict):
            found[name] = _as_v2(found[name])
    return found


# --- paths --------------------------------------------------------------------------------------------------------


def _paths(definition: Definition, version: Version) -> Iterator[tuple[str, Json]]:
    kind = version.kind
    root = f"/apis/{kind.api_version}"
    place = f"{root}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"
    listed, one = model_name(kind, kind.list_kind), model_name(kind, kind.name)
    words = _Words(kind, definition.group)
    if kind.namespaced:
        every = {"name": "list", "of": listed, "operation": f"list{{}}{kind.name}ForAllNamespaces"}
        operation = words.operation("list", every["of"], [], id_=every["operation"])
        yield f"{root}/{kind.plural}", {"get": operation, "parameters": _parameters(COLLECTION, "get", pretty=True)}
    yield (
        place,
        {
            "get": words.operation("list", listed, _parameters(COLLECTION, "get")),
            "post": words.operation("create", one, _parameters(COLLECTION, "post"), reads=one),
            "delete": words.operation("deletecollection", f"{META}.Status", _parameters(COLLECTION, "get")),
            "parameters": words.places(),
        },
    )
    yield (
        f"{place}/{{name}}",
        {
            **words.of_one("", one),
            "delete": words.operation(
                "delete", f"{META}.Status", _parameters(ONE, "delete"), reads=f"{META}.DeleteOptions"
            ),
            "parameters": words.places(named=True),
        },
    )
    for name in version.subresources:
        shown = SCALE if name == "scale" else one
        yield f"{place}/{{name}}/{name}", {**words.of_one(name, shown), "parameters": words.places(named=True)}


def _parameters(path: str, verb: str, *, pretty: bool = False) -> list[Json]:
    found = _own()["paths"][path]
    own = [parameter for parameter in found[verb].get("parameters") or () if parameter["name"] != "pretty"]
    shared = (
        [parameter for parameter in found.get("parameters") or () if parameter["name"] == "pretty"] if pretty else []
    )
    return sorted([*own, *shared], key=lambda one: str(one["name"]))


class _Words:
    """How the operations on a kind are called and described."""

    def __init__(self, kind: ServedKind, group: str) -> None:
        self.kind = kind
        version = kind.api_version.rpartition("/")[2]
        first, *others = group.split(".")
        camel = first + "".join(part.capitalize() for part in others)
        self.tag = f"{camel}_{version}"
        self.group = camel[:1].upper() + camel[1:] + version.capitalize()
        self.of = {"group": group, "version": version, "kind": kind.name}

    def places(self, *, named: bool = False) -> list[Json]:
        """Return the parameters of a path."""
        found = [{"name": "name", "description": f"name of the {self.kind.name}"}] if named else []
        if self.kind.namespaced:
            found.append(
                {"name": "namespace", "description": "object name and auth scope, such as for teams and projects"}
            )
        schema = {"type": "string", "uniqueItems": True}
        placed = [
            {
                "name": param["name"],
                "in": "path",
                "description": param["description"],
                "required": True,
                "schema": schema,
            }
            for param in found
        ]
        return [
            *placed,
            *(parameter for parameter in _own()["paths"][ONE]["parameters"] if parameter["name"] == "pretty"),
        ]

    def of_one(self, sub: str, shown: str) -> Json:
        """Return get, put and patch of one object or of a subresource."""
        read = [{**parameter} for parameter in _parameters(COLLECTION, "get") if parameter["name"] == "resourceVersion"]
        return {
            "get": self.operation("read", shown, read, sub=sub),
            "put": self.operation("replace", shown, _parameters(ONE, "put"), sub=sub, reads=shown),
            "patch": self.operation("patch", shown, _parameters(ONE, "patch"), sub=sub, reads=f"{META}.Patch"),
        }

    def operation(
        self, verb: str, shown: str, parameters: list[Json], *, sub: str = "", reads: str = "", id_: str = ""
    ) -> Json:
        """Return an operation: what it is called, takes and answers."""
        namespaced = "Namespaced" if self.kind.namespaced else ""
        name = f"{verb}{{}}{namespaced}{self.kind.name}{sub.title()}"
        if verb == "deletecollection":
            name = f"delete{{}}Collection{namespaced}{self.kind.name}"
        actions = {"create": "post", "read": "get", "replace": "put"}
        body = {
            "content": _content(reads, PATCHES if verb == "patch" else BODIES),
            **({} if verb == "delete" else {"required": True}),
        }
        return {
            "tags": [self.tag],
            "description": self._described(verb, f" {sub} of" if sub else ""),
            "operationId": (id_ or name).format(self.group),
            **({"parameters": parameters} if parameters else {}),
            **({"requestBody": body} if reads else {}),
            "responses": _responses(verb, shown),
            "x-kubernetes-action": actions.get(verb, verb),
            "x-kubernetes-group-version-kind": self.of,
        }

    def _described(self, verb: str, sub: str) -> str:
        kind = self.kind.name
        match verb:
            case "list":
                return f"list objects of kind {kind}"
            case "create" | "delete":
                return f"{verb} {'an' if kind[:1] in VOWELS else 'a'} {kind}"
            case "deletecollection":
                return f"delete collection of {kind}"
            case _:
                return f"{'partially update' if verb == 'patch' else verb}{sub} the specified {kind}"


def _responses(verb: str, shown: str) -> Json:
    told = {"200": "OK"}
    told |= {"201": "Created"} if verb in {"create", "replace"} else {}
    told |= {"202": "Accepted"} if verb in {"create", "delete"} else {}
    answers = {code: {"description": text, "content": _content(shown, BODIES)} for code, text in told.items()}
    return {**answers, "401": {"description": "Unauthorized"}}


def _content(shown: str, media: Iterable[str]) -> Json:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{shown}"}} for media_type in media}


# --- paths of version 2 -------------------------------------------------------------------------------------------


def _written(parameter: Any) -> str:
    return json.dumps(parameter, sort_keys=True)


def _item_of_v2(item: Json, shared: Mapping[str, str]) -> Json:
    """Return a path as version 2 has it; parameters that the document has once are referred to."""

    def referred(parameters: Iterable[Json]) -> list[Json]:
        found = (_parameter_of_v2(parameter) for parameter in parameters)
        named = ((parameter, shared.get(_written(parameter))) for parameter in found)
        return [parameter if name is None else {"$ref": f"#/parameters/{name}"} for parameter, name in named]

    verbs = {verb: _operation_of_v2(operation, referred) for verb, operation in item.items() if verb != "parameters"}
    return {**verbs, "parameters": referred(item["parameters"])}


def _parameter_of_v2(parameter: Json) -> Json:
    return {**{key: value for key, value in parameter.items() if key != "schema"}, **parameter["schema"]}


def _operation_of_v2(operation: Json, referred: Callable[[Iterable[Json]], list[Json]]) -> Json:
    body = operation.get("requestBody")
    content = {} if body is None else body["content"]
    must = {"required": True} if body is not None and body.get("required") else {}
    asked = [
        {"name": "body", "in": "body", "schema": {"schema": _schema_of_v2(value)}, **must}
        for value in list(content.values())[:1]
    ]
    taken = list(PATCHES_OF_V2) if operation["x-kubernetes-action"] == "patch" else list(BODIES)
    kept = {key: value for key, value in operation.items() if key not in {"requestBody", "parameters", "responses"}}
    parameters = referred([*asked, *(operation.get("parameters") or ())])
    answers = {
        code: {"description": response["description"]}
        | ({"schema": _schema_of_v2(response["content"]["application/json"])} if "content" in response else {})
        for code, response in operation["responses"].items()
    }
    about = {"consumes": taken, "produces": list(BODIES), "schemes": ["https"], "responses": answers}
    return {**kept, **about, **({"parameters": parameters} if parameters else {})}


def _schema_of_v2(media: Json) -> Json:
    return {"$ref": media["schema"]["$ref"].replace("#/components/schemas/", "#/definitions/")}
