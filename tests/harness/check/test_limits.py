"""One deadline, one memory limit and one interrupt for everything that a check does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from kubeproof.harness.check import check as whole
from kubeproof.harness.check import motion
from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Report
from kubeproof.harness.face import Cluster
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import MOST_PODS, Scenario
from kubeproof.harness.islands.looking import Ways
from kubeproof.harness.world.at_rest import starts
from kubeproof.harness.world.at_rest.prepare import Prepared, prepare
from kubeproof.harness.world.at_rest.settle import Cut
from kubeproof.impl.api.apps import Deployment
from kubeproof.model.checker import Exploration, Limits, Status, explore
from kubeproof.model.checker.results import INTERRUPTED, Deadline
from kubeproof.model.machine import Action, Machine, Outcome
from places import EXAMPLES

ONE_STEP = Machine(({"n": 0},), (Action("on", "on", lambda view: [Outcome("on", {"n": 1})] if not view["n"] else []),))


def example(name: str) -> Scenario:
    return Cluster.from_manifests(EXAMPLES / name).load().scenario


def told(report: Report) -> dict[str, tuple[str, str]]:
    return {claim.name: (claim.status.value, " ".join(claim.lines)) for claim in report.claims}


def test_places_are_made_for_no_more_pods_than_a_cluster_may_have() -> None:
    workloads = [one for one in example("web").objects if isinstance(one, Deployment)]
    asked = [evolve(one, spec=evolve(one.spec, replicas=2**31 - 1)) for one in workloads]
    assert Scenario("huge", tuple(asked)).pods == MOST_PODS
    assert example("web").pods == 12


NAMES_ITS_NODE = """\
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {nodeName: node-1, nodeSelector: {disk: ssd}, containers: [{name: app, image: "web:1"}]}
"""


@pytest.mark.parametrize(
    ("replicas", "selector", "more"),
    [
        (1, "disk: ssd", "4 of 4 Pods have failed on node-1 (NodeAffinity) and stay there"),
        (5, "kubernetes.io/hostname: node-1", ""),
    ],
)
def test_where_places_run_out_pods_that_failed_are_told_of(replicas: int, selector: str, more: str) -> None:
    """Kubernetes lets 12,500 of them be: who is refused by a kubelet is made anew without end."""
    text = NAMES_ITS_NODE.replace("REPLICAS", str(replicas)).replace("disk: ssd", selector)
    settings = {"nodes": 1, "consistency": "linearizable", "bounds": {"pods": 4}}
    verdict, lines = told(check(load_scenario("full", {"web.yaml": text}, settings).scenario))["convergence"]
    assert (verdict, lines.partition(";")[0]) == (
        "UNKNOWN",
        "the world needs one more place for a Pod: raise bounds.pods (now 4)",
    )
    assert ("failed" in lines) is bool(more)
    assert more in lines


def test_a_deadline_is_a_moment_and_what_is_past_it_is_not_begun() -> None:
    assert explore(ONE_STEP, limits=Limits(deadline=Deadline.within(60))).complete
    found = explore(ONE_STEP, limits=Limits(deadline=Deadline.past("enough")))
    assert (found.complete, found.why_incomplete) == (False, "enough")


def test_the_time_of_several_searches_runs_from_one_beginning() -> None:
    limits = Limits(timeout=60, max_states=7).begun()
    assert (limits.timeout, limits.max_states) == (None, 7)
    assert limits.begun() is limits
    assert explore(ONE_STEP, limits=limits).complete
    assert limits.deadline is not None
    over = evolve(limits, deadline=evolve(limits.deadline, at=limits.deadline.at - 60))
    assert explore(ONE_STEP, limits=over).why_incomplete == "the time limit of 60 s was hit"


def test_the_core_leaves_time_to_look_at_connections() -> None:
    """Cut off, the core has seen a Pod go: what its connections come to is looked at in the time that is left."""
    given = list[Limits]()

    def cut(*arguments: Any, limits: Limits, **options: Any) -> Exploration:
        given.append(limits)
        return explore(*arguments, limits=evolve(limits, max_states=50), **options)

    report = check(example("dropped"), limits=Limits(timeout=100), search=cut)
    assert not report.complete
    assert {one.deadline is not None and 70 < one.deadline.left <= 80 for one in given} == {True}
    verdicts = {claim.name: claim.status for claim in report.claims}
    assert verdicts["convergence"] is Status.UNKNOWN
    assert verdicts["reachability"] is Status.VIOLATED


def test_an_interrupted_search_is_the_last_one() -> None:
    found = explore(ONE_STEP)
    assert Limits(max_states=1).after(found) == Limits(max_states=1)
    interrupted = evolve(found, complete=False, why_incomplete=INTERRUPTED)
    assert explore(ONE_STEP, limits=Limits().after(interrupted)).why_incomplete == INTERRUPTED


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(timeout=0.0), "the time limit of 0 s was hit before the manifests were applied"),
        (Limits(max_memory=1), "the memory limit of 1 bytes was hit before the manifests were applied"),
    ],
    ids=["time", "memory"],
)
def test_a_limit_that_is_hit_while_manifests_are_applied_leaves_everything_unknown(limits: Limits, why: str) -> None:
    found = told(check(example("node-crash"), limits=limits))
    assert set(found.values()) == {("UNKNOWN", why)}
    with pytest.raises(Cut):
        prepare(example("node-crash"), limits.begun())


def test_after_an_interrupt_no_further_search_is_begun_and_what_was_decided_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[Limits] = []

    def interrupted(*args: object, **options: object) -> Exploration:
        found = explore(*args, **options)  # type: ignore[arg-type]
        return evolve(found, complete=False, why_incomplete=INTERRUPTED)

    def noted(*args: object, limits: Limits, **options: object) -> Exploration:
        begun.append(limits)
        return explore(*args, limits=limits, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(motion, "explore", noted)
    found = told(check(example("scale"), search=interrupted))
    assert [one.deadline for one in begun] == [Deadline.past(INTERRUPTED)] * 2
    assert found["reachability"] == ("UNKNOWN", INTERRUPTED)
    assert found["convergence"] == ("HOLDS", "")


def test_one_pod_that_was_not_looked_at_to_the_end_is_neither_dropped_nor_safe() -> None:
    found = told(check(example("scale"), limits=Limits(max_states=3)))
    assert found["reachability"][0] == Status.UNKNOWN.value


TERMINATED = """
import os, signal
from kubeproof.harness.cli import main
from kubeproof.model.checker.checkpoint import Keeper

