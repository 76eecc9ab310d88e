"""What a propagation bound forbids in the world of one Pod is what clocks forbid, and what the relation of z3 says.

The world leaves out the one order that the bound and the hook contradict (`one_pod.may_stop`). Here the two are timers,
and nothing is left out but what clocks do not allow.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

import pytest
from attrs import evolve

from kubeproof.harness.check import motion
from kubeproof.harness.input.scenario_file import load_scenario
from kubeproof.harness.world import one_pod
from kubeproof.harness.world.kubelets import PROXY, USER, runtime_slot
from kubeproof.harness.world.prepare import prepare
from kubeproof.impl.api.core import Pod, Service
from kubeproof.impl.api.runtime import PodRuntime, Stage
from kubeproof.impl.kubelet.timings import timings
from kubeproof.model.checker import Status
from kubeproof.model.checker.clocked import clocked
from kubeproof.model.checker.explore import explore
from kubeproof.model.machine import Timer, View, Wait
from kubeproof.model.world.verbs import Verb
from kubeproof.properties.reachability.answers import targets
from kubeproof.properties.reachability.prestop import Bounds, bad_run
from places import TESTS, load

WORLDS = load(TESTS / "mutants" / "worlds.py")
PLACE = "store/Pod/0"


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


def hook_waits(service: Service, view: View) -> Iterator[Wait]:
    pod, runtime = view[PLACE], view[runtime_slot(PLACE)]
    if isinstance(pod, Pod) and isinstance(runtime, PodRuntime) and runtime.stage is Stage.PRE_STOP:
        asked = targets((service,), pod.metadata.namespace, pod.metadata.labels.items(), pod.spec)
        yield Wait((pod.metadata.uid, "hook"), "the hook", Fraction(timings(pod, asked, most=True).before_sigterm))


def is_signalled(_before: View, after: View, _wait: Wait) -> bool:
    runtime = after[runtime_slot(PLACE)]
    return not isinstance(runtime, PodRuntime) or runtime.stage is not Stage.PRE_STOP


def led_waits(bound: int, slots: tuple[str, ...], view: View) -> Iterator[Wait]:
    pod = view[PLACE]
    if isinstance(pod, Pod) and pod.metadata.terminating and not one_pod.propagated(slots, view, pod):
        yield Wait((pod.metadata.uid, "led to"), "what leads to the Pod", most=Fraction(bound))


def follows(_before: View, _after: View, _wait: Wait) -> bool:
    return True


@pytest.mark.parametrize(
    ("hook", "bound"), [(10, 9), (10, 10), (10, 11), (0, 5), (3, 5)], ids=lambda seconds: f"{seconds} s"
)
def test_clocks_say_what_the_world_and_the_relation_say(hook: int, bound: int) -> None:
    (guarded, _), (free, service) = world(hook, bound), world(hook, None)
    leading = ("proxy/", "store/EndpointSlice", "turn/", "decided/")
    slots = tuple(slot for slot in free.machine.slots() if slot.startswith(leading))
    timers = (
        Timer(partial(hook_waits, service), is_signalled, "hook", USER, Verb.WORKS, PLACE),
        Timer(partial(led_waits, bound, slots), follows, "propagation", PROXY, Verb.SYNCS),
    )
    timed = clocked(evolve(free.machine, timers=timers), frozenset({"hook", "propagation"}))
    found = explore(timed, [free.claim])[free.claim.name].status
    assert found is explore(guarded.machine, [guarded.claim])[guarded.claim.name].status
    safe = bad_run(Bounds(kubelet=(0, 0), endpoints=(0, bound), proxies=(0, 0)), hook, 30) is None
    assert (found is Status.HOLDS) is safe
    assert explore(free.machine, [free.claim])[free.claim.name].status is Status.VIOLATED
