"""One wrong line in how components are composed, and a check notices: the oracle of old views, or a tiny cluster."""

from __future__ import annotations

from functools import cache
from types import ModuleType

import pytest

from kubeproof.harness.check.check import check, machine_of
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.at_rest.settle import Restless
from kubeproof.impl.api.core import Pod
from kubeproof.model.checker import Limits, Status, explore
from kubeproof.model.machine import MachineError, State
from oracles.plain_views import Shapes, TooBig
from places import TESTS, load
from planted import planted

WORLD = "kubeproof.model.world.world"
STEPS = "kubeproof.model.world.steps"
FAULTS_OF = "kubeproof.model.world.faults"
STORE = "kubeproof.model.world.store"
WORKLOADS = "kubeproof.harness.world.controllers.workloads"


@cache
def views() -> ModuleType:
    """Load the tests of views by their file; tests are no package."""
    return load(TESTS / "model/world/test_views.py")


def oracle(name: str) -> None:
    """Compare a toy world with the plainest representation, in every form that suits it."""
    tests = views()
    shapes = Shapes()
    if name in tests.MIXED:
        toy = tests.MIXED[name]
        plain = tests.in_plain(toy, shapes)
        assert tests.same(tests.in_form(toy, shapes, quiet=True), plain)
    elif name == "twice":
        tests.test_the_sync_after_one_on_an_old_view_may_rest_on_an_old_view_too()
    elif name == "names":
        tests.test_a_name_is_given_again_only_when_nobody_remembers_it()
    else:
        for form in (tests.Form.DECISION, tests.Form.SNAPSHOT):
            tests.test_with_one_kind_a_decision_is_as_good_as_a_view(tests.ONE_KIND[name], form)


def rollout() -> None:
    """Compare a rollout of the real controllers, with a crash, with the plainest representation."""
    plain, cheap = views().compared(views().REAL["a rollout of one with a crash"][0])
    assert views().same(cheap, plain)


def room() -> None:
    """Never more Pods than the Deployment and its surge: 2, whatever anybody has not seen."""
    scenario = views().REAL["a rollout of one"][0]
    cluster = machine_of(scenario, prepare(scenario))
    met: list[State] = []
    assert explore(cluster.machine, limits=Limits(max_states=1000), collect=met.append).complete
    pods = cluster.world.layout.pools["Pod"]
    assert max(sum(isinstance(state[slot], Pod) for slot in pods) for state in met) == 2


APART = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [
        {labelSelector: {matchLabels: {app: web}}, topologyKey: kubernetes.io/hostname}]}}
      containers: [{name: app, image: "nginx:1"}]
"""


def placement() -> None:
    """Two Pods that must not share a node get one each, and both run."""
    script = [{"scale": {"kind": "Deployment", "name": "web", "replicas": 2}}]
    scenario = load_scenario("apart", {"web.yaml": APART}, {"script": script, "nodes": 2}).scenario
    found = {claim.name: claim.status for claim in check(scenario, limits=Limits(max_states=1000)).claims}
    assert found["placement"] is Status.HOLDS
    assert found["convergence"] is Status.HOLDS


FAULTS = [
    (
        "a view never moves on",
        STEPS,
        'yield Outcome(f"sees {watch.kind}", {process.seen(watch): News.DUE, **woken})',
        'yield Outcome(f"sees {watch.kind}", {})',
        "a newer a with an old b",
    ),
    (
        "a decision is never looked at again",
        STEPS,
        "    if decision == decided:\n",
        "    if decided:\n",
        "writes that it never sees",
    ),
    (
        "a crash keeps the turn",
        FAULTS_OF,
        "    updates: Updates = {process.turn: ()}\n",
        "    updates: Updates = {}\n",
        "a crash between two requests",
    ),
    (
        "what it wrote itself is not seen",
        STEPS,
        "if watch.kind in process.sees_own and any(",
        "if watch.kind not in process.sees_own and any(",
        "Pods that come and go",
    ),
    (
        "a refused request counts as done",
        STEPS,
        'yield Outcome("is refused and starts anew", {process.turn: left, **process',
        'yield Outcome("is refused and starts anew", {process.turn: turn[1:], **process',
        "a third request after a refused one",
    ),
    (
        "a refused request is waited for",
        STEPS,
        "        if view[process.turn] or left != others:\n",
        "        if left != others:\n",
        "a second request that is refused for now",
    ),
    (
        "a lost answer is seen after all",
        FAULTS_OF,
        "{**updates, **left, LOST: budget - 1}",
        "{**updates, **_seen_own(world, process, Stored(view, world.layout, updates), updates), LOST: budget - 1}",
        "a creation whose answer is lost",
    ),
    (
        "a view is passed over while another kind lags",
        STEPS,
        "if watch.quiet is None or not watch.quiet(view)]",
        "if False]",
        "an old a with a newer b",
    ),
    (
        "nothing is seen between a decision and its commit",
        STEPS,
        "    if view[process.turn]:\n        return\n    for requests in world.pending",
        "    if True:\n        return\n    for requests in world.pending",
        "twice",
    ),
    (
        "a name is given again though somebody remembers it",
        STORE,
        'if not any(f"{prefix}{suffix}" in names for names in remembered):',
        "if suffix:",
        "names",
    ),
    (
        "a place is taken that is not free",
        STORE,
        "if slot in kept or not self._is_free(slot):",
        "if slot in kept or (self._is_free(slot) and number):",
        "Pods that come and go",
    ),
    (
        "the rest of a turn is dropped",
        STEPS,
        "process.turn: left, **begun})",
        "process.turn: (), **begun})",
        "a second request that is refused for ever",
    ),
    (
        "a ReplicaSet does not wait for its own Pods",
        WORKLOADS,
        'sees_own=frozenset({"Pod", kind}),',
        "sees_own=frozenset(),",
        "room",
    ),
    (
        "a ReplicaSet sees no Pods of its own",
        WORKLOADS,
        "obj.metadata.controller.uid != uid):",
        "obj.metadata.controller.uid == uid):",
        "room",
    ),
    (
        "the scheduler does not look at who has a node",
        "kubeproof.harness.world.scheduling",
        "decision = decide(pod, snapshot, default_profile(release))",
        "decision = decide(pod, Snapshot.of(Cache.of((pod, *cache.list(Node)))))",
        "placement",
    ),
]
CHECKS = {"rollout": rollout, "room": room, "placement": placement}


def notices(name: str) -> bool:
    """Run a check: one that fails, or finds the machine broken or boundless, notices something."""
    try:
        CHECKS[name]() if name in CHECKS else oracle(name)
    except (AssertionError, MachineError, Restless, TooBig):
        return True
    return False


@pytest.mark.parametrize(
    ("module", "before", "after", "name"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS]
)
def test_the_fault_is_noticed(module: str, before: str, after: str, name: str) -> None:
    with planted(module, before, after):
        assert notices(name)


@pytest.mark.parametrize("name", sorted({one[-1] for one in FAULTS} | set(CHECKS)))
def test_without_a_fault_the_check_is_content(name: str) -> None:
    assert not notices(name)
