"""What is kept on disk: every object with its revisions, every request, its answer and every turn, in one SQLite file.

What a request writes is committed (write-ahead log) before its answer goes out, so that a process that is killed loses
nothing that was acknowledged; against a loss of power only what SQLite has synced by then is safe (synchronous=NORMAL).
The history of changes is not kept: a watch that wants to go on from before a restart is told to list anew (410 Gone).
"""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ...impl.api.core import Pod
from ...impl.api.kinds import BY_NAME, Object, Unstructured
from ...impl.api.reading.convert import BadObject, structure, unstructure, unstructured
from ...impl.api.runtime import PodRuntime
from ...impl.apiserver.custom.reading import bare_kind
from ...impl.apiserver.resources import kind_named
from ...impl.apiserver.server import Server
from ...impl.etcd import KeyValue, Store
from ...impl.etcd.sorted_map import SortedMap
from ..input.files.dump import runtime_of
from .plane import CONFIG, Plane
from .recording import Began, Recorded, Turn, recorded, row_of

LAYOUT = 2
SCHEMA = """
create table if not exists facts (name text primary key, value integer not null) without rowid;
create table if not exists objects (
    key blob primary key, value text not null,
    created integer not null, modified integer not null, version integer not null
) without rowid;
create table if not exists requests (
    number integer primary key, time real not null, user text not null, method text not null, url text not null,
    content_type text not null, accept text not null, agent text not null, impersonated text not null,
    body blob not null, code integer not null, revision integer not null, answer text not null
);
create table if not exists turns (
    number integer primary key, time real not null, kind text not null, revision integer not null
);
"""


class BadDatabaseError(ValueError):
    """A file that is no database of this command, or of another layout of it."""


