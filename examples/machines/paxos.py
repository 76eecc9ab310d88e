# ruff: noqa: INP001 - examples are scripts, no package
"""Single-decree Paxos (Lamport): three acceptors, two values, some ballots; messages stay once they were sent.

Run it with the number of ballots: `python examples/machines/paxos.py 3`. A ballot's leader asks (1a), acceptors promise
to take part in no earlier one and tell their last vote (1b), the leader proposes a value that the promises of a
majority allow (2a), acceptors vote (2b). A value is chosen when a majority voted for it in one ballot.

How many states? No short arithmetic is known; SPIN, TLC and LTSmin count 185,369 for three ballots. Left out on
purpose: learners, more than one decree, lost messages (a message that nobody ever reads is as good as lost).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterator, Mapping
from itertools import combinations, product

from kubeproof.model.checker import explore
from kubeproof.model.machine import (
    Action,
    Fact,
    Fairness,
    Invariant,
    Machine,
    Mention,
    Outcome,
    Sometimes,
    Symmetry,
    View,
)

Step = Callable[[View], Iterator[Outcome]]

ACCEPTORS = range(3)
VALUES = ("left", "right")
NO_VOTE = (-1, None)
"""A vote is a ballot and a value."""


def ask(ballot: int) -> Step:
    """Begin a ballot."""

    def step(view: View) -> Iterator[Outcome]:
        if not view[f"asked {ballot}"]:
            yield Outcome("ask", {f"asked {ballot}": True})

    return step


def promise(acceptor: int, ballot: int) -> Step:
    """Promise to take part in nothing before a ballot, and tell the last vote."""

    def step(view: View) -> Iterator[Outcome]:
        if view[f"asked {ballot}"] and ballot > view[f"promised {acceptor}"]:
            vote = (view[f"voted in {acceptor}"], view[f"voted for {acceptor}"])
            yield Outcome("promise", {f"promised {acceptor}": ballot, f"promise {acceptor} {ballot}": vote})

    return step


def propose(ballot: int) -> Step:
    """Propose, once, a value that the promises of some majority allow."""

    def step(view: View) -> Iterator[Outcome]:
        if view[f"proposed {ballot}"] is not None:
            return
        promises = [view[f"promise {acceptor} {ballot}"] for acceptor in ACCEPTORS]
        majorities = [pair for pair in combinations(promises, 2) if None not in pair]
        for value in VALUES:
            if any(max(pair, key=lambda vote: vote[0]) in {NO_VOTE, *_votes_for(value, pair)} for pair in majorities):
                yield Outcome(f"propose {value}", {f"proposed {ballot}": value})

    return step


def _votes_for(value: str, votes: tuple[tuple[int, str], ...]) -> list[tuple[int, str]]:
    return [vote for vote in votes if vote[1] == value]


def vote(acceptor: int, ballot: int) -> Step:
    """Vote for what was proposed, unless a later ballot has the promise."""

    def step(view: View) -> Iterator[Outcome]:
        value = view[f"proposed {ballot}"]
        if value is not None and ballot >= view[f"promised {acceptor}"]:
            mine = {f"voted in {acceptor}": ballot, f"voted for {acceptor}": value}
            yield Outcome("vote", {f"promised {acceptor}": ballot, f"vote {acceptor} {ballot}": value} | mine)

    return step


def paxos(ballots: int) -> Machine:
    """Return the machine for a number of ballots."""
    everyone = list(product(ACCEPTORS, range(ballots)))
    initial: dict[str, object] = {}
    for acceptor in ACCEPTORS:
        initial |= {f"promised {acceptor}": -1, f"voted in {acceptor}": -1, f"voted for {acceptor}": None}
    for ballot in range(ballots):
        initial |= {f"asked {ballot}": False, f"proposed {ballot}": None}
    initial |= {f"{what} {acceptor} {ballot}": None for what in ("promise", "vote") for acceptor, ballot in everyone}
    leaders = [(name, make, b) for b in range(ballots) for name, make in (("ask", ask), ("propose", propose))]
    answers = [(name, make, a, b) for a, b in everyone for name, make in (("promise", promise), ("vote", vote))]
    return Machine(
        initial=(initial,),
        actions=(
            *(Action(f"leader {b}: {name}", f"leader {b}", make(b), Fairness.NONE) for name, make, b in leaders),
            *(Action(f"acceptor {a}: {name} in {b}", f"acceptor {a}", make(a, b)) for name, make, a, b in answers),
        ),
    )


def alike(ballots: int) -> Symmetry:
    """Return what can be exchanged: the acceptors, and the two values wherever they are voted for or proposed."""
    slots: dict[str, tuple[str, tuple[Mention, ...]]] = {}
    for acceptor in ACCEPTORS:
        owner = (Mention("acceptor", acceptor),)
        slots |= {f"{what} {acceptor}": (what, owner) for what in ("promised", "voted in", "voted for")}
        for ballot in range(ballots):
            slots |= {f"{what} {acceptor} {ballot}": (f"{what} {ballot}", owner) for what in ("promise", "vote")}
    return Symmetry({"acceptor": len(ACCEPTORS), "value": len(VALUES)}, slots, _facts, _rename)


def _facts(_template: str, value: object) -> tuple[Fact, ...]:
    ballot, voted = value if isinstance(value, tuple) else (None, value)
    return ((ballot, (Mention("value", VALUES.index(voted)),)),) if voted in VALUES else ((value, ()),)


def _rename(_template: str, value: Hashable, numbers: Mapping[Mention, int]) -> Hashable:
    if isinstance(value, tuple):
        return value[0], _rename("", value[1], numbers)
    return VALUES[numbers[Mention("value", VALUES.index(value))]] if value in VALUES else value


def chosen(view: View, ballots: int) -> set[str]:
    """Return the values that a majority voted for in one ballot."""
    found: set[str] = set()
    for ballot in range(ballots):
        votes = [view[f"vote {acceptor} {ballot}"] for acceptor in ACCEPTORS]
        found |= {value for value in VALUES if votes.count(value) >= 2}
    return found


def agreement(ballots: int) -> Invariant:
    """Return the claim Paxos is there for."""

    def check(view: View) -> Iterator[str]:
        if len(values := chosen(view, ballots)) > 1:
            yield f"chosen: {' and '.join(sorted(values))}"

    return Invariant("agreement", "At most one value is ever chosen.", check)


def decides(ballots: int) -> Sometimes:
    """Return the guard against a protocol that agrees because it never chooses."""
    return Sometimes("decides", "Some run chooses a value.", lambda view: bool(chosen(view, ballots)))


def main(arguments: list[str]) -> None:
    """Explore the machine and print what came out."""
    ballots = int(arguments[0]) if arguments else 2
    result = explore(paxos(ballots), (agreement(ballots), decides(ballots)))
    print("\n".join(result.summary()))  # noqa: T201 - it is there to print


if __name__ == "__main__":
    main(sys.argv[1:])
