"""Which resources are served: those of kinds with a class, and beside them every other one that discovery lists.

Upstream: the discovery documents of kube-apiserver v1.32.13, as recorded (rest/documents).
Those that CustomResourceDefinitions add are in `custom`; left out on purpose: those of an aggregated API server.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from attrs import frozen
from immutabledict import immutabledict

from ..api.kinds import BY_NAME, Kind, Unstructured
from .rest.documents.documents import discovery

STORED_AS: Mapping[tuple[str, str], str] = {
    ("autoscaling/v1", "HorizontalPodAutoscaler"): "autoscaling/v2",
    ("events.k8s.io/v1", "Event"): "v1",
}
"""Kinds that several versions have: the one that is kept."""


@frozen
class Resource:
    """A resource of one version: its kind, its verbs, and the verbs of its subresources."""

    kind: Kind
    verbs: frozenset[str]
    subresources: immutabledict[str, frozenset[str]] = immutabledict()


def kind_named(name: str) -> Kind:
    """Return the kind of that name, with a class or without; one that nothing here serves is a custom one's.

    The name of a kind that a CustomResourceDefinition serves has that one's name in it (`Kind.key`).
    """
    kind, _, crd = name.partition(".")
    if crd:
        plural, _, group = crd.partition(".")
        return Kind(kind, f"{group}/", plural, namespaced=True, cls=Unstructured, custom=True, crd=crd)
    found = BY_NAME.get(name) or _others().get(name)
    return found or Kind(name, "", f"{name.lower()}s", namespaced=True, cls=Unstructured, custom=True)


@cache
def _others() -> Mapping[str, Kind]:
    """Return the kinds without a class, each in the version that is stored."""
    return {
        resource.kind.name: resource.kind
        for (version, _), resource in sorted(resources().items())
        if STORED_AS.get((version, resource.kind.name), version) == version and resource.kind.name not in BY_NAME
    }


@cache
def resources() -> Mapping[tuple[str, str], Resource]:
    """Return every resource by apiVersion and plural."""
    found: dict[tuple[str, str], Resource] = {}
    for path, document in discovery().items():
        if document.get("kind") != "APIResourceList":
            continue
        version = path.removeprefix("/api/").removeprefix("/apis/")
        listed = document["resources"]
        for resource in listed:
            if "/" in resource["name"]:
                continue
            inner = {
                other["name"].partition("/")[2]: frozenset(other["verbs"])
                for other in listed
                if other["name"].startswith(f"{resource['name']}/")
            }
            kind = _kind(resource["kind"], version, resource["name"], namespaced=resource["namespaced"])
            found[version, resource["name"]] = Resource(kind, frozenset(resource["verbs"]), immutabledict(inner))
    return found


def _kind(name: str, version: str, plural: str, *, namespaced: bool) -> Kind:
    known = BY_NAME.get(name)
    if known is not None and known.api_version == version:
        return known
    return Kind(name, version, plural, namespaced=namespaced, cls=Unstructured)
