"""A search that is killed, interrupted or limited goes on where it was, and says what it would have said in one go."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubeproof.harness.cli import main
from kubeproof.model.checker import Checkpoint, CheckpointError, Exploration, Limits, Options, explore
from kubeproof.model.checker import layout as layout_module
from kubeproof.model.checker.book import Book
from kubeproof.model.checker.checkpoint import Keeper, Saved
from kubeproof.model.checker.guard import Guard
from kubeproof.model.checker.plain import Plain
from kubeproof.model.machine import (
    Action,
    Converges,
    Fairness,
    Invariant,
    Machine,
    Outcome,
    Property,
    Sometimes,
    State,
    StepProperty,
    View,
)
from places import EXAMPLES, MACHINES, load

explore_module = sys.modules[explore.__module__]


def counters(count: int, top: int) -> Machine:
    """Return independent counters: (top + 1) ** count states."""

    def up(n: int):
        def step(view: View) -> Iterator[Outcome]:
            if view[f"c{n}"] < top:
                yield Outcome("up", {f"c{n}": view[f"c{n}"] + 1})
            elif n == 0:
                yield Outcome("over", {"c0": 0})

        return step

    actions = (Action(f"c{n}: count", f"c{n}", up(n), Fairness.WEAK if n else Fairness.NONE) for n in range(count))
    return Machine(({f"c{n}": 0 for n in range(count)},), tuple(actions))


def claims(bad: int) -> tuple[Property, ...]:
    def never(view: View) -> Iterator[str]:
        if view["c1"] == bad and view["c0"] == bad:
            yield f"both are {bad}"

    def no_wrap(before: View, after: View, label: str) -> Iterator[str]:
        if label == "over" and before["c1"] == bad and after["c0"] == 0:
            yield "wrapped"

    def full(view: View) -> Iterator[str]:
        if view["c1"] < bad:
            yield "not full"

    return (
        Invariant("never", "", never),
        StepProperty("no wrap", "", no_wrap),
        Sometimes("both", "", lambda view: view["c0"] == bad and view["c2"] == bad),
        Converges("full", "", full),
        Converges("full together", "", lambda view: ["no"] if view["c0"] < bad else []),
    )


def essence(result: Exploration) -> tuple[object, ...]:
    counts = [(action.name, action.enabled, action.taken, action.new) for action in result.statistics.actions]
    sizes = (result.states, result.transitions, result.depth, result.complete)
    return (*sizes, result.verdicts, counts, result.statistics.widest)


def in_pieces(machine: Machine, properties: tuple[Property, ...], file: Path, step: int, engines: tuple[str, ...]):
    """Return the result of a search that hits a limit on states again and again."""
    for number, limit in enumerate(range(step, 10_000, step)):
        result = explore(
            machine,
            properties,
            Options(engines[number % len(engines)], checkpoint=file, resume=True),
            limits=Limits(max_states=limit),
        )
        if result.complete:
            return result
    raise AssertionError("it never ended")


ENGINES = [("rows",), ("plain",), ("rows", "plain"), ("columns",), ("rows", "columns"), ("columns", "plain", "rows")]


@pytest.mark.parametrize("engines", ENGINES, ids=" and ".join)
@pytest.mark.parametrize("bad", [2, 6])
def test_a_search_in_pieces_says_what_it_says_in_one_go(tmp_path: Path, engines: tuple[str, ...], bad: int):
    machine = counters(3, 6)
    whole = explore(machine, claims(bad))
    assert whole.states == 7**3
    pieces = in_pieces(machine, claims(bad), tmp_path / "search", 90, engines)
    assert essence(pieces) == essence(whole)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    st.integers(65, 400), st.integers(0, 6), st.sampled_from([0.0, 30.0]), st.sampled_from(["rows", "columns", "auto"])
)
def test_wherever_a_limit_strikes_nothing_is_lost(tmp_path: Path, step: int, bad: int, every: float, engine: str):
    file = tmp_path / "search"
    file.unlink(missing_ok=True)
    machine = counters(3, 6)
    whole = explore(machine, claims(bad))
    explore(machine, claims(bad), Options(checkpoint=file, engine=engine), limits=Limits(max_states=step))
    resumed = explore(
        machine, claims(bad), Options(checkpoint=Checkpoint(file, every=every), resume=True, engine=engine)
    )
    assert essence(resumed) == essence(whole)


@pytest.mark.parametrize("engine", ["rows", "columns"])
def test_ctrl_c_leaves_a_file_to_go_on_from(tmp_path: Path, engine: str):
    machine, seen = counters(3, 6), []

    def interrupt(state: State) -> None:
        seen.append(state)
        if len(seen) == 200:
            raise KeyboardInterrupt

    cut = explore(machine, claims(2), Options(checkpoint=tmp_path / "search", engine=engine), collect=interrupt)
    assert (cut.complete, cut.why_incomplete) == (False, "interrupted (Ctrl-C)")
    shown: list[State] = []
    file = tmp_path / "search"
    resumed = explore(machine, claims(2), Options(checkpoint=file, resume=True, engine=engine), collect=shown.append)
    assert essence(resumed) == essence(explore(machine, claims(2)))
    assert len(shown) == len(set(shown)) == resumed.states
    assert shown[:199] == seen[:199]


@pytest.mark.parametrize("engine", ["rows", "plain", "columns"])
def test_a_finished_search_is_not_searched_again(tmp_path: Path, engine: str):
    machine = counters(3, 6)
    whole = explore(machine, (), Options(checkpoint=tmp_path / "search", engine=engine))
    again = explore(machine, (), Options(checkpoint=tmp_path / "search", engine=engine, resume=True))
    assert essence(again) == essence(whole)
    assert (whole.statistics.calls > 0, again.statistics.calls) == (True, 0)


def test_the_time_of_all_runs_is_added_up(tmp_path: Path):
    def slowly(_state: State) -> None:
        sleep(0.001)

    first = explore(counters(3, 6), (), Options(checkpoint=tmp_path / "search"), collect=slowly)
    again = explore(counters(3, 6), (), Options(checkpoint=tmp_path / "search", resume=True))
    assert again.seconds > first.seconds - 0.1 > 0.2


def test_a_search_that_has_just_begun_anew_does_not_replace_the_file(tmp_path: Path):
    book = Book(counters(3, 6), (), urgent=True, stop_at_first=False)
    engine = Plain(book, Guard())
    keeper = Keeper(Checkpoint(tmp_path / "search"), engine)
    engine.run()
    keeper.tick(book, 0.0)
    book.clear()
    keeper.save(book, 0.0)
    assert not (tmp_path / "search").exists()


def test_a_search_without_resume_begins_anew(tmp_path: Path):
    machine = counters(3, 6)
    explore(machine, (), Options(checkpoint=tmp_path / "search"))
    assert explore(machine, (), Options(checkpoint=tmp_path / "search")).statistics.calls > 0


def test_ids_grow_wide_in_the_middle_of_a_resumed_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(layout_module, "CODES", ("B", "I"))
    monkeypatch.setattr("kubeproof.model.checker.rows.CODES", ("B", "I"))
    machine = counters(1, 700)
    whole = explore(machine, ())
    cut = explore(machine, (), Options(checkpoint=tmp_path / "search"), limits=Limits(max_states=200))
    assert (cut.states, whole.states) == (200, 701)
    resumed = explore(machine, (), Options(checkpoint=tmp_path / "search", resume=True))
    assert essence(resumed) == essence(whole)
    assert essence(explore(machine, (), Options(checkpoint=tmp_path / "search", resume=True))) == essence(whole)


def test_urgent_steps_survive(tmp_path: Path):
    def copy(view: View) -> Iterator[Outcome]:
        if view["copy"] != view["c0"]:
            yield Outcome("copy", {"copy": view["c0"]})

    plain = counters(3, 6)
    initial = ({**plain.initial[0], "copy": 0},)
    machine = Machine(initial, (*plain.actions, Action("copy", "copy", copy, urgent=True)))
    whole = explore(machine, claims(6))
    assert whole.states == 7**3
    for engines in (("rows", "plain"), ("columns",)):
        file = tmp_path / "-".join(engines)
        assert essence(in_pieces(machine, claims(6), file, 100, engines)) == essence(whole)


def test_states_of_several_words_survive(tmp_path: Path):
    machine = counters(3, 6)
    wide = Machine(({**machine.initial[0], **{f"idle {n}": "x" * n for n in range(40)}},), machine.actions)
    stirring = Machine(wide.initial, (*wide.actions, *(Action(f"i{n}", f"i{n}", _touch(n)) for n in range(40))))
    limits = Limits(max_states=3000)
    whole = explore(stirring, (), limits=limits)
    explore(stirring, (), Options(checkpoint=tmp_path / "search", engine="columns"), limits=Limits(max_states=900))
    resumed = explore(
        stirring, (), Options(checkpoint=tmp_path / "search", resume=True, engine="columns"), limits=limits
    )
    assert essence(resumed)[:4] == essence(whole)[:4]


def _touch(n: int):
    def step(view: View) -> Iterator[Outcome]:
        if len(view[f"idle {n}"]) == n:
            yield Outcome("touch", {f"idle {n}": "y" * (n + 1)})

    return step


def test_a_large_search_goes_on_with_columns_where_rows_left_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    taken_up: list[int] = []
    load = Keeper.load

    def watched(keeper: Keeper) -> Saved | None:
        saved = load(keeper)
        taken_up.append(0 if saved is None else saved.mark.expanded)
        return saved

    monkeypatch.setattr(explore_module, "LARGE", 100)
    monkeypatch.setattr(Keeper, "load", watched)
    machine = counters(3, 6)
    whole = explore(machine, claims(2))
    kept = explore(machine, claims(2), Options("auto", checkpoint=tmp_path / "search"))
    assert essence(kept) == essence(whole)
    (expanded,) = taken_up  # What rows found is not found again.
    assert expanded > 0
    cut = explore(machine, claims(2), Options("auto", checkpoint=tmp_path / "cut"), limits=Limits(max_states=250))
    assert (cut.states, cut.complete) == (250, False)
    assert essence(explore(machine, claims(2), Options("auto", checkpoint=tmp_path / "cut", resume=True))) == essence(
        whole
    )
    before = (tmp_path / "cut").stat().st_mtime_ns
    anew = explore(machine, claims(2), Options("auto", checkpoint=tmp_path / "cut"))  # Nobody said to resume.
    assert anew.statistics.calls > 0
    assert (tmp_path / "cut").stat().st_mtime_ns > before


# Files that must not be taken up.


def kept(file: Path, machine: Machine, properties: tuple[Property, ...] = (), tag: str = "") -> Path:
    limits = Limits(max_states=200)
    assert not explore(machine, properties, Options(checkpoint=Checkpoint(file, tag=tag)), limits=limits).complete
    return file


def refusal(
    file: Path, machine: Machine, properties: tuple[Property, ...] = (), tag: str = "", *, urgent: bool = True
) -> str:
    with pytest.raises(CheckpointError) as error:
        explore(machine, properties, Options(urgent=urgent, checkpoint=Checkpoint(file, tag=tag), resume=True))
    return str(error.value).replace(str(file), "FILE")


def test_the_checkpoint_of_another_search_is_refused_by_what_differs(tmp_path: Path):
    machine = counters(3, 6)
    file = kept(tmp_path / "search", machine, claims(2))
    other = "FILE is the checkpoint of another search: it differs in its {}"
    first, *rest = machine.actions
    renamed = Machine(machine.initial, (evolve(first, name="other"), *rest))
    unfair = Machine(machine.initial, (evolve(first, fairness=Fairness.STRONG), *rest))
    elsewhere = Machine(({"c0": 1, "c1": 0, "c2": 0},), machine.actions)
    assert refusal(file, counters(4, 6), claims(2)) == other.format("slots")
    assert refusal(file, renamed, claims(2)) == other.format("actions")
    assert refusal(file, unfair, claims(2)) == other.format("actions")
    assert refusal(file, elsewhere, claims(2)) == other.format("initial states")
    assert refusal(file, machine, claims(2)[1:]) == other.format("properties")
    assert refusal(file, machine, claims(2), tag="other") == other.format("input")
    assert refusal(file, machine, claims(2), urgent=False) == other.format("handling of urgent actions")


def test_a_machine_whose_steps_have_changed_is_refused(tmp_path: Path):
    def step(view: View) -> Iterator[Outcome]:
        if view["c1"] < 6:
            yield Outcome("up", {"c1": view["c1"] + 2})

    machine = counters(3, 6)
    changed = Machine(machine.initial, (machine.actions[0], evolve(machine.actions[1], step=step), machine.actions[2]))
    file = kept(tmp_path / "search", machine)
    assert refusal(file, changed) == "the steps of the machine are no longer those the checkpoint was made with"


def test_a_damaged_file_and_another_file_are_refused(tmp_path: Path):
    machine = counters(3, 6)
    file = kept(tmp_path / "search", machine)
    content = file.read_bytes()
    file.write_bytes(content[:-5])
    assert refusal(file, machine) == "FILE is damaged"
    file.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
    assert refusal(file, machine) == "FILE is damaged"
    file.write_text("apiVersion: v1\n", encoding="utf-8")
    assert refusal(file, machine) == "FILE is no checkpoint, or one of another version: it is not written over"
    assert refusal(tmp_path, machine).endswith("Is a directory")


def test_a_file_that_is_no_checkpoint_is_not_written_over(tmp_path: Path):
    file = tmp_path / "deployment.yaml"
    file.write_text("apiVersion: v1\n", encoding="utf-8")
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        explore(counters(3, 6), (), Options(checkpoint=file))
    assert file.read_text(encoding="utf-8") == "apiVersion: v1\n"


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path):
    with pytest.raises(CheckpointError, match="No such file or directory"):
        explore(counters(3, 6), (), Options(checkpoint=tmp_path / "missing" / "search"))


def test_values_that_cannot_be_written_are_told_before_the_search(tmp_path: Path):
    machine = Machine(({"a": lambda: 1},), ())
    with pytest.raises(CheckpointError, match="the values of the machine cannot be written"):
        explore(machine, (), Options(checkpoint=tmp_path / "search"))


def test_a_write_that_fails_leaves_the_last_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    machine = counters(3, 6)
    file = kept(tmp_path / "search", machine)
    before = file.read_bytes()

    def full(_file: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CheckpointError, match="No space left"):
        explore(machine, (), Options(checkpoint=file, resume=True))
    assert file.read_bytes() == before


def test_fingerprints_and_resuming_from_nothing_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="fingerprints keep no states"):
        explore(counters(3, 6), (), Options(checkpoint=tmp_path / "search", visited="fingerprint"))
    with pytest.raises(ValueError, match="nothing to resume without a checkpoint"):
        explore(counters(3, 6), (), Options(resume=True))


# The command line.


def test_the_command_line_keeps_a_search_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def run(example: str, *options: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["check", str(EXAMPLES / example), "--quiet", "--trace-dir", str(tmp_path), *options])
        return (ended.value.code, *capsys.readouterr())

    file = str(tmp_path / "search")
    assert run("full-nodes", "--checkpoint", file, "--max-states", "3")[0] == 3
    resumed = run("full-nodes", "--checkpoint", file, "--resume")
    assert resumed == run("full-nodes")
    assert resumed[0] == 1
    code, _, message = run("full-nodes-repaired", "--checkpoint", file, "--resume")
    assert (code, message.endswith("is the checkpoint of another search: it differs in its input\n")) == (2, True)
    code, _, message = run("full-nodes", "--resume")
    assert (code, message) == (2, "--resume: say with --checkpoint which file to go on from\n")


# kill -9.

KILLED = """
import importlib.util, json, os, random, signal, sys, time
from pathlib import Path
from kubeproof.model.checker import Checkpoint, Options, checkpoint as module, explore

