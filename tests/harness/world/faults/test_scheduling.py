"""What schedulers do to a cluster: they make room, they share nodes, and the kubelets have the last word."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from immutabledict import immutabledict

from kubeproof.harness.check import check as checking
from kubeproof.harness.check.bounds import bounds_of
from kubeproof.harness.check.results import Claim
from kubeproof.harness.claims import registry as claims
from kubeproof.harness.input.priorities import may_preempt
from kubeproof.harness.input.scenario import DEFAULT_SCHEDULER, Deadline, Scenario, Schedulers, Switch
from kubeproof.harness.world import scheduling
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import Cluster
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import (
    Container,
    Node,
    NodeStatus,
    Pod,
    PodCondition,
    PodSpec,
    PodStatus,
    ResourceRequirements,
)
from kubeproof.impl.api.kinds import Object
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta
from kubeproof.impl.api.policy import PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.api.values.quantity import Quantity
from kubeproof.impl.scheduler.filtering import Ready
from kubeproof.impl.scheduler.filtering import prepare as prepare_filters
from kubeproof.impl.scheduler.framework import Snapshot
from kubeproof.impl.scheduler.plugins.preemption import Candidate, choices
from kubeproof.impl.scheduler.profile import DEFAULT
from kubeproof.impl.scheduler.schedule import decide
from kubeproof.model.checker.explore import explore
from kubeproof.model.checker.results import Exploration, Status
from kubeproof.model.machine import Invariant, Property, Sometimes, StepProperty, View
from places import VECTORS
from planted import planted
from recorded.recordings import TIERS, Judged, judge
from scenes.placements import HIGH, IMPORTANT, JOB, nodes, scenario, web

E2E = VECTORS / "e2e" / "preemption.jsonl.xz"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  %s
  containers: [{name: app, image: "app:1", resources: {requests: {cpu: %s}}}]
"""
CLASS = """
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: %s}
value: %s
preemptionPolicy: %s
"""
BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
"""
NO_SPEC = "priorityClassName: ''"
ASK_HIGH = {"apply": {"object": HIGH}}
PREEMPTED = PodCondition(
    "DisruptionTarget",
    "True",
    "PreemptionByScheduler",
    "default-scheduler: preempting to accommodate a higher priority pod",
)


def pod(name: str, spec: str = NO_SPEC, cpu: str = "1") -> str:
    return POD % (name, spec, cpu)


def cluster(asked: Scenario) -> Cluster:
    return checking.machine_of(asked, prepare(asked))


def judged(one: Cluster, *more: Property) -> Exploration:
    found = explore(one.machine, [*claims.of(one), *more])
    assert found.complete
    return found


def pods(one: Cluster, view: View) -> dict[str, Pod]:
    found = (view[slot] for slot in one.world.layout.pools["Pod"])
    return {obj.metadata.name: obj for obj in found if isinstance(obj, Pod)}


def sometimes(one: Cluster, seen: Callable[[dict[str, Pod]], bool]) -> bool:
    """Tell whether some reachable state has such Pods."""
    return judged(one, Sometimes("seen", "", lambda view: seen(pods(one, view))))["seen"].status is Status.HOLDS


def labels(one: Cluster, action: str = "") -> set[str]:
    """Return the label of every step of an action (of all, if none is named) that is taken in some run."""
    found: set[str] = set()

    def hears(_before: View, _after: View, label: str) -> tuple[str, ...]:
        found.add(label)
        return ()

    explore(one.machine, [StepProperty("", "", hears, lambda name: action in {"", name})])
    return found


def full(*script: Any, low: str = "", **options: Any) -> Scenario:
    """Return a node that one Pod fills, and Pods of higher priority that come later."""
    return scenario(nodes("node-1"), IMPORTANT, low or pod("low"), script=list(script or [ASK_HIGH]), **options)


# --- making room ----------------------------------------------------------------------------------------------------


def test_a_pod_of_higher_priority_gets_the_room_of_another_in_four_writes() -> None:
    one = cluster(full())
    arrived = Invariant("arrived", "", lambda view: ["there"] if "high" in on(one, view, "node-1") else [])
    found = judged(one, arrived)
    assert found["priority"].status is found["placement"].status is Status.HOLDS
    trace = found["arrived"].trace
    assert trace is not None
    assert [step.label for step in trace.steps if step.action.startswith("scheduler:")] == [
        "marks Pod low for preemption",
        "deletes Pod low",
        "nominates Pod high for node-1",
        "binds Pod high to node-1",
    ]


def on(one: Cluster, view: View, node: str) -> set[str]:
    return {name for name, obj in pods(one, view).items() if obj.spec.node_name == node}


def test_between_the_writes_others_act_and_the_scheduler_does_not() -> None:
    one = cluster(full())
    assert sometimes(one, lambda there: has_room(there) and not there["high"].status.nominated_node_name)
    assert not sometimes(one, lambda there: "low" in there and "high" in there and there["high"].spec.node_name != "")


def has_room(there: dict[str, Pod]) -> bool:
    return "low" not in there and "high" in there


def test_a_victim_is_marked_before_it_is_deleted_and_keeps_what_its_kubelet_has_said() -> None:
    one = cluster(full())

    def is_marked(obj: Pod) -> bool:
        mark = obj.status.condition("DisruptionTarget")
        return mark is not None and evolve(mark, last_transition_time=None) == PREEMPTED

    def marked_and_ready(there: dict[str, Pod]) -> bool:
        return "low" in there and is_marked(there["low"]) and there["low"].ready and bool(there["low"].status.pod_ip)

    assert sometimes(one, marked_and_ready)
    assert not sometimes(
        one, lambda there: any(obj.metadata.terminating and not is_marked(obj) for obj in there.values())
    )


def test_a_nomination_leaves_the_rest_of_the_status_as_it_is() -> None:
    one = cluster(full())

    def nominated(there: dict[str, Pod], *phases: str) -> bool:
        waiting = (obj for obj in there.values() if obj.status.nominated_node_name and not obj.spec.node_name)
        return any(obj.status.phase in phases for obj in waiting)

    assert sometimes(one, lambda there: nominated(there, "Pending"))
    assert not sometimes(one, lambda there: nominated(there, "", "Running"))


def test_who_may_not_evict_waits_and_nobody_claims_otherwise() -> None:
    asked = scenario(nodes("node-1"), CLASS % ("important", 9, "Never"), pod("low"), script=[ASK_HIGH])
    one = cluster(asked)
    assert not may_preempt(asked)
    assert "priority" not in {claim.name for claim in claims.of(one)}
    assert not sometimes(one, lambda there: "low" not in there or ("high" in there and there["high"].ready))


def later(name: str, priority: str, cpu: str = "1") -> dict[str, Any]:
    """Apply a Pod like HIGH, called otherwise, of another class and size."""
    containers = [{"name": "app", "image": "app:1", "resources": {"requests": {"cpu": cpu}}}]
    spec = {"priorityClassName": priority, "containers": containers}
    return {"apply": {"object": {**HIGH, "metadata": {"name": name}, "spec": spec}}}


UNCOUNTED = frozenset({Switch.UNCOUNTED_NOMINATIONS})


def two_come(switches: frozenset[Switch] = frozenset()) -> Cluster:
    """Two Pods come for the room of one, the more important one last."""
    asked = full(
        later("middle", "middle"), ASK_HIGH, low=CLASS % ("middle", 5, "PreemptLowerPriority") + "---" + pod("low")
    )
    return cluster(evolve(asked, switches=switches))


def test_the_nomination_of_a_less_important_pod_is_taken_back() -> None:
    one = two_come()
    assert "takes back the nomination of middle" in labels(one)
    assert judged(one)["priority"].status is Status.HOLDS

    def both(there: dict[str, Pod]) -> bool:
        names = [there[name].status.nominated_node_name for name in ("middle", "high") if name in there]
        return names == ["node-1", "node-1"] and not any(obj.spec.node_name for obj in there.values())

    assert not sometimes(one, both)


def test_nobody_less_important_is_put_where_room_was_made() -> None:
    def taken(before: View, _after: View, label: str) -> list[str]:
        promised = [
            obj for obj in pods(one, before).values() if obj.status.nominated_node_name and not obj.spec.node_name
        ]
        return [label] if label.startswith("binds Pod web") and promised else []

    for switches, expected in ((frozenset[Switch](), Status.HOLDS), (UNCOUNTED, Status.VIOLATED)):
        asked = full(low=web("", 1, "1"))
        one = cluster(evolve(asked, switches=switches))
        assert judged(one, StepProperty("taken", "", taken))["taken"].status is expected


def test_a_nomination_that_helps_no_longer_is_taken_back() -> None:
    one = cluster(full(ASK_HIGH, {"cordon": {"node": "node-1"}}))
    assert "takes back the nomination of high" in labels(one)
    assert "takes back the nomination of high" not in labels(cluster(full()))


def two_nodes(*script: Any, **options: Any) -> Scenario:
    """Return two nodes that are full of Pods which may be evicted."""
    return scenario(nodes("node-1", "node-2"), IMPORTANT, pod("a"), pod("b"), script=list(script), **options)


def test_while_its_victim_leaves_a_pod_evicts_no_other_one() -> None:
    assert not sometimes(cluster(two_nodes(ASK_HIGH)), lambda there: not {"a", "b"} & set(there))


def test_the_nomination_of_an_equally_important_pod_stays() -> None:
    roomy = nodes("node-1").replace('cpu: "1"', 'cpu: "2"')
    asked = scenario(
        roomy, IMPORTANT, pod("a"), pod("b"), script=[later("one", "important"), later("two", "important")]
    )
    told = labels(cluster(asked))
    assert {"nominates Pod one for node-1", "nominates Pod two for node-1"} <= told
    assert not any(label.startswith("takes back") for label in told)


def test_who_waits_for_its_equals_or_may_not_evict_is_not_outranked() -> None:
    equal = full(later("one", "important"), later("two", "important"))
    assert judged(cluster(equal))["priority"].status is Status.HOLDS
    others = "---".join((CLASS % ("patient", 7, "Never"), web("priorityClassName: important", 0), pod("low")))
    patient = cluster(full(later("one", "patient"), low=others))
    assert judged(patient)["priority"].status is Status.HOLDS
    assert not sometimes(patient, lambda there: "low" not in there)


def test_a_crash_in_the_middle_of_a_preemption_keeps_nobody_waiting() -> None:
    one = cluster(full(faults={"crash": 1}))
    found = judged(one)
    assert found["priority"].status is Status.HOLDS
    assert found["placement"].status is Status.HOLDS


def test_the_least_of_equal_victims_is_left_open() -> None:
    asked = scenario(
        nodes("node-1"),
        IMPORTANT,
        pod("a", cpu="500m"),
        pod("b", cpu="500m"),
        script=[later("high", "important", "500m")],
    )
    one = cluster(asked)
    assert sometimes(one, lambda there: "a" not in there)
    assert sometimes(one, lambda there: "b" not in there)
    assert not sometimes(one, lambda there: not {"a", "b"} & set(there))


def test_a_budget_is_respected_where_there_is_a_choice() -> None:
    """The status of the budget is the disruption controller's, so that controller takes part."""
    kept = scenario(
        nodes("node-1"),
        IMPORTANT,
        BUDGET,
        web("", 1, "500m"),
        pod("b", cpu="500m"),
        script=[later("high", "important", "500m")],
    )
    free = scenario(
        nodes("node-1"),
        IMPORTANT,
        web("", 1, "500m"),
        pod("b", cpu="500m"),
        script=[later("high", "important", "500m")],
    )
    marks = {label for label in labels(cluster(kept)) if label.startswith("marks")}
    assert marks == {"marks Pod b for preemption"}
    assert len({label for label in labels(cluster(free)) if label.startswith("marks")}) == 2
    assert "PodDisruptionBudget" in cluster(kept).world.layout.pools
    budget = judged(cluster(kept))["budget"]
    assert (budget.status, budget.vacuous) == (Status.HOLDS, False)


