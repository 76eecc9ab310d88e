"""Mutants that must die: `python tests/mutants.py`, with `--only NAME` (part of a name or of a table's) and `--jobs N`.

Each row of tests/mutants/*.yaml plants one wrong line and names who notices: a claim of `check` on a small world, whose
verdict changes, or a test, which fails. Those in the tables `claims`, `participation`, `motion`, `views`, `input`
and `clock` must die in `check`. The exit code is 1 if one lives.

`--draw N --seed S` plants N mutants that nobody chose instead (tests/mutants/draw.py), a line for each as it dies or
lives, and asks the test files nearest to each until one fails; with `--reached FOLDER` first the tests that run its
line, as tests/mutants/reached.py wrote them down.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any

import pytest
import yaml
from attrs import frozen

from kubeproof.harness import face
from kubeproof.harness.check.check import check
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.model.checker import Limits
from places import ROOT, TESTS, load
from planted import planted

TABLES = TESTS / "mutants"
IN_CHECK = ("claims", "participation", "motion", "views", "input", "clock")
"""Tables whose mutants must die in `check`."""
LIMITS = Limits(max_states=20_000)
SECONDS = 60
"""How long one question may take; a mutant that makes it endless has not changed a verdict."""
DRAWN_SECONDS = 150
"""How long the test files nearest to a drawn mutant may take together."""
INPUT = "input"
"""What is judged where a world is not even read: accepted, or refused."""
PASSES = "passes"
"""What is judged of a test."""


@frozen
class Mutant:
    """One wrong line, who is asked about it, and what is said without and with it."""

    table: str
    name: str
    module: str
    before: str
    after: str
    asks: str
    claim: str
    without: str
    planted: str


def mutants() -> tuple[Mutant, ...]:
    """Read all tables."""
    return tuple(one for path in sorted(TABLES.glob("*.yaml")) for one in _table(path))


def _table(path: Path) -> Iterator[Mutant]:
    for row in yaml.safe_load(path.read_text()):
        claim, verdicts = next(iter(row["says"].items()))
        without, after = verdicts.split(" -> ")
        yield Mutant(path.stem, row["name"], row["in"], row["before"], row["after"], row["asks"], claim, without, after)


# --- asking -----------------------------------------------------------------------------------------------------------


WORLDS = load(TABLES / "worlds.py")
DRAW = load(TABLES / "draw.py")


def said(asks: str) -> dict[str, str]:
    """Return the verdict of every claim on a world, or whether a test passes."""
    return _test(asks) if ".py" in asks else _checked(asks)


def _checked(world: str) -> dict[str, str]:
    """Check a world: one of `worlds.py`, or a folder of the cases or examples."""
    try:
        if world in WORLDS.WORLDS:
            scenario = WORLDS.scenario(world)
        else:
            scenario = face.Cluster.from_manifests(_folder(world)).load().scenario
        return {INPUT: "accepted"} | {one.name: one.status.value for one in check(scenario, limits=LIMITS).claims}
    except BadInput:
        return {INPUT: "refused"}


def _folder(world: str) -> Path:
    found = ROOT / world
    return found if found.is_dir() else TESTS / "scenarios" / world


def _test(node: str) -> dict[str, str]:
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        code = pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-n", "0", str(TESTS / node)])
    words = {pytest.ExitCode.OK: "yes", pytest.ExitCode.TESTS_FAILED: "no"}
    return {PASSES: words.get(pytest.ExitCode(code), f"not run: {quiet.getvalue()[-200:]}")}


def answer(question: tuple[Mutant | None, str]) -> dict[str, str]:
    """Answer a question, with a mutant planted if there is one. Meant for a process of its own: memories are kept."""
    mutant, asks = question

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        if mutant is None:
            return said(asks)
        with planted(f"kubeproof.{mutant.module}", mutant.before, mutant.after):
            return said(asks)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is no verdict
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        signal.alarm(0)


def judged(some: Iterable[Mutant], jobs: int = 1) -> Iterator[tuple[Mutant, str, str]]:
    """Yield each mutant with what is said of its claim without and with it."""
    some = tuple(some)
    asked = tuple(dict.fromkeys(one.asks for one in some))
    with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        sound = dict(zip(asked, pool.imap(answer, ((None, one) for one in asked), chunksize=1), strict=True))
        found = pool.imap(answer, ((one, one.asks) for one in some), chunksize=1)
        for one, faulty in zip(some, found, strict=True):
            yield one, _of(one, sound[one.asks]), _of(one, faulty)
        # To end workers that wait for their first question may leave the lock that they wait for locked for ever.
        pool.close()
        pool.join()


def _of(mutant: Mutant, verdicts: dict[str, str]) -> str:
    """Return what is said of a mutant's claim; an input that is refused has no claims."""
    return verdicts.get(mutant.claim) or verdicts.get("error") or f"input {verdicts.get(INPUT, 'not judged')}"


