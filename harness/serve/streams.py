"""What a watch sends: its events as JSON, one a line, from the history of the store.

Upstream: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/watch.go, pkg/storage/cacher (v1.32).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import frozen

from ...impl.api.kinds import Object
from ...impl.api.meta import Time
from ...impl.api.requests import List
from ...impl.apiserver.rest.asked import Asked
from ...impl.apiserver.rest.http import WatchResponse
from ...impl.apiserver.rest.render import shown
from ...impl.apiserver.server import Server, watch_since
from ...impl.apiserver.verbs.read import list_
from ...impl.apiserver.verbs.watch import WatchEvent, WatchFilter
from ...impl.etcd import Compacted

Json = dict[str, Any]
INITIAL_END = "k8s.io/initial-events-end"


@frozen
class Position:
    """How far a watch is: it has told everything up to a revision, and its columns if it tells tables."""

    revision: int
    told: bool = False


def first(server: Server, watch: WatchResponse, now: Time) -> tuple[Position, tuple[Json, ...]]:
    """Return where a watch begins, and what it tells first."""
    if not watch.initial:
        return Position(watch.revision), ()
    page = list_(watch.view.seen(server), List(watch.of))[0].page
    objects = () if page is None else page.objects
    position = Position(max(server.store.revision, watch.revision))
    added = tuple(WatchEvent("ADDED", obj) for obj in objects)
    events = tuple(_written(added, watch, position, now))
    ends = (bookmark(watch, position.revision, {INITIAL_END: "true"}),) if watch.bookmarks else ()
    return Position(position.revision, told=bool(added)), (*events, *ends)


def more(
    server: Server, watch: WatchResponse, position: Position, now: Time
) -> tuple[Position | None, tuple[Json, ...]]:
    """Return what a watch tells by now, and where it is then; None where it ends."""
    if server.store.revision <= position.revision:
        return position, ()
    seen = watch_since(
        watch.view.seen(server), WatchFilter(watch.of.kind, watch.of.namespace, selection=watch.of), position.revision
    )
    if isinstance(seen, Compacted):
        return None, (_too_old(position.revision, seen.compact_revision),)
    events = tuple(_written(seen, watch, position, now))
    return Position(server.store.revision, told=position.told or bool(seen)), events


def _written(events: Iterable[WatchEvent], watch: WatchResponse, position: Position, now: Time) -> Iterator[Json]:
    asked: Asked = watch.view
    told = position.told
    for event in events:
        yield {"type": event.type, "object": _object(event.object, asked, now, columns=not told)}
        told = True


def _object(obj: Object, asked: Asked, now: Time, *, columns: bool) -> Json:
    found = shown(obj, asked.resource, asked.info.api_version, asked.view, now)
    if asked.view.shown_as == "Table" and not columns:
        return {**found, "columnDefinitions": None}
    return found


def bookmark(watch: WatchResponse, revision: int, annotations: dict[str, str] | None = None) -> Json:
    """Return the event that says how far a watch is."""
    asked: Asked = watch.view
    meta: Json = {"resourceVersion": str(revision), "creationTimestamp": None}
    if annotations:
        meta["annotations"] = annotations
    kind, version = asked.resource.kind.name, asked.info.api_version
    if asked.view.shown_as == "Table":
        rows = [
            {"cells": [], "object": {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": meta}}
        ]
        meta_v1 = f"meta.k8s.io/{asked.view.version}"
        table = {"kind": "Table", "apiVersion": meta_v1, "metadata": {"resourceVersion": str(revision)}}
        return {"type": "BOOKMARK", "object": {**table, "columnDefinitions": None, "rows": rows}}
    return {"type": "BOOKMARK", "object": {"kind": kind, "apiVersion": version, "metadata": meta}}


def _too_old(revision: int, compacted: int) -> Json:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"too old resource version: {revision} ({compacted})",
        "reason": "Expired",
        "code": 410,
    }
    return {"type": "ERROR", "object": status}