SIZES = st.tuples(st.sampled_from((1, 2, 3)), st.sampled_from((0, 1)), st.booleans())
"""Of a Pod: its size, its priority, and whether the budget is about it."""
MIXED = [(2, 0, False), (1, 0, False), (1, 0, False)]
"""Depending on who started first one or two of these go for a Pod of size two."""


@settings(max_examples=50, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(SIZES, min_size=1, max_size=3), st.lists(SIZES, max_size=2), st.integers(1, 4), st.integers(0, 1))
@example(MIXED, MIXED, 2, 0)
@example([(3, 1, False), (3, 0, False)], [], 1, 0)
def test_every_choice_and_no_other_comes_of_some_order_of_starting(
    some: list[tuple[int, int, bool]], more: list[tuple[int, int, bool]], wanted: int, allowed: int
) -> None:
    """Held against the preemption that knows when each Pod has started, for every order in which they may have."""
    bound = [
        small_pod(f"{home}{number}", size, priority=rank, node_name=home, app="kept" if kept else "free")
        for home, those in (("m", some), ("n", more))
        for number, (size, rank, kept) in enumerate(those)
    ]
    new = small_pod("new", wanted, priority=5)
    others: tuple[Object, ...] = (
        small_budget(allowed),
        *(small_node(home) for home, those in (("m", some), ("n", more)) if those),
    )
    unknown = Snapshot.of(Cache.of((*others, *bound)))
    decision, ready = decide(new, unknown), prepare_filters(unknown, new, DEFAULT)
    assume(not decision.best)
    assert isinstance(ready, Ready)
    found = {victims(one) for one in choices(unknown, new, decision.preemption, ready)}
    possible = set()
    for times in permutations(range(len(bound))):
        started = [evolve(one, status=PodStatus(start_time=at)) for one, at in zip(bound, times, strict=True)]
        known = decide(new, Snapshot.of(Cache.of((*others, *started)))).preemption
        possible |= {victims(one) for one in known.candidates if one.node in known.selections}
    assert found == possible


