"""ResourceQuota: what is counted when something is created, what is refused and in which words.

Upstream: staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota (v1.32), plugin/pkg/admission/resourcequota/
admission_test.go; the words are those of tests/vectors/apiserver/protocol and of the end-to-end recordings.
"""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Namespace, Pod, Service
from kubeproof.impl.api.kinds import Object, ref_of
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.quota import ResourceQuota, ResourceQuotaStatus
from kubeproof.impl.api.reading.convert import structure
from kubeproof.impl.api.requests import AnyRequest, Create, Response, Update
from kubeproof.impl.apiserver import Config, Objects, handle
from kubeproof.impl.controllers.resourcequota import reconcile


def quota(name: str = "q", counted: bool = True, used: Any = None, **hard: str) -> ResourceQuota:  # noqa: FBT001, FBT002
    names = {key.replace("__", "/").replace("_", "."): text for key, text in hard.items()}
    one = structure({"metadata": {"name": name, "namespace": "default"}, "spec": {"hard": names}}, ResourceQuota)
    if not counted:
        return one
    taken = structure({"used": {key: (used or {}).get(key, "0") for key in names}}, ResourceQuotaStatus)
    return evolve(one, status=evolve(taken, hard=one.spec.hard))


def pod(name: str = "p", **spec: Any) -> Pod:
    container = {"name": "c", "image": "i", **spec}
    return structure({"metadata": {"name": name, "namespace": "default"}, "spec": {"containers": [container]}}, Pod)


def asking(request: str, **limits: str) -> Pod:
    return pod(resources={"requests": {"cpu": request}, "limits": limits})


def store(*objects: Object) -> Objects:
    return Objects.of((Namespace(ObjectMeta("default")), *objects))


def sent(objects: Objects, *requests: AnyRequest, config: Config = Config()) -> tuple[Response, Objects]:  # noqa: B008
    """Send some requests; give the last answer."""
    response = Response(200)
    for request in requests:
        response, transaction = handle(objects, request, config=config)
        objects = objects.commit(transaction)
    return response, objects


def used(objects: Objects, name: str = "q") -> dict[str, str]:
    one = objects.get(ref_of(quota(name)))
    assert isinstance(one, ResourceQuota)
    return {key: str(amount) for key, amount in one.status.used.items()}


def test_what_is_created_is_counted_in_the_same_request() -> None:
    response, after = sent(store(quota(pods="2", requests_cpu="1")), Create(asking("500m")))
    assert response.ok
    assert used(after) == {"pods": "1", "requests.cpu": "500m"}


def test_what_does_not_fit_is_refused_and_not_counted() -> None:
    response, after = sent(store(quota(pods="1", count__pods="9", used={"pods": "1"})), Create(pod("c")))
    assert (response.code, response.reason) == (403, "Forbidden")
    assert response.message == (
        'pods "c" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'
    )
    assert used(after) == {"pods": "1", "count/pods": "0"}


def test_all_that_is_exceeded_is_named_in_order() -> None:
    response, _ = sent(store(quota(requests_cpu="1", limits_cpu="1", pods="5")), Create(asking("2", cpu="3")))
    assert response.message.endswith(
        "exceeded quota: q, requested: limits.cpu=3,requests.cpu=2, used: limits.cpu=0,requests.cpu=0, "
        "limited: limits.cpu=1,requests.cpu=1"
    )


def test_a_container_has_to_say_what_is_counted_of_cpu_and_memory() -> None:
    response, _ = sent(store(quota(requests_cpu="1", limits_memory="1Gi")), Create(pod("a")))
    assert response.message == (
        'pods "a" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c'
    )


def test_a_quota_that_nobody_has_counted_lets_all_in() -> None:
    response, after = sent(store(quota(counted=False, pods="1")), Create(pod("a")), Create(pod("b")))
    assert response.ok
    assert used(after) == {}


def test_a_quota_of_which_a_part_is_not_counted_refuses_what_would_take_of_it() -> None:
    half = evolve(quota(pods="1"), status=ResourceQuotaStatus(hard=quota(pods="1").spec.hard))
    response, _ = sent(store(half), Create(pod("a")))
    assert response.message.endswith("status unknown for quota: q, resources: pods")


def test_every_quota_of_the_namespace_has_to_have_room() -> None:
    response, after = sent(store(quota("a", pods="5"), quota("b", pods="0")), Create(pod()))
    assert "exceeded quota: b" in response.message
    assert used(after, "a") == {"pods": "0"}


