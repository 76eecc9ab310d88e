"""Several threads say what one says, to the last number; and so do leaves that are looked up instead of walked to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeproof.harness.check.check import machine_of
from kubeproof.harness.claims import registry as claim_properties
from kubeproof.harness.face import Cluster
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.model.checker import Exploration, ImpureStepError, Limits, Options, StepError, explore
from kubeproof.model.checker.columns import columns as columns_module
from kubeproof.model.checker.columns import doubts, visited
from kubeproof.model.checker.columns import expansion as expansion_module
from kubeproof.model.checker.columns import plans as plans_module
from kubeproof.model.checker.columns import states as states_module
from kubeproof.model.checker.columns import threads as threads_module
from kubeproof.model.checker.columns.batch import Batch
from kubeproof.model.checker.columns.expansion import Expansion
from kubeproof.model.machine import Action, Machine, Outcome, Property, Sometimes, View
from places import MACHINES, ROOT, TESTS, load

small = st.integers(0, 2)


engines = load(TESTS / "model/checker/test_engines.py")
columns = partial(engines.explored, engine="columns")
alone = load(TESTS / "model/checker/columns/test_columns.py")
essence, grid, breach_at = alone.essence, alone.grid, alone.breach_at


@contextmanager
def hurried(batch: int = 4, plans_from: int = 0) -> Iterator[None]:
    """Let small machines do what is meant for large ones: many batches, all threads, plans, tables filled by parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns_module, "FIRST_BATCH", batch)
        patch.setattr(expansion_module, "PLANS_FROM", plans_from)
        patch.setattr(threads_module, "SPREAD", 1)
        patch.setattr(states_module, "FIRST_TABLE", 16)
        patch.setattr(states_module, "LARGE_TABLE", 32)
        yield


@settings(max_examples=40)
@given(engines.machines(), small, small, st.booleans(), st.integers(2, 3), st.integers(1, 5))
def test_threads_change_nothing(
    machine: Machine,
    bad: int,
    target: int,
    stop: bool,  # noqa: FBT001
    threads: int,
    batch: int,
):
    claims = engines._claims(bad, target)
    for some, visited_set in product((claims, claims[:4]), ("exact", "fingerprint")):
        one = columns(machine, some, stop_at_first=stop, visited=visited_set)
        with hurried(batch):
            several = columns(machine, some, stop_at_first=stop, visited=visited_set, threads=threads)
        assert essence(several)[:3] == essence(one)[:3]


@settings(max_examples=40)
@given(engines.machines(), small, small, st.integers(1, 40), st.booleans())
def test_a_limit_cuts_threads_at_the_same_step(
    machine: Machine,
    bad: int,
    target: int,
    most: int,
    stop: bool,  # noqa: FBT001
):
    cut = partial(
        engines.explored, machine, engines._claims(bad, target), stop_at_first=stop, limits=Limits(max_states=most)
    )
    with hurried():
        several = cut(engine="columns", threads=2)
    assert essence(several)[:3] == essence(cut())[:3]


@pytest.mark.parametrize("urgent", [True, False])
def test_chains_of_urgent_steps_settle_alike_on_threads(urgent: bool):  # noqa: FBT001
    machine, claims = engines._confluent((3, 4, 2), 1), engines._chain_claims((3, 4, 2))
    with hurried():
        several = columns(machine, claims, urgent=urgent, threads=2)
    assert essence(several) == essence(explore(machine, claims, Options(urgent=urgent)))


EXAMPLES: tuple[tuple[str, str, tuple[int, ...], str], ...] = (
    ("dining", "dining", (7,), "exclusive"),
    ("two_phase_commit", "two_phase_commit", (4,), "consistent"),
    ("paxos", "paxos", (2,), "agreement"),
    ("work_queue", "work_queue", (2, 2, 1), "converged"),
)


def example(stem: str, maker: str, sizes: tuple[int, ...], claim: str) -> tuple[Machine, tuple[Property, ...]]:
    """Return a machine of examples/machines with a claim of its own."""
    module = load(MACHINES / f"{stem}.py")
    found = getattr(module, claim)(sizes[0])
    return getattr(module, maker)(*sizes), found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("threads", [2, 4])
