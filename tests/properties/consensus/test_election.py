"""Who leads by a Lease: one, while things are less off than its margin; two, where they are not, or times wrong."""

from __future__ import annotations

import pytest
from attrs import evolve

from kubeproof.impl.leaderelection.elector import Timings
from kubeproof.impl.leaderelection.elector import margin as margin_of
from kubeproof.model.checker.results import Status
from kubeproof.model.components.control_plane.leaderelection import Times
from kubeproof.properties.consensus.election import ONE, leading, margin, one_leads
from planted import planted

TIMES = Times(duration=5, deadline=2, retry=1)


def test_the_margin_is_what_the_programs_have() -> None:
    ours = Timings()
    known = Times(ours.lease_duration, ours.renew_deadline, ours.retry_period)
    assert margin(known) == margin_of(ours) == 3
    assert list(ours.problems()) == []


@pytest.mark.parametrize(
    ("times", "problem"),
    [
        (Timings(10, 10, 2), "leaseDuration must be greater than renewDeadline"),
        (Timings(15, 2, 2), "renewDeadline must be greater than retryPeriod*JitterFactor"),
        (Timings(15, 10, 0), "retryPeriod must be greater than zero"),
    ],
)
def test_times_that_elect_two_are_refused(times: Timings, problem: str) -> None:
    assert list(times.problems()) == [problem]


def test_a_deadline_as_long_as_the_lease_makes_two_leaders_with_nothing_off() -> None:
    found = leading(evolve(TIMES, deadline=5))[ONE]
    assert found.status is Status.VIOLATED
    assert found.evidence == ("2 replicas believe to lead: 0, 1",)
    assert leading(TIMES)[ONE].status is Status.HOLDS


def test_who_gives_the_lease_back_before_it_stops_is_followed_at_once() -> None:
    assert leading(evolve(TIMES, releases=True))[ONE].status is Status.VIOLATED


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("replica.unchanged >= state.times.duration", "replica.unchanged >= state.times.deadline"),
        ("        if not replica.current:\n", "        if False:\n"),
        ("left = state.times.retry + state.times.deadline", "left = state.times.retry + state.times.duration"),
    ],
)
def test_a_broken_rule_makes_two_leaders(before: str, after: str) -> None:
    with planted("kubeproof.model.components.control_plane.leaderelection", before, after):
        assert not one_leads(TIMES).proved


def test_that_the_margin_is_no_larger_is_proved_too() -> None:
    with planted("kubeproof.properties.consensus.election", "late + slow < room", "late + slow <= room"):
        assert not one_leads(TIMES).proved
