"""Which Services of the manifests a script lets be."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeproof.harness import face
from kubeproof.harness.given import lasting_services

MANIFESTS = """
apiVersion: v1
kind: Namespace
metadata: {name: team}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: team}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "web:1"}]}
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: team
  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: 0e0e0e0e-0000-4000-8000-000000000003}]
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


@pytest.mark.parametrize(
    ("step", "lasting"),
    [
        ("uncordon: {node: node-1}", ["web"]),
        ("deleteObject: {kind: Service, name: web, namespace: team}", []),
        ("deleteObject: {kind: Deployment, name: web, namespace: team}", []),
        ("deleteObject: {kind: Namespace, name: team}", []),
    ],
)
def test_a_service_lasts_unless_the_script_deletes_it_or_what_it_hangs_on(
    step: str, lasting: list[str], tmp_path: Path
) -> None:
    (tmp_path / "all.yaml").write_text(MANIFESTS)
    (tmp_path / "scenario.yaml").write_text(f"nodes: 1\nscript: [{step}]\n")
    scenario = face.Cluster.from_manifests(tmp_path).load().scenario
    assert [one.metadata.name for one in lasting_services(scenario)] == lasting
