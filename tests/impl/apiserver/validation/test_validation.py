"""Rules no recording shows broken: each object here breaks one, and the field that does is named."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from kubeproof.impl.api.kinds import Object
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.api.requests import Create, Update
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.apiserver import Objects, handle
from kubeproof.impl.apiserver.defaulting.pod_defaults import pull_policy
from kubeproof.impl.apiserver.validation.data import validate_data


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
    namespaced = kind not in {"Node", "PriorityClass", "Namespace", "ClusterRole", "PersistentVolume", "StorageClass"}
    meta = {"name": "x"} | ({"namespace": "default"} if namespaced else {})
    return {"apiVersion": version, "kind": kind, "metadata": meta | fields.pop("metadata", {})} | fields


def policy(**rule: Any) -> dict[str, Any]:
    """Make a NetworkPolicy of one rule."""
    return other("NetworkPolicy", "networking.k8s.io/v1", spec={"podSelector": {}, "ingress": [rule]})


def lets_out(**rule: Any) -> dict[str, Any]:
    return other("NetworkPolicy", "networking.k8s.io/v1", spec={"egress": [{}, rule]})


def service(**spec: Any) -> dict[str, Any]:
    return other("Service", spec={"ports": [{"port": 80}]} | spec)


def sticky(seconds: int) -> dict[str, Any]:
    return service(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": seconds}})


def workload(kind: str, **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    return other(kind, "apps/v1", spec={"selector": {"matchLabels": {"a": "b"}}, "template": template} | spec)


def slice_(*endpoints: dict[str, Any], kind: str = "IPv4") -> dict[str, Any]:
    return other("EndpointSlice", "discovery.k8s.io/v1", addressType=kind, endpoints=list(endpoints))


def priority_class(metadata: dict[str, Any]) -> dict[str, Any]:
    return other("PriorityClass", "scheduling.k8s.io/v1", value=1, metadata=metadata)


def budget(**spec: Any) -> dict[str, Any]:
    return other("PodDisruptionBudget", "policy/v1", spec=spec)


def spread(**fields: Any) -> dict[str, Any]:
    return {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"} | fields


def needs(expression: dict[str, Any]) -> dict[str, Any]:
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    return pod(affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}})


def mounting(*mounts: dict[str, Any], volumes: Any = (), init: bool = False) -> dict[str, Any]:
    one = {"name": "c", "image": "nginx"}
    has = one | {"volumeMounts": list(mounts)}
    containers: dict[str, Any] = (
        {"containers": [one], "initContainers": [has | {"name": "i"}]} if init else {"containers": [has]}
    )
    return pod(volumes=list(volumes), **containers)


def device(name: str = "v", path: str = "/dev/x") -> dict[str, Any]:
    return {"name": name, "devicePath": path}


def mount(name: str = "v", path: str = "/x", **more: Any) -> dict[str, Any]:
    return {"name": name, "mountPath": path} | more


def template(**spec: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "c", "image": "i"}]} | spec
    return workload("Deployment", template={"metadata": {"labels": {"a": "b"}}, "spec": spec})


def variable(**fields: Any) -> dict[str, Any]:
    return container(env=[{"name": "A"} | fields])


def secure(**context: Any) -> dict[str, Any]:
    return container(securityContext=context)


def balancer(**spec: Any) -> dict[str, Any]:
    return service(type="LoadBalancer", externalTrafficPolicy="Local", **spec)


EMPTY: dict[str, Any] = {"name": "v", "emptyDir": {}}
CLAIM = {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}
FIELD = {"fieldRef": {"fieldPath": "metadata.name"}}
ONLY_CAPABLE = {"allowPrivilegeEscalation": False, "capabilities": {"add": ["CAP_SYS_ADMIN"]}}
ON_HOST: dict[str, Any] = {
    "hostNetwork": True,
    "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80, "hostPort": 81}]}],
}
FIRST = "spec.containers[0]"
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
        "spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}",
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
    (mounting(mount()), f"{FIRST}.volumeMounts[0].name"),
    (mounting(mount(), init=True), "spec.initContainers[0].volumeMounts[0].name"),
    (mounting(mount("", "/x"), volumes=[EMPTY]), f"{FIRST}.volumeMounts[0].name"),
    (mounting(mount(), mount(), volumes=[EMPTY]), f"{FIRST}.volumeMounts[1].mountPath"),
    (mounting(mount(subPath="a", subPathExpr="b"), volumes=[EMPTY]), f"{FIRST}.volumeMounts[0].subPathExpr"),
    (mounting(mount(), volumes=[EMPTY | {"name": "V"}]), f"{FIRST}.volumeMounts[0].name"),
    (template(volumes=[EMPTY, EMPTY]), "spec.template.spec.volumes[1].name"),
    (
        template(containers=[{"name": "c", "image": "i", "volumeMounts": [mount()]}]),
        "spec.template.spec.containers[0].volumeMounts[0].name",
    ),
    (pod(volumes=[{"emptyDir": {}}]), "spec.volumes[0].name"),
    (pod(volumes=[EMPTY | {"configMap": {"name": "c"}}]), "spec.volumes[0].configMap"),
    (pod(volumes=[EMPTY | {"downwardAPI": {"items": []}}]), "spec.volumes[0].downwarAPI"),
    (pod(volumes=[{"name": "v", "nfs": {"server": "s"}}]), "spec.volumes[0].nfs.path"),
    (container(volumeDevices=[device()]), f"{FIRST}.volumeDevices[0].name"),
    (pod(volumes=[EMPTY], **container(volumeDevices=[device()])["spec"]), f"{FIRST}.volumeDevices[0].name"),
    (
        pod(volumes=[CLAIM], **container(volumeDevices=[device(), device(path="/dev/y")])["spec"]),
        f"{FIRST}.volumeDevices[1].name",
    ),
    (
        pod(volumes=[CLAIM], **container(volumeDevices=[device(path="")])["spec"]),
        f"{FIRST}.volumeDevices[0].devicePath",
    ),
    (
        pod(volumes=[CLAIM, CLAIM | {"name": "w"}], **container(volumeDevices=[device(), device("w")])["spec"]),
        f"{FIRST}.volumeDevices[1].devicePath",
    ),
    (
        pod(volumes=[CLAIM], **container(volumeDevices=[device()], volumeMounts=[mount()])["spec"]),
        f"{FIRST}.volumeDevices[0].name",
    ),
    (
        pod(volumes=[CLAIM], **container(volumeDevices=[device()], volumeMounts=[mount()])["spec"]),
        f"{FIRST}.volumeMounts[0].name",
    ),
    (
        pod(
            volumes=[CLAIM, EMPTY | {"name": "w"}],
            **container(volumeDevices=[device()], volumeMounts=[mount("w", "/dev/x")])["spec"],
        ),
        f"{FIRST}.volumeMounts[0].mountPath",
    ),
    (
        pod(
            volumes=[CLAIM, EMPTY | {"name": "w"}],
            **container(volumeDevices=[device()], volumeMounts=[mount("w", "/dev/x")])["spec"],
        ),
        f"{FIRST}.volumeDevices[0].devicePath",
    ),
    (variable(value="x", valueFrom=FIELD), f"{FIRST}.env[0].valueFrom"),
    (variable(valueFrom={}), f"{FIRST}.env[0].valueFrom"),
    (variable(valueFrom=FIELD | {"secretKeyRef": {"name": "s", "key": "k"}}), f"{FIRST}.env[0].valueFrom"),
    (variable(valueFrom={"configMapKeyRef": {"name": "c"}}), f"{FIRST}.env[0].valueFrom.configMapKeyRef.key"),
    (variable(valueFrom={"fieldRef": {"fieldPath": "status.phase"}}), f"{FIRST}.env[0].valueFrom.fieldRef.fieldPath"),
    (variable(valueFrom={"fieldRef": {"fieldPath": "spec.a['b']"}}), f"{FIRST}.env[0].valueFrom.fieldRef.fieldPath"),
    (variable(name=""), f"{FIRST}.env[0].name"),
    (container(envFrom=[{}]), f"{FIRST}.envFrom"),
    (container(envFrom=[{"configMapRef": {"name": "c"}, "secretRef": {"name": "s"}}]), f"{FIRST}.envFrom"),
    (container(envFrom=[{"configMapRef": {}}]), f"{FIRST}.envFrom[0].configMapRef.name"),
    (container(envFrom=[{"prefix": "a=", "secretRef": {"name": "s"}}]), f"{FIRST}.envFrom[0].prefix"),
    (secure(privileged=True, allowPrivilegeEscalation=False), f"{FIRST}.securityContext"),
    (secure(**ONLY_CAPABLE), f"{FIRST}.securityContext"),
    (secure(runAsGroup=2**31), f"{FIRST}.securityContext.runAsGroup"),
    (pod(**ON_HOST), f"{FIRST}.ports[0].hostPort"),
    (template(**ON_HOST), "spec.template.spec.containers[0].ports[0].hostPort"),
    (pod(dnsPolicy="None"), "spec.dnsConfig"),
    (pod(dnsPolicy="None", dnsConfig={"searches": ["a"]}), "spec.dnsConfig.nameservers"),
    (container(resources={"limits": {"hugepages-2Mi": "2Mi"}}), f"{FIRST}.resources"),
    (
        container(resources={"limits": {"hugepages-2Mi": "3Mi", "cpu": "1"}}),
        f"{FIRST}.resources.limits[hugepages-2Mi]",
    ),
    (service(type="NodePort", ports=[{"port": 80, "nodePort": 29999}]), "spec.ports[0].nodePort"),
    (
        priority_class({"annotations": {"a": "b" * (256 * 1024)}}),
        "metadata.annotations",
    ),
    (priority_class({"name": "x" * 254}), "metadata.name"),
    (container(name="c" * 64), f"{FIRST}.name"),
    (service(type="LoadBalancer", ports=[{"port": 80, "nodePort": 32768}]), "spec.ports[0].nodePort"),
    (policy(ports=[{"protocol": "ICMP"}]), "spec.ingress[0].ports[0].protocol"),
    (policy(ports=[{"port": 0}]), "spec.ingress[0].ports[0].port"),
    (policy(ports=[{"port": 80, "endPort": 65536}]), "spec.ingress[0].ports[0].endPort"),
    (policy(ports=[{"endPort": 80}]), "spec.ingress[0].ports[0].endPort"),
    (policy(ports=[{"port": "http", "endPort": 80}]), "spec.ingress[0].ports[0].endPort"),
    (policy(ports=[{"port": "Http"}]), "spec.ingress[0].ports[0].port"),
    (lets_out(to=[{"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}]), "spec.egress[1].to[0]"),
    (lets_out(to=[{"ipBlock": {}}]), "spec.egress[1].to[0].ipBlock.cidr"),
    (lets_out(to=[{"ipBlock": {"cidr": "10.0.0.1"}}]), "spec.egress[1].to[0].ipBlock.cidr"),
    (lets_out(to=[{"ipBlock": {"cidr": "10.0.0.0/33"}}]), "spec.egress[1].to[0].ipBlock.cidr"),
    (
        policy(**{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}}]}),
        "spec.ingress[0].from[0].ipBlock.except[0]",
    ),
    (
        policy(**{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "x"]}}]}),
        "spec.ingress[0].from[0].ipBlock.except[1]",
    ),
    (
        policy(**{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["2001:db8::/32"]}}]}),
        "spec.ingress[0].from[0].ipBlock.except[0]",
    ),
    (
        policy(**{"from": [{"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}}]}),
        "spec.ingress[0].from[0].namespaceSelector.matchExpressions[0].operator",
    ),
    (
        other("NetworkPolicy", "networking.k8s.io/v1", spec={"policyTypes": ["Egress", "Ingress", "Egress"]}),
        "spec.policyTypes",
    ),
]


@pytest.mark.parametrize(("body", "field"), BROKEN, ids=[field for _, field in BROKEN])
def test_the_field_that_breaks_a_rule_is_named(body: dict[str, Any], field: str) -> None:
    response, writes = handle(Objects(), Create(from_json(body)))
    assert (response.code, writes) == (422, ())
    assert field in [cause.field for cause in response.causes]


KEPT = [
    policy(ports=[{"port": 1, "endPort": 65535}, {"port": "http"}, {"protocol": "SCTP"}]),
    policy(**{"from": [{"podSelector": {}, "namespaceSelector": {}}, {"ipBlock": {"cidr": "10.0.0.9/8"}}]}),
    lets_out(to=[{"ipBlock": {"cidr": "2001:db8::/32", "except": ["2001:db8:1::/48"]}}]),
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
    mounting(mount(), mount(path="/y"), volumes=[{"name": "v"}]),
    mounting(mount(), volumes=[EMPTY], init=True),
    pod(volumes=[CLAIM], **container(volumeDevices=[device()])["spec"]),
    variable(value="", valueFrom=FIELD),
    variable(value="x"),
    variable(valueFrom={"fieldRef": {"fieldPath": "metadata.labels['a']"}}),
    container(envFrom=[{"configMapRef": {"name": "c"}}, {"secretRef": {"name": "s"}}]),
    secure(privileged=True, allowPrivilegeEscalation=True),
    secure(allowPrivilegeEscalation=False, capabilities={"add": ["SYS_ADMIN"]}, runAsUser=0),
    secure(privileged=True),
    template(**(ON_HOST | {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}]}]})),
    pod(dnsPolicy="None", dnsConfig={"nameservers": ["10.0.0.1"]}),
    container(resources={"limits": {"hugepages-2Mi": "4Mi"}, "requests": {"memory": "1Mi"}}),
    service(type="NodePort", ports=[{"port": 80, "nodePort": 30000}]),
    balancer(healthCheckNodePort=32767),
    priority_class({"annotations": {"a": "b" * (256 * 1024 - 1)}}),
    priority_class({"name": "x" * 253}),
    container(name="c" * 63),
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


def claim(size: str, **spec: Any) -> dict[str, Any]:
    asked = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, "storageClassName": "fast"}
    return other("PersistentVolumeClaim", spec=asked | spec)


def resized(*, phase: str, size: str, grows: bool = True) -> tuple[int, list[str]]:
    """Ask for a claim of 2Gi to be of another size, and give the code and the fields refused."""
    fast = other(
        "StorageClass", "storage.k8s.io/v1", metadata={"name": "fast"}, provisioner="x", allowVolumeExpansion=grows
    )
    there: Any = from_json(claim("2Gi", volumeName="v") | {"status": {"phase": phase}})
    made: Any = handle(Objects(), Create(there))[0].object
    bound = evolve(made, status=there.status)
    store = Objects.of((from_json(fast), bound))
    wanted: Any = from_json(claim(size, volumeName="v"))
    answer, _ = handle(store, Update(evolve(bound, spec=wanted.spec), bound))
    return answer.code, [cause.field for cause in answer.causes]


def test_a_claim_is_for_ever_but_for_a_bound_one_that_grows() -> None:
    assert resized(phase="Bound", size="3Gi") == (200, [])
    assert resized(phase="Bound", size="3Gi", grows=False) == (403, [])
    assert resized(phase="Pending", size="3Gi") == (422, ["spec"])
    assert resized(phase="Bound", size="1Gi") == (422, ["spec.resources.requests.storage"])
    assert changed(claim("1Gi"), volume_name="v")[0] == 200
    assert changed(claim("1Gi", volumeName="v"), volume_name="w") == (422, ["spec"])
    assert changed(claim("1Gi"), access_modes=("ReadWriteMany",)) == (422, ["spec"])
    assert changed(claim("1Gi"), storage_class_name="slow") == (422, ["spec"])


def test_what_a_volume_is_made_of_and_how_a_class_makes_them_is_for_ever() -> None:
    whole = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "nfs": {"server": "a", "path": "/"}}
    volume = other("PersistentVolume", spec=whole)
    elsewhere: Any = from_json(other("PersistentVolume", spec=whole | {"nfs": {"server": "b", "path": "/"}}))
    assert changed(volume, extra=elsewhere.spec.extra) == (422, ["spec.persistentvolumesource"])
    assert changed(volume, persistent_volume_reclaim_policy="Delete")[0] == 200
    made = other("StorageClass", "storage.k8s.io/v1", provisioner="a", reclaimPolicy="Delete")
    assert changed(made, provisioner="b") == (422, ["provisioner"])
    assert changed(made, reclaim_policy="Retain") == (422, ["reclaimPolicy"])
    assert changed(made, volume_binding_mode="WaitForFirstConsumer") == (422, ["volumeBindingMode"])


def test_a_health_check_has_a_node_port_of_the_range_and_its_own() -> None:
    response, writes = handle(Objects(), Create(from_json(balancer(healthCheckNodePort=80))))
    assert (response.code, writes) == (500, ())
    assert response.message == (
        "failed to allocate requested HealthCheck NodePort 80: provided port is not in the valid range. "
        "The range of valid ports is 30000-32767"
    )
    ports = [{"port": 80, "nodePort": 30001}]
    response, _ = handle(Objects(), Create(from_json(balancer(healthCheckNodePort=30001, ports=ports))))
    assert response.message.endswith("provided port is already allocated")


def test_a_balancer_that_needs_no_node_ports_gets_those_it_asks_for() -> None:
    """Upstream: initNodePorts in pkg/registry/core/service/storage/alloc.go (v1.32)."""
    ports = [{"port": 80, "name": "a"}, {"port": 81, "name": "b", "nodePort": 30001}]
    written = service(type="LoadBalancer", allocateLoadBalancerNodePorts=False, ports=ports)
    made: Any = handle(Objects(), Create(from_json(written)))[0].object
    assert [port.node_port for port in made.spec.ports] == [0, 30001]
    usual = from_json(service(type="LoadBalancer", ports=ports))
    given: Any = handle(Objects(), Create(usual))[0].object
    assert given.spec.ports[0].node_port
    stored = Objects.of((given,))
    kept: Any = handle(stored, Update(from_json(written), None))[0].object
    assert kept.spec.ports == given.spec.ports


def test_a_node_port_that_a_service_holds_stays_whatever_the_range() -> None:
    held = from_json(service(type="NodePort", ports=[{"port": 80, "nodePort": 80}]))
    store = Objects.of((held,))
    noted: Any = evolve(held, metadata=evolve(held.metadata, labels=strings({"a": "b"})))
    assert handle(store, Update(noted, None))[0].code == 200
    other_port = from_json(service(type="NodePort", ports=[{"port": 80, "nodePort": 81}]))
    assert handle(store, Update(other_port, None))[0].code == 422


def test_there_is_one_global_default() -> None:
    def default(name: str, **fields: Any) -> dict[str, Any]:
        return other("PriorityClass", "scheduling.k8s.io/v1", metadata={"name": name}, value=5, **fields)

    store = Objects().commit(handle(Objects(), Create(from_json(default("a", globalDefault=True))))[1])
    response, writes = handle(store, Create(from_json(default("b", globalDefault=True))))
    assert (response.code, writes) == (403, ())
    assert response.message == (
        'priorityclasses.scheduling.k8s.io "b" is forbidden: '
        "PriorityClass a is already marked as default. Only one default can exist"
    )
    plain, writes = handle(store, Create(from_json(default("b"))))
    assert plain.code == 201
    store = store.commit(writes)
    raised = from_json(default("b", globalDefault=True))
    assert handle(store, Update(raised, None))[0].code == 403
    same = from_json(default("a", globalDefault=True, description="the usual one"))
    assert handle(store, Update(same, None))[0].code == 200


def test_a_mount_without_a_volume_is_told_as_kubernetes_does() -> None:
    response, _ = handle(Objects(), Create(from_json(mounting(mount("cfg")))))
    assert response.message == 'Pod "p" is invalid: spec.containers[0].volumeMounts[0].name: Not found: "cfg"'
    assert [cause.reason for cause in response.causes] == ["FieldValueNotFound"]


def test_a_mount_and_a_device_without_a_name_are_told_that_they_have_none() -> None:
    nameless = container(volumeMounts=[mount("")], volumeDevices=[device("")])
    response, _ = handle(Objects(), Create(from_json(nameless)))
    for field in ("volumeMounts", "volumeDevices"):
        found = [cause.message for cause in response.causes if cause.field == f"{FIRST}.{field}[0].name"]
        assert found[:2] == ["Required value", 'Not found: ""']


DOCKER_JSON = 'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>":'
SECRETS = [
    ({"type": "kubernetes.io/tls", "stringData": {"tls.crt": ""}}, ["data[tls.key]: Required value"]),
    ({"type": "kubernetes.io/tls", "data": {"tls.crt": "YQ=="}, "stringData": {"tls.key": "a"}}, []),
    ({"type": "kubernetes.io/ssh-auth", "data": {"ssh-privatekey": ""}}, ["data[ssh-privatekey]: Required value"]),
    ({"type": "kubernetes.io/ssh-auth", "stringData": {"ssh-privatekey": "k"}}, []),
    ({"type": "kubernetes.io/basic-auth", "stringData": {"password": ""}}, []),
    ({"type": "kubernetes.io/dockercfg"}, ["data[.dockercfg]: Required value"]),
    ({"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": '{"auths": {}}'}}, []),
    (
        {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "[]"}},
        [
            f"{DOCKER_JSON} json: cannot unmarshal array into Go value of type map[string]interface {{}}",
        ],
    ),
    (
        {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": None}},
        [
            f"{DOCKER_JSON} unexpected end of JSON input",
        ],
    ),
    (
        {"type": "kubernetes.io/service-account-token", "metadata": {"annotations": None}},
        ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
    ),
    (
        {
            "type": "kubernetes.io/service-account-token",
            "metadata": {"annotations": {"kubernetes.io/service-account.name": "robot"}},
        },
        [],
    ),
    (
        {"data": {"a": "YQ"}},
        ['data[a]: Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0'],
    ),
    ({"data": {"a": "YQ==\n"}}, []),
    ({"stringData": {"..": "x"}}, ["data[..]: Invalid value: \"..\": must not be '..'"]),
]


@pytest.mark.parametrize(("written", "said"), SECRETS, ids=[str(written) for written, _ in SECRETS])
def test_a_secret_keeps_what_its_type_promises(written: dict[str, Any], said: list[str]) -> None:
    assert [str(error) for error in validate_data("Secret", {"metadata": {"name": "s"}} | written)] == said


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
        ("nginx:latest@sha256:abc", "IfNotPresent"),
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


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        (None, ""),
        ("Europe/Berlin", ""),
        ("Etc/UTC", ""),
        ("Mars/Base", 'spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base'),
        ("Europe", 'spec.timeZone: Invalid value: "Europe": unknown time zone Europe'),
        ("../UTC", 'spec.timeZone: Invalid value: "../UTC": unknown time zone ../UTC'),
        ("", 'spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string'),
        ("Local", "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"),
    ],
)
def test_a_cron_job_is_in_a_time_zone_that_there_is(zone: str | None, told: str) -> None:
    """One in no time zone would never come due, and nothing would be wrong with it."""
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
    spec = {"schedule": "*/5 * * * *", "timeZone": zone, "jobTemplate": {"spec": {"template": template}}}
    made = from_json(other("CronJob", "batch/v1", spec=spec))
    response, _ = handle(Objects(), Create(made))
    assert response.ok == (not told)
    assert told in response.message
