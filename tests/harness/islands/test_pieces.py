"""Workloads behind one Service: one by one, together where that is not enough; the verdicts of all at once."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import yaml
from attrs import evolve

from kubeproof.harness import face
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Faults, Scenario
from kubeproof.harness.islands import check as islands
from kubeproof.harness.islands.check import check
from kubeproof.harness.islands.pieces import pieces_of, together
from kubeproof.model.checker import Limits, Options, Status, explore
from kubeproof.traces.document import from_text, to_text
from kubeproof.traces.replay import Replayed

HOOK = {"preStop": {"sleep": {"seconds": 10}}}
NODES = ("node-1", "node-2")


def deployment(name: str, replicas: int = 1, **more: Any) -> dict[str, Any]:
    container = {"name": "app", "image": f"{name}:1", "ports": [{"containerPort": 80}], "lifecycle": HOOK}
    labels = {"app": name, "tier": "front"}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container], **more}},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def service(**more: Any) -> dict[str, Any]:
    spec = {"selector": {"tier": "front"}, "ports": [{"port": 80, "targetPort": 80}], **more}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "front"}, "spec": spec}


def scenario(*manifests: dict[str, Any], **options: Any) -> Scenario:
    given = {"consistency": "linearizable", "nodes": len(NODES), "bounds": {"propagation": "5s"}, **options}
    return load_scenario("pieces", {"all.yaml": yaml.safe_dump_all(manifests)}, given).scenario


def verdicts(one: Scenario, **options: Any) -> dict[str, str]:
    return {claim.name: claim.status.value for claim in check(one, **options).claims}


TWO = (deployment("blue"), deployment("green"), service())
ON_NODES = tuple(
    deployment(name, nodeSelector={"kubernetes.io/hostname": node})
    for name, node in zip(("blue", "green"), NODES, strict=True)
)
DRAINED = {"script": [{"drain": {"node": "node-1"}}]}


# --- falling apart ---


def test_what_only_a_service_joins_has_it_to_itself() -> None:
    blue, green = pieces_of(scenario(*TWO))
    assert (blue.name, green.name) == ("Deployment blue", "Deployment green")
    assert [ref.name for ref in blue.shares] == [ref.name for ref in green.shares] == ["front"]
    for piece in (blue, green):
        assert [obj.metadata.name for obj in piece.scenario.objects if type(obj).__name__ == "Service"] == ["front"]


def test_together_they_have_the_places_of_all_and_their_names() -> None:
    one = scenario(*TWO, deployment("lone"), start="empty")
    (both, its), *rest = together(one, pieces_of(one))
    assert rest == []
    assert [piece.name for piece in its] == ["Deployment blue", "Deployment green", "Deployment lone"]
    assert both.scenario.pods >= sum(piece.scenario.pods for piece in its)


SLICE = {
    "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "ports": [], "endpoints": [],
    "metadata": {"name": "by-hand", "labels": {"kubernetes.io/service-name": "front"}},
}  # fmt: skip
POD = {
    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lone", "labels": {"tier": "front"}},
    "spec": {"containers": [{"name": "app", "image": "lone:1", "ports": [{"containerPort": 80}]}]},
}  # fmt: skip
BUDGET = {
    "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "front"},
    "spec": {"minAvailable": 1, "selector": {"matchLabels": {"tier": "front"}}},
}  # fmt: skip


@pytest.mark.parametrize(
    "one",
    [
        scenario(*TWO[:2], service(sessionAffinity="ClientIP")),
        scenario(*TWO[:2], service(publishNotReadyAddresses=True)),
        scenario(*TWO[:2], service(trafficDistribution="PreferClose")),
        scenario(*TWO, SLICE),
        scenario(deployment("blue"), POD, service()),
        scenario(*TWO, BUDGET),
        scenario(*TWO, script=[{"deleteObject": {"kind": "Service", "name": "front"}}]),
        scenario(*TWO, script=[{"deleteObject": {"kind": "Deployment", "name": "blue"}}]),
        scenario(*TWO[:2], service(ports=[{"port": 80, "targetPort": 80, "protocol": "UDP"}])),
        evolve(scenario(*TWO), faults=Faults(container_crash=1)),
    ],
    ids=["affinity", "unready", "near", "slice", "pod", "budget", "step", "deletion", "deaf", "crash"],
)
def test_where_the_argument_does_not_hold_they_stay_together(one: Scenario) -> None:
    assert len(pieces_of(one)) == 1


# --- verdicts ---


def test_the_first_apply_costs_the_sum_and_not_the_product() -> None:
    one = scenario(*TWO, start="empty")
    apart, at_once = check(one), check(one, islands=False)
    assert {claim.name: claim.status for claim in apart.claims} == {
        claim.name: claim.status for claim in at_once.claims
    }
    assert 10 * apart.states < at_once.states
    assert any("others stand behind Service front as well" in line for line in apart.islands)


def test_what_one_by_itself_breaks_another_may_keep() -> None:
    """Blue's only Pod is drained; green answers. Blue with the Service to itself shows a breach that there is not."""
    one = scenario(*ON_NODES, service(), **DRAINED)
    blue = next(piece for piece in pieces_of(one) if piece.name == "Deployment blue")
    assert verdicts(blue.scenario)["reachability"] == "VIOLATED"
    assert verdicts(one)["reachability"] == verdicts(one, islands=False)["reachability"] == "HOLDS"


