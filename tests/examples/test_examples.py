"""Each example says in its scenario what is expected of it, and that is what a check finds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kubeproof.harness import face
from kubeproof.harness.check.results import Report
from kubeproof.harness.input.scenario import Expected
from kubeproof.traces.replay import Replayed
from places import EXAMPLES

NO_SERVICE = (
    "evicted",
    "evicted-repaired",
    "first-come",
    "first-come-repaired",
    "late",
    "late-repaired",
    "room-for-one",
    "spread-after-rollout",
    "spread-after-rollout-repaired",
    "spread-cordoned",
    "spread-cordoned-repaired",
    "spread-tainted",
    "spread-tainted-repaired",
    "two-schedulers",
    "two-schedulers-repaired",
)
SMALL = (
    "deadlock-repaired",
    "delete-deployment",
    "drain",
    "drain-blocked",
    "full-nodes",
    "full-nodes-repaired",
    "live-drain",
    "node-crash",
    "scale",
    *NO_SERVICE,
)
REASONS = {
    "evicted": ("node-1 has 0m of 1000m cpu left", "node-2 has 0m of 1000m cpu left"),
    "spread-tainted": ("Pods would spread over kubernetes.io/hostname with a skew above 1", "dedicated=gpu:NoSchedule"),
    "two-schedulers": ("is Failed",),
    "room-for-one": ("little has 1150m of 1500m cpu left",),
    "first-come": ("node-1 has 1000m of 2000m cpu left", "this run starts with large-"),
    "drain-blocked": ("The disruption budget web needs 2 healthy pods and has 2 currently",),
    "full-nodes": ("node-1 has 300m of 1000m cpu left", "node-2 has 300m of 1000m cpu left"),
}


@pytest.fixture(scope="module")
def results() -> dict[str, face.Result]:
    return {name: face.check(EXAMPLES / name) for name in SMALL}


@pytest.mark.parametrize("name", SMALL)
def test_the_verdicts_are_the_expected_ones(name: str, results: dict[str, face.Result]) -> None:
    outcome = results[name].outcome
    found = {claim.name: claim.status.value for claim in outcome.claims}
    assert {claim: verdict.value for claim, verdict in outcome.scenario.expected} == found
    assert results[name].as_expected
    assert outcome.complete


@pytest.mark.parametrize("name", SMALL)
def test_no_report_contradicts_itself(
    name: str, results: dict[str, face.Result], contradicts: Callable[[Report], tuple[str, ...]]
) -> None:
    assert contradicts(results[name].outcome) == ()


@pytest.mark.parametrize("name", SMALL)
def test_the_title_is_one_line_and_not_the_name_of_the_folder(name: str, results: dict[str, face.Result]) -> None:
    title = results[name].outcome.scenario.title
    assert title not in {"", name}
    assert len(title) <= 80
    assert "\n" not in title


@pytest.mark.parametrize("name", sorted(REASONS))
def test_a_violation_says_why(name: str, results: dict[str, face.Result]) -> None:
    convergence = next(claim for claim in results[name].outcome.claims if claim.name == "convergence")
    assert convergence.kind == "stuck"
    for reason in REASONS[name]:
        assert any(reason in line for line in convergence.lines)


@pytest.mark.parametrize("name", sorted(REASONS))
def test_the_trace_of_a_violation_replays(name: str, results: dict[str, face.Result]) -> None:
    again = face.replay_check(results[name].documents["convergence"])
    assert isinstance(again, Replayed), again
    assert again.steps == results[name].documents["convergence"].steps.__len__()


def test_what_needs_no_judging_is_told_to_be_vacuous(results: dict[str, face.Result]) -> None:
    vacuous = {(name, claim.name) for name in SMALL for claim in results[name].outcome.claims if claim.vacuous}
    unserved = {(name, "reachability") for name in NO_SERVICE}
    kept = {(name, "reachability") for name in ("drain-blocked", "full-nodes")}
    unbound = {(name, "placement") for name in ("delete-deployment", "drain-blocked")}
    assert vacuous == {("delete-deployment", "reachability"), ("drain-blocked", "budget")} | unserved | kept | unbound


@pytest.mark.parametrize("name", ["drain", "full-nodes-repaired", "scale"])
def test_a_violated_claim_is_expected_nowhere_but_where_it_is_stated(
    name: str, results: dict[str, face.Result]
) -> None:
    verdicts = {verdict for _, verdict in results[name].outcome.scenario.expected}
    assert verdicts == {Expected.HOLDS}
