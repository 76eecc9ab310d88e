"""What a search cost and covered, for people: who moved, how deep, from how few situations, and where the time went.

A profile times the Python code of actions and properties by wrapping each in a stopwatch; the engines know nothing of
it. What it shows is the time inside those functions, what they call included, and not that of the search itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import attrs
from attrs import evolve

from ..machine import Action, Machine, Property
from .results import Exploration, GroupStatistics, Timing

TIMED = ("check", "premise", "goal", "when")
"""The fields of properties that hold functions of states."""
ROWS = 16
"""Lines at most of each table."""
BAR = 40
"""Characters of the longest bar."""


class Stopwatch:
    """Adds up calls and seconds by name."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._calls: dict[str, int] = {}
        self._seconds: dict[str, float] = {}

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with its time taken; an iterator it gives is run to its end."""
        calls, seconds, clock = self._calls, self._seconds, self._clock
        calls.setdefault(name, 0)
        seconds.setdefault(name, 0.0)

        def watched(*views: Any) -> Any:
            began = clock()
            try:
                result = call(*views)
                return tuple(result) if isinstance(result, Iterator) else result
            finally:
                calls[name] += 1
                seconds[name] += clock() - began

        return watched

    def machine(self, machine: Machine) -> Machine:
        """Return a machine whose actions are timed."""
        return evolve(machine, actions=tuple(map(self._action, machine.actions)))

    def _action(self, action: Action) -> Action:
        return evolve(action, step=self.timed(action.name, action.step))

    def property(self, claim: Property) -> Property:
        """Return a property whose functions are timed."""
        named = {field.name: getattr(claim, field.name) for field in attrs.fields(type(claim)) if field.name in TIMED}
        timed = {
            name: self.timed(claim.name if name == "check" else f"{claim.name} ({name})", call)
            for name, call in named.items()
            if call is not None
        }
        wrapped: Property = evolve(cast("Any", claim), **timed)
        return wrapped

    def timings(self) -> tuple[Timing, ...]:
        """Return what was timed, the slowest first."""
        found = (Timing(name, calls, self._seconds[name]) for name, calls in self._calls.items())
        return tuple(sorted(found, key=lambda timing: (-timing.seconds, timing.name)))


def lines(result: Exploration) -> tuple[str, ...]:
    """Return the statistics of a search as text."""
    return (*_sizes(result), "", *_depths(result.statistics.depths), "", *_groups(result), *_rest(result))


def _sizes(result: Exploration) -> Iterator[str]:
    numbers = result.statistics
    rate = f", {result.states / result.seconds:,.0f} states/s" if result.seconds else ""
    yield f"{result.states:,} states, {result.transitions:,} transitions, {result.seconds:.1f} s{rate}"
    yield f"peak memory {numbers.peak_memory / 2**20:,.0f} MiB"
    yield f"{numbers.calls:,} Python calls, {numbers.calls_per_transition:.3f} per transition"


def _depths(depths: Sequence[int]) -> Iterator[str]:
    """Draw the histogram, several depths to a bar where there are many."""
    width = -(-len(depths) // ROWS) or 1
    bars = [(at, sum(depths[at : at + width])) for at in range(0, len(depths), width)]
    highest = max((count for _, count in bars), default=0)
    yield f"{'depth':>9} {'states':>12}"
    for at, count in bars:
        last = min(at + width, len(depths)) - 1
        label = f"{at}-{last}" if last > at else f"{at}"
        yield f"{label:>9} {count:>12,} {'#' * (-(-BAR * count // highest) if highest else 0)}".rstrip()


def _groups(result: Exploration) -> Iterator[str]:
    groups = result.statistics.groups
    name = max((len(group.group) for group in groups), default=0)
    head = ("enabled", "taken", "new", "situations", "calls", "hits")
    yield f"{'group':<{name}} " + " ".join(f"{word:>12}" for word in head)
    for group in groups:
        numbers = (group.enabled, group.taken, group.new, group.situations, group.calls, group.hits)
        yield f"{group.group:<{name}} " + " ".join(f"{number:>12,}" for number in numbers)


def _rest(result: Exploration) -> Iterator[str]:
    numbers = result.statistics
    if numbers.never_enabled:
        yield ""
        yield f"never enabled: {', '.join(numbers.never_enabled)}"
    if numbers.widest:
        yield ""
        yield "slots with the most values: " + ", ".join(f"{slot} ({count:,})" for slot, count in numbers.widest[:8])
    if numbers.profile:
        yield ""
        yield f"{'seconds':>9} {'calls':>10}  Python time of"
    for timing in numbers.profile[:ROWS]:
        yield f"{timing.seconds:>9.3f} {timing.calls:>10,}  {timing.name}"


def to_json(result: Exploration) -> dict[str, Any]:
    """Return the statistics of a search as JSON."""
    numbers = result.statistics
    return {
        "depths": list(numbers.depths),
        "calls": numbers.calls,
        "callsPerTransition": round(numbers.calls_per_transition, 6),
        "peakMemory": numbers.peak_memory,
        "groups": [_group_to_json(group) for group in numbers.groups],
        "neverEnabled": list(numbers.never_enabled),
        "widest": [{"slot": slot, "values": count} for slot, count in numbers.widest[:ROWS]],
        "profile": [
            {"name": timing.name, "calls": timing.calls, "seconds": round(timing.seconds, 6)}
            for timing in numbers.profile
        ],
    }


def _group_to_json(group: GroupStatistics) -> dict[str, Any]:
    return {**attrs.asdict(group), "hits": group.hits}
