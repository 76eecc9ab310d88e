"""A search spread over workers says what one process says, to every count and trace, whoever is lost on the way."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import fields
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeproof.harness.distributed import Blueprint, Local, load
from kubeproof.model.checker import (
    CheckpointError,
    Exploration,
    ImpureStepError,
    Limits,
    Options,
    Progress,
    Status,
    StepError,
    explore,
)
from kubeproof.model.checker.columns import doubts
from kubeproof.model.checker.partition import conductor
from kubeproof.model.checker.partition import partition as partition_module
from kubeproof.model.checker.partition.partition import Part
from kubeproof.model.checker.partition.team import Partitioned, Team
from kubeproof.model.checker.partition.values import packed
from kubeproof.model.machine import (
    Action,
    Invariant,
    LeadsTo,
    Machine,
    MachineError,
    Outcome,
    Property,
    Recoverable,
    Sometimes,
    State,
    StepProperty,
    Symmetry,
    View,
)
from places import EXAMPLES, MACHINES, TESTS

engines = load(TESTS / "model/checker/test_engines.py")
random_machines = engines.machines()
small = st.integers(0, 2)


def essence(result: Exploration) -> tuple[object, ...]:
    """Return all that must not depend on how many workers there are."""
    counts = [(action.name, action.enabled, action.taken, action.new) for action in result.statistics.actions]
    whole = (result.states, result.transitions, result.depth, result.complete, result.why_incomplete)
    return (result.verdicts, whole, counts, result.statistics.widest, result.statistics.depths)


def search(machine: Machine, claims: Sequence[Property], team: Team, **wishes: Any) -> Exploration:
    own = {wish.name: wishes.pop(wish.name) for wish in fields(Partitioned) if wish.name in wishes}
    return engines.explored(machine, claims, engine=Partitioned(team, **own), **wishes)


def spread(machine: Machine, claims: Sequence[Property], workers: int = 2, **wishes: Any) -> Exploration:
    urgent = wishes.get("urgent", True)
    return search(machine, claims, Local(lambda: (machine, claims), workers, urgent=urgent), **wishes)


def all_claims(bad: int, target: int) -> tuple[Property, ...]:
    """Return a claim of every kind."""

    def goal(view: View) -> Iterator[str]:
        if view["c"] != target:
            yield f"c is {view['c']}"

    return (
        *engines._claims(bad, target),
        LeadsTo("answered", "", lambda view: view["a"] == bad, goal),
        Recoverable("recovers", "", goal),
        Recoverable("recovers alone", "", goal, lambda view: view["b"] != bad, lambda name: name != "action 0"),
    )


# The same answer.


@settings(max_examples=40)
@given(random_machines, small, small, st.integers(1, 3), st.integers(1, 5), st.sampled_from([1, 1000]))
def test_any_number_of_workers_says_what_the_oracle_says(
    machine: Machine, bad: int, target: int, workers: int, at_once: int, pilot: int
):
    claims = all_claims(bad, target)
    found = spread(machine, claims, workers, at_once=at_once, pilot=pilot)
    assert essence(found) == essence(explore(machine, claims, Options("plain")))


@settings(max_examples=40)
@given(random_machines, st.sets(st.integers(0, 4), max_size=3), small, small, st.integers(1, 3))
def test_urgency_that_commutes_with_nothing_is_the_same(
    machine: Machine, chosen: set[int], bad: int, target: int, workers: int
):
    def rushed(number: int, action: Action) -> Action:
        def step(view: View) -> Iterator[Outcome]:
            yield from list(action.step(view))[:1]

        if number not in chosen or action.when_quiet:
            return action
        return Action(action.name, action.group, step, action.fairness, urgent=True)

    rushing = Machine(machine.initial, tuple(rushed(number, action) for number, action in enumerate(machine.actions)))
    claims = engines._claims(bad, target)
    assert answer(partial(spread, workers=workers, pilot=1), rushing, claims) == answer(explore, rushing, claims)


def answer(how: Callable[..., Exploration], machine: Machine, claims: Sequence[Property]) -> object:
    try:
        return essence(how(machine, claims))[:3]
    except MachineError as error:
        return type(error), str(error), getattr(error, "trace", None)


@pytest.mark.parametrize("urgent", [True, False])
def test_chains_of_urgent_steps_settle_alike(urgent: bool):  # noqa: FBT001
    machine, claims = engines._confluent((3, 4, 2), 1), engines._chain_claims((3, 4, 2))
    assert essence(spread(machine, claims, 3, urgent=urgent)) == essence(
        explore(machine, claims, Options(urgent=urgent))
    )


def test_a_cluster_is_the_same_to_one_and_to_two():
    folder = str(EXAMPLES / "deadlock")
    machine, claims = Blueprint("kubeproof.harness.distributed", "manifests", (folder,)).make()
    assert essence(spread(machine, claims)) == essence(explore(machine, claims))


def test_the_work_queue_with_liveness_is_the_same_to_three():
    machine, claims = engines.work_queue(3, 2, 2), (engines.converged(3),)
    found = spread(machine, claims, 3)
    assert (found.states, found.transitions) == (34_164, 142_880)
    assert essence(found) == essence(explore(machine, claims))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_cycle_that_goes_through_all_workers_is_the_same_cycle(workers: int):
    machine, claims = engines.dining(5, one_left_handed=True), (engines.eats(0),)
    found = spread(machine, claims, workers, at_once=20)
    assert found["eats"].kind == "livelock"
    assert found["eats"].trace.cycle_start is not None
    assert essence(found) == essence(explore(machine, claims))


def grid(size: int, *, fails_at: tuple[int, int] | None = None, error: Exception | None = None) -> Machine:
    """Return two counters that go up by themselves; at one pair of values the second one fails."""

    def up(slot: str, view: View) -> Iterator[Outcome]:
        if view[slot] < size:
            yield Outcome("up", {slot: view[slot] + 1})

    def fragile(view: View) -> Iterator[Outcome]:
        if fails_at is not None and (view["x"], view["y"]) == fails_at:
            raise error or ValueError("here")
        yield from up("y", view)

    return Machine(({"x": 0, "y": 0},), (Action("x", "x", partial(up, "x")), Action("y", "y", fragile)))


def sums(size: int) -> tuple[Property, ...]:
    def check(view: View) -> Iterator[str]:
        if view["x"] + view["y"] == size:
            yield f"{view['x']} and {view['y']}"

    return (Invariant("sum", "", check), Sometimes("far", "", lambda view: view["x"] == view["y"] == size))


def words() -> Machine:
    """Return a counter in words beside one in digits: two workers meet new words in two orders."""

    def digit(place: int, view: View) -> Iterator[Outcome]:
        name = str(view[f"d{place}"])
        yield Outcome("up", {f"d{place}": (view[f"d{place}"] + 1) % 7, "word": f"{name}{place}{view['word'][:2]}"})

    slots: dict[str, Any] = {f"d{place}": 0 for place in range(3)} | {"word": ""}
    return Machine((slots,), tuple(Action(f"{place}", f"{place}", partial(digit, place)) for place in range(3)))


def test_words_that_two_workers_meet_in_two_orders_are_the_same_words():
    team = Local(lambda: (words(), ()), 2)
    found = search(words(), (), team, pilot=1, at_once=7)
    assert any(not worker.part.dictionary.same for worker in team.workers)
    assert essence(found) == essence(explore(words()))


def test_two_words_that_changed_places_are_told_apart():
    """Each of the two numbers is the other's: back and forth is the same, and yet nothing is where it was."""
    machine, claims = engines.work_queue(2, 2, 1), (engines.converged(2), *sums_of_versions())
    team = Local(lambda: (machine, claims), 2)
    found = search(machine, claims, team, pilot=1)
    assert sorted(worker.part.dictionary.same for worker in team.workers) == [False, True]
    assert essence(found) == essence(explore(machine, claims))


