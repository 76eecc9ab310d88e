"""Rules no recording shows broken: each object here breaks one, and the field that does is named."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from kubeproof.impl.api.kinds import Object
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.api.requests import Create, Update
from kubeproof.impl.apiserver import Objects, handle
from kubeproof.impl.apiserver.pod_defaults import pull_policy


def pod(**spec: Any) -> dict[str, Any]:
    containers = {"containers": [{"name": "c", "image": "nginx"}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "default"},
        "spec": containers | spec,
    }


def container(**fields: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "c", "image": "nginx"} | fields])


def other(kind: str, version: str = "v1", **fields: Any) -> dict[str, Any]:
    namespaced = kind not in {"Node", "PriorityClass", "Namespace", "ClusterRole"}
    meta = {"name": "x"} | ({"namespace": "default"} if namespaced else {})
    return {"apiVersion": version, "kind": kind, "metadata": meta | fields.pop("metadata", {})} | fields


def service(**spec: Any) -> dict[str, Any]:
    return other("Service", spec={"ports": [{"port": 80}]} | spec)


def sticky(seconds: int) -> dict[str, Any]:
    return service(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": seconds}})


def workload(kind: str, **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    return other(kind, "apps/v1", spec={"selector": {"matchLabels": {"a": "b"}}, "template": template} | spec)


def slice_(*endpoints: dict[str, Any], kind: str = "IPv4") -> dict[str, Any]:
    return other("EndpointSlice", "discovery.k8s.io/v1", addressType=kind, endpoints=list(endpoints))


def budget(**spec: Any) -> dict[str, Any]:
    return other("PodDisruptionBudget", "policy/v1", spec=spec)


def spread(**fields: Any) -> dict[str, Any]:
    return {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"} | fields


def needs(expression: dict[str, Any]) -> dict[str, Any]:
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    return pod(affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}})


TERM = (
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]"
)
TWO_PORTS = [{"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 80}]
NAMED_TWICE = [{"containerPort": 80, "name": "http"}, {"containerPort": 81, "name": "http"}]
ROLE = "rbac.authorization.k8s.io/v1"

BROKEN = [
    (sticky(86401), "spec.sessionAffinityConfig.clientIP.timeoutSeconds"),
    (container(ports=TWO_PORTS), "spec.containers[0].ports[1].hostPort"),
    (container(ports=NAMED_TWICE), "spec.containers[0].ports[1].name"),
    (container(ports=[{"name": "http"}]), "spec.containers[0].ports[0].containerPort"),
    (container(ports=[{"containerPort": 80, "hostPort": 70000}]), "spec.containers[0].ports[0].hostPort"),
    (container(ports=[{"containerPort": 80, "name": "a" * 16}]), "spec.containers[0].ports[0].name"),
    (container(ports=[{"containerPort": 80, "name": "a--b"}]), "spec.containers[0].ports[0].name"),
    (container(ports=[{"containerPort": 80, "name": "a-"}]), "spec.containers[0].ports[0].name"),
    (container(imagePullPolicy="Sometimes"), "spec.containers[0].imagePullPolicy"),
    (container(resources={"requests": {"cpu": "-1"}}), "spec.containers[0].resources.requests[cpu]"),
    (container(resources={"requests": {"mem": "1Mi"}}), "spec.containers[0].resources.requests[mem]"),
    (container(resources={"limits": {"Cpu": "1"}}), "spec.containers[0].resources.limits[Cpu]"),
    (container(resources={"limits": {"pods": "1"}}), "spec.containers[0].resources.limits[pods]"),
    (container(resources={"limits": {"a b/c": "1"}}), "spec.containers[0].resources.limits[a b/c]"),
    (container(resources={"limits": {"requests.a.b/c": "1"}}), "spec.containers[0].resources.limits[requests.a.b/c]"),
    (
        container(startupProbe={"exec": {"command": ["x"]}, "successThreshold": 2}),
        "spec.containers[0].startupProbe.successThreshold",
    ),
    (
        container(readinessProbe={"tcpSocket": {"port": 1}, "timeoutSeconds": -1}),
        "spec.containers[0].readinessProbe.timeoutSeconds",
    ),
    (pod(restartPolicy="Perhaps"), "spec.restartPolicy"),
    (pod(activeDeadlineSeconds=0), "spec.activeDeadlineSeconds"),
    (pod(nodeSelector={"a b": "c"}), "spec.nodeSelector"),
    (pod(serviceAccountName="A"), "spec.serviceAccountName"),
    (pod(nodeName="A"), "spec.nodeName"),
    (pod(tolerations=[{"key": "a b", "operator": "Exists"}]), "spec.tolerations[0].key"),
    (
        pod(topologySpreadConstraints=[spread(), spread()]),
        "spec.topologySpreadConstraints[1].{topologyKey, whenUnsatisfiable}",
    ),
    (pod(topologySpreadConstraints=[spread(minDomains=0)]), "spec.topologySpreadConstraints[0].minDomains"),
    (
        pod(topologySpreadConstraints=[spread(minDomains=2, whenUnsatisfiable="ScheduleAnyway")]),
        "spec.topologySpreadConstraints[0].minDomains",
    ),
    (needs({"key": "a", "operator": "In"}), f"{TERM}.values"),
    (needs({"key": "a", "operator": "Has"}), f"{TERM}.operator"),
    (needs({"key": "", "operator": "Exists"}), f"{TERM}.key"),
    (workload("Deployment", replicas=-1), "spec.replicas"),
    (workload("Deployment", revisionHistoryLimit=-1), "spec.revisionHistoryLimit"),
    (
        workload("Deployment", selector={"matchExpressions": [{"key": "a", "operator": "In"}]}),
        "spec.selector.matchExpressions[0].values",
    ),
    (service(externalIPs=["x"]), "spec.externalIPs[0]"),
    (service(externalIPs=["127.0.0.1"]), "spec.externalIPs[0]"),
    (service(internalTrafficPolicy="Far"), "spec.internalTrafficPolicy"),
    (service(ports=[{"port": 80, "targetPort": "HTTP"}]), "spec.ports[0].targetPort"),
    (service(ports=[{"port": 80, "name": "A"}]), "spec.ports[0].name"),
    (slice_(kind="IPv5"), "addressType"),
    (slice_({"addresses": []}), "endpoints[0].addresses"),
    (slice_({"addresses": ["x"]}), "endpoints[0].addresses[0]"),
    (budget(minAvailable="101%"), "spec.minAvailable"),
    (budget(maxUnavailable=-1), "spec.maxUnavailable"),
    (budget(selector={"matchLabels": {"a b": "c"}}), "spec.selector.matchLabels"),
    (other("Node", spec={"taints": [{"key": "a"}]}), "metadata.taints[0].effect"),
    (other("Lease", "coordination.k8s.io/v1", spec={"leaseDurationSeconds": 0}), "spec.leaseDurationSeconds"),
    (other("Role", ROLE, rules=[{"verbs": ["get"], "resources": ["pods"]}]), "rules[0].apiGroups"),
    (other("Role", ROLE, rules=[{"verbs": ["get"], "apiGroups": [""]}]), "rules[0].resources"),
    (other("Role", ROLE, metadata={"name": "a/b"}), "metadata.name"),
    (other("PriorityClass", "scheduling.k8s.io/v1", value=1_000_000_001), "value"),
    (other("Lease", "coordination.k8s.io/v1", metadata={"name": "A"}), "metadata.name"),
]


@pytest.mark.parametrize(("body", "field"), BROKEN, ids=[field for _, field in BROKEN])
def test_the_field_that_breaks_a_rule_is_named(body: dict[str, Any], field: str) -> None:
    response, writes = handle(Objects(), Create(from_json(body)))
    assert (response.code, writes) == (422, ())
    assert field in [cause.field for cause in response.causes]


KEPT = [
    sticky(1),
    sticky(86400),
    other("Lease", "coordination.k8s.io/v1", spec={"leaseDurationSeconds": 1, "leaseTransitions": 0}),
    container(ports=[{"containerPort": 80, "hostPort": 80}, {"containerPort": 80, "hostPort": 80, "protocol": "UDP"}]),
    container(ports=[{"containerPort": 65535, "name": "a" * 15}]),
    container(lifecycle={"preStop": {"sleep": {"seconds": 30}}}),
    pod(activeDeadlineSeconds=1),
    pod(topologySpreadConstraints=[spread(), spread(whenUnsatisfiable="ScheduleAnyway")]),
    workload("Deployment", replicas=0, minReadySeconds=599),
    workload("ReplicaSet", replicas=0),
    service(ports=[{"port": 65535}, {"port": 65535, "protocol": "UDP", "name": "b"}][:1]),
    budget(minAvailable="100%"),
    slice_({"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}),
    slice_({"addresses": ["web.example.com"]}, kind="FQDN"),
    other("PriorityClass", "scheduling.k8s.io/v1", value=1_000_000_000),
]


@pytest.mark.parametrize("body", KEPT, ids=lambda body: body["kind"])
def test_what_only_just_keeps_the_rules_is_created(body: dict[str, Any]) -> None:
    response, _ = handle(Objects(), Create(from_json(body)))
    assert response.code == 201, response.message


def changed(before: dict[str, Any], **fields: Any) -> tuple[int, list[str]]:
    """Create an object, change fields of it (its spec's where it has one), and give the code and the fields refused."""
    store = Objects()
    response, writes = handle(store, Create(from_json(before)))
    store, obj = store.commit(writes), response.object
    assert obj is not None, response.message
    whole: Any = obj
    after: Object = (
        evolve(whole, spec=evolve(whole.spec, **fields)) if hasattr(whole, "spec") else evolve(whole, **fields)
    )
    answer, _ = handle(store, Update(after, obj))
    return answer.code, [cause.field for cause in answer.causes]


GATED = pod(schedulingGates=[{"name": "g"}])


def test_a_deadline_is_never_taken_back() -> None:
    assert changed(pod(activeDeadlineSeconds=9), active_deadline_seconds=None) == (422, ["spec.activeDeadlineSeconds"])
    assert changed(pod(activeDeadlineSeconds=9), active_deadline_seconds=9)[0] == 200


def test_gates_come_off_and_never_on() -> None:
    two = from_json(pod(schedulingGates=[{"name": "g"}, {"name": "h"}])).spec.scheduling_gates  # type: ignore[union-attr]
    assert changed(GATED, scheduling_gates=two) == (422, ["spec.schedulingGates"])
    assert changed(GATED, scheduling_gates=())[0] == 200


def test_only_a_gated_pod_narrows_where_it_may_go() -> None:
    ssd = from_json(pod(nodeSelector={"disk": "ssd"})).spec.node_selector  # type: ignore[union-attr]
    assert changed(GATED, node_selector=ssd)[0] == 200
    assert changed(pod(), node_selector=ssd) == (422, ["spec"])
    assert changed(pod(schedulingGates=[{"name": "g"}], nodeSelector={"disk": "hdd"}), node_selector=ssd)[0] == 422


def test_the_last_gate_takes_its_condition_with_it() -> None:
    response, writes = handle(Objects(), Create(from_json(GATED)))
    made: Any = response.object
    assert made.status.condition("PodScheduled").reason == "SchedulingGated"
    free = evolve(made, spec=evolve(made.spec, scheduling_gates=()))
    answer: Any = handle(Objects().commit(writes), Update(free, made))[0].object
    assert answer.status.condition("PodScheduled") is None


def test_an_image_changes_and_a_container_does_not_come_or_go() -> None:
    containers = from_json(container(image="nginx:2")).spec.containers  # type: ignore[union-attr]
    made: Any = handle(Objects(), Create(from_json(pod())))[0].object
    newer = evolve(made.spec.containers[0], image="nginx:2")
    assert changed(pod(), containers=(newer,))[0] == 200
    assert changed(pod(), containers=(newer, evolve(containers[0], name="d", image="x:1"))) == (422, ["spec"])


def test_a_role_reference_and_a_priority_are_for_ever() -> None:
    binding = other("RoleBinding", ROLE, roleRef={"kind": "Role", "name": "a"})
    another = from_json(other("RoleBinding", ROLE, roleRef={"kind": "Role", "name": "b"})).role_ref  # type: ignore[union-attr]
    assert changed(binding, role_ref=another) == (422, ["roleRef"])
    assert changed(other("PriorityClass", "scheduling.k8s.io/v1", value=5), value=6) == (422, ["value"])
    never = changed(other("PriorityClass", "scheduling.k8s.io/v1", value=5), preemption_policy="Never")
    assert never == (422, ["preemptionPolicy"])


def test_a_service_keeps_its_node_port_and_gives_it_back_with_its_type() -> None:
    response, writes = handle(Objects(), Create(from_json(service(type="NodePort"))))
    store, made = Objects().commit(writes), response.object
    assert made is not None
    again = from_json(service(type="NodePort"))
    assert handle(store, Update(again, None))[0].object == made
    plain: Any = handle(store, Update(from_json(service()), None))[0].object
    assert (plain.spec.type, plain.spec.ports[0].node_port, plain.spec.external_traffic_policy) == ("ClusterIP", 0, "")
    assert plain.spec.cluster_ip == made.spec.cluster_ip  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("host:5000/nginx", "Always"),
        ("host:5000/nginx:1.27", "IfNotPresent"),
        ("nginx@sha256:abc", "IfNotPresent"),
        ("nginx:latest@sha256:abc", "Always"),
    ],
)
def test_only_a_moving_tag_is_always_pulled(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


def test_defaults_fill_in_and_are_stable() -> None:
    probed = container(
        livenessProbe={"httpGet": {"port": 80}}, resources={"limits": {"cpu": "1"}}, ports=[{"containerPort": 80}]
    )
    probed["spec"]["hostNetwork"] = True
    response, writes = handle(Objects(), Create(from_json(probed)))
    made: Any = response.object
    (one,) = made.spec.containers
    assert one.liveness_probe.extra["httpGet"] == {"port": 80, "path": "/", "scheme": "HTTP"}
    assert (one.liveness_probe.period_seconds, one.liveness_probe.failure_threshold) == (10, 3)
    assert str(one.resources.requests["cpu"]) == "1"
    assert one.ports[0].host_port == 80
    assert handle(Objects().commit(writes), Update(made, made))[1] == ()


def test_match_label_keys_become_requirements() -> None:
    term = {"topologyKey": "z", "labelSelector": {}, "matchLabelKeys": ["v"], "mismatchLabelKeys": ["t", "none"]}
    affine = pod(affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}})
    affine["metadata"]["labels"] = {"v": "1", "t": "2"}
    made: Any = handle(Objects(), Create(from_json(affine)))[0].object
    (found,) = made.spec.affinity.pod_anti_affinity.required_during_scheduling_ignored_during_execution
    assert [(one.key, one.operator, one.values) for one in found.label_selector.match_expressions] == [
        ("v", "In", ("1",)),
        ("t", "NotIn", ("2",)),
    ]
