# ruff: noqa: INP001 - examples are scripts, no package
"""Dining philosophers: each takes two forks, one after the other, eats, and puts them down; the last is left-handed.

Run it with the number of philosophers: `python examples/machines/dining.py 13`.

How many states? Every fork lies on the table or is in the hand of one of its two neighbours: 3^n. None of these is
impossible, because one philosopher takes the forks in the other order; if nobody did, all could hold their first fork,
and all would wait for ever. Left out on purpose: hunger, and waiters.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from kubeproof.model.checker import explore
from kubeproof.model.machine import Action, Fairness, Invariant, Machine, Mention, Outcome, Symmetry, View


def philosopher(n: int, first: int, second: int) -> Callable[[View], Iterator[Outcome]]:
    """Take the forks in this order and put them down in the same."""
    at, one, other = f"at {n}", f"fork {first} taken", f"fork {second} taken"

    def step(view: View) -> Iterator[Outcome]:
        match view[at]:
            case "thinks" if not view[one]:
                yield Outcome("take the first fork", {at: "waits", one: True})
            case "waits" if not view[other]:
                yield Outcome("take the second fork", {at: "eats", other: True})
            case "eats":
                yield Outcome("put down the first fork", {at: "leaves", one: False})
            case "leaves":
                yield Outcome("put down the second fork", {at: "thinks", other: False})

    return step


def dining(philosophers: int, *, left_handed: bool = True) -> Machine:
    """Return the table for a number of philosophers, at least two; without a left-handed one all may wait for ever.

    Then there is one state less: not all can have put down their first fork and hold the second, for the last to put
    one down leaves it on the table.
    """
    table = range(philosophers)
    last = (0, philosophers - 1) if left_handed else (philosophers - 1, 0)
    forks = [(n, n + 1) for n in table[:-1]] + [last]
    return Machine(
        initial=({f"at {n}": "thinks" for n in table} | {f"fork {n} taken": False for n in table},),
        actions=tuple(
            Action(f"philosopher {n}: act", f"philosopher {n}", philosopher(n, *forks[n]), Fairness.STRONG)
            for n in table
        ),
    )


def turned(philosophers: int) -> Symmetry:
    """Return what can be done with a table of equals, which is to turn it; with a left-handed one nothing can.

    The states left are necklaces of n beads in 3 colours, less one: 50 of 242 for five.
    """
    table = range(philosophers)
    slots = {f"at {n}": ("at", (Mention("seat", n),)) for n in table}
    slots |= {f"fork {n} taken": ("fork", (Mention("seat", n),)) for n in table}
    turns = tuple({"seat": tuple((n + by) % philosophers for n in table)} for by in table)
    return Symmetry({"seat": philosophers}, slots, only=turns)


def exclusive(philosophers: int) -> tuple[Invariant, ...]:
    """Return the claims that no two neighbours eat at the same time."""

    def never_both(n: int, other: int) -> Invariant:
        def check(view: View) -> Iterator[str]:
            if view[f"at {n}"] == view[f"at {other}"] == "eats":
                yield f"{n} and {other} eat with the same fork"

        return Invariant(f"{n} or {other}", "Neighbours do not eat at the same time.", check)

    pairs = ((n, (n + 1) % philosophers) for n in range(philosophers if philosophers > 2 else 1))
    return tuple(never_both(n, other) for n, other in pairs)


def main(arguments: list[str]) -> None:
    """Explore the table and print what came out."""
    philosophers = int(arguments[0]) if arguments else 5
    result = explore(dining(philosophers), exclusive(philosophers))
    print("\n".join(result.summary()))  # noqa: T201 - it is there to print


if __name__ == "__main__":
    main(sys.argv[1:])
