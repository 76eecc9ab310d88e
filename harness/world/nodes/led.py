"""Whom values of a world lead to: slices, what proxies have programmed, and requests about slices on their way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ....impl.api.core import Pod
from ....impl.api.policy import Endpoint, EndpointSlice
from ....impl.api.requests import Create, Update
from ....impl.api.well_known import SERVICE_NAME
from ....model.machine import View


def routed(value: object) -> frozenset[str]:
    """Return the uids of the Pods that a value (slices, requests about slices) has as ready endpoints."""
    return frozenset(
        _targets(endpoint for piece in _slices(value) for endpoint in piece.endpoints if endpoint.conditions.ready)
    )


def chosen(value: object) -> frozenset[str]:
    """Return whom a proxy that has programmed these slices sends connections to, Service by Service."""
    found: dict[tuple[str, str], list[Endpoint]] = {}
    for piece in _slices(value):
        service = (piece.metadata.namespace, piece.metadata.labels.get(SERVICE_NAME, ""))
        found.setdefault(service, []).extend(piece.endpoints)
    return frozenset(name for ends in found.values() for name in _chosen(ends))


def fronts(uid: str, value: object) -> frozenset[tuple[str, str]]:
    """Return the Services, by namespace and name, that lead to a Pod in the slices of a value, ready or not."""
    return frozenset(
        (piece.metadata.namespace, piece.metadata.labels.get(SERVICE_NAME, ""))
        for piece in _slices(value)
        if uid in _targets(piece.endpoints)
    )


def _chosen(endpoints: list[Endpoint]) -> Iterator[str]:
    ready = [endpoint for endpoint in endpoints if endpoint.conditions.ready]
    return _targets(ready or (endpoint for endpoint in endpoints if endpoint.conditions.serving))


def _targets(endpoints: Iterable[Endpoint]) -> Iterator[str]:
    return (endpoint.target_ref.uid for endpoint in endpoints if endpoint.target_ref is not None)


def _slices(value: object) -> Iterator[EndpointSlice]:
    if isinstance(value, EndpointSlice):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _slices(part)
    elif isinstance(value, Create | Update):
        yield from _slices(value.object)


def propagated(slots: tuple[str, ...], view: View, pod: Pod) -> bool:
    """Tell whether nothing routes to a Pod any more, nor will: neither slices, nor proxies, nor what is on its way."""
    return not any(pod.metadata.uid in view.via(routed, slot) for slot in slots)
