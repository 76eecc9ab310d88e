"""What a worker of a partitioned search says to who conducts it: few numbers and sentences, no states but the first."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from ..book import Book, Finding


@frozen
class Expanded:
    """What a worker says of a round: whether states of the level are left, new values, and the state it failed at."""

    left: bool
    done: int
    """States of the level that are expanded."""
    news: bytes
    memory: int
    fault: tuple[int, str, str] | None
    """The number of the state, what kind of error it was, and what that says."""


@frozen
class Begun:
    """What a worker's machine is called in all its parts, the initial states, and the numbers of those of its own."""

    names: tuple[tuple[str, ...], ...]
    roots: tuple[tuple[int, ...], ...]
    """In agreed numbers of values."""
    mine: tuple[int, ...]


def names_of(book: Book) -> tuple[tuple[str, ...], ...]:
    """Return the names of slots, actions and properties, and whether urgent actions are."""
    machine = book.machine
    named = (machine.actions, book.properties)
    return (machine.slots(), *(tuple(thing.name for thing in some) for some in named), ("urgent",) * book.urgent)


@frozen
class Told:
    """What a worker knows besides its states, as sums and firsts over its part; states by their numbers in all."""

    transitions: int
    counts: tuple[tuple[int, ...], ...]
    """Per action: enabled, taken, new."""
    findings: Mapping[int, Finding]
    occurred: frozenset[int]
    reached: Mapping[int, int]
