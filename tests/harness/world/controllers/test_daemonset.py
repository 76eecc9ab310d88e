"""DaemonSets in the world: a Pod on every node that wants one, rollouts, nodes that change, and islands."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Report
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.islands.split import islands_of
from kubeproof.impl.api.reading.load import BadInput

AGENT = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  updateStrategy: STRATEGY
  template:
    metadata: {labels: {app: agent}}
    spec:
      SPEC
      containers:
        - name: app
          image: "agent:1"
          ports: [{containerPort: 80, PORT}]
          resources: {requests: {cpu: CPU}}
          readinessProbe: {tcpSocket: {port: 80}}
          lifecycle: {preStop: {sleep: {seconds: 10}}}
"""
SERVICE = """
---
apiVersion: v1
kind: Service
metadata: {name: agent}
spec: {selector: {app: agent}, ports: [{port: 80}]}
"""
NODE = """
---
apiVersion: v1
kind: Node
metadata: {name: %s, labels: {kubernetes.io/hostname: %s}}
spec: {taints: [%s]}
status: {capacity: {cpu: "%s", memory: 4Gi, pods: "10"}}
"""
TAINT = "{key: gpu, effect: NoSchedule}"
SURGE = "{rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}"


def agent(
    *, strategy: str = "{}", spec: str = "terminationGracePeriodSeconds: 30", cpu: str = "100m", port: str = "name: web"
) -> str:
    words = {"STRATEGY": strategy, "SPEC": spec, "CPU": cpu, "PORT": port}
    text = AGENT
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def node(name: str, taint: str = "", cpu: str = "1") -> str:
    return NODE % (name, name, taint, cpu)


def image(name: str) -> dict[str, Any]:
    return {"setImage": {"kind": "DaemonSet", "name": "agent", "image": name}}


UNDO = {"rolloutUndo": {"kind": "DaemonSet", "name": "agent"}}


def said(text: str, *script: dict[str, Any], nodes: int | None = 2, **options: Any) -> Report:
    asked = {"script": list(script), "images": "byName", "bounds": {"propagation": "5s"}, **options}
    counted = {} if nodes is None else {"nodes": nodes}
    return check(load_scenario("it", {"it.yaml": text}, {**asked, **counted}).scenario)


def verdicts(report: Report) -> dict[str, str]:
    return {claim.name: claim.status.value for claim in report.claims}


def convergence(report: Report) -> tuple[str, str]:
    claim = next(one for one in report.claims if one.name == "convergence")
    return claim.status.value, "; ".join(claim.lines)


HOLDS = ("HOLDS", "")


# --- a Pod on every node that wants one -------------------------------------------------------------------------------


def test_every_node_gets_a_pod_and_its_service_is_answered() -> None:
    assert set(verdicts(said(agent() + SERVICE)).values()) == {"HOLDS"}
    deaf = SERVICE.replace("port: 80", "port: 80, targetPort: other")
    assert verdicts(said(agent() + deaf))["reachability"] == "VIOLATED"
    nowhere = agent(spec="nodeSelector: {pool: x}")
    assert verdicts(said(nowhere + SERVICE))["reachability"] == "HOLDS"


def test_where_a_node_leaves_no_pod_any_more_it_is_no_question_of_the_rollout() -> None:
    picky = agent(spec="nodeSelector: {disk: ssd}")
    labelled = node("a").replace("labels: {", "labels: {disk: ssd, ")
    report = said(picky + SERVICE + labelled, {"labelNode": {"node": "a", "labels": {"disk": None}}}, nodes=None)
    (blame,) = next(claim.blame for claim in report.claims if claim.name == "reachability")
    assert blame.field == "spec.template.spec"
    assert blame.what == "its selectors and tolerations leave no Pod of it on a by then"


