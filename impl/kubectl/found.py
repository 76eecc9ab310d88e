"""Looking the target of a command up among the live objects, or saying that it is not there."""

from __future__ import annotations

from typing import TypeVar

from attrs import frozen

from ..api.apps import Workload
from ..api.cache import Cache
from ..api.core import Node
from ..api.kinds import BY_NAME, Object
from ..api.meta import Ref

T = TypeVar("T", bound=Object)


@frozen
class Missing:
    """The command fails before it changes anything: what it needs does not exist (or is not modelled)."""

    what: str
    """It stands after "there is no": without an article."""

    @property
    def why(self) -> str:
        """Why it fails."""
        return f"no {self.what}"


@frozen
class Kept(Missing):
    """The command fails before it changes anything: `what` kubectl says of something there, which it may not change."""

    @property
    def why(self) -> str:
        """Why it fails, in kubectl's words."""
        return self.what


def ref_for(kind: str, name: str, namespace: str) -> Ref | Missing:
    """Name an object of a kind; cluster-scoped kinds drop the namespace, a kind that is not modelled is missing."""
    known = BY_NAME.get(kind)
    if known is None:
        return Missing(f"kind {kind}")
    return Ref(kind, namespace if known.namespaced else "", name)


def ref_among(kind: str, name: str, namespace: str, cache: Cache) -> Ref | Missing:
    """Name a live object, also one of a kind without a class."""
    there = (ref for ref in (Ref(kind, namespace, name), Ref(kind, "", name)) if ref in cache.objects)
    return next(there, None) or ref_for(kind, name, namespace)


def find_node(name: str, cache: Cache) -> Node | Missing:
    """Look a node up."""
    return cache.get(Node, Ref("Node", "", name)) or Missing(f"Node {name}")


def find_workload(kind: str, name: str, namespace: str, cache: Cache) -> Workload | Missing:
    """Look up something with replicas and a Pod template."""
    found = cache.objects.get(Ref(kind, namespace, name))
    return found if isinstance(found, Workload) else Missing(f"{kind} {namespace}/{name}")


def revision(obj: Object) -> int:
    """Return the revision the Deployment controller wrote on an object; 0 where there is none."""
    text = obj.metadata.annotations.get("deployment.kubernetes.io/revision", "")
    return int(text) if text.isdecimal() else 0
