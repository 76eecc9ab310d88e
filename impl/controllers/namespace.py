"""The namespace controller: what lives in a namespace that is being deleted goes, then the namespace itself.

Upstream: pkg/controller/namespace/deletion/namespaced_resources_deleter.go (v1.32).
One sync deletes everything that is not being deleted yet, kind by kind; once nothing is left it takes the finalizer
`kubernetes` out of the spec, which lets the API server remove the namespace. What a finalizer holds stays, and with it
the namespace.
Left out on purpose: Events; the conditions of its status; the estimate of when Pods will be gone; the 5 s before the
first look (timers of whoever runs this). Of kinds without a class here only counts that something stays (`held`).
"""

from __future__ import annotations

from attrs import evolve
from immutabledict import immutabledict

from ..api.cache import Cache
from ..api.core import Namespace
from ..api.kinds import BY_NAME, Object, ref_of
from ..api.meta import ObjectMeta, Ref
from ..api.requests import Delete, Request, Update
from ..api.values.frozen import freeze
from .common import TERMINATING, Transform, whole

FINALIZER = "kubernetes"
"""What holds a namespace until its content is gone."""


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at: the namespace, and everything that can live in one."""
    return tuple(sorted(kind.name for kind in BY_NAME.values() if kind.namespaced and kind.name not in _NEVER_STORED))


_NEVER_STORED = frozenset({"Binding", "Event", "Eviction"})


def reconcile(cache: Cache, key: Ref, *, held: bool = False) -> tuple[Request, ...]:
    """Return the requests of one look at a namespace; `held`: something of a kind without a class here stays in it."""
    namespace = cache.get(Namespace, key)
    if namespace is None or not namespace.metadata.terminating or FINALIZER not in _finalizers(namespace):
        return ()
    content = [obj for obj in cache.objects.values() if obj.metadata.namespace == namespace.metadata.name]
    if content or held:
        return tuple(Delete(ref_of(obj), uid=obj.metadata.uid) for obj in content if not obj.metadata.terminating)
    left = tuple(finalizer for finalizer in _finalizers(namespace) if finalizer != FINALIZER)
    spec = freeze({**(namespace.extra.get("spec") or {}), "finalizers": left})
    free = evolve(namespace, extra=immutabledict({**namespace.extra, "spec": spec}))
    return (Update(free, namespace, "finalize"),)


def _finalizers(namespace: Namespace) -> tuple[str, ...]:
    return tuple((namespace.extra.get("spec") or {}).get("finalizers") or ())


def _slim(obj: Object) -> Object | None:
    """Keep who it is and whether it is being deleted."""
    meta = obj.metadata
    kept = ObjectMeta(
        name=meta.name,
        namespace=meta.namespace,
        uid=meta.uid,
        deletion_timestamp=TERMINATING if meta.terminating else None,
    )
    return type(obj)(metadata=kept)


TRANSFORM: Transform = immutabledict({**dict.fromkeys(reads(Ref("", "", "")), _slim), "Namespace": whole})
