"""Pods that are alike are counted, nodes that are alike taken together: the words in which `groups` speaks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import z3
from attrs import frozen

from ...impl.api.cache import Cache
from ...impl.api.core import Node, Pod
from ...impl.api.values.frozen import Strings
from .problem import NO_NAMESPACES, NO_STORAGE, Problem, name_of


@frozen
class Group:
    """So many Pods that are alike; `pod` is one of them, named as the group is to be called."""

    pod: Pod
    count: int


@frozen
class Cell:
    """Nodes that are alike to every group; one alone is a cell too."""

    nodes: tuple[Node, ...]

    @property
    def size(self) -> int:
        """How many they are."""
        return len(self.nodes)

    @property
    def first(self) -> Node:
        """One that stands for all."""
        return self.nodes[0]

    @property
    def words(self) -> str:
        """Name them: one by its name, several by their number and one of their names."""
        return name_of(self.first) if self.size == 1 else f"each of the {self.size} nodes like {name_of(self.first)}"

    def value(self, key: str) -> str | None:
        """Return the value of a label that all of them have; None if they have none or each its own."""
        values = {node.metadata.labels.get(key) for node in self.nodes}
        return values.pop() if len(values) == 1 else None


Cells = tuple[Cell, ...]


@frozen
class Groups:
    """Groups to place on nodes, beside Pods that have their place."""

    groups: tuple[Group, ...]
    nodes: tuple[Node, ...]
    bound: tuple[Pod, ...] = ()
    namespaces: Mapping[str, Strings] = NO_NAMESPACES
    storage: Cache = NO_STORAGE
    """The claims, volumes, storage classes and CSINodes."""

    @property
    def problem(self) -> Problem:
        """The same with one Pod of each group."""
        return Problem(tuple(group.pod for group in self.groups), self.nodes, self.bound, self.namespaces, self.storage)


def here(group: int, cell: Cell) -> Any:
    """Say how many Pods of a group are in a cell."""
    return z3.Int(f"{group} at {name_of(cell.first)}")


def total(group: int, some: Iterable[Cell]) -> Any:
    """Say how many Pods of a group are in some cells."""
    return z3.Sum([here(group, cell) for cell in some])


def each_alone(groups: Groups) -> Cells:
    """Return every node as a cell of its own."""
    return tuple(Cell((node,)) for node in groups.nodes)