def test_quotas_of_other_namespaces_are_not_asked() -> None:
    elsewhere = evolve(quota(pods="0"), metadata=ObjectMeta("q", namespace="kube-system"))
    assert sent(store(elsewhere), Create(pod()))[0].ok


def test_a_dry_run_is_refused_as_well_and_counts_nothing() -> None:
    response, after = sent(store(quota(pods="1")), Create(pod("a")), Create(pod("b")), config=Config(dry_run=True))
    assert used(after) == {"pods": "0"}
    response, _ = sent(store(quota(pods="0")), Create(pod("a")), config=Config(dry_run=True))
    assert response.code == 403


def service(kind: str, name: str = "s") -> Service:
    ports = [{"port": 80}, {"port": 81, "name": "b"}] if kind == "NodePort" else [{"port": 80}]
    ports[0]["name"] = "a"
    return structure(
        {"metadata": {"name": name, "namespace": "default"}, "spec": {"type": kind, "ports": ports}}, Service
    )


def test_a_service_that_changes_is_charged_for_what_it_takes_more() -> None:
    begun = store(quota(services="1", services_nodeports="2"))
    _, one = sent(begun, Create(service("ClusterIP")))
    assert used(one) == {"services": "1", "services.nodeports": "0"}
    response, after = sent(one, Update(service("NodePort"), None))
    assert response.ok
    assert used(after) == {"services": "1", "services.nodeports": "2"}
    full = store(quota(services="1", services_nodeports="1"))
    _, one = sent(full, Create(service("ClusterIP")))
    response, _ = sent(one, Update(service("NodePort"), None))
    assert (
        "requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1" in response.message
    )


def test_objects_of_any_kind_are_counted_by_their_name_in_a_url() -> None:
    response, _ = sent(
        store(quota(count__services="1")), Create(service("ClusterIP")), Create(service("ClusterIP", "t"))
    )
    assert 'services "t" is forbidden: exceeded quota: q, requested: count/services=1' in response.message


def test_the_status_of_a_quota_is_nobodys_wish() -> None:
    wished = quota(pods="1", used={"pods": "7"})
    _, after = sent(store(), Create(wished))
    assert used(after) == {}


def test_scopes_may_not_change() -> None:
    scoped = evolve(quota(pods="1"), spec=evolve(quota(pods="1").spec, scopes=("BestEffort",)))
    response, _ = sent(store(quota(pods="1")), Update(scoped, None))
    assert 'spec.scopes: Invalid value: []core.ResourceQuotaScope{"BestEffort"}: field is immutable' in response.message


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"hard": {"pods": "1"}, "scopes": ["BestEffort", "NotBestEffort"]}, "conflicting scopes"),
        ({"hard": {"services": "1"}, "scopes": ["BestEffort"]}, "unsupported scope applied to resource"),
        ({"hard": {"cpu": "1"}, "scopes": ["BestEffort"]}, "unsupported scope applied to resource"),
        ({"hard": {"storage": "1"}}, "must be a standard resource for quota"),
        (
            {"scopeSelector": {"matchExpressions": [{"scopeName": "Terminating", "operator": "In", "values": ["x"]}]}},
            "must be 'Exist' when scope is any of",
        ),
        (
            {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In"}]}},
            "must be at least one value when `operator` is 'In' or 'NotIn'",
        ),
        (
            {
                "scopeSelector": {
                    "matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists", "values": ["x"]}]
                }
            },
            "must be no value when `operator` is 'Exist' or 'DoesNotExist'",
        ),
        (
            {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Is"}]}},
            "not a valid selector operator",
        ),
        ({"scopeSelector": {"matchExpressions": [{"scopeName": "Bad", "operator": "Exists"}]}}, "unsupported scope"),
    ],
)
def test_a_quota_that_makes_no_sense_is_none(spec: Any, told: str) -> None:
    one = structure({"metadata": {"name": "q", "namespace": "default"}, "spec": spec}, ResourceQuota)
    response, _ = sent(store(), Create(one))
    assert response.code == 422
    assert told in response.message


def test_admission_and_controller_count_alike() -> None:
    """What admission has added up is what the controller finds: it has nothing to write."""
    begun = store(quota(pods="5", requests_cpu="4", limits_cpu="9", services="1", services_nodeports="2"))
    _, after = sent(begun, Create(asking("500m", cpu="1")), Create(service("NodePort")))
    assert reconcile(Cache(after.objects), ref_of(quota())) == ()
