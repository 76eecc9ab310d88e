"""Identity: where two Pods of one name of a StatefulSet run at once, and which rules keep them from it."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.check.check import check, machine_of
from kubeproof.harness.check.results import Report
from kubeproof.harness.claims import registry as claims
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.reductions.symmetry import symmetry_of
from kubeproof.impl.api.claim_names import IDENTITY
from kubeproof.model.checker import Status, explore
from planted import planted

SET = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 1
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "db:1"}]}
"""
DEPLOYMENT = SET.replace("StatefulSet", "Deployment").replace("  serviceName: db\n", "")
STALE = {"consistency": "resettable", "faults": {"crash": 1}, "script": [{"deletePod": {"name": "db-0"}}]}
MODULE = "kubeproof.harness.world.nodes.stale_kubelets"


def scenario(text: str = SET, *, nodes: int = 2, **options: Any) -> Scenario:
    return load_scenario("it", {"it.yaml": text}, {"nodes": nodes, **options}).scenario


def identity(found: Report) -> tuple[str, str]:
    claim = next(one for one in found.claims if one.name == IDENTITY)
    return claim.status.value, "; ".join(claim.lines)


def test_a_kubelet_that_restarts_on_an_old_list_runs_a_name_twice() -> None:
    verdict, lines = identity(check(scenario(**STALE)))
    assert verdict == "VIOLATED"
    assert "two Pods called db-0 run at once, on node-1 and node-2" in lines


BEHIND = {key: value for key, value in STALE.items() if key != "consistency"}


@pytest.mark.parametrize(("servers", "verdict"), [(1, "HOLDS"), (2, "VIOLATED")])
def test_behind_a_balancer_with_a_server_that_lags_it_does_so(servers: int, verdict: str) -> None:
    detail = {"detail": {"apiservers": servers}} if servers > 1 else {}
    report = check(scenario(**BEHIND, **detail))
    assert identity(report)[0] == verdict
    assert any("two API servers behind a balancer" in line for line in report.bounds) == (servers > 1)


@pytest.mark.parametrize(
    "options",
    [{"consistency": "session"}, {"consistency": "linearizable"}, {"nodes": 1}],
    ids=["views never go back", "nobody lags", "one node"],
)
def test_without_an_old_list_or_another_node_nobody_does(options: dict[str, Any]) -> None:
    assert identity(check(scenario(**{**STALE, **options}))) == ("HOLDS", "")


def test_a_name_that_nobody_gives_again_is_not_judged() -> None:
    found = check(scenario(DEPLOYMENT, **{**STALE, "script": []}, bounds={"pods": 3, "mixedViews": False}))
    assert IDENTITY not in {claim.name for claim in found.claims}
    without = check(scenario(**{**STALE, "faults": {}}))
    assert IDENTITY not in {claim.name for claim in without.claims}


def test_a_node_that_is_cut_off_and_deleted_still_runs_its_pods() -> None:
    """What the documentation warns of: the Node object goes, and what ran there is made again elsewhere."""
    faults = {"faults": {"partition": 1}, "consistency": "linearizable", "bounds": {"pods": 3}}
    deleted = [{"deleteNode": {"node": "node-1"}}]
    verdict, lines = identity(check(scenario(**faults, script=deleted)))
    assert (verdict, "two Pods called db-0 run at once" in lines) == ("VIOLATED", True)
    assert identity(check(scenario(**faults, script=[])))[0] == "HOLDS"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("not in there | running", "in there"),
        ("named and bool(pod.spec.node_name)", "bool(pod.spec.node_name) and not named"),
        ("if not view[CRASHES] or view[STALLED] is None:", "if True:"),
    ],
    ids=["only who is still there", "only generated names", "never"],
)
def test_a_kubelet_that_starts_nobody_again_breaks_nothing(before: str, after: str) -> None:
    with planted(MODULE, before, after):
        assert identity(check(scenario(**STALE)))[0] == "HOLDS"


def test_orbits_and_all_states_say_the_same() -> None:
    asked = scenario(**STALE, bounds={"pods": 4})
    world = machine_of(asked, prepare(asked))
    group = symmetry_of(world)
    assert group is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kubeproof.model.checker.symmetry.audit.EVERY", 7)
        orbits = explore(world.machine, claims.of(world), symmetry=group)
    whole = explore(world.machine, claims.of(world))
    assert [one.status for one in orbits.verdicts] == [one.status for one in whole.verdicts]
    assert orbits.states < whole.states
    assert whole[IDENTITY].status is Status.VIOLATED


def test_a_world_without_a_place_for_it_does_not_hold() -> None:
    """Whoever is started again needs a place; where there is none the answer is that nothing is known."""
    found = check(scenario(**STALE, bounds={"pods": 1}))
    assert identity(found)[0] == "UNKNOWN"


@pytest.mark.parametrize(("nodes", "verdict"), [(2, "VIOLATED"), (1, "HOLDS")])
def test_a_forced_deletion_by_itself_lets_a_name_run_on_two_nodes(nodes: int, verdict: str) -> None:
    """Its kubelet has not stopped the Pod yet when the API server has forgotten it; on one node it is one kubelet."""
    found = check(scenario(nodes=nodes, script=[{"deletePod": {"name": "db-0", "force": True}}]))
    assert identity(found)[0] == verdict
    assert ("db-0 run at once, on node-1 and node-2" in identity(found)[1]) == (nodes > 1)


def test_a_node_that_is_deleted_by_itself_lets_a_name_run_on_two_nodes() -> None:
    """The garbage collector deletes its Pods by force, and what ran there has not stopped when they are made again."""
    verdict, lines = identity(check(scenario(nodes=2, script=[{"deleteNode": {"node": "node-1"}}])))
    assert (verdict, "db-0 run at once, on node-1 and node-2" in lines) == ("VIOLATED", True)


def test_a_pod_without_a_grace_period_is_gone_before_it_has_stopped() -> None:
    """Whoever deletes it, a drain, say; a second is enough for it to stay until its kubelet has stopped it."""
    at_once = SET.replace("containers: [", "terminationGracePeriodSeconds: 0, containers: [")
    drained = {"nodes": 2, "script": [{"drain": {"node": "node-1"}}]}
    assert identity(check(scenario(at_once, **drained)))[0] == "VIOLATED"
    found = check(scenario(at_once.replace("Seconds: 0", "Seconds: 1"), **drained))
    assert IDENTITY not in {claim.name for claim in found.claims}


def test_a_deletion_that_is_not_forced_is_not_asked_about() -> None:
    report = check(scenario(script=[{"deletePod": {"name": "db-0"}}]))
    assert IDENTITY not in {claim.name for claim in report.claims}
