"""Placement with the scheduling queue: what it is made of, what it does not know, and that it can fail."""

from __future__ import annotations

from typing import Any

import pytest
from immutabledict import immutabledict

from kubeproof.harness.check.check import check, machine_for
from kubeproof.harness.check.detail import scheduling_queue
from kubeproof.harness.check.results import Claim
from kubeproof.harness.face import Cluster
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.at_rest.prepare import Prepared, prepare
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.scheduler.queue.entry import NominationEnds
from kubeproof.model.checker import replay
from kubeproof.model.checker.explore import explore
from kubeproof.model.checker.results import Status
from kubeproof.model.machine import Sometimes, State
from planted import planted

NODE = (
    "apiVersion: v1\nkind: Node\nmetadata: {{name: {}}}\n"
    'status: {{allocatable: {{cpu: "{}", memory: 4Gi, pods: "10"}}}}\n---\n'
)
QUEUE: dict[str, Any] = {"detail": {"scheduler": "queue"}, "start": "empty"}
DELETES = [{"deletePod": {"name": "first"}}]


def pod(name: str, cpu: int, on: str = "", namespace: str = "default") -> str:
    home = f"nodeName: {on}, " if on else ""
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
        f'spec: {{{home}containers: [{{name: c, image: "i:1", resources: {{requests: {{cpu: "{cpu}"}}}}}}]}}\n---\n'
    )


def deployment(name: str) -> str:
    labels = f"{{app: {name}}}"
    return (
        f"apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {{name: {name}}}\nspec: {{replicas: 1, selector: "
        f"{{matchLabels: {labels}}}, template: {{metadata: {{labels: {labels}}}, spec: {{containers: "
        '[{name: c, image: "i:1", resources: {requests: {cpu: "1"}}}]}}}\n---\n'
    )


ONE_NODE = NODE.format("node-1", 1) + pod("first", 1, "node-1") + pod("waits", 1)
WAKES = ONE_NODE + pod("too-large", 2)


def scenario(manifests: str, **options: Any) -> Scenario:
    return Cluster("small", immutabledict({"all.yaml": manifests})).given(QUEUE | options).load().scenario


def placement(manifests: str, **options: Any) -> Claim:
    return next(one for one in check(scenario(manifests, **options)).claims if one.name == "placement")


def test_an_event_is_lost_with_the_mark_of_old_and_the_run_replays() -> None:
    made = scenario(WAKES, script=DELETES, switches={"wakeUps": "before-1.14"})
    claim = next(one for one in check(made).claims if one.name == "placement")
    assert (claim.status, claim.kind) == (Status.VIOLATED, scheduling_queue.IN_QUEUE)
    assert claim.lines == ("waits waits, and could be on node-1",)
    assert claim.trace is not None
    assert replay(machine_for(made, claim.kind), claim.trace).complete
    assert placement(WAKES, script=DELETES).status is Status.HOLDS


def test_the_scheduler_of_1_32_wakes_up_who_waits() -> None:
    claim = placement(ONE_NODE, script=DELETES)
    assert (claim.status, claim.vacuous) == (Status.HOLDS, False)
    assert claim.lines[-1].startswith("with the scheduling queue: ")
    moves = "queue = move_all_to_active_or_backoff_queue(memory.queue, settings, ASSIGNED_POD_DELETE, old, None, now)"
    with planted("kubeproof.impl.scheduler.queue.cluster_event_handlers", moves, "queue = memory.queue"):
        assert placement(ONE_NODE, script=DELETES).status is Status.VIOLATED


def test_who_is_nominated_no_longer_is_noticed_since_1_33() -> None:
    noticed = {
        name: scheduling_queue.ways_of(scenario(ONE_NODE, release=name)).queue.nomination_ends
        for name in ("1.32", "1.33")
    }
    assert noticed == {"1.32": NominationEnds.UNNOTICED, "1.33": NominationEnds.SEEN}


