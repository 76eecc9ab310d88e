"""How a thing moves that a component works on: from stage to stage, found by taking every step of the model.

For each component one field of its state says how far a thing has come; from the states named here every step is
taken, and its moves are drawn on a circle: an arrow for two stages, with the steps that lead from the one to the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from html import escape
from itertools import product
from math import cos, hypot, pi, sin
from typing import Any

from attrs import frozen

from kubeproof.model.components.nodes import kubelet, nodelifecycle
from kubeproof.model.components.resources import namespace, volume
from kubeproof.model.components.scheduling import scheduling_queue

Move = tuple[str, str, str]
"""From which stage, to which, by which step ("" where a step has no name)."""


@frozen
class Moves:
    """What moves, the stages in the order of the circle, and how moves are found."""

    title: str
    stages: tuple[str, ...]
    found: Callable[[], Iterable[Move]]


def _taken(states: Iterable[Any], steps: Callable[[Any], Iterable[Any]], stage: Callable[[Any], str]) -> Iterator[Move]:
    for state in states:
        for step in steps(state):
            yield stage(state), stage(step.apply(state)), type(step).__name__


FLAGS = (False, True)
CONTAINERS = ("none", "waiting", *sorted(kubelet.HELD), "down")


def _kubelet() -> Iterator[Move]:
    """Take a Pod in every way it may be: wanted or not, over or not, at every stage, with a hook and without."""
    for thing, phase, stage in product(("live", "deleting", "gone"), ("Pending", "Running", "Failed"), CONTAINERS):
        states = [
            kubelet.State(thing, phase, containers=stage, ready=ready, has_hook=hook)
            for ready, hook in product(FLAGS, FLAGS)
        ]
        yield from _taken(states, kubelet.steps, lambda state: state.containers)


def _node() -> Iterator[Move]:
    reasons = [frozenset[str](), *(frozenset({reason}) for reason in sorted(nodelifecycle.REASONS.values()))]
    every = product(("True", "False", "Unknown"), FLAGS, reasons, reasons)
    states = [nodelifecycle.State(ready, silent, kept_away=away, driven_out=out) for ready, silent, away, out in every]
    yield from _taken(states, nodelifecycle.steps, _node_stage)


def _node_stage(state: nodelifecycle.State) -> str:
    """Say what stands on the node."""
    away, out = ("NoSchedule" if state.kept_away else ""), ("NoExecute" if state.driven_out else "")
    return " + ".join(filter(None, (away, out))) or "no taint"


def _namespace() -> Iterator[Move]:
    things = [namespace.Thing("a", held, going) for held, going in product(FLAGS, FLAGS)]
    states = [namespace.State(there=True, leaving=True, things=inside) for inside in ((), *((one,) for one in things))]
    yield from _taken(states, namespace.steps, _namespace_stage)


def _namespace_stage(state: namespace.State) -> str:
    if not state.there:
        return "gone"
    if not state.things:
        return "empty"
    return "waits for what goes" if all(thing.going for thing in state.things) else "has things"


def _queue() -> Iterator[Move]:
    queue = scheduling_queue
    heard = frozenset({"e"})
    steps: tuple[Any, ...] = (
        queue.Take("p"), queue.Fail("p", heard), queue.Happen("e"), queue.Flush(), queue.Rested(frozenset({"p"})),
        queue.Release("p"),
    )  # fmt: skip
    for place, events in product(queue.Place, (frozenset[str](), heard)):
        before = queue.State(queue.State().pods.set("p", queue.Entry(place, 0, events)))
        for step in steps:
            for after in step.results(before):
                yield place.value, after.pods["p"].place.value, type(step).__name__


def _volume() -> Iterator[Move]:
    claims = [(), *((volume.Claim("c", 1, bound=bound, going=going),) for bound, going in product(FLAGS, FLAGS))]
    for inside, phase, of, kept in product(claims, volume.Phase, ("", "c"), FLAGS):
        before = volume.State(inside, (volume.Volume(1, of=of, phase=phase, retained=kept),))
        for after in volume.steps(before):
            yield phase.value, after.volumes[0].phase.value if after.volumes else "gone", ""


MOVES = {
    "kubelet": Moves("How the containers of a Pod move", CONTAINERS, _kubelet),
    "nodelifecycle": Moves(
        "What stands on a node that is not well",
        ("no taint", "NoSchedule", "NoSchedule + NoExecute", "NoExecute"),
        _node,
    ),
    "namespace": Moves("How a namespace goes", ("has things", "waits for what goes", "empty", "gone"), _namespace),
    "scheduling_queue": Moves(
        "Where a Pod is in the queue, which it may leave from anywhere",
        ("held", "ready", "tried", "waits", "rests"),
        _queue,
    ),
    "volume": Moves("What is said of a volume", (*(phase.value for phase in volume.Phase), "gone"), _volume),
}


def moves(component: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the steps that lead from one stage to another, by both."""
    found: dict[tuple[str, str], set[str]] = {}
    for before, after, step in MOVES[component].found():
        if before != after:
            found.setdefault((before, after), set()).add(step)
    return {pair: tuple(sorted(found[pair])) for pair in sorted(found)}


