"""ReplicationControllers are ReplicaSets to their controller, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.impl.api.apps import ReplicationController
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import PlainSelector
from kubeproof.impl.api.reading.convert import from_json, unstructure
from kubeproof.impl.api.requests import Create
from kubeproof.impl.apiserver.defaulting.defaulting import default
from kubeproof.impl.controllers.deployment import deployment
from kubeproof.impl.controllers.replicaset import replicaset
from planted import planted

WEB = """\
apiVersion: v1
kind: ReplicationController
metadata: {name: web}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "web:1"}]
"""
JSON: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ReplicationController",
    "metadata": {"name": "web", "namespace": "d", "uid": "u", "labels": {"tier": "front"}},
    "spec": {
        "replicas": 2,
        "selector": {"app": "web"},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
    },
}


def verdicts(text: str, **options: Any) -> dict[str, str]:
    scenario = load_scenario("it", {"it.yaml": text}, {"nodes": 1, "start": "empty", **options}).scenario
    assert not scenario.unmodelled
    return {one.name: one.status.value for one in check(scenario).claims}


def test_its_selector_is_a_plain_map_and_comes_from_its_template() -> None:
    made = from_json(JSON)
    assert isinstance(made, ReplicationController)
    assert unstructure(made)["spec"]["selector"] == {"app": "web"}
    assert from_json(unstructure(made)) == made
    bare = from_json({**JSON, "metadata": {"name": "web"}, "spec": {"template": JSON["spec"]["template"]}})
    filled = default(bare)
    assert isinstance(filled, ReplicationController)
    assert filled.spec.selector == PlainSelector({"app": "web"})
    assert (filled.spec.replicas, dict(filled.metadata.labels)) == (1, {"app": "web"})


def test_its_controller_makes_its_pods_in_its_name() -> None:
    made = from_json(JSON)
    asked = replicaset.reconcile(Cache.of([made]), ref_of(made))
    pods = [one.object for one in asked if isinstance(one, Create)]
    owners = {(pod.metadata.controller.api_version, pod.metadata.controller.kind) for pod in pods}
    assert (len(pods), owners) == (2, {("v1", "ReplicationController")})


def test_no_deployment_takes_it_for_its_own() -> None:
    template = {**JSON["spec"], "selector": {"matchLabels": {"app": "web"}}}
    one = from_json({**JSON, "apiVersion": "apps/v1", "kind": "Deployment", "spec": template})
    orphan = from_json(JSON)
    asked = deployment.reconcile(Cache.of([one, orphan]), ref_of(one))
    assert [type(request.object).__name__ for request in asked if isinstance(request, Create)] == ["ReplicaSet"]


@pytest.mark.parametrize("script", [[], [{"scale": {"kind": "ReplicationController", "name": "web", "replicas": 1}}]])
def test_its_pods_are_made_and_scaled(script: list[Any]) -> None:
    assert verdicts(WEB, script=script)["convergence"] == "HOLDS"


def test_room_is_needed_for_its_pods() -> None:
    large = WEB.replace('image: "web:1"', 'image: "web:1", resources: {requests: {cpu: 3}}')
    assert verdicts(large)["convergence"] == "VIOLATED"


def test_without_its_controller_it_has_none() -> None:
    with planted("kubeproof.harness.world.controllers.workloads", "for kind in replicaset.KINDS:", "for kind in ():"):
        assert verdicts(WEB)["convergence"] == "VIOLATED"
