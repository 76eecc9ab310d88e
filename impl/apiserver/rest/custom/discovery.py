"""Groups and resources of custom kinds in discovery, beside Kubernetes' own.

Upstream: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_discovery_controller.go (v1.32).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...custom.definition import OF_SUBRESOURCES, Definition, Version, newest_first

Json = dict[str, Any]
SCALE = {"group": "autoscaling", "version": "v1", "kind": "Scale"}


def with_groups(document: Mapping[str, Any], found: Iterable[Definition]) -> Json:
    """Return the list of groups with those of custom kinds."""
    own = {entry["name"] for entry in document["groups"]}
    groups = _by_group(found)
    return {**document, "groups": [*document["groups"], *(group(groups[name]) for name in groups if name not in own)]}


def with_aggregated(document: Mapping[str, Any], found: Iterable[Definition]) -> Json:
    """Return the aggregated discovery with what custom kinds add."""
    own = {item["metadata"]["name"] for item in document["items"]}
    groups = _by_group(found)
    return {
        **document,
        "items": [*document["items"], *(_aggregated(groups[name]) for name in groups if name not in own)],
    }


def _by_group(found: Iterable[Definition]) -> dict[str, list[Definition]]:
    groups: dict[str, list[Definition]] = {}
    for definition in found:
        if any(version.served for version in definition.versions):
            groups.setdefault(definition.group, []).append(definition)
    return {name: groups[name] for name in sorted(groups)}


def _versions(definitions: Iterable[Definition]) -> list[str]:
    return newest_first(version.name for definition in definitions for version in definition.versions if version.served)


def group(definitions: Iterable[Definition]) -> Json:
    """Return a group with its versions, the preferred one first."""
    definitions = list(definitions)
    name = definitions[0].group
    versions = [{"groupVersion": f"{name}/{version}", "version": version} for version in _versions(definitions)]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def resource_list(api_version: str, definitions: Iterable[Definition]) -> Json | None:
    """Return the resources of one version of a group; None where no custom kind has it."""
    found = list(_served(api_version.rpartition("/")[2], definitions))
    if not found:
        return None
    resources = [resource for definition, version in found for resource in _resources(definition, version)]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": resources}


def _served(name: str, definitions: Iterable[Definition]) -> Iterator[tuple[Definition, Version]]:
    for definition in definitions:
        version = definition.version(name)
        if version is not None and version.served:
            yield definition, version


def _resources(definition: Definition, version: Version) -> Iterator[Json]:
    kind, names = version.kind, definition.names
    yield {
        "name": kind.plural,
        "singularName": names.get("singular") or "",
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": list(definition.verbs),
        **{name: list(names[name]) for name in ("shortNames", "categories") if names.get(name)},
        "storageVersionHash": _hash(definition.group, definition.stored.name, kind.name),
    }
    for name in version.subresources:
        shown = SCALE if name == "scale" else {"kind": kind.name}
        yield {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            **shown,
            "verbs": list(OF_SUBRESOURCES),
        }


def _hash(group: str, version: str, kind: str) -> str:
    """Return what tells in which version objects are stored (discovery/storageversionhash.go)."""
    return base64.b64encode(hashlib.sha256(f"{group}/{version}/{kind}".encode()).digest()[:8]).decode()


def _aggregated(definitions: list[Definition]) -> Json:
    versions: list[Json] = [
        {
            "version": name,
            "resources": sorted(
                (_aggregated_resource(*version) for version in _served(name, definitions)),
                key=lambda version: str(version["resource"]),
            ),
            "freshness": "Current",
        }
        for name in _versions(definitions)
    ]
    return {"metadata": {"name": definitions[0].group, "creationTimestamp": None}, "versions": versions}


def _aggregated_resource(definition: Definition, version: Version) -> Json:
    kind, names = version.kind, definition.names
    response = {"group": definition.group, "version": version.name, "kind": kind.name}
    inner = [
        {"subresource": name, "responseKind": SCALE if name == "scale" else response, "verbs": list(OF_SUBRESOURCES)}
        for name in version.subresources
    ]
    return {
        "resource": kind.plural,
        "responseKind": response,
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": names.get("singular") or "",
        "verbs": list(definition.verbs),
        **{name: list(names[name]) for name in ("shortNames", "categories") if names.get(name)},
        **({"subresources": inner} if inner else {}),
    }
