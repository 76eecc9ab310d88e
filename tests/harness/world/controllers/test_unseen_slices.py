"""`switches: {endpoints: before-1.21}`: an EndpointSlice controller that does not wait for what it wrote."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Claim
from kubeproof.harness.claims import answers
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import build
from kubeproof.harness.world.nodes.kubelets import runtime_slot
from kubeproof.harness.world.nodes.node_state import up_slot
from kubeproof.harness.world.parts import Parts
from kubeproof.harness.zoo.folders import FAILURES
from kubeproof.impl.api.policy import EndpointSlice
from kubeproof.model.checker import Status
from kubeproof.model.machine import State

FAILURE = FAILURES / "slice-forgotten-by-its-controller"
SLICE = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "other"},
    "addressType": "IPv4",
    "endpoints": [],
}


def scenario(twin: str = "faulty", **options: Any) -> Scenario:
    """Make the scenario of the zoo with other options."""
    files = {path.name: path.read_text(encoding="utf-8") for path in (FAILURE / twin).iterdir()}
    return load_scenario("unseen", files, options).scenario


def claims(twin: str = "faulty", **options: Any) -> dict[str, Claim]:
    """Check the scenario with other options."""
    return {one.name: one for one in check(scenario(twin, **options)).claims}


def test_an_endpoint_stays_behind_and_connections_go_to_it_for_ever() -> None:
    found = claims()
    assert found["convergence"].status is Status.VIOLATED
    assert "publishes web-787f7c75c6-p0, which is not a ready Pod" in found["convergence"].lines[0]
    assert found["placement"].status is Status.HOLDS, "there is room for the slices"
    assert found["reachability"].status is Status.VIOLATED
    assert found["reachability"].lines == (
        "kube-proxy on node-1 sends connections to web-787f7c75c6-p0, which takes none",
    )


def test_a_controller_that_waits_leaves_no_endpoint_behind_when_all_is_explored_together() -> None:
    report = check(scenario("repaired"), reductions=False)
    found = {one.name: one.status for one in report.claims}
    assert found["convergence"] is Status.HOLDS
    assert report.states > 500


@pytest.mark.parametrize("options", [{"consistency": "linearizable"}, {"bounds": {"mixedViews": False}}], ids=str)
def test_the_switch_is_about_old_views_and_only_linearizable_reads_have_none(options: dict[str, Any]) -> None:
    holds = "consistency" in options
    assert (claims(**options)["convergence"].status is Status.HOLDS) == holds


def test_what_is_applied_from_the_start_has_its_slices_in_order() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in (FAILURE / "faulty").glob("[sw]e*.yaml")}
    settled = {"nodes": 1, "switches": {"endpoints": "before-1.21"}, "start": "settled"}
    starts = prepare(load_scenario("settled", files, settled).scenario).starts
    slices = [one for start in starts for one in start.objects if isinstance(one, EndpointSlice)]
    assert [len(one.endpoints) for one in slices] == [2] * len(starts)


def test_a_proxy_of_a_node_that_is_down_leads_nobody_astray() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in (FAILURE / "repaired").glob("[sw]e*.yaml")}
    given = load_scenario("at rest", files, {"nodes": 2, "start": "settled", "faults": {"nodeCrash": 1}}).scenario
    cluster = build(given, Parts.everything(), *prepare(given).starts)
    misled = answers.at_rest(cluster)
    rest = dict(cluster.machine.initial[0])
    assert not list(misled(State.of(rest)))
    gone = next(slot for slot in cluster.world.layout.pools["Pod"] if rest[slot] is not None)
    stopped = rest | {gone: None, runtime_slot(gone): None}
    told = [f"kube-proxy on {node} sends connections to {rest[gone].metadata.name}" for node in ("node-1", "node-2")]
    assert [line.partition(", ")[0] for line in misled(State.of(stopped))] == told
    assert [line.partition(", ")[0] for line in misled(State.of(stopped | {up_slot("node-2"): False}))] == told[:1]


def test_a_step_that_writes_a_slice_leaves_open_what_it_wakes() -> None:
    apply = {"apply": {"object": SLICE}}
    found = claims(script=[apply])["convergence"]
    assert found.status is Status.UNKNOWN
    assert "what wakes the EndpointSlice controller when a step writes a slice" in found.lines[0]
    ordinary = claims(script=[{"apply": {"file": "service.yaml"}}])
    assert ordinary["convergence"].status is Status.HOLDS
    assert ordinary["reachability"].status is Status.UNKNOWN
    assert ordinary["reachability"].lines == (
        "where packets go while slices are not what the Pods are is not looked at; see convergence",
    )
    assert claims("repaired", script=[apply])["convergence"].status is Status.HOLDS
