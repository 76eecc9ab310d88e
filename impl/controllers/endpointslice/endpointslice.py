"""The EndpointSlice controller: who stands behind a Service, and in what condition.

Upstream: pkg/controller/endpointslice/endpointslice_controller.go, staging/src/k8s.io/endpointslice/reconciler.go and
utils.go (v1.32).
Where upstream takes any element of a set (which slice to fill first, in which order endpoints are added), the order of
names decides here.
Left out on purpose: Events; topology hints and trafficDistribution; the last-change-trigger-time annotation; mirroring
of Endpoints. The tracker that holds back a sync while a slice written here is not yet seen is the parameter
`stale`.
"""

from __future__ import annotations

from attrs import evolve
from immutabledict import immutabledict

from ...api.cache import Cache
from ...api.core import Container, Node, Pod, PodSpec, Service
from ...api.kinds import Object, ref_of
from ...api.meta import Ref
from ...api.policy import EndpointSlice
from ...api.requests import Create, Delete, Request, Update
from ...api.values.frozen import strings
from ...api.values.selectors import matches_map
from ...api.well_known import SERVICE_NAME, ZONE
from ..common import Keep, Transform, controlled_by, slim_metadata, slim_pod, slim_ready, whole
from .endpoints import PortMap, address_types, desired, port_map
from .slices import MANAGED_BY, MANAGER, MAX_ENDPOINTS, Plan, fill, new_slice


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at."""
    return ("EndpointSlice", "Node", "Pod", "Service")


def reconcile(
    cache: Cache, key: Ref, *, stale: bool = False, max_endpoints: int = MAX_ENDPOINTS
) -> tuple[Request, ...]:
    """Return the requests of one sync of a Service: creations, updates, deletions, in this order.

    A Service without selector, or of type ExternalName, is left alone; the slices of a deleted one are the garbage
    collector's business.
    """
    service = cache.get(Service, key)
    if stale or service is None or not service.spec.selector or service.spec.type == "ExternalName":
        return ()
    pods = tuple(
        pod
        for pod in cache.list(Pod, service.metadata.namespace)
        if matches_map(service.spec.selector, pod.metadata.labels)
    )
    existing = tuple(
        slice_ for slice_ in cache.list(EndpointSlice, service.metadata.namespace) if _managed(slice_, service)
    )
    families = address_types(service)
    requests: tuple[Request, ...] = tuple(
        Delete(ref_of(slice_)) for slice_ in existing if slice_.address_type not in families
    )
    for family in families:
        mine = tuple(slice_ for slice_ in existing if slice_.address_type == family)
        requests += _requests(service, mine, _plan(cache, service, pods, mine, family=family, most=max_endpoints))
    return requests


def _managed(one: EndpointSlice, service: Service) -> bool:
    """Tell whether a slice is this Service's and this controller's, and not already going."""
    labels = one.metadata.labels
    named = labels.get(SERVICE_NAME) == service.metadata.name and labels.get(MANAGED_BY) == MANAGER
    return named and not one.metadata.terminating


def _plan(
    cache: Cache,
    service: Service,
    pods: tuple[Pod, ...],
    existing: tuple[EndpointSlice, ...],
    *,
    family: str,
    most: int,
) -> Plan:
    """Decide what becomes of the slices of one address family, port set by port set."""
    wanted = desired(cache, service, pods, family)
    owned: dict[PortMap, list[EndpointSlice]] = {}
    plan = Plan()
    for slice_ in existing:
        if controlled_by(slice_, service):
            owned.setdefault(port_map(slice_.ports), []).append(slice_)
        else:
            plan = plan.plus(Plan(delete=(slice_,)))
    for ports, endpoints in wanted.items():
        plan = plan.plus(fill(tuple(owned.get(ports, ())), endpoints, new_slice(service, ports, family), most))
    for ports, slices in owned.items():
        if ports not in wanted:
            plan = plan.plus(Plan(delete=tuple(slices)))
    return _with_placeholder(plan, service, existing, family)


def _with_placeholder(plan: Plan, service: Service, existing: tuple[EndpointSlice, ...], family: str) -> Plan:
    """Keep or make one empty slice where there would be none."""
    if len(existing) > len(plan.delete) or plan.create:
        return plan
    placeholder = new_slice(service, (), family)
    if len(plan.delete) == 1 and _alike(plan.delete[0], placeholder):
        return evolve(plan, delete=())
    return evolve(plan, create=(placeholder,))


def _alike(one: EndpointSlice, other: EndpointSlice) -> bool:
    """Tell whether two slices differ in name only."""
    return (one.metadata.labels, one.metadata.owner_references, one.ports, one.endpoints) == (
        other.metadata.labels,
        other.metadata.owner_references,
        other.ports,
        other.endpoints,
    )


def _requests(service: Service, existing: tuple[EndpointSlice, ...], plan: Plan) -> tuple[Request, ...]:
    """Turn creations into updates of slices that would be deleted, as far as they go; a going Service gets none."""
    by_name = {slice_.metadata.name: slice_ for slice_ in existing}
    create, delete = list(plan.create), list(plan.delete)
    updates: list[Request] = [Update(slice_, by_name[slice_.metadata.name]) for slice_ in plan.update]
    for old in plan.delete:
        if create and controlled_by(old, service):
            new = create.pop()
            delete.remove(old)
            metadata = evolve(new.metadata, name=old.metadata.name, generate_name="", uid=old.metadata.uid)
            updates.append(Update(evolve(new, metadata=metadata), None))
    creates = () if service.metadata.terminating else tuple(Create(slice_) for slice_ in create)
    return (*creates, *updates, *(Delete(ref_of(slice_)) for slice_ in delete))


# --- what it looks at -----------------------------------------------------------------------------------------------


def _slim(obj: Object) -> Object | None:
    """Keep labels, addresses, readiness and named ports of Pods, and the zone of nodes."""
    if isinstance(obj, Node):
        metadata = slim_metadata(obj.metadata, Keep())
        zone = obj.metadata.labels.get(ZONE)
        return Node(evolve(metadata, labels=strings({ZONE: zone} if zone else {})))
    if not isinstance(obj, Pod) or obj.finished or not (obj.status.pod_ip or obj.status.extra.get("podIPs")):
        return None
    ips = obj.status.extra.get("podIPs")
    return slim_pod(
        obj,
        Keep(labels=True),
        spec=PodSpec(
            node_name=obj.spec.node_name,
            containers=tuple(Container(container.name, ports=container.ports) for container in obj.spec.containers),
            init_containers=tuple(
                Container(sidecar.name, ports=sidecar.ports, restart_policy=sidecar.restart_policy)
                for sidecar in obj.spec.sidecars
            ),
            extra=immutabledict(
                (key, obj.spec.extra[key]) for key in ("hostname", "subdomain") if key in obj.spec.extra
            ),
        ),
        status=evolve(
            slim_ready(obj.status),
            phase="",
            pod_ip=obj.status.pod_ip,
            extra=immutabledict({"podIPs": ips} if ips else {}),
        ),
    )


TRANSFORM: Transform = immutabledict({"EndpointSlice": whole, "Node": _slim, "Pod": _slim, "Service": whole})
