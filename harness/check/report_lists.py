"""The lists of a report in few lines: things of one kind folded into their number, those that matter told in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator
from typing import Protocol

from ...impl.api.reading.load import Note

IN_FULL = 3
"""So many things of one kind are told one by one."""


class Line(Protocol):
    """Something with a place that is told in a line, and what it is about, which others share."""

    @property
    def file(self) -> str:
        """Where it is written."""

    @property
    def line(self) -> int:
        """In which line; 0 is none."""

    @property
    def about(self) -> str:
        """What it shares with others, in a sentence; "" for nothing."""


def assumed(found: Iterable[Line], *, explain: bool) -> tuple[str, ...]:
    """List what is assumed: in full, or of much that is alike the first place, how many more, and what they share."""
    return tuple(_folded(found, explain=explain))


def _folded(found: Iterable[Line], *, explain: bool) -> Iterator[str]:
    groups: dict[str, list[Line]] = {}
    for line in found:
        groups.setdefault(line.about, []).append(line)
    for about, lines in groups.items():
        if explain or len(lines) <= IN_FULL or not about:
            yield from map(str, lines)
        else:
            yield f"{lines[0].file}:{lines[0].line} and {len(lines) - 1} more: {about}"


def not_modelled(notes: Iterable[Note], judged: Container[str], *, explain: bool) -> tuple[str, ...]:
    """List what is not modelled: first what a claim that was judged may hang on; objects nobody hangs on as numbers."""
    found = tuple(notes)
    if explain:
        return tuple(map(str, found))
    matters = {note: bool(note.field) or any(claim in judged for claim in note.claims) for note in found}
    told = tuple(_folded((note for note in found if matters[note]), explain=False))
    idle = Counter(note.kind for note in found if not matters[note])
    counted = ", ".join(f"{count} x {kind}" for kind, count in idle.items())
    return (*told, f"no claim hangs on: {counted} (--explain says why)") if idle else told