@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: str(case[0]))
def test_the_standard_models_are_the_same_on_threads(case: tuple[str, str, tuple[int, ...], str], threads: int):
    machine, claims = example(*case)
    with hurried(16):
        several = columns(machine, claims, threads=threads)
    assert essence(several) == essence(explore(machine, claims))
    assert several.complete


def test_a_cluster_is_the_same_on_threads():
    scenario = Cluster.from_manifests(ROOT / "examples" / "deadlock").load().scenario
    core = machine_of(scenario, prepare(scenario))
    claims = claim_properties.of(core)
    with hurried(8):
        several = columns(core.machine, claims, threads=2)
    assert essence(several) == essence(explore(core.machine, claims))


def test_without_hurry_small_batches_stay_on_one_thread_and_large_ones_do_not():
    together = threads_module.Together(2)
    assert together.parts(100_000, 64) == [64]
    assert together.parts(100_000, 2048) == [2048] * 8
    assert together.parts(9_001, 2048) == [1126, *[1125] * 7]
    assert threads_module.Together(1).parts(100_000, 2048) == [2048]
    assert together.parts(3, 2048) == [3]


# Where a search ends.


@pytest.mark.parametrize("at", [(0, 0), (3, 1), (7, 9), (9, 9)])
@pytest.mark.parametrize("batch", [1, 3, 16])
def test_a_step_that_raises_is_reached_by_the_same_trace_on_threads(at: tuple[int, int], batch: int):
    with hurried(batch), pytest.raises(StepError, match="y raised ValueError: here") as error:
        columns(grid(9, fails_at=at), threads=2)
    with pytest.raises(StepError) as expected:
        explore(grid(9, fails_at=at))
    assert (error.value.seen, error.value.trace) == (expected.value.seen, expected.value.trace)


@pytest.mark.parametrize("at", [(0, 0), (2, 5), (9, 9)])
def test_an_interrupt_ends_threads_before_that_state(at: tuple[int, int]):
    cut = partial(
        engines.explored, grid(9, fails_at=at, error=KeyboardInterrupt), (Sometimes("far", "", lambda _: False),)
    )
    with hurried():
        found = cut(engine="columns", threads=2)
    assert found.why_incomplete == "interrupted (Ctrl-C)"
    assert essence(found)[:3] == essence(cut())[:3]


@pytest.mark.parametrize("kind", ["step", "stuck", "invariant"])
@pytest.mark.parametrize("place", [(1, 1), (4, 7), (9, 9)])
@pytest.mark.parametrize("stop", [True, False])
def test_a_breach_is_found_at_the_same_step_on_threads(kind: str, place: tuple[int, int], stop: bool):  # noqa: FBT001
    claims = (breach_at(*place, kind), Sometimes("far", "", lambda view: view["x"] + view["y"] == 18))
    for batch in (1, 2, 5, 16):
        with hurried(batch):
            found = columns(grid(9), claims, stop_at_first=stop, threads=2)
        assert essence(found)[:3] == essence(explore(grid(9), claims, Options(stop_at_first=stop)))[:3]


@pytest.mark.parametrize(("plans_from", "anew"), [(0, False), (1 << 60, True)])
def test_the_widths_of_slots_may_grow_in_the_midst_of_a_round(
    plans_from: int,
    anew: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
):
    outdated: list[int] = []
    is_packed = Expansion.is_packed

    def watched(search: Expansion, batch: Batch) -> bool:
        if not is_packed(search, batch):
            outdated.append(batch.head)
        return is_packed(search, batch)

    def up(slot: str, view: View) -> Iterator[Outcome]:
        if view[slot] < 70:
            yield Outcome("up", {slot: view[slot] + 1})

    monkeypatch.setattr(Expansion, "is_packed", watched)
    machine = Machine(({"x": 0, "y": 0},), tuple(Action(slot, slot, partial(up, slot)) for slot in "xy"))
    with hurried(64, plans_from):
        found = columns(machine, threads=3)
    assert (found.states, found.transitions, found.depth) == (71**2, 2 * 70 * 71, 140)
    assert bool(outdated) == anew  # With plans that are made anew all batches ask, and none is done before.


# Who is believed.


