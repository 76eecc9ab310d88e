# ruff: noqa: INP001 - examples are scripts, no package
"""A sliding window: go-back-N over a channel that loses packets, with sequence numbers that wrap around.

The sender may send any packet of its window, again and again; the receiver takes the one it expects and acknowledges,
whatever came, the number it expects next; a newer acknowledgement replaces one on its way. Each direction carries one
packet at a time. `numbers` is how many sequence numbers there are: one more than the window is enough, as many as the
window is one too few, and the checker shows the packet that is taken for a later one.

Run it with the number of packets and the window: `python examples/machines/sliding_window.py 6 3`, and the sequence
numbers after them.

How many states, with enough numbers and a window of two or more? Let b be the oldest packet without acknowledgement and
m the packets that may be sent from there, min(window, packets - b). The receiver expects one of b .. b + m; none or one
of the m packets is on its way, and the acknowledgement is or is not: 2 (1 + m)^2. If the receiver expects just b, an
older packet, out of the window by now, may be on its way, but no acknowledgement, for the last one has moved the
window: as many as were sent from an earlier b, which added up over all b is m again. So the sum over b = 0 .. packets
of 2 (1 + m)^2 + m: 71 for four packets and a window of two.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from kubeproof.model.checker import explore
from kubeproof.model.machine import Action, Converges, Fairness, Invariant, Machine, Outcome, Property, View

Step = Callable[[View], Iterator[Outcome]]


def send(packet: int, window: int) -> Step:
    """Put a packet of the window onto the line."""

    def step(view: View) -> Iterator[Outcome]:
        if view["data"] is None and view["base"] <= packet < view["base"] + window:
            yield Outcome(f"send {packet}", {"data": packet})

    return step


def receive(packet: int, numbers: int) -> Step:
    """Take a packet if its number is the one expected, and acknowledge."""

    def step(view: View) -> Iterator[Outcome]:
        if view["data"] != packet:
            return
        expected: int = view["expected"]
        if packet % numbers != expected % numbers:
            yield Outcome(f"drop {packet}", {"data": None, "ack": expected % numbers})
        elif packet != expected:
            yield Outcome(f"take {packet} for {expected}", {"data": None, "mistaken": packet})
        else:
            after = expected + 1
            yield Outcome(f"take {packet}", {"data": None, "expected": after, "ack": after % numbers})

    return step


def acknowledged(window: int, numbers: int) -> Step:
    """Move the window up to the number acknowledged."""

    def step(view: View) -> Iterator[Outcome]:
        if view["ack"] is not None:
            base: int = view["base"]
            further = (view["ack"] - base) % numbers
            yield Outcome("acknowledged", {"ack": None, "base": base + (further if further <= window else 0)})

    return step


def lose(slot: str) -> Step:
    """Lose what is on its way in one direction."""

    def step(view: View) -> Iterator[Outcome]:
        if view[slot] is not None:
            yield Outcome("lose", {slot: None})

    return step


def sliding_window(packets: int, window: int, numbers: int | None = None) -> Machine:
    """Return the machine; `numbers` None is one more than the window."""
    modulus = window + 1 if numbers is None else numbers
    strong = Fairness.STRONG
    return Machine(
        initial=({"base": 0, "expected": 0, "data": None, "ack": None, "mistaken": None},),
        actions=(
            *(Action(f"sender: {n}", f"sends {n}", send(n, window), strong) for n in range(packets)),
            *(Action(f"receiver: {n}", f"receives {n}", receive(n, modulus), strong) for n in range(packets)),
            Action("sender: ack", "acknowledged", acknowledged(window, modulus), strong),
            Action("line: loses data", "line", lose("data"), Fairness.NONE),
            Action("line: loses ack", "line", lose("ack"), Fairness.NONE),
        ),
    )


def in_order(_packets: int = 0) -> Invariant:
    """Return the claim that no packet is taken for another one."""

    def check(view: View) -> Iterator[str]:
        if view["mistaken"] is not None:
            yield f"packet {view['mistaken']} was taken for packet {view['expected']}"

    return Invariant("in order", "Every packet is taken for what it is.", check)


def delivered(packets: int) -> Converges:
    """Return the claim that everything arrives, and that the sender learns it."""

    def goal(view: View) -> Iterator[str]:
        if view["base"] != packets:
            yield f"packet {view['base']} is not acknowledged"

    return Converges("delivered", "In the end every packet is acknowledged.", goal)


def claims(packets: int) -> tuple[Property, ...]:
    """Return all claims."""
    return (in_order(packets), delivered(packets))


def main(arguments: list[str]) -> None:
    """Explore the machine and print what came out."""
    packets, window, *numbers = [int(argument) for argument in arguments] or [6, 3]
    result = explore(sliding_window(packets, window, *numbers), claims(packets))
    print("\n".join(result.summary()))  # noqa: T201 - it is there to print
    for verdict in result.verdicts:
        if verdict.trace is not None:
            print("\n".join(verdict.trace.lines()))  # noqa: T201 - it is there to print


if __name__ == "__main__":
    main(sys.argv[1:])