def victims(one: Candidate) -> tuple[str, frozenset[str]]:
    return one.node, frozenset(each.metadata.name for each in one.victims)


def small_pod(name: str, cpu: int, app: str = "", **spec: Any) -> Pod:
    container = Container("c", resources=ResourceRequirements(immutabledict({"cpu": Quantity.of(cpu)})))
    return Pod(ObjectMeta(name=name, namespace="default", labels=strings({"app": app})), PodSpec((container,), **spec))


def small_node(name: str) -> Node:
    room = immutabledict({"cpu": Quantity.of(4), "pods": Quantity.of(9)})
    return Node(ObjectMeta(name=name), status=NodeStatus(room, room))


def small_budget(allowed: int) -> PodDisruptionBudget:
    spec = PodDisruptionBudgetSpec(selector=LabelSelector(match_labels=strings({"app": "kept"})))
    status = PodDisruptionBudgetStatus(disruptions_allowed=allowed)
    return PodDisruptionBudget(ObjectMeta(name="budget", namespace="default"), spec, status)


# --- deadlines ------------------------------------------------------------------------------------------------------


def deadline(asked: Scenario) -> Claim:
    return next(one for one in checking.check(asked).claims if one.name == "deadline")


def timed(low: str = "terminationGracePeriodSeconds: 40", *script: Any, **options: Any) -> Scenario:
    times = {"running": "59s", "decision": "3s", "stop": "4s", "start": "9s"} | options.pop("times", {})
    return full(*script, low=pod("low", low), deadline=times, **options)


