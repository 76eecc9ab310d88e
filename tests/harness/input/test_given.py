"""Which Services of the manifests a script lets be."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kubeproof.harness import face
from kubeproof.harness.input.given import lasting_pods, lasting_services, versions
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.impl.api.core import Service

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


PODS = """
apiVersion: v1
kind: Namespace
metadata: {name: team}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: team, labels: {app: web}}
spec: {containers: [{name: app, image: "web:1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: app, image: "web:1"}]}
"""


@pytest.mark.parametrize(
    ("step", "lasting"),
    [
        ("uncordon: {node: node-1}", ["default", "team"]),
        ("deletePod: {name: web}", ["team"]),
        ("deletePod: {name: web, namespace: team}", ["default"]),
        ("deleteObject: {kind: Pod, name: web, namespace: team}", ["default"]),
        ("deleteObject: {kind: Pod, name: web}", ["team"]),
    ],
)
def test_a_pod_lasts_unless_the_script_deletes_it_in_its_own_namespace(
    step: str, lasting: list[str], tmp_path: Path
) -> None:
    (tmp_path / "all.yaml").write_text(PODS)
    (tmp_path / "scenario.yaml").write_text(f"nodes: 1\nscript: [{step}]\n")
    scenario = face.Cluster.from_manifests(tmp_path).load().scenario
    assert sorted(one.metadata.namespace for one in lasting_pods(scenario)) == lasting


@pytest.mark.parametrize("address", ["10.96.0.10", "172.20.0.10"])
def test_a_service_that_a_step_applies_is_among_the_versions_whatever_the_range_of_its_cluster(
    address: str, tmp_path: Path
) -> None:
    (tmp_path / "all.yaml").write_text(PODS)
    manifest = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "late"}}
    spec = {"clusterIP": address, "selector": {"app": "web"}, "ports": [{"port": 80}]}
    step = {"apply": {"object": {**manifest, "spec": spec}}}
    (tmp_path / "scenario.yaml").write_text(yaml.safe_dump({"nodes": 1, "script": [step]}))
    scenario = face.Cluster.from_manifests(tmp_path).load().scenario
    found = [one for one in versions(scenario, prepare(scenario).objects) if isinstance(one, Service)]
    assert [one.spec.cluster_ip for one in found] == [address]


def test_what_a_service_asks_for_by_number_is_given_to_none_before_it(tmp_path: Path) -> None:
    """Kubernetes draws addresses and ports at random: that it draws just these is not what an input is refused for."""
    manifest = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {type: NodePort, ports: [{port: 80%s}]%s}\n---\n"
    )
    first = manifest % ("first", "", "")
    second = manifest % ("second", ", nodePort: 30000", ", clusterIP: 10.96.0.2")
    (tmp_path / "all.yaml").write_text(first + second + PODS)
    (tmp_path / "scenario.yaml").write_text("nodes: 1\n")
    scenario = face.Cluster.from_manifests(tmp_path).load().scenario
    services = [one for one in prepare(scenario).objects if isinstance(one, Service)]
    numbers = {one.metadata.name: (one.spec.cluster_ip, one.spec.ports[0].node_port) for one in services}
    assert numbers == {"first": ("10.96.0.3", 30001), "second": ("10.96.0.2", 30000)}
