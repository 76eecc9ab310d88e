"""What every Kubernetes object carries: metadata, owners, selectors, and the reference that names it.

Upstream: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go (v1.32).
Left out on purpose: managedFields, selfLink and generateName's five random characters (a world numbers its names).
"""

from __future__ import annotations

from functools import total_ordering

from attrs import field, frozen
from immutabledict import immutabledict

from .values.frozen import EMPTY, Json, Strings, strings

Time = int
"""Seconds since 1970 UTC; a world that abstracts from clocks leaves the fields that hold one at None."""


@frozen
class OwnerReference:
    """One owner of an object; at most one of them is the controller."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False
    block_owner_deletion: bool = False
    extra: immutabledict[str, Json] = EMPTY


@frozen
class ObjectMeta:
    """Name, place, history and owners of an object."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    labels: Strings = field(factory=strings)
    annotations: Strings = field(factory=strings)
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: Time | None = None
    deletion_timestamp: Time | None = None
    deletion_grace_period_seconds: int | None = None
    finalizers: tuple[str, ...] = ()
    owner_references: tuple[OwnerReference, ...] = ()
    extra: immutabledict[str, Json] = EMPTY

    @property
    def terminating(self) -> bool:
        """Whether a deletion has begun: the first of its three instants."""
        return self.deletion_timestamp is not None

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that manages this object, if one does."""
        return next((owner for owner in self.owner_references if owner.controller), None)


@frozen
class LabelSelectorRequirement:
    """One of `key In (values)`, `NotIn`, `Exists`, `DoesNotExist`; node selectors add `Gt` and `Lt`."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class LabelSelector:
    """Selects objects by label; empty selects everything, absent (None where it is optional) nothing."""

    match_labels: Strings = field(factory=strings)
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class PlainSelector(LabelSelector):
    """A selector that is written as a plain map of labels, as that of a ReplicationController is."""


@total_ordering
@frozen
class Ref:
    """Names one object of the store: kind, namespace ("" for cluster-scoped kinds) and name; ordered in this order."""

    kind: str
    namespace: str
    name: str

    def __lt__(self, other: Ref) -> bool:
        """Tell whether this comes before another one: stores of thousands of objects are sorted, so by hand."""
        return (self.kind, self.namespace, self.name) < (other.kind, other.namespace, other.name)

    def __str__(self) -> str:
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {place}{self.name}"