# --- mutants that nobody chose ----------------------------------------------------------------------------------------


def noticed(one: Any) -> str:
    """Name the test file that notices a drawn mutant; "" if none does before `DRAWN_SECONDS` are over.

    Asked of a copy of the product, from outside. A file that does not end notices, too, if it ends without the mutant
    in less than half of the time.
    """
    with tempfile.TemporaryDirectory() as folder:
        copied(Path(folder) / "kubeproof")
        path = Path(folder, "kubeproof", *one.module.split(".")).with_suffix(".py")
        sound = path.read_text()
        end = monotonic() + DRAWN_SECONDS
        for names in one.asks:
            path.write_text(sound.replace(one.before, one.after))
            seconds = end - monotonic()
            failed = fails(names, folder, seconds)
            path.write_text(sound)
            if failed or (failed is None and seconds > 0 and fails(names, folder, seconds / 2) == ""):
                return failed or f"{names[0]} does not end"
    return ""


def copied(folder: Path) -> None:
    """Copy the product."""
    for one in ("__init__.py", "__main__.py", "py.typed"):
        folder.mkdir(exist_ok=True)
        shutil.copy(ROOT / one, folder)
    for room in DRAW.ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))


def fails(names: tuple[str, ...], folder: str, seconds: float) -> str | None:
    """Name the first of some tests that fails with the product in a folder; None where they take longer than that."""
    if seconds <= 0:
        return None
    quiet = ("-q", "-x", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-n", "0")
    command = (sys.executable, "-m", "pytest", *quiet, *(str(TESTS / name) for name in names))
    here = dict(os.environ, PYTHONPATH=folder)
    try:
        done = subprocess.run(command, env=here, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode == pytest.ExitCode.OK:
        return ""
    told = (line.split(" ")[1] for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR ")))
    return next((name for name in names for one in told if one.endswith(name)), names[0])


def drawn(count: int, seed: int, jobs: int, reached: Path | None) -> int:
    """Plant mutants that nobody chose; give the exit code."""
    died, lived = Counter[str](), Counter[str]()
    killers = set[str]()
    some = list(islice(DRAW.draws(seed, DRAW.Reached.read(reached)), count))
    with ThreadPoolExecutor(jobs) as pool:
        for one, by in zip(some, pool.map(noticed, some), strict=True):
            (died if by else lived)[one.module.rpartition(".")[0]] += 1
            killers |= {by} if by and " " not in by.rpartition("]")[2] else set()
            asked = " ".join(f"{names[0]}{' and others' if names[1:] else ''}" for names in one.asks)
            print(f"{'died ' if by else 'LIVED'} {one.module}:{one.line} [{by or asked}]", flush=True)
            if not by:
                print(_indented(one.before, "-") + _indented(one.after, "+"), end="", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        copied(Path(folder) / "kubeproof")
        unsound = [name for name in sorted(killers) if fails((name,), folder, 10 * DRAWN_SECONDS) != ""]
    for name in unsound:
        print(f"{name} does not pass without a mutant either: what it noticed does not count")
    for room in sorted(died | lived):
        print(f"{room}: {died[room]} of {died[room] + lived[room]} died")
    print(f"all: {died.total()} of {died.total() + lived.total()} died")
    return int(bool(lived or unsound))


def _indented(text: str, sign: str) -> str:
    return "".join(f"      {sign} {line}\n" for line in text.splitlines())


def main(arguments: list[str]) -> int:
    """Plant, ask, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="part of a name, or a table")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--draw", type=int, default=0, metavar="N", help="plant so many that nobody chose instead")
    parser.add_argument("--seed", type=int, default=0, help="which ones are drawn")
    parser.add_argument("--reached", type=Path, help="what tests/mutants/reached.py left of a run of all tests")
    wanted = parser.parse_args(arguments)
    if wanted.draw:
        return drawn(wanted.draw, wanted.seed, wanted.jobs, wanted.reached)
    some = [one for one in mutants() if wanted.only in one.name or wanted.only == one.table]
    died, lived = Counter[str](), Counter[str]()
    for one, without, after in judged(some, wanted.jobs):
        dead = (without, after) == (one.without, one.planted)
        (died if dead else lived)[one.table] += 1
        expected = "" if dead else f" (expected {one.without} -> {one.planted})"
        word = "died " if dead else "LIVED"
        print(f"{word} {one.table}: {one.name} [{one.asks}: {one.claim}: {without} -> {after}]{expected}", flush=True)
    for table in sorted(died | lived):
        print(f"{table}: {died[table]} of {died[table] + lived[table]} died")
    print(f"all: {died.total()} of {died.total() + lived.total()} died")
    return 1 if lived or not died else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
