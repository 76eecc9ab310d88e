"""Every operation that the OpenAPI documents offer is answered; `python tests/fuzz_openapi.py` asks for much more."""

from __future__ import annotations

from collections import Counter

import pytest

import fuzz_openapi
from fuzz_openapi import Judged, judged
from kubeproof.impl.apiserver.rest.documents.documents import openapi
from openapi_requests import operations, request_of, requests
from planted import planted


@pytest.fixture(scope="module")
def answers() -> list[Judged]:
    """Return what each operation was answered, once."""
    return list(judged(range(1)))


def test_every_operation_is_answered_and_none_with_a_traceback(answers: list[Judged]) -> None:
    assert [f"{one.asked.method} {one.asked.url}: {one.wrong}" for one in answers if one.wrong] == []
    assert len(answers) == len(operations(openapi())) > 600


def test_what_is_asked_is_of_every_sort(answers: list[Judged]) -> None:
    codes = Counter(one.code for one in answers)
    assert {200, 201, 400, 404, 422, 501} <= set(codes)
    assert {one.asked.method for one in answers} == {"GET", "PUT", "POST", "PATCH", "DELETE"}


@pytest.mark.parametrize(
    ("seed", "path"),
    [
        (1, "/api/v1/namespaces/{namespace}/pods/{name}/binding"),
        (6, "/api/v1/namespaces/{namespace}/pods/{name}/binding"),
        (23, "/api/v1/namespaces/{namespace}/pods/{name}/eviction"),
    ],
    ids=["a kind that is a number", "a time that is none", "an eviction with such a time"],
)
def test_what_was_once_not_answered_is_a_bad_request(seed: int, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (operation,) = (one for one in operations(openapi()) if (one.method, one.path) == ("post", path))
    one = (seed, operation, request_of(operation, seed))
    monkeypatch.setattr(fuzz_openapi, "requests", lambda *_: iter([one]))
    (found,) = judged(range(1))
    assert (found.code, found.wrong) == (400, "")


def test_a_request_that_is_not_answered_is_told() -> None:
    with planted("kubeproof.impl.apiserver.rest.serve", "    if user is None:\n", "    if http.method == 'PUT':\n        raise KeyError(http.path)\n    if user is None:\n"):  # fmt: skip  # noqa: E501
        found = list(judged(range(1), most=60))
    wrong = [one for one in found if one.wrong]
    assert {one.asked.method for one in wrong} == {"PUT"}
    assert all(one.wrong.startswith("KeyError") for one in wrong)


def test_the_same_seed_asks_the_same() -> None:
    def some(seed: int) -> list[object]:
        return [asked for _, (_, _, asked) in zip(range(40), requests(openapi(), range(seed, seed + 1)), strict=False)]

    assert some(3) == some(3)
    assert some(3) != some(4)