def test_a_worker_may_lay_out_its_states_in_its_own_way():
    machine, claims = engines.work_queue(2, 2, 1), (engines.converged(2), *sums_of_versions())
    team = Local(lambda: (machine, claims), 2)
    part = team.workers[1].part
    part.states.fit([1 << 7] * len(machine.slots()))
    found = search(machine, claims, team)
    assert part.states.words > part.road.words
    assert part.dictionary.same
    assert essence(found) == essence(explore(machine, claims))


def test_slots_take_more_and_more_values_and_states_keep_their_owners():
    machine, claims = grid(70), sums(70)
    team = Local(lambda: (machine, claims), 2)
    found = search(machine, claims, team, pilot=1, at_once=11)
    assert found.states == 71**2
    assert essence(found) == essence(explore(machine, claims))
    assert sum(len(worker.part.numbers) for worker in team.workers) == 71**2


def test_each_of_four_workers_has_about_a_quarter():
    machine = engines.dining(8, one_left_handed=True)
    team = Local(lambda: (machine, ()), 4)
    assert search(machine, (), team).states == 3**8
    shares = [len(worker.part.numbers) for worker in team.workers]
    assert sum(shares) == 3**8
    assert max(shares) < 1.1 * min(shares)
    numbers = sorted(number for worker in team.workers for number in worker.part.numbers)
    assert numbers == list(range(3**8))


