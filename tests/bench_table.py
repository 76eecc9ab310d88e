"""The table of what a check may cost: each figure with its target, and what is seen here.

    python tests/bench_table.py [ROW]... [--charts DIR]        all rows by default, `--list` names them

Every row is measured in a process of its own, in CPU seconds of it and of whatever it starts, compiled byte code and
kernels at hand as after an installation. Machines differ and are noisy: `pace` says how fast this one was in that run,
a loop of 10 million additions in CPU seconds (0.35 on the machine that the targets were set for). Rows with "in 60 s"
ask for more until one question takes longer, and name the last that did not. A target that is missed is said
so and is no failure of the program: the exit code is 0. What needs something that is not there (SPIN, a folder of
charts) says that.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from time import process_time

from attrs import frozen

import bench_checker
import bench_engine
import bench_islands
from kubeproof.harness.check.check import machine_of
from kubeproof.harness.claims import registry as claims
from kubeproof.harness.islands.check import check
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.model.checker import Limits, Options, explore
from places import EXAMPLES, ROOT

PATIENCE = 60.0
STEPS = 10_000_000
GIVEN_UP = 11
"""Seconds after which `place`, whose proof may take ten, is to have answered or given up."""
QUESTIONS = 120
"""Seconds for one question about a chart."""


@frozen
class Seen:
    """What a row has come to."""

    figure: str
    met: bool | None
    """Whether it is the target; None where it could not be measured."""


@frozen
class Row:
    """A figure of the table."""

    name: str
    figure: str
    target: str
    measure: Callable[[], Seen]


def spent(command: list[str], **environment: str) -> tuple[float, str]:
    """Run a program; give the CPU seconds of it and of what it started, and what it printed."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | environment
    ) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, printed


def at_most(seconds: float, most: float) -> Seen:
    """Return seconds, of which there may be so many."""
    return Seen(f"{seconds:.1f} s", seconds <= most)


def web(*, warm: bool) -> Seen:
    """Check examples/web, cold or with what an earlier run has kept."""
    with tempfile.TemporaryDirectory() as kept:
        command = [sys.executable, "-m", "kubeproof", "check", str(EXAMPLES / "web"), "--quiet"]
        places = {"PYTHONPYCACHEPREFIX": f"{kept}/code", "XDG_CACHE_HOME": f"{kept}/cache"}
        run = partial(spent, **places, PYTHONDONTWRITEBYTECODE="")
        run([*command, "--no-cache"])
        if warm:
            run(command)
        return at_most(run(command if warm else [*command, "--no-cache"])[0], 1 if warm else 3)


IMAGE = [{"setImage": {"kind": "Deployment", "name": "app", "image": "app:2"}}]
BY_ONES = {"maxSurge": 1, "maxUnavailable": 0}


