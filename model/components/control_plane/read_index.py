"""Reads from Raft's leader without an entry: it notes what is committed, makes sure that it still leads, then answers.

May do: ask a leader that has committed something in its term; hear from a follower that it still follows; answer when a
majority does, with everything committed since. Upstream: Ongaro, Consensus (2014), section 6.4; go.etcd.io/raft's
ReadIndex. One read at a time: reads change nothing, so none can disturb another. Left out: reads that are passed on.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from ...machine import Action, Fairness, Machine, Outcome, View
from .raft import LEADER, Log, Step, joins, of

READ = "read"


@frozen
class Read:
    """A read under way: who was asked in which term, up to where it must read, and who still follows.

    `before` is what was committed anywhere when it began: what it must not miss. `answer` is what it was told.
    """

    leader: int
    term: int
    index: int
    followers: frozenset[int]
    before: Log
    answer: Log | None = None


def ask(me: int) -> Step:
    """Note what is committed, if any of it is of this term: before that a leader does not know what else is."""

    def step(view: View) -> Iterator[Outcome]:
        term, index = view[of("term", me)], view[of("commit", me)]
        if view[READ] is None and view[of("role", me)] == LEADER and view[of("log", me)][:index][-1:] == (term,):
            yield Outcome("is asked", {READ: Read(me, term, index, frozenset({me}), view["chosen"][0])})

    return step


def confirm(me: int) -> Step:
    """Tell the leader of one's term, or of a later one, that one follows."""

    def step(view: View) -> Iterator[Outcome]:
        read = view[READ]
        if read is None or read.answer is not None or me in read.followers or view[of("term", me)] > read.term:
            return
        follows = evolve(read, followers=read.followers | {me})
        yield Outcome("follows", {**joins(view, me, read.term), READ: follows})

    return step


def answer(me: int, members: int) -> Step:
    """Answer once a majority follows, with everything that is committed by now."""

    def step(view: View) -> Iterator[Outcome]:
        read = view[READ]
        if read is None or read.answer is not None or read.leader != me or view[of("role", me)] != LEADER:
            return
        if view[of("term", me)] == read.term and len(read.followers) > members // 2:
            told = view[of("log", me)][: max(view[of("commit", me)], read.index)]
            yield Outcome("answers", {READ: evolve(read, answer=told)})

    return step


def with_reads(machine: Machine, members: int) -> Machine:
    """Return a machine of Raft whose leaders are asked, once."""
    first = tuple({**state, READ: None} for state in machine.initial)
    reading = [("ask", me, ask(me)) for me in range(members)]
    reading += [("confirm", me, confirm(me)) for me in range(members)]
    reading += [("answer", me, answer(me, members)) for me in range(members)]
    added = (
        Action(f"m{me}: {verb}", f"m{me}", does, Fairness.NONE if verb == "ask" else Fairness.WEAK, by=me, verb=verb)
        for verb, me, does in reading
    )
    return Machine(first, (*machine.actions, *added))
