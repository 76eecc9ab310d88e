"""LimitRanger: defaults, and bounds with the plugin's own words.

Upstream: plugin/pkg/admission/limitranger/admission_test.go (TestMergePodResourceRequirements, TestPodLimitFunc,
TestPersistentVolumeClaimLimitFunc) (v1.32); the words are also those of a record of tests/vectors/apiserver/protocol.
"""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from kubeproof.impl.api.core import Namespace, Pod
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.quota import LimitRange
from kubeproof.impl.api.reading.convert import structure, unstructure
from kubeproof.impl.api.requests import Create, Response, Update
from kubeproof.impl.api.storage import PersistentVolumeClaim, PersistentVolumeClaimStatus
from kubeproof.impl.apiserver import Objects, handle
from kubeproof.impl.apiserver.admission.limitranger import ANNOTATION

NAMED = {"name": "x", "namespace": "test"}


def amounts(cpu: str = "", memory: str = "") -> dict[str, str]:
    return {name: text for name, text in (("cpu", cpu), ("memory", memory)) if text}


def limit_range(kind: str = "Container", **parts: Any) -> LimitRange:
    return structure({"metadata": NAMED, "spec": {"limits": [{"type": kind, **parts}]}}, LimitRange)


DEFAULTS = limit_range(
    min=amounts("25m", "1Mi"),
    max=amounts("500m", "2Gi"),
    default=amounts("75m", "10Mi"),
    defaultRequest=amounts("50m", "5Mi"),
)


def pod(containers: int = 1, requests: Any = None, limits: Any = None, place: str = "containers") -> Pod:
    spec: dict[str, Any] = {"containers": [{"name": "c", "image": "foo"}]} if place != "containers" else {}
    spec[place] = [
        {"name": f"foo-{one}", "image": "foo", "resources": {"requests": requests or {}, "limits": limits or {}}}
        for one in range(containers)
    ]
    return structure({"metadata": NAMED, "spec": spec}, Pod)


def store(*objects: Any) -> Objects:
    found = Objects.of((Namespace(ObjectMeta("test")),))
    for one in objects:
        response, transaction = handle(found, Create(one))
        assert response.ok, response
        found = found.commit(transaction)
    return found


def created(one: Pod | PersistentVolumeClaim, *ranges: LimitRange) -> Response:
    return handle(store(*ranges), Create(one))[0]


def refusal(one: Pod | PersistentVolumeClaim, *ranges: LimitRange) -> str:
    """Return why an object is refused, without the name that each refusal begins with; "" if it is not."""
    response = created(one, *ranges)
    assert response.code in {201, 403}
    return response.message.partition("is forbidden: ")[2]


def made(one: Pod, *ranges: LimitRange) -> Pod:
    found = created(one, *ranges).object
    assert isinstance(found, Pod)
    return found


@pytest.mark.parametrize(
    ("requests", "limits", "found", "told"),
    [
        (
            {},
            {},
            (amounts("50m", "5Mi"), amounts("75m", "10Mi")),
            "LimitRanger plugin set: cpu, memory request for container foo-0; cpu, memory limit for container foo-0",
        ),
        (
            amounts("", "8Mi"),
            {},
            (amounts("50m", "8Mi"), amounts("75m", "10Mi")),
            "LimitRanger plugin set: cpu request for container foo-0; cpu, memory limit for container foo-0",
        ),
        (amounts("100m", "512Mi"), amounts("200m", "1G"), (amounts("100m", "512Mi"), amounts("200m", "1G")), None),
    ],
    ids=["nothing said", "a request said", "all said"],
)
def test_a_container_gets_what_it_does_not_say(requests: Any, limits: Any, found: Any, told: str | None) -> None:
    one = made(pod(1, requests, limits), DEFAULTS)
    resources = unstructure(one)["spec"]["containers"][0]["resources"]
    assert (resources["requests"], resources["limits"]) == found
    assert one.metadata.annotations.get(ANNOTATION) == told


