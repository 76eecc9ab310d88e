"""What the manifests and the script bring, and the versions that the script makes of it.

Services and templates change by the script alone, and each command does the same whenever it comes: so the versions
there can ever be are those met when the commands are carried out one after the other on what is there at the start.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

from attrs import frozen

from ...impl.api.cache import Cache
from ...impl.api.core import Pod, Service
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ...impl.api.policy import EndpointSlice, is_slice_of
from ...impl.api.requests import Request
from ...impl.apiserver.access.authentication import ADMIN
from ...impl.apiserver.handler import handle
from ...impl.apiserver.storage import Objects, Transaction
from ...impl.kubectl import script as kubectl
from ...impl.kubectl.found import ref_for
from ...properties.reachability.by_hand import Unled, unled
from .assumed.surroundings import config_of
from .scenario import Scenario, placed


def lasting_pods(scenario: Scenario) -> Iterator[Pod]:
    """Yield the Pods that are asked for by themselves: no workload of the input owns them, the script deletes none."""
    uids = {obj.metadata.uid for obj in scenario.everything if obj.metadata.uid}
    for obj in scenario.everything:
        owned = any(owner.uid in uids for owner in obj.metadata.owner_references)
        if isinstance(obj, Pod) and not owned and not any(_deletes(scenario, step, obj) for step in scenario.script):
            yield obj


def _deletes(scenario: Scenario, step: kubectl.Step, pod: Pod) -> bool:
    name, namespace = pod.metadata.name, pod.metadata.namespace or scenario.namespace
    match step:
        case kubectl.DeletePod():
            named = step.name == name or step.workload == f"Pod/{name}"
        case kubectl.DeleteObject():
            named = (step.kind, step.name) == ("Pod", name)
        case _:
            return False
    return named and (step.namespace or scenario.namespace) == namespace


def touched(step: kubectl.Step, scenario: Scenario) -> Ref | None:
    """Name the object that a step is about; None: a node, which is everybody's."""
    namespace = getattr(step, "namespace", "") or scenario.namespace
    match step:
        case kubectl.Apply():
            return placed(step.object, scenario.namespace)
        case kubectl.DeletePod():
            kind, _, name = ("Pod", "/", step.name) if step.name else step.workload.partition("/")
            return Ref(kind, namespace, name)
        case kubectl.OfWorkload():
            return Ref(step.kind, namespace, step.name)
        case _:
            return None


def lasting_services(scenario: Scenario) -> Iterator[Service]:
    """Yield the Services of the manifests that the script lets be: it deletes neither them nor what they hang on."""
    gone = {
        ref_for(step.kind, step.name, step.namespace or scenario.namespace)
        for step in scenario.script
        if isinstance(step, kubectl.DeleteObject)
    }
    for obj in scenario.objects:
        if isinstance(obj, Service):
            space = obj.metadata.namespace
            owners = (ref_for(by.kind, by.name, space) for by in obj.metadata.owner_references)
            if gone.isdisjoint((ref_of(obj), Ref("Namespace", "", space), *owners)):
                yield obj


def each_node_asked(service: Service) -> bool:
    """Tell whether a load balancer asks every node by itself for a Service."""
    spec = service.spec
    return bool(spec.selector) and (spec.type, spec.external_traffic_policy) == ("LoadBalancer", "Local")


def services_made_again(scenario: Scenario) -> frozenset[Ref]:
    """Return the Services that a step deletes and a later one applies."""
    gone: set[Ref] = set()
    again: set[Ref] = set()
    for step in scenario.script:
        match step:
            case kubectl.DeleteObject("Service"):
                gone.add(Ref("Service", step.namespace or scenario.namespace, step.name))
            case kubectl.Apply(Service() as one) if ref_of(one) in gone:
                again.add(ref_of(one))
            case _:
                continue
    return frozenset(again)


def versions(scenario: Scenario, objects: Iterable[Object]) -> Iterator[Object]:
    """Yield every version of every object that the script leads to, those at the start among them."""
    start = tuple(objects)
    yield from start
    for done in carried_out(scenario, start):
        yield from (write.object for write in done.writes if write.object is not None)


def versions_of_services(
    scenario: Scenario, objects: Iterable[Object], wanted: Callable[[Service], bool]
) -> tuple[Service, ...]:
    """Return every version of every Service that is wanted; those that differ in metadata alone count once."""
    found: dict[Hashable, Service] = {}
    for obj in versions(scenario, objects):
        if isinstance(obj, Service) and wanted(obj):
            found.setdefault((obj.metadata.namespace, obj.metadata.name, obj.spec), obj)
    return tuple(found.values())


def stages(scenario: Scenario, objects: Iterable[Object]) -> Iterator[tuple[Object, ...]]:
    """Yield what there is at the start and after each request of the script, as far as the script alone decides."""
    start = tuple(objects)
    yield start
    yield from (tuple(done.after.objects.values()) for done in carried_out(scenario, start))


def unled_at_rest(scenario: Scenario) -> Iterator[Unled]:
    """Yield the ports of Services to which no endpoint leads that is written by hand, once the script is over.

    Nobody else writes such slices, but for controllers of the user's own. A Service for which none was ever written is
    somebody else's.
    """
    if scenario.own.places("EndpointSlice"):
        return
    *_, last = known = tuple(stages(scenario, scenario.objects))
    ever = tuple(obj for stage in known for obj in stage if isinstance(obj, EndpointSlice))
    slices = tuple(obj for obj in last if isinstance(obj, EndpointSlice))
    for obj in last if ever else ():
        if isinstance(obj, Service) and any(is_slice_of(ref_of(obj), piece) for piece in ever):
            yield from unled(obj, slices)


@frozen
class Done:
    """A request of the script that was granted: the store before and after it, and what it wrote."""

    request: Request
    before: Objects
    after: Objects
    writes: Transaction


def carried_out(scenario: Scenario, start: tuple[Object, ...]) -> Iterator[Done]:
    """Carry the steps out, one after the other, on what is there at the start."""
    store, config = Objects.of(start), config_of(scenario)
    for number, step in enumerate(scenario.script):
        if isinstance(step, kubectl.Drain):
            continue  # It changes a node and evicts Pods.
        requests = kubectl.requests(step, Cache(store.objects), scenario.namespace)
        for request in () if isinstance(requests, kubectl.Missing) else requests:
            response, writes = handle(store, request, user=ADMIN, suffix=f"v{number}", config=config)
            if not response.ok:
                break
            before, store = store, store.commit(writes)
            yield Done(request, before, store, writes)
