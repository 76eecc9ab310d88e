"""`faults: {lateClock: 1}`: a controller by whose clock a Pod has not been ready for minReadySeconds (k/k#77203)."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from kubeproof.harness.check.check import check
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import build
from kubeproof.harness.world.controllers import asleep
from kubeproof.harness.world.parts import Parts
from kubeproof.harness.zoo.folders import FAILURES
from kubeproof.impl.api.apps import DaemonSet
from kubeproof.impl.api.meta import Ref
from kubeproof.model.machine import State
from planted import planted

AGENT = (FAILURES / "daemonset-waits-by-a-late-clock" / "faulty" / "agent.yaml").read_text(encoding="utf-8")
ROLLOUT = [{"setImage": {"kind": "DaemonSet", "name": "agent", "image": "agent:2"}}]
BEFORE = {"switches": {"minReadySeconds": "before-1.15"}}


def scenario(text: str = AGENT, **options: Any) -> Scenario:
    asked = {"nodes": 2, "script": ROLLOUT, "faults": {"lateClock": 1}, **options}
    return load_scenario("late", {"agent.yaml": text}, asked).scenario


def convergence(text: str = AGENT, **options: Any) -> str:
    return next(one for one in check(scenario(text, **options)).claims if one.name == "convergence").status.value


@pytest.mark.parametrize("consistency", ["session", "linearizable"])
def test_a_rollout_stops_before_1_15_whatever_is_seen_of_the_store(consistency: str) -> None:
    assert convergence(consistency=consistency, **BEFORE) == "VIOLATED"
    assert convergence(consistency=consistency) == "HOLDS"


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (AGENT, {"faults": {}}),
        (AGENT.replace("minReadySeconds: 10", "minReadySeconds: 0"), {}),
        (AGENT, {"nodes": 1}),
    ],
    ids=["clocks agree", "nobody has to wait", "no other node waits for it"],
)
def test_it_goes_on_where(text: str, options: dict[str, Any]) -> None:
    assert convergence(text, **{**BEFORE, **options}) == "HOLDS"


def test_who_is_asleep_is_woken_by_pods_and_by_the_template_and_not_by_its_own_status() -> None:
    asked = scenario(**BEFORE)
    cluster = build(asked, Parts.core(asked), *prepare(asked).starts)
    (process,) = (one for one in cluster.processes if one.name == "daemon-set-controller agent")
    assert isinstance(process.key, Ref)
    assert process.narrow is not None
    rest, mark, syncs = dict(cluster.machine.initial[0]), asleep.slot(process.name), (("a sync",),)
    assert process.narrow(State.of(rest), syncs) == syncs
    rest |= {mark: asleep.wakers(process.key, process.watches, State.of(rest))}
    assert process.narrow(State.of(rest), syncs) == ()
    (place,) = (one for one in cluster.world.layout.pools["DaemonSet"])
    owner = rest[place]
    assert isinstance(owner, DaemonSet)
    counted = evolve(owner, status=evolve(owner.status, number_ready=1))
    assert process.narrow(State.of(rest | {place: counted}), syncs) == ()
    assert process.narrow(State.of(rest | {place: evolve(owner, spec=evolve(owner.spec, min_ready_seconds=1))}), syncs)
    gone = next(one for one in cluster.world.layout.pools["Pod"] if rest[one] is not None)
    assert process.narrow(State.of(rest | {gone: None}), syncs) == syncs


def test_who_never_sleeps_goes_on() -> None:
    with planted(
        "kubeproof.harness.world.controllers.asleep", "return () if over and over ==", "return () if over and None =="
    ):
        assert convergence(**BEFORE) == "HOLDS"
