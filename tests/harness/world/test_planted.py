"""A fault planted in one component of a whole cluster: the claim that notices, and that it holds without the fault.

Component by component, faults are planted beside the tests of each (test_planted.py); here the claims are on trial.
"""

from __future__ import annotations

from functools import cache

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.input.files.scenario_file import load_scenario
from planted import planted

MANIFESTS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: app
          image: "nginx:1"
          ports: [{containerPort: 80}]
          resources: {requests: {cpu: 1}}
          readinessProbe: {tcpSocket: {port: 80}, initialDelaySeconds: 1}
          lifecycle: {preStop: {sleep: {seconds: 10}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {kubernetes.io/hostname: n1}}
status: {allocatable: {cpu: 2, memory: 4Gi, pods: 10}}
---
apiVersion: v1
kind: Node
metadata: {name: n2, labels: {kubernetes.io/hostname: n2}}
status: {allocatable: {cpu: 2, memory: 4Gi, pods: 10}}
"""
ROLLOUT = {"setImage": {"kind": "Deployment", "name": "web", "image": "nginx:2"}}
CASES = {
    "rollout": ("", "", ROLLOUT),
    "scale up on full nodes": ("{cpu: 2,", "{cpu: 1,", {"scale": {"kind": "Deployment", "name": "web", "replicas": 3}}),
    "drain that a budget forbids": ("minAvailable: 1", "minAvailable: 2", {"drain": {"node": "n1"}}),
}
"""What is changed in the manifests, and the one step of the script."""


def verdicts(case: str) -> dict[str, str]:
    before, after, step = CASES[case]
    options = {"script": [step], "bounds": {"propagation": "5s", "pods": 6}}
    scenario = load_scenario("planted", {"all.yaml": MANIFESTS.replace(before, after)}, options).scenario
    return {claim.name: claim.status.value for claim in check(scenario).claims}


sound = cache(verdicts)

FAULTS = [
    pytest.param(
        "scale up on full nodes",
        "placement",
        "impl.scheduler.plugins.node_resources_fit",
        "> has.get(name, 0) -",
        "> 9 * has.get(name, 0) -",
        id="scheduler: a full node passes the filter",
    ),
    pytest.param(
        "rollout",
        "placement",
        "impl.scheduler.plugins.node_resources_fit",
        "and wanted[name] > has",
        "and wanted[name] + 10**15 > has",
        id="scheduler: a node with room is refused",
    ),
    pytest.param(
        "rollout",
        "convergence",
        "impl.controllers.replicaset.replicaset",
        "surplus = len(pods) - rs.spec.wanted",
        "surplus = len(pods) - rs.spec.wanted + 1",
        id="replicaset controller: counts one Pod too many",
    ),
    pytest.param(
        "rollout",
        "convergence",
        "impl.controllers.deployment.rolling",
        "or allowed <= 0",
        "or allowed <= 9",
        id="deployment controller: never scales the old ReplicaSet down",
    ),
    pytest.param(
        "rollout",
        "reachability",
        "impl.controllers.endpointslice.endpoints",
        "(serving and not terminating)",
        "serving",
        id="endpointslice controller: a terminating endpoint stays ready",
    ),
    pytest.param(
        "rollout",
        "reachability",
        "impl.kubeproxy.chains",
        "probability=1 / left if left > 1 else None",
        "probability=1 / left if left > 2 else None",
        id="kube-proxy: one endpoint gets everything, another nothing",
    ),
    pytest.param(
        "rollout",
        "reachability",
        "impl.kubelet.worker",
        "if waits_for_hook(pod.spec) else",
        "if False else",
        id="kubelet: the preStop hook is not waited for",
    ),
    pytest.param(
        "drain that a budget forbids",
        "budget",
        "impl.apiserver.verbs.eviction",
        "status.disruptions_allowed == 0",
        "status.disruptions_allowed == -5",
        id="API server: an eviction ignores the budget",
    ),
    pytest.param(
        "drain that a budget forbids",
        "budget",
        "impl.controllers.disruption",
        "max(0, healthy - desired)",
        "max(0, healthy - desired + 1)",
        id="disruption controller: allows one disruption too many",
    ),
]


@pytest.mark.parametrize(("case", "claim", "module", "before", "after"), FAULTS)
def test_a_planted_fault_breaks_a_claim_that_holds_without_it(
    case: str, claim: str, module: str, before: str, after: str
) -> None:
    with planted(f"kubeproof.{module}", before, after):
        faulty = verdicts(case)
    assert faulty[claim] == "VIOLATED"
    assert sound(case)[claim] == "HOLDS"
