"""How a machine is searched: the wishes of whoever asks, in one value."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from attrs import field, frozen
from attrs.converters import optional

from .checkpoint import Checkpoint
from .partition.team import Partitioned

ENGINES = ("rows", "plain", "columns", "auto")


def _kept_in(place: Path | Checkpoint) -> Checkpoint:
    return place if isinstance(place, Checkpoint) else Checkpoint(place)


@frozen
class Options:
    """How to search. Wishes that do not go together are a ValueError.

    `engine`: "rows" is fast; "plain" is the oracle, and always exact; "columns" is compiled, for large machines (the
    extra `fast`); "auto" begins with rows and changes to columns, where they can be had, when a machine
    turns out to be large, with what was learnt of its functions (not where a search by orbits is kept: that is
    for rows). A `Partitioned` is a search over several processes. All give the same counts, verdicts and traces.
    """

    engine: Literal["rows", "plain", "columns", "auto"] | Partitioned = "rows"
    visited: Literal["exact", "fingerprint"] = "exact"
    """By fingerprint, 64 bits are kept per state, and the result has a bound on having missed one."""
    urgent: bool = True
    """False makes urgent actions ordinary weakly fair ones."""
    memo: bool = True
    """False calls every function in every state."""
    stop_at_first: bool = False
    """End the search at the first breach; the other properties then are UNKNOWN."""
    threads: int = 1
    """How many expand states at the same time (columns only)."""
    profile: bool = False
    """Measure the Python time of every action and property (`Statistics.profile`)."""
    checkpoint: Checkpoint | None = field(default=None, converter=optional(_kept_in))
    """The file that the search is written to every half minute and when it ends, whatever ends it."""
    resume: bool = False
    """Go on from what was kept, if it is there: same counts and verdicts; limits count anew, and what was learnt of the
    machine's functions is learnt again (`situations` and `calls` are of the last run)."""

    def __attrs_post_init__(self) -> None:
        for objection in self._objections():
            raise ValueError(objection)

    def _objections(self) -> Iterator[str]:
        engine, exact = self.engine, self.visited == "exact"
        if isinstance(engine, Partitioned):
            if not exact or not self.memo or self.stop_at_first or self.profile or self.checkpoint or self.threads != 1:
                yield "of these options a search over several processes has only urgent and resume"
            return
        if engine not in ENGINES or self.visited not in {"exact", "fingerprint"}:
            yield f"no engine {engine!r} with visited {self.visited!r}"
        if self.threads != 1 and engine not in {"columns", "auto"}:
            yield "only the engine of columns has threads"
        if engine == "plain" and not exact:
            yield "the plain engine is the exact one"
        if engine == "columns" and not self.memo:
            yield "the engine of columns cannot but remember"
        if self.resume and self.checkpoint is None:
            yield "there is nothing to resume without a checkpoint"
        if self.checkpoint is not None and not exact:
            yield "fingerprints keep no states that a search could be resumed from"


OPTIONS = Options()
"""What is right for most."""
