"""Endpoints, the older way to say who is behind a Service: made of its EndpointSlices, so the two never disagree.

Upstream: pkg/controller/endpoint/endpoints_controller.go (v1.32), which looks at Pods itself; what it makes of them is
the same. Only `serve` has it: nobody in the world of `check` reads Endpoints.
Left out on purpose: more than a thousand addresses, the time of the last change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ...impl.api.core import Service
from ...impl.api.kinds import Object, Unstructured, ref_of
from ...impl.api.meta import ObjectMeta
from ...impl.api.policy import Endpoint, EndpointSlice, is_slice_of
from ...impl.api.reading.convert import unstructure
from ...impl.api.requests import Create, Request, Update
from ...impl.api.values.frozen import freeze, strings
from ...impl.apiserver.resources import kind_named

KIND = "Endpoints"
HEADLESS = "service.kubernetes.io/headless"


def reconcile(service: Service, slices: Iterable[EndpointSlice], there: Object | None) -> tuple[Request, ...]:
    """Return the requests of one look at a Service with a selector; `there` are its Endpoints as they are."""
    meta = service.metadata
    if not service.spec.selector or service.spec.type == "ExternalName" or meta.terminating:
        return ()
    mine = [piece for piece in slices if is_slice_of(ref_of(service), piece)]
    headless = {HEADLESS: ""} if service.spec.cluster_ip == "None" else {}
    subsets = freeze(list(_subsets(mine)))
    extra: immutabledict[str, Any] = immutabledict({"subsets": subsets} if subsets else {})
    labels = strings({**meta.labels, **headless})
    if not isinstance(there, Unstructured):
        made = ObjectMeta(name=meta.name, namespace=meta.namespace, labels=labels)
        return (Create(Unstructured(kind_named(KIND), made, extra)),)
    wanted = evolve(there, metadata=evolve(there.metadata, labels=labels), extra=extra)
    return () if wanted == there else (Update(wanted, there),)


def _subsets(slices: Iterable[EndpointSlice]) -> Iterator[dict[str, Any]]:
    """Yield the addresses of each set of ports: those that are ready, and those that are not."""
    by_ports: dict[Any, list[Endpoint]] = {}
    for piece in sorted(slices, key=lambda one: one.metadata.name):
        ports = freeze([unstructure(port) for port in piece.ports])
        by_ports.setdefault(ports, []).extend(piece.endpoints)
    for ports, endpoints in by_ports.items():
        found = {
            name: sorted(
                (_address(endpoint) for endpoint in endpoints if endpoint.conditions.ready is ready),
                key=lambda one: one["ip"],
            )
            for name, ready in (("addresses", True), ("notReadyAddresses", False))
        }
        if any(found.values()):
            yield {**{name: some for name, some in found.items() if some}, "ports": ports}


def _address(endpoint: Endpoint) -> dict[str, Any]:
    about = {"nodeName": endpoint.node_name, "targetRef": endpoint.target_ref and unstructure(endpoint.target_ref)}
    return {"ip": next(iter(endpoint.addresses), ""), **{name: value for name, value in about.items() if value}}