def test_init_containers_get_defaults_as_well_and_are_called_so() -> None:
    one = made(pod(1, {}, {}, "initContainers"), DEFAULTS)
    assert "cpu, memory limit for init container foo-0" in one.metadata.annotations[ANNOTATION]
    assert one.spec.init_containers[0].resources.limits["memory"].value() == 10 * 2**20


def test_of_several_limit_ranges_the_first_that_says_something_counts() -> None:
    one = evolve(limit_range(default=amounts("60m")), metadata=ObjectMeta("a", namespace="test"))
    container = made(pod(), one, DEFAULTS).spec.containers[0]
    assert str(container.resources.limits["cpu"]) == "60m"
    assert str(container.resources.limits["memory"]) == "10Mi"


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ({"max": amounts("1")}, {"default": amounts("1"), "defaultRequest": amounts("1")}),
        ({"default": amounts("1")}, {"defaultRequest": amounts("1")}),
        ({"min": amounts("1")}, {"defaultRequest": amounts("1")}),
        ({"min": amounts("1"), "max": amounts("2")}, {"default": amounts("2"), "defaultRequest": amounts("2")}),
    ],
)
def test_what_a_limit_range_leaves_open_follows_from_the_rest(said: Any, given: Any) -> None:
    found = store(limit_range(**said)).get(ref_of(DEFAULTS))
    assert unstructure(found)["spec"]["limits"] == [{"type": "Container", **said, **given}]


HOLDS: list[tuple[Pod, LimitRange]] = [
    (pod(1, amounts("100m")), limit_range(min=amounts("50m"))),
    (pod(1, amounts("100m"), amounts("200m")), limit_range(min=amounts("50m"))),
    (pod(1, amounts("500m"), amounts("1")), limit_range(max=amounts("2"))),
    (pod(1, {}, amounts("1")), limit_range(max=amounts("2"))),
    (pod(1, amounts("500m"), amounts("750m")), limit_range(maxLimitRequestRatio=amounts("1.5"))),
    (pod(2, amounts("75m")), limit_range("Pod", min=amounts("100m"))),
    (pod(2, amounts("500m"), amounts("1")), limit_range("Pod", max=amounts("2"))),
    (pod(2, amounts("", "250Mi"), amounts("", "500Mi")), limit_range("Pod", max=amounts("", "1Gi"))),
    (
        pod(3, amounts("", "300Mi"), amounts("", "450Mi")),
        limit_range("Pod", max=amounts("", "2Gi"), maxLimitRequestRatio=amounts("", "1.5")),
    ),
    (pod(1, amounts("1"), {}, "initContainers"), limit_range("Pod", min=amounts("1"))),
]


@pytest.mark.parametrize(("one", "bounds"), HOLDS)
def test_what_keeps_the_bounds_is_let_in(one: Pod, bounds: LimitRange) -> None:
    assert refusal(one, bounds) == ""


BREAKS: list[tuple[Pod, LimitRange, str]] = [
    (
        pod(1, amounts("40m")),
        limit_range(min=amounts("50m")),
        "minimum cpu usage per Container is 50m, but request is 40m",
    ),
    (
        pod(1, amounts("500m"), amounts("2500m")),
        limit_range(max=amounts("2")),
        "maximum cpu usage per Container is 2, but limit is 2500m",
    ),
    (
        pod(1, amounts("1250m"), amounts("2500m")),
        limit_range(maxLimitRequestRatio=amounts("1")),
        "cpu max limit to request ratio per Container is 1, but provided ratio is 2.000000",
    ),
    (
        pod(1, amounts("10m"), amounts("2")),
        limit_range(min=amounts("50m"), max=amounts("1")),
        (
            "[minimum cpu usage per Container is 50m, but request is 10m, "
            "maximum cpu usage per Container is 1, but limit is 2]"
        ),
    ),
    (
        pod(1, {}, {}),
        limit_range(maxLimitRequestRatio=amounts("2")),
        "cpu max limit to request ratio per Container is 2, but no request is specified or request is 0",
    ),
    (
        pod(1, amounts("1"), {}),
        limit_range(maxLimitRequestRatio=amounts("2")),
        "cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0",
    ),
    (
        pod(1, {}, {}),
        limit_range("Pod", min=amounts("1")),
        "minimum cpu usage per Pod is 1.  No request is specified",
    ),
    (
        pod(2, amounts("", "250Mi"), {}),
        limit_range("Pod", max=amounts("", "1Gi")),
        "maximum memory usage per Pod is 1Gi.  No limit is specified",
    ),
    (
        pod(3, amounts("", "250Mi"), amounts("", "500Mi")),
        limit_range("Pod", max=amounts("", "1Gi")),
        "maximum memory usage per Pod is 1Gi, but limit is 1500Mi",
    ),
    (
        pod(1, amounts("1"), amounts("3"), "initContainers"),
        limit_range(max=amounts("2")),
        "maximum cpu usage per Container is 2, but limit is 3",
    ),
]


