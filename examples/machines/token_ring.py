# ruff: noqa: INP001 - examples are scripts, no package
"""A token ring: who holds the token may enter the critical section, and passes the token on when it leaves.

That all who wait are served is a claim about all fair runs: nobody is bound to wait, everybody is bound to move on.
With `selfish`, a process that leaves keeps the token until it passes it while idle; then it may enter again and again
and starve the others, and the checker shows the round in which it does.

Run it with the number of processes: `python examples/machines/token_ring.py 4`, and `selfish` after it for the other.

How many states? The token is in one of n places; its holder is idle, waits, or is in the critical section; everyone
else is idle or waits: n * 3 * 2^(n-1), which is 96 for four. How many steps? The holder always has exactly one (pass,
enter, leave), and everybody who is idle may begin to wait: 3n * 2^(n-1) + n * 2^(n-1) + (n-1)/2 * 3n * 2^(n-1), which
is 272 for four.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from kubeproof.model.checker import explore
from kubeproof.model.machine import Action, Fairness, Invariant, LeadsTo, Machine, Outcome, Property, Recoverable, View

Step = Callable[[View], Iterator[Outcome]]


def want(n: int) -> Step:
    """Begin to wait."""

    def step(view: View) -> Iterator[Outcome]:
        if view[f"p{n}"] == "idle":
            yield Outcome("want", {f"p{n}": "waiting"})

    return step


def use(n: int, size: int, *, selfish: bool) -> Step:
    """Do what the holder of the token does: pass it on, enter, or leave."""

    def step(view: View) -> Iterator[Outcome]:
        if view["token"] != n:
            return
        passed = {"token": (n + 1) % size}
        if view[f"p{n}"] == "idle":
            yield Outcome("pass", passed)
        if view[f"p{n}"] == "waiting":
            yield Outcome("enter", {f"p{n}": "critical"})
        if view[f"p{n}"] == "critical":
            yield Outcome("leave", {f"p{n}": "idle"} | ({} if selfish else passed))

    return step


def token_ring(size: int, *, selfish: bool = False) -> Machine:
    """Return the machine for a number of processes."""
    everyone = range(size)
    initial: dict[str, str | int] = {"token": 0} | {f"p{n}": "idle" for n in everyone}
    return Machine(
        initial=(initial,),
        actions=(
            *(Action(f"p{n}: want", f"p{n} wants", want(n), Fairness.NONE) for n in everyone),
            *(Action(f"p{n}: use", f"p{n}", use(n, size, selfish=selfish)) for n in everyone),
        ),
    )


def exclusive(size: int) -> Invariant:
    """Return the claim that two are never in the critical section."""

    def check(view: View) -> Iterator[str]:
        inside = [f"p{n}" for n in range(size) if view[f"p{n}"] == "critical"]
        if len(inside) > 1:
            yield " and ".join(inside)

    return Invariant("exclusive", "At most one process is in the critical section.", check)


def served(n: int) -> LeadsTo:
    """Return the claim that a process that waits gets in."""

    def goal(view: View) -> Iterator[str]:
        if view[f"p{n}"] != "critical":
            yield f"p{n} is {view[f'p{n}']}"

    return LeadsTo(f"p{n} served", f"Whenever p{n} waits it gets in.", lambda view: view[f"p{n}"] == "waiting", goal)


def calm(size: int) -> Recoverable:
    """Return the claim that the ring can always come to rest, by itself."""

    def goal(view: View) -> Iterator[str]:
        yield from (f"p{n} is {view[f'p{n}']}" for n in range(size) if view[f"p{n}"] != "idle")

    return Recoverable("calm", "All can become idle.", goal, actions=lambda name: name.endswith("use"))


def claims(size: int) -> tuple[Property, ...]:
    """Return all claims."""
    return (exclusive(size), calm(size), *(served(n) for n in range(size)))


def main(arguments: list[str]) -> None:
    """Explore the machine and print what came out."""
    size = int(arguments[0]) if arguments else 4
    result = explore(token_ring(size, selfish="selfish" in arguments), claims(size))
    print("\n".join(result.summary()))  # noqa: T201 - it is there to print


if __name__ == "__main__":
    main(sys.argv[1:])
