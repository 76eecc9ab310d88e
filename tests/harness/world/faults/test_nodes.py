"""Nodes die, are cordoned, tainted, join and leave: the cluster puts itself in order, or says why it cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from immutabledict import immutabledict

from kubeproof.harness.check import check as checking
from kubeproof.harness.check.bounds import bounds_of
from kubeproof.harness.claims import registry as claims
from kubeproof.harness.claims.moments import script_over
from kubeproof.harness.face import Cluster as Manifests
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import Cluster, build
from kubeproof.harness.world.controllers.node_controllers import marking
from kubeproof.harness.world.parts import Parts
from kubeproof.impl.api.core import Node, Pod
from kubeproof.model.checker.explore import explore
from kubeproof.model.checker.results import Exploration, Status
from kubeproof.model.machine import Converges, Invariant, Property, Sometimes, StepProperty, View
from planted import planted

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      %s
      containers:
      - {name: app, image: "nginx:1.28", resources: {requests: {cpu: %s}}}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: alone}
spec:
  %s
  containers: [{name: app, image: "nginx:1.28"}]
"""
UNREACHABLE = "node.kubernetes.io/unreachable"
NOTHING = "priorityClassName: ''"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"


def cluster(spec: str = "", cpu: str = "250m", **options: Any) -> Cluster:
    """Make the cluster of one Deployment with one Pod on plain nodes (two unless told otherwise)."""
    return made_of(WEB % (spec or NOTHING, cpu), {"nodes": 2} | options)


def made_of(manifest: str, options: dict[str, Any]) -> Cluster:
    scenario = Manifests("small", immutabledict({"all.yaml": manifest})).given(options).load().scenario
    return checking.machine_of(scenario, prepare(scenario))


def nodes(one: Cluster, view: View) -> list[Node]:
    return [node for slot in one.world.layout.pools["Node"] if isinstance(node := view[slot], Node)]


def pods(one: Cluster, view: View) -> list[Pod]:
    return [pod for slot in one.world.layout.pools["Pod"] if isinstance(pod := view[slot], Pod)]


def sometimes(one: Cluster, seen: Callable[[Cluster, View], bool]) -> bool:
    """Tell whether some reachable state is one to be seen."""
    found = explore(one.machine, [Sometimes("seen", "", lambda view: seen(one, view))])
    assert found.complete
    return found["seen"].status is Status.HOLDS


def judge(one: Cluster, *more: Property) -> Exploration:
    found = explore(one.machine, [*claims.of(one), *more])
    assert found.complete
    return found


# --- a node dies ----------------------------------------------------------------------------------------------------

CRASH: dict[str, Any] = {"faults": {"nodeCrash": 1}}


def left_behind(one: Cluster, view: View) -> bool:
    """Tell whether a Pod terminates on a dead node while a ready one runs on the other."""
    there = pods(one, view)
    return any(
        old.metadata.terminating and not view[f"node/{old.spec.node_name}/up"] and new.ready and new.active
        for old in there
        for new in there
        if new.spec.node_name != old.spec.node_name
    )


def test_a_pod_whose_node_dies_is_replaced_on_another_node_and_stays_terminating() -> None:
    one = cluster(**CRASH)
    verdict = judge(one)["convergence"]
    assert verdict.status is Status.VIOLATED
    assert "is still being deleted" in verdict.evidence[0]
    assert sometimes(one, left_behind)


