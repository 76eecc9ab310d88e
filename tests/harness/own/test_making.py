"""What a user's controller makes is taken up by Kubernetes' own, whatever it is called and whenever it is met."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubeproof import check, controller, create, eventually, owned_by
from kubeproof.harness.check import check as checking
from kubeproof.harness.face import Result, replay_check
from kubeproof.harness.own import making
from kubeproof.traces.replay import Replayed

Json = dict[str, Any]
APP = "example.com/v1/App"
MANIFEST = """
apiVersion: example.com/v1
kind: App
metadata: {name: web}
spec: {image: "web:1"}
"""


def workload(app: Json, kind: str) -> Json:
    labels = {"app": app["metadata"]["name"]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": app["spec"]["image"]}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    own = {"serviceName": "web"} if kind == "StatefulSet" else {}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "made"}, "spec": {**spec, **own}}


def maker(kind: str) -> Any:
    @controller(kind=APP, owns=[kind], places=1)
    def make(app: Json, view: Any) -> Iterator[Any]:
        if view.get(kind, "made") is None:
            yield create(owned_by(app, workload(app, kind)))

    return make


@eventually
def its_pod_runs(view: Any) -> bool:
    """In the end there is a Pod, and it runs."""
    return [one["status"]["phase"] for one in view.list("Pod")] == ["Running"]


def asked(tmp_path: Path, kind: str) -> Result:
    path = tmp_path / "app.yaml"
    path.write_text(MANIFEST, encoding="utf-8")
    return check(manifests=path, controllers=[maker(kind)], properties=[its_pod_runs], nodes=1, bounds={"pods": 2})


@pytest.mark.parametrize("kind", ["StatefulSet", "Deployment"])
def test_a_workload_that_is_made_is_taken_up(tmp_path: Path, kind: str) -> None:
    result = asked(tmp_path, kind)
    assert result.holds, result.report
    assert [one.metadata.name for one in result.outcome.scenario.own.made] == ["made"]


def test_one_that_only_the_search_meets_is_taken_up_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "with_made", lambda scenario, _limits: scenario)
    assert asked(tmp_path, "StatefulSet").holds


def test_without_it_the_pod_would_be_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "with_made", lambda scenario, _limits: scenario)
    monkeypatch.setattr(checking, "knows_all", lambda _cluster: ())
    assert not asked(tmp_path, "StatefulSet").holds


def test_ever_more_of_them_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "with_made", lambda scenario, _limits: scenario)
    monkeypatch.setattr(checking, "MOST", 0)
    result = asked(tmp_path, "StatefulSet")
    assert {one.status.value for one in result.outcome.claims} == {"UNKNOWN"}


@controller(kind=APP, owns=["StatefulSet"], places=1)
def asks_for_none(app: Json, view: Any) -> Iterator[Any]:
    """Make one of a template that asks for more than there is."""
    if view.get("StatefulSet", "made") is None:
        made = workload(app, "StatefulSet")
        made["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "100"}}
        yield create(made)


def test_a_trace_knows_what_was_made(tmp_path: Path) -> None:
    path = tmp_path / "app.yaml"
    path.write_text(MANIFEST, encoding="utf-8")
    result = check(manifests=path, controllers=[asks_for_none], nodes=1, bounds={"pods": 2})
    document = result.documents["convergence"]
    assert document.inputs.options["made"][0]["metadata"]["name"] == "made"
    assert isinstance(replay_check(document), Replayed)


def test_services_that_are_made_are_judged_at_rest_alone(tmp_path: Path) -> None:
    @controller(kind=APP, owns=["Service"], places=1)
    def serve(app: Json, view: Any) -> Iterator[Any]:
        if view.get("Service", "web") is None:
            spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
            service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
            yield create(owned_by(app, service))

    path = tmp_path / "app.yaml"
    path.write_text(MANIFEST, encoding="utf-8")
    result = check(manifests=path, controllers=[serve], nodes=1, bounds={"pods": 2})
    found = {one.name: one for one in result.outcome.claims}
    assert found["reachability"].status.value == "VIOLATED"
    assert "nobody answers" in found["reachability"].lines[0]
    assert not making.moves_services(asked(tmp_path, "StatefulSet").outcome.scenario)
