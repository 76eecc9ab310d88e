"""A member's log: a snapshot of what came first, and the entries after it.

Upstream: log.go, storage.go (go.etcd.io/raft v3). An entry's index is its place.
"""

from __future__ import annotations

from collections.abc import Hashable

from attrs import evolve, field, frozen

from .membership import Configuration


@frozen
class Entry:
    """Something to be done, and the term it was proposed in; `data` None does nothing, a ConfChange changes members."""

    term: int
    data: Hashable = None


@frozen
class Snapshot:
    """What all entries up to an index have come to: the members, and whatever the application keeps."""

    index: int = 0
    term: int = 0
    members: Configuration = field(factory=Configuration)
    data: Hashable = None


@frozen
class Log:
    """Entries after a snapshot."""

    snapshot: Snapshot = field(factory=Snapshot)
    entries: tuple[Entry, ...] = ()

    @property
    def last(self) -> int:
        """The index of the last entry."""
        return self.snapshot.index + len(self.entries)

    @property
    def last_term(self) -> int:
        """The term of the last entry."""
        return self.entries[-1].term if self.entries else self.snapshot.term

    def term_at(self, index: int) -> int | None:
        """Return the term of an entry; None if it is compacted or not there yet."""
        if index == self.snapshot.index:
            return self.snapshot.term
        return self.entries[index - self.snapshot.index - 1].term if self.snapshot.index < index <= self.last else None

    def after(self, index: int, upto: int | None = None) -> tuple[Entry, ...]:
        """Return the entries after an index, and up to another."""
        first = index - self.snapshot.index
        return self.entries[first : None if upto is None else upto - self.snapshot.index]

    def up_to_date(self, index: int, term: int) -> bool:
        """Tell whether a log with this last entry is at least as new as this one."""
        return (term, index) >= (self.last_term, self.last)

    def with_entries(self, index: int, entries: tuple[Entry, ...]) -> Log:
        """Return the log with entries after an index: from the first that conflicts on, they replace what is there."""
        for place, entry in enumerate(entries):
            at = index + place + 1
            if self.term_at(at) != entry.term:
                return evolve(self, entries=self.entries[: at - 1 - self.snapshot.index] + entries[place:])
        return self

    def last_not_after(self, index: int, term: int) -> tuple[int, int]:
        """Return the last entry up to an index whose term is not larger: before it logs may agree. 0 if unknown."""
        while (found := self.term_at(index)) is not None and found > term:
            index -= 1
        return index, found or 0

    def compacted(self, snapshot: Snapshot) -> Log:
        """Return the log with its first entries in a snapshot; all of them, where it does not reach so far."""
        fits = self.term_at(snapshot.index) == snapshot.term
        return Log(snapshot, self.after(snapshot.index) if fits else ())