def test_a_deadline_is_met_to_the_second() -> None:
    """Two decisions, the grace period and what comes after it, the start: 3 + 40 + 4 + 3 + 9."""
    met = deadline(timed())
    assert (met.status, met.kind) == (Status.HOLDS, "timing")
    told = "a decision that evicts 3 s, the end of the victims 44 s, a decision that binds 3 s, the start 9 s"
    assert met.lines == (f"such a Pod runs at the latest after 59 s, the deadline is 59 s: {told}",)
    assert deadline(timed(times={"running": "58s"})).status is Status.VIOLATED
    assert deadline(timed("terminationGracePeriodSeconds: 41")).status is Status.VIOLATED
    assert deadline(timed("restartPolicy: Always")).lines[0].startswith("such a Pod runs at the latest after 49 s")


def test_the_longest_grace_period_of_those_that_are_evicted_counts() -> None:
    long, short, spared = (f"terminationGracePeriodSeconds: {seconds}" for seconds in (40, 10, 500))
    others = "---".join((pod("slow", long, "500m"), pod("quick", short, "500m"), web(spared, 0)))
    assert (
        deadline(full(low=others, deadline={"running": "77s"}))
        .lines[0]
        .startswith("such a Pod runs at the latest after 77 s")
    )


def test_who_has_to_evict_nobody_has_only_to_start() -> None:
    roomy = scenario(nodes("node-1", "node-2"), IMPORTANT, pod("low"), script=[ASK_HIGH], deadline={"running": "21s"})
    assert deadline(roomy).lines == (
        "such a Pod runs at the latest after 21 s, the deadline is 21 s: a decision that binds 11 s, the start 10 s",
    )


