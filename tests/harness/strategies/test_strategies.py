"""What is drawn is accepted, by what reads manifests and by the API server, and is not always the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from kubeproof import Cluster, check, controller, create, eventually, strategies
from kubeproof.harness.own.objects import from_json, kind_in
from kubeproof.impl.api.reading.manifest_check import errors_of
from kubeproof.impl.api.requests import Create, Response
from kubeproof.impl.apiserver.decode import decoded
from kubeproof.impl.apiserver.handler import handle
from kubeproof.impl.apiserver.storage import Objects

Json = dict[str, Any]


def answer(json: Json) -> Response:
    obj, unknown = decoded(json, kind_in(json))
    assert unknown == ()
    return handle(Objects(), Create(obj))[0]


@pytest.mark.parametrize("kind", strategies.KINDS)
def test_every_object_that_is_drawn_is_accepted(kind: str) -> None:
    @settings(max_examples=40)
    @given(strategies.KINDS[kind]())
    def accepted(json: Json) -> None:
        assert json["kind"] == kind
        assert errors_of(json) == ()
        found = answer(json)
        assert found.ok, found.message
        assert from_json(json).metadata.name == json["metadata"]["name"]

    accepted()


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("Pod", lambda spec: spec["containers"].clear()),
        ("Deployment", lambda spec: spec.update(selector={"matchLabels": {"else": "where"}})),
        ("Service", lambda spec: spec["ports"].append(spec["ports"][0])),
        ("PodDisruptionBudget", lambda spec: spec.update(minAvailable=1, maxUnavailable=1)),
        ("Job", lambda spec: spec["template"]["spec"].update(restartPolicy="Always")),
    ],
)
def test_what_is_spoilt_is_refused(kind: str, spoil: Callable[[Json], Any]) -> None:
    @settings(max_examples=10)
    @given(strategies.KINDS[kind]())
    def refused(json: Json) -> None:
        spoil(json["spec"])
        assert answer(json).code == 422

    refused()


@pytest.mark.parametrize(
    ("kind", "is_so"),
    [
        ("Pod", lambda spec: len(spec["containers"]) == 2 and spec["initContainers"] and spec["volumes"]),
        ("Pod", lambda spec: "podAntiAffinity" in spec.get("affinity", {}) and spec.get("tolerations")),
        ("Pod", lambda spec: any("readinessProbe" in one for one in spec["containers"])),
        ("Pod", lambda spec: spec.get("automountServiceAccountToken") is False),
        ("Deployment", lambda spec: spec.get("strategy") == {"type": "Recreate"} and spec.get("replicas") == 3),
        ("Service", lambda spec: spec.get("clusterIP") == "None" and len(spec["ports"]) == 2),
        ("StatefulSet", lambda spec: spec.get("volumeClaimTemplates")),
        ("Node", lambda spec: spec.get("unschedulable") and spec.get("taints")),
    ],
)
def test_what_is_worth_drawing_is_drawn(kind: str, is_so: Callable[[Json], Any]) -> None:
    quick = settings(max_examples=1000, phases=[Phase.generate], database=None)
    assert find(strategies.KINDS[kind](), lambda json: bool(is_so(json["spec"])), settings=quick)


@given(strategies.deployments(meta=strategies.metadata(name=st.just("web"))))
@settings(max_examples=10)
def test_strategies_compose(json: Json) -> None:
    assert json["metadata"]["name"] == "web"


FLEET = "example.com/v1/Fleet"
FLEETS = strategies.custom_resources(
    "example.com/v1", "Fleet", st.fixed_dictionaries({"pod": strategies.pod_specs(), "size": st.integers(0, 1)})
)


@controller(kind=FLEET, owns=["Pod"])
def reconcile(fleet: Json, view: Any) -> list[Any]:
    """Make the Pods that a fleet asks for, whatever they are."""
    there = {one["metadata"]["name"] for one in view.list("Pod")}
    names = {f"p{number}" for number in range(fleet["spec"]["size"])} - there
    meta = {"apiVersion": "v1", "kind": "Pod"}
    return [create({**meta, "metadata": {"name": name}, "spec": fleet["spec"]["pod"]}) for name in sorted(names)]


@eventually
def all_are_there(view: Any) -> bool:
    """In the end a fleet has its Pods."""
    return all(len(view.list("Pod")) == fleet["spec"]["size"] for fleet in view.list(FLEET))


@given(FLEETS)
@settings(max_examples=5)
def test_a_controller_is_checked_with_objects_that_are_drawn(fleet: Json) -> None:
    cluster = Cluster.of([fleet], nodes=1)
    result = check(cluster, controllers=[reconcile], properties=[all_are_there], bounds={"pods": 1})
    found = {claim.name: claim.status.value for claim in result.outcome.claims}
    assert found["all-are-there"] == "HOLDS"
