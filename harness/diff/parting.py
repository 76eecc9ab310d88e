"""Where a run that breaks a claim on one side leaves what the other side can do.

The run is followed on the machine of the other side, step by step by what is said of each step. Two releases give one
template different hashes, so a hash counts as the same word as the hash that stands in its place, everywhere in a run.
Steps that are called alike and lead to different states are all followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from attrs import frozen
from immutabledict import immutabledict

from ...model.checker.semantics import initial_states, moves
from ...model.machine import Machine, State
from ...traces.document import Document, Moment, said
from ...traces.replay import possible
from ...traces.words import told

HASH = re.compile(r"(?<=-)([bcdfghjklmnpqrstvwxz2456789]{5,10})(?![0-9a-z])")
"""A template hash in a name (`impl.api.values.template_hash.ALPHABET`)."""
MOST = 1_000
"""So many states that are called alike are followed; where there are more, nothing is said."""
Words = immutabledict[str, str]
"""The hashes of the run, each with the one that stands in its place."""
NO_WORDS: Words = immutabledict()


@frozen
class Parting:
    """The first step of a run that the other side cannot take, from 1, and what it can do there instead.

    What the same component can do comes first. `step` "" is past the end: the other side can take the whole run, and
    goes on, or judges the end otherwise.
    """

    number: int
    step: str
    instead: tuple[str, ...]


def parting(document: Document, machine: Machine, *, urgent: bool = True) -> Parting | None:
    """Follow a run of one side on the machine of the other; None where too many states are called alike."""
    here: dict[tuple[State, Words], None] = dict.fromkeys(
        (state, NO_WORDS) for state in initial_states(machine, urgent=urgent)
    )
    for number, moment in enumerate(document.steps, start=1):
        there: dict[tuple[State, Words], None] = {}
        for state, words in here:
            for move in moves(machine, state, urgent=urgent):
                same = alike(_said(moment), said(move.step.action, move.step.label), words)
                if same is not None:
                    there[move.after, same] = None
        if not there:
            instead = _possible(machine, here, urgent=urgent)
            return Parting(
                number, told(moment), tuple(sorted(instead, key=lambda one: _who(one) != _who(told(moment))))
            )
        if len(there) > MOST:
            return None
        here = there
    return Parting(len(document.steps) + 1, "", _possible(machine, here, urgent=urgent))


def apart(one: Document, other: Document) -> Parting | None:
    """Compare two runs: the first step in which they differ, and what the second run does there; None: in none."""
    words = NO_WORDS
    for number, (mine, theirs) in enumerate(zip(one.steps, other.steps, strict=False), start=1):
        same = alike(_said(mine), _said(theirs), words)
        if same is None:
            return Parting(number, told(mine), (told(theirs),))
        words = same
    shorter = min(len(one.steps), len(other.steps))
    if len(one.steps) == len(other.steps):
        return None
    return Parting(shorter + 1, *_rest(one, shorter), tuple(filter(None, _rest(other, shorter))))


def _rest(document: Document, taken: int) -> tuple[str]:
    return (told(document.steps[taken]) if taken < len(document.steps) else "",)


def alike(mine: str, theirs: str, words: Mapping[str, str]) -> Words | None:
    """Return the hashes that stand for each other if two steps are called alike, with those known before; else None."""
    if HASH.sub("", mine) != HASH.sub("", theirs):
        return None
    known = dict(words)
    for hashed, other in zip(HASH.findall(mine), HASH.findall(theirs), strict=True):
        if known.setdefault(hashed, other) != other:
            return None
    if len(set(known.values())) < len(known):
        return None
    return immutabledict(sorted(known.items()))


def _said(moment: Moment) -> str:
    return said(moment.action, moment.label)


def _who(text: str) -> str:
    return text.partition(":")[0]


def _possible(machine: Machine, here: Iterable[tuple[State, Words]], *, urgent: bool) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(label for state, _ in here for label in possible(state, moves(machine, state, urgent=urgent)))
    )
