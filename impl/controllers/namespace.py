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
from ..api.core import Namespace, Pod, PodCondition, PodStatus, Service, ServiceSpec
from ..api.kinds import BY_NAME, Object, ref_of
from ..api.meta import Ref
from ..api.requests import Delete, Request, Update
from ..api.values.frozen import freeze
from ..api.webhooks import Aggregated, unserved
from .common import Keep, Transform, slim_metadata, whole, with_only

FINALIZER = "kubernetes"
"""What holds a namespace until its content is gone."""


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at: the namespace, and everything that can live in one."""
    return tuple(sorted(kind.name for kind in BY_NAME.values() if kind.namespaced and kind.name not in _NEVER_STORED))


_NEVER_STORED = frozenset({"Binding", "Event", "Eviction"})


def reconcile(
    cache: Cache, key: Ref, *, held: bool = False, aggregated: tuple[Aggregated, ...] = ()
) -> tuple[Request, ...]:
    """Return the requests of one look at a namespace; `held`: something of a kind without a class here stays in it.

    A group of the API that nobody answers for cannot be asked what it has there: what is found is deleted all the same,
    and the namespace stays (deleteAllContent, k/k#60807).
    """
    namespace = cache.get(Namespace, key)
    if namespace is None or not namespace.metadata.terminating or FINALIZER not in _finalizers(namespace):
        return ()
    content = [obj for obj in cache.objects.values() if obj.metadata.namespace == namespace.metadata.name]
    if content or held or any(_unanswered(cache, api) for api in aggregated):
        return tuple(Delete(ref_of(obj), uid=obj.metadata.uid) for obj in content if not obj.metadata.terminating)
    left = tuple(finalizer for finalizer in _finalizers(namespace) if finalizer != FINALIZER)
    spec = freeze({**(namespace.extra.get("spec") or {}), "finalizers": left})
    free = evolve(namespace, extra=immutabledict({**namespace.extra, "spec": spec}))
    return (Update(free, namespace, "finalize"),)


def _finalizers(namespace: Namespace) -> tuple[str, ...]:
    return tuple((namespace.extra.get("spec") or {}).get("finalizers") or ())


def _unanswered(cache: Cache, aggregated: Aggregated) -> bool:
    service = aggregated.service
    return bool(unserved(service, cache.objects.get(service), cache.list(Pod, service.namespace)))


def backing(obj: Object) -> Object | None:
    """Keep of a Service whom it selects, of a Pod whether it is ready, beside who they are."""
    kept = _slim(obj)
    if isinstance(obj, Service) and isinstance(kept, Service):
        return evolve(kept, spec=ServiceSpec(selector=obj.spec.selector))
    if isinstance(obj, Pod) and isinstance(kept, Pod):
        ready = tuple(
            PodCondition(condition.type, condition.status)
            for condition in obj.status.conditions
            if condition.type == "Ready"
        )
        labelled = evolve(kept.metadata, labels=obj.metadata.labels)
        return evolve(kept, metadata=labelled, status=PodStatus(conditions=ready))
    return kept


def _slim(obj: Object) -> Object | None:
    """Keep who it is and whether it is being deleted."""
    return with_only(obj, slim_metadata(obj.metadata, Keep()))


OF_OTHERS = _slim
"""What is kept of kinds without a class."""


TRANSFORM: Transform = immutabledict({**dict.fromkeys(reads(Ref("", "", "")), _slim), "Namespace": whole})
