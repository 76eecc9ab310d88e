"""Which windows the waits of a world have, and that whoever must be over some time can be."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import partial
from itertools import islice
from random import Random
from typing import Any

import pytest
from attrs import evolve

from kubeproof.harness.check.check import machine_of
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import Cluster
from kubeproof.harness.world.nodes.kubelets import runtime_slot
from kubeproof.harness.world.nodes.node_state import cut_slot
from kubeproof.impl.api.batch import Job
from kubeproof.impl.api.core import Node, Pod, Taint
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.runtime import PodRuntime, Stage
from kubeproof.impl.controllers.common import controller_of
from kubeproof.model.checker.clock.clocked import clocked, plain
from kubeproof.model.checker.clock.timetable import Contradiction, Timetable, timetable
from kubeproof.model.checker.results import Trace
from kubeproof.model.checker.semantics import initial_states, micro_steps, moves, outcomes
from kubeproof.model.machine import Machine, State, Wait
from places import TESTS, load

WORLDS = load(TESTS / "mutants" / "worlds.py")
POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: one}}
spec:
  nodeName: node-1
  {spec}
  containers:
    - {{name: app, image: "{image}", {box}}}
    - {{name: side, image: "side:1", {side}}}
"""


def cluster(spec: str = "", box: str = "", side: str = "", image: str = "web:1", **options: Any) -> Cluster:
    """Return a cluster with one Pod that runs."""
    given = {"nodes": 1, "start": "settled", "consistency": "linearizable", **options}
    text = POD.format(spec=spec, box=box, side=side, image=image)
    scenario = load_scenario("one", {"pod.yaml": text}, given).scenario
    return machine_of(scenario, prepare(scenario))


def start(one: Cluster) -> State:
    return initial_states(one.machine, urgent=True)[0]


def place(state: State) -> str:
    return next(slot for slot, value in state.items() if isinstance(value, Pod))


def changed(state: State, **slots: Any) -> State:
    return State.of({**state, **slots})


def going(state: State, **runtime: Any) -> State:
    """Return a state with its Pod on the way out."""
    slot = place(state)
    pod = state[slot]
    grace = 30 if pod.spec.termination_grace_period_seconds is None else pod.spec.termination_grace_period_seconds
    meta = evolve(pod.metadata, deletion_timestamp=0, deletion_grace_period_seconds=grace)
    runs = evolve(state[runtime_slot(slot)], **runtime)
    return State.of({**state, slot: evolve(pod, metadata=meta), runtime_slot(slot): runs})


def windows(one: Cluster, state: State) -> dict[str, tuple[float, float | None]]:
    """Return the windows of the waits of a state, by kind."""
    waits = ((timer.kind, wait) for timer in one.machine.timers for wait in timer.waits(state))
    return {kind: _window(wait) for kind, wait in waits if wait.least or wait.most is not None}


def _window(wait: Wait) -> tuple[float, float | None]:
    return float(wait.least), None if wait.most is None else float(wait.most)


HOOK = "lifecycle: {preStop: {sleep: {seconds: %d}}}"
PROBED = "readinessProbe: {httpGet: {port: 80}, initialDelaySeconds: %d}"


@pytest.mark.parametrize(
    ("spec", "box", "side", "end"),
    [
        ("", "", "", (0, 150)),
        ("terminationGracePeriodSeconds: 5", "", "", (0, 125)),
        ("", HOOK % 10, "", (10, 150)),
        ("", HOOK % 10, HOOK % 7, (10, 150)),
        ("terminationGracePeriodSeconds: 5", "lifecycle: {preStop: {exec: {command: [sleep, '10']}}}", "", (5, 125)),
    ],
    ids=["no hook", "a short grace period", "a hook", "two hooks", "a hook that the grace period cuts off"],
)
def test_a_pod_ends_after_its_longest_hook_and_within_its_grace_period_and_two_minutes(
    spec: str, box: str, side: str, end: tuple[float, float]
) -> None:
    one = cluster(spec, box, side)
    assert windows(one, start(one)) == {}
    assert windows(one, going(start(one)))["end"] == end


def test_the_first_sigterm_comes_after_the_shortest_hook() -> None:
    one = cluster("", HOOK % 10, HOOK % 7)
    assert windows(one, going(start(one), stage=Stage.PRE_STOP))["hook"] == (7, None)
    one = cluster("", HOOK % 10)
    assert "hook" not in windows(one, going(start(one), stage=Stage.PRE_STOP)), "the other container has none"


def test_an_image_that_ignores_sigterm_takes_the_whole_grace_period() -> None:
    one = cluster(image="slowstop:1", images="byName")
    assert windows(one, going(start(one)))["end"] == (30, 150)


@pytest.mark.parametrize(
    ("runtime", "end"),
    [
        ({"reason": "CrashLoopBackOff"}, (0, 150)),
        ({"stage": Stage.STARTING}, (0, 150)),
        ({"stage": Stage.STOPPED}, None),
    ],
    ids=["it loops", "it has not started", "it has stopped"],
)
def test_a_hook_is_waited_for_only_where_containers_run(
    runtime: dict[str, Any], end: tuple[float, float] | None
) -> None:
    one = cluster("", HOOK % 10)
    assert windows(one, going(start(one), **runtime)).get("end") == end


