"""A session replays: every request and turn of it again with the same answers, also over restarts; else it says so."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kubeproof.harness.cli import main
from kubeproof.harness.serve.database import BadDatabaseError, Database
from kubeproof.harness.serve.recording import OPENED, Recorded, Turn, recorded, row_of
from kubeproof.harness.serve.session import replayed
from kubeproof.impl.apiserver import User
from kubeproof.impl.apiserver.rest.http import HttpRequest
from planted import planted

PODS = "/api/v1/namespaces/default/pods"
CONTAINER = {"name": "c", "image": "i"}


def work(url: str) -> None:
    """Ask for this and that, some of it wrong."""
    with httpx.Client(base_url=url) as client:
        for name in ("a", "b"):
            pod = {"metadata": {"name": name}, "spec": {"containers": [CONTAINER]}}
            assert client.post(PODS, json=pod).status_code == 201
        assert client.post(PODS, json=pod).status_code == 409
        template = {"metadata": {"labels": {"x": "y"}}, "spec": {"containers": [CONTAINER]}}
        spec = {"replicas": 2, "selector": {"matchLabels": {"x": "y"}}, "template": template}
        places = "/apis/apps/v1/namespaces/default/deployments"
        made = client.post(places, json={"metadata": {"generateName": "d-"}, "spec": spec})
        assert made.status_code == 201
        assert client.get(PODS, params={"labelSelector": "x=y, x!=z", "limit": "1"}).status_code == 200
        assert client.delete(f"{PODS}/a").status_code == 200
        assert client.get(f"{PODS}/a&b=%20c").status_code == 404
        watch = {"watch": "1", "timeoutSeconds": "2"}
        assert client.get(PODS, params=watch, headers={"Impersonate-User": "jane"}).status_code == 403
        assert len(client.get(PODS, params=watch).text.splitlines()) >= 2


@pytest.fixture(scope="module")
def session(serving: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a session in which the server was killed once."""
    file = tmp_path_factory.mktemp("session") / "cluster.db"
    first = serving("--data", str(file), "--nodes", "2", "--seed", "7")
    work(first.url)
    first.end(signal.SIGKILL)
    second = serving("--data", str(file))
    with httpx.Client(base_url=second.url) as client:
        assert client.delete(f"{PODS}/b").status_code == 200
        assert client.get(PODS, params={"watch": "1", "timeoutSeconds": "2"}).status_code == 200
    second.end()
    return file


def test_a_session_replays(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = replayed(session)
    assert told.otherwise == ()
    assert (told.requests, told.turns > 5) == (11, True)
    with pytest.raises(SystemExit) as ended:
        main(["replay", str(session)])
    assert ended.value.code == 0
    assert "replays: 11 requests and" in capsys.readouterr().out


def happened(file: Path) -> Iterator[Recorded | Turn]:
    database = Database(file)
    yield from database.session()
    database.close()


def test_what_is_recorded_is_who_asked_for_what(session: Path) -> None:
    found = list(happened(session))
    requests = [one for one in found if isinstance(one, Recorded)]
    (wanted,) = (one for one in requests if one.request.impersonated is not None)
    assert (wanted.request.impersonated, wanted.code) == (User("jane", ()), 403)
    assert [one.request.path for one in requests if one.code == 404] == [f"{PODS}/a&b= c"]
    assert ("labelSelector", "x=y, x!=z") in requests[4].request.query
    assert all(one.request.user_agent.startswith("python-httpx") for one in requests)
    assert [one.kind for one in found if isinstance(one, Turn)].count(OPENED) == 1


def test_a_row_is_read_as_it_was_written() -> None:
    http = HttpRequest("PUT", "/a?b", (("c", "d&e=f"), ("g", "")), b"\x00", "x", "y", "z", User("u", ("v",)))
    served = Recorded(1.5, User("me", ("us",)), http, 200, 7, "abc")
    assert recorded((3, *row_of(served))) == served


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("update requests set code = 200 where number = (select max(number) from requests where code = 409)", "code"),
        ("update requests set answer = 'x' where number = (select min(number) from requests)", "body"),
        ("update turns set revision = revision + 1 where number = (select max(number) from turns)", "revision"),
        ("update requests set time = time + 1000 where number = (select min(number) from requests)", "body"),
        ("delete from turns where number = (select min(number) from turns)", "revision"),
        ("update objects set version = version + 1 where cast(key as text) like '%/pods/%'", "in the end"),
    ],
    ids=["a code", "a body", "a revision", "a time", "a turn that is missing", "what is left"],
)
def test_a_session_that_was_changed_is_noticed(session: Path, tmp_path: Path, line: str, told: str) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(session.read_bytes())
    connection = sqlite3.connect(copy)
    connection.execute(line)
    connection.commit()
    connection.close()
    assert any(told in line for line in replayed(copy).otherwise)


def test_a_server_that_decides_otherwise_is_noticed(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fault = ("kubeproof.impl.apiserver.rest.reads", "return max(0, int(text)) if", "return 0 if")
    with planted(*fault), pytest.raises(SystemExit) as ended:
        main(["replay", str(session)])
    said = capsys.readouterr().out
    assert ended.value.code == 1
    assert "goes otherwise" in said
    assert f": GET {PODS} by kubernetes-admin\n  body was" in said


def test_a_database_that_does_not_say_how_it_began_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Database(tmp_path / "x.db").close()
    with pytest.raises(BadDatabaseError, match="does not say what the session began with"):
        replayed(tmp_path / "x.db")
    with pytest.raises(SystemExit) as ended:
        main(["replay", str(tmp_path / "x.db")])
    assert ended.value.code == 2
    assert "does not say what the session began with" in capsys.readouterr().err
