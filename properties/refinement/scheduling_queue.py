"""How the scheduling queue looks to the page scheduling/scheduling_queue, and the obligation of every operation on it.

`side_by_side` is a machine in which both do the same, for the checker: every sequence of so many operations on two
Pods.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import partial
from itertools import combinations

from attrs import evolve

from ...impl.api.core import Pod, PodSpec
from ...impl.api.kinds import ref_of
from ...impl.api.meta import ObjectMeta
from ...impl.scheduler.queue.cluster_event import ASSIGNED_POD_DELETE, NODE, NODE_ADD, ActionType, ClusterEvent
from ...impl.scheduler.queue.entry import QueuedPodInfo, QueueSettings
from ...impl.scheduler.queue.queue import SchedulingQueue, activate, add, delete, done, heads, pop
from ...impl.scheduler.queue.requeue import (
    AlreadyQueued,
    add_unschedulable_if_not_present,
    flush_unschedulable_leftover,
    move_all_to_active_or_backoff_queue,
)
from ...model import machine
from ...model.components.scheduling.scheduling_queue import (
    Action,
    Arrive,
    Fail,
    Flush,
    Happen,
    Leave,
    Place,
    Rested,
    State,
    Take,
)

EVENTS: Mapping[str, ClusterEvent] = {
    "a Pod has gone": ASSIGNED_POD_DELETE,
    "a node came": NODE_ADD,
    "a node was labelled": ClusterEvent(NODE, ActionType.UPDATE_NODE_LABEL),
    "a node was annotated": ClusterEvent(NODE, ActionType.UPDATE_NODE_ANNOTATION),
}
"""What may happen, by the names that the model uses."""


def heard_by(settings: QueueSettings, plugins: Iterable[str]) -> frozenset[str]:
    """Name the events that some of these plugins wait for."""
    refused_by = set(plugins)
    tables = [
        registration
        for table in settings.registrations.values()
        for registration in table
        if registration.plugin in refused_by
    ]
    return frozenset(name for name, event in EVENTS.items() if any(table.event.matches(event) for table in tables))


def places(queue: SchedulingQueue, tried: Iterable[str]) -> dict[str, Place]:
    """Say where each Pod is; `tried` are those that were taken and have not come back."""
    found = dict.fromkeys(tried, Place.TRIED)
    found |= {ref.name: Place.READY for ref in queue.active}
    found |= {ref.name: Place.RESTS for ref in queue.backoff}
    found |= {ref.name: Place.HELD if info.gated else Place.WAITS for ref, info in queue.unschedulable.items()}
    return found


def after(state: State, action: Action, queue: SchedulingQueue, tried: Iterable[str]) -> State | None:
    """Return the state of the model after an action that led the queue here; None if the model does not allow it."""
    now = places(queue, tried)
    allowed = action.results(state)
    return next((result for result in allowed if {pod: entry.place for pod, entry in result.pods.items()} == now), None)


# --- both side by side, for the checker -------------------------------------------------------------------------------

QUEUE, TRIED, MODEL, LEFT, WRONG = "queue", "tried", "model", "operations left", "wrong"
PODS = (("a", 1), ("b", 0))
PLUGINS = ("NodeResourcesFit", "NodeAffinity")
HEARD = ("a Pod has gone", "a node was labelled")
LATER = 10**6

Tried = frozenset[tuple[str, QueuedPodInfo, int]]
Move = tuple[str, Action, SchedulingQueue, Tried]

AGREES = machine.Invariant(
    "agrees",
    "Every operation on the scheduling queue is a step of its model.",
    lambda view: [view[WRONG]] if view[WRONG] else [],
)


def side_by_side(settings: QueueSettings, operations: int) -> machine.Machine:
    """Return a machine that does any so many operations on a queue and on its model, with two Pods."""
    queue, state = SchedulingQueue(), State()
    for name, priority in PODS:
        pod = Pod(ObjectMeta(name=name, namespace="d", uid=name), PodSpec(priority=priority))
        queue = add(queue, pod, pod, 0)
        state = next(Arrive(name, priority).results(state))
    slots: dict[str, Hashable] = {QUEUE: queue, TRIED: frozenset(), MODEL: state, LEFT: operations, WRONG: ""}
    operation: tuple[Callable[[QueueSettings, SchedulingQueue, Tried], Iterator[Move]], ...]
    operation = (_takes, _fails, _happens, _waits, _leaves)
    actions = (machine.Action(make.__name__[1:], "queue", partial(_step, settings, make)) for make in operation)
    return machine.Machine((slots,), tuple(actions))


def _step(
    settings: QueueSettings,
    operation: Callable[[QueueSettings, SchedulingQueue, Tried], Iterator[Move]],
    view: machine.View,
) -> Iterator[machine.Outcome]:
    if not view[LEFT] or view[WRONG]:
        return
    for label, action, queue, tried in operation(settings, view[QUEUE], view[TRIED]):
        state = after(view[MODEL], action, queue, [name for name, _, _ in tried])
        updates: dict[str, Hashable] = {QUEUE: queue, TRIED: tried, LEFT: view[LEFT] - 1}
        wrong = f"{label} leads to {places(queue, [name for name, _, _ in tried])}"
        yield machine.Outcome(label, updates | ({WRONG: wrong} if state is None else {MODEL: state}))


def _takes(settings: QueueSettings, queue: SchedulingQueue, tried: Tried) -> Iterator[Move]:
    for ref in heads(queue):
        info, left = pop(queue, settings, ref)
        if info is not None:
            taken = evolve(info, attempts=1)
            yield f"{ref.name} is taken", Take(ref.name), left, tried | {(ref.name, taken, left.scheduling_cycle)}


def _fails(settings: QueueSettings, queue: SchedulingQueue, tried: Tried) -> Iterator[Move]:
    for trial in sorted(tried, key=lambda each: each[0]):
        name, info, cycle = trial
        for plugins in (frozenset(some) for count in range(3) for some in combinations(PLUGINS, count)):
            refused = evolve(info, unschedulable_plugins=plugins)
            left = add_unschedulable_if_not_present(queue, settings, refused, cycle, 0)
            if not isinstance(left, AlreadyQueued):
                said = " and ".join(sorted(plugins)) or "nobody"
                yield f"{name} is refused by {said}", Fail(name, heard_by(settings, plugins)), left, tried - {trial}


def _happens(settings: QueueSettings, queue: SchedulingQueue, tried: Tried) -> Iterator[Move]:
    for name in HEARD:
        moved = move_all_to_active_or_backoff_queue(queue, settings, EVENTS[name], None, None, 0)
        yield name, Happen(name), moved, tried


def _waits(settings: QueueSettings, queue: SchedulingQueue, tried: Tried) -> Iterator[Move]:
    if queue.backoff:
        yield "the back-off ends", Rested(frozenset(ref.name for ref in queue.backoff)), _rested(queue), tried
    if queue.unschedulable:
        yield "minutes pass", Flush(), flush_unschedulable_leftover(queue, settings, LATER), tried


def _rested(queue: SchedulingQueue) -> SchedulingQueue:
    return activate(queue, tuple(queue.backoff), 0)


def _leaves(_settings: QueueSettings, queue: SchedulingQueue, tried: Tried) -> Iterator[Move]:
    for trial in sorted(tried, key=lambda each: each[0]):
        yield f"{trial[0]} has a node", Leave(trial[0]), done(queue, trial[0]), tried - {trial}
    for info in (*queue.active.values(), *queue.unschedulable.values()):
        yield f"{ref_of(info.pod).name} is deleted", Leave(info.pod.metadata.name), delete(queue, info.pod), tried