def test_nothing_is_sure_of_an_end_whose_kubelet_may_restart_or_whose_containers_may_crash() -> None:
    one = cluster("", HOOK % 10, faults={"crash": 1})
    assert windows(one, going(start(one)))["end"] == (10, None)
    one = cluster("", HOOK % 10, faults={"containerCrash": 1})
    assert windows(one, going(start(one)))["end"] == (0, 150)


def test_nothing_is_sure_of_the_end_of_a_program_that_ends_by_itself() -> None:
    one = cluster("restartPolicy: Never", HOOK % 10)
    state = going(start(one))
    assert windows(one, state)["end"] == (10, 150)
    pod = state[place(state)]
    owned = evolve(pod, metadata=evolve(pod.metadata, owner_references=(controller_of(Job(ObjectMeta(name="j"))),)))
    assert windows(one, changed(state, **{place(state): owned}))["end"] == (0, 150)


def test_nobody_says_when_a_pod_has_ended_on_a_node_of_which_nothing_is_heard() -> None:
    one = cluster("", HOOK % 10, faults={"partition": 1})
    state = going(start(one))
    assert windows(one, state)["end"] == (10, 150)
    assert windows(one, changed(state, **{cut_slot("node-1"): frozenset()}))["end"] == (10, None)


def test_nor_of_a_pod_that_finalizers_keep() -> None:
    one = cluster("", HOOK % 10)
    state = going(start(one))
    slot = place(state)
    kept = evolve(state[slot], metadata=evolve(state[slot].metadata, finalizers=("example.com/keep",)))
    assert windows(one, changed(state, **{slot: kept}))["end"] == (10, None)


@pytest.mark.parametrize(
    ("volume", "most"),
    [("emptyDir: {}", 150), ("nfs: {server: store, path: /}", None)],
    ids=["the kubelet's own", "not"],
)
def test_volumes_that_are_not_its_kubelets_own_may_keep_a_pod(volume: str, most: float | None) -> None:
    one = cluster(f"volumes: [{{name: data, {volume}}}]", HOOK % 10)
    assert windows(one, going(start(one)))["end"] == (10, most)


def test_a_pod_gets_ready_after_the_longest_initial_delay_and_after_a_restart_the_shortest() -> None:
    one = cluster("", PROBED % 20, PROBED % 5)
    state = start(one)
    slot = runtime_slot(place(state))
    unready = changed(state, **{slot: evolve(state[slot], ready=False)})
    assert windows(one, unready) == {"readiness": (20, None)}
    again = changed(state, **{slot: evolve(state[slot], ready=False, restarts=1)})
    assert windows(one, again) == {"readiness": (5, None)}
    assert windows(one, changed(state, **{slot: None})) == {"readiness": (20, None)}, (
        "it is counted from the binding on"
    )


def test_a_startup_probe_delays_as_well() -> None:
    one = cluster("", PROBED.replace("readiness", "startup") % 9)
    state = start(one)
    assert windows(one, changed(state, **{runtime_slot(place(state)): None})) == {"readiness": (9, None)}


def test_a_pod_is_given_up_after_its_active_deadline() -> None:
    one = cluster("activeDeadlineSeconds: 60", start="empty")
    assert windows(one, start(one)) == {"deadline": (59, None)}


def test_a_silent_node_is_heard_of_no_more_after_forty_seconds() -> None:
    one = cluster(faults={"partition": 1})
    state = start(one)
    cut = changed(state, **{cut_slot("node-1"): frozenset()})
    assert windows(one, cut) == {"silence": (40, None)}
    assert windows(one, state) == {}


@pytest.mark.parametrize(
    ("tolerations", "least"),
    [
        ("[{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 60}]", 60),
        ("[{operator: Exists, tolerationSeconds: 60, effect: NoExecute}, {key: a, operator: Exists}]", 60),
        ("[{key: a, operator: Exists}]", None),
        ("[]", None),
    ],
    ids=["so long", "the first that matches", "for ever", "not at all"],
)
def test_a_pod_stays_as_long_as_it_tolerates_the_taints_of_its_node(tolerations: str, least: float | None) -> None:
    one = cluster(f"tolerations: {tolerations}", faults={"partition": 1})
    state = start(one)
    slot, node = next((slot, value) for slot, value in state.items() if isinstance(value, Node))
    spec = evolve(node.spec, taints=(*node.spec.taints, Taint(key="a", effect="NoExecute")))
    found = windows(one, changed(state, **{slot: evolve(node, spec=spec)}))
    assert found.get("toleration") == (None if least is None else (least, None))


def test_pods_are_available_a_second_less_than_min_ready_seconds_after_as_many_are_ready() -> None:
    text = WORLDS.deployment(replicas=2, spec="minReadySeconds: 10")
    given = {"nodes": 1, "start": "settled", "consistency": "linearizable"}
    scenario = load_scenario("web", {"web.yaml": text}, given).scenario
    one = machine_of(scenario, prepare(scenario))
    state = start(one)
    waits = [wait for timer in one.machine.timers if timer.kind == "availability" for wait in timer.waits(state)]
    assert [wait.least for wait in waits] == [Fraction(9), Fraction(9)]
    assert [wait.what[1] for wait in waits] == [1, 2]


