"""What is kept: nothing that was acknowledged is lost when the process is killed, and every request is recorded."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from kubeproof.harness.serve.database import BadDatabaseError, Database
from kubeproof.harness.serve.plane import Plane
from kubeproof.harness.serve.start import fresh
from kubeproof.harness.serve.turns import advance
from kubeproof.impl.api.kinds import Unstructured
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.requests import Create, Delete
from kubeproof.impl.apiserver import ADMIN
from kubeproof.impl.apiserver.decode import decoded
from kubeproof.impl.apiserver.resources import kind_named

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "b"}}


def test_a_killed_server_goes_on_with_everything_it_had_acknowledged(
    serving: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "cluster.db"
    server = serving("--data", str(file))
    places = f"{server.url}/api/v1/namespaces/default/configmaps"
    acknowledged = {}
    for number in range(40):
        body = {**CONFIG_MAP, "metadata": {"name": f"c{number}"}}
        answer = httpx.post(places, json=body)
        assert answer.status_code == 201
        acknowledged[f"c{number}"] = answer.json()["metadata"]["resourceVersion"]
    server.end(signal.SIGKILL)
    again = serving("--data", str(file))
    listed = httpx.get(f"{again.url}/api/v1/namespaces/default/configmaps").json()
    assert {one["metadata"]["name"]: one["metadata"]["resourceVersion"] for one in listed["items"]} == acknowledged
    assert int(listed["metadata"]["resourceVersion"]) >= max(map(int, acknowledged.values()))
    late = httpx.get(
        f"{again.url}/api/v1/configmaps", params={"watch": "1", "resourceVersion": "2", "timeoutSeconds": "1"}
    )
    assert late.json()["object"]["code"] == 410
    assert again.end() == ""
    codes = [(one.request.method, one.code) for one in _opened(file).recorded()]
    assert codes == [*[("POST", 201)] * 40, ("GET", 200), ("GET", 200)]


def _opened(file: Path) -> Database:
    return Database(file)


def test_what_is_loaded_is_what_was_kept_and_runs_on(tmp_path: Path) -> None:
    plane = fresh(2, 1_700_000_000, seed=7)
    config_map, _ = decoded({**CONFIG_MAP, "metadata": {"name": "c", "namespace": "default"}}, kind_named("ConfigMap"))
    pod, _ = decoded(
        {"metadata": {"name": "p", "namespace": "default"}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
        kind_named("Pod"),
    )
    for obj in (config_map, pod):
        plane, granted = plane.send(ADMIN, Create(obj), 1_700_000_001)
        assert granted
    plane, over = advance(plane, 1_700_000_002.0, tick=True)
    assert over
    database = Database(tmp_path / "x.db")
    database.keep(None, plane)
    loaded = database.load()
    assert loaded is not None
    assert loaded.server.store.keys == plane.server.store.keys
    assert (loaded.revision, loaded.seed, loaded.runtimes) == (plane.revision, 7, plane.runtimes)
    assert isinstance(loaded.server.get(Ref("ConfigMap", "default", "c")), Unstructured)
    after, _ = advance(loaded, 1_700_000_003.0, tick=True)
    assert after.revision == loaded.revision


def test_a_change_that_is_not_kept_would_be_missed(tmp_path: Path) -> None:
    before = fresh(1, 1_700_000_000, seed=0)
    database = Database(tmp_path / "x.db")
    database.keep(None, before)
    after, _ = advance(before, 1_700_000_001.0, tick=True)
    assert after.revision > before.revision
    loaded = database.load()
    assert loaded is not None
    assert loaded.server.store.keys != after.server.store.keys
    database.keep(before, after)
    kept = database.load()
    assert kept is not None
    assert kept.server.store.keys == after.server.store.keys


def test_what_was_deleted_stays_so(tmp_path: Path) -> None:
    before = fresh(1, 1_700_000_000, seed=0)
    database = Database(tmp_path / "x.db")
    database.keep(None, before)
    after, granted = before.send(ADMIN, Delete(Ref("Service", "default", "kubernetes")), 1_700_000_001)
    assert granted
    database.keep(before, after)
    loaded = database.load()
    assert loaded is not None
    assert loaded.server.get(Ref("Service", "default", "kubernetes")) is None


def test_a_new_file_has_no_plane(tmp_path: Path) -> None:
    assert Database(tmp_path / "x.db").load() is None
    assert Plane().revision == 1


def test_a_file_that_is_none_and_one_that_is_open_are_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("x" * 5000)
    with pytest.raises(BadDatabaseError, match="it is no database"):
        Database(tmp_path / "text")
    first = Database(tmp_path / "x.db")
    with pytest.raises(BadDatabaseError, match="another server may have it open"):
        Database(tmp_path / "x.db")
    first.close()
    connection = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    connection.execute("update facts set value = 99 where name = 'layout'")
    connection.close()
    with pytest.raises(BadDatabaseError, match="its layout is 99"):
        Database(tmp_path / "x.db")
