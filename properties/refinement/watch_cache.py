"""API servers with watch caches are the model's windows on a history, and a reflector is its client.

Revision 1 of etcd is the empty store, so that the model counts one less. A window begins before the first change that
the ring has, and what the client has is told by names and revisions.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from immutabledict import immutabledict

from ...impl.apiserver.cacher.watch_cache import CacheSettings, WatchCache, oldest
from ...model.checker import Exploration, Options, refines
from ...model.components.control_plane import watch_cache as model
from ...model.machine import View
from ..proof import Answer
from ..watching.world import PREFIX, Client, Ways, slot, world

FIRST = 1


def seen(view: View, servers: int) -> Mapping[str, Hashable]:
    """Return the state of the model that the implementations stand for."""
    slots: dict[str, Hashable] = {
        "history": tuple((_name(event.kv.key), not event.deletes) for event in view["past"]),
        "forgotten": max(0, view["etcd"].compact_revision - FIRST),
        "client": _client(view["client"]),
        "restarts": view["restarts"],
    }
    for server in range(servers):
        cache: WatchCache = view[slot(server)]
        slots[model.server(server)] = (oldest(cache) - 1 - FIRST, cache.revision - FIRST)
    return slots


def _name(key: bytes) -> str:
    return key.removeprefix(PREFIX).decode() if key.startswith(PREFIX) else model.OTHER


def _client(client: Client) -> model.Client:
    reflector, asked = client.reflector, client.asked
    has = {ref.name: int(obj.metadata.resource_version) - FIRST for ref, obj in reflector.objects.items()}
    least = 0 if asked is None or not asked.least else asked.least - FIRST
    return model.Client(
        int(reflector.version) - FIRST if reflector.version else None,
        immutabledict(sorted(has.items())),
        client.watches,
        None if asked is None else asked.server,
        least,
        reflector.unavailable,
    )


def beside(ways: Ways, options: Options) -> Exploration:
    """Search a world for a step that the model does not have."""
    abstract = model.servers(
        ways.servers, ways.writes, ways.restarts, ways.names, consistent_start=ways.consistent_start
    )
    return refines(world(ways), abstract, lambda view: seen(view, ways.servers), (), options)


WORLDS = (
    Ways(writes=1),
    Ways(writes=1, consistent_start=True),
    Ways(cuts=0, server_restarts=0, servers=1),
    Ways(cuts=0, compactions=0, restarts=0),
    Ways(writes=3, cuts=0, compactions=0, restarts=0, servers=1, names=("a", "b"), cache=CacheSettings(capacity=2)),
)


def watch_cache_proof() -> Answer:
    """Search one or two servers, rings of 1 or 2, up to 3 writes, compaction, restarts and a lost connection."""
    transitions = 0
    for ways in WORLDS:
        found = beside(ways, Options(stop_at_first=True))
        transitions += found.transitions
        verdict = found.verdicts[0]
        if verdict.trace is not None:
            return Answer(transitions, (*verdict.trace.lines(), *verdict.evidence))
        if not found.complete or verdict.vacuous:
            return Answer(transitions, (found.why_incomplete or "vacuous",))
    return Answer(transitions)