def most(script: list[dict[str, object]], wanted: int, strategy: dict[str, object] | None = None) -> Seen:
    """Return how many replicas of one Deployment are done within 60 CPU seconds, each number asked by itself.

    First as many as are wanted; then more and more, or fewer and fewer.
    """
    first = _asked(wanted, script, strategy)
    if first > PATIENCE:
        slow = {count: _asked(count, script, strategy) for count in (wanted * 3 // 4, wanted // 2)}
        done = next((count for count, seconds in slow.items() if seconds <= PATIENCE), 0)
        return Seen(f"{done} in {slow.get(done, 0):.0f} s ({wanted} in {first:.0f})", met=False)
    last, took = wanted, first
    for count in range(wanted + 1, 3 * wanted, max(1, wanted // 5)):
        seconds = _asked(count, script, strategy)
        if seconds > PATIENCE:
            return Seen(f"{last} in {took:.0f} s ({count} in {seconds:.0f})", met=True)
        last, took = count, seconds
    return Seen(f"{last} in {took:.0f} s (no more asked)", met=True)


def _asked(count: int, script: list[dict[str, object]], strategy: dict[str, object] | None) -> float:
    began = process_time()
    check(bench_islands.alone(count, script, strategy))
    return process_time() - began


def many(count: int, replicas: int, rolling: int) -> Seen:
    """Return what so many Deployments cost of which so many roll out."""
    began = process_time()
    found = check(bench_islands.scenario(count, replicas, rolling))
    seen = at_most(process_time() - began, PATIENCE)
    verdicts = {claim.status.value for claim in found.claims}
    return Seen(f"{count:,} in {seen.figure}, {'/'.join(sorted(verdicts))}", seen.met and verdicts == {"HOLDS"})


def worlds(*, memory: bool) -> Seen:
    """Search a million states of examples/web with a node crash, every state by itself; states/s or bytes each."""
    scenario = bench_checker.web(node_crash=1)
    core = machine_of(scenario, prepare(scenario))
    before, began = bench_engine.resource.getrusage(bench_engine.resource.RUSAGE_SELF).ru_maxrss, process_time()
    found = explore(core.machine, claims.of(core), Options("columns"), limits=Limits(max_states=1_000_000))
    seconds = process_time() - began
    if memory:
        grown = bench_engine.resource.getrusage(bench_engine.resource.RUSAGE_SELF).ru_maxrss - before
        each = grown * 1024 / found.states
        return Seen(f"{each:.0f} (all that the process grew by)", each <= 120)
    pace = found.states / seconds
    return Seen(f"{pace:,.0f} ({found.states:,} states)", pace >= 300_000)


def spin() -> Seen:
    """Hold four models against SPIN, in turns."""
    if bench_engine.SPIN is None:
        return Seen("SPIN is not installed", None)
    rows = dict(bench_engine.measure(list(bench_engine.MODELS), 1))
    known = {name: row for name, row in rows.items() if row["spin_cpu_s"]}
    alone = {name: float(row["spin_cpu_s"] or 0) / float(row["ours_search_cpu_s"] or 1) for name, row in known.items()}
    whole = {name: float(row["spin_cpu_s"] or 0) / float(row["ours_cpu_s"] or 1) for name, row in known.items()}
    large = [name for name in known if (rows[name]["states"] or 0) > 1_000_000]
    said = ", ".join(f"{name} {alone[name]:.1f} / {whole[name]:.1f}" for name in known)
    mean = prod(alone.values()) ** (1 / len(alone))
    met = min(alone.values()) >= 3 and min(whole[name] for name in large) >= 1.5
    return Seen(f"{said}; mean {mean:.1f}", met)


def reaches() -> Seen:
    """Ask who reaches one of 1,000 Services."""
    line = list(bench_islands.reaches())[-1]
    return Seen(line, float(re.search(r"([\d.]+) s", line)[1]) < 10)


def places() -> Seen:
    """Ask for a place for 5,000 Pods on 1,000 nodes."""
    line, seconds = bench_islands.placed(100)
    return Seen(line, "Undecided" not in line or seconds <= GIVEN_UP)


def charts(folder: str | None) -> Seen:
    """Ask the four questions of each set of manifests in a folder."""
    if folder is None:
        return Seen("no folder of charts is given (--charts DIR)", None)
    command = [sys.executable, str(ROOT / "tests" / "charts.py"), folder, "--timeout", str(QUESTIONS)]
    _, printed = spent(command)
    return Seen(printed.strip().splitlines()[-1] if printed.strip() else "nothing printed", None)


def rows(folder: str | None = None) -> tuple[Row, ...]:
    """Return the table."""
    drain = [{"drain": {"node": "node-1"}}]
    return (
        Row("cold", "examples/web, whole process", "<= 3 CPU s", partial(web, warm=False)),
        Row("warm", "examples/web again, answers kept", "<= 1 CPU s", partial(web, warm=True)),
        Row("rollout", "replicas in a rollout by a quarter, 3 nodes, in 60 s", ">= 15", partial(most, IMAGE, 15)),
        Row("ones", "replicas in a rollout by ones, 3 nodes, in 60 s", ">= 15", partial(most, IMAGE, 15, BY_ONES)),
        Row("rolling", "Deployments of 2 that all roll out, in 60 s", ">= 50", partial(many, 50, 2, 50)),
        Row("charts", f"sets of manifests, 4 questions within {QUESTIONS} s each", "all", partial(charts, folder)),
        Row("states", "Kubernetes worlds, states/s, one core", ">= 300,000", partial(worlds, memory=False)),
        Row("bytes", "bytes a state there", "<= 120", partial(worlds, memory=True)),
        Row("spin", "SPIN's CPU over ours, search / whole process", ">= 3 / >= 1.5 on the two large", spin),
        Row("idle", "idle Deployments beside one that rolls out, in 60 s", ">= 1,000", partial(many, 1001, 1, 1)),
        Row("drain", "replicas in a drain with a budget, 3 nodes, in 60 s", ">= 8", partial(most, drain, 8)),
        Row("reach", "reach --service of 1,000", "< 10 CPU s", reaches),
        Row("place", "place 5,000 Pods on 1,000 nodes", "answered, or given up in time", places),
    )


def pace() -> float:
    """Return the CPU seconds of a plain loop."""
    began, total = process_time(), 0
    for number in range(STEPS):
        total += number
    return process_time() - began


def told(arguments: argparse.Namespace) -> Iterator[str]:
    """Measure the rows that are named, each in a process of its own."""
    yield f"{'row':<8}  {'figure':<55}  {'target':<30}  {'pace':<5}  seen"
    for row in rows(arguments.charts):
        if arguments.rows and row.name not in arguments.rows:
            continue
        more = ["--charts", arguments.charts] if arguments.charts else []
        _, printed = spent([sys.executable, __file__, "--one", row.name, *more])
        found = json.loads(printed.splitlines()[-1]) if printed else {"pace": 0, "figure": "it failed", "met": False}
        verdict = {True: "met", False: "MISSED", None: "not measured"}[found["met"]]
        yield f"{row.name:<8}  {row.figure:<55}  {row.target:<30}  {found['pace']:<5.2f}  {found['figure']}: {verdict}"


def main() -> None:
    """Print the table, or one figure for the process that prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", choices=[*(row.name for row in rows()), []])
    parser.add_argument("--charts", metavar="DIR")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--list", action="store_true", help="name the rows")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(f"{row.name:<8}  {row.figure}: {row.target}" for row in rows()))
    elif arguments.one:
        began = pace()
        row = next(row for row in rows(arguments.charts) if row.name == arguments.one)
        found = row.measure()
        print(json.dumps({"figure": found.figure, "met": found.met, "pace": (began + pace()) / 2}))
    else:
        for line in told(arguments):
            print(line, flush=True)


if __name__ == "__main__":
    main()
