"""How the checker grows: `python tests/bench_checker.py [start|liveness|growth|cores|clusters]...`, all by default.

Ratios are taken within one run, for machines differ and are noisy. Seconds are of CPU time, of wall time for `cores`.

- start: from nothing to the first state of a small machine, compiled code at hand.
- liveness: what judging fair runs adds to the search of the states.
- growth: ten times the states, and more, of two machines; what a state costs then.
- cores: two threads against one, in wall time.
- clusters: Kubernetes worlds; states per second, Python calls per transition, and how many situations each group of
  functions was in.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from time import perf_counter, process_time
from types import ModuleType

from attrs import evolve

from kubeproof.harness.check.check import machine_of
from kubeproof.harness.claims import registry as claims
from kubeproof.harness.face import Cluster
from kubeproof.harness.input.scenario import Faults, Scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.model.checker import Exploration, Limits, Options, explore
from places import EXAMPLES, MACHINES, load

SMALL = """
import sys
sys.path.insert(0, {folder!r})
from kubeproof.model.checker import Options, explore
import dining
explore(dining.dining(2), dining.exclusive(2), Options({engine!r}))
"""


def example(name: str) -> ModuleType:
    """Load a module of examples/machines."""
    return load(MACHINES / f"{name}.py")


def timed(run: Callable[[], Exploration], clock: Callable[[], float] = process_time) -> tuple[Exploration, float]:
    """Run something and give the seconds it took."""
    began = clock()
    found = run()
    return found, clock() - began


def start() -> Iterator[str]:
    """Start Python, import, and search nine states: the best of five."""
    folder = str(MACHINES)
    for engine in ("rows", "columns"):
        code = SMALL.format(folder=folder, engine=engine)
        took = []
        for _ in range(6):
            began = perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            took.append(perf_counter() - began)
        yield f"{engine}: {min(took[1:]):.2f} s of wall time for a process that searches two philosophers"


def liveness() -> Iterator[str]:
    """Search the work queue without and with the claim that it converges."""
    queue = example("work_queue")
    explore(queue.work_queue(1, 1, 0), (*queue.in_order(1), queue.converged(1)), Options("columns"))
    machine = queue.work_queue(4, 2, 2)
    _, safety = timed(lambda: explore(machine, queue.in_order(4), Options("columns")))
    both, whole = timed(lambda: explore(machine, (*queue.in_order(4), queue.converged(4)), Options("columns")))
    verdict = both.verdicts[-1]
    yield (
        f"work queue 4 2 2, {both.states:,} states: safety {safety:.2f} s, with convergence ({verdict.status.value}) "
        f"{whole:.2f} s: {whole / safety - 1:.1f} times as much again"
    )


def growth() -> Iterator[str]:
    """Let two machines grow."""
    commit, dining = example("two_phase_commit").two_phase_commit, example("dining").dining
    for name, make, sizes in (("two-phase commit", commit, (6, 7, 8, 9)), ("philosophers", dining, (11, 12, 13, 14))):
        explore(make(2), options=Options("columns"))
        costs = []
        for size in sizes:
            found, seconds = timed(lambda make=make, size=size: explore(make(size), options=Options("columns")))
            costs.append((found.states, seconds))
            yield f"{name} {size}: {found.states:,} states, {seconds:.2f} s, {found.states / seconds:,.0f} states/s"
        (few, short), (many, long) = costs[1], costs[-1]
        yield f"{name}: {many / few:.1f} times the states in {long / short:.1f} times the time"
        assert all(one[0] < other[0] for one, other in pairwise(costs))


def cores() -> Iterator[str]:
    """Search with one thread and with two."""
    for name, machine in (
        ("philosophers 13", example("dining").dining(13)),
        ("two-phase commit 9", example("two_phase_commit").two_phase_commit(9)),
    ):
        took = {}
        for threads in (1, 2, 1, 2):
            search = partial(explore, machine, options=Options("columns", threads=threads))
            found, seconds = timed(search, perf_counter)
            took[threads] = min(seconds, took.get(threads, seconds))
        ratio = took[1] / took[2]
        yield f"{name}, {found.states:,} states: {took[1]:.2f} s of wall time, two threads {took[2]:.2f} s: {ratio:.2f}"


def web(**faults: int) -> Scenario:
    """Return the rollout of examples/web, three replicas, with its own or with other faults."""
    scenario = Cluster.from_manifests(EXAMPLES / "web").load().scenario
    return evolve(scenario, faults=Faults(**faults)) if faults else scenario


def clusters() -> Iterator[str]:
    """Search Kubernetes worlds: the core of each, every state by itself."""
    for name, scenario, states in (
        ("examples/web", web(), None),
        ("the same with a node crash", web(node_crash=1), 3_000_000),
    ):
        core = machine_of(scenario, prepare(scenario))
        options, limits = Options("columns"), Limits(max_states=states)
        found, seconds = timed(partial(explore, core.machine, claims.of(core), options, limits=limits))
        statistics = found.statistics
        whole = "" if found.complete else " (a part: the limit)"
        yield (
            f"{name}: {found.states:,} states{whole}, {found.transitions:,} transitions, {seconds:.1f} s, "
            f"{found.states / seconds:,.0f} states/s, {statistics.calls_per_transition:.4f} calls per transition"
        )
        parties: dict[str, list[int]] = {}
        for action in statistics.actions:
            party = parties.setdefault(action.name.partition(":")[0].rstrip("0123456789 "), [0, 0])
            party[0] += action.situations
            party[1] += action.calls
        named = (f"{party} {met:,}" for party, (met, _) in sorted(parties.items(), key=lambda one: -one[1][0]) if met)
        yield f"    situations: {', '.join(named)}"
        yield f"    widest slots: {', '.join(f'{slot} {values:,}' for slot, values in statistics.widest[:4])}"


PARTS = {"start": start, "liveness": liveness, "growth": growth, "cores": cores, "clusters": clusters}


def main(names: list[str]) -> None:
    """Print the parts asked for, each line as soon as it is known."""
    if odd := sorted(set(names) - set(PARTS)):
        raise SystemExit(f"no part is called {odd[0]!r}; there are: {', '.join(PARTS)}")
    for name in names or PARTS:
        print(f"{name}:")
        for line in PARTS[name]():
            print(f"  {line}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
