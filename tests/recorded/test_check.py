"""What check says after each step of recorded scenarios, and that a verdict which a run contradicts is seen."""

from __future__ import annotations

import copy
import json
import lzma
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import agreement
from kubeproof.harness.check.motion import IN_MOTION
from kubeproof.harness.claims.answers import AT_A_STEP, AT_REST
from kubeproof.harness.input.scenario import Consistency
from kubeproof.model.checker import Limits, Status
from places import VECTORS
from planted import planted
from recorded.check import Asked, ask

TIERS = ((Consistency.LINEARIZABLE, Limits(max_states=20_000)),)
SAMPLE = (("pdb-drain", "0078"), ("pdb-drain", "0082"), ("affinity", "0151"), ("service", "0216"), ("hostport", "0072"))


@cache
def theme(name: str) -> dict[str, Any]:
    with lzma.open(VECTORS / "e2e" / f"{name}.jsonl.xz", "rt", encoding="utf-8") as lines:
        return {record["id"]: record for record in map(json.loads, lines)}


def created(name: str, identity: str) -> Any:
    """Return a copy of a record without its script."""
    record = copy.deepcopy(theme(name)[identity])
    return {**record, "script": [], "outcomes": record["outcomes"][:1], "alternatives": []}


def said(record: Any) -> dict[tuple[str, str], Asked]:
    return {(one.step, one.claim): one for one in ask(record, TIERS)}


@pytest.mark.parametrize(("name", "identity"), SAMPLE)
def test_no_verdict_contradicts_a_recorded_run(name: str, identity: str) -> None:
    found = said(theme(name)[identity])
    assert ("create", "convergence") in found
    assert [str(one) for one in found.values() if one.contradicts] == []


def test_a_drain_that_was_given_up_is_no_convergence_though_the_recording_calls_it_one() -> None:
    record = theme("pdb-drain")["0078"]
    assert record["outcomes"][1]["converged"]
    found = said(record)["1:drain", "convergence"]
    assert (found.verdict, found.failed) == (Status.VIOLATED, 1)
    assert not found.surprising


@pytest.mark.parametrize(("kind", "odd"), [(AT_REST, True), (AT_A_STEP, False), (IN_MOTION, False)])
def test_only_what_a_recording_of_rests_would_show_is_a_surprise(kind: str, odd: bool) -> None:  # noqa: FBT001
    assert Asked("0248", "2:setImage", "reachability", Status.VIOLATED, 0, 2, kind).surprising is odd


# --- runs that never were -------------------------------------------------------------------------------------------


def does_not_converge(run: Any) -> None:
    run[0].update(converged=False)


def is_never_quiet(run: Any) -> None:
    run[0].update(quiesced=False)


def is_refused(run: Any) -> None:
    run[0].update(actionCompleted=False)


@pytest.mark.parametrize("forgery", [does_not_converge, is_never_quiet, is_refused])
def test_a_run_that_fails_contradicts_a_claim_that_holds(forgery: Callable[[Any], None]) -> None:
    forged = created("pdb-drain", "0078")
    forgery(forged["outcomes"])
    found = said(forged)["create", "convergence"]
    assert (found.verdict, found.failed, found.contradicts) == (Status.HOLDS, 1, True)


def test_a_service_that_ends_without_an_address_fails() -> None:
    forged = created("pdb-drain", "0078")
    assert not said(forged)["create", "reachability"].failed
    for address in forged["outcomes"][0]["endpoints"][0]["addresses"]:
        address["ready"] = False
    assert said(forged)["create", "reachability"].failed == 1


def test_a_drain_that_took_too_many_contradicts_a_budget_that_holds() -> None:
    forged = copy.deepcopy(theme("pdb-drain")["0078"])
    forged["outcomes"][1]["during"]["minReadyPods"]["Deployment/web"] = 0
    found = said(forged)["1:drain", "budget"]
    assert (found.verdict, found.failed, found.contradicts) == (Status.HOLDS, 1, True)


def test_a_check_that_takes_every_drain_for_done_is_contradicted() -> None:
    with planted("kubeproof.harness.claims.convergence", "number in view[BLOCKED])", "number in view[BLOCKED][:0])"):
        found = said(theme("pdb-drain")["0078"])["1:drain", "convergence"]
    assert found.contradicts


def test_what_a_limit_leaves_open_is_unknown_and_contradicts_nothing() -> None:
    found = ask(theme("pdb-drain")["0078"], ((Consistency.LINEARIZABLE, Limits(max_states=1)),))
    assert {one.verdict for one in found if one.claim == "convergence"} == {Status.UNKNOWN}
    assert not any(one.contradicts or one.surprising for one in found)


def test_what_has_no_model_is_asked_about_like_anybodys_manifests() -> None:
    """A Rollout is noted, and whatever may hang on it stays open; a step on it cannot be asked."""
    acted = copy.deepcopy(theme("quota")["0032"])
    template = {"metadata": {"labels": {"app": "rc"}}, "spec": {"containers": [{"name": "c", "image": "c:1"}]}}
    acted["manifests"][0] = {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "rc"},
        "spec": {"selector": {"app": "rc"}, "template": template},
    }  # fmt: skip
    acted["script"].append({"action": "deletePod", "workload": "Rollout/rc"})
    acted["outcomes"].append(acted["outcomes"][-1] | {"afterAction": "2:deletePod"})
    acted["alternatives"] = []
    found = ask(acted, TIERS)
    assert {one.verdict for one in found if one.claim == "convergence"} == {Status.UNKNOWN}
    assert not any(one.contradicts or one.surprising for one in found)
    assert {one.step for one in found} == {"create", "1:setImage"}


def test_a_daemonset_is_decided() -> None:
    found = ask(theme("daemonset")["0194"], TIERS)
    assert Status.UNKNOWN not in {one.verdict for one in found}
    assert not any(one.contradicts or one.surprising for one in found)


def test_a_statefulset_behind_a_budget_is_decided() -> None:
    found = ask(theme("pdb-drain")["0097"], TIERS)
    assert {one.claim for one in found} == {"convergence", "reachability", "budget"}
    assert Status.UNKNOWN not in {one.verdict for one in found if one.claim in {"convergence", "budget"}}
    assert not any(one.contradicts or one.surprising for one in found)


# --- the command ----------------------------------------------------------------------------------------------------


def test_what_was_found_is_kept_and_taken_from_there(tmp_path: Path) -> None:
    file = tmp_path / "kept.jsonl"
    record = theme("hostport")["0072"]
    first = agreement.Said("0072", ask(record, TIERS), 1.5)
    agreement.keep(file, [first])
    agreement.keep(file, [first])
    assert len(file.read_text(encoding="utf-8").splitlines()) == 1
    assert agreement.ask(agreement.kept_in(file), record) == first


def test_a_line_per_claim_and_the_contradictions_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    held = Asked("0078", "create", "convergence", Status.HOLDS, 0, 2)
    wrong = Asked("0078", "1:drain", "convergence", Status.HOLDS, 1, 2)
    assert agreement.tell([agreement.Said("0078", (held, wrong), 2.0)], 1) == 1
    lines = capsys.readouterr().out.splitlines()
    assert (
        "    convergence: 2 HOLDS, 0 VIOLATED, 0 UNKNOWN; 1 contradicted, 0 breaches that no recorded run has" in lines
    )
    assert "        0078 after 1:drain: convergence HOLDS, 1 of 2 recorded runs fail" in lines
