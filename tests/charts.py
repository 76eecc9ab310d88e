"""What `kubeproof check` says of whole charts: a table, a line per chart and question.

    python tests/charts.py DIR [SET...] [--timeout 60] [--jobs N] [--question NAME]...

Each file or folder in DIR is a set of manifests as its project publishes them. Of each is asked, on three plain nodes:
the first apply; a new image for the first Deployment behind a Service; a drain of node-1; the crash of a node. Every
question is a process of its own with a time limit, and is ended when it takes twice as long and a little more.

Printed are the verdict of each claim (H, V, U; in brackets: vacuous), states and CPU seconds; then which sets do not
load and why; then the reasons of every UNKNOWN, folded to kinds. Exit code 0: every set loads and every UNKNOWN is of a
kind that has a name. 1: not so. 2: DIR or SET names nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any

from attrs import frozen

from kubeproof.harness import face
from kubeproof.impl.api.apps import Deployment
from kubeproof.impl.api.core import Service
from kubeproof.impl.api.reading.load import BadInput

NODES = 3
PROPAGATION = "5s"
SECONDS = 60
SPARE_SECONDS = 15
"""For start-up, and for what comes after the limit."""
SUFFIXES = {".yaml", ".yml", ".json"}
BAD_INPUT = 2
NAMED = "kubeproof-charts:new"

KINDS: tuple[tuple[str, str], ...] = (
    (r"the (state|time|memory|depth)? ?limit of .* was hit", "a limit was hit"),
    (r"nothing came within .* s", "no answer in time"),
    (r"it may hang on", "something is not modelled"),
    (r"come from what is not modelled", "endpoints come from what is not modelled"),
    (r"a breach is possible for a Pod by itself", "a suspicion that no run of the cluster confirmed"),
    (r"no run of all of them was found", "a breach of one part that no run of all confirmed"),
    (r"applying the manifests does not come to rest", "the first apply does not come to rest"),
    (r"needs one more place for", "too few places"),
)
"""What a reason says, and the kind that it is of."""
NO_NAME = "of no kind that has a name"


@frozen
class Question:
    """What is asked of a set: further arguments of `kubeproof check`."""

    name: str
    arguments: tuple[str, ...]


@frozen
class Answer:
    """What a check said: verdicts by claim, vacuous ones in brackets, and the reasons of each UNKNOWN."""

    verdicts: tuple[tuple[str, str], ...]
    unknown: tuple[tuple[str, str], ...]
    """Claim and first reason."""
    states: int
    seconds: float
    """CPU seconds of the process."""
    problem: str = ""
    """Why there is no answer: a crash, or bad input."""


# --- what is asked --------------------------------------------------------------------------------------------------


def sets(folder: Path, names: Sequence[str]) -> list[Path]:
    """List the sets of manifests in a folder, or those named, by name."""
    found = [one for one in sorted(folder.iterdir()) if one.is_dir() or one.suffix in SUFFIXES]
    return [one for one in found if not names or one.name in names or one.stem in names]


def questions(path: Path) -> tuple[Question, ...]:
    """Return what is asked of a set. Raises BadInput for one that does not load."""
    served = first_served(path)
    image = (Question("set-image", ("--script", f"set-image {served} *={NAMED}")),) if served else ()
    return (
        Question("apply", ("--start", "empty")),
        *image,
        Question("drain", ("--script", "drain node-1")),
        Question("node-crash", ("--fault", "node-crash=1")),
    )


def first_served(path: Path) -> str:
    """Name the first Deployment whose Pods a Service selects, as NAMESPACE/KIND/NAME; "" where there is none.

    Raises BadInput.
    """
    objects = face.Cluster.from_manifests(path, nodes=NODES).load().scenario.objects
    services = [one for one in objects if isinstance(one, Service) and one.spec.selector]
    for one in objects:
        if isinstance(one, Deployment):
            labels, space = one.spec.template.metadata.labels, one.metadata.namespace
            here = (service.spec.selector for service in services if service.metadata.namespace == space)
            if any(selector.items() <= labels.items() for selector in here):
                return f"{space}/Deployment/{one.metadata.name}"
    return ""


# --- asking ---------------------------------------------------------------------------------------------------------


def ask(path: Path, question: Question, seconds: int) -> Answer:
    """Ask one question in a process of its own."""
    limits = ("--nodes", str(NODES), "--propagation", PROPAGATION, "--timeout", f"{seconds}s", "--no-cache", "--json")
    with tempfile.TemporaryDirectory() as traces:
        command = (sys.executable, "-m", "kubeproof", "check", str(path), *limits, "--trace-dir", traces)
        code, out, err, cpu = run((*command, *question.arguments), 2 * seconds + SPARE_SECONDS)
    if code < 0:
        waited = 2 * seconds + SPARE_SECONDS
        return Answer((("all", "U"),), (("all", f"nothing came within {waited} s"),), 0, cpu)
    if not out:
        return Answer((), (), 0, cpu, (err.strip().splitlines() or [f"exit code {code}"])[-1])
    return read(json.loads(out), cpu)


def run(command: Sequence[str], deadline: float) -> tuple[int, str, str, float]:
    """Run a command: exit code (negative: ended at the deadline), what it printed, and the CPU seconds it took."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err)
        timer = Timer(deadline, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return process.returncode, out.read(), err.read(), usage.ru_utime + usage.ru_stime


def read(report: dict[str, Any], cpu: float) -> Answer:
    """Read a report of `kubeproof check --json`."""
    claims = report["claims"]
    unknown = [one for one in claims if one["verdict"] == "UNKNOWN"]
    return Answer(
        tuple((one["claim"], _short(one)) for one in claims),
        tuple((one["claim"], (one["lines"] or ["no reason is given"])[0]) for one in unknown),
        report["states"],
        cpu,
    )


def _short(claim: dict[str, Any]) -> str:
    letter = str(claim["verdict"])[0]
    return f"({letter})" if claim["vacuous"] else letter


def kind_of(reason: str) -> str:
    """Fold a reason to its kind."""
    return next((kind for pattern, kind in KINDS if re.search(pattern, reason)), f"{NO_NAME}: {reason}")


# --- the table ------------------------------------------------------------------------------------------------------


def line(name: str, question: Question, answer: Answer) -> str:
    """Return the line of a question."""
    head = f"{name:<26} {question.name:<11}"
    if answer.problem:
        return f"{head} no answer: {answer.problem}"
    said = "  ".join(f"{claim} {verdict}" for claim, verdict in answer.verdicts)
    return f"{head} {answer.states:>9,} {answer.seconds:>7.1f}  {said}"


def asked(paths: Sequence[Path], options: argparse.Namespace, unloadable: list[str]) -> Iterator[tuple[Path, Question]]:
    """Yield every question about every set; those that do not load are noted."""
    for path in paths:
        try:
            found = questions(path)
        except BadInput as bad:
            unloadable.append(f"{path.name}: {'; '.join(str(one) for one in bad.problems)}")
            continue
        yield from ((path, one) for one in found if not options.question or one.name in options.question)


def main(arguments: Sequence[str]) -> int:
    """Run the command; give the exit code."""
    options = _arguments(arguments)
    paths = sets(options.dir, options.sets) if options.dir.is_dir() else []
    if not paths:
        print(f"{options.dir}: no sets of manifests{' by these names' if options.sets else ''}", file=sys.stderr)
        return BAD_INPUT
    unloadable: list[str] = []
    pairs = list(asked(paths, options, unloadable))
    print(f"{'set':<26} {'question':<11} {'states':>9} {'CPU s':>7}  verdicts", flush=True)
    answers: list[Answer] = []
    with ThreadPoolExecutor(options.jobs) as pool:
        futures = [pool.submit(partial(ask, path, question, options.timeout)) for path, question in pairs]
        for (path, question), future in zip(pairs, futures, strict=True):
            answers.append(future.result())
            print(line(path.name, question, answers[-1]), flush=True)
    for one in unloadable:
        print(f"does not load: {one}")
    reasons = [kind_of(reason) for answer in answers for _, reason in answer.unknown]
    for kind in sorted(set(reasons)):
        print(f"UNKNOWN {reasons.count(kind)} times: {kind}")
    nameless = any(kind.startswith(NO_NAME) for kind in reasons) or any(one.problem for one in answers)
    return int(bool(unloadable) or nameless)


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="charts.py", description="Ask whole charts what users would ask.")
    parser.add_argument("dir", type=Path, metavar="DIR", help="a folder of sets of manifests")
    parser.add_argument("sets", nargs="*", metavar="SET", help="which sets (default: all)")
    parser.add_argument("--timeout", type=int, default=SECONDS, metavar="S", help="seconds for one question")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many questions at a time")
    names = ("apply", "set-image", "drain", "node-crash")
    parser.add_argument("--question", action="append", choices=names, help="ask only this (may be repeated)")
    return parser.parse_intermixed_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
