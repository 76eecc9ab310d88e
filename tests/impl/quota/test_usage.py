"""What objects take of a quota: Kubernetes' own tables of unit tests.

Upstream: pkg/quota/v1/evaluator/core/{pods,services}_test.go (TestPodEvaluatorUsage, TestPodConstraintsFunc,
TestServiceEvaluatorUsage), persistent_volume_claims_test.go (v1.32).
"""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from kubeproof.impl.api.core import Pod, Service
from kubeproof.impl.api.kinds import BY_NAME, Object
from kubeproof.impl.api.quota import ResourceQuotaSpec
from kubeproof.impl.api.reading.convert import structure
from kubeproof.impl.api.storage import PersistentVolumeClaim
from kubeproof.impl.api.values.quantity import parse_quantity
from kubeproof.impl.quota.amounts import increase, plus, same, shown
from kubeproof.impl.quota.scopes import in_scope
from kubeproof.impl.quota.usage import names_of, unsaid, usage

NOW, GRACE = 1000, 30


def asking(requests: Any = None, limits: Any = None, name: str = "c", **more: Any) -> dict[str, Any]:
    return {"name": name, "resources": {"requests": requests or {}, "limits": limits or {}}, **more}


def pod(spec: Any, **more: Any) -> Pod:
    return structure({"spec": spec, **more}, Pod)


def taken(obj: Object, now: int = 0) -> dict[str, str]:
    """Return what an object takes, without what is 0 and the one that everything takes."""
    plain = {name: str(amount) for name, amount in usage(obj, now).items() if amount.sign}
    assert [amount for name, amount in plain.items() if name.startswith("count/")] == ["1"]
    return {name: amount for name, amount in plain.items() if not name.startswith("count/")}


CPU = ({"cpu": "1m"}, {"cpu": "2m"}, {"cpu": "1m", "requests.cpu": "1m", "limits.cpu": "2m"})
MEMORY = ({"memory": "1m"}, {"memory": "2m"}, {"memory": "1m", "requests.memory": "1m", "limits.memory": "2m"})
STORAGE = (
    {"ephemeral-storage": "32Mi"},
    {"ephemeral-storage": "64Mi"},
    {"ephemeral-storage": "32Mi", "requests.ephemeral-storage": "32Mi", "limits.ephemeral-storage": "64Mi"},
)
PAGES = ({"hugepages-2Mi": "100Mi"}, {}, {"hugepages-2Mi": "100Mi", "requests.hugepages-2Mi": "100Mi"})
DONGLE = ({"example.com/dongle": "3"}, {"example.com/dongle": "3"}, {"requests.example.com/dongle": "3"})


@pytest.mark.parametrize("place", ["containers", "initContainers"])
@pytest.mark.parametrize(("requests", "limits", "found"), [CPU, MEMORY, STORAGE, PAGES, DONGLE])
def test_a_pod_takes_what_its_containers_ask_for(place: str, requests: Any, limits: Any, found: Any) -> None:
    assert taken(pod({place: [asking(requests, limits)]})) == {"pods": "1", **found}


def test_init_containers_count_where_they_ask_for_more_than_all_others() -> None:
    spec = {
        "initContainers": [
            asking({"cpu": "4", "memory": "100M", "example.com/dongle": "4"}, {"cpu": "8", "memory": "200M"}),
            asking({"cpu": "1", "memory": "50M", "example.com/dongle": "2"}, {"cpu": "2", "memory": "100M"}),
        ],
        "containers": [
            asking({"cpu": "1", "memory": "50M", "example.com/dongle": "1"}, {"cpu": "2", "memory": "100M"}),
            asking({"cpu": "2", "memory": "25M", "example.com/dongle": "2"}, {"cpu": "5", "memory": "50M"}),
        ],
    }
    assert taken(pod(spec)) == {
        "pods": "1",
        "cpu": "4",
        "requests.cpu": "4",
        "limits.cpu": "8",
        "memory": "100M",
        "requests.memory": "100M",
        "limits.memory": "200M",
        "requests.example.com/dongle": "4",
    }


