"""The EndpointSlice controller: which addresses stand behind a Service, and how each is."""

from __future__ import annotations

from collections.abc import Iterator

from ....impl.api.cache import Cache
from ....impl.api.core import Pod
from ....impl.api.kinds import ref_of
from ....impl.api.meta import Ref
from ....impl.api.policy import EndpointSlice
from ....impl.api.requests import Create, Request, Update
from ....impl.api.well_known import SERVICE_NAME
from ....impl.controllers.endpointslice import endpointslice
from ....impl.controllers.endpointslice.slices import MANAGED_BY, MANAGER
from ..history import Change
from .writer import Seen, Writer, asks_to_delete, begins_to_go


def _syncs(seen: Seen, key: Ref) -> Iterator[Request]:
    yield from endpointslice.reconcile(seen.cache, key)


def _must(seen: Seen, key: Ref) -> Iterator[Request]:
    """Yield what is left to do about who stands there: the zones are those of nodes, which need not be recorded."""
    for request in _syncs(seen, key):
        if not isinstance(request, Update) or _told(request.object) != _told(request.base):
            yield request


def _writes(change: Change, cache: Cache) -> bool:
    new = change.after
    if not isinstance(new, EndpointSlice) or new.metadata.labels.get(MANAGED_BY) != MANAGER:
        return False
    service = Ref("Service", change.ref.namespace, new.metadata.labels.get(SERVICE_NAME, ""))
    known = service in cache.objects and cache.list(Pod, change.ref.namespace)
    return bool(known) and (change.before is None or _told(change.before) != _told(new)) and not begins_to_go(change)


def _explains(request: Request, change: Change) -> bool:
    match change.after, request:
        case EndpointSlice() as new, Create(EndpointSlice() as made) if change.before is None:
            services = {piece.metadata.labels.get(SERVICE_NAME) for piece in (made, new)}
            return len(services) == 1 and _told(made) == _told(new)
        case EndpointSlice() as new, Update(EndpointSlice() as made) if change.before is not None:
            return ref_of(made) == change.ref and _told(made) == _told(new)
    return begins_to_go(change) and asks_to_delete(request, change)


def _told(one: object) -> object:
    """Return what is told of endpoints: addresses, conditions, nodes and ports; not the zones of nodes."""
    if not isinstance(one, EndpointSlice):
        return one
    endpoints = sorted(
        (each.addresses, each.node_name or "", each.conditions, each.target_ref.name if each.target_ref else "")
        for each in one.endpoints
    )  # fmt: skip
    return one.address_type, tuple(endpoints), frozenset((port.name, port.port, port.protocol) for port in one.ports)


ENDPOINTSLICES = Writer(
    "endpointslice-controller",
    frozenset({"Service"}),
    frozenset({"EndpointSlice", "Node", "Pod", "Service"}),
    endpointslice.TRANSFORM,
    _syncs,
    _must,
    _writes,
    _explains,
    needs=frozenset({"Node"}),
)
