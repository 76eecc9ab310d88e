"""An API server on an etcd: the pure handler, whose writes become etcd transactions and whose versions are revisions.

Upstream: staging/src/k8s.io/apiserver/pkg/storage/etcd3/store.go (v1.32).
Left out on purpose: encoding (etcd holds the objects themselves), the watch cache, leases for events. Each write of a
request is a revision of its own, as upstream; no other request comes in between, which upstream does not promise.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ..api.kinds import Object, Unstructured
from ..api.meta import Ref, Time
from ..api.requests import Request, Response
from ..api.values.frozen import EMPTY
from ..etcd import Compacted, Compare, DeleteRange, Failure, KeyValue, Put, Store, Txn, apply, poll
from ..etcd import watch as watch_etcd
from ..etcd.sorted_map import SortedMap
from .access.authentication import User
from .config import DEFAULT, Config
from .custom.definition import named
from .custom.reading import at_rest, seen_as
from .handler import handle
from .resources import kind_named
from .storage import Transaction, Write, with_meta, without_version
from .verbs.watch import WatchEvent, WatchFilter, change

PREFIX = "/registry"


@frozen
class Server:
    """etcd's store and the server's switches: a value that `request` turns into the next one."""

    store: Store = field(factory=Store)
    config: Config = DEFAULT
    seen: immutabledict[str, str] = EMPTY
    """In which version custom resources are read, by definition; otherwise in the one that is stored."""

    def get(self, ref: Ref) -> Object | None:
        """Return one object, its resource version being the revision it was last written at."""
        found = self.store.keys.get(key_of(ref))
        return None if found is None else self.shown(found.value, found.mod_revision)

    def list(self, kind: str, namespace: str | None) -> tuple[Object, ...]:
        """Return the objects of a kind, in one namespace or in all (None), in the order of their keys."""
        start = prefix_of(kind, namespace)
        return tuple(self.shown(kv.value, kv.mod_revision) for _, kv in self.store.keys.between(start, end_of(start)))

    def shown(self, obj: Object, revision: int) -> Object:
        """Return a stored object as it is read: with its version; a custom one as its definition is by now."""
        if isinstance(obj, Unstructured) and obj.of.crd:
            found = named(self, obj.of.crd)
            if found is not None:
                version = found.version(self.seen.get(obj.of.crd, "")) or found.stored
                obj = seen_as(obj, version.kind)
        return versioned(obj, revision)


def key_of(ref: Ref) -> bytes:
    """Return the key an object has in etcd: /registry/pods/default/web."""
    place = f"/{ref.namespace}" if ref.namespace else ""
    return f"{PREFIX}/{_resource(ref.kind)}{place}/{ref.name}".encode()


def prefix_of(kind: str, namespace: str | None) -> bytes:
    """Return what the keys of a kind, or of a kind in a namespace, begin with."""
    place = f"{namespace}/" if namespace else ""
    return f"{PREFIX}/{_resource(kind)}/{place}".encode()


def _resource(kind: str) -> str:
    """Return where objects of a kind are: custom ones in their group."""
    found = kind_named(kind)
    return f"{found.group}/{found.plural}" if found.crd else found.plural


def versioned(obj: Object, revision: int) -> Object:
    """Return the object with its resource version."""
    return with_meta(obj, resource_version=str(revision))


def request(
    server: Server, user: User | None, asked: Request, now: Time = 0, suffix: str = "", uid: str = ""
) -> tuple[Server, Response]:
    """Serve one request: what it writes is committed before the answer, which carries the version written."""
    response, transaction = handle(server, asked, user=user, now=now, suffix=suffix, uid=uid, config=server.config)
    return committed(server, response, transaction)


def committed(server: Server, response: Response, transaction: Transaction) -> tuple[Server, Response]:
    """Commit what a request writes; its answer carries the version written."""
    store = server.store
    for write in transaction:
        store = _commit(store, _at_rest(server, write))
    return evolve(server, store=store), _answered(response, transaction, store)


def as_of(server: Server, revision: int) -> Server | Failure:
    """Return the server as it was at a revision; a Failure where that is forgotten or still to come."""
    if revision == server.store.revision:
        return server
    keys = server.store.at(revision)
    if isinstance(keys, Failure):
        return keys
    return evolve(server, store=evolve(server.store, keys=SortedMap.of(keys.items()), revision=revision))


def _at_rest(server: Server, write: Write) -> Write:
    crd = write.object.of.crd if isinstance(write.object, Unstructured) else ""
    if write.object is None or not crd:
        return write
    found = named(server, crd)
    return Write(write.ref, at_rest(write.object, None if found is None else found.stored.kind))


def _commit(store: Store, write: Write) -> Store:
    """Commit one write if the key is still at the revision it was read at; nobody else writes, so it is."""
    key = key_of(write.ref)
    current = store.keys.get(key)
    unchanged = Compare(key, "MOD", "EQUAL", current.mod_revision if current else 0)
    effect: Put | DeleteRange = DeleteRange(key) if write.object is None else Put(key, without_version(write.object))
    after, result = apply(store, Txn((unchanged,), (effect,)))
    assert not isinstance(result, Failure), result  # noqa: S101 - keys and revisions are this server's own
    return after


def _answered(response: Response, transaction: Transaction, store: Store) -> Response:
    if response.object is None or not transaction:
        return response
    return evolve(response, object=versioned(response.object, store.revision))


def watch_since(server: Server, watch: WatchFilter, revision: int) -> tuple[WatchEvent, ...] | Compacted:
    """Return what a watch from a resource version on shows by now: the changes after it, or that it is too old."""
    start = prefix_of(watch.kind, watch.namespace)
    watcher = watch_etcd(server.store, start, end_of(start), revision + 1)
    _, seen = poll(server.store, watcher)
    if isinstance(seen, Compacted):
        return seen
    shown = (
        told(None if event.deletes else event.kv, event.prev, event.kv.mod_revision, watch, server.shown)
        for event in seen
        if event.kv.mod_revision <= server.store.revision
    )
    return tuple(event for event in shown if event is not None)


def end_of(prefix: bytes) -> bytes:
    """Return the first key after all that begin with a prefix."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


def told(
    now: KeyValue | None,
    before: KeyValue | None,
    revision: int,
    watch: WatchFilter,
    show: Callable[[Object, int], Object] | None = None,
) -> WatchEvent | None:
    """Return a change as a watch sees it; a deleted object carries the revision of its deletion.

    `show` makes of what is stored what is read.
    """
    show = show or versioned
    old = show(before.value, revision) if before else None
    new = show(now.value, revision) if now else None
    return change(old, new, watch.shows)
