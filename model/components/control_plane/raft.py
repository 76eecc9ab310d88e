"""Raft as a machine: terms, votes, logs; whatever was once said may be heard late, twice, out of order, or never.

May do: stand for leader and vote, once a term; append as leader, tell others to append, acknowledge; commit what a
majority has; crash, which keeps term, votes and log. What was said stays said, so that nobody needs a network: `asks`
(who stands, with which last entry), `ballot` (who voted for whom), `led` (the log a leader has sent), `acks` (how far
a member said that it follows), `sure` (how far a leader said that it is committed). A message lost is one not heard.

An entry is the term it was made in: within a term only one leader makes them, each at another index. Roles: followers
are 0, candidates 1, leaders 2. Upstream: Ongaro, Consensus (2014), figure 3.1; a new leader appends an entry of its
own, and commits are told with entries or heartbeats, as in go.etcd.io/raft. `chosen` remembers what was committed, and
in which term. Left out: changes of members; pre-votes and leases, which only hold back; reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...machine import Action, Fairness, Machine, Outcome, View

FOLLOWER, CANDIDATE, LEADER = 0, 1, 2
Log = tuple[int, ...]
Step = Callable[[View], Iterator[Outcome]]


def of(what: str, *numbers: int) -> str:
    """Name a slot: of a member, or of a term and a member."""
    return " ".join((what, *map(str, numbers)))


def last(log: Log) -> tuple[int, int]:
    """Return the term and the index of the last entry: what makes one log newer than another."""
    return (log[-1] if log else 0, len(log))


def with_entries(log: Log, after: int, entries: Log) -> Log:
    """Return the log with entries after an index: what conflicts with them goes, with all behind it."""
    agrees = all(log[after + n : after + n + 1] == (entry,) for n, entry in enumerate(entries))
    return log if agrees else log[:after] + entries


def joins(view: View, me: int, term: int, role: int = FOLLOWER) -> dict[str, int]:
    """Return what changes for who moves on to a term."""
    return {of("term", me): term, of("role", me): role} if view[of("term", me)] < term else {of("role", me): role}


def stand(me: int, terms: int) -> Step:
    """Begin the next term as a candidate, with one's own vote."""

    def step(view: View) -> Iterator[Outcome]:
        term = view[of("term", me)] + 1
        if view[of("role", me)] != LEADER and term <= terms:
            said = {of("ballot", term, me): me, of("asks", term, me): last(view[of("log", me)])}
            yield Outcome(f"stands in term {term}", {**joins(view, me, term, CANDIDATE), **said})

    return step


def vote(me: int, members: int, term: int) -> Step:
    """Vote for a candidate whose log is at least as new, if no vote is given in its term."""

    def step(view: View) -> Iterator[Outcome]:
        if view[of("term", me)] > term or view[of("ballot", term, me)] is not None:
            return
        for other in range(members):
            asked = view[of("asks", term, other)]
            if other != me and asked is not None and asked >= last(view[of("log", me)]):
                given = {of("ballot", term, me): other}
                yield Outcome(f"votes for m{other} in term {term}", {**joins(view, me, term), **given})

    return step


def hear(me: int, members: int, term: int) -> Step:
    """Hear of a later term."""

    def step(view: View) -> Iterator[Outcome]:
        if view[of("term", me)] < term and any(view[of("asks", term, other)] for other in range(members)):
            yield Outcome(f"hears of term {term}", joins(view, me, term))

    return step


def win(me: int, members: int, length: int) -> Step:
    """Become leader with the votes of a majority, and begin with an entry of the new term."""

    def step(view: View) -> Iterator[Outcome]:
        if view[of("role", me)] != CANDIDATE or len(view[of("log", me)]) >= length:
            return
        term = view[of("term", me)]
        if sum(view[of("ballot", term, other)] == me for other in range(members)) > members // 2:
            begins = {of("role", me): LEADER, of("sure", term): view[of("commit", me)]}
            yield Outcome(f"leads term {term}", {**begins, **_appended(view, me, term)})

    return step


def propose(me: int, length: int) -> Step:
    """Append as leader."""

    def step(view: View) -> Iterator[Outcome]:
        if view[of("role", me)] == LEADER and len(view[of("log", me)]) < length:
            yield Outcome("appends", _appended(view, me, view[of("term", me)]))

    return step


def _appended(view: View, me: int, term: int) -> dict[str, Log | int]:
    log = (*view[of("log", me)], term)
    return {of("log", me): log, of("led", term): log, of("acks", term, me): len(log)}