class Watched(Local):
    """A team that looks into every parcel."""

    def __init__(self, *arguments: Any, **wishes: Any) -> None:
        super().__init__(*arguments, **wishes)
        self.kinds: set[str] = set()
        self.sent = 0

    def send(self, what: str, arguments: Sequence[Any] = (), parcels: Any = None) -> tuple[list[Any], Any]:
        """Look at what is sent."""
        answers, sent = super().send(what, arguments, parcels)
        for parcel in (parcel for row in sent for parcel in row):
            for column in parcel:
                assert isinstance(column, np.ndarray)
                assert column.flags.c_contiguous
                self.kinds.add(str(column.dtype))
        if what == "deal":
            self.sent += sum(len(parcel[1]) for row in sent for parcel in row)
        return answers, sent


def test_workers_send_each_other_numbers_and_every_step_once():
    machine, claims = engines.work_queue(2, 2, 1), (engines.converged(2),)
    team = Watched(lambda: (machine, claims), 2)
    found = search(machine, claims, team)
    assert team.kinds == {"uint32", "uint64"}
    assert team.sent == found.transitions


# Limits.


@pytest.mark.parametrize(("most", "states"), [(1, 1), (2, 1), (3, 3), (14, 10), (15, 15), (20, 15), (48, 48), (49, 49)])
def test_a_limit_ends_the_search_at_a_level_and_makes_it_unknown(most: int, states: int):
    claims = (Sometimes("far", "", lambda view: view["x"] + view["y"] == 12), sums(4)[0])
    found = spread(grid(6), claims, limits=Limits(max_states=most))
    assert found.states == states  # Levels have 1, 2, 3, ... 7, 6, ... 1 states.
    assert found.complete == (most == 49)
    assert (found["sum"].status is Status.VIOLATED) == (most >= 15)
    if most < 49:
        assert found.why_incomplete == f"the limit of {most} states was hit"
        assert (found["far"].status, found["far"].reason) == (Status.UNKNOWN, found.why_incomplete)
        assert found.status is not Status.HOLDS


@pytest.mark.parametrize("limits", [Limits(timeout=0), Limits(max_memory=1)], ids=["time", "memory"])
def test_time_and_memory_end_it_too(limits: Limits):
    found = spread(grid(3), sums(3), limits=limits)
    assert not found.complete
    assert "limit" in found.why_incomplete
    assert {verdict.status for verdict in found.verdicts} == {Status.UNKNOWN}


def test_a_worker_with_too_much_memory_ends_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kubeproof.model.checker.guard.resident_memory", lambda: 1)
    found = spread(grid(3), sums(3), limits=Limits(max_memory=10))
    assert found.why_incomplete == "the memory limit of 10 bytes was hit by a worker"


def test_a_graph_that_is_too_large_leaves_whole_runs_unknown_and_nothing_else():
    machine, claims = engines.work_queue(2, 1, 1), (engines.converged(2),)
    whole = spread(machine, claims)
    assert whole["converged"].status is Status.HOLDS
    assert essence(spread(machine, claims, most_steps=whole.transitions)) == essence(whole)
    cut = spread(machine, claims, most_steps=whole.transitions - 1)
    assert cut["converged"].status is Status.UNKNOWN
    assert cut["converged"].reason == f"the graph of {whole.transitions:,} steps is too large to be put together"
    assert (cut.states, cut.complete, cut.status) == (whole.states, True, Status.UNKNOWN)


def test_a_state_that_is_stuck_is_a_breach_whatever_the_size_of_the_graph():
    machine, claims = engines.dining(5, one_left_handed=False), (engines.eats(0),)
    found = spread(machine, claims, most_steps=0)
    assert found["eats"] == explore(machine, claims)["eats"]
    assert found["eats"].kind == "stuck"


