# ruff: noqa: INP001 - examples are scripts, no package
"""Leader election in Raft (Ongaro and Ousterhout, section 5.2): terms, one vote a term, a majority makes a leader.

A ballot, once cast, stays where it is: it is the durable vote of who cast it and the message to whom it is for, which
may be read late or never. A vote for oneself is also the request to all others. Left out on purpose: logs (every
candidate is up to date), heartbeats, and restarts, which change nothing since all but the role is durable.

Run it with the number of servers and of terms: `python examples/machines/raft_election.py 3 2`.

How many states with one term? If k of n servers stand, each of the others has heard nothing, has heard of the term,
or has voted for one of k: (k+2)^(n-k); and where a candidate has a majority, it has noticed or not: twice. A majority
needs v >= n//2 votes of others: k * sum over v of C(n-k, v) * (k+1)^(n-k-v) ways. Where nobody stands there is 1 state.
For three servers: 1 + 3 * (9 + 5) + 3 * (4 + 2) + 1 = 62.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterator, Mapping

from kubeproof.model.checker import explore
from kubeproof.model.machine import (
    Action,
    Fact,
    Fairness,
    Invariant,
    Machine,
    Mention,
    Outcome,
    Property,
    Recoverable,
    Sometimes,
    Symmetry,
    View,
)

Step = Callable[[View], Iterator[Outcome]]


def ballot(term: int, server: int) -> str:
    """Name the slot of a server's vote in a term."""
    return f"ballot {term} of s{server}"


def stand(me: int, terms: int) -> Step:
    """Time out: begin a new term as a candidate, with one's own vote."""

    def step(view: View) -> Iterator[Outcome]:
        term = view[f"term{me}"] + 1
        if term <= terms and view[f"role{me}"] != "leader":
            yield Outcome(f"stands in term {term}", {f"term{me}": term, f"role{me}": "candidate", ballot(term, me): me})

    return step


def hear(me: int, candidate: int, term: int) -> Step:
    """Hear of a candidate: move on to its term, and vote for it if there is a vote left to give."""
    mine = ballot(term, me)

    def step(view: View) -> Iterator[Outcome]:
        if view[ballot(term, candidate)] != candidate or view[f"term{me}"] > term:
            return
        moved_on = {f"term{me}": term, f"role{me}": "follower"} if view[f"term{me}"] < term else {}
        if view[mine] is None:
            yield Outcome(f"votes for s{candidate} in term {term}", {**moved_on, mine: candidate})
        if moved_on:
            yield Outcome(f"hears of term {term}", moved_on)

    return step


def win(me: int, servers: int, quorum: int) -> Step:
    """Become leader with the ballots of a quorum."""

    def step(view: View) -> Iterator[Outcome]:
        if view[f"role{me}"] != "candidate":
            return
        votes = sum(1 for n in range(servers) if view[ballot(view[f"term{me}"], n)] == me)
        if votes >= quorum:
            yield Outcome("wins", {f"role{me}": "leader"})

    return step


def raft_election(servers: int, terms: int, quorum: int | None = None) -> Machine:
    """Return the machine; the quorum is a majority unless said otherwise."""
    everyone = range(servers)
    quorum = servers // 2 + 1 if quorum is None else quorum
    initial: dict[str, str | int | None] = {f"role{n}": "follower" for n in everyone} | {
        f"term{n}": 0 for n in everyone
    }
    initial |= {ballot(term, n): None for term in range(1, terms + 1) for n in everyone}
    return Machine(
        initial=(initial,),
        actions=(
            *(Action(f"s{n}: stand", f"s{n} times out", stand(n, terms), Fairness.NONE) for n in everyone),
            *(
                Action(f"s{n}: hear s{candidate} in {term}", f"s{n}", hear(n, candidate, term))
                for n in everyone
                for candidate in everyone
                for term in range(1, terms + 1)
                if candidate != n
            ),
            *(Action(f"s{n}: win", f"s{n}", win(n, servers, quorum)) for n in everyone),
        ),
    )


def alike(servers: int, terms: int) -> Symmetry:
    """Return what can be exchanged: the servers; a ballot speaks of the one it is for."""
    slots = {f"{what}{n}": (what, (Mention("server", n),)) for what in ("role", "term") for n in range(servers)}
    for term in range(1, terms + 1):
        slots |= {ballot(term, n): (f"ballot {term}", (Mention("server", n),)) for n in range(servers)}
    return Symmetry({"server": servers}, slots, _facts, _rename)


def _facts(template: str, value: Hashable) -> tuple[Fact, ...]:
    if isinstance(value, int) and template.startswith("ballot"):
        return (("for", (Mention("server", value),)),)
    return ((value, ()),)


def _rename(template: str, value: Hashable, numbers: Mapping[Mention, int]) -> Hashable:
    if isinstance(value, int) and template.startswith("ballot"):
        return numbers[Mention("server", value)]
    return value


def one_leader(servers: int) -> Invariant:
    """Return the claim of election safety; an old leader may not know yet that a later term has begun."""

    def check(view: View) -> Iterator[str]:
        terms = [view[f"term{n}"] for n in range(servers) if view[f"role{n}"] == "leader"]
        yield from (f"term {term} has two leaders" for term in sorted(set(terms)) if terms.count(term) > 1)

    return Invariant("one leader", "No term has two leaders.", check)


def has_leader(servers: int) -> Callable[[View], bool]:
    """Return the question whether somebody leads."""
    return lambda view: any(view[f"role{n}"] == "leader" for n in range(servers))


def claims(servers: int) -> tuple[Property, ...]:
    """Return all claims. The last fails, as it must with so few terms: votes are split and no term is left."""
    leads = has_leader(servers)
    return (
        one_leader(servers),
        Sometimes("a leader", "Somebody is elected.", leads),
        Recoverable("electable", "Somebody can still be elected.", lambda view: [] if leads(view) else ["no leader"]),
    )


def main(arguments: list[str]) -> None:
    """Explore the machine and print what came out."""
    servers, terms = (int(arguments[0]), int(arguments[1])) if len(arguments) > 1 else (3, 2)
    result = explore(raft_election(servers, terms), claims(servers))
    print("\n".join(result.summary()))  # noqa: T201 - it is there to print


if __name__ == "__main__":
    main(sys.argv[1:])
