"""What was found of a recorded history, as text and as JSON: the verdicts, and what was judged and what was not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

from attrs import frozen

from ...impl.api.releases import Release
from ...model.checker.results import Status
from .claims import Found
from .followed import Followed, Unasked
from .history import History

HISTORY = "history"
SENTENCE = "Whatever a controller wrote it asks for, here, on something that it may have seen."
UNASKED = (
    "either somebody else wrote it, or the cluster is of another release (--release), or kubeproof's controller is "
    "wrong: then please report it with the recording"
)
MARGIN, SHOWN = 25, 5


@frozen
class Validated:
    """A history, and all that was found of it."""

    name: str
    release: Release
    history: History
    followed: Followed
    found: tuple[Found, ...]

    @property
    def allowed(self) -> Status:
        """Whether the history is one that the model allows."""
        if self.followed.unasked:
            return Status.VIOLATED
        return Status.HOLDS if self.followed.judged else Status.UNKNOWN

    @property
    def status(self) -> Status:
        """The worst of all: VIOLATED before UNKNOWN before HOLDS."""
        found = {self.allowed, *(finding.status for finding in self.found)}
        return next((status for status in (Status.VIOLATED, Status.UNKNOWN) if status in found), Status.HOLDS)


def text(one: Validated, width: int) -> str:
    """Render what was found, in lines of at most `width`."""
    return "\n".join(_lines(one, width)) + "\n"


def _lines(one: Validated, width: int) -> Iterator[str]:
    verdicts = {HISTORY: one.allowed, **{found.claim: found.status for found in one.found}}
    groups = {status: [name for name, of in verdicts.items() if of is status] for status in WORST_FIRST}
    yield one.name
    yield ""
    yield "; ".join(f"{status.value}: {', '.join(names)}" for status, names in groups.items() if names)
    yield ""
    yield from _claim(HISTORY, one.allowed, SENTENCE, width)
    if not one.followed.judged:
        yield from _wrapped("no write of a controller that is known here is recorded", width)
    for unasked in one.followed.unasked[:SHOWN]:
        yield from _unasked(unasked, width)
    if len(one.followed.unasked) > SHOWN:
        yield f"    and {len(one.followed.unasked) - SHOWN} more"
    if one.followed.unasked:
        yield from _wrapped(UNASKED, width)
    for found in one.found:
        yield from _claim(found.claim, found.status, found.sentence, width)
        for line in found.lines:
            yield from _wrapped(line, width)
    yield from _listed("Judged", _judged(one), width)
    yield from _listed("Not judged", _not_judged(one), width)
    yield ""
    yield f"Kubernetes {one.release}: {_count(len(one.history.changes), 'change')}"


WORST_FIRST = (Status.VIOLATED, Status.UNKNOWN, Status.HOLDS)


def _claim(name: str, status: Status, sentence: str, width: int) -> Iterator[str]:
    first, *rest = wrap(sentence, width - MARGIN)
    yield f"{name:<14} {status.value:<9} {first}"
    yield from (f"{'':{MARGIN}}{line}" for line in rest)


def _unasked(one: Unasked, width: int) -> Iterator[str]:
    does = "has something left to do" if one.rests else "does not ask for it"
    yield from _wrapped(f"{one.what}: the {one.writer} {does}", width)
    asks = "it asks for" if one.rests else "it asks, at the nearest, for"
    for line in one.nearest:
        yield from _wrapped(f"{asks}: {line}", width, "      ")
    if not one.nearest and not one.rests:
        yield from _wrapped("it asks for nothing of the kind", width, "      ")


def _wrapped(line: str, width: int, indent: str = "    ") -> list[str]:
    return wrap(
        line, width, initial_indent=indent, subsequent_indent=f"{indent}  ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _listed(title: str, lines: list[str], width: int) -> Iterator[str]:
    if lines:
        yield ""
        yield f"{title}:"
    for line in lines:
        yield from wrap(f"- {line}", width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _judged(one: Validated) -> list[str]:
    writes = [f"{_count(count, 'write')} of the {name}" for name, count in sorted(one.followed.judged.items())]
    moments = [f"{found.claim}: {_count(found.judged, 'moment')}" for found in one.found]
    return [*writes, *moments]


def _not_judged(one: Validated) -> list[str]:
    of = _kinds(one.followed.unjudged)
    lines = [f"changes that somebody else made, or nobody known here: {of}"] if of else []
    if one.history.begins:
        lines.append(f"the first {_count(one.history.begins, 'change')}: not every kind was recorded yet")
    if one.history.other:
        lines.append(f"kinds without a model: {_kinds(one.history.other)}")
    return [*lines, *(f"the {name}: {why}" for name, why in sorted(one.followed.open.items()))]


def _kinds(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} x {kind}" for kind, count in sorted(counts.items()))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def to_json(one: Validated) -> dict[str, Any]:
    """Return what was found as JSON."""
    unasked = [
        {"place": each.place, "what": each.what, "controller": each.writer, "asksFor": list(each.nearest)}
        for each in one.followed.unasked
    ]
    return {
        "name": one.name,
        "release": one.release.name,
        "verdict": one.status.value,
        "history": {"verdict": one.allowed.value, "sentence": SENTENCE, "notAskedFor": unasked},
        "claims": [
            {
                "claim": found.claim,
                "verdict": found.status.value,
                "sentence": found.sentence,
                "moments": found.judged,
                "lines": list(found.lines),
            }
            for found in one.found
        ],
        "changes": len(one.history.changes),
        "judged": dict(sorted(one.followed.judged.items())),
        "notJudged": _not_judged(one),
    }
