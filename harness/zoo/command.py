"""`kubeproof zoo`: documented failures of Kubernetes, told, run and shown.

A failure is as documented if it is found without its repair, and gone with it by the same search.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from attrs import evolve, frozen

from . import registry
from .catalogue import Found, Pair, as_documented
from .folders import told_operator

LONG = 10.0
"""Seconds of one core: what takes longer is named at the end."""


@frozen
class Ran:
    """What came of one failure: whether it is as documented, what is said of it, and how long its twins took."""

    name: str
    right: bool
    text: str
    seconds: tuple[float, float]


def told(names: Iterable[str]) -> str:
    """List failures by topic, each with where it is documented."""
    lines: list[str] = []
    topic = ""
    for its_topic, pair in registry.chosen(names):
        if its_topic != topic:
            topic = its_topic
            lines.append(f"{'' if not lines else chr(10)}{topic}")
        lines += [f"  {pair.name} ({', '.join(pair.sources)})", f"      {pair.what}"]
    return "\n".join(lines) + "\n"


def run(names: Iterable[str], *, trace: bool) -> Iterator[Ran]:
    """Run failures, each as soon as it is asked for; tell whether it is as documented, and what was found."""
    for topic, pair in registry.chosen(names):
        faulty, repaired = _timed(pair.faulty), _timed(pair.repaired)
        right = as_documented(faulty, repaired)
        lines = [
            f"{'ok  ' if right else 'ODD '} {topic}/{pair.name} ({', '.join(pair.sources)}): {pair.what}",
            f"       as it was: {_said(faulty)}",
            f"       repaired:  {_said(repaired)} -- {pair.repair}",
            *(f"         {line}" for line in faulty.lines if trace),
        ]
        yield Ran(pair.name, right, "\n".join(lines) + "\n", (faulty.seconds, repaired.seconds))


def summed_up(every: Iterable[Ran]) -> str:
    """Say how many are as documented, what all took, and which twins took long."""
    ran = tuple(every)
    twins = zip(("as it was", "repaired"), zip(*(failure.seconds for failure in ran), strict=True), strict=True)
    long = [f"{ran[number].name} {twin}" for twin, took in twins for number, each in enumerate(took) if each > LONG]
    cost = f"{sum(map(sum, (failure.seconds for failure in ran))):.0f} CPU s"
    slow = f"longer than {LONG:.0f} s: {', '.join(long)}" if long else f"none longer than {LONG:.0f} s"
    right = sum(failure.right for failure in ran)
    return f"{right} of {len(ran)} documented failures are found, and gone with their repairs ({cost}, {slow})\n"


def _timed(twin: Callable[[], Found]) -> Found:
    """Run a twin, and take the time of one core, which does not depend on what else runs."""
    began = sum(os.times()[:4])
    found = twin()
    return evolve(found, seconds=sum(os.times()[:4]) - began)


def _said(found: Found) -> str:
    steps = f" in {len(found.lines)} steps" if found.lines else ""
    vacuous = " (vacuous)" if found.vacuous else ""
    return f"{found.claim}: {found.status.value}{steps}{vacuous}, {found.states:,} states, {found.seconds:.1f} CPU s"


def shown(names: Iterable[str]) -> str:
    """Show failures: what they are about, and the manifests with what the repair changes in them."""
    return "\n".join("\n".join(_shown(topic, pair)) + "\n" for topic, pair in registry.chosen(names))


def _shown(topic: str, pair: Pair) -> Iterator[str]:
    yield f"{topic}/{pair.name} ({', '.join(pair.sources)})"
    yield f"  what goes wrong:  {pair.what}"
    yield f"  what repairs it:  {pair.repair}"
    if pair.folder is None:
        yield "  It is a world of its own components, without manifests; `kubeproof zoo run --trace` prints its run."
        return
    yield f"  manifests:        kubeproof check {pair.folder / 'faulty'}{told_operator(pair.folder, 'faulty')}"
    yield f"                    kubeproof check {pair.folder / 'repaired'}{told_operator(pair.folder, 'repaired')}"
    for path in sorted((pair.folder / "faulty").rglob("*.yaml")):
        name = path.relative_to(pair.folder / "faulty")
        yield from ("", f"# {name}", *_changed(path, pair.folder / "repaired" / name))


def _changed(before: Path, after: Path) -> Iterator[str]:
    """Yield a file line by line, with what the repair takes away and adds."""
    old, new = (path.read_text(encoding="utf-8").splitlines() for path in (before, after))
    yield from (line.rstrip() for line in difflib.ndiff(old, new) if not line.startswith("?"))
