"""What memory does not hold lies in files, and the search says the same; what not even files help with is told."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.model.checker import Exploration, Limits, explore
from kubeproof.model.checker import guard as guard_module
from kubeproof.model.checker.columns import columns as columns_module
from kubeproof.model.checker.columns import mapped as mapped_module
from kubeproof.model.checker.columns import memory as memory_module
from kubeproof.model.checker.columns import states as states_module
from kubeproof.model.checker.columns.mapped import Mapped
from kubeproof.model.machine import Action, Machine, Outcome, Property, View
from places import MACHINES, TESTS, load

columns = partial(load(TESTS / "model/checker/test_engines.py").explored, engine="columns")


def work_queue() -> tuple[Machine, tuple[Property, ...]]:
    """Return a machine with a property of whole runs."""
    module = load(MACHINES / "work_queue.py")
    return module.work_queue(2, 2, 1), (*module.in_order(2), module.converged(2))


def essence(result: Exploration) -> tuple[object, ...]:
    counts = [(action.name, action.enabled, action.taken, action.new) for action in result.statistics.actions]
    sizes = (result.states, result.transitions, result.depth, result.complete, result.statistics.depths)
    return (*sizes, result.verdicts, counts, result.statistics.widest)


@contextmanager
def short_of_memory(holds: int) -> Iterator[list[int]]:
    """Let the process hold so many bytes, whatever is done; give the states there were when columns were moved."""
    moved: list[int] = []

    def watched(states: states_module.States, folder: Path | None) -> None:
        moved.append(states.count)
        map_to(states, folder)

    map_to = states_module.States.map_to
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory_module, "MAP_FROM", 100)
        for module in (memory_module, guard_module):
            patch.setattr(module, "resident_memory", lambda: holds)
        patch.setattr(columns_module, "NEWS", 64)
        patch.setattr(states_module.States, "map_to", watched)
        yield moved


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("visited", ["exact", "fingerprint"])
def test_a_search_in_files_says_what_it_says_in_memory(visited: str, threads: int):
    machine, claims = work_queue()
    for some in (claims, claims[:2]):
        expected = columns(machine, some, visited=visited)
        with short_of_memory(70) as moved:
            found = columns(machine, some, visited=visited, threads=threads, limits=Limits(max_memory=100))
        assert essence(found) == essence(expected)
        assert len(moved) == 1
        assert moved[0] < found.states


@pytest.mark.parametrize(("holds", "moves"), [(59, 0), (61, 1)])
def test_nothing_is_moved_while_there_is_room(holds: int, moves: int):
    with short_of_memory(holds) as moved:
        assert columns(work_queue()[0], limits=Limits(max_memory=100)).complete
    assert len(moved) == moves


def test_a_limit_in_the_midst_of_a_search_in_files_cuts_it_where_it_does_in_memory():
    machine, claims = work_queue()
    for most in (400, 777):
        expected = explore(machine, claims, limits=Limits(max_states=most))
        with short_of_memory(70) as moved:
            found = columns(machine, claims, limits=Limits(max_states=most, max_memory=100))
        assert moved
        assert essence(found)[:7] == essence(expected)[:7]


def test_a_table_that_would_not_fit_ends_the_search_with_the_reason(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(states_module, "FIRST_TABLE", 256)
    with short_of_memory(70):
        found = columns(work_queue()[0], limits=Limits(max_memory=100))
    assert not found.complete
    assert found.why_incomplete == (
        "the memory limit of 100 bytes was hit: the table of visited states would grow by 6,144"
    )
    assert found.states < 192 + 2  # Three quarters of 256.


def grid(size: int) -> Machine:
    """Return two counters whose values are more and more."""

    def up(slot: str, view: View) -> Iterator[Outcome]:
        if len(view[slot]) < size:
            yield Outcome("up", {slot: view[slot] + "x"})

    return Machine(({"x": "", "y": ""},), tuple(Action(slot, slot, partial(up, slot)) for slot in "xy"))


def test_states_in_files_are_packed_anew(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(states_module, "FORGET", 16)
    repacked: list[tuple[int, int]] = []
    repack = states_module.States._repack

    def watched(states: states_module.States, layout: states_module.Layout, words: int) -> None:
        repack(states, layout, words)
        repacked.append((states.count, len(states.view())))
        assert isinstance(states.store, Mapped) == (states.count >= 100)

    monkeypatch.setattr(states_module.States, "_repack", watched)
    monkeypatch.setattr(states_module, "SPARE", 1)
    with short_of_memory(70):
        found = columns(grid(40), limits=Limits(max_memory=100))
    assert (found.states, found.transitions) == (41**2, 2 * 40 * 41)
    assert all(count == rows for count, rows in repacked)
    assert repacked[-1][0] > 100


def test_a_search_in_files_is_kept_and_taken_up(tmp_path: Path):
    machine, claims = work_queue()
    cut = Limits(max_states=900, max_memory=100)
    with short_of_memory(70) as moved:
        assert not columns(machine, claims, limits=cut, checkpoint=tmp_path / "search").complete
        assert len(moved) == 1
        found = columns(machine, claims, limits=Limits(max_memory=100), checkpoint=tmp_path / "search", resume=True)
    assert essence(found) == essence(columns(machine, claims))
    assert [path.name for path in tmp_path.iterdir()] == ["search"]


REAL = """
import importlib.util, json, sys
from kubeproof.model.checker import Limits, Options, explore, guard
from kubeproof.model.checker.columns import memory
spec = importlib.util.spec_from_file_location("example", sys.argv[1])
example = importlib.util.module_from_spec(spec)
spec.loader.exec_module(example)
explore(example.two_phase_commit(2), (), Options("columns"))
limits = Limits(max_memory=guard.resident_memory() + (40 << 20))
answers = []
for share in (2.0, 0.3):  # Never, and early.
    memory.IN_MEMORY = share
    found = explore(example.two_phase_commit(8), (), Options("columns"), limits=limits)
    answers.append((found.complete, found.states, found.why_incomplete))
