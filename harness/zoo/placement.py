"""Documented failures of placement: rollouts that deadlock, spreading that does not last, room given away twice.

Each pair is one cluster, checked as `kubeproof check` does, with one field of a manifest or of the scenario changed.
The failures come out of the components of v1.32; where a release has repaired one, a switch takes the repair away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ...impl.api.values.frozen import EMPTY, Json, freeze
from ..check.check import check
from ..input.scenario import DEFAULT_SCHEDULER, Scenario, Schedulers
from ..input.scenario_file import load_scenario
from .catalogue import Found, Pair, found_in

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
APART = """affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [
        {labelSelector: {matchLabels: {app: web}}, topologyKey: kubernetes.io/hostname}]}}"""
SPREAD = """topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname,
        whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}%s}]"""
HONOR = ", nodeTaintsPolicy: Honor"
BY_REVISION = ", matchLabelKeys: [pod-template-hash]"
ROLLOUT = {"setImage": {"kind": "Deployment", "name": "web", "image": "app:2"}}
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
    """Give nodes with one cpu each, some with a taint."""
    taint = "{key: dedicated, effect: NoSchedule}"
    return "---".join(NODE % (name, name, taint if name in tainted else "") for name in names)


def web(spec: str, replicas: int = 2, cpu: str = "100m") -> str:
    """Give a Deployment whose rollout adds one Pod before it takes one away."""
    return DEPLOYMENT % (replicas, spec or "priorityClassName: ''", cpu)


def scenario(*manifests: str, **options: Any) -> Scenario:
    """Make a scenario of manifests and of what scenario.yaml says."""
    given: Mapping[str, Json] = immutabledict((key, freeze(value)) for key, value in options.items()) or EMPTY
    return load_scenario("zoo", {"all.yaml": "---".join(manifests)}, given).scenario


def _checked(claim: str, make: Callable[[], Scenario]) -> Found:
    return found_in(check(make()), claim)


def _pair(claim: str, faulty: Callable[[], Scenario], repaired: Callable[[], Scenario], **told: Any) -> Pair:
    return Pair(faulty=partial(_checked, claim, faulty), repaired=partial(_checked, claim, repaired), **told)


# --- the scenarios --------------------------------------------------------------------------------------------------


def apart(surge: int) -> Scenario:
    """Roll out Pods that exclude each other, on as many nodes as there are Pods."""
    manifest = web(APART).replace("maxSurge: 1, maxUnavailable: 0", f"maxSurge: {surge}, maxUnavailable: {1 - surge}")
    return scenario(nodes("node-1", "node-2"), manifest, script=[ROLLOUT])


def spread(policy: str) -> Scenario:
    """Roll out Pods that have to spread over two nodes."""
    return scenario(nodes("node-1", "node-2"), web(SPREAD % policy), script=[ROLLOUT])


def tainted(policy: str) -> Scenario:
    """Create Pods that have to spread, where one of two nodes is tainted."""
    return scenario(nodes("node-1", "node-2", tainted=("node-2",)), web(SPREAD % policy), start="empty")


def cordoned(policy: str) -> Scenario:
    """Roll out Pods that have to spread while a node is cordoned for an upgrade."""
    script = [{"cordon": {"node": "node-2"}}, ROLLOUT]
    return scenario(nodes("node-1", "node-2"), web(SPREAD % policy), script=script)


def refilled(*, count_nominated: bool) -> Scenario:
    """Ask for a Pod of higher priority where a Deployment fills the only node."""
    made = scenario(nodes("node-1"), IMPORTANT, web("", 1, "1"), script=[{"apply": {"object": HIGH}}])
    return evolve(made, schedulers=Schedulers(count_nominated=count_nominated))


def replicated(replicas: int) -> Scenario:
    """Create two Pods that do not fit on one node, with so many schedulers that elect no leader."""
    given = {"schedulers": [DEFAULT_SCHEDULER] * replicas, "bounds": {"mixedViews": False}}
    return scenario(nodes("node-1", "node-2"), web("", 2, "700m"), start="empty", **given)


def followed(*, early_status: bool) -> Scenario:
    """Let a Pod wait for the room of one that runs to its end."""
    made = scenario(nodes("node-1"), JOB % "first", JOB % "second", start="empty", images="byName")
    return evolve(made, early_status=early_status)
