"""How a Service's objects look to the page network/endpointslice, and the obligation of every committed request."""

from __future__ import annotations

from ....impl.api.cache import Cache
from ....impl.api.core import Pod, Service
from ....impl.api.meta import Ref
from ....impl.api.policy import EndpointSlice
from ....model.components.network.endpointslice import Pod as SeenPod
from ....model.components.network.endpointslice import State, steps


def abstract(store: Cache, key: Ref) -> State:
    """Forget slices: what is published of a Pod is what any slice of the Service says of it."""
    service = store.get(Service, key)
    if service is None:
        return State(())
    wanted = service.spec.selector
    pods = tuple(
        SeenPod(
            name=pod.metadata.name,
            address=pod.status.pod_ip != "",
            ready=pod.ready,
            terminating=pod.metadata.deletion_timestamp is not None,
            finished=pod.status.phase in {"Failed", "Succeeded"},
        )
        for pod in store.list(Pod, key.namespace)
        if wanted.items() <= pod.metadata.labels.items()
    )
    published = sorted(
        (
            endpoint.target_ref.name,
            (endpoint.conditions.ready, endpoint.conditions.serving, endpoint.conditions.terminating),
        )
        for endpoint_slice in store.list(EndpointSlice, key.namespace)
        for endpoint in endpoint_slice.endpoints
        if endpoint.target_ref is not None
    )
    return State(pods, tuple(published), service.spec.publish_not_ready_addresses)


def refines(before: State, after: State) -> bool:
    """Every request corrects entries, or changes none."""
    return after == before or any(action.apply(before) == after for action in steps(before))
