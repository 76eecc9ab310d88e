"""What a create, an update or a patch that is no apply does to the owners of fields: who changes a field owns it.

Upstream: sigs.k8s.io/structured-merge-diff/v4/merge/update.go (Update), managedfields/internal (v1.32).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...api.kinds import Kind
from ...api.meta import Time
from ..patch.schema import schema_of
from .entries import STRIPPED, Entry, owned, read, without, write
from .sets import compare

STRUCTS: Mapping[str, Any] = {
    "metadata": {},
    "spec": {
        "containers": (),
        "template": {"metadata": {}, "spec": {"containers": ()}},
        "strategy": {},
        "updateStrategy": {},
        "jobTemplate": {},
        "names": {},
        "resources": {},
    },
    "status": {},
}
"""Fields that are there in every object of a Go type, empty or not; `()` is a list."""
POINTERS: Mapping[str, str] = {"ReplicationController": "template", "Pod": "resources"}
"""What is called like one of these in the spec of a kind and is a pointer there."""


def tracked(
    old: dict[str, Any] | None, new: dict[str, Any], kind: Kind, manager: str, now: Time, subresource: str = ""
) -> Any:
    """Return the managedFields of an object that a manager has written; `old` is what was there, None for nothing."""
    version, schema = str(new["apiVersion"]), schema_of(kind)
    before = old if old is not None else {} if kind.custom else _empty(new, kind)
    found = compare(before, new, schema)
    written = (new.get("metadata") or {}).get("managedFields") or ((old or {}).get("metadata") or {}).get(
        "managedFields"
    )
    entries = read(written)
    mine = Entry(manager, "Update", version, frozenset(), subresource)
    own = next((entry.fields for entry in entries if entry.identity == mine.identity), frozenset())
    changed = (found.added | found.modified) - STRIPPED - _status_of_main(found.added | found.modified, subresource)
    if not changed and not found.removed:
        return write(entries)
    lost = changed | found.removed
    others = [without(entry, lost, now) for entry in entries if entry.identity != mine.identity]
    fields = (own - found.removed) | changed
    return write(
        owned(
            [*others, *(entry for entry in entries if entry.identity == mine.identity)],
            Entry(*mine.identity[:3], fields, subresource),
            now,
        )
    )


def _status_of_main(fields: Any, subresource: str) -> Any:
    """Return the fields of a status that is not written through its subresource: they are not the writer's."""
    return frozenset() if subresource else frozenset(path for path in fields if path[0] == "f:status")


def _empty(new: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """Return what there is of an object of which nothing has been said."""
    spec = {name: inner for name, inner in STRUCTS["spec"].items() if name != POINTERS.get(kind.name)}
    return _zero(new, {**STRUCTS, "spec": spec})


def _zero(new: Any, structs: Mapping[str, Any]) -> dict[str, Any]:
    there = {name: inner for name, inner in structs.items() if isinstance(new.get(name), dict | list)}
    return {name: [] if inner == () else _zero(new[name], inner) for name, inner in there.items()}
