"""Small inputs and the verdicts that Kubernetes' own behaviour gives them, each beside a twin that gets another one.

The folders in scenarios/cases say in `expect` what a real control plane was seen to do: a wrong answer to one of them
was once given here. The twin of a case that is violated is its repair, and holds; that of one that holds is broken.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from attrs import evolve

from kubeproof.harness import face
from kubeproof.harness.check.results import Report
from kubeproof.model.checker import Limits
from places import TESTS

CASES = TESTS / "scenarios" / "cases"
TWINS = ("repaired", "broken")
NAMES = sorted(path.parent.relative_to(CASES).as_posix() for path in CASES.rglob("scenario.yaml"))
LIMITS = Limits(max_states=200_000)


@cache
def expected(name: str) -> dict[str, str]:
    scenario = face.Cluster.from_manifests(CASES / name).load().scenario
    return {claim: verdict.value for claim, verdict in scenario.expected}


@cache
def checked(name: str) -> Report:
    return face.check(CASES / name, limits=LIMITS).outcome


def found(name: str) -> dict[str, str]:
    return {claim.name: claim.status.value for claim in checked(name).claims}


EACH = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(f"case {name}")) for name in NAMES]
)
"""The tests of one case share its check, and so run in one process."""


@EACH
def test_a_case_gets_the_verdicts_that_kubernetes_gives(name: str) -> None:
    verdicts = found(name)
    assert {claim: verdicts.get(claim, "not judged") for claim in expected(name)} == expected(name)


@EACH
def test_no_report_of_a_case_contradicts_itself(name: str, contradicts: Callable[[Report], tuple[str, ...]]) -> None:
    assert contradicts(checked(name)) == ()


def test_a_contradiction_would_be_found(contradicts: Callable[[Report], tuple[str, ...]]) -> None:
    lines = ("p is Pending though it could run on n2", "p cannot go to n2: it is cordoned; uncordon it")
    report = checked(NAMES[0])
    both = tuple(evolve(one, lines=(line,)) for one, line in zip(report.claims, lines, strict=False))
    assert contradicts(evolve(report, claims=both[:2])) == ("p on n2",)
    assert contradicts(evolve(report, claims=both[:1])) == ()


@pytest.mark.parametrize("name", [name for name in NAMES if "/" not in name])
def test_a_case_and_its_twin_are_told_apart_by_what_the_twin_is_for(name: str) -> None:
    (twin,) = (one for one in TWINS if (CASES / name / one).is_dir())
    ours, theirs = expected(name), expected(f"{name}/{twin}")
    apart = {claim for claim in ours.keys() & theirs.keys() if ours[claim] != theirs[claim]}
    violated = ours if twin == "repaired" else theirs
    assert apart
    assert {violated[claim] for claim in apart} == {"VIOLATED"}


def test_both_kinds_of_wrong_answers_are_among_the_cases() -> None:
    assert {twin for name in NAMES for twin in TWINS if name.endswith(f"/{twin}")} == set(TWINS)
    assert len(NAMES) == 100