def test_who_was_ready_before_min_ready_seconds_were_asked_for_is_available_at_once() -> None:
    text = WORLDS.deployment(replicas=1, spec="minReadySeconds: 0")
    given = {"nodes": 1, "start": "empty", "consistency": "linearizable"}
    scenario = load_scenario("web", {"web.yaml": text}, given).scenario
    one = machine_of(scenario, prepare(scenario))
    ready = next(state for state in reachable(one) if any(isinstance(v, Pod) and v.ready for v in state.values()))
    waits = [wait for timer in one.machine.timers if timer.kind == "availability" for wait in timer.waits(ready)]
    assert [wait.least for wait in waits] == [0]


# --- time can go on ---------------------------------------------------------------------------------------------------


def reachable(one: Cluster) -> Iterator[State]:
    """Yield states of a cluster, the nearest first."""
    left = deque(initial_states(one.machine, urgent=True))
    seen = set(left)
    while left:
        state = left.popleft()
        yield state
        new = [move.after for move in moves(one.machine, state, urgent=True) if move.after not in seen]
        seen.update(new)
        left.extend(new)


def overdue(one: Cluster, states: Iterable[State]) -> Iterator[str]:
    """Say which waits must be over some time, and nobody can end them."""
    for state in states:
        for timer in one.machine.timers:
            ends = [
                act for act in one.machine.actions if (act.by, act.verb, act.on) == (timer.by, timer.verb, timer.on)
            ]
            for wait in timer.waits(state):
                if wait.most is not None and not any(outcomes(act, state) for act in ends):
                    yield wait.told


@pytest.mark.parametrize(
    "name",
    [
        "a Pod thrown out again and again",
        "a StatefulSet rolled out",
        "a scale down while a node is cut off",
        "the only pod is deleted",
    ],
)
def test_whoever_must_be_over_some_time_can_be_in_every_state(name: str) -> None:
    scenario = WORLDS.scenario(name)
    one = machine_of(scenario, prepare(scenario))
    states = list(islice(reachable(one), 150))
    assert not list(overdue(one, states))
    assert any(wait.most for state in states for timer in one.machine.timers for wait in timer.waits(state))


def test_one_that_nobody_can_end_is_told() -> None:
    one = cluster()
    state = going(start(one))
    idle = evolve(one, machine=evolve(one.machine, actions=()))
    assert list(overdue(idle, [state])) == ["the end of Pod default/one (grace period of 30 s)"]
    assert isinstance(state[runtime_slot(place(state))], PodRuntime)


# --- a search with clocks misses nothing ------------------------------------------------------------------------------


def walk(machine: Machine, seed: int, longest: int = 22) -> Trace:
    """Return a run of a machine that somebody might take."""
    luck = Random(seed)  # noqa: S311 - a walk, no secret
    start = at = luck.choice(initial_states(machine, urgent=True))
    steps = []
    while len(steps) < longest and (onward := moves(machine, at, urgent=True)):
        move = luck.choice(onward)
        at, steps = move.after, [*steps, move.step]
    return Trace(start, tuple(steps))


def allowed(machine: Machine, run: Trace) -> bool:
    """Tell whether a machine with clocks takes a run of the one without."""
    there = [one for one in initial_states(machine, urgent=True) if plain(Trace(one)).initial == run.initial]
    wanted = run.initial
    for step in run.steps:
        for _, _, after in micro_steps(wanted, step):
            wanted = after
        onward = (move for at in there for move in moves(machine, at, urgent=True) if move.step.action == step.action)
        there = [move.after for move in onward if plain(Trace(move.after)).initial == wanted]
    return bool(there)


@pytest.mark.parametrize(
    "name",
    [
        "a Pod thrown out again and again",
        "a preemption after a toleration shorter than an end",
        "a node that dies",
        "a StatefulSet rolled out",
    ],
)
def test_a_run_that_has_a_timetable_is_one_of_the_machine_with_clocks(name: str) -> None:
    scenario = WORLDS.scenario(name)
    machine = machine_of(scenario, prepare(scenario)).machine
    timed = clocked(machine, frozenset(timer.kind for timer in machine.timers))
    runs = [walk(machine, seed) for seed in range(12)]
    kept = [run for run in runs if isinstance(timetable(machine, run), Timetable)]
    assert kept
    assert all(allowed(timed, run) for run in kept)


def test_a_run_that_has_none_is_none() -> None:
    scenario = WORLDS.scenario("a Pod thrown out again and again")
    machine = machine_of(scenario, prepare(scenario)).machine
    timed = clocked(machine, frozenset(timer.kind for timer in machine.timers))
    never = [
        run for run in map(partial(walk, machine), range(60)) if isinstance(timetable(machine, run), Contradiction)
    ]
    assert never
    assert not any(allowed(timed, run) for run in never)