print(json.dumps(answers))
"""


def test_a_real_limit_that_ends_a_search_in_memory_does_not_end_one_in_files():
    run = [sys.executable, "-c", REAL, str(MACHINES / "two_phase_commit.py")]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=120)
    in_memory, in_files = json.loads(done.stdout)
    assert in_memory[0] is False
    assert "memory limit" in in_memory[2]
    assert in_files == [True, 4**8 + 6**8 + 2**8, ""]


# A column in a file is an array.


@given(st.lists(st.integers(0, 2**32 - 1), max_size=60), st.integers(0, 70), st.lists(st.integers(0, 9), max_size=9))
def test_a_mapped_column_does_what_an_array_does(numbers: list[int], cut: int, more: list[int]):
    plain, mapped = array("I", numbers), Mapped.of(array("I", numbers), None)
    del plain[cut:], mapped[cut:]
    for number in more:
        plain.append(number)
        mapped.append(number)
    plain.frombytes(b"abcd")
    mapped.frombytes(b"abcd")
    mapped.rest()
    assert (len(mapped), list(mapped), mapped[-1]) == (len(plain), list(plain), plain[-1])
    assert mapped[1:5] == plain[1:5]
    assert np.array(mapped, dtype=np.int64).tolist() == plain.tolist()
    assert pickle.loads(pickle.dumps(mapped, protocol=5)) == plain  # noqa: S301 - made here
    assert bisect_left(Mapped.of(array("I", sorted(numbers)), None), 7) == bisect_left(sorted(numbers), 7)


def test_a_column_grows_beyond_its_file_and_whoever_looks_still_sees_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mapped_module, "FIRST", 64)
    column = Mapped("Q", None)
    column.append(7)
    view = column.view()
    for number in range(1000):
        column.append(number)
    assert column[1:].tolist() == list(range(1000))
    assert view.tolist() == [7]


def test_only_the_end_of_a_column_can_be_dropped():
    column = Mapped.of(array("H", range(9)), None)
    with pytest.raises(IndexError, match="only the end"):
        del column[2:4]
    assert len(column) == 9


def test_a_disk_that_is_full_is_memory_that_is_exhausted(monkeypatch: pytest.MonkeyPatch):
    def full(_file: int, _from: int, _size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(MemoryError, match="No space left"):
        Mapped("Q", None)
    with short_of_memory(70):
        found = columns(work_queue()[0], limits=Limits(max_memory=100))
    assert (found.complete, found.why_incomplete) == (False, "memory was exhausted")