class Database:
    """The file. One process has it at a time; whoever opens it second is told so."""

    def __init__(self, path: Path | None) -> None:
        """Open or make the file; None keeps all in memory. Raises BadDatabaseError."""
        self.name = ":memory:" if path is None else str(path)
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self.connection = sqlite3.connect(self.name, isolation_level=None, timeout=1)
            for line in ("journal_mode=wal", "synchronous=normal", "locking_mode=exclusive"):
                self.connection.execute(f"pragma {line}")
            self.connection.executescript(SCHEMA)
            found = self._fact("layout")
            if found is None:
                self.connection.execute("insert into facts values ('layout', ?)", (LAYOUT,))
            self._number = self._last_number()
        except (sqlite3.Error, OSError) as error:
            raise BadDatabaseError(
                f"{self.name}: {error}: another server may have it open, or it is no database"
            ) from None
        if found not in {None, LAYOUT}:
            raise BadDatabaseError(f"{self.name}: its layout is {found}, this version has {LAYOUT}")

    def close(self) -> None:
        """Let the file go."""
        self.connection.close()

    def _fact(self, name: str) -> int | None:
        row = self.connection.execute("select value from facts where name = ?", (name,)).fetchone()
        return None if row is None else int(row[0])

    def _last_number(self) -> int:
        """Return the number of the last thing that is recorded; requests and turns are counted together."""
        last = "select max(number) from (select number from requests union all select number from turns)"
        return self.connection.execute(last).fetchone()[0] or 0

    # --- reading --------------------------------------------------------------------------------------------------

    def load(self) -> Plane | None:
        """Return the plane as it was kept; None of a new file. Raises BadDatabaseError."""
        revision = self._fact("revision")
        if revision is None:
            return None
        try:
            keys = SortedMap.of((kv.key, kv) for kv in self._kept())
        except (BadObject, KeyError, TypeError, ValueError) as error:
            raise BadDatabaseError(f"{self.name}: an object in it cannot be read: {error}") from None
        return _opened(revision, keys, self._fact("seed") or 0)

    def began(self) -> Began | None:
        """Return what the session began with; None of a file that does not tell."""
        nodes, time, seed = self._fact("nodes"), self._fact("began"), self._fact("seed")
        return None if nodes is None or time is None else Began(nodes, time, seed or 0)

    def _kept(self) -> Iterator[KeyValue]:
        for key, value, created, modified, version in self.connection.execute("select * from objects order by key"):
            yield KeyValue(bytes(key), _read(json.loads(value), bytes(key)), created, modified, version)

    def recorded(self) -> Iterator[Recorded]:
        """Yield every request that was served, in order."""
        return (event for event in self.session() if isinstance(event, Recorded))

    def session(self) -> Iterator[Recorded | Turn]:
        """Yield everything that happened, in order: requests, and turns that changed something."""
        requests = self.connection.execute("select * from requests order by number")
        turns = self.connection.execute("select * from turns order by number")
        served: Iterator[tuple[int, Recorded | Turn]] = ((row[0], recorded(row)) for row in requests)
        taken: Iterator[tuple[int, Recorded | Turn]] = ((row[0], Turn(*row[1:])) for row in turns)
        return (event for _, event in heapq.merge(served, taken, key=lambda numbered: numbered[0]))

    # --- writing --------------------------------------------------------------------------------------------------

    def begin(self, plane: Plane, began: Began) -> None:
        """Write a new cluster, and what it began with."""
        self.keep(None, plane)
        facts = [("nodes", began.nodes), ("began", began.time)]
        self.connection.executemany("insert or replace into facts values (?, ?)", facts)

    def keep(self, before: Plane | None, after: Plane, happened: Recorded | Turn | None = None) -> None:
        """Write what has changed, and what was served or happened, in one transaction."""
        old, new = before.server.store if before else Store(), after.server.store
        changes = tuple(new.since(old.revision + 1))
        if not changes and happened is None and before is not None:
            return
        cursor = self.connection.cursor()
        cursor.execute("begin immediate")
        for event in changes:
            if event.deletes:
                cursor.execute("delete from objects where key = ?", (event.kv.key,))
            else:
                kv = event.kv
                row = (kv.key, json.dumps(unstructure(kv.value)), kv.create_revision, kv.mod_revision, kv.version)
                cursor.execute("insert or replace into objects values (?, ?, ?, ?, ?)", row)
        facts = [("revision", new.revision), ("seed", after.seed)]
        cursor.executemany("insert or replace into facts values (?, ?)", facts)
        if happened is not None:
            self._number += 1
            row = row_of(happened)
            table = "requests" if isinstance(happened, Recorded) else "turns"
            marks = ", ".join("?" * len(row))
            cursor.execute(f"insert into {table} values (?, {marks})", (self._number, *row))  # noqa: S608 - our names
        cursor.execute("commit")


def reopened(plane: Plane) -> Plane:
    """Return a plane as it is when it is kept and loaded again: without its history and what was waited for."""
    store = plane.server.store
    return _opened(store.revision, SortedMap.of(store.keys.items()), plane.seed)


def _opened(revision: int, keys: SortedMap[KeyValue], seed: int) -> Plane:
    runtimes = {pod.metadata.uid: runtime for pod, runtime in _running(keys)}
    return Plane(Server(Store(revision, revision, keys), CONFIG), immutabledict(runtimes), seed=seed)


def _read(found: Mapping[str, Any], key: bytes) -> Object:
    _, _, group, plural, *_ = *key.decode().split("/"), ""
    if "." in group:
        namespaced = bool((found.get("metadata") or {}).get("namespace"))
        return unstructured(found, bare_kind(found["kind"], found["apiVersion"], plural, namespaced=namespaced))
    kind = BY_NAME.get(found["kind"])
    if kind is not None and kind.api_version == found["apiVersion"]:
        return structure(found, kind.cls)  # type: ignore[no-any-return]
    other = kind_named(found["kind"])
    if other.cls is not Unstructured:
        raise KeyError(found["kind"])
    return unstructured(found, other)


def _running(keys: Mapping[bytes, KeyValue]) -> Iterator[tuple[Pod, PodRuntime]]:
    """Yield what runs for each Pod as its status tells: containers outlive the process that simulates their kubelet."""
    for kv in keys.values():
        if isinstance(kv.value, Pod) and (runtime := runtime_of(kv.value)) is not None:
            yield kv.value, evolve(runtime, uid=kv.value.metadata.uid)
