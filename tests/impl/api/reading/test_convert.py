"""Objects go to JSON and back without losing anything, and what is wrong is named with its path."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.impl.api.apps import Deployment
from kubeproof.impl.api.core import Container, ContainerPort, Pod, PodSpec, Probe
from kubeproof.impl.api.kinds import KINDS
from kubeproof.impl.api.policy import Role
from kubeproof.impl.api.reading.convert import BadObject, FieldError, from_json, structure, unstructure
from kubeproof.impl.api.reading.json_fields import fields_of, json_name
from kubeproof.impl.api.reading.schema import table
from kubeproof.impl.api.values.quantity import parse_quantity
from kubeproof.impl.api.values.timestamps import format_time, parse_time

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "web",
        "namespace": "default",
        "labels": {"app": "web"},
        "creationTimestamp": "2025-01-31T12:00:00Z",
        "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}],
        "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "1", "controller": True}],
    },
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "web"}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "volumes": [{"name": "v", "emptyDir": {}}],
                "hostNetwork": True,
                "affinity": {"podAntiAffinity": {}},
                "containers": [
                    {
                        "name": "c",
                        "image": "nginx",
                        "env": [{"name": "A", "value": "1"}, {"name": "B"}],
                        "ports": [{"containerPort": 80, "protocol": "TCP", "hostIP": "10.0.0.1"}],
                        "resources": {"requests": {"cpu": "500m", "memory": "64Mi"}},
                        "readinessProbe": {"httpGet": {"port": 80}, "timeoutSeconds": 1, "periodSeconds": 10}
                        | {"successThreshold": 1, "failureThreshold": 3},
                    }
                ],
            },
        },
    },
}


def test_what_was_read_is_written_again_modelled_or_not() -> None:
    assert unstructure(from_json(DEPLOYMENT)) == DEPLOYMENT


def test_an_object_is_made_of_its_fields() -> None:
    loaded = from_json(DEPLOYMENT)
    assert isinstance(loaded, Deployment)
    container = loaded.spec.template.spec.containers[0]
    assert container.resources.requests["cpu"] == parse_quantity("500m")
    assert container.ports == (ContainerPort(80, host_ip="10.0.0.1"),)
    assert list(container.extra) == ["env"]
    assert loaded.metadata.creation_timestamp == 1738324800
    assert loaded.spec.replicas == 0
    hash(loaded)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text("xyz", min_size=1, max_size=3), JSON, max_size=3))
def test_unknown_fields_survive_whatever_they_hold(extra: dict[str, Any]) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"} | extra, "spec": {"containers": []} | extra}
    there = {key: value for key, value in extra.items() if value is not None}
    assert unstructure(from_json(pod)) == pod | {
        "metadata": {"name": "p"} | there,
        "spec": {"containers": []} | there,
    }


def test_a_null_is_a_field_that_is_not_there() -> None:
    spec = {"containers": [{"name": "app", "image": "web:1", "env": None}], "volumes": None, "tolerations": None}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": None}, "spec": spec}
    bare = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    assert from_json(pod) == from_json(bare | {"spec": {"containers": [{"name": "app", "image": "web:1"}]}})


@given(st.integers(-(10**9), 4 * 10**9))
def test_times_are_seconds(seconds: int) -> None:
    assert parse_time(format_time(seconds)) == seconds
    assert parse_time(format_time(seconds, micro=True)) == seconds


def test_times_may_have_a_zone_and_fractions_and_a_lease_prints_micros() -> None:
    assert parse_time("1970-01-01T01:00:01.9+01:00") == 1
    assert parse_time("1970-01-01") is None
    assert parse_time("1970-13-01T00:00:00Z") is None
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l", "namespace": "n"}}
    lease |= {"spec": {"renewTime": "2025-01-01T00:00:00.000000Z", "holderIdentity": "x"}}
    assert unstructure(from_json(lease)) == lease


def test_absent_null_and_zero_are_left_out_but_not_what_kubernetes_always_prints() -> None:
    spec = structure({"containers": None, "nodeName": "", "hostNetwork": False, "priority": None}, PodSpec)
    assert spec == PodSpec()
    assert unstructure(spec) == {"containers": []}
    assert unstructure(Container()) == {"name": "", "resources": {}}
    assert unstructure(structure({"initialDelaySeconds": 0}, Probe)) == unstructure(Probe())


def test_an_optional_field_is_kept_when_it_is_given_even_if_it_is_zero_or_empty() -> None:
    given_ones = {"containers": [], "priority": 0, "affinity": {"nodeAffinity": {}}}
    assert unstructure(structure(given_ones, PodSpec)) == given_ones


BAD = [
    ({"spec": {"containers": [{"image": 3}]}}, "spec.containers[0].image", "expected a string, got 3"),
    ({"spec": {"containers": {}}}, "spec.containers", "expected a list, got {}"),
    ({"spec": []}, "spec", "expected a map, got []"),
    ({"spec": {"priority": "high"}}, "spec.priority", 'expected an integer, got "high"'),
    ({"spec": {"initContainers": [{"ports": [None]}]}}, "spec.initContainers[0].ports[0]", "expected a map, got null"),
    ({"spec": {"priority": True}}, "spec.priority", "expected an integer, got true"),
    ({"spec": {"priority": 1.5}}, "spec.priority", "expected an integer, got 1.5"),
    ({"spec": {"hostNetwork": "yes"}}, "spec.hostNetwork", 'expected true or false, got "yes"'),
    ({"metadata": {"labels": {"a.b/c": 1}}}, "metadata.labels[a.b/c]", "expected a string, got 1"),
    ({"metadata": {"labels": [1]}}, "metadata.labels", "expected a map, got [1]"),
    (
        {"metadata": {"deletionTimestamp": "soon"}},
        "metadata.deletionTimestamp",
        'expected a time such as 2025-01-31T12:00:00Z, got "soon"',
    ),
]


@pytest.mark.parametrize(("json", "path", "message"), BAD, ids=[path for _, path, _ in BAD])
def test_a_wrong_type_is_named_with_its_path(json: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(BadObject) as caught:
        structure(json, Pod)
    assert caught.value.errors == (FieldError(path, message),)


def test_every_error_of_an_object_is_reported_in_the_order_of_its_fields() -> None:
    cpu = {"name": 1, "resources": {"limits": {"cpu": "fast", "memory": []}}}
    with pytest.raises(BadObject) as caught:
        structure({"spec": {"containers": [{"image": 2}, cpu]}, "metadata": 7}, Pod)
    paths = [error.path for error in caught.value.errors]
    limits = [f"spec.containers[1].resources.limits[{name}]" for name in ("cpu", "memory")]
    assert paths == ["spec.containers[0].image", "spec.containers[1].name", *limits, "metadata"]


def test_a_number_or_text_is_neither_true_nor_a_list() -> None:
    for wrong in (True, [1]):
        with pytest.raises(BadObject) as caught:
            structure({"spec": {"strategy": {"rollingUpdate": {"maxSurge": wrong}}}}, Deployment)
        (error,) = caught.value.errors
        assert str(error).startswith("spec.strategy.rollingUpdate.maxSurge: expected an integer or a string, got")


def test_a_map_of_times_is_a_map_of_times() -> None:
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b", "namespace": "n"}}
    status = {"disruptedPods": {"p": "2025-01-01T00:00:00Z"}, "disruptionsAllowed": 1, "currentHealthy": 2}
    budget |= {"status": status | {"desiredHealthy": 1, "expectedPods": 2}}
    assert unstructure(from_json(budget)) == budget


def test_numbers_are_taken_where_go_takes_them() -> None:
    resources = {"resources": {"limits": {"cpu": 1, "memory": 1e3}}}
    limits = structure(resources, Container).resources.limits
    assert {name: str(quantity) for name, quantity in limits.items()} == {"cpu": "1", "memory": "1k"}
    assert structure({"priority": 3.0}, PodSpec).priority == 3


@pytest.mark.parametrize(
    ("json", "path"),
    [
        ([], ""),
        ({"kind": "Gadget", "apiVersion": "v1"}, "kind"),
        ({"kind": "Pod", "apiVersion": "v2"}, "apiVersion"),
        ({"apiVersion": "v1"}, "kind"),
    ],
)
def test_an_object_needs_a_kind_that_is_modelled(json: Any, path: str) -> None:
    with pytest.raises(BadObject) as caught:
        from_json(json)
    assert [error.path for error in caught.value.errors] == [path]


def test_a_role_without_a_namespace_is_written_as_a_cluster_role() -> None:
    assert unstructure(Role())["kind"] == "ClusterRole"


@pytest.mark.parametrize(
    ("attribute", "name"),
    [
        ("host_ip", "hostIP"),
        ("external_ips", "externalIPs"),
        ("qos_class", "qosClass"),
        ("uid", "uid"),
        ("non_resource_urls", "nonResourceURLs"),
        ("provider_id", "providerID"),
        ("ip_families", "ipFamilies"),
    ],
)
def test_json_names_are_camel_case_with_kubernetes_abbreviations(attribute: str, name: str) -> None:
    assert json_name(attribute) == name


EXCEPTIONS = {
    "WorkloadCondition.last_update_time",  # Deployments have it, ReplicaSets share the class
    "Eviction.grace_period_seconds",  # it is deleteOptions.gracePeriodSeconds in JSON
}


def _classes(cls: type, definition: str, seen: dict[str, type]) -> None:
    """Pair every class below one with the definition of the schema it stands for."""
    if definition in seen:
        return
    seen[definition] = cls
    types = table()["types"][definition]
    for one in fields_of(cls):
        kind = types.get(one.json)
        inner = kind[0] if isinstance(kind, list) else kind
        parts = [part for part in (one.type, *getattr(one.type, "__args__", ())) if attrs.has(part)]
        if parts and isinstance(inner, str) and inner.startswith("#"):
            _classes(parts[0], inner[1:], seen)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_modelled_field_is_a_field_of_kubernetes(kind: Any) -> None:
    seen: dict[str, type] = {}
    _classes(kind.cls, table()["kinds"][kind.api_version][kind.name], seen)
    strangers = {
        f"{cls.__name__}.{one.name}"
        for definition, cls in seen.items()
        for one in fields_of(cls)
        if one.json not in table()["types"][definition]
    }
    assert strangers <= EXCEPTIONS
