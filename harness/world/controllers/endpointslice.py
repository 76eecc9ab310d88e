"""The EndpointSlice controller as a process of a world, one for each Service."""

from __future__ import annotations

from functools import partial

from ....impl.api.cache import Cache
from ....impl.api.core import Node, Service
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.policy import EndpointSlice, is_slice_of
from ....impl.api.values.selectors import matches_map
from ....impl.controllers.endpointslice import endpointslice
from ....model.world.world import Alternatives, Form, Process, Watch
from .views import called, named

USER = "endpointslice-controller"
"""Who a sync of a Service is by."""


def process(
    service: Service,
    pools: dict[str, tuple[str, ...]],
    constants: tuple[Object, ...],
    *,
    form: Form,
    tracks: bool = True,
) -> Process:
    """Make the EndpointSlice controller's process for one Service; Services and nodes are watched where they change.

    `tracks` False is the controller before Kubernetes 1.21: it syncs whatever its cache shows of the slices it has
    written, and when they show there that is no reason to sync again (k/k#99345, k/k#100103).
    """
    nodes = tuple(endpointslice.TRANSFORM["Node"](obj) for obj in constants if isinstance(obj, Node))
    itself = "Service" not in pools
    backing = partial(_backing_pod, service) if itself else partial(_endpoint_in, service.metadata.namespace)
    watches = [
        Watch("Pod", pools["Pod"], backing),
        Watch("EndpointSlice", pools["EndpointSlice"], partial(_slice_of, ref_of(service))),
    ]
    if not itself:
        watches.append(Watch("Service", pools["Service"], partial(named, ref_of(service))))
    if "Node" in pools:
        watches.append(Watch("Node", pools["Node"], _node_of_endpoints))
    return Process(
        name=f"{USER} {called(service)}",
        group=USER,
        user=USER,
        key=ref_of(service),
        watches=tuple(watches),
        constants=(*([service] if itself else []), *(node for node in nodes if node is not None)),
        act=_endpointslice_act,
        form=form,
        sees_own=frozenset({"EndpointSlice"} if tracks else ()),
        woken_by=None if tracks else frozenset(watch.kind for watch in watches if watch.kind != "EndpointSlice"),
    )


def _endpointslice_act(cache: Cache, key: Ref) -> Alternatives:
    requests = endpointslice.reconcile(cache, key)
    return (requests,) if requests else ()


def _backing_pod(service: Service, uid: str, obj: Object | None) -> Object | None:
    """Keep a Pod that a Service which never changes selects."""
    if obj is None or not service.spec.selector or not matches_map(service.spec.selector, obj.metadata.labels):
        return None
    return _endpoint_in(service.metadata.namespace, uid, obj)


def _endpoint_in(namespace: str, _uid: str, obj: Object | None) -> Object | None:
    return None if obj is None or obj.metadata.namespace != namespace else endpointslice.TRANSFORM["Pod"](obj)


def _node_of_endpoints(_uid: str, obj: Object | None) -> Object | None:
    return None if obj is None else endpointslice.TRANSFORM["Node"](obj)


def _slice_of(service: Ref, _uid: str, obj: Object | None) -> Object | None:
    return obj if isinstance(obj, EndpointSlice) and is_slice_of(service, obj) else None