def test_overhead_counts_with_the_containers() -> None:
    spec = {"overhead": {"cpu": "1"}, "containers": [asking({"cpu": "1"}, {"cpu": "2"})]}
    assert taken(pod(spec)) == {"pods": "1", "cpu": "2", "requests.cpu": "2", "limits.cpu": "3"}


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_is_over_takes_its_count_alone(phase: str) -> None:
    over = pod({"containers": [asking(*CPU[:2])]}, status={"phase": phase})
    assert taken(over) == {}
    assert {name: str(amount) for name, amount in usage(over, 0).items()} == {"count/pods": "1"}


@pytest.mark.parametrize(
    ("since", "charged"), [(-2 * GRACE, False), (-GRACE, True), (0, True)], ids=["overdue", "just due", "in time"]
)
def test_a_pod_that_should_be_gone_twice_its_grace_is_not_charged(since: int, charged: bool) -> None:  # noqa: FBT001
    plain = pod({"containers": [asking(*CPU[:2])]})
    meta = evolve(plain.metadata, deletion_timestamp=NOW + since, deletion_grace_period_seconds=GRACE)
    assert ("pods" in taken(evolve(plain, metadata=meta), NOW)) is charged


MISSING: list[tuple[list[Any], list[Any], list[str], dict[str, tuple[str, ...]]]] = [
    ([], [asking(*CPU[:2], name="dummy")], ["memory"], {"memory": ("dummy",)}),
    ([], [asking(*CPU[:2], name="foo"), asking(*CPU[:2], name="bar")], ["memory"], {"memory": ("bar", "foo")}),
    ([asking(*CPU[:2], name="dummy")], [], ["memory"], {"memory": ("dummy",)}),
    (
        [asking(name="foo"), asking(name="bar")],
        [],
        ["memory", "cpu"],
        {"cpu": ("bar", "foo"), "memory": ("bar", "foo")},
    ),
    ([asking(*CPU[:2])], [], ["requests.cpu", "limits.cpu", "pods", "requests.example.com/dongle"], {}),
]


@pytest.mark.parametrize(("containers", "starting", "required", "missing"), MISSING)
def test_every_container_says_what_a_quota_counts_of_cpu_and_memory(
    containers: Any, starting: Any, required: list[str], missing: Any
) -> None:
    assert unsaid(pod({"containers": containers, "initContainers": starting}), required) == missing


def service(kind: str, ports: int, *, allocate: bool | None = None, numbers: bool = False) -> Service:
    said = {} if allocate is None else {"allocateLoadBalancerNodePorts": allocate}
    found = [{"port": 27443 + one, **({"nodePort": 32001 + one} if numbers else {})} for one in range(ports)]
    return structure({"spec": {"type": kind, "ports": found, **said}}, Service)


@pytest.mark.parametrize(
    ("one", "nodeports", "balancers"),
    [
        (service("ClusterIP", 0), 0, 0),
        (service("NodePort", 1), 1, 0),
        (service("NodePort", 2), 2, 0),
        (service("LoadBalancer", 1), 1, 1),
        (service("LoadBalancer", 2), 2, 1),
        (service("LoadBalancer", 2, allocate=False), 0, 1),
        (service("LoadBalancer", 2, numbers=True), 2, 1),
        (service("LoadBalancer", 2, allocate=True), 2, 1),
        (service("LoadBalancer", 2, allocate=False, numbers=True), 2, 1),
    ],
)
def test_a_service_takes_the_node_ports_that_it_wishes_for(one: Service, nodeports: int, balancers: int) -> None:
    found = {name: amount.value() for name, amount in usage(one, 0).items()}
    most = {"services.nodeports": nodeports, "services.loadbalancers": balancers}
    assert found == {"count/services": 1, "services": 1, **most}


