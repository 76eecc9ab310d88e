"""Small clusters for tests of placement: nodes with one cpu, a Deployment, a Pod of high priority, a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from immutabledict import immutabledict

from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.impl.api.values.frozen import EMPTY, Json, freeze

NODE = """
apiVersion: v1
kind: Node
metadata: {name: %s, labels: {kubernetes.io/hostname: %s}}
spec: {taints: [%s]}
status: {capacity: {cpu: "1", memory: 4Gi, pods: "10"}}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: %s
  selector: {matchLabels: {app: web}}
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  template:
    metadata: {labels: {app: web}}
    spec:
      %s
      containers: [{name: app, image: "app:1", resources: {requests: {cpu: %s}}}]
"""
IMPORTANT = """
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: important}
value: 1000
"""
HIGH = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "high"},
    "spec": {
        "priorityClassName": "important",
        "containers": [{"name": "app", "image": "app:1", "resources": {"requests": {"cpu": "1"}}}],
    },
}

JOB = """
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  restartPolicy: Never
  containers: [{name: app, image: "job:1", resources: {requests: {cpu: "1"}}}]
"""


def nodes(*names: str, tainted: tuple[str, ...] = ()) -> str:
    """Return nodes with one cpu each, some with a taint."""
    taint = "{key: dedicated, effect: NoSchedule}"
    return "---".join(NODE % (name, name, taint if name in tainted else "") for name in names)


def web(spec: str, replicas: int = 2, cpu: str = "100m") -> str:
    """Return a Deployment whose rollout adds one Pod before it takes one away."""
    return DEPLOYMENT % (replicas, spec or "priorityClassName: ''", cpu)


def scenario(*manifests: str, **options: Any) -> Scenario:
    """Make a scenario of manifests and of what scenario.yaml says."""
    given: Mapping[str, Json] = immutabledict((key, freeze(value)) for key, value in options.items()) or EMPTY
    return load_scenario("zoo", {"all.yaml": "---".join(manifests)}, given).scenario
