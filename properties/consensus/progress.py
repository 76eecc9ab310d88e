"""Progress: with one of its members gone for good, a cluster elects a leader and commits whatever is asked of it.

First anything may happen, within bounds; then it is calm: nobody falls any more, one member is gone, and the others are
heard sooner or later (weak fairness). What raft asks of time is asked here: messages are faster than patience, so
somebody stands only when nothing else is to be done and no leader is heard of; and, by pre-votes, only who would win.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import evolve, frozen

from ...model.components.control_plane.raft import LEADER, Step, joins, last, of, propose, raft, stand, win
from ...model.machine import Action, Converges, Fairness, Machine, Outcome, View
from .forgetting import forgetting

GONE = "gone"
"""The slot of who is gone since it is calm; None while it is not."""


@frozen
class Bounds:
    """How many terms there are, and entries in a log, before it is calm; how many terms come later.

    Clients ask, once it is calm, until a log has `asked` entries; every leader adds one of its own.
    """

    terms: int
    length: int
    later_terms: int
    asked: int


def calming(members: int, bounds: Bounds) -> Machine:
    """Return a machine of Raft that becomes calm at any time."""
    terms, length = bounds.terms + bounds.later_terms, bounds.asked + bounds.later_terms + 1
    machine = forgetting(raft(members, terms, bounds.length), members, terms)
    first = tuple({**state, GONE: None} for state in machine.initial)
    before: list[Action] = []
    for action in machine.actions:
        me = action.by
        if action.urgent:
            before.append(action)
        elif action.verb == "stand" and isinstance(me, int):
            before.append(evolve(action, step=_when(stand(me, bounds.terms), _any)))
        else:
            before.append(evolve(action, step=_when(action.step, _any if action.verb == "fall" else _unless(me))))
    calm = (Action(f"m{me}: goes", "environment", _goes(me), Fairness.NONE) for me in range(members))
    later: list[Action] = []
    for me in range(members):
        does = {"wins": win(me, members, length), "proposes": propose(me, bounds.asked), "hears": _hear(me, members)}
        does["stands"] = _stand(me, members, terms)
        for verb, step in does.items():
            name, there = f"m{me}: {verb} in calm", _when(step, _unless(me, calm=True))
            later.append(Action(name, name, there, when_quiet=verb == "stands"))
    return Machine(first, (*before, *calm, *later))


def _any(gone: object) -> bool:
    return gone is None


def _unless(me: object, *, calm: bool = False) -> Callable[[object], bool]:
    """Return whether a member is there, asked of who is gone; `calm`: only since then."""
    return lambda gone: gone != me and not (calm and gone is None)


def _when(step: Callable[[View], object], allowed: Callable[[object], bool]) -> Step:
    def guarded(view: View) -> Iterator[Outcome]:
        if allowed(view[GONE]):
            yield from step(view)  # type: ignore[misc]

    return guarded


def _goes(me: int) -> Step:
    def step(view: View) -> Iterator[Outcome]:
        if view[GONE] is None:
            yield Outcome("is gone", {GONE: me})

    return step


def _stand(me: int, members: int, terms: int) -> Step:
    """Stand if no leader of one's own term or a later one is there, and a majority would vote for it."""

    def step(view: View) -> Iterator[Outcome]:
        there = [member for member in range(members) if member != view[GONE]]
        term, mine = view[of("term", me)], last(view[of("log", me)])
        led = any(view[of("role", member)] == LEADER and view[of("term", member)] >= term for member in there)
        votes = sum(mine >= last(view[of("log", member)]) and view[of("term", member)] <= term for member in there)
        if not led and votes > members // 2:
            yield from stand(me, terms)(view)

    return step


def _hear(me: int, members: int) -> Step:
    """Move on to the latest term of who is there: who asks in an older one, or leads it, is told."""

    def step(view: View) -> Iterator[Outcome]:
        newest = max(view[of("term", member)] for member in range(members) if member != view[GONE])
        if view[of("term", me)] < newest:
            yield Outcome(f"hears of term {newest}", joins(view, me, newest))

    return step


def progress(members: int) -> Converges:
    """Return the claim: in the end somebody leads, and everybody there has applied a log with an entry of its own."""

    def goal(view: View) -> Iterator[str]:
        there = [member for member in range(members) if member != view[GONE]]
        newest = max(view[of("term", member)] for member in there)
        if not any(view[of("role", member)] == LEADER and view[of("term", member)] == newest for member in there):
            yield "nobody leads"
        for member in there:
            log = view[of("log", member)]
            if view[of("commit", member)] < len(log) or newest not in log:
                yield f"m{member} has {log}, committed up to {view[of('commit', member)]}"

    doc = "Once it is calm, with one member gone, somebody leads, and everything asked for is committed."
    return Converges("progress", doc, goal, lambda view: view[GONE] is not None)