def test_progress_is_told_of_every_round():
    told: list[Progress] = []
    found = spread(grid(6), (), progress=told.append, at_once=2)
    assert [one.states for one in told] == sorted(one.states for one in told)
    assert (told[-1].states, told[-1].expanded) == (49, 49)
    assert told[-1].depth == found.depth == 12
    assert len(told) > 13


# Mistakes in the machine.


@pytest.mark.parametrize("at", [(0, 0), (3, 1), (7, 9), (9, 9)])
def test_a_step_that_raises_is_reached_by_the_same_trace(at: tuple[int, int]):
    caught = []
    for how in (partial(spread, at_once=3), explore):
        with pytest.raises(StepError, match="y raised ValueError: here") as error:
            how(grid(9, fails_at=at), ())
        caught.append((error.value.seen, error.value.trace))
    assert caught[0] == caught[1]
    assert len(caught[1][1].steps) == sum(at)


def failing(kind: str) -> Property:
    def check(view: View) -> Iterator[str]:
        if view["x"] + view["y"] == 5 and view["x"] % 2:
            raise ValueError("cannot say")
        yield from ()

    def check_step(_before: View, after: View, _label: str) -> Iterator[str]:
        yield from check(after)

    return Invariant("claim", "", check) if kind == "invariant" else StepProperty("claim", "", check_step)


@pytest.mark.parametrize("kind", ["invariant", "step"])
def test_a_property_that_raises_is_told_of_with_the_same_trace(kind: str):
    machine, claims = grid(9), (failing(kind),)
    assert answer(partial(spread, at_once=2), machine, claims) == answer(explore, machine, claims)


def test_a_function_that_changes_its_mind_is_found_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doubts, "RECHECK", 1)
    moods = iter(range(10_000))

    def step(view: View) -> Iterator[Outcome]:
        yield Outcome(f"mood {next(moods) > 20}", {"n": (view["n"] + 1) % 3})

    machine = Machine(({"n": 0, "m": 0},), (Action("moody", "m", step), *grid_of("m")))
    with pytest.raises(ImpureStepError, match="moody gave"):
        spread(machine, (), pilot=1)


def test_a_state_with_more_steps_than_can_be_counted_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(partition_module, "POSITIONS", 2)
    three = Machine((dict.fromkeys("abc", 0),), tuple(action for slot in "abc" for action in grid_of(slot)))
    with pytest.raises(MachineError, match="more than 2 steps"):
        spread(three, ())
    assert spread(grid(2), ()).states == 9


def grid_of(slot: str) -> tuple[Action, ...]:
    def up(view: View) -> Iterator[Outcome]:
        if view[slot] < 50:
            yield Outcome("up", {slot: view[slot] + 1})

    return (Action(f"up {slot}", slot, up),)


def test_values_that_cannot_be_sent_are_named_as_such():
    machine = Machine(({"f": lambda: 0},), ())
    with pytest.raises(MachineError, match="cannot be sent to other processes"):
        spread(machine, ())


def begins(*initial: tuple[int, int]) -> Machine:
    return Machine(tuple({"x": x, "y": y} for x, y in initial), grid(2).actions)


@pytest.mark.parametrize(
    ("other", "claims"),
    [
        (Machine(grid(2).initial, grid(2).actions[:1]), ()),
        (Machine(({"y": 0, "x": 0},), grid(2).actions), ()),
        (grid(2), sums(2)),
        *((begins(place), ()) for place in [(1, 0), (0, 1), (1, 1), (7, 0)]),
        (begins((0, 0), (1, 1)), ()),
    ],
    ids=["fewer actions", "other slots", "more claims", "there", "elsewhere", "with both", "unheard of", "twice"],
)
def test_a_worker_with_another_machine_is_sent_away(other: Machine, claims: tuple[Property, ...]):
    with pytest.raises(MachineError, match="a worker's machine"):
        search(grid(2), (), Local(lambda: (other, claims), 2))


def test_workers_for_whom_nothing_is_urgent_are_not_those_of_a_search_where_something_is():
    machine = engines._confluent((2, 2), 0)
    with pytest.raises(MachineError, match="a worker's machine is not that of the search"):
        search(machine, (), Local(lambda: (machine, ()), 2, urgent=False))


@pytest.mark.parametrize(
    "wish",
    [{"visited": "fingerprint"}, {"memo": False}, {"stop_at_first": True}, {"profile": True}, {"threads": 2},
     {"checkpoint": Path("search")}],
    ids=str,
)  # fmt: skip
def test_what_several_processes_cannot_do_is_refused(wish: dict[str, Any]):
    with pytest.raises(ValueError, match="has only urgent and resume"):
        Options(Partitioned(Local(lambda: (grid(1), ()), 2)), **wish)


