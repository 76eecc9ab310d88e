"""The same search with workers that are Ray actors, of which some are killed."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kubeproof.harness.distributed import Blueprint, Made, load
from kubeproof.model.checker import Exploration, Options, Status, explore
from kubeproof.model.checker.partition.team import Partitioned
from kubeproof.model.machine import Invariant, Machine, MachineError, View

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Those of Ray are its own affair.
    import ray

    from kubeproof.harness.distributed_ray import RayTeam, explore_on_ray

pytestmark = [pytest.mark.xdist_group("ray"), pytest.mark.filterwarnings("default")]

HERE = Path(__file__)
MACHINES = HERE.parents[2] / "examples" / "machines"  # an actor loads this file and finds nothing else of the tests


def queue(crashes: int, first: int = 0) -> Made:
    """Return a work queue of two objects, with claims that hold, one on whole runs among them, and one that fails."""
    module = load(MACHINES / "work_queue.py")

    def never(view: View) -> Iterator[str]:
        if view["crashes"] == crashes and view["status 1"] == 2:
            yield "it got there all the same"

    machine = module.work_queue(2, 2, crashes)
    begin = {**machine.initial[0], "crashes": first}
    return Machine((begin,), machine.actions), (*module.in_order(2), module.converged(2), Invariant("never", "", never))


def essence(result: Exploration) -> tuple[object, ...]:
    counts = [(action.name, action.enabled, action.taken, action.new) for action in result.statistics.actions]
    whole = (result.states, result.transitions, result.depth, result.complete, result.why_incomplete)
    return (result.verdicts, whole, counts, result.statistics.widest, result.statistics.depths)


@pytest.fixture(scope="module")
def _cluster() -> Iterator[None]:
    """Start Ray on this machine with two processors."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100_000_000, log_to_driver=False)
    yield
    ray.shutdown()


class Mortal(RayTeam):
    """A team of which somebody is killed when some call is made, counted from 1."""

    def __init__(self, *arguments: Any, kills: dict[int, int], **wishes: Any) -> None:
        super().__init__(*arguments, **wishes)
        self.kills = kills
        self.calls = 0
        self.restarts: list[int | None] = []

    def call(self, what: str, arguments: Sequence[Any] = (), parcels: Any = None) -> list[Any]:
        """Kill first, or on the way."""
        self.calls += 1
        if self.calls in self.kills:
            ray.kill(self.actors[self.kills[self.calls]])
        return super().call(what, arguments, parcels)

    def restart(self, level: int | None, values: bytes) -> None:
        """Remember where to."""
        self.restarts.append(level)
        super().restart(level, values)


@pytest.mark.usefixtures("_cluster")
def test_two_actors_say_what_one_process_says():
    machine, claims = queue(1)
    expected = explore(machine, claims)
    found = explore_on_ray(Blueprint(str(HERE), "queue", (1,)), 2, pilot=1, at_once=50)
    assert essence(found) == essence(expected)
    assert [verdict.status for verdict in found.verdicts] == [Status.HOLDS] * 3 + [Status.VIOLATED]
    assert len(found["never"].trace.steps) > 3


@pytest.mark.usefixtures("_cluster")
def test_actors_that_are_killed_are_replaced_and_change_nothing(tmp_path: Path):
    machine, claims = queue(1)
    blueprint = Blueprint(str(HERE), "queue", (1,))
    with Mortal(blueprint.make, 2, folder=tmp_path, kills={20: 1, 35: 0}) as team:
        found = explore(machine, claims, Options(Partitioned(team, every=0.0)))
    assert essence(found) == essence(explore(machine, claims))
    assert len(team.restarts) == 2
    assert None not in team.restarts
    assert team.restarts[0] < team.restarts[1]
    assert team.actors == []


@pytest.mark.usefixtures("_cluster")
def test_without_a_folder_the_search_begins_anew():
    machine, claims = queue(0)
    with Mortal(Blueprint(str(HERE), "queue", (0,)).make, 2, kills={12: 0}) as team:
        found = explore(machine, claims, Options(Partitioned(team)))
    assert essence(found) == essence(explore(machine, claims))
    assert team.restarts == [None]


@pytest.mark.usefixtures("_cluster")
def test_what_a_worker_raises_is_raised_here():
    machine, claims = queue(1)
    with (
        RayTeam(Blueprint(str(HERE), "queue", (1, 7)).make, 2) as team,
        pytest.raises(MachineError, match="a worker's machine begins otherwise"),
    ):
        explore(machine, claims, Options(Partitioned(team)))
