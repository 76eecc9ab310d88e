"""A list, or an object, as a table (meta.k8s.io Table).

Upstream: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/response.go (asTable), pkg/printers (v1.32).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ....api.meta import Time
from ..documents.documents import columns
from .pods import PRINTERS as POD_PRINTERS
from .printers import PRINTERS as OTHERS
from .words import age

Json = dict[str, Any]
PRINTERS = {**OTHERS, **POD_PRINTERS}
FALLBACK = (
    {"name": "Name", "type": "string", "format": "name", "priority": 0, "description": ""},
    {"name": "Age", "type": "string", "format": "", "priority": 0, "description": ""},
)


def table(place: str, kind: str, objects: Iterable[Json], meta: Json, now: Time, *, version: str, include: str) -> Json:
    """Return the table of some objects as JSON; `place` is the path of their group's version and resource."""
    definitions = columns().get(place, FALLBACK)
    rows = ((cells(kind, obj, definitions, now), obj) for obj in objects)
    return written(definitions, rows, meta, version=version, include=include)


def written(
    heads: Iterable[Mapping[str, Any]],
    rows: Iterable[tuple[list[Any], Json]],
    meta: Json,
    *,
    version: str,
    include: str,
) -> Json:
    """Return a table: the heads of its columns, and in each row what stands in them and of which object."""
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": meta,
        "columnDefinitions": list(heads),
        "rows": [_row(shown, obj, version, include) for shown, obj in rows],
    }


def partial(obj: Json, version: str) -> Json:
    """Return an object with its metadata only."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": obj.get("metadata") or {},
    }


def _row(shown: list[Any], obj: Json, version: str, include: str) -> Json:
    row: Json = {"cells": shown}
    if include == "Metadata":
        row["object"] = partial(obj, version)
    elif include == "Object":
        row["object"] = obj
    return row


def cells(kind: str, obj: Json, definitions: Iterable[Mapping[str, Any]], now: Time) -> list[Any]:
    """Return what stands in the columns of a kind."""
    printer = PRINTERS.get(kind)
    if printer is not None:
        return printer(obj, now)
    meta = obj.get("metadata") or {}
    created = meta.get("creationTimestamp")
    known = {"Name": meta.get("name", ""), "Age": age(created, now), "Created At": created or ""}
    return [known.get(definition["name"], "") for definition in definitions]
