"""The life of objects of all kinds: created, changed, scaled, adopted, held, deleted."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.impl.api.apps import Deployment, DeploymentSpec, ReplicaSet, ReplicaSetSpec, ReplicaSetStatus
from kubeproof.impl.api.core import (
    Binding,
    Container,
    Namespace,
    Node,
    ObjectReference,
    Pod,
    PodCondition,
    PodSpec,
    PodTemplateSpec,
    Service,
    ServicePort,
    ServiceSpec,
    Toleration,
)
from kubeproof.impl.api.kinds import Object, ref_of
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta, OwnerReference, Ref
from kubeproof.impl.api.policy import (
    Endpoint,
    EndpointSlice,
    Lease,
    PodDisruptionBudget,
    PodDisruptionBudgetSpec,
    PriorityClass,
)
from kubeproof.impl.api.requests import (
    Bind,
    Create,
    Delete,
    PatchMetadata,
    PatchStatus,
    Recheck,
    Request,
    Response,
    Update,
)
from kubeproof.impl.api.values.frozen import freeze, strings
from kubeproof.impl.apiserver import Config, Objects, Write, handle
from kubeproof.impl.apiserver.storage import with_meta

APP = strings({"app": "web"})
SPEC = PodSpec(containers=(Container("c", "nginx:1.27"),))
TEMPLATE = PodTemplateSpec(ObjectMeta(labels=APP), SPEC)


def pod(name: str = "web", **spec: Any) -> Pod:
    return Pod(ObjectMeta(name, namespace="default", labels=APP), evolve(SPEC, **spec))


def deployment() -> Deployment:
    return Deployment(
        ObjectMeta("web", namespace="default"), DeploymentSpec(selector=LabelSelector(APP), template=TEMPLATE)
    )


def replicaset() -> ReplicaSet:
    spec = ReplicaSetSpec(selector=LabelSelector(APP), template=TEMPLATE)
    return ReplicaSet(ObjectMeta("web", namespace="default"), spec)


def service(name: str = "web", **spec: Any) -> Service:
    return Service(ObjectMeta(name, namespace="default"), ServiceSpec(ports=(ServicePort(80),), **spec))


def created(store: Objects, obj: Object, **inputs: Any) -> tuple[Objects, Any]:
    response, writes = handle(store, Create(obj), **inputs)
    assert response.code == 201, response.message
    return store.commit(writes), response.object


def asked(store: Objects, request: Request, **inputs: Any) -> tuple[Objects, Response]:
    response, writes = handle(store, request, **inputs)
    return store.commit(writes), response


# --- creation -------------------------------------------------------------------------------------------------------


def test_the_server_decides_identity_and_birth_whatever_the_client_says() -> None:
    lying = with_meta(pod(), uid="mine", creation_timestamp=1, deletion_timestamp=2, resource_version="7")
    _, made = created(Objects(), lying, now=50)
    meta = made.metadata
    assert (meta.uid, meta.creation_timestamp, meta.deletion_timestamp) == ("Pod/default/web", 50, None)
    assert meta.resource_version == ""


def test_a_uid_that_is_passed_in_is_used() -> None:
    assert created(Objects(), pod(), uid="u-1")[1].metadata.uid == "u-1"


def test_a_generated_name_is_cut_to_leave_room_for_its_suffix() -> None:
    _, made = created(Objects(), with_meta(pod(), name="", generate_name="a" * 70), suffix="x7k2p")
    assert made.metadata.name == "a" * 58 + "x7k2p"


def test_a_name_is_given_once() -> None:
    store, _ = created(Objects(), pod())
    _, again = asked(store, Create(pod()))
    assert (again.code, again.reason, again.message) == (409, "AlreadyExists", 'pods "web" already exists')


def test_every_broken_rule_is_a_cause() -> None:
    broken = evolve(replicaset(), spec=evolve(replicaset().spec, replicas=-1, min_ready_seconds=-2))
    _, response = asked(Objects(), Create(broken))
    assert (response.code, response.reason) == (422, "Invalid")
    assert [cause.field for cause in response.causes] == ["spec.replicas", "spec.minReadySeconds"]
    assert response.causes[0].message == "Invalid value: -1: must be greater than or equal to 0"


def test_a_new_pod_is_pending_tolerant_and_of_no_priority() -> None:
    _, made = created(Objects(), pod())
    assert (made.status.phase, made.status.qos_class) == ("Pending", "BestEffort")
    assert [(one.key, one.toleration_seconds) for one in made.spec.tolerations] == [
        ("node.kubernetes.io/not-ready", 300),
        ("node.kubernetes.io/unreachable", 300),
    ]
    assert (made.spec.priority, made.spec.preemption_policy) == (0, "PreemptLowerPriority")
    assert (made.spec.service_account_name, made.spec.termination_grace_period_seconds) == ("default", 30)


def test_a_pod_that_tolerates_everything_gets_no_toleration_more() -> None:
    everything = (Toleration(operator="Exists"),)
    assert created(Objects(), pod(tolerations=everything))[1].spec.tolerations == everything
    config = Config(default_toleration_seconds=None)
    assert created(Objects(), pod(), config=config)[1].spec.tolerations == ()


def priority_class(name: str, value: int, *, default: bool = False) -> PriorityClass:
    return PriorityClass(ObjectMeta(name), value, default, "Never" if name == "batch" else None)


def test_a_priority_class_becomes_a_number() -> None:
    store = Objects.of((priority_class("batch", 5), priority_class("usual", 9, default=True)))
    named = created(store, pod(priority_class_name="batch"))[1].spec
    assert (named.priority, named.preemption_policy) == (5, "Never")
    unnamed = created(store, pod())[1].spec
    assert (unnamed.priority, unnamed.priority_class_name) == (9, "usual")
    critical = created(store, pod(priority_class_name="system-node-critical"))[1].spec
    assert critical.priority == 2_000_001_000


def test_of_several_default_classes_the_lowest_counts() -> None:
    store = Objects.of(priority_class(name, value, default=True) for name, value in (("a", 9), ("b", 5), ("c", 7)))
    spec = created(store, pod())[1].spec
    assert (spec.priority, spec.priority_class_name) == (5, "b")


def test_a_number_that_contradicts_the_class_is_refused() -> None:
    _, response = asked(Objects(), Create(pod(priority=7)))
    assert response.message == (
        'pods "web" is forbidden: the integer value of priority (7) must not be provided in pod spec; '
        "priority admission controller computed 0 from the given PriorityClass name"
    )
    assert asked(Objects(), Create(pod(priority=0)))[1].ok


@pytest.mark.parametrize(
    ("obj", "generation"),
    [(pod(), 0), (deployment(), 1), (replicaset(), 1), (service(), 0), (EndpointSlice(ObjectMeta("e")), 1)],
    ids=["Pod", "Deployment", "ReplicaSet", "Service", "EndpointSlice"],
)
def test_generation_begins_where_the_kind_counts_it(obj: Object, generation: int) -> None:
    assert created(Objects(), obj)[1].metadata.generation == generation


def test_a_new_node_is_tainted_once() -> None:
    _, made = created(Objects(), Node(ObjectMeta("n1")))
    assert [(one.key, one.effect) for one in made.spec.taints] == [("node.kubernetes.io/not-ready", "NoSchedule")]
    _, again = created(Objects(), Node(ObjectMeta("n2"), made.spec))
    assert again.spec.taints == made.spec.taints
    assert created(Objects(), Node(ObjectMeta("n1")), config=Config(taint_new_nodes=False))[1].spec.taints == ()


# --- namespaces -----------------------------------------------------------------------------------------------------


def test_nothing_is_created_where_no_namespace_is_or_one_is_going() -> None:
    shop = with_meta(pod(), namespace="shop")
    _, missing = asked(Objects(), Create(shop))
    assert (missing.code, missing.message) == (404, 'namespaces "shop" not found')
    assert asked(Objects(), Create(shop), config=Config(namespace_lifecycle=False))[1].ok
    store, _ = created(Objects(), Namespace(ObjectMeta("shop")))
    assert asked(store, Create(shop))[1].ok
    store, going = asked(store, Delete(Ref("Namespace", "", "shop")), now=9)
    assert going.object is not None
    assert going.object.extra["status"]["phase"] == "Terminating"
    _, refused = asked(store, Create(shop))
    assert (refused.code, refused.causes[0].reason) == (403, "NamespaceTerminating")
    again, twice = asked(store, Delete(Ref("Namespace", "", "shop")))
    assert (again, twice.code) == (store, 200)


def test_a_namespace_carries_its_name_as_a_label_and_its_content_as_a_finalizer() -> None:
    _, made = created(Objects(), Namespace(ObjectMeta("shop")))
    assert made.metadata.labels == {"kubernetes.io/metadata.name": "shop"}
    assert made.extra["spec"]["finalizers"] == ("kubernetes",)


def test_the_cluster_keeps_its_own_namespaces() -> None:
    store = Objects.of((Namespace(ObjectMeta("default")),))
    response, writes = handle(store, Delete(Ref("Namespace", "", "default")))
    assert (response.code, writes) == (403, ())
    assert response.message == 'namespaces "default" is forbidden: this namespace may not be deleted'


# --- services -------------------------------------------------------------------------------------------------------


def test_addresses_and_node_ports_are_the_lowest_that_are_free() -> None:
    store, first = created(Objects(), service("a"))
    store, second = created(store, service("b", type="NodePort"))
    store, third = created(store, service("c", type="NodePort"))
    assert [one.spec.cluster_ip for one in (first, second, third)] == ["10.96.0.2", "10.96.0.3", "10.96.0.4"]
    assert [one.spec.ports[0].node_port for one in (second, third)] == [30000, 30001]


def test_what_others_will_ask_for_is_kept_free() -> None:
    config = Config(kept_free=frozenset({"10.96.0.2", 30000}))
    store, first = created(Objects(), service("a", type="NodePort"), config=config)
    assert (first.spec.cluster_ip, first.spec.ports[0].node_port) == ("10.96.0.3", 30001)
    asking = ServiceSpec(type="NodePort", cluster_ip="10.96.0.2", ports=(ServicePort(80, node_port=30000),))
    assert asked(store, Create(Service(ObjectMeta("b"), asking)), config=config)[1].code == 201


def test_the_first_address_is_that_of_the_cluster_itself() -> None:
    own = service("kubernetes", cluster_ip="10.96.0.1")
    assert asked(Objects(), Create(own))[1].code == 201
    _, taken = asked(Objects(), Create(with_meta(own, name="other")))
    assert taken.causes[0].message.endswith("failed to allocate IP 10.96.0.1: provided IP is already allocated")


def test_an_address_is_given_once_and_from_the_range() -> None:
    store, _ = created(Objects(), service("a", cluster_ip="10.96.7.7"))
    _, taken = asked(store, Create(service("b", cluster_ip="10.96.7.7")))
    assert taken.causes[0].message.endswith("failed to allocate IP 10.96.7.7: provided IP is already allocated")
    _, outside = asked(store, Create(service("b", cluster_ip="10.200.0.1")))
    assert outside.code == 422
    assert "is not in the valid range" in outside.message


def test_a_node_port_is_given_once() -> None:
    fixed = Service(ObjectMeta("a"), ServiceSpec(type="NodePort", ports=(ServicePort(80, node_port=30123),)))
    store, _ = created(Objects(), fixed)
    _, taken = asked(store, Create(with_meta(fixed, name="d")))
    assert taken.message == (
        'Service "d" is invalid: spec.ports[0].nodePort: Invalid value: 30123: provided port is already allocated'
    )


def test_a_full_range_is_an_internal_error() -> None:
    config = Config(service_cluster_ip_range="10.96.0.0/30", service_node_port_range=(30000, 30000))
    store, _ = created(Objects(), service("a", type="NodePort"), config=config)
    assert asked(store, Create(service("b")), config=config)[1].code == 500
    assert asked(store, Create(service("b", type="NodePort")), config=config, cluster_ip="10.96.0.9")[1].code == 500


def test_headless_and_external_services_take_no_address() -> None:
    assert created(Objects(), service(cluster_ip="None"))[1].spec.cluster_ips == ("None",)
    external = service(type="ExternalName", extra=freeze({"externalName": "example.com"}))
    assert created(Objects(), external)[1].spec.cluster_ip == ""


# --- changes --------------------------------------------------------------------------------------------------------


def test_a_change_of_what_has_changed_meanwhile_is_a_conflict() -> None:
    store, read = created(Objects(), deployment())
    other = evolve(read, spec=evolve(read.spec, replicas=3))
    store, _ = asked(store, Update(other, read))
    _, late = asked(store, Update(evolve(read, spec=evolve(read.spec, replicas=5)), read))
    assert (late.code, late.reason) == (409, "Conflict")
    assert late.message.startswith(
        'Operation cannot be fulfilled on deployments.apps "web": the object has been modified'
    )
    assert asked(store, Update(evolve(read, spec=evolve(read.spec, replicas=5)), None))[1].ok


def test_versions_decide_where_both_sides_have_one() -> None:
    stored = with_meta(created(Objects(), pod())[1], resource_version="5")
    store = Objects.of((stored,))
    assert asked(store, Update(stored, with_meta(stored, resource_version="4")))[1].code == 409
    assert asked(store, Update(stored, with_meta(stored, labels=strings())))[1].ok


def test_a_change_of_nothing_writes_nothing() -> None:
    store, read = created(Objects(), deployment())
    response, writes = handle(store, Update(read, read))
    assert (response.code, response.object, writes) == (200, read, ())


@pytest.mark.parametrize(
    ("change", "counted"),
    [
        ({"labels": strings({"a": "b"})}, 0),
        ({"annotations": strings({"a": "b"})}, 1),
    ],
    ids=["a label", "an annotation"],
)
def test_a_deployment_counts_annotations_but_no_labels(change: dict[str, Any], counted: int) -> None:
    store, read = created(Objects(), deployment())
    assert asked(store, Update(with_meta(read, **change), read))[1].object.metadata.generation == 1 + counted  # type: ignore[union-attr]


def test_a_replicaset_counts_its_spec_only_and_a_client_cannot_count_for_it() -> None:
    store, read = created(Objects(), replicaset())
    noted = with_meta(read, annotations=strings({"a": "b"}), generation=9)
    store, response = asked(store, Update(noted, read))
    assert response.object is not None
    assert response.object.metadata.generation == 1
    wider = evolve(read, spec=evolve(read.spec, replicas=2))
    assert asked(store, Update(wider, None))[1].object.metadata.generation == 2  # type: ignore[union-attr]


def test_an_endpointslice_counts_its_labels_and_endpoints_but_no_annotations() -> None:
    store, read = created(Objects(), EndpointSlice(ObjectMeta("e", namespace="default")))
    changes = (with_meta(read, labels=APP), evolve(read, endpoints=(Endpoint(("10.0.0.1",)),)))
    generations = [asked(store, Update(one, read))[1].object.metadata.generation for one in changes]  # type: ignore[union-attr]
    assert generations == [2, 2]
    noted: Any = asked(store, Update(with_meta(read, annotations=APP), read))[1].object
    assert noted.metadata.generation == 1


def test_a_service_with_a_known_address_is_changed_without_a_look_at_the_others() -> None:
    store, read = created(Objects(), service())
    lists: list[str] = []

    class Watched:
        """The storage, with a note of what is listed."""

        get = staticmethod(store.get)

        def list(self, kind: str, namespace: str | None) -> tuple[Object, ...]:
            lists.append(kind)
            return store.list(kind, namespace)

    assert handle(Watched(), Update(with_meta(read, labels=APP), read))[0].ok
    assert lists == []


def test_a_spec_update_keeps_the_status_and_a_status_update_keeps_the_spec() -> None:
    store, read = created(Objects(), replicaset())
    counted = evolve(read, status=ReplicaSetStatus(replicas=4), spec=evolve(read.spec, replicas=9))
    store, response = asked(store, Update(counted, read, "status"))
    now: Any = response.object
    assert (now.status.replicas, now.spec.replicas, now.metadata.generation) == (4, 1, 1)
    emptied = evolve(now, status=ReplicaSetStatus(), spec=evolve(now.spec, replicas=2))
    now = asked(store, Update(emptied, now))[1].object
    assert (now.status.replicas, now.spec.replicas, now.metadata.generation) == (4, 2, 2)


def test_scaling_changes_the_number_only_and_to_no_number_below_zero() -> None:
    store, read = created(Objects(), deployment())
    wanted = evolve(read, spec=evolve(read.spec, replicas=3, paused=True))
    now: Any = asked(store, Update(wanted, read, "scale"))[1].object
    assert (now.spec.replicas, now.spec.paused, now.metadata.generation) == (3, False, 2)
    _, refused = asked(store, Update(evolve(read, spec=evolve(read.spec, replicas=-1)), read, "scale"))
    assert refused.code == 422
    assert handle(store, Update(read, read, "scale"))[1] == ()


def test_a_subresource_a_kind_does_not_have_is_not_found() -> None:
    store, read = created(Objects(), pod())
    assert asked(store, Update(read, read, "scale"))[1].code == 404
    assert asked(store, Update(read, read, "approval"))[1].code == 404
    store, slice_ = created(Objects(), EndpointSlice(ObjectMeta("e", namespace="default")))
    assert asked(store, PatchStatus(slice_))[1].code == 404


def test_what_is_missing_is_not_found_unless_a_uid_was_meant_or_the_kind_is_created() -> None:
    assert asked(Objects(), Update(deployment(), None))[1].code == 404
    assert asked(Objects(), Update(with_meta(deployment(), uid="u"), None))[1].code == 409
    lease = Lease(ObjectMeta("n1", namespace="kube-node-lease"))
    assert asked(Objects(), Update(lease, None))[1].code == 201
    assert asked(Objects(), PatchStatus(pod()))[1].code == 404


def test_another_object_of_the_same_name_is_not_changed() -> None:
    store, read = created(Objects(), pod(), uid="new")
    stale = with_meta(read, uid="old")
    assert asked(store, Update(stale, None))[1].code == 409
    assert asked(store, PatchStatus(read, uid="old"))[1].code == 409
    assert asked(store, PatchMetadata(ref_of(read), uid="old"))[1].code == 409
    assert asked(store, Delete(ref_of(read), uid="old"))[1].code == 409
    assert asked(store, Bind(ref_of(read), "n1", uid="old"))[1].code == 409
    assert asked(store, Bind(ref_of(read), "n1", uid="new"))[1].code == 201


def test_a_merge_of_a_status_leaves_what_it_does_not_name() -> None:
    ready = PodCondition("Ready", "True")
    store, made = created(Objects(), pod())
    running = evolve(made.status, phase="Running", pod_ip="10.0.0.1", conditions=(ready,))
    store, _ = asked(store, PatchStatus(evolve(made, status=running)))
    why = PodCondition("DisruptionTarget", "True", "DeletionByTaintManager", last_transition_time=0)
    merge = evolve(made, status=evolve(made.status, phase="", conditions=(why,)))
    store, answer = asked(store, PatchStatus(merge, merge=True))
    found: Any = answer.object
    assert found.status == evolve(running, conditions=(ready, why))
    failed = evolve(made, status=evolve(made.status, phase="Failed", conditions=()))
    found = asked(store, PatchStatus(failed, merge=True))[1].object
    assert found.status == evolve(running, phase="Failed", conditions=(ready, why))


API = strings({"app": "api"})
API_TEMPLATE = PodTemplateSpec(ObjectMeta(labels=API), SPEC)


@pytest.mark.parametrize(
    ("obj", "change"),
    [
        (deployment(), {"selector": LabelSelector(API), "template": API_TEMPLATE}),
        (service(), {"cluster_ip": "10.96.9.9", "cluster_ips": ()}),
        (pod(), {"restart_policy": "Never"}),
        (pod(tolerations=(Toleration("gpu", "Exists"),)), {"tolerations": ()}),
    ],
    ids=["a selector", "a cluster IP", "a restart policy", "a toleration"],
)
def test_some_fields_are_for_ever(obj: Object, change: dict[str, Any]) -> None:
    store, read = created(Objects(), obj)
    _, response = asked(store, Update(evolve(read, spec=evolve(read.spec, **change)), read))
    assert (response.code, response.reason) == (422, "Invalid")


def test_a_binding_as_an_object_is_a_binding() -> None:
    store, read = created(Objects(), pod())
    binding = Binding(ObjectMeta("web", namespace="default"), ObjectReference("Node", name="n1"))
    store, response = asked(store, Create(binding), now=5)
    assert response.code == 201
    bound: Any = store.get(ref_of(read))
    condition = bound.status.condition("PodScheduled")
    assert (bound.spec.node_name, condition.status, condition.last_transition_time) == ("n1", "True", 5)


def test_a_binding_turns_one_condition_and_leaves_the_others() -> None:
    store, made = created(Objects(), pod(), now=1)
    refused = PodCondition("PodScheduled", "False", "Unschedulable", "no room", 1)
    waiting = PodCondition("Other", "True", last_transition_time=1)
    store, _ = asked(store, PatchStatus(evolve(made, status=evolve(made.status, conditions=(refused, waiting)))))
    bound: Any = asked(store, Bind(ref_of(made), "n1"), now=8)[1].object
    assert bound.status.conditions == (PodCondition("PodScheduled", "True", last_transition_time=8), waiting)


# --- owners and finalizers ------------------------------------------------------------------------------------------


OWNER = OwnerReference("apps/v1", "ReplicaSet", "web", "rs-1", controller=True)


def test_a_pod_is_adopted_once_and_released() -> None:
    store, read = created(Objects(), pod())
    ref = ref_of(read)
    store, adopted = asked(store, PatchMetadata(ref, add_owner=OWNER))
    assert adopted.object is not None
    assert adopted.object.metadata.controller == OWNER
    assert handle(store, PatchMetadata(ref, add_owner=OWNER))[1] == ()
    rival = evolve(OWNER, uid="rs-2", name="api")
    assert asked(store, PatchMetadata(ref, add_owner=rival))[1].code == 422
    store, released = asked(store, PatchMetadata(ref, remove_owners=("rs-1",)))
    assert released.object is not None
    assert released.object.metadata.owner_references == ()


def test_who_adopts_is_told_whether_the_owner_is_still_there() -> None:
    store, read = created(Objects(), with_meta(deployment(), finalizers=("orphan",)), uid="new")
    ref = ref_of(read)
    assert handle(store, Recheck(ref, "new")) == (Response(200, object=read), ())
    assert asked(store, Recheck(ref, "old"))[1].reason == "Conflict"
    going = asked(store, Delete(ref), now=9)[0]
    assert asked(going, Recheck(ref, "new"))[1].message.endswith("it has just been deleted")
    assert asked(Objects(), Recheck(ref, "new"))[1].code == 404


def test_a_finalizer_holds_an_object_until_it_is_taken_away() -> None:
    store, read = created(Objects(), with_meta(deployment(), finalizers=("example.com/hold",)))
    ref = ref_of(read)
    store, marked = asked(store, Delete(ref), now=9)
    assert marked.object is not None
    meta = marked.object.metadata
    assert (meta.deletion_timestamp, meta.deletion_grace_period_seconds, meta.generation) == (9, 0, 2)
    assert handle(store, Delete(ref), now=11)[1] == ()
    _, added = asked(store, Update(with_meta(marked.object, finalizers=("example.com/hold", "example.com/b")), None))
    assert added.causes[0].message == (
        "Forbidden: no new finalizers can be added if the object is being deleted, "
        'found new finalizers []string{"example.com/b"}'
    )
    _, writes = handle(store, PatchMetadata(ref, remove_finalizers=("example.com/hold",)))
    assert writes == (Write(ref, None),)


@pytest.mark.parametrize(
    ("policy", "finalizers"),
    [("Foreground", ("foregroundDeletion",)), ("Orphan", ("orphan",))],
)
def test_a_propagation_policy_leaves_the_dependents_to_the_garbage_collector(
    policy: str, finalizers: tuple[str, ...]
) -> None:
    store, read = created(Objects(), deployment())
    store, response = asked(store, Delete(ref_of(read), propagation_policy=policy))
    assert response.object is not None
    assert response.object.metadata.finalizers == finalizers
    assert response.object.metadata.terminating
    _, writes = handle(store, Delete(ref_of(read), propagation_policy="Background"))
    assert writes == (Write(ref_of(read), None),)


def test_without_a_policy_an_object_goes_at_once_in_one_write() -> None:
    store, read = created(Objects(), deployment())
    assert handle(store, Delete(ref_of(read)))[1] == (Write(ref_of(read), None),)


def test_a_policy_that_does_not_exist_is_invalid() -> None:
    store, read = created(Objects(), deployment())
    _, response = asked(store, Delete(ref_of(read), propagation_policy="Foo"))
    assert response.message == (
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Foo": '
        'supported values: "Foreground", "Background", "Orphan", "nil"'
    )


def test_a_pod_without_grace_goes_in_two_writes() -> None:
    store, read = created(Objects(), pod())
    response, writes = handle(store, Delete(ref_of(read)), now=3)
    assert [write.object is None for write in writes] == [False, True]
    assert writes[0].object == response.object
    assert response.object is not None
    assert response.object.metadata.deletion_grace_period_seconds == 0


def test_a_negative_grace_is_one_second() -> None:
    store, read = created(Objects(), pod(node_name="n1", termination_grace_period_seconds=-5))
    _, response = asked(store, Delete(ref_of(read)), now=3)
    assert response.object is not None
    assert response.object.metadata.deletion_timestamp == 4


def test_a_budget_counts_from_one_side_only() -> None:
    both = PodDisruptionBudget(ObjectMeta("b"), PodDisruptionBudgetSpec(1, 1, LabelSelector()))
    _, response = asked(Objects(), Create(both))
    assert response.causes[0].message.endswith("minAvailable and maxUnavailable cannot be both set")


def test_a_storage_lists_by_kind_and_namespace_in_order() -> None:
    store = Objects.of((pod("b"), with_meta(pod("a"), namespace="other"), pod("a"), service()))
    assert [ref_of(one) for one in store.list("Pod", "default")] == [
        Ref("Pod", "default", "a"),
        Ref("Pod", "default", "b"),
    ]
    assert len(store.list("Pod", None)) == 3
    assert Objects(immutabledict()).list("Pod", None) == ()
