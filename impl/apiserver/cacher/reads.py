"""Which revision a read is answered at: any, one not older than another, an exact one, or the most recent.

Upstream: staging/src/k8s.io/apiserver/pkg/storage/cacher/{cacher,delegator,watch_cache}.go (v1.32), KEP-2340.
Left out on purpose: pages and selectors (`rest/reads.py` and `read.py` have them), the fall back to etcd.
"""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from ...api.requests import Response
from ...etcd import Failure, KeyValue, Store
from ...etcd.operations import FUTURE_REVISION
from .watch_cache import WatchCache

EXPIRED = Response(410, "Expired", "The resourceVersion for the provided list is too old.")


@frozen
class ReadOptions:
    """resourceVersion and resourceVersionMatch as a client writes them: "" is the most recent, "0" any."""

    version: str = ""
    match: Literal["", "NotOlderThan", "Exact"] = ""

    @property
    def exact(self) -> bool:
        """Whether the answer must be of that very revision, which the cache does not have."""
        return self.match == "Exact"


@frozen
class ListAnswer:
    """The objects below a prefix, by key, as of a revision."""

    revision: int
    objects: tuple[KeyValue, ...]


@frozen
class NotFresh:
    """The cache has not come to that revision: the read waits, and is refused when it has waited for three seconds."""

    wanted: int
    revision: int

    @property
    def refusal(self) -> Response:
        """Return the answer to who has waited in vain."""
        message = f"Timeout: Too large resource version: {self.wanted}, current: {self.revision}"
        return Response(504, "Timeout", message)


def least(store: Store, options: ReadOptions) -> int:
    """Return how new the answer must be at least, told when the read arrives: the most recent asks etcd."""
    return store.revision if not options.version else int(options.version)


def cached(cache: WatchCache, wanted: int) -> ListAnswer | NotFresh:
    """List from the cache, once it is as new as wanted (0: whatever it has)."""
    if cache.revision < wanted:
        return NotFresh(wanted, cache.revision)
    return ListAnswer(cache.revision, tuple(cache.objects.values()))


def exactly(store: Store, cache: WatchCache, revision: int) -> ListAnswer | Response:
    """List as of a revision, which only etcd knows: 410 if it has forgotten, 504 if it has not come to it."""
    keys = store.at(revision, cache.start, cache.end)
    if isinstance(keys, Failure):
        return NotFresh(revision, store.revision).refusal if keys == FUTURE_REVISION else EXPIRED
    return ListAnswer(revision, tuple(keys[key] for key in sorted(keys)))