def unknown_and_tainted(one: Cluster, view: View) -> bool:
    return any(
        (ready := node.status.condition("Ready")) is not None
        and ready.status == "Unknown"
        and [(taint.key, taint.effect) for taint in node.spec.taints]
        == [(UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute")]
        for node in nodes(one, view)
    )


def test_a_dead_node_becomes_unknown_and_gets_both_taints() -> None:
    assert sometimes(cluster(**CRASH), unknown_and_tainted)


def marked(one: Cluster, view: View) -> bool:
    return any(
        not pod.ready and not pod.metadata.terminating and not view[f"node/{pod.spec.node_name}/up"]
        for pod in pods(one, view)
        if pod.spec.node_name and pod.status.phase == "Running"
    )


def test_pods_of_a_dead_node_are_marked_as_not_ready() -> None:
    assert sometimes(cluster(**CRASH), marked)


def runs_on_a_dead_node(one: Cluster) -> Invariant:
    def breaches(view: View) -> list[str]:
        places = one.world.layout.pools["Pod"]
        ran = [(view[slot], view[f"runtime/{slot.rpartition('/')[2]}"]) for slot in places]
        return [
            f"{pod.metadata.name} runs"
            for pod, runtime in ran
            if isinstance(pod, Pod)
            and pod.spec.node_name
            and runtime is not None
            and not view[f"node/{pod.spec.node_name}/up"]
        ]

    return Invariant("dead", "Nothing runs on a node that has died.", breaches)


def test_a_restart_of_the_node_controller_forgets_whose_pods_it_was_about_to_mark() -> None:
    """k/k#50067: it acts on the change it saw, so that nobody marks the Pods of a node that fell silent before."""

    def unmarked(one: Cluster, view: View) -> bool:
        dead = [node for node in nodes(one, view) if not view[f"node/{node.metadata.name}/up"]]
        remembered = any(view[marking(place)] for place in one.world.layout.pools["Node"])
        silent = [node for node in dead if node.status.conditions and node.status.conditions[0].status == "Unknown"]
        ready = [
            pod for pod in pods(one, view) if pod.ready and pod.spec.node_name in {n.metadata.name for n in silent}
        ]
        return bool(ready) and not remembered

    assert not sometimes(cluster(**CRASH), unmarked)
    assert sometimes(cluster(**{**CRASH, "faults": {"nodeCrash": 1, "crash": 1}}), unmarked)


def test_nothing_runs_on_a_dead_node() -> None:
    one = cluster(**CRASH)
    assert judge(one, runs_on_a_dead_node(one))["dead"].status is Status.HOLDS


def test_no_more_nodes_die_than_the_budget_says() -> None:
    def down(one: Cluster, view: View) -> int:
        return sum(not view[f"node/{node.metadata.name}/up"] for node in nodes(one, view))

    assert not sometimes(cluster(**CRASH), lambda one, view: down(one, view) > 1)
    assert sometimes(cluster(faults={"nodeCrash": 2}, bounds={"pods": 5}), lambda one, view: down(one, view) > 1)


def test_without_another_node_the_replacement_waits_and_the_report_names_the_taint() -> None:
    one = cluster(nodes=1, **CRASH)
    report = checking.check(one.scenario)
    convergence = next(claim for claim in report.claims if claim.name == "convergence")
    assert (convergence.status, convergence.kind) == (Status.VIOLATED, "stuck")
    assert any(UNREACHABLE in line for line in convergence.lines)


FOR_EVER = f"tolerations: [{{key: {UNREACHABLE}, operator: Exists, effect: NoExecute}}]"


def test_a_pod_that_tolerates_an_unreachable_node_for_ever_is_never_replaced() -> None:
    found = judge(cluster(FOR_EVER, **CRASH))["convergence"]
    assert (found.status, found.kind) == (Status.VIOLATED, "stuck")
    assert any("not ready" in line for line in found.evidence)


# --- cordon and taints ----------------------------------------------------------------------------------------------


def told(node: Node) -> bool:
    return any(taint.key == UNSCHEDULABLE for taint in node.spec.taints)


def test_a_cordoned_node_gets_its_taint_and_loses_it_again() -> None:
    one = cluster(script=[{"cordon": {"node": "node-1"}}, {"uncordon": {"node": "node-1"}}])
    assert sometimes(one, lambda one, view: any(node.spec.unschedulable and told(node) for node in nodes(one, view)))

    def in_order(view: View) -> list[str]:
        return ["tainted"] if any(told(node) for node in nodes(one, view)) else []

    over = Converges("order", "", in_order, lambda view: script_over(one, view))
    assert judge(one, over)["order"].status is Status.HOLDS


TAINT = {"taint": {"node": "node-1", "key": "gpu", "value": "broken", "effect": "NoExecute"}}
UNTAINT = {"untaint": {"node": "node-1", "key": "gpu"}}
ON_NODE_1 = "nodeSelector: {kubernetes.io/hostname: node-1}"


def evicted(one: Cluster, view: View) -> bool:
    return any(pod.metadata.terminating for pod in pods(one, view))


def tainted(one: Cluster, view: View) -> bool:
    return any(taint.key == "gpu" for node in nodes(one, view) for taint in node.spec.taints)


def alone(tolerations: str, **options: Any) -> Cluster:
    """Make a cluster of one Pod that nobody replaces, on the one node where the taint comes."""
    return made_of(POD % (f"tolerations: [{tolerations}]" if tolerations else NOTHING), {"nodes": 1} | options)


@pytest.mark.parametrize(
    ("tolerations", "leaves"),
    [
        ("", True),
        ("{key: gpu, operator: Exists, effect: NoExecute}", False),
        ("{key: gpu, operator: Exists, effect: NoExecute, tolerationSeconds: 60}", True),
        ("{key: gpu, operator: Equal, value: other, effect: NoExecute}", True),
    ],
    ids=["not tolerated", "for ever", "for a minute", "another value"],
)
def test_a_pod_leaves_a_tainted_node_unless_it_tolerates_the_taint_for_ever(tolerations: str, leaves: bool) -> None:  # noqa: FBT001
    one = alone(tolerations, script=[TAINT])
    assert sometimes(one, evicted) is leaves
    assert sometimes(one, lambda one, view: not pods(one, view)) is leaves


@pytest.mark.parametrize(("consistency", "late"), [("session", True), ("linearizable", False)])
def test_only_an_old_view_evicts_after_the_taint_is_off(consistency: str, late: bool) -> None:  # noqa: FBT001
    one = alone("", script=[TAINT, UNTAINT], consistency=consistency)

    def deleted_late(earlier: View, later: View, _label: str) -> list[str]:
        gone = evicted(one, later) and not evicted(one, earlier)
        return ["late"] if gone and not tainted(one, earlier) else []

    found = explore(one.machine, [StepProperty("late", "", deleted_late)])
    assert (found["late"].status is Status.VIOLATED) is late


@pytest.mark.parametrize(("key", "both"), [("gpu", True), ("node.kubernetes.io/not-ready", False)])
def test_only_what_a_pod_tolerates_for_a_while_waits_for_a_dying_pod_of_its_node(key: str, both: bool) -> None:  # noqa: FBT001
    """Pods tolerate a node that is not ready for 300 seconds: longer than the 30 that a Pod may take to stop."""
    late = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "late"}}
    steps = [
        {"deletePod": {"name": "alone"}},
        {"apply": {"object": {**late, "spec": {"containers": [{"name": "app", "image": "nginx:1.28"}]}}}},
        {"taint": {"node": "node-1", "key": key, "effect": "NoExecute"}},
    ]
    one = alone("", script=steps)
    assert sometimes(one, lambda one, view: [pod.metadata.terminating for pod in pods(one, view)] == [True] * 2) is both


