"""Checkpoints: a search written to a file from time to time, and taken up again where the file leaves it.

What is kept is what was found (states, how each was reached, edges, counts, breaches), as it was between two
expansions; what was learnt about the functions of the machine is not, they are run again. A file is replaced whole,
so whatever kills the search leaves the last complete one. A file is taken up
only by a search of the same machine and properties: names, slots and initial states are compared, and the steps to
some of its states are run again. It is a pickle, and as trustworthy as whoever wrote it.

Left out on purpose: increments (each file is the whole search), and searches by fingerprint, which keep no states.
"""

from __future__ import annotations

import pickle
import struct
import time
from array import array
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Protocol

from attrs import field, fields, frozen

from ..machine import MachineError, State, Symmetry
from .book import Book, Mark
from .layout import CODES, Layout
from .replacing import replacing
from .symmetry.orbits import Folding, Learnt
from .traces import rebuild, states

MAGIC = b"kubeproof checkpoint 3\n"
DIGEST = 32
SAMPLES = 16
"""So many states of a file are reached again, step by step, before it is believed."""
CHUNK = 1 << 20
SHARE = 10
"""Writing may take one part in so many of the time of a search."""


class CheckpointError(Exception):
    """A checkpoint cannot be written, read, or belongs to another search."""


@frozen
class Checkpoint:
    """Where to keep a search and how often. `tag` is compared on resuming: whatever else must be the same."""

    path: Path
    every: float = 30.0
    """Seconds between two writes, at least."""
    tag: str = ""


@frozen
class Identity:
    """What makes two searches the same one."""

    tag: str
    urgent: bool
    slots: tuple[str, ...]
    actions: tuple[tuple[Any, ...], ...]
    properties: tuple[tuple[str, str], ...]
    initial: tuple[Mapping[str, Any], ...] = field(repr=False)
    exchanged: tuple[tuple[str, int], ...] = ()
    """How many members of each sort can be exchanged."""

    @classmethod
    def of(cls, book: Book, tag: str) -> Identity:
        """Return the identity of a search."""
        machine = book.machine
        return cls(
            tag,
            book.urgent,
            machine.slots(),
            tuple(
                (action.name, action.group, action.fairness.value, action.urgent, action.when_quiet)
                for action in machine.actions
            ),
            tuple((type(claim).__name__, claim.name) for claim in book.properties),
            tuple(dict(state) for state in machine.initial),
            () if book.folding is None else tuple(sorted(book.folding.symmetry.sizes.items())),
        )

    def difference(self, other: Identity) -> str:
        """Name the first thing in which two searches differ, "" where there is none."""
        said = {"tag": "input", "urgent": "handling of urgent actions"}
        said |= {"initial": "initial states", "exchanged": "symmetry"}
        names = (field.name for field in fields(Identity))
        return next((said.get(name, name) for name in names if getattr(self, name) != getattr(other, name)), "")


class KeptStates(Protocol):
    """States in order; `tables` has the values that ids stand for."""

    @property
    def tables(self) -> tuple[tuple[Any, ...], ...]:
        """Return the values of each slot."""

    def ids(self) -> Iterator[tuple[int, ...]]:
        """Return the ids of each state."""

    def values(self, number: int) -> tuple[Any, ...]:
        """Return the values of one state."""


@frozen
class Kept:
    """States as rows. `data`: an id per slot and state, wide as `code`, little-endian."""

    tables: tuple[tuple[Any, ...], ...]
    code: str
    data: bytes = field(repr=False)

    def ids(self) -> Iterator[tuple[int, ...]]:
        """Return the ids of each state."""
        return struct.iter_unpack(f"<{len(self.tables)}{self.code}", self.data)

    def values(self, number: int) -> tuple[Any, ...]:
        """Return the values of one state."""
        row = struct.Struct(f"<{len(self.tables)}{self.code}")
        ids = row.unpack_from(self.data, number * row.size)
        return tuple(table[at] for table, at in zip(self.tables, ids, strict=True))


class Keeping(Protocol):
    """What an engine must be able to do for its search to be kept."""

    @property
    def book(self) -> Book:
        """What is written down beside the states."""

    def capture(self, count: int) -> KeptStates:
        """Return the first so many states, as they are until the next step is taken."""


COLUMNS = ("parent", "action", "ordinal")
EDGES = ("edge_to", "edge_action", "edge_ordinal")


