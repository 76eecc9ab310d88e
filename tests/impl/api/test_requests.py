"""What an answer of the API server says by its code."""

from __future__ import annotations

import pytest

from kubeproof.impl.api.requests import Response


@pytest.mark.parametrize(
    ("code", "ok"), [(200, True), (201, True), (202, True), (400, False), (404, False), (500, False)]
)
def test_an_answer_from_400_on_is_a_refusal(code: int, ok: bool) -> None:  # noqa: FBT001 - a column of the table
    assert Response(code).ok is ok
