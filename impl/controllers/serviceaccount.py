"""The service account controller: Pods that name no account have one in every namespace that is Active.

Upstream: pkg/controller/serviceaccount/serviceaccounts_controller.go (v1.32). It looks at a namespace when that or one
of its accounts changes, and makes what is not there; of two that make it one is refused, and all is well.
Left out on purpose: tokens; the ConfigMap kube-root-ca.crt, which another controller makes.
"""

from __future__ import annotations

from ..api.cache import Cache
from ..api.core import Namespace
from ..api.kinds import Kind, Unstructured
from ..api.meta import ObjectMeta, Ref
from ..api.requests import Create, Request

KIND = Kind("ServiceAccount", "v1", "serviceaccounts", namespaced=True, cls=Unstructured)
NAME = "default"


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at."""
    return ("Namespace", "ServiceAccount")


def reconcile(cache: Cache, key: Ref) -> tuple[Request, ...]:
    """Make the account of a namespace (named by `key`), unless it is there or the namespace is going."""
    namespace = cache.get(Namespace, key)
    if namespace is None or namespace.metadata.terminating:
        return ()
    if Ref("ServiceAccount", key.name, NAME) in cache.objects:
        return ()
    return (Create(Unstructured(KIND, ObjectMeta(NAME, namespace=key.name))),)