module.SHARE = 1  # Half of the time goes into writing: many kills fall into it.
spec = importlib.util.spec_from_file_location("example", sys.argv[1])
example = importlib.util.module_from_spec(spec)
spec.loader.exec_module(example)
checkpoint = Checkpoint(Path(sys.argv[2]), every=0)
engine, managers = sys.argv[3], int(sys.argv[4])
explore(example.two_phase_commit(1), (), Options(engine))  # Whatever must be loaded is loaded now.
moments = random.Random(20)
sizes = []
for _ in range(20):
    child = os.fork()
    if child == 0:
        explore(example.two_phase_commit(managers), (), Options(engine, checkpoint=checkpoint, resume=True))
        os._exit(0)
    time.sleep(moments.uniform(0.01, 0.12))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    size = checkpoint.path.stat().st_size if checkpoint.path.exists() else 0
    sizes.append((os.WIFSIGNALED(status), size))
print(json.dumps(sizes))
"""


@pytest.mark.parametrize(("engine", "managers"), [("rows", 6), ("columns", 7)])
def test_twenty_kills_at_random_moments_change_nothing(tmp_path: Path, engine: str, managers: int):
    example = MACHINES / "two_phase_commit.py"
    file = tmp_path / "search"
    run = [sys.executable, "-c", KILLED, str(example), str(file), engine, str(managers)]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60)
    sizes = json.loads(done.stdout)
    killed = [size for was_killed, size in sizes if was_killed]
    assert len(killed) >= 5
    assert len(set(killed)) >= 3  # It came further between kills, and was killed before its end.
    assert [size for _, size in sizes] == sorted(size for _, size in sizes)
    machine = _example(example).two_phase_commit(managers)
    resumed = explore(machine, (), Options(checkpoint=file, resume=True, engine=engine))
    assert essence(resumed) == essence(explore(machine, (), Options(engine)))
    assert resumed.states == 4**managers + 6**managers + 2**managers


def _example(path: Path):
    return load(path)
