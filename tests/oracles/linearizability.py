"""An order of what clients did, each between its call and its answer, in which one copy answers the same.

The search of Wing and Gong (1993) with Lowe's memory (2017), as Porcupine does it: of the calls that no unfinished one
comes before, take each that the copy answers as it was answered; never the same set of calls in the same state twice.
Those that were answered are tried first. A call without an answer may have happened at any time after it, or never.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from math import inf

from attrs import frozen


@frozen
class Call:
    """What a client asked, when, and what it was answered; `returned` infinite and no answer: nobody knows."""

    asked: Hashable
    called: float
    returned: float = inf
    answer: Hashable = None

    @property
    def open(self) -> bool:
        """Whether it was never answered."""
        return self.returned == inf


Copy = Callable[[Hashable, Hashable], tuple[Hashable, Hashable]]
"""The one copy: a state and what is asked give the next state and the answer."""


def order_of(calls: Sequence[Call], copy: Copy, state: Hashable) -> tuple[Call, ...] | None:
    """Return an order in which one copy answers the same; None if there is none."""
    answered = frozenset(number for number, call in enumerate(calls) if not call.open)
    seen: set[tuple[frozenset[int], Hashable]] = set()
    waiting: list[tuple[tuple[int, ...], Hashable]] = [((), state)]
    while waiting:
        taken, now = waiting.pop()
        done = frozenset(taken)
        if answered <= done:
            return tuple(calls[number] for number in taken)
        if (done, now) in seen:
            continue
        seen.add((done, now))
        left = [number for number in range(len(calls)) if number not in done]
        first = min(calls[number].returned for number in left)
        for number in sorted(left, key=lambda one: not calls[one].open):
            call = calls[number]
            if call.called <= first:
                after, answer = copy(now, call.asked)
                if call.open or answer == call.answer:
                    waiting.append(((*taken, number), after))
    return None
