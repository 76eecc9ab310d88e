"""Admission and the quota controller go side by side with their model: what is let in, and what is written of it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kubeproof.model.components.resources.quota import LetIn, Recount, steps
from kubeproof.properties.refinement.quota import abstract, created, recounted, store_of

PODS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["", "", "Succeeded", "Failed"])), max_size=5)
DOES = st.lists(st.none() | st.integers(0, 4), max_size=6)
"""None is a recount, a number a Pod that asks for so many CPUs."""


@settings(max_examples=150)
@given(PODS.map(tuple), st.integers(0, 9), st.none() | st.integers(0, 9), DOES)
def test_each_step_is_one_of_the_model(
    pods: tuple[tuple[int, str], ...], ceiling: int, written: int | None, does: list[int | None]
) -> None:
    store = store_of(pods, ceiling, written)
    for takes in does:
        before = abstract(store)
        store, wrong = recounted(store) if takes is None else created(store, takes)
        assert wrong == ""
        action = Recount() if takes is None else LetIn(takes)
        assert (action in steps(before, 4)) is (abstract(store) != before)


def test_a_quota_whose_usage_is_right_is_never_exceeded_by_admission_alone() -> None:
    store, _ = recounted(store_of(((2, ""), (1, "Failed")), 5, None))
    for takes in (2, 2, 1):
        store, _ = created(store, takes)
    assert abstract(store).right == abstract(store).written == 5
