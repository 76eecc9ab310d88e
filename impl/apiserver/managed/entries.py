"""The entries of metadata.managedFields: each manager, how it wrote, and the fields it owns.

Upstream: staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/{stripmeta,managedfields}.go (v1.32).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve, frozen

from ...api.meta import Time
from ...api.values.timestamps import format_time
from .sets import Fields, encoded, parsed

STRIPPED = frozenset(
    {
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                "name",
                "namespace",
                "creationTimestamp",
                "selfLink",
                "uid",
                "clusterName",
                "generation",
                "managedFields",
                "resourceVersion",
            )
        ),
    }
)
"""Fields that nobody owns."""


@frozen
class Entry:
    """One manager's fields, and when they last changed."""

    manager: str
    operation: str
    api_version: str
    fields: Fields
    subresource: str = ""
    time: str = ""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What tells entries apart."""
        return self.manager, self.operation, self.api_version, self.subresource

    def json(self) -> dict[str, Any]:
        """Write the entry."""
        found: dict[str, Any] = {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
            **({"time": self.time} if self.time else {}),
            "fieldsType": "FieldsV1",
            "fieldsV1": encoded(self.fields),
        }
        return {**found, "subresource": self.subresource} if self.subresource else found


def read(written: Any) -> tuple[Entry, ...]:
    """Read the entries of an object; what is no entry is passed over."""
    return tuple(_entry(entry) for entry in written or () if isinstance(entry, Mapping))


def _entry(one: Mapping[str, Any]) -> Entry:
    fields = one.get("fieldsV1")
    return Entry(
        str(one.get("manager") or ""),
        str(one.get("operation") or "Update"),
        str(one.get("apiVersion") or ""),
        parsed(fields) if isinstance(fields, Mapping) else frozenset(),
        str(one.get("subresource") or ""),
        str(one.get("time") or ""),
    )


def write(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Write entries in their order: applied ones first, then by time and name; those that own nothing are left out."""
    kept = [entry for entry in entries if entry.fields or entry.operation == "Apply"]
    kept.sort(key=lambda entry: (entry.operation, entry.time if entry.operation == "Update" else "", entry.manager))
    return [entry.json() for entry in kept]


def owned(entries: Iterable[Entry], mine: Entry, now: Time) -> tuple[Entry, ...]:
    """Return the entries with one replaced or added; its time moves only if its fields change."""
    others = tuple(entry for entry in entries if entry.identity != mine.identity)
    before = next((entry for entry in entries if entry.identity == mine.identity), None)
    same = before is not None and before.fields == mine.fields
    since = before.time if before is not None and same and before.time else format_time(now)
    return (*others, evolve(mine, time=since))


def without(entry: Entry, fields: Fields, now: Time) -> Entry:
    """Return an entry that owns some fields no longer."""
    left = entry.fields - fields
    return entry if left == entry.fields else evolve(entry, fields=left, time=format_time(now))
