"""Random scenarios, with every reduction and without: a hundred of them, and what the comparison itself is worth."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from attrs import evolve

import differential
from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Report
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.islands import check as islands
from kubeproof.model.checker import Exploration, Limits, Options, Status, explore
from scenes.random_scenario import Drawing, draw, draw_several, draw_shared, smaller
from scenes.wide_scenario import draw_wide

SEEDS = range(100)
SEVERAL = range(60)
SHARED = range(10)
WIDE = range(20)
PARTS = 10
LIMITS = Limits(max_states=4_000)
explore_module = sys.modules[explore.__module__]


@pytest.mark.parametrize("part", range(PARTS))
def test_verdicts_of_random_scenarios_are_those_of_the_whole(part: int) -> None:
    found = [differential.compare(draw(seed).load().scenario, LIMITS) for seed in SEEDS[part::PARTS]]
    apart = {seed: one.apart for seed, one in zip(SEEDS[part::PARTS], found, strict=True) if one.apart}
    assert apart == {}


@pytest.mark.parametrize("part", range(PARTS))
def test_verdicts_of_islands_are_those_of_all_at_once(part: int) -> None:
    seeds = SEVERAL[part::PARTS]
    ways = {"ours": differential.by_islands, "other": differential.reduced}
    found = [differential.compare(draw_several(seed).load().scenario, LIMITS, **ways) for seed in seeds]
    assert {seed: one.apart for seed, one in zip(seeds, found, strict=True) if one.apart} == {}
    assert any(one.islands > 1 for one in found)


@pytest.mark.parametrize("part", range(PARTS))
def test_verdicts_behind_one_service_are_those_of_all_at_once(part: int) -> None:
    seeds = SHARED[part::PARTS]
    ways = {"ours": differential.by_islands, "other": differential.reduced}
    found = [differential.compare(draw_shared(seed).load().scenario, LIMITS, **ways) for seed in seeds]
    assert {seed: one.apart for seed, one in zip(seeds, found, strict=True) if one.apart} == {}


@pytest.mark.parametrize("part", range(PARTS))
def test_verdicts_of_wide_scenarios_are_those_of_all_kept_apart(part: int) -> None:
    seeds = WIDE[part::PARTS]
    ways = {"ours": differential.by_islands, "other": differential.without_symmetry}
    found = [differential.compare(draw_wide(seed).load().scenario, LIMITS, **ways) for seed in seeds]
    assert {seed: one.apart for seed, one in zip(seeds, found, strict=True) if one.apart} == {}


@pytest.mark.parametrize("drawn", [draw, draw_several, draw_wide], ids=["plain", "several", "wide"])
def test_a_check_that_goes_on_with_compiled_loops_says_the_same(
    drawn: Callable[[int], Drawing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explore_module, "LARGE", 60)
    engines: list[str] = []

    def watched(*arguments: Any, **options: Any) -> Any:
        engines.append(arguments[2].engine)
        return search(*arguments, **options)

    search = explore_module._search
    monkeypatch.setattr(explore_module, "_search", watched)
    for seed in range(300, 306):
        scenario = drawn(seed).load().scenario
        rows = differential.by_islands(scenario, LIMITS)
        columns = islands.check(scenario, limits=LIMITS, search=_by_size)
        assert _said(columns) == _said(rows)
    assert "columns" in engines


def _by_size(_island: str, *, first: bool = False) -> Callable[..., Exploration]:
    return partial(explore, options=Options("auto", stop_at_first=first))


def _said(report: Report) -> tuple[int, list[tuple[str, Status, str]]]:
    return report.states, [(claim.name, claim.status, claim.kind) for claim in report.claims]


@pytest.mark.parametrize("name", differential.kept())
def test_what_once_told_them_apart_does_not_any_more(name: str) -> None:
    assert differential.answer(differential.Task(name, None, Limits(max_states=100_000))).compared.apart == ()


# --- the drawings ---------------------------------------------------------------------------------------------------


def test_a_seed_is_always_the_same_drawing_and_another_seed_another() -> None:
    assert draw(7) == draw(7)
    assert len({str(draw(seed).files) for seed in SEEDS}) == len(SEEDS)


def test_everything_that_may_be_drawn_is_drawn() -> None:
    drawings = [draw(seed) for seed in range(400)]
    kinds = {manifest["kind"] for one in drawings for manifest in one.manifests}
    steps = {name for one in drawings for step in one.options["script"] for name in step}
    assert kinds == {
        "Node",
        "DaemonSet",
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
        "Pod",
        "Service",
        "PodDisruptionBudget",
    }
    assert steps == {
        "apply", "cordon", "deleteObject", "deletePod", "drain", "rolloutRestart", "rolloutUndo", "scale", "setImage",
        "taint",
    }  # fmt: skip
    for word in ("hostPort", "podAffinity", "podAntiAffinity", "topologySpread", "nodeSelector", "tolerations",
                 "Recreate", "taints", "unschedulable", "preStop", "Policy: Local", "NodePort", "nodeCrash", "crash",
                 "lostResponse", "containerCrash", "nodeReboot", "partition", "resettable", "session",
                 "start: settled"):  # fmt: skip
        assert any(word in text for one in drawings for text in one.files.values()), word


def test_every_drawing_loads() -> None:
    assert {type(draw(seed).load().scenario) for seed in range(300)} == {Scenario}


def test_everything_that_may_be_drawn_wide_is_drawn() -> None:
    drawings = [draw_wide(seed) for seed in range(400)]
    kinds = {manifest["kind"] for one in drawings for manifest in one.manifests}
    steps = {name for one in drawings for step in one.options["script"] for name in step}
    assert kinds > {"Job", "Namespace", "NetworkPolicy", "PriorityClass"}
    assert steps > {"addNode", "deleteNode", "labelNode", "rolloutPause", "rolloutResume", "uncordon", "untaint"}
    for word in ("preferredDuring", "ScheduleAnyway", "minDomains", "nodeTaintsPolicy", "matchLabelKeys", "Indexed",
                 "namespaceSelector", "priorityClassName", "initContainers", "hostNetwork", "externalIPs", "onNode",
                 "sessionAffinity", "publishNotReadyAddresses", "clusterIP: None", "example.com/gpu", "orphan",
                 "PreferNoSchedule", "unhealthyPodEvictionPolicy", "byName", "OnDelete", "emptyDir"):  # fmt: skip
        assert any(word in text for one in drawings for text in one.files.values()), word


def test_every_wide_drawing_loads() -> None:
    assert {type(draw_wide(seed).load().scenario) for seed in range(200)} == {Scenario}


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
    found = differential.compare(violated().load().scenario, LIMITS, ours=lenient)
    assert [(one.ours, one.other) for one in found.apart] == [("HOLDS", "VIOLATED")] * len(found.apart) != []


def test_a_limit_is_undecided_and_no_agreement() -> None:
    seed = next(seed for seed in SEEDS if check(draw(seed).load().scenario).states > 20)
    found = differential.compare(draw(seed).load().scenario, Limits(max_states=5))
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
    small = differential.shrunk(start, has_a_service)
    assert [manifest["kind"] for manifest in small.manifests] == ["Service"]
    assert small.options["script"] == []


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_counts_what_it_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert differential.main(["--seeds", "0:3", "--states", "2000"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{3 + len(differential.kept())} scenarios: 0 disagree")
    assert any(line.startswith("  convergence: ") for line in lines)


def test_a_wrong_range_of_seeds_is_an_error_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        differential.main(["--seeds", "three"])
    assert ended.value.code == 2
    assert "expected a seed or FIRST:LAST" in capsys.readouterr().err
