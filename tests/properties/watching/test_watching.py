"""What clients of several API servers must see is proved of small worlds, and each claim is broken by some fault."""

# ruff: noqa: E501 - rows of a table

from __future__ import annotations

import pytest

from kubeproof.impl.apiserver.cacher.watch_cache import CacheSettings
from kubeproof.model.checker import Options, Status, explore
from kubeproof.properties.refinement.watch_cache import beside
from kubeproof.properties.watching import claims as made
from kubeproof.properties.watching import proofs
from kubeproof.properties.watching.world import Ways, world
from planted import planted

QUIET = Ways(cuts=0, compactions=0)
LONE = Ways(servers=1, restarts=0, writes=2)


def broken(ways: Ways) -> set[str]:
    found = explore(world(ways), (*made.claims(ways), made.never_back()))
    return {verdict.name for verdict in found.verdicts if verdict.status is Status.VIOLATED}


@pytest.mark.parametrize("name", proofs.QUICK)
def test_what_is_quick_is_proved(name: str) -> None:
    answer = proofs.PROOFS[name].run()
    assert answer.proved, answer.refuted


def test_the_worlds_have_sizes_we_know() -> None:
    sizes = {writes: explore(world(Ways(writes=writes)), ()).states for writes in (0, 1)}
    assert sizes == SIZES


SIZES = {0: 60, 1: 3228}

FAULTS = [
    ("a cache takes any version", "impl.apiserver.cacher.watch_cache", "if cache.removed else cache.listed + 1", "if cache.removed else 0", LONE, {made.NO_GAP, made.SNAPSHOT, made.CATCHES_UP}),
    ("the ring forgets that changes have left it", "impl.apiserver.cacher.watch_cache", "removed=cache.removed or len(kept) < len(ring)", "removed=False", LONE, {made.NO_GAP}),
    ("a bookmark is of the server's version", "impl.apiserver.cacher.watches", "return max(position, cache.revision), ()", "return cache.revision, ()", QUIET, {made.ALLOWED}),
    ("a read does not wait", "impl.apiserver.cacher.reads", "if cache.revision < wanted:", "if False:", Ways(writes=1), {made.RECENT}),
    ("the most recent is what the cache has", "impl.apiserver.cacher.reads", "return store.revision if not options.version", "return 0 if not options.version", Ways(writes=1), {made.RECENT}),
    ("a deletion is not taken out of the cache", "impl.apiserver.cacher.watch_cache", "before = objects.pop(event.kv.key, None)", "before = objects.get(event.kv.key)", LONE, {made.CACHES, made.SNAPSHOT}),
    ("a reflector does not hear of deletions", "impl.informer.reflector", 'if event.type != "DELETED":', "if True:", LONE, {made.SNAPSHOT}),
    ("a reflector begins anew after a bookmark", "impl.informer.reflector", "return evolve(reflector, version=str(revision))", "return evolve(reflector, version=str(max(revision - 1, 1)))", LONE, {made.ALLOWED}),
    ("a refused version is asked for again", "impl.informer.reflector", "if response.code in {410, 504} else reflector", "if False else reflector", LONE, {made.CATCHES_UP}),
    ("an exact read is of the present", "impl.apiserver.cacher.reads", "keys = store.at(revision, cache.start, cache.end)", "keys = store.at(0, cache.start, cache.end)", LONE, {made.CACHES}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("module", "before", "after", "ways", "claims"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_a_fault_breaks_claims(module: str, before: str, after: str, ways: Ways, claims: set[str]) -> None:
    whole = broken(ways)
    with planted(f"kubeproof.{module}", before, after):
        found = broken(ways)
    assert found - whole >= claims


def test_every_claim_is_broken_by_something() -> None:
    names = {claim.name for claim in made.claims(Ways())} - {"somebody is too late"}
    assert names == {name for row in FAULTS for name in row[5]}


def test_with_a_fault_a_client_of_one_server_goes_back() -> None:
    fault = next(row for row in FAULTS if row[0] == "a reflector begins anew after a bookmark")
    with planted(f"kubeproof.{fault[1]}", *fault[2:4]):
        answer = proofs.PROOFS["one-server"].run()
        found = broken(LONE)
    assert not answer.proved
    assert made.NEVER_BACK in found


def test_with_two_servers_a_restart_may_go_back_and_nothing_else() -> None:
    assert broken(Ways(writes=1)) == {made.NEVER_BACK}


STEPS = [
    ("a ring that is empty counts from its own version", Ways(servers=1, restarts=0, compactions=0, cache=CacheSettings(1, off_by_one=True))),
    ("etcd forgets a deletion", Ways(servers=1, restarts=0, cuts=0, server_restarts=0, tombstones=False)),
]  # fmt: skip


@pytest.mark.parametrize("ways", [row[1] for row in STEPS], ids=[row[0] for row in STEPS])
def test_a_documented_failure_is_a_step_that_the_model_does_not_have(ways: Ways) -> None:
    assert beside(ways, Options(stop_at_first=True)).verdicts[0].status is Status.VIOLATED


def test_without_a_second_server_nobody_goes_back() -> None:
    assert broken(Ways(servers=1, writes=2, cuts=0, compactions=0)) == set()
