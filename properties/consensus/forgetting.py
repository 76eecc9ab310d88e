"""The machine of Raft without what only holds back, and with everything forgotten that nobody can use any more.

Why no claim about what happens is lost by it. *Hearing of a term* makes a member a follower there; one that has fallen
and stands as often can do all that it could, and more. *Learning* gives the commit index that following with no
entries gives, which acknowledges besides. *A vote for who no longer counts votes* uses up a vote; not giving it allows
more. *Acknowledgements* count only for a leader in office, *what a leader said* only for members that are not in a
later term. So every run of the whole machine has one here in which the same is written into logs and committed, and no
step here is one that the whole machine does not have, but for forgetting.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from ...model.components.control_plane.raft import CANDIDATE, LEADER, Step, of
from ...model.machine import Action, Machine, Outcome, View

SPENT = -1
"""A vote of which only matters that it is given."""
HOLDS_BACK = {"hear", "learn"}


def forgetting(machine: Machine, members: int, terms: int) -> Machine:
    """Return the machine with what holds back left out, and urgent steps that forget."""
    steps: list[tuple[str, Step]] = []
    for term in range(1, terms + 1):
        steps.append((f"sent in {term}", forget_sent(term, members)))
        for me in range(members):
            steps.append((f"what m{me} asked in {term}", forget_asks(me, term)))
            steps.append((f"for whom m{me} voted in {term}", forget_ballot(me, term)))
            steps.append((f"what m{me} acknowledged in {term}", forget_acks(me, term, members)))
    kept = tuple(action for action in machine.actions if action.verb not in HOLDS_BACK)
    urgent = (Action(f"forget {what}", "forget", step, urgent=True) for what, step in steps)
    return evolve(machine, actions=(*kept, *urgent))


def _is_in(view: View, term: int, members: range, role: int) -> bool:
    return any(view[of("role", member)] == role and view[of("term", member)] == term for member in members)


def forget_asks(other: int, term: int) -> Step:
    """Forget that somebody asked for votes who no longer counts them."""

    def step(view: View) -> Iterator[Outcome]:
        if view[of("asks", term, other)] and not _is_in(view, term, range(other, other + 1), CANDIDATE):
            yield Outcome("forgets", {of("asks", term, other): None})

    return step


def forget_ballot(me: int, term: int) -> Step:
    """Forget for whom a vote was that nobody counts any more, but not that it is spent while that matters."""

    def step(view: View) -> Iterator[Outcome]:
        given = view[of("ballot", term, me)]
        kept = None if view[of("term", me)] > term else SPENT
        if given not in {None, kept} and not (given >= 0 and _is_in(view, term, range(given, given + 1), CANDIDATE)):
            yield Outcome("forgets", {of("ballot", term, me): kept})

    return step


def forget_acks(me: int, term: int, members: int) -> Step:
    """Forget what was acknowledged to a leader that no longer is one."""

    def step(view: View) -> Iterator[Outcome]:
        if view[of("acks", term, me)] and not _is_in(view, term, range(members), LEADER):
            yield Outcome("forgets", {of("acks", term, me): 0})

    return step


def forget_sent(term: int, members: int) -> Step:
    """Forget what a leader said that nobody would listen to any more."""

    def step(view: View) -> Iterator[Outcome]:
        if view[of("led", term)] and all(view[of("term", member)] > term for member in range(members)):
            yield Outcome("forgets", {of("led", term): None, of("sure", term): 0})

    return step
