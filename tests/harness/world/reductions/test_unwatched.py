"""Steps of Pods that nobody watches: whenever they are taken, controllers write the same, and verdicts are the same."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from kubeproof.harness import face
from kubeproof.harness.check import check as checking
from kubeproof.harness.check.check import check, machine_of
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.own.controllers import Own
from kubeproof.harness.world.at_rest.prepare import Prepared, prepare
from kubeproof.harness.world.cluster import build
from kubeproof.harness.world.controllers.workloads import REPLICATED
from kubeproof.harness.world.parts import Parts
from kubeproof.harness.world.reductions.roomy import on_one_node
from kubeproof.harness.world.reductions.symmetry import symmetry_of
from kubeproof.harness.world.reductions.unwatched import as_read, is_plain
from kubeproof.model.checker import Status, StepError, explore
from kubeproof.model.machine import State
from kubeproof.model.world.turn import sent, writes
from planted import planted

UNWATCHED = "kubeproof.harness.world.reductions.unwatched"
SERVICE = """
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: REPLICAS
  strategy: STRATEGY
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "nginx:1", PODports: [{containerPort: 80}]}]}
"""
NEW = {"setImage": {"kind": "Deployment", "name": "web", "image": "nginx:2"}}
NEWER = {"setImage": {"kind": "Deployment", "name": "web", "image": "nginx:3"}}


def rolling(surge: int, unavailable: int) -> str:
    return f"{{rollingUpdate: {{maxSurge: {surge}, maxUnavailable: {unavailable}}}}}"


def scenario_of(replicas: int, strategy: str = "{}", beside: str = "", *, pod: str = "", **options: Any) -> Scenario:
    text = WEB.replace("REPLICAS", str(replicas)).replace("STRATEGY", strategy).replace("POD", pod) + beside
    usual = {"script": [NEW], "nodes": 2, "nodeCapacity": {"cpu": "40", "pods": "40"}}
    return load_scenario("unwatched", {"web.yaml": text}, {**usual, **options}).scenario


def verdict(scenario: Scenario, claim: str) -> Status:
    return next(one.status for one in check(scenario).claims if one.name == claim)


def written(scenario: Scenario, prepared: Prepared, *, unwatched: bool) -> set[Hashable]:
    """Return what of workloads is ever read, and how many Pods there are then that are not deleted.

    Not while a sync has still to write something of Pods: that it does at once, or bit by bit.
    """
    world = build(scenario, evolve(Parts.core(scenario), unwatched=unwatched), *prepared.starts)
    found: set[Hashable] = set()
    pools = world.world.layout.pools

    def collect(state: State) -> None:
        workloads = [state[slot] for kind in ("Deployment", "ReplicaSet") for slot in pools[kind]]
        pods = [state[slot] for slot in pools["Pod"] if state[slot] is not None]
        owners = [one.metadata.controller.name for one in pods if not one.metadata.terminating]
        told = tuple(None if one is None else as_read(one) for one in workloads)
        turns = [state[process.turn] for process in world.processes if process.user in REPLICATED]
        amid = any(writes(request, "Pod") for turn in turns for part in turn for request in sent(part))
        found.add(told)
        if not amid:
            found.add((*told, *sorted(owners)))

    explore(world.machine, symmetry=symmetry_of(world), collect=collect)
    return found


def both(scenario: Scenario) -> tuple[set[Hashable], set[Hashable]]:
    alone = on_one_node(scenario)
    assert alone is not None
    prepared = prepare(alone)
    return written(alone, prepared, unwatched=True), written(alone, prepared, unwatched=False)


ROLLOUTS = {
    "one": scenario_of(1),
    "three by the default": scenario_of(3),
    "three, two more at a time": scenario_of(3, rolling(2, 0)),
    "three, one less at a time": scenario_of(3, rolling(0, 1)),
    "two, one more and one less": scenario_of(2, rolling(1, 1)),
    "two behind a Service": scenario_of(2, rolling(1, 1), SERVICE),
    "two, and a crash": scenario_of(2, faults={"crash": 1}),
    "two behind a Service, less at a time, and crashes": scenario_of(2, rolling(0, 1), SERVICE, faults={"crash": 2}),
    "none": scenario_of(0),
}


@pytest.mark.parametrize("name", ROLLOUTS)
def test_controllers_write_the_same(name: str) -> None:
    """Every state of the workloads, and every number of Pods, that is reached with all steps is reached without."""
    fewer, all_of_them = both(ROLLOUTS[name])
    assert fewer >= all_of_them


def test_what_is_refused_without_cause_is_all_that_is_added() -> None:
    fewer, all_of_them = both(ROLLOUTS["two, one more and one less"])
    assert fewer > all_of_them
    with planted(UNWATCHED, "evolve(process, refused=True)", "process"):
        fewer, all_of_them = both(ROLLOUTS["two, one more and one less"])
    assert fewer == all_of_them


@pytest.mark.parametrize("name", ROLLOUTS)
def test_verdicts_are_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = ROLLOUTS[name]
    told = check(scenario)
    monkeypatch.setattr(checking, "is_plain", lambda _scenario: False)
    plain = check(scenario)
    assert [(one.name, one.status, one.vacuous) for one in told.claims] == [
        (one.name, one.status, one.vacuous) for one in plain.claims
    ]
    assert told.states < plain.states or scenario.replicas < 2


def test_it_pays() -> None:
    """A rollout of four by a quarter is 17,776 states with all steps."""
    assert check(scenario_of(4)).states == 210


def test_it_pays_where_there_is_no_other_node() -> None:
    told = check(scenario_of(4, nodes=1))
    assert told.states == 210
    assert told.exploration is not None
    assert "stands for all" not in told.exploration.symmetry


@pytest.mark.parametrize(
    "wrong",
    [
        ("            yield dict(updates)\n", "    yield dict(updates)\n"),
        ("as_read(part.object) == as_read(part.base)", "True"),
        ("if pod is None or not pod.active", "if True or not pod.active"),
    ],
    ids=["all at once", "no status", "never"],
)
def test_steps_that_somebody_watches_are_missed(wrong: tuple[str, str]) -> None:
    """If all Pods got ready at once, or nobody told how many are available, some of what is written would be lost."""
    with planted(UNWATCHED, *wrong):
        fewer, all_of_them = both(ROLLOUTS["three, two more at a time"])
    assert not fewer >= all_of_them


PRESTOP = "lifecycle: {preStop: {sleep: {seconds: 9}}}, "


def test_where_there_is_a_service_pods_end_at_any_time() -> None:
    """The one Pod goes before there is another: nobody answers, unless whoever goes were always the last to act."""
    scenario = scenario_of(1, rolling(0, 1), SERVICE, pod=PRESTOP, bounds={"propagation": "5s"})
    assert verdict(scenario, "reachability") is Status.VIOLATED
    with planted(UNWATCHED, "return not any(isinstance(obj, Service)", "return any(isinstance(obj, Service)"):
        assert verdict(scenario, "reachability") is Status.HOLDS


def test_whom_to_delete_hangs_on_who_is_ready() -> None:
    """A second new image takes back Pods of the first that are not ready: such a search is not used."""
    alone = on_one_node(scenario_of(2, script=[NEW, NEWER], bounds={"pods": 7}))
    assert alone is not None
    assert not is_plain(alone)
    with pytest.raises(StepError, match="Hurried"):
        written(alone, prepare(alone), unwatched=True)


def test_where_it_turns_out_so_all_steps_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = scenario_of(1, script=[NEW, NEWER], bounds={"pods": 6})
    plain = check(scenario)
    monkeypatch.setattr(checking, "is_plain", lambda _scenario: True)
    assert check(scenario).states == plain.states


BUDGET = """
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
"""
QUOTA = """
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: few}
spec: {hard: {pods: "3"}}
"""
BARE = """
---
apiVersion: v1
kind: Pod
metadata: {name: one}
spec: {containers: [{name: app, image: "nginx:1"}]}
"""


@pytest.mark.parametrize(
    ("scenario", "plain"),
    [
        (scenario_of(2), True),
        (scenario_of(2, beside=BUDGET), True),
        (scenario_of(2, beside=QUOTA), False),
        (scenario_of(2, beside=BARE), False),
        (scenario_of(2, "{type: Recreate}"), False),
        (scenario_of(2, faults={"crash": 1}), True),
        (scenario_of(2, faults={"containerCrash": 1}), False),
        (scenario_of(2, faults={"lostResponse": 1}), False),
        (scenario_of(2, start="empty"), False),
        (scenario_of(2, consistency="linearizable"), False),
        (scenario_of(2, script=[NEW, NEWER]), False),
        (scenario_of(2, script=[{"scale": {"kind": "Deployment", "name": "web", "replicas": 1}}]), False),
        (scenario_of(2, script=[NEW, {"rolloutUndo": {"kind": "Deployment", "name": "web"}}]), False),
    ],
    ids=lambda one: one if isinstance(one, bool) else "",
)
def test_when_nobody_watches(scenario: Scenario, plain: bool) -> None:  # noqa: FBT001 - a parameter of the test
    alone = on_one_node(scenario) or evolve(scenario, objects=scenario.objects[:1] + scenario.objects[2:])
    assert is_plain(alone) is plain


def test_what_is_given_back_is_that_of_all_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the search without some steps is used where a claim is broken: the trace is of the whole machine."""
    scenario = scenario_of(2, rolling(1, 0), SERVICE, bounds={"propagation": "30s"})
    broken = check(scenario)
    monkeypatch.setattr(checking, "is_plain", lambda _scenario: False)
    assert [one.status for one in broken.claims] == [one.status for one in check(scenario).claims]
    assert machine_of(scenario, prepare(scenario)).machine.initial


def test_whoever_brings_no_controllers_of_their_own_has_it_too(tmp_path: Path) -> None:
    text = WEB.replace("REPLICAS", "2").replace("STRATEGY", "{}").replace("POD", "")
    (tmp_path / "web.yaml").write_text(text, encoding="utf-8")
    asked = face.check(tmp_path / "web.yaml", nodes=2, script=["set image deployment/web app=nginx:2"])
    assert asked.outcome.states == check(scenario_of(2)).states == 32
    alone = on_one_node(scenario_of(2))
    assert alone is not None
    assert is_plain(evolve(alone, own=Own()))
    assert not is_plain(evolve(alone, own=Own(properties=("any",))))
