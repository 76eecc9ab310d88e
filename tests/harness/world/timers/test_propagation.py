"""What a propagation bound forbids in the world of one Pod: clocks, a guard without clocks, and z3's relation agree."""

from __future__ import annotations

import pytest
from attrs import evolve

from kubeproof.harness.check import motion
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.world import one_pod
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.impl.api.core import Service
from kubeproof.model.checker import Status
from kubeproof.model.checker.explore import explore
from kubeproof.properties.reachability.prestop import Bounds, bad_run
from places import TESTS, load
from propagation_guard import guarded

WORLDS = load(TESTS / "mutants" / "worlds.py")
LEADING = ("proxy/", "store/EndpointSlice", "turn/", "decided/")


def world(hook: int, bound: int | None) -> tuple[one_pod.OnePod, Service]:
    """Return one Pod behind a Service, with a hook and a bound of so many seconds."""
    box = WORLDS.HOOK.replace("10", str(hook)) if hook else ""
    bounds = {} if bound is None else {"propagation": bound}
    options = {"nodes": 1, "start": "settled", "bounds": bounds}
    text = WORLDS.deployment(box=box) + WORLDS.service()
    scenario = load_scenario("one", {"all.yaml": text}, options).scenario
    prepared = prepare(scenario)
    (service,) = (one for one in prepared.objects if isinstance(one, Service))
    (owner,) = motion.owners_of(scenario, prepared).values()
    return one_pod.one_pod(scenario, prepared.objects, service, owner, most=True), service


def found(one: one_pod.OnePod) -> Status:
    return explore(one.machine, [one.claim])[one.claim.name].status


@pytest.mark.parametrize(
    ("hook", "bound"), [(10, 9), (10, 10), (10, 11), (0, 5), (3, 5)], ids=lambda seconds: f"{seconds} s"
)
def test_clocks_say_what_a_guard_and_the_relation_say(hook: int, bound: int) -> None:
    (timed, _), (free, service) = world(hook, bound), world(hook, None)
    slots = tuple(slot for slot in free.machine.slots() if slot.startswith(LEADING))
    safe = bad_run(Bounds(kubelet=(0, 0), endpoints=(0, bound), proxies=(0, 0)), hook, 30) is None
    assert found(timed) is found(evolve(free, machine=guarded(free.machine, bound, slots, (service,))))
    assert (found(timed) is Status.HOLDS) is safe
    assert found(free) is Status.VIOLATED
