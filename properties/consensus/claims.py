"""Raft's properties (Ongaro and Ousterhout 2014, figure 3), as claims about its page, `control_plane/raft.py`.

They count for themselves: a log is compared entry by entry, and whoever has led is known from what was sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from ...model.components.control_plane.raft import LEADER, Log, of
from ...model.machine import Invariant, Property, Sometimes, StepProperty, View


def claims(members: int) -> tuple[Property, ...]:
    """Return all of them, for so many members, and that what they speak of happens."""
    everyone = range(members)

    def leads(view: View, me: int) -> bool:
        return bool(view[of("role", me)] == LEADER)

    def one_leader(before: View, after: View, _label: str) -> Iterator[str]:
        for me in everyone:
            if leads(after, me) and not leads(before, me):
                term = after[of("term", me)]
                if before[of("led", term)] is not None:
                    yield f"m{me} becomes leader in term {term}, which had one"

    def append_only(before: View, after: View, _label: str) -> Iterator[str]:
        for me in everyone:
            stays = leads(before, me) and leads(after, me) and before[of("term", me)] == after[of("term", me)]
            if stays and not starts_with(after[of("log", me)], before[of("log", me)]):
                yield f"the log of leader m{me} goes from {before[of('log', me)]} to {after[of('log', me)]}"

    def matching(view: View) -> Iterator[str]:
        for peer, other in combinations(everyone, 2):
            pair = view[of("log", peer)], view[of("log", other)]
            same = [n for n, (left, right) in enumerate(zip(*pair, strict=False)) if left == right]
            if same and pair[0][: same[-1]] != pair[1][: same[-1]]:
                yield f"m{peer} has {pair[0]}, m{other} {pair[1]}: entry {same[-1] + 1} is the same, not all before it"

    def complete(view: View) -> Iterator[str]:
        chosen, term = view["chosen"]
        for me in everyone:
            if leads(view, me) and view[of("term", me)] > term and not starts_with(view[of("log", me)], chosen):
                yield f"m{me} leads term {view[of('term', me)]} without {chosen}, committed in term {term}"

    def applied_alike(view: View) -> Iterator[str]:
        chosen, _ = view["chosen"]
        for me in everyone:
            applied = view[of("log", me)][: view[of("commit", me)]]
            if len(applied) < view[of("commit", me)] or not starts_with(chosen, applied):
                yield f"m{me} has applied {applied} of {view[of('commit', me)]}, committed was {chosen}"

    def kept(before: View, after: View, _label: str) -> Iterator[str]:
        if not starts_with(after["chosen"][0], before["chosen"][0]):
            yield f"{before['chosen'][0]} was committed, now {after['chosen'][0]}"

    return (
        StepProperty("election safety", "No term has two leaders, not even one after the other.", one_leader),
        StepProperty("leader append-only", "A leader changes and removes nothing in its log.", append_only),
        Invariant("log matching", "Logs with the same entry at an index are the same up to it.", matching),
        Invariant("leader completeness", "Who leads has everything that was committed in an earlier term.", complete),
        Invariant("state machine safety", "What members have applied, they have applied alike.", applied_alike),
        StepProperty("nothing is taken back", "What was committed stays, and only gets longer.", kept),
        Sometimes("somebody commits", "Something is committed.", lambda view: bool(view["chosen"][0])),
        Sometimes(
            "somebody is behind",
            "Two lead, each in a term of its own.",
            lambda view: sum(leads(view, me) for me in everyone) > 1,
        ),
    )


def starts_with(log: Log, beginning: Log) -> bool:
    """Tell whether a log begins with another."""
    return log[: len(beginning)] == beginning
