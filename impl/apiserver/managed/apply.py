"""Server-side apply: merge what a manager says into what is there, unless another manager says otherwise.

Upstream: sigs.k8s.io/structured-merge-diff/v4 (v4.4): merge/update.go (Apply, prune), typed/merge.go, typed/remove.go.
Left out on purpose: fields owned in another version of the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from ...api.kinds import Kind
from ...api.meta import Time
from ...api.requests import Cause
from ..patch.schema import Schema, field, item, resolved, schema_of
from .entries import STRIPPED, Entry, owned, read, without, write
from .sets import ABSENT, Fields, Path, atomic, compare, elements, field_set, shown


@frozen
class ApplyConflictError(Exception):
    """Others own fields that would change: which, and whose."""

    owners: tuple[tuple[Entry, tuple[Path, ...]], ...]

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Return a cause for each field."""
        return tuple(
            Cause("FieldManagerConflict", f"conflict with {_named(owner)}", shown(path))
            for owner, paths in self.owners
            for path in paths
        )

    def __str__(self) -> str:
        count = sum(len(paths) for _, paths in self.owners)
        if count == 1:
            owner, paths = self.owners[0]
            return f"Apply failed with 1 conflict: conflict with {_named(owner)}: {shown(paths[0])}"
        lines = (
            "\n".join((f"conflicts with {_named(owner)}:", *(f"- {shown(path)}" for path in paths)))
            for owner, paths in self.owners
        )
        return f"Apply failed with {count} conflicts: " + "\n".join(lines)


def _order(path: Path) -> list[tuple[bool, str]]:
    """Order paths as a set of fields lists them: on each level what ends there, then what goes on."""
    return [(at < len(path) - 1, element) for at, element in enumerate(path)]


def _named(entry: Entry) -> str:
    part = f' with subresource "{entry.subresource}"' if entry.subresource else ""
    using = f" using {entry.api_version}" if entry.operation == "Update" else ""
    return f'"{entry.manager}"{part}{using}'


def applied(
    live: dict[str, Any],
    config: Mapping[str, Any],
    manager: str,
    kind: Kind,
    *,
    force: bool,
    now: Time = 0,
) -> dict[str, Any]:
    """Return the live object with the configuration in it, and its managedFields.

    Raises ApplyConflictError and DuplicateError.

    Fields the manager said last time, says no more, and that nobody else owns, are taken away.
    """
    schema, api_version = schema_of(kind), kind.api_version
    meta = {key: value for key, value in (config.get("metadata") or {}).items() if key != "managedFields"}
    said = {**config, "metadata": meta}
    entries = read((live.get("metadata") or {}).get("managedFields"))
    mine = Entry(manager, "Apply", api_version, field_set(said, schema) - STRIPPED)
    last = next((entry.fields for entry in entries if entry.identity == mine.identity), frozenset())
    others = [entry for entry in entries if entry.identity != mine.identity]
    merged = merge(live, said, schema)
    kept = frozenset(
        path[:length] for entry in (mine, *others) for path in entry.fields for length in range(1, len(path) + 1)
    )
    pruned: dict[str, Any] = _removed(merged, schema, last - kept, ())
    found = compare(live, pruned, schema)
    changed = found.added | found.modified
    others.sort(key=lambda one: one.manager)
    conflicts = [
        (entry, tuple(sorted(entry.fields & changed, key=_order))) for entry in others if entry.fields & changed
    ]
    if conflicts and not force:
        raise ApplyConflictError(tuple(conflicts))
    left = [without(entry, changed | found.removed, now) for entry in others]
    same = [entry for entry in entries if entry.identity == mine.identity]
    pruned["metadata"] = {**(pruned.get("metadata") or {}), "managedFields": write(owned([*left, *same], mine, now))}
    return pruned


def merge(live: Any, config: Any, schema: Schema) -> Any:
    """Return the live value with the configuration in it: maps and lists of named items are merged, others replaced."""
    if isinstance(live, Mapping) and isinstance(config, Mapping) and not atomic(schema):
        merged = dict(live)
        for key, value in config.items():
            merged[key] = merge(live.get(key, ABSENT), value, field(schema, key))
        return merged
    if isinstance(live, list) and isinstance(config, list) and not atomic(schema) and resolved(schema):
        return _merged_list(live, config, schema)
    return config


def _merged_list(live: list[Any], config: list[Any], schema: Schema) -> list[Any]:
    """Merge by the items' names: in the order of the configuration, what only the live list has stays among them."""
    left, right = elements(live, schema), elements(config, schema)
    there = dict(zip(left, live, strict=True))
    shared = [element for element in right if element in there]
    merged = []
    at = 0
    for element, value in zip(right, config, strict=True):
        while at < len(left) and left[at] != element and not (shared and left[at] == shared[0]):
            if left[at] not in right:
                merged.append(live[at])
            at += 1
        merged.append(merge(there.get(element, ABSENT), value, item(schema)))
        if element in there:
            shared.remove(element)
            if at < len(left) and left[at] == element:
                at += 1
    return [*merged, *(live[index] for index in range(at, len(left)) if left[index] not in right)]


def _removed(value: Any, schema: Schema, gone: Fields, path: Path) -> Any:
    """Return a value without the fields in a set."""
    if isinstance(value, Mapping) and not atomic(schema):
        return {
            key: _removed(inner, field(schema, key), gone, (*path, f"f:{key}"))
            for key, inner in value.items()
            if (*path, f"f:{key}") not in gone
        }
    if isinstance(value, list) and not atomic(schema) and resolved(schema):
        return [
            _removed(inner, item(schema), gone, (*path, element))
            for element, inner in zip(elements(value, schema), value, strict=True)
            if (*path, element) not in gone
        ]
    return value
