"""A comparison as text and as JSON: what got worse first, then each claim with the run that breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from textwrap import wrap
from typing import Any

from ...model.checker.results import Status
from ...traces.words import told
from ..check.results import Claim
from .compare import Compared, Comparison, Turn
from .parting import Parting

WIDTH = 110
SHOWN = 6
"""So much of what the other side can do instead is told."""
TURNS = (Turn.WORSE, Turn.OPEN, Turn.BETTER, Turn.GONE, Turn.SAME)
CALLED = {
    Turn.WORSE: "WORSE",
    Turn.OPEN: "NOT KNOWN any more",
    Turn.BETTER: "better",
    Turn.GONE: "not asked any more",
    Turn.SAME: "the same",
}


def text(found: Comparison) -> str:
    """Render a comparison."""
    lines = [f"{found.first.name}  ->  {found.second.name}", "", *_headline(found), ""]
    for compared in found.claims:
        lines += _claim(compared, found)
    return "\n".join(lines).rstrip("\n") + "\n"


def _headline(found: Comparison) -> Iterator[str]:
    groups = {turn: [compared.claim for compared in found.claims if compared.turn is turn] for turn in TURNS}
    told = "; ".join(f"{CALLED[turn]}: {', '.join(names)}" for turn, names in groups.items() if names)
    yield from wrap(told, WIDTH, subsequent_indent="  ")
    if open_in_both := [
        compared.claim for compared in found.claims if _status(compared.before) == _status(compared.after) == "UNKNOWN"
    ]:
        yield f"not compared, for UNKNOWN on both sides: {', '.join(open_in_both)}"


def _claim(one: Compared, found: Comparison) -> Iterator[str]:
    shown = f"{_told(one.before)} -> {_told(one.after)}"
    yield f"{one.claim:<14} {shown:<36} {CALLED[one.turn]}"
    for name, claim in ((found.first.name, one.before), (found.second.name, one.after)):
        if claim is not None and claim.status is not Status.HOLDS and one.turn is not Turn.SAME:
            yield from chain.from_iterable(_wrapped(f"{name}: {line}") for line in claim.lines)
    yield from chain.from_iterable(_wrapped(f"without this it would not be: {line}") for line in one.because)
    if one.run is None:
        return
    if earlier := _same_run(one, found):
        yield from (f"    the run that breaks it is that of {earlier}", "")
        return
    other = found.first.name if one.of == found.second.name else found.second.name
    if _status(one.before) == _status(one.after) and one.parts is None:
        yield f"    the same run breaks it on both sides, {len(one.run.steps)} steps"
        yield ""
        return
    yield from _run(one, other)
    yield ""


def _same_run(one: Compared, found: Comparison) -> str:
    """Name a claim told before of which the run takes the same steps on the same side; "" where there is none."""
    for other in found.claims[: found.claims.index(one)]:
        if other.run is not None and one.run is not None and (other.of, other.run.steps) == (one.of, one.run.steps):
            return other.claim
    return ""


def _wrapped(line: str) -> list[str]:
    return wrap(line, WIDTH, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False)


def _run(one: Compared, other: str) -> Iterator[str]:
    """Tell the run up to where the other side leaves it."""
    assert one.run is not None  # noqa: S101 - asked before
    yield ""
    yield f"    the run of {one.of} that breaks it:"
    width = len(str(len(one.run.steps)))
    here = one.parts.number if one.parts is not None else 0
    for number, step in enumerate(one.run.steps, start=1):
        if one.run.cycle_start == number - 1:
            yield f"      {'':>{width}}  from here on for ever:"
        mark = ">" if number == here else " "
        yield f"    {mark} {number:>{width}}. {told(step)}"
        if number == here:
            yield from _parted(one, one.parts, other, width)
    if one.parts is not None and here > len(one.run.steps):
        yield from _parted(one, one.parts, other, width)


def _parted(one: Compared, parts: Parting | None, other: str, width: int) -> Iterator[str]:
    if parts is None:
        return
    indent = f"      {'':>{width}}  "
    if _status(one.before) == _status(one.after):
        yield f"{indent}here the runs part: that of {other} has"
    elif parts.step:
        yield f"{indent}here they part: {other} cannot do this, but"
    elif parts.instead:
        yield f"{indent}{other} can do all of this, and then"
    else:
        yield f"{indent}{other} can do all of this, and it is no breach there"
    yield from (f"{indent}  {line}" for line in parts.instead[:SHOWN])
    if len(parts.instead) > SHOWN:
        yield f"{indent}  and {len(parts.instead) - SHOWN} more"
    if parts.step and not parts.instead:
        yield f"{indent}  nothing at all"


def _told(claim: Claim | None) -> str:
    if claim is None:
        return "-"
    return f"{claim.status.value} (vacuous)" if claim.vacuous is True else claim.status.value


def _status(claim: Claim | None) -> str | None:
    return None if claim is None else claim.status.value


def to_json(found: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON, with the whole report of each side."""
    return {
        "verdict": found.turn.value,
        "claims": [
            {
                "claim": compared.claim,
                "before": _status(compared.before),
                "after": _status(compared.after),
                "turn": compared.turn.value,
                "because": list(compared.because),
                "run": None if compared.run is None else _run_json(compared),
            }
            for compared in found.claims
        ],
        "first": {"name": found.first.name, "report": found.first.result.to_json()},
        "second": {"name": found.second.name, "report": found.second.result.to_json()},
    }


def _run_json(one: Compared) -> dict[str, Any]:
    assert one.run is not None  # noqa: S101 - asked before
    parts = one.parts
    return {
        "of": one.of,
        "steps": [told(step) for step in one.run.steps],
        "parts": parts and {"step": parts.number, "says": parts.step, "instead": list(parts.instead)},
    }
