"""Pods that a selector takes in beside those that are meant: those of Jobs, and those that listen otherwise."""

from __future__ import annotations

from kubeproof.harness.check.check import check
from kubeproof.harness.input.files.scenario_file import load_scenario
from planted import planted

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec: {containers: [{name: app, image: "web:1", ports: [{containerPort: 80}]}]}
---
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: seed}
spec:
  template:
    metadata: {labels: {tier: front}}
    spec: {restartPolicy: Never, containers: [{name: app, image: "seed:1"}]}
---
"""
STATS = """\
apiVersion: v1
kind: Pod
metadata: {name: stats, labels: {tier: front}}
spec: {containers: [{name: app, image: "stats:1", ports: [{containerPort: 80, protocol: UDP}]}]}
---
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {%s}, ports: [{port: 80%s}]}
"""


def told(text: str) -> tuple[str, str]:
    """Return what is said of reachability: the verdict, and the lines with what is blamed."""
    report = check(load_scenario("small", {"all.yaml": text}, {"nodes": 1}).scenario)
    claim = next(one for one in report.claims if one.name == "reachability")
    blame = (f"{one.ref.kind} {one.ref.name}: {one.field}" for one in claim.blame)
    return claim.status.value, " / ".join((*claim.lines, *blame))


def test_a_job_behind_a_service_of_others_loses_connections_when_it_ends() -> None:
    status, said = told(WEB + JOB + SERVICE % ("tier: front", ""))
    assert status == "VIOLATED"
    assert "connections go to seed-p" in said
    assert "a Pod of a Job, which takes no more after" in said
    assert 'after "node-1: containers exit' in said
    assert "Service web: spec.selector" in said


def test_a_job_that_the_selector_leaves_out_and_one_that_stands_alone_lose_none() -> None:
    assert told(WEB + JOB + SERVICE % ("app: web", ""))[0] == "HOLDS"
    assert told(JOB + SERVICE % ("tier: front", ""))[0] == "HOLDS"


def test_a_job_without_the_port_that_is_asked_for_by_name_is_not_led_to() -> None:
    named = WEB.replace("containerPort: 80", "name: http, containerPort: 80")
    assert told(named + JOB + SERVICE % ("tier: front", ", targetPort: http"))[0] == "HOLDS"


def test_one_of_two_pods_that_listens_for_another_protocol_loses_its_share() -> None:
    status, said = told(WEB + STATS + SERVICE % ("tier: front", ""))
    assert status == "VIOLATED"
    assert "connections go to stats, which does not listen: the containers declare 80 for UDP, not for TCP" in said
    assert "Service web: spec.ports[0].targetPort" in said


def test_two_pods_that_listen_for_the_same_protocol_hold() -> None:
    assert told(WEB + STATS.replace(", protocol: UDP", "") + SERVICE % ("tier: front", ""))[0] == "HOLDS"
    assert told(WEB + STATS + SERVICE % ("app: web", ""))[0] == "HOLDS"


def test_each_is_seen_by_its_own_look() -> None:
    """Planted: without either look the verdict is the wrong one that it once was."""
    with planted("kubeproof.harness.claims.taken_in", "if of_a_job(obj) else None", "if False else None"):
        assert told(WEB + JOB + SERVICE % ("tier: front", ""))[0] == "HOLDS"
    with planted("kubeproof.harness.claims.taken_in", "if isinstance(obj, Pod) else ()", "if False else ()"):
        assert told(WEB + STATS + SERVICE % ("tier: front", ""))[0] == "HOLDS"