def test_a_claim_counts_for_its_class_as_well() -> None:
    spec = {"storageClassName": "gold", "resources": {"requests": {"storage": "10Gi"}}}
    assert taken(structure({"spec": spec}, PersistentVolumeClaim)) == {
        "persistentvolumeclaims": "1",
        "requests.storage": "10Gi",
        "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
        "gold.storageclass.storage.k8s.io/requests.storage": "10Gi",
    }


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (
            "Pod",
            {"count/pods", "pods", "cpu", "requests.example.com/dongle", "hugepages-2Mi", "requests.hugepages-2Mi"},
        ),
        ("Service", {"services", "services.nodeports"}),
        ("PersistentVolumeClaim", {"requests.storage", "gold.storageclass.storage.k8s.io/requests.storage"}),
        ("Deployment", {"count/deployments.apps"}),
        ("ResourceQuota", {"resourcequotas"}),
    ],
)
def test_who_takes_of_what_is_said_by_its_name(kind: str, names: set[str]) -> None:
    hard = {
        *("count/pods", "pods", "cpu", "requests.example.com/dongle", "hugepages-2Mi", "requests.hugepages-2Mi"),
        *("services", "services.nodeports", "requests.storage", "count/deployments.apps", "resourcequotas", "secrets"),
        "gold.storageclass.storage.k8s.io/requests.storage",
    }
    assert names_of(BY_NAME[kind], hard) == names


def of(scopes: Any = (), *selected: Any) -> ResourceQuotaSpec:
    selector = {"scopeSelector": {"matchExpressions": list(selected)}} if selected else {}
    return structure({"hard": {"pods": "1"}, "scopes": list(scopes), **selector}, ResourceQuotaSpec)


def by_class(operator: str, *values: str) -> dict[str, Any]:
    return {"scopeName": "PriorityClass", "operator": operator, "values": list(values)}


PLAIN: Any = {"containers": [asking()]}
ASKS: Any = {"containers": [asking({"cpu": "1"})]}
NEAR = {"labelSelector": {}, "topologyKey": "zone", "namespaces": ["other"]}


@pytest.mark.parametrize(
    ("spec", "quota", "counted"),
    [
        (PLAIN, of(["BestEffort"]), True),
        (ASKS, of(["BestEffort"]), False),
        (ASKS, of(["NotBestEffort"]), True),
        (PLAIN, of(["NotBestEffort"]), False),
        ({**PLAIN, "activeDeadlineSeconds": 60}, of(["Terminating"]), True),
        (PLAIN, of(["Terminating"]), False),
        (PLAIN, of(["NotTerminating"]), True),
        (PLAIN, of(["NotTerminating", "NotBestEffort"]), False),
        ({**PLAIN, "priorityClassName": "high"}, of((), by_class("In", "high")), True),
        ({**PLAIN, "priorityClassName": "low"}, of((), by_class("In", "high")), False),
        (PLAIN, of((), by_class("In", "high")), False),
        (PLAIN, of((), by_class("NotIn", "high")), True),
        ({**PLAIN, "priorityClassName": "high"}, of((), by_class("NotIn", "high")), False),
        ({**PLAIN, "priorityClassName": "high"}, of(["PriorityClass"]), True),
        (PLAIN, of((), by_class("DoesNotExist")), True),
        (PLAIN, of((), by_class("Exists")), False),
        (PLAIN, of(["CrossNamespacePodAffinity"]), False),
        (
            {**PLAIN, "affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [NEAR]}}},
            of(["CrossNamespacePodAffinity"]),
            True,
        ),
    ],
)
def test_scopes_say_which_pods_are_counted(spec: Any, quota: ResourceQuotaSpec, counted: bool) -> None:  # noqa: FBT001
    assert in_scope(quota, pod(spec)) is counted


def test_a_quota_with_scopes_counts_nothing_but_pods() -> None:
    assert in_scope(of(), Service())
    assert not in_scope(of(["NotBestEffort"]), Service())


def test_sums_are_compared_as_numbers_and_written_in_order() -> None:
    one, other = {"pods": parse_quantity("1"), "cpu": parse_quantity("500m")}, {"cpu": parse_quantity("0.5")}
    assert shown(plus(one, other)) == "cpu=1,pods=1"
    assert shown(increase(other, one)) == "cpu=0"
    assert same(other, {"cpu": parse_quantity("500m")})
    assert not same(one, other)
