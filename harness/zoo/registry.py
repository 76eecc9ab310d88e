"""The documented failures there are, by topic: those that are folders, and those of worlds without manifests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from . import folders, reachability, scheduler, watching
from .catalogue import Pair

WORLDS: dict[str, tuple[Pair, ...]] = {
    "scheduler": scheduler.PAIRS,
    "reachability": reachability.PAIRS,
    "api-server": watching.PAIRS,
}
TOPICS = ("scheduler", "placement", "controllers", "reachability", "network-policy", "api-server")


class NoSuchFailureError(LookupError):
    """A name is neither that of a failure nor that of a topic."""


@cache
def topics() -> dict[str, tuple[Pair, ...]]:
    """Return the failures of every topic, in the order in which they are told."""
    return {topic: (*folders.pairs(topic), *WORLDS.get(topic, ())) for topic in TOPICS}


def chosen(names: Iterable[str]) -> Iterator[tuple[str, Pair]]:
    """Yield the failures of these names and topics, each with its topic; all where none is named."""
    names = frozenset(names)
    known = {*TOPICS, *(pair.name for some in topics().values() for pair in some)}
    if odd := sorted(names - known):
        raise NoSuchFailureError(odd[0])
    for topic, some in topics().items():
        yield from ((topic, pair) for pair in some if not names or topic in names or pair.name in names)
