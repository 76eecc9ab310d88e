"""Random scenarios, checked with every reduction and without any: the verdicts must be the same, claim by claim.

    python tests/differential.py [--islands | --shared | --wide] [--seeds 0:1000] [--jobs N] [--states N] [--shrink]
        [--write DIR]

Each seed is a small scenario (random_scenario), checked as `kubeproof check` does it and with all
components together, nodes and Pods that are alike kept apart; where that is too large, also with the core alone and
these kept apart. With --islands each is several workloads, looked at island by island and all at once; with --shared
two behind one Service. With --wide each may have Jobs, priorities, policies and more (wide_scenario), and is looked at
island by island, and all at once with nodes and Pods kept apart and no node standing for all.

Each disagreement is printed: claim, verdicts, reasons, files (with --shrink as small as they get; with --write each is
a folder below DIR that `kubeproof check` takes). A claim that is UNKNOWN one way or by a limit is undecided: counted
with its reason, never taken for agreement. Exit code 0: no disagreement. 1: there is one.

The folders in tests/scenarios/differential once told the two apart, each for the reason in its title. They are run
first, whatever the seeds.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from time import process_time

from attrs import evolve, frozen

from kubeproof.harness import face
from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Claim, Report
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.islands import check as islands
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.model.checker import Limits, Status
from places import TESTS
from scenes.random_scenario import Drawing, draw, draw_several, draw_shared, smaller
from scenes.wide_scenario import draw_wide

KEPT = TESTS / "scenarios" / "differential"
STATES = 30_000
EVERY = 20
"""Scenarios between two lines about how far it is."""
SHRINKINGS = 400
"""Smaller drawings that are tried for one disagreement, at most."""

Check = Callable[[Scenario, Limits], Report]


def reduced(scenario: Scenario, limits: Limits) -> Report:
    """Check a scenario as a user does."""
    return check(scenario, limits=limits)


def without_symmetry(scenario: Scenario, limits: Limits) -> Report:
    """Check the core of a scenario with everything kept apart."""
    return check(scenario, limits=limits, symmetry=False)


def whole(scenario: Scenario, limits: Limits) -> Report:
    """Check all components of a scenario together."""
    return check(scenario, limits=limits, reductions=False, symmetry=False)


def by_islands(scenario: Scenario, limits: Limits) -> Report:
    """Check a scenario island by island."""
    return islands.check(scenario, limits=limits)


WAYS: dict[str, tuple[Callable[[int], Drawing], Check, Check]] = {
    "one": (draw, reduced, whole),
    "several": (draw_several, by_islands, reduced),
    "shared": (draw_shared, by_islands, reduced),
    "wide": (draw_wide, by_islands, without_symmetry),
}
"""By what is drawn for a seed: who draws it, and the two ways to check it."""


@frozen
class Apart:
    """A claim that two ways of checking say different things about."""

    claim: str
    ours: str
    other: str
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n      ".join((f"{self.claim}: {self.ours} reduced, {self.other} in the whole", *self.reasons))


@frozen
class Compared:
    """What became of a scenario: where the ways differ, which claims were left open and why, and what it cost."""

    apart: tuple[Apart, ...]
    open: tuple[str, ...]
    verdicts: tuple[tuple[str, str], ...]
    seconds: float
    islands: int = 1

    @property
    def decided(self) -> bool:
        """Tell whether no claim was left open."""
        return not self.open


def compare(scenario: Scenario, limits: Limits, *, ours: Check = reduced, other: Check = whole) -> Compared:
    """Check a scenario both ways; where the whole is too large, the core with everything kept apart as well.

    What is too large with every reduction is not looked at in the whole.
    """
    began = process_time()
    mine = ours(scenario, limits)
    theirs = other(scenario, limits) if mine.complete else mine
    apart, undecided = _differences(mine, theirs)
    if undecided and mine.complete and not theirs.complete:
        apart = apart or _differences(mine, without_symmetry(scenario, limits))[0]
    verdicts = tuple((one.name, one.status.value) for one in mine.claims)
    return Compared(apart, undecided, verdicts, process_time() - began, max(1, len(mine.islands)))


def _differences(mine: Report, theirs: Report) -> tuple[tuple[Apart, ...], tuple[str, ...]]:
    """Return the claims that are told apart, and those that a limit leaves open."""
    apart: list[Apart] = []
    undecided: list[str] = []
    one, other = ({claim.name: claim for claim in report.claims} for report in (mine, theirs))
    for name in sorted(one.keys() | other.keys()):
        first, second = one.get(name), other.get(name)
        if first is None or second is None:
            apart.append(Apart(name, _said(first), _said(second)))
        elif Status.UNKNOWN in {first.status, second.status}:
            if first.status is not second.status or not (mine.complete and theirs.complete):
                undecided.append(f"{name}: {_why(first, second)}")
        elif first.status is not second.status:
            reasons = second.lines if second.status is Status.VIOLATED else first.lines
            apart.append(Apart(name, _said(first), _said(second), reasons[:3]))
    return tuple(apart), tuple(undecided)


def _said(claim: Claim | None) -> str:
    return "not judged" if claim is None else claim.status.value


def _why(*claims: Claim) -> str:
    """Say why the first claim that is UNKNOWN is."""
    return next((line for one in claims if one.status is Status.UNKNOWN for line in one.lines), "no reason given")


# --- disagreements ------------------------------------------------------------------------------------------------


def shrunk(one: Drawing, differs: Callable[[Drawing], bool]) -> Drawing:
    """Return the smallest drawing met that still differs, taking away one thing after the other."""
    tried = 0
    smallest = one
    progress = True
    while progress and tried < SHRINKINGS:
        progress = False
        for less in smaller(smallest):
            tried += 1
            if tried > SHRINKINGS:
                break
            if differs(less):
                smallest, progress = less, True
                break
    return smallest


def tells_apart(claims: frozenset[str], limits: Limits, ways: tuple[Check, Check], one: Drawing) -> bool:
    """Tell whether a drawing loads and the two ways differ about one of these claims."""
    try:
        scenario = one.load().scenario
    except BadInput:
        return False
    ours, other = ways
    return any(found.claim in claims for found in compare(scenario, limits, ours=ours, other=other).apart)


def written(one: Drawing, folder: Path, title: str) -> None:
    """Write a drawing as a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in evolve(one, options={"title": title, **one.options}).files.items():
        (folder / name).write_text(text, encoding="utf-8")


