"""The control plane as one value: the API server on its etcd, and what runs on the nodes; and its turns.

Every component is the pure one. In a turn each looks at the store as it is and sends its requests one by one, until
nobody has anything to ask; a request that is refused ends what that component does about the object for now. What waits
(probes, preStop hooks, tolerations) is done once its time has come.

Left out on purpose: old views (each component sees the present), components for kinds without a class (CronJobs,
autoscalers are stored, nobody acts on them).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import islice

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...impl.api.cache import Cache
from ...impl.api.core import Event
from ...impl.api.kinds import Object, Unstructured
from ...impl.api.meta import Time
from ...impl.api.requests import Request
from ...impl.api.runtime import PodRuntime
from ...impl.apiserver.access.authentication import User
from ...impl.apiserver.config import Config
from ...impl.apiserver.server import Server, request, versioned
from ...impl.etcd import Compact, apply
from .naming import suffix_of, uid_of

CONFIG = Config(runtime_classes=True)
"""As kubeadm sets a cluster up; runtime classes can be looked up here."""
HISTORY = 4096
"""Events that the store remembers at least, for watches that come late."""


@frozen
class Plane:
    """The server, what runs on the nodes by the Pods' uids, and since when each thing waits that waits.

    `looked` says up to which revision each component has nothing to do.
    """

    server: Server = Server(config=CONFIG)
    runtimes: immutabledict[str, PodRuntime] = immutabledict()
    waits: immutabledict[tuple[str, str], float] = immutabledict()
    looked: immutabledict[str, int] = immutabledict()
    seed: int = 0

    @property
    def revision(self) -> int:
        """The revision of the store."""
        return self.server.store.revision

    def send(self, user: User, asked: Request, now: Time) -> tuple[Plane, bool]:
        """Send a request; say whether it was granted."""
        suffix, uid = suffix_of(self.seed, self.revision), uid_of(self.seed, self.revision)
        server, answer = request(self.server, user, asked, now, suffix, uid)
        return evolve(self, server=server), answer.ok

    def send_all(self, user: User, requests: Iterable[Request], now: Time) -> Plane:
        """Send requests in their order, up to the first that is refused."""
        plane = self
        for asked in requests:
            plane, granted = plane.send(user, asked, now)
            if not granted:
                break
        return plane

    def changed_since(self, revision: int) -> frozenset[str]:
        """Return the plurals of the kinds of which something has changed after a revision."""
        events = self.server.store.since(revision + 1)
        return frozenset(event.kv.key.split(b"/", 3)[2].decode() for event in events)

    def waiting(self, holder: str, waits: Iterable[str], now: float) -> Plane:
        """Note since when each thing of a holder waits, and forget what waits no more."""
        wanted = {(holder, what) for what in waits}
        if wanted == {key for key in self.waits if key[0] == holder}:
            return self
        known = {key: since for key, since in self.waits.items() if key[0] != holder or key in wanted}
        for key in wanted:
            known.setdefault(key, now)
        return evolve(self, waits=immutabledict(sorted(known.items())))


def cache_of(server: Server) -> Cache:
    """Return what informers of the kinds with a class show."""
    found = (kv for kv in server.store.keys.values() if not isinstance(kv.value, Unstructured | Event))
    return Cache.of(_versioned(kv.value, kv.mod_revision) for kv in found)


@lru_cache(maxsize=1 << 15)
def _versioned(obj: Object, revision: int) -> Object:
    return versioned(obj, revision)


def compacted(plane: Plane) -> Plane:
    """Forget old history, half of it at a time."""
    store = plane.server.store
    if len(store.log) <= 2 * HISTORY:
        return plane
    after, _ = apply(store, Compact(next(islice(store.log, HISTORY - 1, None)).kv.mod_revision))
    return evolve(plane, server=evolve(plane.server, store=after))
