"""What a search says of its own cost: counts that arithmetic confirms, time by a clock of the test's own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import count
from math import comb
from pathlib import Path

import pytest
from attrs import evolve

from kubeproof.harness.cli import main
from kubeproof.model.checker import Exploration, GroupStatistics, Limits, Options, Status, Timing, explore
from kubeproof.model.checker.book import Book
from kubeproof.model.checker.guard import Guard
from kubeproof.model.checker.plain import Plain
from kubeproof.model.checker.profile import Stopwatch, lines, to_json
from kubeproof.model.machine import Action, Converges, Invariant, Machine, Outcome, Sometimes, StepProperty, View
from places import EXAMPLES


def up(slot: str, top: int, by: int = 1):
    def step(view: View) -> Iterator[Outcome]:
        if view[slot] + by <= top:
            yield Outcome("up", {slot: view[slot] + by})

    return step


def grid(top: int) -> Machine:
    """Return two counters up to a top, an action that never is enabled, and an urgent one that counts the first."""
    actions = (
        Action("a: up", "left", up("a", top)),
        Action("b: up", "right", up("b", top)),
        Action("b: leap", "right", up("b", top, top + 1)),
        Action("copy", "copier", lambda view: [Outcome("copy", {"c": view["a"]})], urgent=True),
    )
    return Machine(({"a": 0, "b": 0, "c": 0},), actions)


@pytest.mark.parametrize("engine", ["rows", "plain"])
def test_the_histogram_counts_the_states_first_reached_after_so_many_steps(engine: str):
    depths = explore(grid(3), options=Options(engine)).statistics.depths
    assert depths == (1, 2, 3, 4, 3, 2, 1)
    chain = Machine(({"a": 0}, {"a": 5}), (Action("up", "up", up("a", 7)),))
    assert explore(chain, options=Options(engine)).statistics.depths == (2, 2, 2, 1, 1)
    assert explore(Machine(({"a": 0},), ()), options=Options(engine)).statistics.depths == (1,)


def test_the_histogram_of_independent_bits_is_a_row_of_pascals_triangle():
    bits = tuple(Action(f"set {n}", f"{n}", up(f"{n}", 1)) for n in range(8))
    result = explore(Machine(({f"{n}": 0 for n in range(8)},), bits))
    assert result.statistics.depths == tuple(comb(8, n) for n in range(9))


@pytest.mark.parametrize("roots", [(0,), (0, 1, 2), (9, 0, 8, 4, 5), (3, 9, 9, 1)])
def test_the_histogram_counts_what_each_states_own_way_says(roots: tuple[int, ...]):
    actions = (Action("up", "up", up("a", 20)), Action("leap", "up", up("a", 20, 5)))
    book = Book(Machine(tuple({"a": root} for root in roots), actions), (), urgent=True, stop_at_first=False)
    Plain(book, Guard(Limits(), None), None).run()
    depths = Counter(book.depth(number) for number in range(len(book.parent)))
    assert book.depths() == tuple(depths[depth] for depth in range(max(depths) + 1))


def test_groups_add_up_their_actions_and_say_how_often_the_answer_was_known():
    result = explore(grid(3))
    left, right, copier = result.statistics.groups
    assert (left.group, left.enabled, left.taken, left.new) == ("left", 12, 12, 3)
    assert (right.group, right.enabled, right.taken, right.new) == ("right", 12, 12, 12)
    assert (left.situations, left.calls, right.situations) == (4, 4, 8)
    assert (left.looks, left.hits) == (1 + 3, 0)  # At the start, and where a state was found by a change of `a`.
    assert (right.looks, right.hits) == (2 * (1 + 12), 2 * (1 + 12) - 8)
    assert copier.enabled == 0
    assert GroupStatistics("g", 0, 0, 0, 0, 7, 3).hits == 0


def test_only_what_could_have_been_counted_is_said_to_be_never_enabled():
    assert explore(grid(3)).statistics.never_enabled == ("b: leap",)
    idle = Action("idle", "idle", lambda _view: [], urgent=True)
    machine = evolve(grid(3), actions=(*grid(3).actions, idle))
    assert explore(machine).statistics.never_enabled == ("b: leap",)
    assert explore(machine, options=Options(urgent=False)).statistics.never_enabled == ("b: leap", "idle")


def test_the_peak_is_at_least_what_was_held_and_at_most_a_machine():
    held = bytearray(50_000_000)
    peak = explore(grid(1)).statistics.peak_memory
    assert len(held) < peak < 2**44


# The profile.

CLAIMS = (
    Invariant("small", "", lambda view: ["big"] if view["a"] > 3 else [], premise=lambda view: view["b"] > 1),
    StepProperty("no fall", "", lambda before, after, _: ["fell"] if after["a"] < before["a"] else []),
    Sometimes("top", "", lambda view: view["a"] == 3),
    Converges("full", "", lambda view: (reason for reason in ["not yet"] if view["a"] < 3)),
)


@pytest.mark.parametrize("engine", ["rows", "plain"])
def test_a_profile_names_every_function_and_changes_no_answer(engine: str):
    bare = explore(grid(3), CLAIMS, Options(engine))
    measured = explore(grid(3), CLAIMS, Options(engine, profile=True))
    assert measured.verdicts == bare.verdicts
    assert bare.statistics.profile == ()
    profile = {one.name: one for one in measured.statistics.profile}
    claims = {"small", "small (premise)", "no fall", "top", "full (goal)"}
    assert set(profile) == {"a: up", "b: up", "b: leap", "copy"} | claims
    assert all(one.calls and one.seconds >= 0 for one in profile.values())
    assert profile["top"].calls == (4 if engine == "rows" else 16)
    assert [one.seconds for one in measured.statistics.profile] == sorted(
        (one.seconds for one in profile.values()), reverse=True
    )


def test_a_stopwatch_adds_up_the_time_inside_iterators_too():
    ticks = count()
    watch = Stopwatch(lambda: float(next(ticks)))

    def slow(_view: object) -> Iterator[int]:
        yield next(ticks)

    timed = watch.timed("slow", slow)
    assert (timed(None), timed(None)) == ((1,), (4,))
    assert watch.timings() == (Timing("slow", 2, 4.0),)


def test_a_stopwatch_counts_a_call_that_raises():
    watch = Stopwatch(iter([0.0, 3.0]).__next__)
    with pytest.raises(ZeroDivisionError):
        watch.timed("bad", lambda _view: 1 / 0)(None)
    assert watch.timings() == (Timing("bad", 1, 3.0),)


# As text and as JSON.


def settled(result: Exploration) -> Exploration:
    """Return a result with the figures that differ from run to run replaced."""
    statistics = evolve(result.statistics, peak_memory=3 * 2**20, profile=(Timing("a: up", 4, 0.0125),))
    return evolve(result, seconds=0.5, statistics=statistics)


def test_the_text_draws_the_depths_and_lists_the_groups():
    assert lines(settled(explore(grid(2)))) == (
        "9 states, 12 transitions, 0.5 s, 18 states/s",
        "peak memory 3 MiB",
        "12 Python calls, 1.000 per transition",
        "",
        "    depth       states",
        "        0            1 ##############",
        "        1            2 ###########################",
        "        2            3 ########################################",
        "        3            2 ###########################",
        "        4            1 ##############",
        "",
        "group       enabled        taken          new   situations        calls         hits",
        "left              6            6            2            3            3            0",
        "right             6            6            6            6            6            8",
        "copier            0            0            0            3            3           12",
        "",
        "never enabled: b: leap",
        "",
        "slots with the most values: a (3), b (3), c (3)",
        "",
        "  seconds      calls  Python time of",
        "    0.013          4  a: up",
    )


def test_many_depths_share_bars():
    text = lines(settled(explore(Machine(({"a": 0},), (Action("up", "up", up("a", 39)),)))))
    assert "      0-2            3 ########################################" in text
    assert "       39            1 ##############" in text


def test_the_json_holds_the_same():
    found = to_json(settled(explore(grid(2))))
    assert found["depths"] == [1, 2, 3, 2, 1]
    assert found["groups"][0] == {
        "group": "left",
        "enabled": 6,
        "taken": 6,
        "new": 2,
        "situations": 3,
        "calls": 3,
        "looks": 3,
        "hits": 0,
    }
    assert found["neverEnabled"] == ["b: leap"]
    assert found["profile"] == [{"name": "a: up", "calls": 4, "seconds": 0.0125}]
    assert (found["peakMemory"], found["callsPerTransition"]) == (3 * 2**20, 1.0)
    assert json.loads(json.dumps(found)) == found


def test_the_command_line_prints_both(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    folder = str(EXAMPLES / "full-nodes")

    def run(*options: str) -> str:
        with pytest.raises(SystemExit):
            main(["check", folder, "--trace-dir", str(tmp_path), *options])
        return capsys.readouterr().out

    assert "Python time of" not in run("--quiet")
    text = run("--quiet", "--statistics")
    assert "    depth       states\n        0            1 " in text
    assert "Python time of" in text
    report = json.loads(run("--json", "--statistics"))
    assert sum(report["statistics"]["depths"]) == report["states"]
    assert report["statistics"]["profile"]
    assert json.loads(run("--json"))["statistics"]["profile"] == []


def test_a_search_without_states_has_no_rate():
    result = evolve(explore(Machine(({"a": 0},), ())), seconds=0.0)
    assert lines(result)[0] == "1 states, 0 transitions, 0.0 s"
    assert result.status is Status.HOLDS