RADIUS, ACROSS, MARGIN, WIDE = 190, 2.1, 120, 200
"""Of the circle, in pixels; it is wider than high by that factor, for words are wide; and of a stage."""


def drawn(component: str) -> tuple[str, float, float, list[str]]:
    """Return title, width, height and shapes of the picture."""
    what = MOVES[component]
    found = moves(component)
    seen = {stage for pair in found for stage in pair}
    stages = [stage for stage in what.stages if stage in seen]
    middle = (RADIUS * ACROSS + MARGIN, RADIUS + 40)
    turn = 2 * pi / len(stages)
    at = {
        stage: (middle[0] - cos(number * turn) * RADIUS * ACROSS, middle[1] - sin(number * turn) * RADIUS)
        for number, stage in enumerate(stages)
    }
    wires = [shape for (before, after), by in found.items() for shape in _arrow(at[before], at[after], by)]
    boxes = [
        f'<rect class="k" x="{x - WIDE / 2:g}" y="{y - 15:g}" width="{WIDE}" height="30" rx="15"/>'
        f'<text class="t" x="{x:g}" y="{y + 5:g}" text-anchor="middle">{escape(stage)}</text>'
        for stage, (x, y) in at.items()
    ]
    return what.title, 2 * middle[0], 2 * middle[1], [*wires, *boxes]


def _arrow(start: tuple[float, float], end: tuple[float, float], by: tuple[str, ...]) -> Iterator[str]:
    """Draw a bent arrow with the names of its steps beside its middle."""
    (x, y), (to_x, to_y) = start, end
    far = hypot(to_x - x, to_y - y)
    aside = (-(to_y - y) / far * 34, (to_x - x) / far * 34)
    bend = ((x + to_x) / 2 + aside[0], (y + to_y) / 2 + aside[1])
    begin, stop = _edge(start, bend), _edge(end, bend)
    path = " ".join(f"{one:.0f}" for one in (*begin, *bend, *stop))
    yield f'<path class="w" d="M{path.replace(" ", "Q", 2).replace("Q", " ", 1)}"/>'
    label = ((x + to_x) / 4 + bend[0] / 2 + aside[0] / 3, (y + to_y) / 4 + bend[1] / 2 + aside[1] / 3)
    if words := ", ".join(filter(None, by)):
        yield f'<text x="{label[0]:.0f}" y="{label[1] + 4:.0f}" text-anchor="middle">{escape(words)}</text>'


def _edge(box: tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """Return where a line from the middle of a box to a point leaves the box."""
    across, down = towards[0] - box[0], towards[1] - box[1]
    share = min((WIDE / 2 + 2) / abs(across) if across else 9, 17 / abs(down) if down else 9, 1)
    return box[0] + across * share, box[1] + down * share