def moody(from_call: int, error: type[Exception] | None = None) -> Machine:
    """Return a machine one of whose functions changes its mind at some call."""
    calls = iter(range(1_000_000))

    def step(view: View) -> Iterator[Outcome]:
        changed = next(calls) >= from_call
        if changed and error is not None:
            raise error("tired")
        yield Outcome(f"mood {changed}", {"n": (view["n"] + 1) % 3})

    def ahead(slot: str, view: View) -> Iterator[Outcome]:
        if view[slot] < 40:
            yield Outcome("up", {slot: view[slot] + 1})

    actions = (Action("moody", "m", step), *(Action(slot, slot, partial(ahead, slot)) for slot in "ab"))
    return Machine(({"n": 0, "a": 0, "b": 0},), actions)


@pytest.mark.parametrize(("error", "said"), [(None, "moody gave"), (ValueError, "which it had not done before")])
def test_a_function_that_changes_its_mind_is_found_out_on_threads(
    error: type[Exception] | None, said: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(doubts, "RECHECK", 10)
    with hurried(), pytest.raises(ImpureStepError, match=said):
        columns(moody(5, error), threads=2)


def test_what_is_left_to_be_asked_again_is_asked_at_the_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doubts, "RECHECK", 1)
    flips = iter((False, True, True))  # Asked in the last round, and again after it.

    def back(view: View) -> Iterator[Outcome]:
        if view["n"]:
            yield Outcome(f"{next(flips)}", {"n": 0})

    def forth(view: View) -> Iterator[Outcome]:
        if not view["n"]:
            yield Outcome("forth", {"n": 1})

    machine = Machine(({"n": 0},), (Action("back", "b", back), Action("forth", "f", forth)))
    with pytest.raises(ImpureStepError, match="back gave"):
        columns(machine, threads=2)


@pytest.mark.parametrize("threads", [0, -1])
def test_a_search_has_at_least_one_thread(threads: int):
    with pytest.raises(ValueError, match=f"no search has {threads} threads"):
        columns(grid(1), threads=threads)


def test_only_columns_have_threads():
    with pytest.raises(ValueError, match="only the engine of columns has threads"):
        explore(grid(1), options=Options(threads=2))
    assert explore(grid(3), options=Options("auto", threads=2)).states == 16


# Leaves by direct look-up.


def looked_up(machine: Machine, claims: tuple[Property, ...], most: int) -> Exploration:
    with pytest.MonkeyPatch.context() as patch, hurried(16):
        patch.setattr(plans_module, "MOST", most)
        return columns(machine, claims)


@settings(max_examples=40)
@given(engines.machines(), small, small, st.sampled_from([0, 1, 5, 1 << 16]))
def test_a_plan_says_what_the_tree_says(machine: Machine, bad: int, target: int, most: int):
    claims = engines._claims(bad, target)
    assert essence(looked_up(machine, claims, most)) == essence(explore(machine, claims))


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: str(case[0]))
def test_plans_ask_no_function_more_often_or_more_rarely(case: tuple[str, str, tuple[int, ...], str]):
    machine, claims = example(*case)
    with_plans, without = looked_up(machine, claims, 1 << 16), looked_up(machine, claims, 0)
    assert essence(with_plans) == essence(without)
    assert with_plans.statistics.calls == without.statistics.calls


def test_plans_are_made_anew_when_a_slot_has_more_values(monkeypatch: pytest.MonkeyPatch):
    made: list[int] = []
    plan = plans_module.Plans._plan

    def watched(plans: plans_module.Plans, kind: int, reads: int) -> None:
        plan(plans, kind, reads)
        made.append(int(plans.base[kind]))

    monkeypatch.setattr(plans_module.Plans, "_plan", watched)
    claims = (breach_at(19, 20, "invariant"),)
    with hurried():
        found = columns(grid(20), claims)
    assert essence(found) == essence(explore(grid(20), claims))
    assert len(made) > 20
    assert all(base >= 0 for base in made)
    monkeypatch.setattr(plans_module, "ALL", 30)
    made.clear()
    with hurried():
        assert essence(columns(grid(20), claims)) == essence(found)
    assert any(base < 0 for base in made)


# The set of visited states.


def random_rows(count: int, words: int, values: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, values, (count, words), dtype=np.uint64)


