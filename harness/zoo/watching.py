"""Documented failures of watch caches and of who watches them, as pairs of worlds of `properties.watching`.

Both worlds of a pair are the same API servers, etcd and reflector; they differ in one setting.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import evolve

from ...impl.apiserver.cacher.watch_cache import CacheSettings
from ...model.checker import explore
from ...properties.watching.claims import CATCHES_UP, NEVER_BACK, NO_GAP, claims, never_back
from ...properties.watching.world import Ways, world
from .catalogue import Found, Pair, found_by

QUIET = Ways(writes=2, restarts=1, cuts=0, compactions=0, server_restarts=1)
"""Nothing is compacted, and no connection lost."""
ALONE = Ways(servers=1, restarts=0, cuts=1, compactions=0)
"""One API server, whose client does not restart."""
COMPACTED = Ways(servers=1, restarts=0, cuts=0, server_restarts=0)
"""One API server, and etcd is compacted."""


def judged(ways: Ways, claim: str) -> Found:
    """Search a world for a breach of one claim."""
    made = next(known for known in (*claims(ways), never_back()) if known.name == claim)
    return found_by(explore(world(ways), [made]), claim)


def _runs(claim: str, faulty: Ways, repaired: Ways) -> tuple[Callable[[], Found], Callable[[], Found]]:
    return partial(judged, faulty, claim), partial(judged, repaired, claim)


PAIRS: tuple[Pair, ...] = (
    Pair(
        "stale-list-after-restart",
        ("k/k#59848", "KEP-2340"),
        "A client that restarts lists from an API server that lags, and has again what it knew to be gone.",
        "The first list, too, asks for the most recent.",
        *_runs(NEVER_BACK, QUIET, evolve(QUIET, consistent_start=True)),
    ),
    Pair(
        "first-event-missed-by-watch",
        ("k/k#49956", "k/k#49992"),
        "A cache that is just filled takes a watch from the version before, and never tells of the change to its own.",
        "An empty ring can tell of the next change, not of the last one.",
        *_runs(NO_GAP, evolve(ALONE, cache=CacheSettings(1, off_by_one=True)), ALONE),
    ),
    Pair(
        "deletion-lost-by-compaction",
        ("etcd#18089", "k/k#123072"),
        "etcd is compacted at a deletion that a watch cache has yet to hear of: what is gone is listed for ever.",
        "The deletion at that revision is kept.",
        *_runs(CATCHES_UP, evolve(COMPACTED, tombstones=False), COMPACTED),
    ),
)