# --- nodes join and leave -------------------------------------------------------------------------------------------


def test_pods_of_a_deleted_node_are_collected_and_replaced() -> None:
    one = cluster(script=[{"deleteNode": {"node": "node-1"}}], bounds={"pods": 5})
    assert judge(one)["convergence"].status is Status.HOLDS
    assert sometimes(one, lambda one, view: len(nodes(one, view)) == 1 and any(pod.ready for pod in pods(one, view)))


JOINING = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "big"},
    "status": {"capacity": {"cpu": "16", "memory": "8Gi", "pods": "110"}},
}


def test_a_node_that_joins_takes_the_waiting_pod() -> None:
    one = cluster(cpu="8", nodes=1, script=[{"addNode": {"node": JOINING}}])
    assert judge(one)["convergence"].status is Status.HOLDS
    assert sometimes(one, lambda one, view: any(pod.ready and pod.spec.node_name == "big" for pod in pods(one, view)))


# --- what is told, and who is needed --------------------------------------------------------------------------------


def test_the_bounds_say_what_is_assumed_about_dead_nodes_and_timers() -> None:
    calm = bounds_of(cluster().scenario)
    dying = [line for line in bounds_of(cluster(**CRASH).scenario) if line not in calm]
    assert [line.partition(" ")[0] for line in dying] == ["faults:", "nodes", "timers", "a", "a"]
    gone = [
        line for line in bounds_of(cluster(script=[{"deleteNode": {"node": "node-1"}}]).scenario) if line not in calm
    ]
    assert "the kubelet of a node that is deleted does nothing any more" in gone