def test_steps_are_taken_in_their_order() -> None:
    """The Pod that comes after the first is gone never finds the node full: nothing is there to be missed."""
    late = {"apply": {"object": {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "late"},
        "spec": {"containers": [{"name": "c", "image": "i:1", "resources": {"requests": {"cpu": "1"}}}]},
    }}}  # fmt: skip
    whole = scheduling_queue.machine_of(made := scenario(ONE_NODE, script=[*DELETES, late]), prepared_of(made))
    users = [one for one in whole.actions if one.name.startswith("user ")]
    able = {one.name: bool(list(one.step(State.of(whole.initial[0])))) for one in users}
    assert able == {"user creates late": False, "user deletes first": True}


def prepared_of(made: Scenario) -> Prepared:
    return prepare(made)


@pytest.mark.parametrize(
    ("manifests", "options", "why"),
    [
        (ONE_NODE, {"script": [{"cordon": {"node": "node-1"}}]}, "a step that does something else"),
        (NODE.format("node-1", 2) + deployment("a") + deployment("b"), {}, "it knows one workload, not 2"),
        (
            NODE.format("node-1", 1) + pod("p", 1, namespace="shop"),
            {},
            "the namespace default alone, not shop",
        ),
        (NODE.format("node-1", 2) + deployment("a") + deployment("b"), {"start": "settled"}, "it knows one workload"),
    ],
    ids=["another step", "two workloads", "another namespace", "at rest"],
)
def test_what_it_does_not_know_leaves_the_claim_open(manifests: str, options: dict[str, Any], why: str) -> None:
    claim = placement(manifests, **options)
    assert claim.status is Status.UNKNOWN
    assert claim.lines[0].startswith("the queue was not looked at: ")
    assert why in claim.lines[0]


@pytest.mark.parametrize(
    ("option", "field"),
    [
        ({"faults": {"lostEvent": 1}}, "faults.lostEvent"),
        ({"faults": {"apiServerRestart": 1}}, "faults.apiServerRestart"),
        ({"switches": {"wakeUps": "before-1.14"}}, "switches.wakeUps"),
    ],
)
def test_what_only_the_queue_knows_asks_for_it(option: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput, match=rf"{field}: nobody would see it \(write detail: "):
        Cluster("small", immutabledict({"all.yaml": ONE_NODE})).given(option).load()


def test_a_detail_that_is_none_is_told_with_what_there_is() -> None:
    with pytest.raises(BadInput, match=r"'stack' is not known of scheduler \(known are queue"):
        scenario(ONE_NODE, detail={"scheduler": "stack"})


def test_a_list_tells_of_a_pod_that_was_never_seen_bound() -> None:
    """Its last state is from before it was bound: both handlers clean up, or it would be counted for ever.

    NodeResourcesFit's hint goes by that state (isSchedulableAfterPodEvent in noderesources/fit.go, v1.32): a Pod that
    was on no node frees nothing, and nobody is woken before the flush after five minutes.
    """
    two = NODE.format("node-1", 1) + pod("first", 1) + pod("waits", 1)
    given: dict[str, Any] = {"script": DELETES, "faults": {"apiServerRestart": 1}}
    hinted = placement(two, **given)
    assert (hinted.status, hinted.lines) == (Status.VIOLATED, ("waits waits, and could be on node-1",))
    given["switches"] = {"queueingHints": "before-1.32"}
    assert placement(two, **given).status is Status.HOLDS
    with planted(
        "kubeproof.impl.scheduler.queue.cluster_event_handlers",
        "if old is not None and not old.spec.node_name else after",
        "if False else after",
    ):
        assert placement(two, **given).status is Status.VIOLATED


LARGER = {"addNode": {"node": {
    "apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"},
    "status": {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "10"}},
}}}  # fmt: skip
AGAIN: dict[str, Any] = {"script": [{"deleteNode": {"node": "node-1"}}, LARGER]}


