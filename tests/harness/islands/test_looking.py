"""How islands share the time: each has its part, and the last one leaves some for what the others found."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.check import check as whole
from kubeproof.harness.check.results import Report
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.islands.looking import Ways
from kubeproof.model.checker import Limits
from kubeproof.model.checker.explore import explore

SECONDS = 1000


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collect how many seconds each search is given, and search nothing."""
    found: list[float] = []

    def nothing(scenario: Scenario, *, limits: Limits, **_others: Any) -> Report:
        assert limits.deadline is not None
        found.append(limits.deadline.left)
        return whole.nothing_known(scenario, "")

    monkeypatch.setattr(whole, "check", nothing)
    return found


@pytest.mark.parametrize("jobs", [1, 9])
def test_the_last_of_several_leaves_time_to_follow_the_breaches_of_others(given: list[float], jobs: int) -> None:
    ways = Ways(lambda _name: explore, Limits(timeout=SECONDS).begun(), jobs=jobs)
    for left in (2, 1):
        ways.look("web", Scenario("web", ()), left)
    assert max(given) < 0.95 * SECONDS
    assert given[-1] > 0.8 * SECONDS


def test_the_only_search_has_all_the_time(given: list[float]) -> None:
    Ways(lambda _name: explore, Limits(timeout=SECONDS).begun()).look("", Scenario("web", ()))
    assert given[0] > 0.95 * SECONDS