def follow(me: int, term: int) -> Step:
    """Take entries of a leader where they fit, and what it says is committed; acknowledge them."""

    def step(view: View) -> Iterator[Outcome]:
        sent = view[of("led", term)]
        if sent is None or view[of("term", me)] > term or _leads(view, me, term):
            return
        log, commit, joining = view[of("log", me)], view[of("commit", me)], joins(view, me, term)
        acks, sure = view[of("acks", term, me)], view[of("sure", term)]
        for after in range(commit, len(sent) + 1):
            if log[:after][-1:] != sent[:after][-1:] or len(log) < after:
                continue
            for upto in range(after, len(sent) + 1):
                taken = {**joining, of("log", me): with_entries(log, after, sent[after:upto])}
                for told in range(sure + 1):
                    news = {of("commit", me): max(commit, min(told, upto)), of("acks", term, me): max(acks, upto)}
                    yield Outcome(f"takes {after + 1} to {upto} of term {term}", {**taken, **news})
        yield Outcome("has it", {**joining, of("acks", term, me): max(acks, commit)})

    return step


def learn(me: int, term: int) -> Step:
    """Hear from a leader how far that is committed which one has acknowledged."""

    def step(view: View) -> Iterator[Outcome]:
        known = min(view[of("acks", term, me)], view[of("sure", term)])
        if view[of("term", me)] <= term and not _leads(view, me, term):
            for told in range(view[of("commit", me)] + 1, known + 1):
                yield Outcome(f"learns {told} of term {term}", {**joins(view, me, term), of("commit", me): told})

    return step


def commit(me: int, members: int) -> Step:
    """Commit as leader what a majority has acknowledged, if it ends with an entry of this term."""

    def step(view: View) -> Iterator[Outcome]:
        if view[of("role", me)] != LEADER:
            return
        term, log = view[of("term", me)], view[of("log", me)]
        for index in range(view[of("commit", me)] + 1, len(log) + 1):
            having = sum(view[of("acks", term, other)] >= index for other in range(members))
            if having > members // 2 and log[index - 1] == term:
                news = {of("commit", me): index, of("sure", term): max(view[of("sure", term)], index)}
                chosen = max(view["chosen"], (log[:index], term), key=_length)
                yield Outcome(f"commits {index}", {**news, "chosen": chosen})

    return step


def fall(me: int) -> Step:
    """Crash and come back, or step down: a follower with the same term, votes and log; a commit index may be older."""

    def step(view: View) -> Iterator[Outcome]:
        for known in range(view[of("commit", me)], -1, -1):
            yield Outcome(f"falls to {known}", {of("role", me): FOLLOWER, of("commit", me): known})

    return step


def _leads(view: View, me: int, term: int) -> bool:
    return bool(view[of("role", me)] == LEADER and view[of("term", me)] == term)


def _length(chosen: tuple[Log, int]) -> int:
    return len(chosen[0])


def raft(members: int = 3, terms: int = 2, length: int = 2, candidates: int | None = None) -> Machine:
    """Return the machine with so many members, terms, entries in a log, and members who ever stand (None: all)."""
    everyone, every_term = range(members), range(1, terms + 1)
    pairs = [(term, me) for term in every_term for me in everyone]
    first = {of(what, me): 0 for what in ("term", "role", "commit") for me in everyone}
    logs: dict[str, Log] = {of("log", me): () for me in everyone}
    said = {of(what, *pair): None for what in ("ballot", "asks") for pair in pairs}
    heard = {of("acks", *pair): 0 for pair in pairs} | {of("sure", term): 0 for term in every_term}
    sent = {of("led", term): None for term in every_term}
    own: list[tuple[str, Callable[[int], Step]]] = [
        ("stand", lambda me: stand(me, terms if candidates is None or me < candidates else 0)),
        ("fall", fall),
        ("win", lambda me: win(me, members, length)),
        ("propose", lambda me: propose(me, length)),
        ("commit", lambda me: commit(me, members)),
    ]
    of_term: list[tuple[str, Callable[[int, int], Step]]] = [
        ("hear", lambda me, term: hear(me, members, term)),
        ("vote", lambda me, term: vote(me, members, term)),
        ("follow", follow),
        ("learn", learn),
    ]
    return Machine(
        ({**first, **logs, **said, **heard, **sent, "chosen": ((), 0)},),
        (
            *(_action(verb, me, None, make(me)) for verb, make in own for me in everyone),
            *(_action(verb, me, term, make(me, term)) for verb, make in of_term for term, me in pairs),
        ),
    )


def _action(verb: str, me: int, term: int | None, step: Step) -> Action:
    """Return what a member does; that it stands or falls, nobody promises."""
    fairness = Fairness.NONE if verb in {"stand", "fall"} else Fairness.WEAK
    name = f"m{me}: {verb}" if term is None else f"m{me}: {verb} {term}"
    return Action(name, f"m{me}", step, fairness, by=me, verb=verb, on=term)
