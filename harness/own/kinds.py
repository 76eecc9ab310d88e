"""Kinds as a user names them: by a class, by name, with the apiVersion before it, or as a `CustomResource`."""

from __future__ import annotations

from ...impl.api.kinds import BY_NAME, Kind, Unstructured
from ...impl.api.reading.nearest import did_you_mean
from ...impl.apiserver.resources import resources


class UnknownKindError(ValueError):
    """A kind that Kubernetes has not, and of which nobody says that it is a custom one."""


def custom_resource(
    api_version: str, kind: str, *, plural: str = "", namespaced: bool = True, status: bool = True
) -> Kind:
    """Return a kind that a CustomResourceDefinition brings: `custom_resource("example.com/v1", "Database")`.

    `status`: its status is a subresource, as most have it, so that an update leaves it alone. `plural` is its name in
    URLs and messages; the kind in lower case with an s if it is not given.
    """
    if "/" not in api_version:
        raise UnknownKindError(f"{api_version!r} is no apiVersion of a custom resource: write group/version")
    if kind in BY_NAME:
        raise UnknownKindError(f"{kind} is the name of a kind of Kubernetes, which custom ones may not have here")
    name = plural or f"{kind.lower()}s"
    return Kind(kind, api_version, name, namespaced, Unstructured, custom=True, status_apart=status)


def kind_of_name(given: str | type | Kind) -> Kind:
    """Return the kind that is meant: Service, "Service", "ConfigMap", "example.com/v1/Database", a `custom_resource`.

    Raises UnknownKindError.
    """
    if isinstance(given, Kind):
        return given
    name = given if isinstance(given, str) else given.__name__
    version, _, kind = name.rpartition("/")
    if found := served(kind):
        if version not in {"", found.api_version}:
            raise UnknownKindError(f"{kind} is {found.api_version}, got {version}")
        return found
    if "/" in version:
        return custom_resource(version, kind)
    known = sorted({*BY_NAME, *(resource.kind.name for resource in resources().values())})
    hint = did_you_mean(kind, known, f"a custom one is written with its group and version: example.com/v1/{kind}")
    raise UnknownKindError(f"there is no kind {name!r} in Kubernetes; {hint}")


def served(kind: str) -> Kind | None:
    """Return a kind of Kubernetes by its name, with a class here or without."""
    known = (resource.kind for _, resource in sorted(resources().items(), key=lambda item: item[0]))
    return BY_NAME.get(kind) or next((found for found in known if found.name == kind), None)
