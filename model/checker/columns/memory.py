"""The memory of a search by columns: when it gets short, what only grows at its end moves into files."""

from __future__ import annotations

from pathlib import Path

from ..book import Book, StopSearch
from ..checkpoint import COLUMNS, EDGES
from ..guard import Guard, resident_memory
from .mapped import Mapped
from .states import States

IN_MEMORY = 0.6
"""When this share of the memory that is allowed is taken, states and how they were reached move into files."""
MAP_FROM = 1 << 16
"""Fewer states are not worth a file."""
NAMES = (*COLUMNS, *EDGES, "edges_end")


class Spare:
    """Spares memory where it is limited. Files go into a folder; None leaves it to the system where."""

    def __init__(self, guard: Guard, book: Book, states: States, folder: Path | None) -> None:
        self.guard = guard
        self.book = book
        self.states = states
        self.folder = folder
        self.mapped = False

    def look(self) -> None:
        """Move what can be moved, if it is time."""
        limit, book, states = self.guard.limits.max_memory, self.book, self.states
        if limit is None or states.count < MAP_FROM:
            return
        if not self.mapped and resident_memory() > IN_MEMORY * limit:
            self.mapped = True
            states.map_to(self.folder)
            for name in NAMES:
                setattr(book, name, Mapped.of(getattr(book, name), self.folder))
        for column in (states.store, *(getattr(book, name) for name in NAMES)):
            if isinstance(column, Mapped):
                column.rest()

    def admit(self, more: int) -> None:
        """Make room in the table of visited states, which is never in a file."""
        limit, growth = self.guard.limits.max_memory, self.states.growth(more)
        if growth and limit is not None and self.states.count >= MAP_FROM:
            self.look()
            if resident_memory() + growth > limit:
                raise StopSearch(
                    f"the memory limit of {limit:,} bytes was hit: the table of visited states would grow by {growth:,}"
                )
        self.states.admit(more)
