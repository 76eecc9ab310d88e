"""Several API servers behind a balancer: an old list, a late watch, and nothing else that is old."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from kubeproof.harness.serve.balancer import Balancer
from kubeproof.harness.serve.session import replayed
from kubeproof.impl.apiserver.rest.http import HttpRequest

MAPS = "/api/v1/namespaces/default/configmaps"
ANY = (("resourceVersion", "0"),)


def test_the_last_server_has_seen_what_there_was() -> None:
    balancer = Balancer(2, lag=5)
    for now, revision in ((0.0, 10), (1.0, 11), (7.0, 12), (7.5, 13)):
        balancer.note(now, revision)
    assert [balancer.revision(server, 8.0, 13) for server in (0, 1)] == [13, 11]
    assert balancer.revision(1, 13.0, 13) == 13
    assert Balancer(1, lag=5).revision(0, 8.0, 13) == 13


@pytest.mark.parametrize(
    ("method", "path", "query", "old"),
    [
        ("GET", MAPS, ANY, True),
        ("GET", MAPS, (*ANY, ("limit", "5")), True),
        ("GET", MAPS, (), False),
        ("GET", MAPS, (*ANY, ("watch", "1")), False),
        ("GET", f"{MAPS}/a", ANY, False),
        ("DELETE", MAPS, ANY, False),
        ("GET", "/version", ANY, False),
    ],
)
def test_only_a_list_of_any_age_is_old(method: str, path: str, query: Any, old: bool) -> None:  # noqa: FBT001
    balancer = Balancer(2, lag=5)
    balancer.note(0.0, 10)
    balancer.note(4.0, 11)
    asked = balancer.asked(HttpRequest(method, path, query), 1, 6.0, 11)
    wanted = (("resourceVersion", "10"), ("resourceVersionMatch", "Exact"))
    assert asked.query == (wanted if old else query)


def names(client: httpx.Client, query: str) -> set[str]:
    return {one["metadata"]["name"] for one in client.get(f"{MAPS}{query}").json()["items"]}


def test_behind_the_balancer_lists_of_any_age_and_watches_are_late(serving: Any, tmp_path: Any) -> None:
    server = serving("--apiservers", "2", "--lag", "1.5", "--data", str(tmp_path / "c.db"))
    with httpx.Client(base_url=server.url, timeout=20) as client:
        client.get("/version")
        time.sleep(1.6)
        assert client.post(MAPS, json={"metadata": {"name": "a"}}).status_code == 201
        assert [names(client, "") for _ in range(2)] == [{"a"}, {"a"}]
        assert sorted(map(len, (names(client, "?resourceVersion=0") for _ in range(2)))) == [0, 1]
        began, told = time.monotonic(), []
        for _ in range(2):
            with client.stream("GET", f"{MAPS}?watch=1&resourceVersion=1&timeoutSeconds=5") as lines:
                next(lines.iter_lines())
                told.append(time.monotonic() - began)
                began = time.monotonic()
        time.sleep(1.6)
        assert [names(client, "?resourceVersion=0") for _ in range(2)] == [{"a"}, {"a"}]
    assert max(told) > 0.3
    assert server.end() == ""
    assert replayed(tmp_path / "c.db").otherwise == ()


def test_kubectl_waits_for_a_rollout_behind_the_balancer(serving: Any, newest: Any) -> None:
    server = serving("--apiservers", "3", "--lag", "1")
    kubectl = newest(server.url)
    assert kubectl("create deployment web --image=nginx --replicas=2").code == 0
    said = kubectl("rollout status deployment/web --timeout=30s")
    assert (said.code, "successfully rolled out" in said.out) == (0, True)
    assert kubectl("delete deployment web --wait").code == 0
    assert server.end() == ""
