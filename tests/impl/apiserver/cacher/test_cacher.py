"""The watch cache: what it answers reads with, where a watch may begin, and what it is told, version by version."""

from __future__ import annotations

import pytest

from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.requests import Response
from kubeproof.impl.apiserver.cacher.reads import ListAnswer, NotFresh, ReadOptions, cached, exactly, least
from kubeproof.impl.apiserver.cacher.watch_cache import (
    CacheSettings,
    WatchCache,
    filled,
    oldest,
    pending,
    processed,
    progressed,
)
from kubeproof.impl.apiserver.cacher.watches import Opened, more, opened
from kubeproof.impl.apiserver.server import end_of, key_of
from kubeproof.impl.apiserver.verbs.watch import WatchFilter
from kubeproof.impl.etcd import Compact, Compacted, DeleteRange, Put, Store, apply
from kubeproof.properties.watching.world import NAMESPACE, PREFIX, WATCHED, pod

TWO = CacheSettings(capacity=2)


def written(store: Store, *names: str) -> Store:
    """Write Pods; a name with a minus is deleted, one with a plus is of another namespace."""
    for name in names:
        bare = name.strip("-+")
        key = key_of(Ref("Pod", "other" if name[0] == "+" else NAMESPACE, bare))
        store, _ = apply(store, DeleteRange(key) if name[0] == "-" else Put(key, pod(bare)))
    return store


def following(cache: WatchCache, store: Store) -> WatchCache:
    while news := pending(cache, store):
        assert not isinstance(news, Compacted)
        cache = processed(cache, news[0])
    return progressed(cache, store.revision)


def told(cache: WatchCache, position: int, watch: WatchFilter = WATCHED) -> list[str]:
    found = []
    while True:
        seen = more(cache, position, watch)
        assert not isinstance(seen, Response), seen
        if seen == (position, ()):
            return found
        position, events = seen
        found += [f"{event.type} {event.object.metadata.name} {position}" for event in events] or [f"to {position}"]


def names(answer: object) -> list[str]:
    assert isinstance(answer, ListAnswer)
    return [kv.key.decode().rpartition("/")[2] for kv in answer.objects]


STORE = written(Store(), "a", "b", "-a", "b", "+other")
"""Revisions 2 to 6."""
START = filled(Store(), PREFIX, end_of(PREFIX), TWO)


def test_a_cache_that_follows_has_what_one_has_that_lists() -> None:
    cache, listed = following(START, STORE), filled(STORE, PREFIX, end_of(PREFIX), TWO)
    assert (cache.objects, cache.revision) == (listed.objects, listed.revision)
    assert [event.kv.mod_revision for event in cache.ring] == [4, 5]
    assert (oldest(cache), oldest(listed), oldest(START)) == (4, 7, 2)


def test_a_read_of_any_age_is_what_the_cache_has_and_a_newer_one_waits() -> None:
    behind = following(START, written(Store(), "a"))
    assert names(cached(behind, 0)) == ["a"]
    assert cached(behind, 3) == NotFresh(3, 2)
    refusal = NotFresh(3, 2).refusal
    assert (refusal.code, refusal.reason) == (504, "Timeout")
    assert refusal.message == "Timeout: Too large resource version: 3, current: 2"
    assert names(cached(following(behind, STORE), 3)) == ["b"]


@pytest.mark.parametrize(
    ("options", "revision"),
    [(ReadOptions(), 6), (ReadOptions("0"), 0), (ReadOptions("4"), 4), (ReadOptions("4", "NotOlderThan"), 4)],
    ids=["the most recent", "any", "a version", "not older"],
)
def test_how_new_a_read_must_be(options: ReadOptions, revision: int) -> None:
    assert least(STORE, options) == revision
    assert not options.exact
    assert ReadOptions("4", "Exact").exact


def test_an_exact_read_is_of_that_version_forgotten_or_still_to_come() -> None:
    assert [names(exactly(STORE, START, revision)) for revision in (2, 3, 4, 6)] == [["a"], ["a", "b"], ["b"], ["b"]]
    compacted, _ = apply(STORE, Compact(4))
    answers = [exactly(compacted, START, revision) for revision in (3, 9)]
    assert [answer.code for answer in answers if isinstance(answer, Response)] == [410, 504]
    assert names(exactly(compacted, START, 4)) == ["b"]


def test_a_watch_is_told_every_change_after_its_version_and_then_a_bookmark() -> None:
    cache = following(filled(Store(), PREFIX, end_of(PREFIX), CacheSettings()), STORE)
    assert told(cache, 1) == ["ADDED a 2", "ADDED b 3", "DELETED a 4", "MODIFIED b 5", "to 6"]
    assert told(cache, 3) == ["DELETED a 4", "MODIFIED b 5", "to 6"]
    assert told(cache, 9) == []  # Of what comes after: the cache is behind.


def test_a_watch_from_any_version_begins_with_all_there_is() -> None:
    cache = following(START, STORE)
    for version in ("", "0"):
        found = opened(cache, version, WATCHED)
        assert isinstance(found, Opened)
        assert found.position == 6
        assert [(one.type, one.object.metadata.name) for one in found.events] == [("ADDED", "b")]


def test_a_watch_from_too_old_a_version_is_refused_where_it_begins_and_where_it_goes_on() -> None:
    cache = following(START, STORE)
    assert opened(cache, "3", WATCHED) == Opened(3)
    for refused in (opened(cache, "2", WATCHED), more(cache, 2, WATCHED)):
        assert isinstance(refused, Response)
        assert (refused.code, refused.reason) == (410, "Expired")
        assert refused.message == "too old resource version: 2 (3)"


def test_a_cache_that_was_just_filled_takes_its_own_version_and_none_before() -> None:
    cache = filled(STORE, PREFIX, end_of(PREFIX), TWO)
    assert opened(cache, "6", WATCHED) == Opened(6)
    assert isinstance(opened(cache, "5", WATCHED), Response)
    off = filled(STORE, PREFIX, end_of(PREFIX), CacheSettings(off_by_one=True))
    assert opened(off, "5", WATCHED) == Opened(5)  # k/k#49956


def test_a_watch_sees_what_its_selector_selects() -> None:
    cache = following(START, written(Store(), "a", "b"))
    nobody = WatchFilter("Pod", NAMESPACE, node_name="n1")
    assert told(cache, 1, nobody) == ["to 2", "to 3"]
    assert opened(cache, "0", nobody) == Opened(3)


def test_who_comes_too_late_for_etcd_is_told_so() -> None:
    compacted, _ = apply(STORE, Compact(4))
    assert isinstance(pending(START, compacted), Compacted)
    assert pending(following(START, written(Store(), "a", "b")), compacted) != ()