def test_several_processes_collect_nothing_and_know_no_orbits():
    met: list[State] = []
    for more in ({"collect": met.append}, {"symmetry": Symmetry({}, {})}):
        with pytest.raises(ValueError, match="collects no states and knows no symmetry"):
            spread(grid(1), (), **more)


# Workers that are lost.


class Fragile(Local):
    """A team that loses a worker at some calls, counted from 1."""

    def __init__(self, *arguments: Any, at: Sequence[int], **wishes: Any) -> None:
        super().__init__(*arguments, **wishes)
        self.at = set(at)
        self.calls = 0
        self.restarts: list[int | None] = []

    def call(self, what: str, arguments: Sequence[Any] = (), parcels: Any = None) -> list[Any]:
        """Lose a worker first, at some calls."""
        self.calls += 1
        if self.calls in self.at:
            self.lose(self.calls % self.size)
        return super().call(what, arguments, parcels)

    def restart(self, level: int | None, values: bytes) -> None:
        """Remember where to."""
        self.restarts.append(level)
        super().restart(level, values)


def losing() -> tuple[Machine, tuple[Property, ...]]:
    return engines.work_queue(1, 2, 1), (engines.converged(1), *sums_of_versions())


def sums_of_versions() -> tuple[Property, ...]:
    def check(view: View) -> Iterator[str]:
        if view["status 0"] == 2:
            yield "done"

    return (Invariant("never done", "", check), Sometimes("crashed", "", lambda view: view["crashes"] == 1))


@pytest.mark.parametrize("keeps", [True, False], ids=["with checkpoints", "without"])
def test_a_worker_may_be_lost_at_any_call(keeps: bool, tmp_path: Path):  # noqa: FBT001
    machine, claims = losing()
    expected = essence(explore(machine, claims))
    whole = Fragile(losing, 2, at=())
    assert essence(search(machine, claims, whole)) == expected
    assert whole.restarts == []
    levels = set()
    for at in range(1, whole.calls + 1, 7):
        team = Fragile(losing, 2, at=[at], folder=tmp_path if keeps else None)
        assert essence(search(machine, claims, team, every=0.0, pilot=1)) == expected
        assert len(team.restarts) == 1
        levels.add(team.restarts[0])
    assert (len(levels) > 5 and None in levels) if keeps else (levels == {None})
    assert len(list(tmp_path.iterdir())) == (3 if keeps else 0)


def test_workers_that_are_lost_again_and_again_leave_it_unknown():
    machine, claims = losing()
    team = Fragile(losing, 2, at=range(3, 500))
    found = search(machine, claims, team)
    assert found.why_incomplete == "workers were lost again and again"
    assert {verdict.status for verdict in found.verdicts} == {Status.UNKNOWN}
    assert len(team.restarts) == conductor.LOSSES


def test_a_breach_that_nobody_can_be_asked_the_way_to_is_unknown_and_shown(tmp_path: Path):
    machine, converged = engines.work_queue(1, 2, 1), engines.converged(1)
    at_once = Invariant("never begins", "", lambda _view: ["it has begun"])
    claims = (at_once, converged)
    team = Fragile(lambda: (machine, claims), 2, at=range(14, 500), folder=tmp_path)
    found = search(machine, claims, team, every=0.0)
    assert found.why_incomplete == "workers were lost again and again"
    assert [verdict.status for verdict in found.verdicts] == [Status.UNKNOWN, Status.UNKNOWN]
    assert found["never begins"].evidence == ("it has begun",)
    assert found["never begins"].trace is None


def test_losses_are_forgiven_where_checkpoints_are_made_between_them(tmp_path: Path):
    machine, claims = losing()
    team = Fragile(losing, 2, at=range(20, 130, 14), folder=tmp_path)
    assert essence(search(machine, claims, team, every=0.0)) == essence(explore(machine, claims))
    assert len(team.restarts) > conductor.LOSSES