def test_a_crash_may_cost_a_round() -> None:
    late = deadline(timed(faults={"crash": 1}))
    assert late.status is Status.VIOLATED
    assert late.lines[0].startswith("such a Pod runs at the latest after 106 s")


def test_no_bound_is_given_where_a_promise_may_be_broken() -> None:
    """The more important of two Pods takes the room that was made for the other one."""
    asked = full(
        later("middle", "middle"),
        ASK_HIGH,
        low=CLASS % ("middle", 5, "PreemptLowerPriority") + "---" + pod("low"),
        deadline={"running": "1h"},
    )
    found = deadline(asked)
    assert found.status is Status.UNKNOWN
    assert "middle is no longer promised node-1" in found.lines


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (
            lambda: two_nodes(ASK_HIGH, {"cordon": {"node": "node-1"}}),
            "room is made for high on node-2, though it is promised another node",
        ),
        (
            lambda: full(ASK_HIGH, {"deletePod": {"name": "low"}}),
            "the preemption for high is given up half-way",
        ),
        (
            lambda: evolve(full(low=web("", 1, "1")), switches=UNCOUNTED),
            "more is evicted for a Pod that is promised the node already",
        ),
    ],
)
def test_a_second_round_is_noticed(asked: Callable[[], Scenario], line: str) -> None:
    one = cluster(evolve(asked(), deadline=Deadline(1)))
    (once,) = (each for each in claims.of(one) if each.name == "deadline")
    assert isinstance(once, StepProperty)

    def said(before: View, after: View, label: str) -> list[str]:
        return [each for each in once.check(before, after, label) if each == line]

    assert judged(one, StepProperty("said", "", said, once.actions))["said"].status is Status.VIOLATED


def test_who_may_wait_for_ever_meets_no_deadline() -> None:
    asked = full(low=web("", 1, "1"), deadline={"running": "1h"})
    found = deadline(evolve(asked, switches=UNCOUNTED))
    assert found.status is Status.VIOLATED
    assert found.trace is not None
    assert found.trace.cycle_start is not None


def test_a_kubelet_that_may_refuse_a_pod_lets_no_deadline_be_met() -> None:
    twice = Schedulers((DEFAULT_SCHEDULER, DEFAULT_SCHEDULER))
    asked = full(later("other", "important"), ASK_HIGH, deadline={"running": "1h"})
    found = deadline(evolve(asked, schedulers=twice))
    assert found.status is Status.UNKNOWN
    assert found.lines[0] == "a kubelet may refuse it (see placement)"


def test_a_deadline_where_nobody_may_evict_is_vacuous() -> None:
    found = deadline(scenario(nodes("node-1"), pod("low"), deadline={"running": "1s"}))
    assert (found.status, found.vacuous) == (Status.HOLDS, True)


def test_a_deadline_says_when() -> None:
    with pytest.raises(BadInput, match="a deadline needs the field 'running'"):
        scenario(nodes("node-1"), pod("low"), deadline={"start": "1s"})


# --- where nothing can be evicted nothing changes -------------------------------------------------------------------


def size(asked: Scenario) -> tuple[int, int]:
    found = judged(cluster(asked))
    return found.states, found.transitions


@pytest.mark.parametrize("cpu", ["400m", "700m"])
def test_worlds_without_priorities_are_as_small_as_without_preemption(cpu: str) -> None:
    rollout = {"setImage": {"kind": "Deployment", "name": "web", "image": "app:2"}}
    asked = scenario(nodes("node-1", "node-2"), web("", 2, cpu), script=[rollout])
    same = scenario(nodes("node-1", "node-2"), IMPORTANT, web("priorityClassName: important", 2, cpu), script=[rollout])
    with planted("kubeproof.harness.world.scheduling", "if not decision.best:", "if False and not decision.best:"):
        without = size(asked)
    assert size(asked) == size(same) == without
    assert not may_preempt(asked)
    assert not may_preempt(same)


