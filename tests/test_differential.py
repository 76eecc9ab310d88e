"""Random scenarios, with every reduction and without: a hundred of them, and what the comparison itself is worth."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from attrs import evolve

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Report
from kubeproof.harness.input.scenario import Scenario
from kubeproof.model.checker import Limits, Status
from random_scenario import Drawing, draw, smaller

HERE = Path(__file__).parent
SEEDS = range(100)
PARTS = 10
LIMITS = Limits(max_states=4_000)


@cache
def command() -> ModuleType:
    spec = importlib.util.spec_from_file_location("differential_of_checks", HERE / "differential.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("part", range(PARTS))
def test_verdicts_of_random_scenarios_are_those_of_the_whole(part: int) -> None:
    found = [command().compare(draw(seed).load().scenario, LIMITS) for seed in SEEDS[part::PARTS]]
    apart = {seed: one.apart for seed, one in zip(SEEDS[part::PARTS], found, strict=True) if one.apart}
    assert apart == {}


@pytest.mark.parametrize("name", command().kept())
def test_what_once_told_them_apart_does_not_any_more(name: str) -> None:
    assert command().answer(command().Task(name, None, Limits(max_states=100_000))).compared.apart == ()


# --- the drawings ---------------------------------------------------------------------------------------------------


def test_a_seed_is_always_the_same_drawing_and_another_seed_another() -> None:
    assert draw(7) == draw(7)
    assert len({str(draw(seed).files) for seed in SEEDS}) == len(SEEDS)


def test_everything_that_may_be_drawn_is_drawn() -> None:
    drawings = [draw(seed) for seed in range(400)]
    kinds = {manifest["kind"] for one in drawings for manifest in one.manifests}
    steps = {name for one in drawings for step in one.options["script"] for name in step}
    assert kinds == {"Node", "Deployment", "ReplicaSet", "Pod", "Service", "PodDisruptionBudget"}
    assert steps == {
        "apply", "cordon", "deleteObject", "deletePod", "drain", "rolloutRestart", "rolloutUndo", "scale", "setImage",
        "taint",
    }  # fmt: skip
    for word in ("hostPort", "podAffinity", "podAntiAffinity", "topologySpread", "nodeSelector", "tolerations",
                 "Recreate", "taints", "unschedulable", "preStop", "Policy: Local", "NodePort", "nodeCrash", "crash",
                 "lostResponse", "containerCrash", "resettable", "session", "start: settled"):  # fmt: skip
        assert any(word in text for one in drawings for text in one.files.values()), word


def test_every_drawing_loads() -> None:
    assert {type(draw(seed).load().scenario) for seed in range(300)} == {Scenario}


# --- the comparison -------------------------------------------------------------------------------------------------


def lenient(scenario: Scenario, limits: Limits) -> Report:
    """Check as usual and then say that everything holds."""
    report = check(scenario, limits=limits)
    return evolve(report, claims=tuple(evolve(one, status=Status.HOLDS) for one in report.claims))


def violated() -> Drawing:
    return next(one for one in map(draw, SEEDS) if found_violated(one))


def found_violated(one: Drawing) -> bool:
    return any(claim.status is Status.VIOLATED for claim in check(one.load().scenario, limits=LIMITS).claims)


def test_a_check_that_always_holds_is_told_apart() -> None:
    found = command().compare(violated().load().scenario, LIMITS, ours=lenient)
    assert [(one.ours, one.other) for one in found.apart] == [("HOLDS", "VIOLATED")] * len(found.apart) != []


def test_a_limit_is_undecided_and_no_agreement() -> None:
    seed = next(seed for seed in SEEDS if check(draw(seed).load().scenario).states > 20)
    found = command().compare(draw(seed).load().scenario, Limits(max_states=5))
    assert not found.decided
    assert any(line.startswith("convergence: ") for line in found.open)


def test_smaller_drawings_lack_one_thing_each() -> None:
    one = draw(3)
    found = list(smaller(one))
    assert len(found) > 20
    assert one not in found
    assert any(less.options["script"] == one.options["script"][1:] for less in found)


def test_shrinking_ends_with_what_matters_alone() -> None:
    def has_a_service(one: Drawing) -> bool:
        return any(manifest["kind"] == "Service" for manifest in one.manifests)

    start = next(one for one in map(draw, SEEDS) if has_a_service(one) and one.options["script"])
    small = command().shrunk(start, has_a_service)
    assert [manifest["kind"] for manifest in small.manifests] == ["Service"]
    assert small.options["script"] == []


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_counts_what_it_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert command().main(["--seeds", "0:3", "--states", "2000"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{3 + len(command().kept())} scenarios: 0 disagree")
    assert any(line.startswith("  convergence: ") for line in lines)


def test_a_wrong_range_of_seeds_is_an_error_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command().main(["--seeds", "three"])
    assert ended.value.code == 2
    assert "expected a seed or FIRST:LAST" in capsys.readouterr().err
