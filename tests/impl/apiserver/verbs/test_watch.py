"""Watches, and the server on etcd: one event for each write, told by the watch's own selector, in revisions."""

from __future__ import annotations

from attrs import evolve

from kubeproof.impl.api.core import Container, Pod, PodSpec
from kubeproof.impl.api.kinds import Object, ref_of
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta, Ref
from kubeproof.impl.api.requests import Bind, Create, Delete, Update
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.apiserver import ADMIN, ANONYMOUS, Objects, Write, handle
from kubeproof.impl.apiserver.server import Server, key_of, prefix_of, request, watch_since
from kubeproof.impl.apiserver.storage import Storage, Transaction, put
from kubeproof.impl.apiserver.verbs.watch import WatchEvent, WatchFilter, change
from kubeproof.impl.etcd import Compact, Compacted, apply

PODS = WatchFilter("Pod")
RED = WatchFilter("Pod", selector=LabelSelector(strings({"colour": "red"})))


def pod(colour: str = "red", *, name: str = "web", node: str = "", namespace: str = "default") -> Pod:
    spec = PodSpec(containers=(Container("c", "nginx"),), node_name=node)
    return Pod(ObjectMeta(name, namespace=namespace, labels=strings({"colour": colour})), spec)


def watch_events(before: Storage, transaction: Transaction, watch: WatchFilter) -> tuple[WatchEvent, ...]:
    """Return the events of a transaction on `before`, in the order committed.

    An object that enters the selector is ADDED, one that leaves it is DELETED, whatever the store did with it.
    """
    known: dict[Ref, Object | None] = {}
    events: list[WatchEvent] = []
    for write in transaction:
        if not watch.covers(write.ref):
            continue
        old = known[write.ref] if write.ref in known else before.get(write.ref)
        known[write.ref] = write.object
        event = change(old, write.object, watch.shows)
        if event is not None:
            events.append(event)
    return tuple(events)


def seen(before: Object | None, after: Object | None, watch: WatchFilter) -> list[tuple[str, Object]]:
    store = Objects.of(() if before is None else (before,))
    write = Write(Ref("Pod", "default", "web"), after)
    return [(event.type, event.object) for event in watch_events(store, (write,), watch)]


def test_an_object_that_leaves_the_selector_is_deleted_as_it_was_known() -> None:
    red, blue = pod("red"), pod("blue")
    assert seen(red, blue, PODS) == [("MODIFIED", blue)]
    assert seen(red, blue, RED) == [("DELETED", red)]
    assert seen(blue, red, RED) == [("ADDED", red)]
    assert seen(blue, None, RED) == []
    assert seen(red, None, RED) == [("DELETED", red)]
    assert seen(None, red, RED) == [("ADDED", red)]


def test_a_kubelet_is_told_of_its_own_pods() -> None:
    mine = WatchFilter("Pod", node_name="n1")
    unbound, bound = pod(), pod(node="n1")
    assert seen(unbound, bound, mine) == [("ADDED", bound)]
    assert seen(unbound, pod(node="n2"), mine) == []


def test_a_watch_of_a_namespace_or_kind_is_told_of_no_other() -> None:
    assert seen(None, pod(), WatchFilter("Pod", "other")) == []
    assert seen(None, pod(), WatchFilter("Pod", "default")) == [("ADDED", pod())]
    assert seen(None, pod(), WatchFilter("Node")) == []


def test_a_pod_that_goes_at_once_is_seen_terminating_first() -> None:
    store = Objects.of((handle(Objects(), Create(pod()))[1][0].object or pod(),))
    _, writes = handle(store, Delete(Ref("Pod", "default", "web")))
    events = watch_events(store, writes, PODS)
    assert [event.type for event in events] == ["MODIFIED", "DELETED"]
    assert events[0].object == events[1].object


def test_two_writes_to_a_new_object_are_an_addition_and_a_change() -> None:
    events = watch_events(Objects(), (put(pod("red")), put(pod("blue"))), PODS)
    assert events == (WatchEvent("ADDED", pod("red")), WatchEvent("MODIFIED", pod("blue")))


# --- on etcd --------------------------------------------------------------------------------------------------------


def served() -> Server:
    server, response = request(Server(), ADMIN, Create(pod()), uid="u-1")
    assert response.code == 201
    return server


def test_keys_are_where_kubernetes_has_them() -> None:
    assert key_of(Ref("Pod", "default", "web")) == b"/registry/pods/default/web"
    assert key_of(Ref("Node", "", "n1")) == b"/registry/nodes/n1"
    assert prefix_of("Pod", None) == b"/registry/pods/"
    assert prefix_of("Pod", "default") == b"/registry/pods/default/"


def test_the_resource_version_is_the_revision_of_the_last_write() -> None:
    server = served()
    made = server.get(Ref("Pod", "default", "web"))
    assert made is not None
    assert made.metadata.resource_version == "2"
    server, response = request(server, ADMIN, Bind(ref_of(made), "n1"))
    assert response.object is not None
    assert response.object.metadata.resource_version == "3"
    assert server.list("Pod", None) == (response.object,)
    assert all(kv.value.metadata.resource_version == "" for kv in server.store.keys.values())


def test_an_old_version_is_a_conflict_even_when_the_object_looks_the_same_again() -> None:
    server = served()
    read = server.get(Ref("Pod", "default", "web"))
    assert isinstance(read, Pod)
    blue = evolve(read, metadata=evolve(read.metadata, labels=strings({"colour": "blue"})))
    server, _ = request(server, ADMIN, Update(blue, read))
    server, _ = request(server, ADMIN, Update(read, None))
    assert request(server, ADMIN, Update(blue, read))[1].code == 409


def test_a_refused_request_takes_no_revision() -> None:
    server = served()
    after, response = request(server, ANONYMOUS, Delete(Ref("Pod", "default", "web")))
    assert (response.code, after) == (403, server)


def test_a_list_of_one_namespace_has_no_objects_of_another() -> None:
    server = served()
    server, _ = request(server, ADMIN, Create(pod(name="api", namespace="kube-system")))
    assert [one.metadata.name for one in server.list("Pod", "default")] == ["web"]
    assert [one.metadata.name for one in server.list("Pod", None)] == ["web", "api"]


def test_a_watch_goes_on_from_a_version_and_is_too_old_after_a_compaction() -> None:
    server = served()
    server, _ = request(server, ADMIN, Delete(Ref("Pod", "default", "web")))
    events = watch_since(server, PODS, 2)
    assert not isinstance(events, Compacted)
    assert [(one.type, one.object.metadata.resource_version) for one in events] == [("MODIFIED", "3"), ("DELETED", "4")]
    assert watch_since(server, PODS, 4) == ()
    store, _ = apply(server.store, Compact(4))
    assert watch_since(evolve(server, store=store), PODS, 2) == Compacted(4)
    assert watch_since(evolve(server, store=store), PODS, 3) != Compacted(4)