def test_a_node_that_comes_again_is_taken_for_the_former_one_before_1_11() -> None:
    """k/k#63262; what the numbers do is in tests/impl/scheduler/queue/test_queue.py."""
    too_small = NODE.format("node-1", 1) + pod("waits", 2)
    old = {"switches": {"nodeNumbers": "before-1.11"}}
    assert placement(too_small, **AGAIN, **old).lines == ("waits waits, and could be on node-1",)
    assert placement(too_small, **AGAIN).status is Status.HOLDS
    with planted("kubeproof.impl.scheduler.queue.assume_cache", "[0] != number", "[1] is None"):
        assert placement(too_small, **AGAIN).status is Status.HOLDS  # No entry is numbered.


def test_a_node_that_comes_is_tainted_until_the_node_controller_has_seen_it() -> None:
    """Without that controller the Pod waits for a node that never takes it, and nothing would be judged."""
    made = scenario(NODE.format("node-1", 1) + pod("waits", 2), **AGAIN)
    bound = Sometimes("bound", "It is bound.", lambda view: bool(view["api waits"].spec.node_name))
    assert explore(scheduling_queue.machine_of(made, prepared_of(made)), [bound])["bound"].status is Status.HOLDS
    module = "kubeproof.harness.world.grains.scheduling_queue.outside"
    with planted(module, "if isinstance(request, Update)", "if False"):
        whole = scheduling_queue.machine_of(made, prepared_of(made))
        assert explore(whole, [bound])["bound"].status is Status.VIOLATED


def test_a_scheduler_that_forgets_the_pods_of_a_node_ends() -> None:
    """k/k#89552: it takes two Pods on the node, one of which changes before the other goes."""
    steps = [{"deleteNode": {"node": "node-1"}}, {"deletePod": {"name": "first"}}]
    old: dict[str, Any] = {"switches": {"removedNodes": "before-1.19"}, "script": steps}
    two = NODE.format("node-1", 2) + pod("first", 1, "node-1") + pod("second", 1, "node-1")
    ended = placement(two, **old)
    assert ended.lines == ("the scheduler has ended, for second is not among the Pods of node-1",)
    assert ended.trace is not None
    assert replay(machine_for(scenario(two, **old), ended.kind), ended.trace).complete
    assert placement(two, script=steps).status is Status.HOLDS
    assert placement(NODE.format("node-1", 2) + pod("first", 1, "node-1"), **old).status is Status.HOLDS
    events = "kubeproof.impl.scheduler.queue.cluster_event_handlers"
    with planted(events, "if cache.ends else memory", "if False else memory"):
        assert placement(two, **old).status is Status.HOLDS


def test_two_steps_about_a_node_are_that_it_goes_and_comes() -> None:
    claim = placement(ONE_NODE, script=[*AGAIN["script"], {"deleteNode": {"node": "node-1"}}])
    assert claim.lines == ("the queue was not looked at: two steps about node-1",)


def test_steps_wait_for_quiet_where_they_are_asked_to() -> None:
    old = {"script": DELETES, "switches": {"wakeUps": "before-1.14"}}
    assert placement(WAKES, **old).status is Status.VIOLATED
    assert placement(WAKES, **old, waitBetweenSteps=True).status is Status.HOLDS


def test_every_state_of_rest_is_a_start() -> None:
    two = NODE.format("node-1", 1) + pod("first", 1) + pod("waits", 1)
    made = scenario(two, script=DELETES, start="settled")
    assert len(scheduling_queue.machine_of(made, prepared_of(made)).initial) == len(prepared_of(made).starts) == 2
    assert placement(two, script=DELETES, start="settled").status is Status.HOLDS


def test_an_apply_of_a_pod_that_is_there_leaves_the_claim_open() -> None:
    again = {"apply": {"object": {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "first", "labels": {"a": "b"}},
        "spec": {"nodeName": "node-1", "containers": [
            {"name": "c", "image": "i:1", "resources": {"requests": {"cpu": "1"}}}]},
    }}}  # fmt: skip
    claim = placement(ONE_NODE, script=[again])
    assert claim.status is Status.UNKNOWN
    assert "apply Pod first" in claim.lines[0]