def test_a_part_that_was_captured_goes_on_as_if_nothing_had_been(tmp_path: Path):
    machine, claims = losing()
    team = Local(losing, 2, folder=tmp_path)
    search(machine, claims, team, every=0.0)
    (level,) = {path.stem.rpartition("-")[2] for path in tmp_path.glob("worker-*")}
    kept = dict(np.load(tmp_path / f"worker-1-level-{level}.npz"))
    whole = team.workers[1].part
    values = team.workers[0].part.dictionary.layout.tables
    everything = packed(tuple((place, tuple(table)) for place, table in enumerate(values)))
    again = Part(machine, claims, 1, 2, urgent=True)
    again.restore(everything, kept)
    assert again.numbers == whole.numbers[: len(again.numbers)]
    assert again.keys == whole.keys[: len(again.numbers)]
    assert (again.level, again.last) == (kept["head"][0], len(kept["numbers"]))
    kept["rows"] = np.hstack([kept["rows"], kept["rows"]])
    with pytest.raises(ValueError, match="does not fit"):
        Part(machine, claims, 1, 2, urgent=True).restore(everything, kept)


class Power(Exception):  # noqa: N818 - it fails
    """The search itself is gone, and all workers with it."""


class Cut(Fragile):
    """A team that goes away as a whole at some call."""

    def lose(self, worker: int) -> None:
        """Take everything away."""
        raise Power(worker)


def test_a_search_that_was_cut_off_anywhere_can_be_taken_up(tmp_path: Path):
    machine, claims = losing()
    expected = essence(explore(machine, claims))
    calls = Fragile(losing, 2, at=(), folder=tmp_path)
    search(machine, claims, calls, every=0.0)
    levels = set()
    for at in range(2, calls.calls + 1, 11):
        folder = tmp_path / str(at)
        folder.mkdir()
        with pytest.raises(Power):
            search(machine, claims, Cut(losing, 2, at=[at], folder=folder), every=0.0, pilot=1)
        again = Fragile(losing, 2, at=(), folder=folder)
        assert essence(search(machine, claims, again, every=0.0, resume=True)) == expected
        levels.update(again.restarts or [None])
        assert len(list(folder.glob("worker-*.npz"))) == 2
    assert len(levels) > 4


class HalfSaved(Local):
    """A team that goes away while one of its workers has written a level down, and the other has not."""

    at = 0

    def save(self, level: int, content: bytes) -> bool:
        """Write half of it."""
        if level < self.at:
            return super().save(level, content)
        self._worker(0).save(level)
        raise Power(level)


@pytest.mark.parametrize("level", [2, 3, 7])
def test_a_checkpoint_that_is_half_written_is_none(level: int, tmp_path: Path):
    machine, claims = losing()
    team = HalfSaved(losing, 2, folder=tmp_path)
    team.at = level
    with pytest.raises(Power):
        search(machine, claims, team, every=0.0)
    again = Fragile(losing, 2, at=(), folder=tmp_path)
    assert essence(search(machine, claims, again, resume=True)) == essence(explore(machine, claims))
    assert again.restarts == ([level - 1] if level > 2 else [])


def test_a_checkpoint_is_taken_up_by_its_own_search_only(tmp_path: Path):
    machine, claims = losing()
    search(machine, claims, Local(losing, 2, folder=tmp_path), every=0.0)
    with pytest.raises(CheckpointError, match="its workers differ"):
        search(machine, claims, Local(losing, 3, folder=tmp_path), resume=True)
    with pytest.raises(CheckpointError, match="its properties differ"):
        search(machine, claims[1:], Local(losing, 2, folder=tmp_path), resume=True)
    kept = (tmp_path / "search.bin").read_bytes()
    for content, message in ((kept[:20], "cannot be read"), (pickle.dumps("nothing"), "none of a search")):
        (tmp_path / "search.bin").write_bytes(content)
        with pytest.raises(CheckpointError, match=message):
            search(machine, claims, Local(losing, 2, folder=tmp_path), resume=True)
    (tmp_path / "search.bin").write_bytes(kept)
    next(tmp_path.glob("worker-1-*")).write_bytes(b"PK broken")
    with pytest.raises(CheckpointError, match="cannot be read by worker 1"):
        search(machine, claims, Local(losing, 2, folder=tmp_path), resume=True)


# How a worker gets its machine.


def test_a_machine_may_come_from_a_file():
    blueprint = Blueprint(str(MACHINES / "dining.py"), "dining", (3,))
    with pytest.raises(TypeError):
        blueprint.make()
    with pytest.raises(ModuleNotFoundError, match="is no module"):
        Blueprint("nowhere.py", "dining").make()
    assert Blueprint("nowhere.py", "dining").module == str(Path("nowhere.py").resolve())
