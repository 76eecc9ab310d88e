"""What a CustomResourceDefinition says: the names of its kind, its scope, and each version with schema and columns.

Upstream: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/{customresource_handler,
customresource_discovery_controller}.go (v1.32).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from attrs import frozen
from immutabledict import immutabledict

from ...api.kinds import Object, Unstructured
from ...api.meta import Ref
from ...api.values.frozen import EMPTY, freeze
from ..resources import Resource
from ..storage import Storage
from .kind import Scale, ServedKind

CRD = "CustomResourceDefinition"
VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
"""What may be done with custom resources, in the order of discovery."""
WHILE_TERMINATING = ("delete", "deletecollection", "get", "list", "watch")
OF_SUBRESOURCES = ("get", "patch", "update")
CREATED = (
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed "
    "to be set in happens-before order across separate operations. Clients may not set this value. It is represented "
    "in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)
AGE = freeze({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": CREATED})
"""The column of a kind whose definition names none."""
Json = Mapping[str, Any]


@frozen
class Version:
    """One version of a custom kind."""

    kind: ServedKind
    served: bool
    storage: bool
    subresources: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The version without its group."""
        return self.kind.api_version.rpartition("/")[2]


@frozen
class Definition:
    """A CustomResourceDefinition that has been read."""

    name: str
    group: str
    versions: tuple[Version, ...]
    names: immutabledict[str, Any] = EMPTY
    established: bool = False
    accepted: bool = False
    terminating: bool = False

    @property
    def stored(self) -> Version:
        """The version that is stored."""
        return next((version for version in self.versions if version.storage), self.versions[0])

    @property
    def verbs(self) -> tuple[str, ...]:
        """What may be done with its objects."""
        return WHILE_TERMINATING if self.terminating else VERBS

    def version(self, name: str) -> Version | None:
        """Return a version; None of one that there is not."""
        return next((version for version in self.versions if version.name == name), None)

    def resource(self, version: Version) -> Resource:
        """Return the resource of a version."""
        inner = {name: frozenset(OF_SUBRESOURCES) for name in version.subresources}
        return Resource(version.kind, frozenset(VERBS), immutabledict(inner))


@lru_cache(maxsize=1 << 10)
def definition_of(crd: Unstructured) -> Definition:
    """Return what a CustomResourceDefinition says."""
    spec, status = crd.extra.get("spec") or EMPTY, crd.extra.get("status") or EMPTY
    names = status.get("acceptedNames") or EMPTY
    names = names if names.get("plural") else spec.get("names") or EMPTY
    true = {condition.get("type") for condition in status.get("conditions") or () if condition.get("status") == "True"}
    return Definition(
        crd.metadata.name,
        str(spec.get("group") or ""),
        tuple(_version(version, spec, names, crd.metadata.name) for version in spec.get("versions") or ()),
        names,
        "Established" in true,
        "NamesAccepted" in true,
        crd.metadata.terminating or "Terminating" in true,
    )


def _version(version: Json, spec: Json, names: Json, crd: str) -> Version:
    inner = version.get("subresources") or EMPTY
    scale, group, name = inner.get("scale"), str(spec.get("group") or ""), str(version.get("name") or "")
    subresources = tuple(subresource for subresource in ("status", "scale") if inner.get(subresource) is not None)
    warning = version.get("deprecationWarning") or f"{group}/{name} {names.get('kind')} is deprecated"
    kind = ServedKind(
        name=str(names.get("kind") or ""),
        api_version=f"{group}/{name}",
        plural=str(names.get("plural") or ""),
        namespaced=spec.get("scope") == "Namespaced",
        cls=Unstructured,
        custom=True,
        status_apart="status" in subresources,
        crd=crd,
        schema=(version.get("schema") or EMPTY).get("openAPIV3Schema") or EMPTY,
        scale=None if scale is None else _scale(scale),
        columns=tuple(version.get("additionalPrinterColumns") or (AGE,)),
        selectable=tuple(
            str(selectable.get("jsonPath") or "").removeprefix(".")
            for selectable in version.get("selectableFields") or ()
        ),
        warning=str(warning) if version.get("deprecated") else "",
        list_kind=str(names.get("listKind") or f"{names.get('kind')}List"),
    )
    return Version(kind, bool(version.get("served")), bool(version.get("storage")), subresources)


def _scale(scale: Json) -> Scale:
    paths = (str(scale.get(name) or "") for name in ("specReplicasPath", "statusReplicasPath", "labelSelectorPath"))
    return Scale(*paths)


def named(storage: Storage, name: str) -> Definition | None:
    """Return the definition of a name; None where there is none."""
    found: Object | None = storage.get(Ref(CRD, "", name))
    return definition_of(found) if isinstance(found, Unstructured) else None


def resource_at(storage: Storage, api_version: str, plural: str) -> Resource | None:
    """Return the custom resource that is served there; None where none is."""
    group, _, version = api_version.rpartition("/")
    found = named(storage, f"{plural}.{group}") if group else None
    if found is None or not (found.accepted or found.established):
        return None
    there = found.version(version)
    return found.resource(there) if there is not None and there.served else None


def established(storage: Storage) -> tuple[Definition, ...]:
    """Return every definition whose resources are in discovery, by name."""
    found = (definition_of(crd) for crd in storage.list(CRD, None) if isinstance(crd, Unstructured))
    return tuple(definition for definition in found if definition.established)


def newest_first(versions: Iterator[str]) -> list[str]:
    """Order versions as Kubernetes does: v2, v1, v1beta2, v1beta1, v1alpha1, and then all others by name."""

    def order(version: str) -> tuple[Any, ...]:
        found = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
        if found is None:
            return (1, version)
        level = {None: 0, "beta": 1, "alpha": 2}[found[2]]
        return (0, level, -int(found[1]), -int(found[3] or 0))

    return sorted(set(versions), key=order)
