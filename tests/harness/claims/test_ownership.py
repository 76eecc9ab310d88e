"""Pods that are orphaned stay: the claim `ownership`, where it is made and what breaks it."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.impl.api.values.frozen import freeze
from kubeproof.model.checker.results import Limits, Status

WEB = """
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
"""
SCALE = {"scale": {"kind": "ReplicaSet", "name": "web", "replicas": 1}}


def verdict(script: list[Any], **options: Any) -> Status | None:
    given = freeze({"nodes": 1, "script": script, **options})
    claims = check(load_scenario("test", {"web.yaml": WEB}, given).scenario, limits=Limits(max_states=20_000)).claims
    return next((one.status for one in claims if one.name == "ownership"), None)


def deletion(cascade: str) -> dict[str, Any]:
    return {"deleteObject": {"kind": "ReplicaSet", "name": "web", "cascade": cascade}}


@pytest.mark.parametrize("release", ["1.32", "1.36"])
def test_what_a_controller_sees_of_its_own_writes_does_not_keep_an_orphan(release: str) -> None:
    assert verdict([SCALE, deletion("orphan")], release=release) is Status.VIOLATED


def test_where_nothing_else_is_asked_for_orphans_stay() -> None:
    assert verdict([deletion("orphan")]) is Status.HOLDS
    assert verdict([SCALE, deletion("orphan")], waitBetweenSteps=True) is Status.HOLDS


def test_where_nothing_is_orphaned_it_is_not_asked() -> None:
    assert verdict([SCALE, deletion("background")]) is None
