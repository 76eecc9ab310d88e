"""What a real controller wrote in recorded runs, held against what ours asks for on what it has seen.

A run is every watch event in order. Whatever the controller wrote must be asked for on some earlier state of what it
watches, and where the run came to rest nothing may be left to do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from attrs import frozen

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.kinds import Object, ref_of
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.api.requests import Create, Request, Update


@frozen
class Difference:
    """An event that ours does not ask for, or a rest at which it asks for something."""

    subject: str
    real: str
    ours: str


@frozen
class Ours:
    """A controller of ours: what it watches, what it may and must ask for on a state, when a change is asked for."""

    watched: Collection[str]
    may: Callable[[Cache], list[Request]]
    must: Callable[[Cache], list[Request]]
    is_asked: Callable[[Object | None, Object, list[Request], Collection[str]], bool]
    """Given the object before and after, all that was asked for by then, and names of what somebody else deletes."""
    start: Collection[Object] = ()
    """What is there from the start and not among the events."""


def differences(record: dict[str, Any], ours: Ours) -> Iterator[Difference]:
    """Follow a run, event by event."""
    cache = Cache.of(ours.start)
    paths = (one["path"].partition("?")[0] for one in record["actions"] if one.get("method") == "DELETE")
    by_hand = {path.rpartition("/")[2] for path in paths}
    bodies = (one["body"] for one in record["actions"] if one.get("body"))
    by_hand |= {one["metadata"]["name"] for one in bodies if "ttlSecondsAfterFinished" in one.get("spec", {})}
    rests = {one["afterEvents"] for one in record["actions"] if one.get("settled")}
    asked: list[Request] = []
    for number, event in enumerate(record["events"], 1):
        if event["object"]["kind"] in ours.watched:
            new = from_json(event["object"])
            old = cache.objects.get(ref_of(new))
            if event["type"] != "DELETED" and not ours.is_asked(old, new, asked, by_hand):
                what = f"{record['scenario']} event {number}"
                yield Difference(what, f"{event['type']} {ref_of(new)}", "; ".join(map(told, asked[-3:])))
            others = (one for ref, one in cache.objects.items() if ref != ref_of(new))
            cache = Cache.of(others if event["type"] == "DELETED" else (*others, new))
            asked += ours.may(cache)
        if number in rests and (left := ours.must(cache)):
            yield Difference(f"{record['scenario']} event {number}", "rest", "; ".join(map(told, left)))


def told(request: Request) -> str:
    """Say a request with the status that it writes."""
    match request:
        case Create(obj) | Update(obj):
            return f"{type(request).__name__} {ref_of(obj)} {getattr(obj, 'status', '')}"
        case _:
            return str(request)