@frozen
class Saved:
    """The content of a file."""

    identity: Identity
    mark: Mark
    roots: tuple[State, ...]
    columns: Mapping[str, array[int]]
    goal: Mapping[int, bytes]
    when: Mapping[int, bytes]
    kept: KeptStates
    seconds: float
    learnt: Learnt | None = None
    """What a search by orbits had learnt of them."""

    @classmethod
    def of(cls, identity: Identity, book: Book, mark: Mark, kept: KeptStates, seconds: float) -> Saved:
        """Take from a search what it was at a mark."""
        lengths = dict.fromkeys(COLUMNS, mark.states) | dict.fromkeys(EDGES, mark.edges) | {"edges_end": mark.expanded}
        columns = {name: _first(getattr(book, name), length) for name, length in lengths.items()}
        goal, when = (
            {number: bytes(flags[: mark.expanded]) for number, flags in every.items()}
            for every in (book.goal, book.when)
        )
        learnt = None if book.folding is None else book.folding.learnt()
        return cls(identity, mark, book.roots, columns, goal, when, kept, seconds, learnt)

    def fill(self, book: Book) -> None:
        """Put everything into a book as it was."""
        mark = self.mark
        book.clear()
        book.roots = self.roots
        for name, column in self.columns.items():
            setattr(book, name, column[:])
        book.expanded, book.transitions = mark.expanded, mark.transitions
        book.goal = {number: bytearray(flags) for number, flags in self.goal.items()}
        book.when = {number: bytearray(flags) for number, flags in self.when.items()}
        book.enabled, book.taken, book.new = list(mark.enabled), list(mark.taken), list(mark.new)
        book.findings, book.occurred, book.reached = dict(mark.findings), set(mark.occurred), dict(mark.reached)

    def check(self, book: Book) -> None:
        """Reach some of the states again, by the functions of the machine as it is now."""
        self.fill(book)
        if book.folding is not None:
            book.folding = self.folding(book.folding.symmetry)
        places = {slot: place for place, slot in enumerate(self.identity.slots)}
        for number in range(0, self.mark.states, max(1, self.mark.states // SAMPLES)):
            if not _reaches(book, number, State(places, self.kept.values(number))):
                raise CheckpointError("the steps of the machine are no longer those the checkpoint was made with")

    def folding(self, symmetry: Symmetry) -> Folding:
        """Return what finds the states that stand for orbits as it was."""
        found = Folding(symmetry, Layout(self.identity.slots, CODES[-1]))
        found.layout.take(self.kept.tables)
        if self.learnt is not None:
            found.learn(self.learnt)
        return found


def _reaches(book: Book, number: int, wanted: State) -> bool:
    try:
        found = states(book.machine, rebuild(book, number))[-1]
        return (found if book.folding is None else book.folding.representative(found)) == wanted
    except (IndexError, ValueError, MachineError):
        return False


class Keeper:
    """Writes a search down: at its ticks, when it is time, and at its end."""

    def __init__(self, checkpoint: Checkpoint, engine: Keeping) -> None:
        self.checkpoint = checkpoint
        self.engine = engine
        self.identity = Identity.of(engine.book, checkpoint.tag)
        _pickle(self.identity, BytesIO())  # What cannot be kept is told before hours are spent.
        self.mark: Mark | None = None
        self.earlier = 0.0
        """Seconds that the search took before it was taken up again."""
        self._due = time.monotonic() + checkpoint.every
        _check_free(checkpoint.path)

    def load(self) -> Saved | None:
        """Read the file; None where there is none yet. Raises CheckpointError for one that does not fit."""
        path = self.checkpoint.path
        try:
            with path.open("rb") as file:
                saved = _read(path, file)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CheckpointError(f"{path}: {error.strerror or error}") from None
        if differs := self.identity.difference(saved.identity):
            raise CheckpointError(f"{path} is the checkpoint of another search: it differs in its {differs}")
        saved.check(self.engine.book)
        self.earlier = saved.seconds
        return saved

    def tick(self, book: Book, seconds: float) -> None:
        """Remember a moment between two expansions; write if it is time."""
        self.mark = book.mark()
        now = time.monotonic()
        if now >= self._due:
            self.save(book, seconds)
            took = time.monotonic() - now
            self._due = now + took + max(self.checkpoint.every, SHARE * took)

    def save(self, book: Book, seconds: float) -> None:
        """Write what there was at the last mark."""
        mark = self.mark
        if mark is None or len(book.parent) < mark.states or book.expanded < mark.expanded:
            return  # Nothing yet, or the search has just begun anew.
        kept = self.engine.capture(mark.states)
        saved = Saved.of(self.identity, book, mark, kept, self.earlier + seconds)
        path = self.checkpoint.path
        try:
            with replacing(path) as file:
                _write(file, saved)
        except OSError as error:
            raise CheckpointError(f"{path}: {error.strerror or error}") from None


def _check_free(path: Path) -> None:
    """Make sure that nothing but a checkpoint is ever written over."""
    try:
        with path.open("rb") as file:
            begin = file.read(len(MAGIC))
    except FileNotFoundError:
        return
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror or error}") from None
    if begin and begin != MAGIC:
        raise CheckpointError(f"{path} is no checkpoint, or one of another version: it is not written over")


def _first(column: array[int], count: int) -> array[int]:
    """Return so many entries: no copy where that is all of them."""
    return column if len(column) == count else column[:count]


class _Digesting:
    """A file that is written to and digested at the same time: nothing is held in memory for it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = blake2b(digest_size=DIGEST)

    def write(self, content: bytes | memoryview) -> int:
        """Write on."""
        self.digest.update(content)
        return self._file.write(content)


def _write(file: IO[bytes], saved: Saved) -> None:
    file.write(MAGIC + bytes(DIGEST))
    body = _Digesting(file)
    _pickle(saved, body)
    file.seek(len(MAGIC))
    file.write(body.digest.digest())


def _pickle(value: object, file: Any) -> None:
    try:
        pickle.dump(value, file, protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise CheckpointError(f"the values of the machine cannot be written: {error}") from None


def _read(path: Path, file: IO[bytes]) -> Saved:
    if file.read(len(MAGIC)) != MAGIC:
        raise CheckpointError(f"{path} is no checkpoint, or one of another version")
    expected, digest = file.read(DIGEST), blake2b(digest_size=DIGEST)
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    if digest.digest() != expected:
        raise CheckpointError(f"{path} is damaged")
    file.seek(len(MAGIC) + DIGEST)
    try:
        saved = pickle.load(file)  # noqa: S301 - the user's own file; the docstring says what it is
    except (pickle.UnpicklingError, AttributeError, ImportError, TypeError, IndexError, ValueError) as error:
        raise CheckpointError(f"{path} was written by another version: {error}") from None
    if not isinstance(saved, Saved):
        raise CheckpointError(f"{path} is no checkpoint of a search")
    return saved