def test_the_bounds_say_which_order_of_evictions_is_left_out_where_a_step_throws_pods_out() -> None:
    out = bounds_of(cluster(script=[{"taint": {"node": "node-1", "key": "spoilt", "effect": "NoExecute"}}]).scenario)
    order = [line for line in out if "is not evicted before that one is gone" in line]
    assert len(order) == 1
    assert any(line.startswith("timers ") for line in out)
    dying = bounds_of(cluster(**CRASH).scenario)
    assert not set(order) & set(dying)


BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
"""


def test_where_a_node_is_drained_the_budgets_are_counted_whatever_else_is_looked_at() -> None:
    manifest = f"{WEB % (NOTHING, '250m')}---{BUDGET}"
    scenario = made_of(manifest, {"nodes": 2, "script": [{"drain": {"node": "node-1"}}]}).scenario
    prepared = prepare(scenario)
    one = build(scenario, Parts(fine_kubelets=True), *prepared.starts)
    assert "disruption-controller" in {process.group for process in one.processes}
    assert "PodDisruptionBudget" in one.world.layout.pools


# --- each check can fail --------------------------------------------------------------------------------------------


def converges(one: Cluster) -> bool:
    return judge(one)["convergence"].status is Status.HOLDS


def silent(one: Cluster) -> bool:
    return judge(one, runs_on_a_dead_node(one))["dead"].status is Status.HOLDS


WORLD = "kubeproof.harness.world"
FAULTS: list[tuple[str, str, str, str, dict[str, Any], Callable[[Cluster], bool]]] = [
    (
        "containers go on running on a dead node",
        f"{WORLD}.faults.node_crash",
        "{**stopped, up_slot(node): False",
        "{up_slot(node): False",
        CRASH,
        silent,
    ),
    (
        "the kubelet of a dead node goes on working",
        f"{WORLD}.nodes.kubelets",
        "(struck and not view[up_slot(where)])",
        "False",
        CRASH,
        silent,
    ),
    (
        "nobody notices a silent node",
        f"{WORLD}.controllers.node_controllers",
        "if not name or not is_silent(view, name):\n        return\n    node = view[place]",
        "if name or not is_silent(view, name):\n        return\n    node = view[place]",
        CRASH,
        lambda one: sometimes(one, unknown_and_tainted),
    ),
    (
        "no Pod is marked",
        f"{WORLD}.controllers.node_controllers",
        "for request in nodelifecycle.reconcile(Cache.of((node, pod)), ref_of(node)):",
        "for request in nodelifecycle.reconcile(Cache.of((node, pod)), ref_of(node))[:0]:",
        CRASH,
        lambda one: sometimes(one, marked),
    ),
    (
        "no timer runs out",
        f"{WORLD}.controllers.taint_eviction",
        "requests = tainteviction.reconcile(cache, ref_of(pod), waited=FOR_EVER)",
        "requests = tainteviction.reconcile(cache, ref_of(pod), waited=0)",
        CRASH,
        lambda one: sometimes(one, left_behind),
    ),
    (
        "Pods of a deleted node stay",
        f"{WORLD}.controllers.node_controllers",
        "        _collector(pools, constants),\n",
        "",
        {"script": [{"deleteNode": {"node": "node-1"}}], "bounds": {"pods": 5}},
        converges,
    ),
]


@pytest.mark.parametrize(
    ("module", "before", "after", "options", "holds"),
    [fault[1:] for fault in FAULTS],
    ids=[fault[0] for fault in FAULTS],
)
def test_a_planted_fault_is_noticed(
    module: str, before: str, after: str, options: dict[str, Any], holds: Callable[[Cluster], bool]
) -> None:
    assert holds(cluster(**options))
    with planted(module, before, after):
        assert not holds(cluster(**options))
