"""Ask for everything that the OpenAPI documents offer, seed by seed: `python tests/fuzz_openapi.py [FROM:TO]`.

Each request goes through the ASGI application, onto what the ones before have left, and each is judged: no exception,
no 500 that a real server would not give, no answer that takes long. Exit code 1 if one is not answered well.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator
from time import perf_counter

import httpx
from attrs import frozen

from kubeproof.harness.serve.app import Service, application
from kubeproof.harness.serve.database import Database
from kubeproof.harness.serve.start import fresh
from kubeproof.harness.serve.turns import advance
from kubeproof.impl.apiserver.rest.documents.documents import openapi
from openapi_requests import Asked, requests

OF_THE_REAL_SERVER = (
    "resourceVersion: Invalid value",
    "failed to create typed patch object",
    "target.name: Required value",
)
"""What upstream, too, answers with 500."""
SLOWEST = 5.0
"""Seconds that an answer may take, on a machine that is busy."""
NOW = 1_700_000_000


@frozen
class Judged:
    """What was asked, with the seed it was drawn from, the code of the answer, and what is wrong with it."""

    seed: int
    asked: Asked
    code: int
    wrong: str = ""


def judged(seeds: range, most: int | None = None) -> Iterator[Judged]:
    """Ask one after the other, and judge each answer; `most` ends it early."""
    service = Service(advance(fresh(2, NOW, 0), NOW, tick=True)[0], Database(None))
    service.ending = True  # a watch ends at once
    for number, (seed, _, asked) in enumerate(requests(openapi(), seeds)):
        if number == most:
            return
        began = perf_counter()
        try:
            code, wrong = _wrong(asyncio.run(_answer(service, asked)))
        except Exception as error:  # noqa: BLE001 - that there is one is the finding
            code, wrong = 0, f"{type(error).__name__}: {error}"
        if perf_counter() - began > SLOWEST:
            wrong = wrong or f"it took {perf_counter() - began:.1f} s"
        service.plane = advance(service.plane, NOW + number)[0]
        yield Judged(seed, asked, code, wrong)
    service.database.close()


async def _answer(service: Service, asked: Asked) -> httpx.Response:
    transport = httpx.ASGITransport(application(service), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.request(asked.method, asked.url, content=asked.body, headers=asked.headers)


def _wrong(answer: httpx.Response) -> tuple[int, str]:
    """Return the code of an answer, and what is wrong with it."""
    code = answer.status_code
    if "Traceback" in answer.text:
        return code, "a traceback"
    if code >= 400:
        status = json.loads(answer.text)
        if (status.get("kind"), status.get("code")) != ("Status", code):
            return code, f"no Status: {answer.text[:200]}"
        if code >= 500 and code not in {501, 504} and not any(one in status["message"] for one in OF_THE_REAL_SERVER):
            return code, status["message"]
    return code, ""


def main(text: str) -> int:
    """Print what is wrong, and how many answers of which code there were."""
    first, _, last = text.partition(":")
    codes: Counter[int] = Counter()
    wrong = 0
    began = perf_counter()
    for one in judged(range(int(first), int(last))):
        codes[one.code] += 1
        if one.wrong:
            wrong += 1
            print(f"seed {one.seed}: {one.asked.method} {one.asked.url}\n  {one.asked.body[:500]!r}\n  {one.wrong}")
    told = ", ".join(f"{count} x {code}" for code, count in sorted(codes.items()))
    print(f"{sum(codes.values()):,} requests in {perf_counter() - began:.0f} s: {wrong} not answered well; {told}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "0:3"))
