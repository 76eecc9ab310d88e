"""One sync of a Service, slice by slice."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import (
    Container,
    ContainerPort,
    Node,
    ObjectReference,
    Pod,
    PodCondition,
    PodSpec,
    PodStatus,
    Service,
    ServicePort,
    ServiceSpec,
)
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import ObjectMeta, OwnerReference
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.api.requests import Create, Delete, Update
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.controllers.endpointslice.endpointslice import reconcile

NODE = Node(ObjectMeta(name="n1", labels=strings({"topology.kubernetes.io/zone": "a"})))
LABELS = strings({"app": "web"})


def web(**spec: Any) -> Service:
    fields = {
        "selector": LABELS,
        "ports": (ServicePort(80, "http", target_port=8080),),
        "cluster_ip": "10.96.0.1",
        **spec,
    }
    return Service(
        ObjectMeta(name="web", namespace="d", uid="s1", labels=strings({"team": "a"})), ServiceSpec(**fields)
    )


def pod(name: str, ip: str, *, ready: bool = True, phase: str = "Running", node: str = "n1", **spec: Any) -> Pod:
    condition = PodCondition("Ready", "True" if ready else "False")
    return Pod(
        ObjectMeta(name=name, namespace="d", uid=f"Pod/{name}", labels=LABELS),
        PodSpec(node_name=node, **spec),
        PodStatus(phase, (condition,), pod_ip=ip),
    )


def going(one: Pod) -> Pod:
    return evolve(one, metadata=evolve(one.metadata, deletion_timestamp=1))


def sync(*objects: Any, **arguments: Any) -> tuple[Any, ...]:
    return reconcile(Cache.of(objects), ref_of(web()), **arguments)


def stored(requests: tuple[Any, ...]) -> list[EndpointSlice]:
    """Name created slices as an API server would."""
    made = [one.object for one in requests if isinstance(one, Create)]
    return [
        evolve(one, metadata=evolve(one.metadata, name=f"web-{number}", generate_name="", uid=f"slice/{number}"))
        for number, one in enumerate(made)
    ]


def test_a_ready_pod_is_published_with_node_zone_and_target() -> None:
    (create,) = sync(NODE, web(), pod("p1", "10.0.0.1"))
    assert create == Create(
        EndpointSlice(
            ObjectMeta(
                generate_name="web-",
                namespace="d",
                labels=strings(
                    {
                        "team": "a",
                        "kubernetes.io/service-name": "web",
                        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                    }
                ),
                owner_references=(
                    OwnerReference("v1", "Service", "web", "s1", controller=True, block_owner_deletion=True),
                ),
            ),
            "IPv4",
            (
                Endpoint(
                    ("10.0.0.1",),
                    EndpointConditions(ready=True, serving=True, terminating=False),
                    ObjectReference("Pod", "d", "p1", "Pod/p1"),
                    "n1",
                    "a",
                ),
            ),
            (EndpointPort("http", 8080, "TCP"),),
        )
    )


def conditions(*objects: Any) -> list[tuple[bool, bool, bool]]:
    (request,) = sync(NODE, *objects)
    found = [one.conditions for one in request.object.endpoints]
    return [(one.ready, one.serving, one.terminating) for one in found]


def test_a_terminating_pod_serves_but_is_not_ready_unless_all_are_published() -> None:
    ready, leaving = pod("p1", "10.0.0.1"), going(pod("p2", "10.0.0.2"))
    unready = pod("p3", "10.0.0.3", ready=False)
    assert conditions(web(), ready, leaving, unready) == [
        (True, True, False),
        (False, True, True),
        (False, False, False),
    ]
    everything = web(publish_not_ready_addresses=True)
    assert [one[0] for one in conditions(everything, ready, leaving, unready)] == [True, True, True]


def test_finished_pods_and_pods_without_address_are_left_out() -> None:
    pods = [pod("p1", "10.0.0.1", phase="Succeeded"), pod("p2", "10.0.0.2", phase="Failed"), pod("p3", "")]
    assert conditions(web(), *pods) == []


def test_a_pod_of_an_unknown_node_waits_unless_all_are_published() -> None:
    lost = pod("p1", "10.0.0.1", node="n9")
    assert conditions(web(), lost) == []
    assert len(conditions(web(publish_not_ready_addresses=True), lost)) == 1


def test_a_named_port_is_looked_up_in_containers_and_sidecars() -> None:
    named = web(ports=(ServicePort(80, "http", target_port="web"),))
    main = Container("c", ports=(ContainerPort(8080, "web"), ContainerPort(9090, "web", "UDP")))
    sidecar = Container("s", ports=(ContainerPort(7070, "web"),), restart_policy="Always")
    helper = Container("i", ports=(ContainerPort(6060, "web"),))
    requests = sync(
        NODE,
        named,
        pod("p1", "10.0.0.1", containers=(main,)),
        pod("p2", "10.0.0.2", init_containers=(helper, sidecar)),
        pod("p3", "10.0.0.3", init_containers=(helper,)),
    )
    ports = [[port.port for port in one.object.ports] for one in requests]
    assert ports == [[8080], [7070], []]
    assert [len(one.object.endpoints) for one in requests] == [1, 1, 1]


def test_without_a_target_port_the_port_itself_is_meant() -> None:
    (create,) = sync(NODE, web(ports=(ServicePort(80),)), pod("p1", "10.0.0.1"))
    assert create.object.ports == (EndpointPort("", 80, "TCP"),)


def test_a_service_without_pods_keeps_one_empty_slice() -> None:
    (create,) = sync(web())
    assert (create.object.endpoints, create.object.ports) == ((), ())
    assert sync(web(), *stored((create,))) == ()


def test_the_empty_slice_becomes_the_first_one_with_endpoints_and_back() -> None:
    placeholder = stored(sync(web()))[0]
    (update,) = sync(NODE, web(), pod("p1", "10.0.0.1"), placeholder)
    assert (update.object.metadata.name, update.base, len(update.object.endpoints)) == ("web-0", None, 1)
    (back,) = sync(NODE, web(), update.object)
    assert (back.object.metadata.name, back.object.endpoints) == ("web-0", ())


def test_slices_are_filled_up_to_the_limit_and_the_tightest_fit_is_chosen() -> None:
    pods = [pod(f"p{number}", f"10.0.0.{number}") for number in range(1, 6)]
    made = sync(NODE, web(), *pods, max_endpoints=2)
    assert [len(one.object.endpoints) for one in made] == [2, 2, 1]
    slices = stored(made)
    (update,) = sync(NODE, web(), *pods, pod("p6", "10.0.0.6"), *slices, max_endpoints=2)
    assert update.object.metadata.name == "web-2"
    assert update.base == slices[2]
    (fewer,) = sync(NODE, web(), *pods[1:], *slices, max_endpoints=2)
    assert [one.target_ref.name for one in fewer.object.endpoints] == ["p2"]
    assert [type(one) for one in sync(NODE, web(), *pods[:4], *slices, max_endpoints=2)] == [Delete]


def test_a_change_of_labels_is_copied_and_nothing_else_is_written() -> None:
    slices = stored(sync(NODE, web(), pod("p1", "10.0.0.1")))
    assert sync(NODE, web(), pod("p1", "10.0.0.1"), *slices) == ()
    renamed = evolve(web(), metadata=evolve(web().metadata, labels=strings({"team": "b"})))
    (update,) = sync(NODE, renamed, pod("p1", "10.0.0.1"), *slices)
    assert isinstance(update, Update)
    assert update.object.metadata.labels["team"] == "b"
    assert update.object.endpoints == slices[0].endpoints


def test_strangers_slices_are_left_alone_and_unowned_ones_are_deleted() -> None:
    mine = stored(sync(NODE, web(), pod("p1", "10.0.0.1")))[0]
    foreign = evolve(
        mine,
        metadata=evolve(
            mine.metadata,
            name="x",
            labels=strings({**mine.metadata.labels, "endpointslice.kubernetes.io/managed-by": "me"}),
        ),
    )
    assert sync(NODE, web(), pod("p1", "10.0.0.1"), mine, foreign) == ()
    unowned = evolve(mine, metadata=evolve(mine.metadata, name="y", owner_references=()))
    assert sync(NODE, web(), pod("p1", "10.0.0.1"), mine, unowned) == (Delete(ref_of(unowned)),)


def test_no_selector_no_sync_and_a_going_service_gets_no_new_slices() -> None:
    assert sync(NODE, web(selector=strings()), pod("p1", "10.0.0.1")) == ()
    assert sync(NODE, web(type="ExternalName"), pod("p1", "10.0.0.1")) == ()
    assert sync(NODE, web(), pod("p1", "10.0.0.1"), stale=True) == ()
    leaving = evolve(web(), metadata=evolve(web().metadata, deletion_timestamp=1))
    assert sync(NODE, leaving, pod("p1", "10.0.0.1")) == ()
    assert sync(NODE) == ()


def test_each_address_family_has_its_own_slices_and_headless_ones_say_so() -> None:
    both = immutabledict({"podIPs": (immutabledict({"ip": "10.0.0.1"}), immutabledict({"ip": "fd00::1"}))})
    dual = pod("p1", "10.0.0.1", extra=immutabledict({"hostname": "h", "subdomain": "web"}))
    dual = evolve(dual, status=evolve(dual.status, extra=both))
    requests = sync(NODE, web(ip_families=("IPv4", "IPv6"), cluster_ip="None"), dual)
    found = [(one.object.address_type, one.object.endpoints[0].addresses) for one in requests]
    assert found == [("IPv4", ("10.0.0.1",)), ("IPv6", ("fd00::1",))]
    assert all(one.object.endpoints[0].extra == {"hostname": "h"} for one in requests)
    assert all("service.kubernetes.io/headless" in one.object.metadata.labels for one in requests)
    old = stored(requests)[1]
    single = web(cluster_ip="None")
    assert Delete(ref_of(old)) in sync(NODE, single, pod("p1", "10.0.0.1"), old)