# --- the command --------------------------------------------------------------------------------------------------


@frozen
class Task:
    """One scenario to compare: a kept folder or a seed."""

    name: str
    seed: int | None
    limits: Limits
    shrink: bool = False
    write: Path | None = None
    draws: str = "one"


@frozen
class Answer:
    """What became of a task; `files` are those of a disagreement, as small as they were made."""

    name: str
    compared: Compared
    files: tuple[str, ...] = ()


def answer(task: Task) -> Answer:
    """Compare one scenario."""
    if task.seed is None:
        return Answer(task.name, compare(face.Cluster.from_manifests(KEPT / task.name).load().scenario, task.limits))
    hand, ours, other = WAYS[task.draws]
    drawing = hand(task.seed)
    found = compare(drawing.load().scenario, task.limits, ours=ours, other=other)
    if not found.apart:
        return Answer(task.name, found)
    if task.shrink:
        claims = frozenset(one.claim for one in found.apart)
        drawing = shrunk(drawing, partial(tells_apart, claims, task.limits, (ours, other)))
    if task.write is not None:
        written(drawing, task.write / task.name, "; ".join(str(one).splitlines()[0] for one in found.apart))
    return Answer(task.name, found, tuple(drawing.files.values()))


def kept() -> tuple[str, ...]:
    """Name the folders that once told the two ways apart."""
    return tuple(sorted(one.name for one in KEPT.iterdir())) if KEPT.is_dir() else ()


def answers(tasks: Sequence[Task], jobs: int) -> Iterator[Answer]:
    """Compare scenarios, several at a time, in their order."""
    if jobs == 1:
        yield from map(answer, tasks)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(answer, tasks)


def main(arguments: Sequence[str]) -> int:
    """Run the command; give the exit code."""
    options = _arguments(arguments)
    limits = Limits(max_states=options.states)
    tasks = [] if options.draws != "one" else [Task(name, None, limits) for name in kept()]
    tasks += [
        Task(f"seed-{seed}", seed, limits, options.shrink, options.write, options.draws) for seed in options.seeds
    ]
    found: list[Answer] = []
    for one in answers(tasks, options.jobs):
        found.append(one)
        for apart in one.compared.apart:
            print(f"{one.name}: {apart}", flush=True)
        for text in one.files:
            print("".join(f"      {line}\n" for line in text.splitlines()), flush=True)
        if len(found) % EVERY == 0:
            print(f"{len(found)} of {len(tasks)} compared", file=sys.stderr, flush=True)
    _summary(found)
    return int(any(one.compared.apart for one in found))


def _summary(found: Sequence[Answer]) -> None:
    decided = sum(one.compared.decided for one in found)
    seconds = sum(one.compared.seconds for one in found)
    apart = sum(bool(one.compared.apart) for one in found)
    share = 100 - 100 * decided // len(found) if found else 0
    print(
        f"{len(found)} scenarios: {apart} disagree, {len(found) - decided} undecided ({share} %), {seconds:.0f} CPU s"
    )
    if several := sum(one.compared.islands > 1 for one in found):
        print(f"  {several} fell into islands")
    for line, count in sorted(Counter(line for one in found for line in one.compared.open).items()):
        print(f"  left open {count} times: {line}")
    counted = Counter(pair for one in found for pair in one.compared.verdicts)
    for name in sorted({claim for claim, _ in counted}):
        print(f"  {name}: " + ", ".join(f"{counted[name, one.value]} {one.value}" for one in Status))


def _seeds(text: str) -> range:
    first, colon, last = text.partition(":")
    if not first.isdigit() or (colon and not last.isdigit()):
        raise argparse.ArgumentTypeError(f"expected a seed or FIRST:LAST (not included), got {text!r}")
    return range(int(first), int(last) if colon else int(first) + 1)


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="differential.py", description="Check random scenarios two ways.")
    parser.add_argument("--seeds", type=_seeds, default=range(100), metavar="A:B", help="which seeds (default: 0:100)")
    drawn = parser.add_mutually_exclusive_group()
    several, wide = "several workloads, apart and all at once", "whatever may be asked of workloads, likewise"
    shared = "two workloads behind one Service, likewise"
    drawn.add_argument("--islands", dest="draws", action="store_const", const="several", default="one", help=several)
    drawn.add_argument("--shared", dest="draws", action="store_const", const="shared", default="one", help=shared)
    drawn.add_argument("--wide", dest="draws", action="store_const", const="wide", default="one", help=wide)
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many scenarios at a time")
    parser.add_argument("--states", type=int, default=STATES, metavar="N", help="states of a search, at most")
    parser.add_argument("--shrink", action="store_true", help="make each disagreement as small as it gets")
    parser.add_argument("--write", type=Path, metavar="DIR", help="write each disagreement as a folder")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
