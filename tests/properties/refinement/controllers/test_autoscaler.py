"""Autoscalers go side by side with their model: whatever is measured and remembered, no turn asks for anything else."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeproof.model.components.workloads.autoscaler import Metric, State, after_turn, goal
from kubeproof.properties.refinement.controllers.autoscaler import BEHAVIOURS, arrives, states, wrong_turns
from planted import planted

METRICS = st.builds(Metric, st.none() | st.integers(0, 60), st.integers(1, 9), st.booleans())


@st.composite
def drawn(draw: st.DrawFn) -> State:
    asked, least = draw(st.integers(0, 12)), draw(st.integers(0, 9))
    most = draw(st.integers(max(least, 1), 15))
    counted, ready = draw(st.integers(0, asked + 2)), draw(st.integers(0, asked))
    return State(asked, counted, ready, least, most, tuple(draw(st.lists(METRICS, max_size=3))))


@settings(max_examples=300)
@given(drawn(), st.sampled_from(BEHAVIOURS))
def test_no_turn_asks_for_what_the_model_does_not_have(state: State, behaviour: object) -> None:
    assert wrong_turns(state, behaviour) == ()  # type: ignore[arg-type]


def test_what_nothing_holds_up_goes_all_the_way() -> None:
    small = list(states())
    assert [state for state in small if not arrives(state)] == []
    assert sum(goal(state) != state.asked for state in small) > len(small) // 3


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        ("metrics", "near = total.counted > 0 and tolerance.covers", "near = False and tolerance.covers"),
        (
            "metrics",
            "if tolerance.covers(ratio) else ceil(ratio * total.ready)",
            "if False else 1 + ceil(ratio * total.ready)",
        ),
        ("horizontal", "max(known) < current", "False"),
        ("horizontal", "if current > spec.max_replicas:", "if False:"),
        (
            "horizontal",
            "normalized(spec, current, max(known), history, now)",
            "normalized(spec, current, min(known), history, now)",
        ),
        ("behavior", "return min(max(current, allowed), spec.max_replicas)", "return max(current, allowed)"),
        ("behavior", "return max(min(current, allowed), spec.least)", "return min(current, allowed)"),
    ],
)
def test_a_turn_that_goes_too_far_is_found(module: str, before: str, after: str) -> None:
    with planted(f"kubeproof.impl.controllers.horizontal.{module}", before, after):
        assert next(islice((wrong for state in states() for wrong in wrong_turns(state)), 1), None) is not None


def test_a_metric_that_is_not_known_keeps_it_from_going_down() -> None:
    high, unknown = Metric(9, 3, each=True), Metric(None, 3, each=True)
    assert after_turn(State(4, 4, 4, 1, 9, (high,))) == {3, 4}
    assert after_turn(State(4, 4, 4, 1, 9, (high, unknown))) == {4}
    assert after_turn(State(0, 0, 0, 1, 9, (high,))) == {0}
    assert after_turn(State(12, 12, 12, 1, 9)) == {9}
