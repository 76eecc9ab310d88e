"""The line that says how far a search is: on a terminal, on stderr, rewritten in place, gone when the search ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from ..model.checker.results import Progress

CLEAR = "\r\x1b[K"


def line(news: Progress, before: Progress | None, memory: int) -> str:
    """Say it in one line; how long it will still take is said only while the frontier shrinks."""
    rate = news.states / news.seconds if news.seconds > 0 else 0.0
    parts = [
        f"{news.states:,} states",
        f"{rate:,.0f} states/s",
        f"depth {news.depth}",
        f"frontier {news.frontier:,}",
        f"{memory / 2**20:,.0f} MiB",
        f"{news.seconds:.0f} s",
    ]
    if (rest := remaining(news, before)) is not None:
        parts.append(f"about {rest:.0f} s left")
    return "  ".join(parts)


def remaining(news: Progress, before: Progress | None) -> float | None:
    """Estimate the seconds left from how fast the frontier shrinks; None while it grows."""
    if before is None or news.frontier >= before.frontier or news.seconds <= before.seconds:
        return None
    return news.frontier / ((before.frontier - news.frontier) / (news.seconds - before.seconds))


class Line:
    """Writes the line to a terminal; call it with each `Progress`, `close` it at the end."""

    def __init__(self, stream: TextIO, memory: Callable[[], int]) -> None:
        self.stream, self.memory = stream, memory
        self.before: Progress | None = None

    def __call__(self, news: Progress) -> None:
        """Rewrite the line."""
        self.stream.write(CLEAR + line(news, self.before, self.memory()))
        self.stream.flush()
        self.before = news

    def close(self) -> None:
        """Wipe the line away."""
        if self.before is not None:
            self.stream.write(CLEAR)
            self.stream.flush()
