"""The claims: what a client has is what there was, no change passes it by, and where it may go back in time.

Each counts for itself, from all the changes that there were: none asks a cache, a ring or a version it should trust.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...impl.apiserver.cacher.reads import ListAnswer, cached, exactly
from ...impl.apiserver.cacher.watch_cache import WatchCache
from ...impl.apiserver.server import key_of
from ...model.machine import Converges, Invariant, Property, Sometimes, StepProperty, View
from .world import PREFIX, Asked, Client, Ways, slot, state_at

SNAPSHOT, NO_GAP, ALLOWED = "snapshot", "no change is missed", "back only where allowed"
NEVER_BACK, RECENT, CACHES, CATCHES_UP = "never back in time", "most recent", "reads of caches", "catches up"


def _version(view: View) -> int:
    client: Client = view["client"]
    return int(client.reflector.version or 0)


def _has(view: View) -> dict[bytes, str]:
    client: Client = view["client"]
    return {key_of(ref): obj.metadata.resource_version for ref, obj in client.reflector.objects.items()}


def _was(view: View, revision: int) -> dict[bytes, str]:
    return {key: str(kv.mod_revision) for key, kv in state_at(view["past"], revision).items()}


def _is_snapshot(view: View) -> Iterator[str]:
    revision = _version(view)
    if revision and _has(view) != _was(view, revision):
        yield f"at {revision} the client has {_has(view)}, and there was {_was(view, revision)}"


def _misses_nothing(before: View, after: View, _label: str) -> Iterator[str]:
    old, new = _version(before), _version(after)
    if old and before["client"].watches is not None and after["client"].watches is not None:
        told = [new] if _has(after) != _has(before) else []
        for event in after["past"]:
            at = event.kv.mod_revision
            if old < at <= new and at not in told and event.kv.key.startswith(PREFIX):
                yield f"the client came from {old} to {new} and was not told of the change at {at}"


def _goes_back(before: View, after: View) -> bool:
    """Tell whether a client goes back: in its life, or with the first list of another one."""
    old, new = _version(before), _version(after)
    return 0 < new < old or (old == 0 < new < before["newest"])


def _back_where_allowed(before: View, after: View, _label: str) -> Iterator[str]:
    asked: Asked | None = before["client"].asked
    first = _version(before) == 0 and asked is not None and asked.version == "0"
    if _goes_back(before, after) and not first:
        yield f"back from {before['newest']} to {_version(after)}, and it was not a first list of any age"


def _never_back(before: View, after: View, _label: str) -> Iterator[str]:
    if _goes_back(before, after):
        yield f"the client has seen {before['newest']} and goes back to {_version(after)}"


def _recent(before: View, after: View, _label: str) -> Iterator[str]:
    asked: Asked | None = before["client"].asked
    answered = before["client"].reflector != after["client"].reflector
    if asked and asked.version == "" and answered and 0 < _version(after) < asked.since:
        yield f"asked at {asked.since} for the most recent, and was answered as of {_version(after)}"


def _reads(servers: int) -> Invariant:
    def check(view: View) -> Iterator[str]:
        for server in range(servers):
            cache: WatchCache = view[slot(server)]
            answers = [cached(cache, 0), *(exactly(view["etcd"], cache, at) for at in range(1, len(view["past"]) + 2))]
            for answer in answers:
                if isinstance(answer, ListAnswer):
                    found = {kv.key: str(kv.mod_revision) for kv in answer.objects}
                    there = _was(view, answer.revision)
                    if found != there:
                        yield f"s{server} says of {answer.revision}: {found}, and there was {there}"

    return Invariant(CACHES, "Whatever is read, from a cache or at an exact version, is what there was then.", check)


def _catches_up() -> Converges:
    def goal(view: View) -> Iterator[str]:
        now = _was(view, view["etcd"].revision)
        if not _version(view) or _has(view) != now:
            yield f"the client has {_has(view)} for ever, and there is {now}"

    return Converges(CATCHES_UP, "When nothing changes any more the client comes to have what there is.", goal)


def claims(ways: Ways) -> tuple[Property, ...]:
    """Return what must hold of any client, however often it restarts."""
    return (
        Invariant(SNAPSHOT, "What the client has is what there was at the version it names.", _is_snapshot),
        StepProperty(NO_GAP, "A watch tells every change, each by itself.", _misses_nothing),
        StepProperty(ALLOWED, "The version goes back by nothing but a first list of any age.", _back_where_allowed),
        StepProperty(RECENT, "A list of the most recent is no older than the question.", _recent),
        _reads(ways.servers),
        _catches_up(),
        Sometimes("somebody is too late", "A version is of no use any more.", _is_late),
    )


def never_back() -> StepProperty:
    """Return the claim that holds of clients that begin with a consistent list."""
    doc = "What the client has is never older than what it has seen."
    return StepProperty(NEVER_BACK, doc, _never_back, premise=lambda view: view["newest"] > _version(view))


def _is_late(view: View) -> bool:
    client: Client = view["client"]
    return client.reflector.unavailable
