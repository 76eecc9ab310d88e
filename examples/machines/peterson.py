# ruff: noqa: INP001 - examples are scripts, no package
"""Peterson's algorithm: two processes keep each other out of a critical section with two flags and whose turn it is.

A process raises its flag, gives the turn away, and waits until the other's flag is down or the turn came back. Run it:
`python examples/machines/peterson.py`. With `hasty` the turn is given away before the flag is raised; then both get in,
and the checker shows how.

How many states? The flags follow from where the processes are (idle, asked, waiting, critical), so it is 4 * 4 pairs of
places, and the turn. Both idle or asked: 4 pairs, either turn, 8. One of them idle or asked, the other further: who is
further gave the turn away last, so it is the other's: 8 pairs, 8. Both further: both wait, either turn, 2; one is
critical beside one that waits, and then it is its turn, 2; both critical: never. Together 8 + 8 + 2 + 2 = 20. Every
process has one step in each state, but for who waits beside a raised flag without the turn, in 6 of them: 40 - 6 = 34.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from kubeproof.model.checker import explore
from kubeproof.model.machine import Action, Fairness, Invariant, LeadsTo, Machine, Outcome, Property, View

Step = Callable[[View], Iterator[Outcome]]


def ask(me: int, *, hasty: bool) -> Step:
    """Raise the flag (hasty: give the turn away), if idle."""

    def step(view: View) -> Iterator[Outcome]:
        if view[f"p{me}"] == "idle":
            first = {"turn": 1 - me} if hasty else {f"flag{me}": True}
            yield Outcome("give the turn away" if hasty else "raise the flag", {f"p{me}": "asked", **first})

    return step


def proceed(me: int, *, hasty: bool) -> Step:
    """Go on from where one is: give the turn away (hasty: raise the flag), enter when allowed, leave."""
    other = 1 - me

    def step(view: View) -> Iterator[Outcome]:
        at = view[f"p{me}"]
        if at == "asked":
            second = {f"flag{me}": True} if hasty else {"turn": other}
            yield Outcome("raise the flag" if hasty else "give the turn away", {f"p{me}": "waiting", **second})
        if at == "waiting" and (not view[f"flag{other}"] or view["turn"] == me):
            yield Outcome("enter", {f"p{me}": "critical"})
        if at == "critical":
            yield Outcome("leave", {f"p{me}": "idle", f"flag{me}": False})

    return step


def peterson(*, hasty: bool = False, fairness: Fairness = Fairness.WEAK) -> Machine:
    """Return the machine; `fairness` is that of going on once one has asked."""
    both = (0, 1)
    initial: dict[str, str | int | bool] = {"turn": 0}
    initial |= {f"p{n}": "idle" for n in both} | {f"flag{n}": False for n in both}
    return Machine(
        initial=(initial,),
        actions=(
            *(Action(f"p{n}: ask", f"p{n} asks", ask(n, hasty=hasty), Fairness.NONE) for n in both),
            *(Action(f"p{n}: proceed", f"p{n}", proceed(n, hasty=hasty), fairness) for n in both),
        ),
    )


def exclusive() -> Invariant:
    """Return the claim that the two are never in together."""

    def check(view: View) -> Iterator[str]:
        if view["p0"] == view["p1"] == "critical":
            yield "p0 and p1"

    return Invariant("exclusive", "At most one process is in the critical section.", check)


def served(me: int) -> LeadsTo:
    """Return the claim that who has asked gets in."""

    def goal(view: View) -> Iterator[str]:
        if view[f"p{me}"] != "critical":
            yield f"p{me} is {view[f'p{me}']}"

    return LeadsTo(
        f"p{me} served", f"Whenever p{me} has asked it gets in.", lambda view: view[f"p{me}"] == "asked", goal
    )


def claims() -> tuple[Property, ...]:
    """Return all claims."""
    return (exclusive(), served(0), served(1))


def main(arguments: list[str]) -> None:
    """Explore the machine and print what came out."""
    result = explore(peterson(hasty="hasty" in arguments), claims())
    print("\n".join(result.summary()))  # noqa: T201 - it is there to print


if __name__ == "__main__":
    main(sys.argv[1:])
