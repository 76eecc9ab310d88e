"""The compiled engine beside other checkers: `python tests/bench_engine.py [--json] [--repeat N] [NAME...]`.

Four standard models, whose states must come out as every other tool counts them. Figures are CPU seconds (user and
system) of whole processes, the medians of the repeats, taken in turns; of ours, also what the search alone took, for
starting Python and numba is most of a short one. SPIN runs where `spin` and `gcc` are installed (`-o2 -DSAFETY
-DNOREDUCE`, compiled with -O2, which is not counted; nor is our own compiled code, which is made before the first
run), minicheck where it can be imported (once, on tuples, with an invariant that costs nothing). Transitions differ
between tools: a step that changes nothing is none for us.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from statistics import median
from time import process_time
from types import ModuleType
from typing import Any

from places import MACHINES, TESTS, load

MODELS: dict[str, tuple[str, tuple[int, ...], str, tuple[str, ...], int]] = {
    "dining13": ("dining", (13,), "dining", ("-DN=13",), 1_594_323),
    "twopc8": ("two_phase_commit", (8,), "twopc", ("-DN=8",), 1_745_408),
    "paxos3": ("paxos", (3,), "paxos", ("-DNB=3",), 185_369),
    "workqueue422": ("work_queue", (4, 2, 2), "workqueue", (), 655_184),
}
"""Per model: the module in examples/machines and its arguments, that of SPIN and its options, and the states."""
DEPTH = 4_000_000
SPIN, COMPILER = shutil.which("spin"), shutil.which("gcc")

Row = dict[str, float | int | None]
Tuples = Callable[[tuple[Any, ...]], list[tuple[str, tuple[Any, ...]]]]


# Ours.


def example(name: str) -> ModuleType:
    """Load a module of examples/machines."""
    return load(MACHINES / f"{name}.py")


def search(name: str, *, small: bool = False) -> dict[str, float | int]:
    """Run one search of ours in this process, on the smallest of its kind first; give its figures."""
    from kubeproof.model.checker import Options, explore

    stem, arguments, _, _, _ = MODELS[name]
    module = example(stem)
    make = getattr(module, stem)
    claim = {"dining": "exclusive", "two_phase_commit": "consistent", "paxos": "agreement", "work_queue": "in_order"}
    tiny = {"dining": (2,), "two_phase_commit": (1,), "paxos": (1,), "work_queue": (1, 1, 0)}[stem]
    sizes = (tiny,) if small else (tiny, arguments)
    figures: dict[str, float | int] = {}
    for size in sizes:
        found = getattr(module, claim[stem])(size[0])
        claims = found if isinstance(found, tuple) else (found,)
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, process_time()
        result = explore(make(*size), claims, Options("columns"))
        figures = {"states": result.states, "transitions": result.transitions, "search_cpu_s": process_time() - began}
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        figures |= {"bytes_per_state": grown * 1024 / result.states, "calls": result.statistics.calls}
        assert result.status.value == "HOLDS"
    return figures


def timed(command: list[str], folder: Path | None = None) -> tuple[str, float]:
    """Run a program; give what it printed and the CPU seconds it took."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{command[0]} ended with {process.returncode}"
    return printed, usage.ru_utime + usage.ru_stime


def ours(name: str, *more: str) -> tuple[dict[str, float], float]:
    """Run one search in a process of its own; give its figures and the CPU seconds of the process."""
    printed, seconds = timed([sys.executable, __file__, "--one", name, *more])
    return json.loads(printed), seconds


# SPIN.


def spin(folder: Path, name: str) -> Path | None:
    """Make the verifier of a model; None where SPIN or a compiler is missing."""
    if SPIN is None or COMPILER is None:
        return None
    _, _, model, options, _ = MODELS[name]
    home = folder / name
    home.mkdir()
    timed([SPIN, "-a", "-o2", *options, str(TESTS / "machines" / f"{model}.pml")], home)
    timed([COMPILER, "-O2", "-DSAFETY", "-DNOREDUCE", "-o", "pan", "pan.c"], home)
    return home / "pan"


def verify(pan: Path, states: int) -> float | None:
    """Run a verifier; None if it does not count the same states (it ran out of depth, or memory)."""
    printed, seconds = timed([str(pan), f"-m{DEPTH}", "-w21", "-E"], pan.parent)
    stored = re.search(r"(\d+) states, stored", printed)
    return seconds if stored is not None and int(stored.group(1)) == states else None