@pytest.mark.parametrize(
    ("manifests", "script", "possible"),
    [
        ((IMPORTANT, web("priorityClassName: important", 1), pod("low")), [], True),
        ((IMPORTANT, pod("low")), [ASK_HIGH], True),
        ((CLASS % ("low", -1, "Never"), web("priorityClassName: low", 1), pod("usual")), [], True),
        ((CLASS % ("high", 1, "Never"), web("priorityClassName: high", 1), pod("usual")), [], False),
        ((web("priorityClassName: system-cluster-critical", 1), pod("low")), [], True),
        ((IMPORTANT.replace("value", "globalDefault: true\nvalue"), web("", 1), pod("low")), [], False),
        ((IMPORTANT, web("", 1)), [{"deleteObject": {"kind": "PriorityClass", "name": "important"}}], True),
        ((IMPORTANT, web("", 1)), [{"deleteObject": {"kind": "Deployment", "name": "web"}}], False),
        (
            (web("", 1),),
            [
                {
                    "apply": {
                        "object": {
                            "apiVersion": "scheduling.k8s.io/v1",
                            "kind": "PriorityClass",
                            "metadata": {"name": "new"},
                            "value": 1,
                        }
                    }
                }
            ],
            True,
        ),
    ],
)
def test_it_is_known_beforehand_whether_anybody_may_be_evicted(
    manifests: tuple[str, ...],
    script: list[Any],
    possible: bool,  # noqa: FBT001 - a column of the table
) -> None:
    asked = scenario(nodes("node-1"), *manifests, script=script)
    assert may_preempt(asked) is possible
    assert ("priority" in {claim.name for claim in claims.of(cluster(asked))}) is possible


# --- the checks can fail --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "claim"),
    [
        ("yield Delete(ref_of(victim))", "yield from ()", "priority"),
        ("if not decision.best:\n", "if not decision.best and False:\n", "priority"),
        ("yield _nominate(pod, chosen.node)", 'yield _nominate(pod, "")', "priority"),
    ],
)
def test_a_fault_in_making_room_is_noticed(before: str, after: str, claim: str) -> None:
    with planted("kubeproof.harness.world.scheduling", before, after):
        assert judged(cluster(full(low=web("", 1, "1"))))[claim].status is Status.VIOLATED
    assert judged(cluster(full(low=web("", 1, "1"))))[claim].status is Status.HOLDS


# --- as recorded ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("identity", ["0172", "0174", "0179"])
def test_a_real_cluster_did_what_the_model_allows(identity: str) -> None:
    with lzma.open(E2E, "rt", encoding="utf-8") as lines:
        record = next(one for one in map(json.loads, lines) if one["id"] == identity)
    found = judge(record, TIERS[:1])
    assert isinstance(found, Judged)
    assert found.allowed
    assert found.decided
    for outcome in record["outcomes"][1:]:
        for one in outcome["pods"]:
            one["nominatedNodeName"] = None if one.get("nominatedNodeName") else "elsewhere"
    changed = judge(record, TIERS[:1])
    assert isinstance(changed, Judged)
    assert changed.allowed is False


# --- what comes between a decision and its binding ------------------------------------------------------------------


def test_a_cordon_that_comes_after_the_decision_breaks_no_placement() -> None:
    cordon = {"cordon": {"node": "node-1"}}
    one = cluster(scenario(nodes("node-1"), pod("web"), start="empty", script=[cordon]))

    def bound_behind(before: View, _after: View, label: str) -> list[str]:
        cordoned = any(node.spec.unschedulable for slot in one.world.layout.pools["Node"] if (node := before[slot]))
        return [label] if cordoned and label == "binds Pod web to node-1" else []

    found = judged(one, StepProperty("behind", "", bound_behind))
    assert found["behind"].status is Status.VIOLATED
    assert found["placement"].status is Status.HOLDS


# --- several schedulers ---------------------------------------------------------------------------------------------


def test_a_scheduler_leaves_pods_of_another_one_alone() -> None:
    names = ["default-scheduler", "batch"]
    asked = scenario(nodes("node-1"), pod("web"), pod("job", "schedulerName: batch"), start="empty", schedulers=names)
    one = cluster(asked)
    assert labels(one, "scheduler: sends") == {"binds Pod web to node-1"}
    assert labels(one, "scheduler 2: sends") == {"binds Pod job to node-1"}


def test_a_pod_whose_scheduler_does_not_run_waits_for_it() -> None:
    report = checking.check(scenario(nodes("node-1"), pod("job", "schedulerName: batch"), start="empty"))
    convergence = next(one for one in report.claims if one.name == "convergence")
    assert convergence.status is Status.VIOLATED
    line = "job waits for a scheduler called batch; those that run are: default-scheduler (schedulers)"
    assert line in convergence.lines
    assert not any("fits on" in one for one in convergence.lines)
    assert convergence.blame[0].field == "spec.schedulerName"


