"""The depth limit: the same cut for every engine, UNKNOWN for what lies beyond, and nothing for what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from kubeproof.harness.cli import cli
from kubeproof.harness.distributed import Local
from kubeproof.model.checker import Exploration, Limits, Options, Status, explore
from kubeproof.model.checker.partition.team import Partitioned
from kubeproof.model.machine import Action, Invariant, Machine, Outcome, View
from places import EXAMPLES

WHERE = "the depth limit of 2 steps was hit"


def grid(size: int) -> Machine:
    """Count two numbers up: there are d + 1 states with depth d, and fewer again towards the end."""

    def up(slot: str, view: View) -> Iterator[Outcome]:
        if view[slot] < size:
            yield Outcome(f"{slot} up", {slot: view[slot] + 1})

    return Machine(({"a": 0, "b": 0},), tuple(Action(slot, slot, partial(up, slot)) for slot in "ab"))


def below(bound: int) -> Invariant:
    def check(view: View) -> Iterator[str]:
        if view["a"] + view["b"] >= bound:
            yield f"{view['a']} and {view['b']}"

    return Invariant("below", "The sum stays small.", check)


def parted(machine: Machine, claims: tuple[Invariant, ...], limits: Limits) -> Exploration:
    return explore(machine, claims, Options(Partitioned(Local(lambda: (machine, claims), 2))), limits=limits)


ENGINES: dict[str, Callable[..., Exploration]] = {
    **{name: partial(explore, options=Options(name)) for name in ("plain", "rows", "columns")},
    "two threads": partial(explore, options=Options("columns", threads=2)),
    "two workers": parted,
}


@pytest.mark.parametrize("engine", ENGINES)
def test_states_up_to_the_limit_are_judged_and_expanded_and_no_others(engine: str):
    found = ENGINES[engine](grid(9), (below(3),), limits=Limits(max_depth=2))
    assert (found.states, found.transitions, found.depth) == (1 + 2 + 3 + 4, 2 * (1 + 2 + 3), 3)
    assert (found.complete, found.why_incomplete) == (False, WHERE)
    assert (found["below"].status, found["below"].reason) == (Status.UNKNOWN, WHERE)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_breach_within_the_limit_is_a_breach(engine: str):
    verdict = ENGINES[engine](grid(9), (below(2),), limits=Limits(max_depth=2))["below"]
    assert (verdict.status, len(verdict.trace.steps)) == (Status.VIOLATED, 2)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_machine_that_is_not_deeper_is_searched_to_its_end(engine: str):
    found = ENGINES[engine](grid(3), (below(7),), limits=Limits(max_depth=6))
    assert (found.complete, found.states, found["below"].status) == (True, 16, Status.HOLDS)


@pytest.mark.parametrize("engine", ["rows", "columns"])
def test_a_search_that_is_taken_up_stops_at_the_same_depth(engine: str, tmp_path: Path):
    kept = tmp_path / "kept"
    for most in (4, 7, 8, None):
        limits = Limits(max_states=most, max_depth=3)
        found = explore(grid(9), (below(99),), Options(engine, checkpoint=kept, resume=True), limits=limits)
    assert (found.states, found.depth, found.why_incomplete) == (15, 4, "the depth limit of 3 steps was hit")


def test_the_command_line_takes_the_limit_and_never_calls_it_holds(tmp_path: Path):
    example = EXAMPLES / "drain-blocked"
    wishes = ["--max-depth", "1", "--trace-dir", str(tmp_path), "--quiet"]
    done = CliRunner().invoke(cli, ["check", str(example), *wishes])
    shallow = CliRunner().invoke(cli, ["check", str(example), "--max-depth", "0"])
    assert (done.exit_code, "UNKNOWN" in done.output, "convergence    HOLDS" in done.output) == (3, True, False)
    assert (shallow.exit_code, "--max-depth" in shallow.output) == (2, True)
