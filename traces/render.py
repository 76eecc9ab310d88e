"""A trace, and the result of replaying one, as plain text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from .document import Document
from .replay import Differs, Impossible, Replay, Replayed
from .words import told


def text(document: Document, *, changes: bool = True) -> str:
    """Render a whole trace: what was found, then the numbered steps, each with what it set off and changed."""
    return "\n".join((*_head(document), *steps(document, changes=changes))) + "\n"


def _head(document: Document) -> Iterator[str]:
    title = " ".join(
        part for part in (document.claim, document.verdict, document.kind and f"({document.kind})") if part
    )
    if title:
        yield f"{title}: {document.sentence}" if document.sentence else title
    yield from (f"  {reason}" for reason in document.reasons)
    if document.island:
        yield f"  a run of {document.island} by itself, all others at rest"
    if document.inputs.files:
        yield f"made by kubeproof {document.version} from {', '.join(sorted(document.inputs.files))}"
    yield ""


def steps(document: Document, *, changes: bool = False, indent: str = "") -> Iterator[str]:
    """Yield the steps, numbered from 1, with when they happen if that is not all at once, and what ran out in them.

    The part that repeats for ever is marked.
    """
    width = len(str(len(document.steps)))
    last = max((step.seconds or 0 for step in document.steps), default=0)
    for number, step in enumerate(document.steps, start=1):
        if document.cycle_start == number - 1:
            yield f"{indent}{'':>{width}}  from here on for ever:"
        at = f"{step.seconds or 0:>{len(str(last))}} s  " if last else ""
        yield f"{indent}{number:>{width}}. {at}{told(step)}"
        yield from (f"{indent}{'':>{width}}    after {line}" for line in step.waited)
        yield from (f"{indent}{'':>{width}}    then {line}" for line in step.then)
        if changes:
            yield from (f"{indent}{'':>{width}}    | {line}" for line in step.told)


def result(replay: Replay, name: str) -> str:
    """Say how a replay went."""
    match replay:
        case Replayed(count):
            return f"{name}: replayed, {count} steps, every state as recorded\n"
        case Impossible(number, step, possible):
            instead = "\n".join(f"    {line}" for line in possible) or "    nothing at all"
            return f"{name}: step {number} is no longer possible: {step}\n  possible instead:\n{instead}\n"
        case Differs(number, step, recorded, found):
            where = f"after step {number} ({step})" if number else "at the start"
            return f"{name}: the state differs {where}: recorded {recorded[:16]}, found {found[:16]}\n"
        case _:
            assert_never(replay)
