"""What annotations say of programs is told where it is wrong; so are the numbers of the claim availability."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Sizes
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.reading.load import BadInput

SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"}, "spec": {"ports": [{"port": 1}]}}


def web(annotations: dict[str, str]) -> dict[str, Any]:
    spec = {"containers": [{"name": "c", "image": "web:1"}]}
    template = {"metadata": {"labels": {"a": "b"}, "annotations": annotations}, "spec": spec}
    body = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": body}


def problem(annotations: dict[str, str], **options: Any) -> str:
    text = yaml.safe_dump_all([SERVICE, web(annotations)])
    with pytest.raises(BadInput) as bad:
        load_scenario("s", {"all.yaml": text}, {"nodes": 1, **options})
    return str(bad.value)


@pytest.mark.parametrize(
    ("annotations", "told"),
    [
        ({"kubeproof/ready-wen": "db"}, "did you mean kubeproof/ready-when?"),
        ({"kubeproof/ready-when": "bd"}, "there is no Service default/bd (known are db)"),
        ({"kubeproof/uses-memory": "much"}, "an amount of memory: 512Mi"),
    ],
)
def test_a_mistake_is_told_with_its_field(annotations: dict[str, str], told: str) -> None:
    said = problem(annotations)
    assert told in said
    assert "spec.template.metadata.annotations" in said


@pytest.mark.parametrize(
    ("size", "told"),
    [
        ({"kind": "Deployment", "atLeast": 1}, "the field 'name' is missing"),
        ({"kind": "Deployment", "name": "web"}, "says no number"),
        ({"kind": "Deploymnt", "name": "web", "atMost": 1}, "did you mean Deployment?"),
        ({"kind": "Deployment", "name": "web", "most": 1}, "most"),
    ],
)
def test_sizes_are_read_strictly(size: dict[str, Any], told: str) -> None:
    assert told in problem({}, availability=[size])


def test_sizes_go_where_the_scenario_is() -> None:
    sizes = [{"kind": "Deployment", "name": "web", "atLeast": 1, "atMost": 3, "atMostFailed": 2}]
    text = yaml.safe_dump_all([SERVICE, web({"kubeproof/ready-when": "db", "other/key": "x"})])
    loaded = load_scenario("s", {"all.yaml": text}, {"nodes": 1, "availability": sizes})
    assert loaded.scenario.sizes == (Sizes(Ref("Deployment", "default", "web"), 1, 3, 2),)
