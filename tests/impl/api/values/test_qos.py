"""What a Pod asks for at its peak."""

from __future__ import annotations

import pytest

from kubeproof.impl.api.core import PodSpec
from kubeproof.impl.api.reading.convert import structure
from kubeproof.impl.api.values.qos import pod_limits, pod_requests, qos_class


def container(
    requests: dict[str, str] | None = None, limits: dict[str, str] | None = None, **more: str
) -> dict[str, object]:
    return {"name": "c", "resources": {"requests": requests or {}, "limits": limits or {}}, **more}


def spec(containers: list[object], init: list[object] | None = None, overhead: dict[str, str] | None = None) -> PodSpec:
    return structure({"containers": containers, "initContainers": init or [], "overhead": overhead or {}}, PodSpec)


def printed(resources: object) -> dict[str, str]:
    return {name: str(quantity) for name, quantity in dict(resources).items()}  # type: ignore[call-overload]


def test_containers_add_up_and_an_init_container_counts_alone() -> None:
    both = [container({"cpu": "1"}), container({"cpu": "500m"})]
    assert printed(pod_requests(spec(both))) == {"cpu": "1500m"}
    assert printed(pod_requests(spec(both, [container({"cpu": "2"})]))) == {"cpu": "2"}
    assert printed(pod_requests(spec(both, [container({"cpu": "1"})]))) == {"cpu": "1500m"}


def test_a_sidecar_counts_with_the_containers_and_with_init_containers_after_it_only() -> None:
    sidecar, step = container({"cpu": "1"}, restartPolicy="Always"), container({"cpu": "3"})
    assert printed(pod_requests(spec([container({"cpu": "1"})], [sidecar, step]))) == {"cpu": "4"}
    assert printed(pod_requests(spec([container({"cpu": "1"})], [step, sidecar]))) == {"cpu": "3"}


def test_overhead_is_always_requested_but_limits_only_what_is_limited() -> None:
    one = spec([container({"cpu": "1"}, {"cpu": "2"})], overhead={"cpu": "100m", "memory": "1Mi"})
    assert printed(pod_requests(one)) == {"cpu": "1100m", "memory": "1Mi"}
    assert printed(pod_limits(one)) == {"cpu": "2100m"}


FULL = {"cpu": "1", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("requests", "limits", "expected"),
    [
        ({}, {}, "BestEffort"),
        ({"cpu": "0"}, {}, "BestEffort"),
        ({"example.com/gpu": "1"}, {"example.com/gpu": "1"}, "BestEffort"),
        (FULL, FULL, "Guaranteed"),
        ({"cpu": "1000m", "memory": "1024Mi"}, FULL, "Guaranteed"),
        (FULL, {"cpu": "2", "memory": "1Gi"}, "Burstable"),
        ({"cpu": "1"}, {"cpu": "1"}, "Burstable"),
        ({"cpu": "1"}, {}, "Burstable"),
    ],
)
def test_the_class_follows_from_cpu_and_memory(requests: dict[str, str], limits: dict[str, str], expected: str) -> None:
    assert qos_class(spec([container(requests, limits)])) == expected


def test_one_container_without_limits_spoils_guaranteed_even_an_init_container() -> None:
    assert qos_class(spec([container(FULL, FULL), container()])) == "Burstable"
    assert qos_class(spec([container(FULL, FULL)], [container()])) == "Burstable"
