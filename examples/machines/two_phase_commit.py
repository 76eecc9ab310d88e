# ruff: noqa: INP001 - examples are scripts, no package
"""Two-phase commit (Gray and Lamport): resource managers prepare, a transaction manager decides, messages stay.

Run it with the number of resource managers: `python examples/machines/two_phase_commit.py 5`.

How many states? Messages are never taken away, so each is one bit. While the transaction manager is undecided, a
resource manager works, has aborted by itself, or has prepared and that is noted or not: 4. After an abort it may also
have obeyed, with or without its note: 6. A commit needs all notes; then each has obeyed or not yet: 2. Together
4^n + 6^n + 2^n: 288 for three, 8,832 for five. Left out on purpose: lost messages, crashes, and time-outs other than
"abort at will".
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from kubeproof.model.checker import explore
from kubeproof.model.machine import Action, Fairness, Invariant, Machine, Mention, Outcome, Sometimes, Symmetry, View

Step = Callable[[View], Iterator[Outcome]]


def resource_manager(n: int) -> Step:
    """Prepare or abort while working; afterwards obey whatever the transaction manager said."""
    rm, sent = f"rm{n}", f"prepared{n} sent"

    def step(view: View) -> Iterator[Outcome]:
        state = view[rm]
        if state == "working":
            yield Outcome("prepare", {rm: "prepared", sent: True})
            yield Outcome("abort by itself", {rm: "aborted"})
        if state != "committed" and view["commit sent"]:
            yield Outcome("obey commit", {rm: "committed"})
        if state != "aborted" and view["abort sent"]:
            yield Outcome("obey abort", {rm: "aborted"})

    return step


def receive(n: int) -> Step:
    """Note, as the transaction manager, that one resource manager has prepared."""

    def step(view: View) -> Iterator[Outcome]:
        if view["tm"] == "init" and view[f"prepared{n} sent"] and not view[f"prepared{n} noted"]:
            yield Outcome("note prepared", {f"prepared{n} noted": True})

    return step


def decide(managers: int) -> Step:
    """Commit when all have prepared; abort at will until then."""

    def step(view: View) -> Iterator[Outcome]:
        if view["tm"] != "init":
            return
        if all(view[f"prepared{n} noted"] for n in range(managers)):
            yield Outcome("commit", {"tm": "committed", "commit sent": True})
        yield Outcome("abort", {"tm": "aborted", "abort sent": True})

    return step


def two_phase_commit(managers: int) -> Machine:
    """Return the machine for a number of resource managers."""
    everyone = range(managers)
    initial: dict[str, str | bool] = {"tm": "init", "commit sent": False, "abort sent": False}
    initial |= {f"rm{n}": "working" for n in everyone}
    initial |= {f"prepared{n} {what}": False for what in ("sent", "noted") for n in everyone}
    return Machine(
        initial=(initial,),
        actions=(
            *(Action(f"rm{n}: act", f"rm{n}", resource_manager(n)) for n in everyone),
            *(Action(f"tm: receive from rm{n}", "tm", receive(n)) for n in everyone),
            Action("tm: decide", "tm", decide(managers), Fairness.NONE),
        ),
    )


def alike(managers: int) -> Symmetry:
    """Return what can be exchanged: resource managers, each with its messages. 314 of 8,832 states are left of five.

    Those of a manager are then a multiset. Undecided there are 4 kinds, so C(n + 3, 3) multisets; after an abort 6, so
    C(n + 5, 5); after a commit 2, so n + 1.
    """
    owned = {"rm": "rm{}", "sent": "prepared{} sent", "noted": "prepared{} noted"}
    slots = {
        name.format(n): (template, (Mention("rm", n),)) for template, name in owned.items() for n in range(managers)
    }
    return Symmetry({"rm": managers}, slots)


def consistent(managers: int) -> Invariant:
    """Return the claim two-phase commit is there for."""

    def check(view: View) -> Iterator[str]:
        states = [view[f"rm{n}"] for n in range(managers)]
        if "committed" in states and "aborted" in states:
            yield f"rm{states.index('committed')} committed, rm{states.index('aborted')} aborted"

    return Invariant("consistent", "No one commits while another aborts.", check)


def can_commit(managers: int) -> Sometimes:
    """Return the guard against a protocol that is safe because it never commits."""
    return Sometimes(
        "can commit",
        "Some run commits everywhere.",
        lambda view: all(view[f"rm{n}"] == "committed" for n in range(managers)),
    )


def main(arguments: list[str]) -> None:
    """Explore the machine and print what came out."""
    managers = int(arguments[0]) if arguments else 3
    result = explore(two_phase_commit(managers), (consistent(managers), can_commit(managers)))
    print("\n".join(result.summary()))  # noqa: T201 - it is there to print


if __name__ == "__main__":
    main(sys.argv[1:])
