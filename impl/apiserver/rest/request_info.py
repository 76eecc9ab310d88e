"""What a URL asks for: a resource of a group, in a namespace, by name, a subresource of it; or none of all this.

Upstream: staging/src/k8s.io/apiserver/pkg/endpoints/request/requestinfo.go (v1.32).
"""

from __future__ import annotations

from attrs import frozen

VERBS = {"POST": "create", "GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
NAMESPACE_PARTS = frozenset({"status", "finalize"})
"""Subresources of a namespace; anything else behind its name is a resource in it."""


@frozen
class RequestInfo:
    """A request on a resource; `name` "" is its collection."""

    verb: str
    api_version: str
    resource: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: tuple[str, ...] = ()


def request_info(method: str, path: str, *, watch: bool = False) -> RequestInfo | None:
    """Return what a URL asks for; None where it names no resource of a version."""
    parts = tuple(part for part in path.split("/") if part)
    match parts:
        case ("api", version, first, *rest):
            api_version = version
        case ("apis", group, version, first, *rest):
            api_version = f"{group}/{version}"
        case _:
            return None
    verb = VERBS.get(method, method.lower())
    parts = (first, *rest)
    old = parts[0] == "watch" and len(parts) > 1
    if old:
        parts = parts[1:]
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 1:
        namespace = parts[1]
        if len(parts) > 2 and parts[2] not in NAMESPACE_PARTS:
            parts = parts[2:]
        else:
            namespace = ""
    resource, name, subresource, *more = (*parts, "", "")[: max(3, len(parts))]
    if verb == "get" and (old or (watch and not name)):
        verb = "watch"
    elif not name:
        verb = {"get": "list", "delete": "deletecollection"}.get(verb, verb)
    return RequestInfo(verb, api_version, resource, namespace, name, subresource, tuple(more))