tick = Keeper.tick

def ticks(keeper, *rest):
    tick(keeper, *rest)
    os.kill(os.getpid(), signal.SIGTERM)

Keeper.tick = ticks
main()
"""
"""The command (`python -c`), which is terminated in the midst of a search that writes checkpoints."""


def test_sigterm_ends_a_check_as_an_interrupt_does_and_the_checkpoint_is_written(tmp_path: Path) -> None:
    kept = tmp_path / "search"
    words = ["check", str(EXAMPLES / "web"), "--fault", "lost-response=1", "--quiet", "--no-symmetry"]
    kept_at = ["--checkpoint", str(kept), "--trace-dir", str(tmp_path)]
    ended = subprocess.run(
        [sys.executable, "-c", TERMINATED, *words, *kept_at], check=False, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 3
    assert "convergence    UNKNOWN" in ended.stdout
    assert kept.read_bytes().startswith(b"kubeproof checkpoint")


def test_an_interrupt_between_searches_leaves_an_island_unknown_and_no_further_one_is_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object) -> Prepared:
        raise KeyboardInterrupt

    monkeypatch.setattr(whole, "prepare", interrupted)
    ways = Ways(lambda _, **__: explore, Limits().begun())
    found = ways.look("a", example("scale"))
    assert set(told(found).values()) == {("UNKNOWN", INTERRUPTED)}
    assert (ways.over, ways.after(found).over) == (False, True)


def test_an_interrupt_while_the_states_of_rest_are_looked_for_ends_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those found by then are no start: with `bounds.starts` the claims would hold of fewer than were asked for."""

    def interrupted(_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(starts, "at_rest", interrupted)
    names = ("nodes.yaml", "pods.yaml")
    files = {name: (EXAMPLES / "two-schedulers" / name).read_text(encoding="utf-8") for name in names}
    options = {"start": "settled", "schedulers": ["default-scheduler", "batch-scheduler"], "bounds": {"starts": 1}}
    asked = load_scenario("two", files, options).scenario
    found = Ways(lambda _, **__: explore, Limits().begun()).look("a", asked)
    assert set(told(found).values()) == {("UNKNOWN", INTERRUPTED)}


def test_an_interrupt_of_a_closer_look_begins_no_further_search() -> None:
    ways = Ways(lambda _, **__: explore, Limits().begun())
    found = ways.look("a", example("scale"))
    assert not ways.after(found).over
    why = f"web may be led to when it has stopped: {INTERRUPTED}"
    claims = (*found.claims[:-1], evolve(found.claims[-1], status=Status.UNKNOWN, lines=(why,)))
    assert ways.after(evolve(found, claims=claims)).over