def test_every_search_has_a_name_of_its_own_and_so_what_is_kept_of_it() -> None:
    named: list[tuple[str, bool]] = []

    def search(name: str, *, first: bool = False) -> Any:
        named.append((name, first))
        return partial(explore, options=Options(stop_at_first=first))

    verdicts(scenario(*ON_NODES, service(), **DRAINED), search=search)
    assert [name for name, first in named if first] == ["reachability", "reachability on one node"]
    assert len({name for name, _ in named}) == len(named)


def test_what_nobody_keeps_is_broken_and_the_trace_is_a_run_of_both(tmp_path: Any) -> None:
    everywhere = [deployment(name, nodeSelector={"kubernetes.io/hostname": "node-1"}) for name in ("blue", "green")]
    lone = deployment("lone")
    lone["spec"]["template"]["metadata"]["labels"] = {"app": "lone"}
    files = {"all.yaml": yaml.safe_dump_all([*everywhere, service(), lone])}
    given = {"consistency": "linearizable", "nodes": 2, "bounds": {"propagation": "5s"}, **DRAINED}
    result = face.check(face.Cluster("pieces", files, given), trace_dir=tmp_path)
    claim = next(claim for claim in result.outcome.claims if claim.name == "reachability")
    assert claim.status is Status.VIOLATED
    assert claim.alone is not None
    assert claim.alone.island == "Deployment blue and Deployment green"
    document = from_text(to_text(result.documents["reachability"]))
    assert isinstance(face.replay_check(document), Replayed)


def test_one_that_does_not_converge_says_nothing_of_the_service() -> None:
    one = scenario(*TWO, faults={"nodeCrash": 1}, nodes=1)
    found = verdicts(one)
    assert found == verdicts(one, islands=False)
    assert found["convergence"] == "VIOLATED"


def test_forgetting_to_look_at_them_together_changes_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    one = scenario(*ON_NODES, service(), **DRAINED)
    monkeypatch.setattr(islands, "_is_well", lambda _report: True)
    assert verdicts(one)["reachability"] != "HOLDS"


def test_a_budget_of_both_is_kept_as_it_is_at_once() -> None:
    several = [deployment(name, nodeSelector={"kubernetes.io/hostname": "node-1"}) for name in ("blue", "green")]
    one = scenario(*several, service(), BUDGET, **DRAINED)
    assert verdicts(one) == verdicts(one, islands=False)


def test_what_is_open_of_all_together_is_said_of_nobody_by_name() -> None:
    one = scenario(*TWO, **DRAINED)
    found = check(one, limits=Limits(max_states=40), islands=True)
    lines = [line for claim in found.claims for line in claim.lines]
    assert any("limit of 40 states" in line for line in lines)
    assert not any(line.startswith(": ") for line in lines)


def test_an_orphan_that_does_not_listen_is_asked_beside_one_that_does() -> None:
    """Whoever answers for it is in another workload: by itself nobody counts on it once nobody wants it any more."""
    green = deployment("green")
    green["kind"] = "ReplicaSet"
    green["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": 80, "protocol": "UDP"}]
    orphaned = [{"deleteObject": {"kind": "ReplicaSet", "name": "green", "cascade": "orphan"}}]
    one = scenario(deployment("blue"), green, service(), script=orphaned)
    assert verdicts(one)["reachability"] == verdicts(one, islands=False)["reachability"] == "VIOLATED"


def test_a_service_is_shared_only_by_islands_that_are_two() -> None:
    lone = deployment("lone")
    lone["spec"]["template"]["metadata"]["labels"] = {"app": "lone"}
    found = pieces_of(scenario(*TWO, BUDGET, lone))
    assert [island.shares for island in found] == [(), ()]