# minicheck: tuples and a function from a tuple to its successors.


def put(state: tuple[Any, ...], **values: Any) -> tuple[Any, ...]:
    """Return a tuple with other values at "_n"."""
    row = list(state)
    for place, value in values.items():
        row[int(place[1:])] = value
    return tuple(row)


def dining_tuples(n: int) -> tuple[tuple[Any, ...], Tuples]:
    """Philosophers, then forks."""
    forks = [(n + i, n + i + 1) for i in range(n - 1)] + [(n, 2 * n - 1)]
    turns = [((1, 1), 0), ((2, 1), 1), ((3, 0), 0), ((0, 0), 1)]

    def steps(state: tuple[Any, ...]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        for i in range(n):
            (at, taken), which = turns[state[i]]
            fork = forks[i][which]
            if not (taken and state[fork]):
                row = list(state)
                row[i], row[fork] = at, taken
                yield "step", tuple(row)

    return (0,) * (2 * n), lambda state: list(steps(state))


def twopc_tuples(n: int) -> tuple[tuple[Any, ...], Tuples]:
    """Per manager its state, whether its note was taken, and sent; then the decision, commit sent, abort sent."""

    def steps(state: tuple[Any, ...]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        decided, commit, abort = state[3 * n :]
        if not decided:
            if all(state[n : 2 * n]):
                yield "commit", (*state[: 3 * n], 1, 1, abort)
            yield "abort", (*state[: 3 * n], 2, commit, 1)
        for i in range(n):
            if not decided and state[2 * n + i] and not state[n + i]:
                yield "note", put(state, **{f"_{n + i}": 1})
            if state[i] == 0:
                yield "prepare", put(state, **{f"_{i}": 1, f"_{2 * n + i}": 1})
                yield "give up", put(state, **{f"_{i}": 3})
            if commit and state[i] != 2:
                yield "obey", put(state, **{f"_{i}": 2})
            if abort and state[i] != 3:
                yield "obey", put(state, **{f"_{i}": 3})

    return (0,) * (3 * n + 3), lambda state: list(steps(state))


def paxos_tuples(ballots: int) -> tuple[tuple[Any, ...], Tuples]:
    """Per acceptor promised, voted in, voted for; then asked, proposed; then promises, votes."""
    asked, proposed = 9, 9 + ballots
    promises, votes = 9 + 2 * ballots, 9 + 5 * ballots

    def allowed(told: list[Any]) -> Iterator[int]:
        pairs = [pair for pair in combinations(told, 2) if None not in pair]
        for value in (1, 2):
            if any(max(pair)[0] < 0 or max(pair)[1] == value for pair in pairs):
                yield value

    def steps(state: tuple[Any, ...]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        for b in range(ballots):
            if not state[asked + b]:
                yield "ask", put(state, **{f"_{asked + b}": 1})
            if not state[proposed + b]:
                for value in allowed([state[promises + a * ballots + b] for a in range(3)]):
                    yield "propose", put(state, **{f"_{proposed + b}": value})
            for a in range(3):
                if state[asked + b] and b > state[a]:
                    told = (state[3 + a], state[6 + a])
                    yield "promise", put(state, **{f"_{a}": b, f"_{promises + a * ballots + b}": told})
                value = state[proposed + b]
                mine = {f"_{a}": b, f"_{3 + a}": b, f"_{6 + a}": value, f"_{votes + a * ballots + b}": value}
                if value and b >= state[a] and (after := put(state, **mine)) != state:
                    yield "vote", after

    begin = (-1,) * 6 + (0,) * 3 + (0,) * (2 * ballots) + (None,) * (3 * ballots) + (0,) * (3 * ballots)
    return begin, lambda state: list(steps(state))


def workqueue_tuples(k: int, versions: int, crashes: int) -> tuple[tuple[Any, ...], Tuples]:
    """Specs, cache, statuses, dirty; then the key at work, the version seen, up, crashes."""
    current, seen, up, crashed = range(4 * k, 4 * k + 4)

    def steps(state: tuple[Any, ...]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        spec, cache, status = state[:k], state[k : 2 * k], state[2 * k : 3 * k]
        for i in range(k):
            if spec[i] < versions:
                yield "write", put(state, **{f"_{i}": spec[i] + 1})
            if not state[up]:
                continue
            if cache[i] < spec[i]:
                yield "see", put(state, **{f"_{k + i}": cache[i] + 1, f"_{3 * k + i}": 1})
            if state[current] is None and state[3 * k + i]:
                yield "pick", put(state, **{f"_{current}": i, f"_{seen}": cache[i], f"_{3 * k + i}": 0})
            if state[current] == i:
                done = {f"_{2 * k + i}": state[seen]} if state[seen] == spec[i] else {f"_{3 * k + i}": 1}
                yield "done", put(state, **{f"_{current}": None, f"_{seen}": 0}, **done)
        if state[up] and state[crashed] < crashes:
            yield "crash", (*spec, *(0,) * k, *status, *(0,) * k, None, 0, 0, state[crashed] + 1)
        if not state[up]:
            yield "restart", (*spec, *spec, *status, *(1,) * k, state[current], state[seen], 1, state[crashed])

    return (*(0,) * (4 * k), None, 0, 1, 0), lambda state: list(steps(state))


TUPLES = {"dining": dining_tuples, "two_phase_commit": twopc_tuples, "paxos": paxos_tuples}


def minicheck(name: str) -> dict[str, float | int]:
    """Run minicheck in this process; give its figures."""
    from minicheck import Protocol, check_safety

    stem, arguments, _, _, states = MODELS[name]
    initial, transitions = TUPLES.get(stem, workqueue_tuples)(*arguments)
    fields = tuple(str(place) for place in range(len(initial)))
    protocol = Protocol(name, False, fields, initial, transitions, {"true": lambda _: True})  # noqa: FBT003
    result = check_safety(protocol, max_states=states + 1)
    assert result["reachable_states"] == states, f"minicheck has {result['reachable_states']:,} states"
    return {"states": states}


# The table.


def measure(names: list[str], repeat: int) -> Iterator[tuple[str, Row]]:
    """Measure models, one after the other; the figures of a model in turns."""
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            states = MODELS[name][4]
            ours(name, "--small")  # Whatever must be compiled is compiled now.
            pan = spin(Path(folder), name)
            rounds, theirs = [], []
            for _ in range(repeat):
                rounds.append(ours(name))
                theirs.append(None if pan is None else verify(pan, states))
            figures = rounds[0][0]
            assert figures["states"] == states, f"{name} has {figures['states']:,} states, not {states:,}"
            known = [seconds for seconds in theirs if seconds is not None]
            yield (
                name,
                {
                    "states": states,
                    "transitions": figures["transitions"],
                    "ours_cpu_s": round(median(seconds for _, seconds in rounds), 2),
                    "ours_search_cpu_s": round(median(found["search_cpu_s"] for found, _ in rounds), 2),
                    "spin_cpu_s": round(median(known), 2) if known else None,
                    "minicheck_cpu_s": of_minicheck(name),
                    "bytes_per_state": round(max(found["bytes_per_state"] for found, _ in rounds), 1),
                    "python_calls": figures["calls"],
                },
            )


def of_minicheck(name: str) -> float | None:
    """Return the CPU seconds of minicheck; None where it is not installed."""
    if importlib.util.find_spec("minicheck") is None:
        return None
    return round(timed([sys.executable, __file__, "--minicheck", name])[1], 2)


def main() -> None:
    """Print the table, or one line of it for the process that measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MODELS))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--one", choices=MODELS, help=argparse.SUPPRESS)
    parser.add_argument("--small", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--minicheck", choices=MODELS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(search(options.one, small=options.small)))
    elif options.minicheck:
        print(json.dumps(minicheck(options.minicheck)))
    else:
        table = measure(options.names or list(MODELS), options.repeat)
        if options.json:
            print(json.dumps(dict(table)))
        else:
            for number, (name, row) in enumerate(table):
                if not number:
                    print(line("", list(row)))
                print(line(name, ["-" if cell is None else f"{cell:,}" for cell in row.values()]), flush=True)


def line(name: str, cells: list[str]) -> str:
    """Return one line of the table."""
    return " ".join(f"{cell:>17}" for cell in [name, *cells])


if __name__ == "__main__":
    main()