@pytest.mark.parametrize("parts", [1, 2, 5])
@pytest.mark.parametrize("room", [4096, 3])
def test_a_table_that_is_filled_by_parts_finds_every_state(parts: int, room: int):
    store = np.unique(random_rows(700, 2, 50), axis=0)
    table = np.zeros(len(store) + 20, dtype=np.uint64)  # So full that every part overflows.
    ends = [len(table) * part // parts for part in range(parts + 1)]
    left = [np.zeros(room, dtype=np.int64) for _ in range(parts)]
    counts = [visited.rehash_part(table, store, ends[n], ends[n + 1], left[n]) for n in range(parts)]
    assert (min(counts) < 0) == (room == 3 and any(count > 3 for count in _overflow(store, ends)))
    if min(counts) < 0:
        return
    assert counts == _overflow(store, ends)
    assert sum(counts) > 3
    for some, count in zip(left, counts, strict=True):
        visited.rehash_left(table, store, some, count)
    found = np.zeros(len(store), dtype=np.int64)
    fresh = np.zeros(len(store), dtype=np.int32)
    assert visited.probe(table, store, store, len(store), np.zeros(len(store), dtype=np.uint64), found, fresh) == 0
    assert found.tolist() == list(range(len(store)))


def test_two_states_of_one_tag_are_told_apart_by_every_word():
    """A forged collision: the table says that a row is the state 0, which differs from it in the last word alone."""
    store = np.array([[7, 7, 1]], dtype=np.uint64)
    rows = np.array([[7, 7, 2]], dtype=np.uint64)
    table, hashes = np.zeros(16, dtype=np.uint64), np.zeros(1, dtype=np.uint64)
    targets, fresh = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int32)
    assert visited.probe(table, store, rows, 1, hashes, targets, fresh) == 1
    table[-1 - targets[0]] = np.uint64(1) << np.uint64(24) | hashes[0] & np.uint64((1 << 24) - 1)
    assert visited.probe(table, store, rows, 1, hashes, targets, fresh) == 1
    assert targets[0] < 0
    rows[:] = store
    table[:] = 0
    assert visited.probe(table, store, rows, 1, hashes, targets, fresh) == 1
    table[-1 - targets[0]] = np.uint64(1) << np.uint64(24) | hashes[0] & np.uint64((1 << 24) - 1)
    assert visited.probe(table, store, rows, 1, hashes, targets, fresh) == 0
    assert targets[0] == 0


def _overflow(store: np.ndarray, ends: list[int]) -> list[int]:
    """Count, per part, the states that find no place in it, by filling it one after the other."""
    left = [0] * (len(ends) - 1)
    taken: set[int] = set()
    for row in range(len(store)):
        at = visited.place_of(np.uint64(visited.hash_words(store, row)), ends[-1])
        part = next(n for n in range(len(left)) if ends[n] <= at < ends[n + 1])
        while at in taken and at < ends[part + 1]:
            at += 1
        if at == ends[part + 1]:
            left[part] += 1
        else:
            taken.add(at)
    return left


def test_of_equal_rows_the_first_is_kept_and_the_others_follow_it():
    rows = random_rows(60, 1, 12)
    hashes = np.array([visited.hash_words(rows, n) for n in range(60)], dtype=np.uint64)
    fresh = np.array([n for n in range(60) if n % 7], dtype=np.int32)
    asked = fresh.tolist()
    twins, seen = np.zeros(60, dtype=np.int32), np.zeros(256, dtype=np.int32)
    kept = visited.pair_up(rows, hashes, fresh, len(asked), seen, twins, exact=True)
    first: dict[int, int] = {}
    for n in asked:
        first.setdefault(int(rows[n, 0]), n)
    assert fresh[:kept].tolist() == sorted(first.values())
    assert [int(twins[n]) for n in asked] == [first[int(rows[n, 0])] for n in asked]
    targets = np.full(60, -5, dtype=np.int64)
    for number, n in enumerate(first.values()):
        targets[n] = 100 + number
    targets[::7] = 7
    visited.settle_twins(targets, twins, 60)
    names = {value: 100 + number for number, value in enumerate(first)}
    assert targets.tolist() == [names[int(rows[n, 0])] if n % 7 else 7 for n in range(60)]