def test_a_service_that_publishes_pods_that_are_not_ready_leads_to_them_until_they_are_gone() -> None:
    published = SERVICE.replace("spec: {", "spec: {clusterIP: None, publishNotReadyAddresses: true, ")
    report = said(agent() + published, image("agent:2"))
    (blame,) = next(claim.blame for claim in report.claims if claim.name == "reachability")
    assert (str(blame.ref), blame.field) == ("Service default/agent", "spec.publishNotReadyAddresses")


def test_a_node_with_a_taint_wants_none() -> None:
    assert convergence(said(agent() + node("a") + node("b", TAINT), nodes=None)) == HOLDS
    everywhere = agent(spec="tolerations: [{operator: Exists}]")
    assert convergence(said(everywhere + node("a") + node("b", TAINT), nodes=None)) == HOLDS


def test_a_node_that_is_too_small_is_left_without() -> None:
    status, why = convergence(said(agent(cpu="600m") + node("a") + node("b", cpu="500m"), nodes=None))
    assert status == "VIOLATED"
    assert "is not bound to any node" in why
    assert "600m" in why or "cpu" in why


def test_two_sets_that_want_one_port_of_the_node_block_each_other() -> None:
    clash = agent(port="hostPort: 8080") + "---\n" + agent(port="hostPort: 8080").replace("agent", "other")
    status, why = convergence(said(clash, nodes=1))
    assert status == "VIOLATED"
    assert "8080" in why
    apart = agent(port="hostPort: 8080") + "---\n" + agent(port="hostPort: 8081").replace("agent", "other")
    assert convergence(said(apart, nodes=1)) == HOLDS


def test_neither_unavailable_nor_surge_is_refused() -> None:
    with pytest.raises(BadInput, match="cannot be 0 when maxSurge is 0"):
        said(agent(strategy="{rollingUpdate: {maxUnavailable: 0}}"))
    with pytest.raises(BadInput, match="may not be set when maxUnavailable is non-zero"):
        said(agent(strategy="{rollingUpdate: {maxUnavailable: 1, maxSurge: 1}}"))


# --- rollouts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["{}", "{rollingUpdate: {maxUnavailable: 2}}", SURGE])
def test_a_rollout_comes_to_an_end(strategy: str) -> None:
    assert convergence(said(agent(strategy=strategy), image("agent:2"))) == HOLDS


def test_a_bad_image_stops_at_one_node_and_is_undone() -> None:
    status, why = convergence(said(agent(), image("bad:2")))
    assert status == "VIOLATED"
    assert "not ready" in why
    assert convergence(said(agent(), image("bad:2"), UNDO, waitBetweenSteps=True)) == HOLDS


def test_on_delete_waits_for_somebody_to_delete() -> None:
    wait = "{type: OnDelete}"
    assert convergence(said(agent(strategy=wait), image("bad:2"))) == HOLDS
    deleted = {"deletePod": {"workload": "DaemonSet/agent"}}
    assert convergence(said(agent(strategy=wait), image("bad:2"), deleted, waitBetweenSteps=True))[0] == "VIOLATED"


def test_surge_needs_room_for_two() -> None:
    status, why = convergence(said(agent(strategy=SURGE, cpu="600m") + node("a"), image("agent:2"), nodes=None))
    assert status == "VIOLATED"
    assert "is not bound to any node" in why
    assert convergence(said(agent(strategy=SURGE, cpu="500m") + node("a"), image("agent:2"), nodes=None)) == HOLDS


def test_one_node_goes_without_for_a_while_unless_it_surges() -> None:
    """With one node nobody answers between the old Pod and the new; with surge somebody always does."""
    assert verdicts(said(agent() + SERVICE, image("agent:2"), nodes=1))["reachability"] == "VIOLATED"
    assert verdicts(said(agent(strategy=SURGE) + SERVICE, image("agent:2"), nodes=1))["reachability"] == "HOLDS"


# --- nodes that change ------------------------------------------------------------------------------------------------