def test_a_refused_pod_fails_and_is_replaced() -> None:
    names = ["default-scheduler", "default-scheduler"]
    views = {"mixedViews": False}
    asked = scenario(nodes("node-1", "node-2"), web("", 2, "700m"), start="empty", schedulers=names, bounds=views)
    one = cluster(asked)
    found = judged(one, Sometimes("healed", "", lambda view: is_healed(pods(one, view))))
    assert found["placement"].status is Status.VIOLATED
    assert found["healed"].status is Status.HOLDS


def is_healed(there: dict[str, Pod]) -> bool:
    failed = [obj for obj in there.values() if obj.status.phase == "Failed" and obj.status.reason == "OutOfcpu"]
    return bool(failed) and {obj.spec.node_name for obj in there.values() if obj.ready} == {"node-1", "node-2"}


@pytest.mark.parametrize(
    ("spec", "cpu", "reason"),
    [
        (NO_SPEC, "600m", "OutOfcpu"),
        ("overhead: {memory: 5Gi}", "100m", "OutOfmemory"),
        ("nodeSelector: {disk: fast}", "100m", "NodeAffinity"),
        (NO_SPEC, "500m", ""),
    ],
)
def test_the_kubelet_has_the_last_word(spec: str, cpu: str, reason: str) -> None:
    """The Pod names its node, so that no scheduler is asked."""
    asked = scenario(
        nodes("node-1"),
        pod("there", "nodeName: node-1", "500m"),
        pod("new", f"nodeName: node-1\n  {spec}", cpu),
        start="empty",
    )
    one = cluster(asked)

    def refused(there: dict[str, Pod]) -> bool:
        return there["new"].status.phase == "Failed" and there["new"].status.reason == reason

    assert sometimes(one, refused) is bool(reason)


def test_pods_are_counted_by_the_kubelet_too() -> None:
    crowded = nodes("node-1").replace('pods: "10"', 'pods: "1"')
    one = cluster(
        scenario(crowded, pod("a", "nodeName: node-1", "1m"), pod("b", "nodeName: node-1", "1m"), start="empty")
    )
    assert sometimes(one, lambda there: there["a"].status.reason == "OutOfpods")
    assert not sometimes(one, lambda there: all(obj.status.reason for obj in there.values()))


def test_a_kubelet_of_old_reports_an_end_before_it_has_come() -> None:
    asked = scenario(nodes("node-1"), JOB % "first", JOB % "second", start="empty", images="byName")
    assert not sometimes(cluster(asked), lambda there: any(obj.status.phase == "Failed" for obj in there.values()))
    early = cluster(evolve(asked, switches=frozenset({Switch.EARLY_STATUS})))
    assert sometimes(early, lambda there: any(obj.status.reason == "OutOfcpu" for obj in there.values()))


# --- what is said of it ---------------------------------------------------------------------------------------------


def test_the_bounds_name_schedulers_preemption_and_old_switches() -> None:
    plain = "\n".join(bounds_of(full()))
    assert "one scheduler" in plain
    assert "which of several Pods of equal priority started first is left open" in plain
    assert "before Kubernetes" not in plain
    twice = Schedulers(("a", "b"))
    told = "\n".join(bounds_of(evolve(full(), schedulers=twice, switches=frozenset(Switch))))
    assert "2 schedulers that are all active (a, b)" in told
    assert "before Kubernetes 1.9" in told
    assert "before Kubernetes 1.27" in told
    assert "preemption" not in "\n".join(bounds_of(scenario(nodes("node-1"), pod("web"))))


@pytest.mark.parametrize(
    ("asked", "wrong"), [([], "at least one scheduler"), ("batch", "expected a list"), ([7], "expected a text")]
)
def test_schedulers_that_are_no_names_are_refused(asked: Any, wrong: str) -> None:
    with pytest.raises(BadInput, match=wrong):
        scenario(nodes("node-1"), pod("web"), schedulers=asked)


def test_a_scheduler_keeps_no_more_of_a_pod_than_it_looks_at() -> None:
    asked = cluster(full())
    seen = {obj for slot in asked.world.layout.pools["Pod"] if (obj := asked.machine.initial[0][slot])}
    (low,) = (scheduling.kept_pod("", obj) for obj in seen)  # type: ignore[arg-type]
    assert isinstance(low, Pod)
    assert low.status.conditions == ()
    assert low.status.pod_ip == ""