@pytest.mark.parametrize(("one", "bounds", "told"), BREAKS)
def test_what_breaks_a_bound_is_refused_in_these_words(one: Pod, bounds: LimitRange, told: str) -> None:
    assert refusal(one, bounds) == told


def claim(storage: str) -> PersistentVolumeClaim:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}}
    return structure({"metadata": NAMED, "spec": spec}, PersistentVolumeClaim)


CLAIMS = limit_range("PersistentVolumeClaim", min={"storage": "2Gi"}, max={"storage": "10Gi"})


@pytest.mark.parametrize(
    ("storage", "told"),
    [
        ("5Gi", ""),
        ("1Gi", "minimum storage usage per PersistentVolumeClaim is 2Gi, but request is 1Gi"),
        ("500Gi", "maximum storage usage per PersistentVolumeClaim is 10Gi, but request is 500Gi"),
    ],
)
def test_claims_have_bounds_of_their_own(storage: str, told: str) -> None:
    assert refusal(claim(storage), CLAIMS) == told


def test_a_claim_is_held_to_them_when_it_grows_as_well() -> None:
    """Only one that is bound may grow; that is looked at first."""
    bound = PersistentVolumeClaimStatus(phase="Bound")
    found = store(CLAIMS, evolve(claim("5Gi"), status=bound))
    response, transaction = handle(found, Update(evolve(claim("50Gi"), status=bound), None))
    assert (response.code, transaction) == (403, ())
    assert handle(store(CLAIMS, claim("5Gi")), Update(claim("50Gi"), None))[0].code == 422


def test_other_namespaces_have_other_limits() -> None:
    elsewhere = evolve(DEFAULTS, metadata=ObjectMeta("x", namespace="default"))
    assert made(pod(), elsewhere).spec.containers[0].resources.limits == {}


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"min": amounts("2"), "max": amounts("1")}, "min value 2 is greater than max value 1"),
        (
            {"default": amounts("1"), "defaultRequest": amounts("2")},
            "default request value 2 is greater than default limit",
        ),
        ({"min": amounts("2"), "defaultRequest": amounts("1")}, "min value 2 is greater than default request value 1"),
        ({"maxLimitRequestRatio": amounts("0.5")}, "ratio 500m is less than 1"),
        ({"max": {"foo": "1"}}, "must be a standard resource type or fully qualified"),
    ],
)
def test_a_limit_range_that_nobody_can_keep_is_none(parts: Any, told: str) -> None:
    response, _ = handle(store(), Create(limit_range(**parts)))
    assert response.code == 422
    assert told in response.message


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (limit_range("Node"), "must be a standard limit type or fully qualified"),
        (limit_range("PersistentVolumeClaim"), "either minimum or maximum storage value is required"),
        (evolve(DEFAULTS, spec=evolve(DEFAULTS.spec, limits=DEFAULTS.spec.limits * 2)), "Duplicate value"),
    ],
)
def test_a_limit_range_has_each_type_once_and_knows_it(one: LimitRange, told: str) -> None:
    assert told in handle(store(), Create(one))[0].message
