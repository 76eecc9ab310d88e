"""The reductions change no verdict: the core with observers and one Pod at a time says what everything together says.

Small scenarios, three ways: `check` as it is, `check` without reductions, and one search of all components in which
every kubelet takes every small step and all proxies route. What `check` leaves open (UNKNOWN) may be decided by the
whole; what it says must be what the whole says.
"""

from __future__ import annotations

from functools import cache, partial

import pytest
from attrs import evolve

from kubeproof.harness.check.check import check
from kubeproof.harness.claims import registry as claims
from kubeproof.harness.claims.reachability import ANSWERED, ANSWERS
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world import one_pod as reach
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import build
from kubeproof.harness.world.nodes.led import chosen
from kubeproof.harness.world.parts import Parts
from kubeproof.impl.api.core import Service
from kubeproof.model.checker import Exploration, Limits, Status, explore
from kubeproof.model.machine import Invariant
from propagation_guard import guarded

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: {size}
  selector: {{matchLabels: {{app: web}}}}
  strategy: {{type: RollingUpdate, rollingUpdate: {{maxSurge: 1, maxUnavailable: 0}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{{pod} containers: [{{{hook} name: app, image: "nginx:1", ports: [{{name: http, containerPort: 80}}]}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{port: 80, targetPort: {port}}}]}}
"""
HOOK = 'lifecycle: {preStop: {exec: {command: ["sleep", "10"]}}},'
APART = """affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [
      {labelSelector: {matchLabels: {app: web}}, topologyKey: kubernetes.io/hostname}]}},"""
IN_MOTION = "in motion"


def small(size: int, *, pod: str = "", hook: str = HOOK, port: str = "http", **options: object) -> Scenario:
    """Make a scenario of so many replicas on as many nodes; without a script its image is changed."""
    script = [{"setImage": {"kind": "Deployment", "name": "web", "image": "nginx:2"}}]
    usual = {"script": script, "nodes": size, "bounds": {"propagation": "5s", "pods": 6}}
    files = {"web.yaml": WEB.format(size=size, pod=pod, hook=hook, port=port)}
    return load_scenario("small", files, {**usual, **options}).scenario


def scale(replicas: int) -> list[object]:
    return [{"scale": {"kind": "Deployment", "name": "web", "replicas": replicas}}]


SMALL = {
    "a rollout of one with a hook": small(1),
    "a rollout of one without a hook": small(1, hook=""),
    "a rollout of one on linearizable reads": small(1, consistency="linearizable"),
    "a rollout of one with a crash": small(1, faults={"crash": 1}),
    "a rollout of one that finds no place": small(1, pod=APART),
    "a Service whose port nobody has": small(1, port="absent"),
    "a rollout of two that finds no place": small(2, pod=APART),
    "two become one": small(2, script=scale(1)),
    "two become one without a hook": small(2, hook="", script=scale(1)),
}


OF_TWO = {"a rollout of two with a hook": small(2, consistency="linearizable")}
"""On linearizable reads: with old views everything together is too much for a test."""


@cache
def whole(name: str) -> Exploration:
    """Explore all components of a scenario together, with the claims and the one about connections in motion."""
    scenario = {**SMALL, **OF_TWO}[name]
    prepared = prepare(scenario)
    parts = evolve(Parts.everything(), fine_kubelets=True)
    cluster = build(scenario, parts, *prepared.starts)
    layout = cluster.world.layout
    watched = (*layout.memories, *layout.pools["EndpointSlice"])
    services = tuple(one for one in prepared.objects if isinstance(one, Service))
    machine = guarded(cluster.machine, scenario.bounds.propagation_seconds or 0, watched, services)
    proxies = tuple(slot for slot in cluster.machine.initial[0] if slot.startswith("proxy/"))
    moving = Invariant(IN_MOTION, "", partial(reach.breaches, layout.pools["Pod"], proxies, chosen, frozenset()))
    found = explore(machine, [*claims.of(cluster), moving], limits=Limits(max_states=100_000))
    assert found.complete
    return found


@cache
def reduced(name: str) -> dict[str, Status]:
    return {claim.name: claim.status for claim in check({**SMALL, **OF_TWO}[name]).claims}


def together(found: Exploration, name: str) -> Status:
    """Return what the whole says of a claim: reachability is several, at rest and in motion."""
    parts = {
        "reachability": ("reachability", IN_MOTION, ANSWERED, ANSWERS),
        "placement": ("placement", "left pending"),
    }.get(name, (name,))
    known = {verdict.name: verdict.status for verdict in found.verdicts}
    return Status.VIOLATED if Status.VIOLATED in {known.get(part) for part in parts} else Status.HOLDS


@pytest.mark.parametrize("name", [*SMALL, *OF_TWO])
def test_what_check_says_is_what_everything_together_says(name: str) -> None:
    found = whole(name)
    said = {claim: status for claim, status in reduced(name).items() if status is not Status.UNKNOWN}
    assert said == {claim: together(found, claim) for claim in said}
    assert "convergence" in said
    assert "placement" in said


@pytest.mark.parametrize("name", SMALL)
def test_check_says_the_same_without_reductions(name: str) -> None:
    every = {claim.name: claim.status for claim in check(SMALL[name], reductions=False).claims}
    assert every == reduced(name)


def test_the_scenarios_tell_verdicts_apart() -> None:
    """Otherwise the comparisons above compare nothing."""
    found = {(claim, status) for name in SMALL for claim, status in reduced(name).items()}
    assert {
        (claim, status) for claim in ("convergence", "reachability") for status in (Status.HOLDS, Status.VIOLATED)
    } <= found


def test_the_whole_is_larger_than_its_core() -> None:
    name = "a rollout of one with a hook"
    assert 5 * check(SMALL[name]).states < whole(name).states
