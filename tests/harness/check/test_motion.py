"""Reachability while things change: which Pod is looked at by itself, and what is said where it cannot be made."""

from __future__ import annotations

import pytest

from kubeproof.harness.check import motion
from kubeproof.harness.check.check import check
from kubeproof.harness.check.motion import IN_MOTION
from kubeproof.harness.check.results import Claim
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.impl.api.apps import StatefulSet
from kubeproof.impl.api.core import PodSpec
from kubeproof.model.checker import Limits, Status
from planted import planted

DATABASE = """
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {selector: {app: db}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  selector: {matchLabels: {app: db}}
  serviceName: db
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
      - {name: db, image: db, ports: [{containerPort: 80}], volumeMounts: [{name: data, mountPath: /data}], HOOK}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
DRAIN = {"script": [{"drain": {"node": "node-1"}}], "bounds": {"propagation": "5s"}}
NO_LIMITS = Limits()
SLEEP = "lifecycle: {preStop: {sleep: {seconds: 5}}}"


def reachability(hook: str, text: str = DATABASE, limits: Limits = NO_LIMITS) -> Claim:
    text = text.replace("HOOK", hook)
    report = check(load_scenario("db", {"all.yaml": text}, {"nodes": 2, **DRAIN}).scenario, limits=limits)
    return next(claim for claim in report.claims if claim.name == "reachability")


def test_a_pod_that_mounts_what_only_its_claim_is_drops_connections_without_a_hook() -> None:
    broken = reachability("")
    assert (broken.status, broken.kind) == (Status.VIOLATED, IN_MOTION)
    assert "a preStop delay of 5 s is the smallest that is long enough (now 0 s)" in broken.blame[0].what
    assert reachability(SLEEP).status is Status.HOLDS


def test_of_a_pod_that_the_api_server_does_not_take_by_itself_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(owner: StatefulSet, spec: PodSpec, number: int) -> PodSpec:  # noqa: ARG001 - as the one it stands for
        return spec

    monkeypatch.setattr(motion, "with_claims", without)
    claim = reachability(SLEEP)
    assert (claim.status, claim.kind) == (Status.UNKNOWN, IN_MOTION)
    assert " ".join(claim.lines) == (
        'a Pod of db by itself is not looked at, for it is refused: Pod "db-p0" is invalid: '
        'spec.containers[0].volumeMounts[0].name: Not found: "data"'
    )


def test_of_a_pod_that_never_serves_by_itself_though_others_do_nothing_is_known() -> None:
    with planted("kubeproof.harness.world.one_pod", "(makes, binds, deletes)", "(makes, deletes)"):
        claim = reachability("")
    assert (claim.status, claim.kind) == (Status.UNKNOWN, IN_MOTION)
    assert claim.lines == ("a Pod of db by itself is never sent a connection, and in the cluster one is",)


BEHIND = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: a, image: "web:1", ports: [{containerPort: 80}], lifecycle: SLEEPS}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


@pytest.mark.parametrize(("seconds", "status"), [(9, Status.HOLDS), (2, Status.VIOLATED)])
def test_a_pod_that_never_runs_is_not_taken_for_those_that_do(seconds: int, status: Status) -> None:
    """An image that nobody can pull comes and goes; its Pods bear the same labels as those that serve."""
    text = BEHIND.replace("SLEEPS", f"{{preStop: {{sleep: {{seconds: {seconds}}}}}}}")
    web = {"kind": "Deployment", "name": "web"}
    script = [{"setImage": {**web, "image": "nopull:2"}}, {"rolloutUndo": web}, {"setImage": {**web, "image": "web:3"}}]
    options = {"nodes": 1, "images": "byName", "script": script, "waitBetweenSteps": True}
    found = load_scenario("web", {"web.yaml": text}, {**options, "bounds": {"propagation": "5s"}}).scenario
    assert next(one.status for one in check(found).claims if one.name == "reachability") is status


FULL = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: full}
spec: {hard: {pods: 2}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web, ports: [{containerPort: 80}], HOOK}]}
"""


def test_a_pod_is_looked_at_by_itself_though_the_quota_is_taken() -> None:
    dropped, kept = reachability("", FULL), reachability(SLEEP, FULL)
    assert (dropped.status, dropped.kind) == (Status.VIOLATED, IN_MOTION)
    assert kept.status is Status.HOLDS


NODE = """---
apiVersion: v1
kind: Node
metadata: {name: NAME, labels: {kubernetes.io/hostname: NAME}}
spec: {taints: [{key: of, value: NAME, effect: NoExecute}]}
status: {allocatable: {cpu: CPU, memory: 8Gi, pods: 9}, conditions: [{type: Ready, status: "True"}]}
"""
POD, TOLERANT = "spec: {containers:", "tolerations: [{operator: Exists}]"
ASKED = {
    "a label": (POD, f"spec: {{nodeSelector: {{kubernetes.io/hostname: second}}, {TOLERANT}, containers:"),
    "room": (f"{POD} [{{", f"spec: {{{TOLERANT}, containers: [{{resources: {{requests: {{cpu: 2}}}}, "),
    "a taint": (POD, "spec: {tolerations: [{key: of, value: second}], containers:"),
}


@pytest.mark.parametrize("asks", ASKED.values(), ids=ASKED)
def test_the_pod_is_looked_at_on_a_node_that_takes_it(asks: tuple[str, str]) -> None:
    nodes = "".join(NODE.replace("NAME", name).replace("CPU", cpu) for name, cpu in (("first", "1"), ("second", "8")))
    text = FULL.replace("pods: 2", "pods: 9").replace("replicas: 2", "replicas: 1").replace(*asks) + nodes
    step = {"script": [{"rolloutRestart": {"kind": "Deployment", "name": "web"}}], "bounds": {"propagation": "5s"}}
    for hook, status in (("", Status.VIOLATED), (SLEEP, Status.HOLDS)):
        report = check(load_scenario("web", {"all.yaml": text.replace("HOOK", hook)}, step).scenario)
        assert {claim.name: claim.status for claim in report.claims}["reachability"] is status


def test_a_limit_is_what_is_told_where_nobody_knows_how_pods_went() -> None:
    claim = reachability(SLEEP, limits=Limits(max_states=100))
    assert claim.status is Status.UNKNOWN
    assert [line for line in claim.lines if "limit" in line] == list(claim.lines)