def test_a_drain_leaves_daemons_where_they_are_and_asks_to_be_told_so() -> None:
    status, why = convergence(said(agent(), {"drain": {"node": "node-1"}}))
    assert status == "VIOLATED"
    assert "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)" in why
    assert convergence(said(agent(), {"drain": {"node": "node-1", "ignoreDaemonsets": True}})) == HOLDS


@pytest.mark.parametrize(
    "step",
    [
        {"cordon": {"node": "node-1"}},
        {"taint": {"node": "node-1", "key": "t", "effect": "NoSchedule"}},
        {"taint": {"node": "node-1", "key": "t", "effect": "NoExecute"}},
        {"deleteNode": {"node": "node-1"}},
        {"addNode": {"node": {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "new"},
                              "status": {"capacity": {"cpu": "1", "memory": "4Gi", "pods": "10"},
                                         "conditions": [{"type": "Ready", "status": "True"}]}}}},
        {"deleteObject": {"kind": "DaemonSet", "name": "agent"}},
    ],
    ids=["cordon", "NoSchedule", "NoExecute", "deleted", "added", "the set is deleted"],
)  # fmt: skip
def test_a_set_follows_what_becomes_of_nodes(step: dict[str, Any]) -> None:
    assert convergence(said(agent(), step)) == HOLDS


def test_a_label_brings_a_pod_and_takes_it_away() -> None:
    text = agent(spec="nodeSelector: {pool: x}")
    labels = [{"labelNode": {"node": "node-1", "labels": {"pool": value}}} for value in ("x", None)]
    assert convergence(said(text, labels[0])) == HOLDS
    assert convergence(said(text, *labels)) == HOLDS


def test_a_dead_node_is_asked_nothing_but_stops_a_rollout() -> None:
    """k/k#117204: the Pod on it never goes, and counts as the one that may be unavailable."""
    crash = {"faults": {"nodeCrash": 1}}
    assert convergence(said(agent(), **crash)) == HOLDS
    status, why = convergence(said(agent(), image("agent:2"), **crash))
    assert status == "VIOLATED"
    assert "still keeps agent-" in why
    two = agent(strategy="{rollingUpdate: {maxUnavailable: 2}}")
    assert convergence(said(two, image("agent:2"), **crash)) == HOLDS
    deleted = {"deleteObject": {"kind": "DaemonSet", "name": "agent"}}
    assert "still being deleted" in convergence(said(agent(), deleted, **crash))[1]
    held = agent().replace("{name: agent}", "{name: agent, finalizers: [example.com/keep]}", 1)
    assert "DaemonSet agent is still being deleted" in convergence(said(held, deleted, **crash))[1]


# --- beside others ----------------------------------------------------------------------------------------------------

WEB = """
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "web:1", resources: {requests: {cpu: 100m}}}]}
"""


def islands(text: str, **options: Any) -> set[str]:
    scenario = load_scenario("it", {"it.yaml": text}, {"nodes": 2, **options}).scenario
    return {one.name for one in islands_of(scenario)}


def test_a_set_is_an_island_where_there_is_room_for_all() -> None:
    assert islands(agent() + WEB) == {"DaemonSet agent", "Deployment web"}
    assert islands(agent(cpu="2") + WEB) == {""}
    assert islands(agent() + WEB.replace("app: web", "app: agent")) == {""}


def test_whoever_comes_first_may_keep_a_daemon_out_unless_it_is_more_important() -> None:
    """Where room is short nothing is taken apart, and a daemon cannot go elsewhere."""
    web = WEB.replace("100m", "600m").replace("{containers", "{tolerations: [{key: gpu, operator: Exists}], containers")
    rest = web + node("a") + node("b", TAINT)
    exact = {"nodes": None, "consistency": "linearizable"}
    status, why = convergence(said(agent(cpu="600m") + rest, **exact))
    assert status == "VIOLATED"
    assert "Pod agent-" in why
    critical = agent(cpu="600m", spec="priorityClassName: system-node-critical")
    assert convergence(said(critical + rest, **exact)) == HOLDS
