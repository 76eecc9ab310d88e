"""What spreading a search costs: `python tests/bench_distributed.py [--json] [--ray] [--workers N] [NAME...]`.

Workers in one process, so that CPU seconds can be told apart: what a state and a step cost in each phase, beside the
engine of columns alone, best of the repeats; how many bytes go to another worker; what a state takes of a worker's
memory (arrays, by their sizes). `--ray` does the same search with Ray actors and says what a level of one state costs,
which is the way to all workers and back, and the CPU seconds of the actors.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from kubeproof.harness.distributed import Blueprint, Local, Made, load
from kubeproof.model.checker import Options, explore
from kubeproof.model.checker.partition.team import Partitioned
from kubeproof.model.machine import Action, Machine, Outcome, View

HERE = Path(__file__)
MACHINES = HERE.parent.parent / "examples" / "machines"
MODELS: dict[str, tuple[str, tuple[int, ...], str]] = {
    "dining10": ("dining", (10,), "exclusive"),
    "dining12": ("dining", (12,), "exclusive"),
    "dining13": ("dining", (13,), "exclusive"),
    "twopc7": ("two_phase_commit", (7,), "consistent"),
    "twopc8": ("two_phase_commit", (8,), "consistent"),
    "workqueue421": ("work_queue", (4, 2, 1), "in_order"),
    "workqueue422": ("work_queue", (4, 2, 2), "in_order"),
}
"""Per model: the module in examples/machines, its arguments, and its claim."""
DEFAULT = ("dining12", "twopc7", "workqueue422")
PHASES = ("expand", "deal", "arrive", "finish", "rank", "number")


def model(name: str) -> Made:
    """Return a machine and its claims."""
    stem, arguments, claim = MODELS[name]
    module = load(MACHINES / f"{stem}.py")
    claims = getattr(module, claim)(arguments[0])
    return getattr(module, stem)(*arguments), claims if isinstance(claims, tuple) else (claims,)


def line_of(length: int) -> Made:
    """Return a machine of one state per level."""

    def up(view: View) -> Iterator[Outcome]:
        if view["n"] < length:
            yield Outcome("up", {"n": view["n"] + 1})

    return Machine(({"n": 0},), (Action("up", "up", up),)), ()


class Measured(Local):
    """A team that looks at the clock, and at what goes to another worker."""

    def __init__(self, *arguments: Any, **wishes: Any) -> None:
        super().__init__(*arguments, **wishes)
        self.seconds: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()

    def call(self, what: str, arguments: Sequence[Any] = (), parcels: Any = None) -> list[Any]:
        """Take the time."""
        began = time.process_time()
        answers = super().call(what, arguments, parcels)
        self.seconds[what] += time.process_time() - began
        return answers

    def send(self, what: str, arguments: Sequence[Any] = (), parcels: Any = None) -> tuple[list[Any], Any]:
        """Weigh the parcels."""
        answers, sent = super().send(what, arguments, parcels)
        for me, row in enumerate(sent):
            for other, parcel in enumerate(row):
                if me != other:
                    self.sent[what] += sum(column.nbytes for column in parcel)
        return answers, sent


def seconds_of(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return a result and the CPU seconds it took."""
    began = time.process_time()
    result = call()
    return result, time.process_time() - began


def measure(name: str, workers: int, repeat: int) -> dict[str, Any]:
    """Measure one model with workers in this process."""
    machine, claims = model(name)
    rounds = []
    for _ in range(repeat + 1):  # The first one compiles whatever must be compiled.
        one, alone = seconds_of(lambda: explore(machine, claims, Options("columns")))
        team = Measured(lambda: (machine, claims), workers)
        found, spread = seconds_of(lambda team=team: explore(machine, claims, Options(Partitioned(team))))
        assert found.verdicts == one.verdicts
        assert (found.states, found.transitions) == (one.states, one.transitions)
        rounds.append((spread, alone, team))
    spread, _, team = min(rounds[1:], key=lambda one: one[0])
    alone = min(one[1] for one in rounds[1:])
    parts = [worker.part for worker in team.workers if worker is not None]
    columns = [column for part in parts for column in (part.numbers, part.keys, part.choices)]
    kept = sum(part.states.size() for part in parts) + sum(column.itemsize * len(column) for column in columns)
    return {
        "states": found.states,
        "transitions": found.transitions,
        "words": parts[0].states.words,
        "alone_cpu_s": round(alone, 2),
        "spread_cpu_s": round(spread, 2),
        "ns_per_transition": {phase: round(1e9 * team.seconds[phase] / found.transitions, 1) for phase in PHASES},
        "bytes_per_transition": round(team.sent["deal"] / found.transitions, 2),
        "bytes_per_state": round((team.sent["finish"] + team.sent["rank"]) / found.states, 2),
        "memory_per_state": round(kept / found.states, 1),
        "largest_share": round(max(len(part.numbers) for part in parts) * workers / found.states, 4),
    }


# With Ray.


def actor_seconds() -> float:
    """Return the CPU seconds of all Ray actors on this machine so far."""
    ticks = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if b"ray::Actor" in (entry / "cmdline").read_bytes():
                fields = (entry / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        except OSError:
            continue  # It has ended since.
    return ticks / os.sysconf("SC_CLK_TCK")


def measure_ray(name: str, workers: int) -> dict[str, Any]:
    """Measure one model with Ray actors, which are there already."""
    from kubeproof.harness.distributed_ray import RayTeam

    machine, claims = model(name)
    one = explore(machine, claims, Options("columns"))
    with RayTeam(Blueprint(str(HERE), "model", (name,)).make, workers) as team:
        team.call("cost")  # Now they are all there.
        before, began, own = actor_seconds(), time.monotonic(), time.process_time()
        found = explore(machine, claims, Options(Partitioned(team)))
        wall, own = time.monotonic() - began, time.process_time() - own
        spent = actor_seconds() - before
    assert found.verdicts == one.verdicts
    return {"ray_wall_s": round(wall, 2), "ray_actors_cpu_s": round(spent, 2), "ray_conductor_cpu_s": round(own, 2)}


def level_of_ray(workers: int, length: int = 200) -> float:
    """Return the seconds that a level of one state takes."""
    from kubeproof.harness.distributed_ray import RayTeam

    blueprint = Blueprint(str(HERE), "line_of", (length,))
    with RayTeam(blueprint.make, workers) as team:
        team.call("cost")
        began = time.monotonic()
        assert explore(*blueprint.make(), Options(Partitioned(team))).states == length + 1
        return (time.monotonic() - began) / length


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MODELS))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--ray", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=2)
    options = parser.parse_args()
    names = options.names or DEFAULT
    table = {name: measure(name, options.workers, options.repeat) for name in names}
    if not options.ray:
        show(table, as_json=options.json)
    else:
        import ray

        ray.init(num_cpus=options.workers, include_dashboard=False, log_to_driver=False)
        for name in names:
            table[name] |= measure_ray(name, options.workers)
        table["a level of one state"] = {"ray_ms": round(1e3 * level_of_ray(options.workers), 1)}
        show(table, as_json=options.json)


def show(table: dict[str, dict[str, Any]], *, as_json: bool) -> None:
    """Print the figures."""
    if as_json:
        print(json.dumps(table), flush=True)
        return
    for name, row in table.items():
        print(name)
        for what, figure in row.items():
            print(f"    {what:<22} {figure}", flush=True)


if __name__ == "__main__":
    main()
