"""What an engine is: what searches a machine, writes down in a book what it finds, and says what that has cost.

There are four: in plain Python (`plain`), on rows of integers (`rows`), on columns of a whole level (`columns`), and
over several processes (`partition`). `explore` chooses; what is made of the book (`judge`) knows no engines.
"""

from __future__ import annotations

from typing import Protocol

from attrs import frozen

from .book import Book
from .checkpoint import Saved


@frozen
class Costs:
    """What a search has cost so far."""

    actions: tuple[tuple[int, int, int], ...]
    """Per action: the situations it was run in, the calls of its function, and how often its answer was wanted."""
    calls: int
    """How often any function of the machine or of a property was called."""
    widest: tuple[tuple[str, int], ...]
    """The slots with their numbers of values, the widest first, by name where equal (`layout.widest`)."""
    peak: int
    """Bytes of memory that were held at most."""


class Engine(Protocol):
    """One search of one machine."""

    @property
    def book(self) -> Book:
        """What it writes down."""

    def run(self, saved: Saved | None = None) -> None:
        """Search, from what was saved if that is given, until every state is expanded.

        Raises `StopSearch` where a limit or a breach ends it earlier.
        """

    def costs(self) -> Costs:
        """Say what it has cost so far."""
