"""A small world around the scheduler alone: its store, what it has seen, and all that it remembers, in fine slots.

The scheduler is the one of impl/scheduler with its real queue, cache, nominator, preemption and filters. What it sees
comes one event at a time, its writes land later, and everything else happens in between. `Ways` are the switches: each
is something that Kubernetes did once, or does, against its repair. `Scene` is what there is and what may go wrong.

Left out on purpose: clocks. Everybody waits since 0 and was tried at most once, so Pods of one priority come in any
order and a back-off ends at any time after it began. Every order of real clocks is one of these.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from enum import Enum
from functools import cached_property, lru_cache
from typing import Any

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from .....impl.api.cache import Cache
from .....impl.api.core import Node, Pod
from .....impl.api.meta import Ref
from .....impl.api.releases import NEWEST, Release
from .....impl.scheduler.queue.assume_cache import PodState, SchedulerCache
from .....impl.scheduler.queue.cluster_event_handlers import Memory, see_node, see_pod
from .....impl.scheduler.queue.entry import QueuedPodInfo, QueueSettings, Remembers
from .....impl.scheduler.queue.nominator import Nominator
from .....impl.scheduler.queue.queue import SchedulingQueue
from .....model.machine import View

NAMESPACE = "default"
EVENTS_OF_PODS, EVENTS_OF_NODES = "events of Pods", "events of nodes"
QUEUE = "queue remembers"
CACHE = "cache remembers"
ENDED = "scheduler ended"
TRYING = "scheduler tries"
EVICTIONS, LOST, RESTARTS, MISSED = "evictions", "events to lose", "API server restarts", "missed"
CRASHES = "scheduler crashes"
DONE = "user has done"
MANY = 3
"""Evictions are counted so far."""

Updates = dict[str, Hashable]


class Step(Enum):
    """What is done about a Pod that fits nowhere, one step after the other."""

    NOMINATE = "remembers the nomination"
    EVICT = "evicts"
    CLEAR = "clears lower nominations"
    WRITE = "writes the nomination"
    REQUEUE = "queues it again"


V1_32 = (Step.EVICT, Step.CLEAR, Step.REQUEUE, Step.NOMINATE, Step.WRITE)


@frozen
class Ways:
    """How the scheduler goes about it; the defaults are those of 1.32 without queueing hints.

    `release` decides of one Pod. `failure`: the steps after a failed trial, in order. `waits_for_failure`: the next Pod
    is tried only after them. `counts_nominated`: filters count the Pods that a node is promised to.
    `drops_missing_nodes`: a node that the API server does not know is taken from the cache. `replaces`: a new list
    tells what is gone. `notices_loss`: a lost event leads to a new list. `patience_ends`: a victim that is overdue
    counts as there to stay. `flushes`: Pods that waited for minutes are tried again. `numbers_restart`: the changes of
    a node are counted anew when it comes again, so that an old copy of it may pass for the newest.
    """

    queue: QueueSettings = field(factory=QueueSettings)
    failure: tuple[Step, ...] = V1_32
    waits_for_failure: bool = True
    counts_nominated: bool = True
    drops_missing_nodes: bool = True
    replaces: bool = True
    notices_loss: bool = False
    patience_ends: bool = False
    flushes: bool = False
    numbers_restart: bool = False
    release: Release = NEWEST


@frozen
class Scene:
    """What there is and what may happen.

    `pods` exist from the start, `later` are created by users, `replicas` by a ReplicaSet: it keeps that many of the
    named Pods in being. `deletable` and `removable` may be deleted by users, and nodes that are `joining` made, in the
    `order` of these deeds ("removes n") or, if there is none, in any; `waits`: each only where nothing else can happen.
    On `dead` nodes nothing terminates.
    `lookup`: binding to a node that is gone is refused. `losses` of events, `restarts` of the API server and
    `crashes` of the scheduler are budgets.
    """

    nodes: tuple[Node, ...]
    pods: tuple[Pod, ...]
    later: tuple[Pod, ...] = ()
    replicas: int = 0
    replicated: tuple[Pod, ...] = ()
    deletable: tuple[str, ...] = ()
    removable: tuple[str, ...] = ()
    joining: tuple[Node, ...] = ()
    dead: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    waits: bool = False
    lookup: bool = False
    losses: int = 0
    restarts: int = 0
    crashes: int = 0

    @cached_property
    def every_pod(self) -> tuple[str, ...]:
        """Name all Pods that there ever are."""
        return tuple(sorted({pod.metadata.name for pod in (*self.pods, *self.later, *self.replicated)}))

    @cached_property
    def every_node(self) -> tuple[str, ...]:
        """Name all nodes that there ever are."""
        return tuple(sorted({node.metadata.name for node in (*self.nodes, *self.joining)}))


@frozen
class Trial:
    """A Pod that fits nowhere: the Pod as it was tried, the number of its trial, and what is still to be done.

    `target`: the node to be promised to it, "" for none, None to leave what is. `victims` are to be evicted, `robbed`
    are less important Pods that the node was promised to.
    """

    info: QueuedPodInfo
    cycle: int
    target: str | None
    victims: tuple[str, ...]
    todo: tuple[Step, ...]
    robbed: tuple[str, ...] = ()


def api(name: str) -> str:
    """Name the slot of a Pod or node in the store."""
    return f"api {name}"


def seen(name: str) -> str:
    """Name the slot of a Pod or node in an informer."""
    return f"seen {name}"


def cached(name: str) -> str:
    """Name the slot of a Pod or node in the scheduler's cache."""
    return f"cached {name}"


def queued(pod: str) -> str:
    """Name the slot that says where a Pod waits."""
    return f"queued {pod}"


def promise(pod: str) -> str:
    """Name the slot of the node promised to a Pod."""
    return f"promise {pod}"


def trial(pod: str) -> str:
    """Name the slot of what is to be done about a Pod that fits nowhere."""
    return f"trial {pod}"


def binding(pod: str) -> str:
    """Name the slot of the node a Pod is being bound to, with the Pod as it was tried; None if it is not."""
    return f"binding {pod}"


def overdue(pod: str) -> str:
    """Name the slot that says that a Pod should have terminated long since."""
    return f"overdue {pod}"


@lru_cache
def ref(pod: str) -> Ref:
    """Return the reference of a Pod."""
    return Ref("Pod", NAMESPACE, pod)


@frozen
class World:
    """A scene and the ways of its scheduler: knows how memory is kept in slots."""

    scene: Scene
    ways: Ways
    exact: bool = False
    """Keep the numbers of trials as they are, and every mark: without the reduction that `_ranks` argues for."""

    def store(self) -> dict[str, Hashable]:
        """Return what is in the store at the start."""
        slots: dict[str, Hashable] = {api(name): None for name in (*self.scene.every_pod, *self.scene.every_node)}
        slots |= {api(node.metadata.name): node for node in self.scene.nodes}
        return slots | {api(pod.metadata.name): pod for pod in self.scene.pods}

    def started(self, nodes: Iterable[Node], pods: Iterable[Pod]) -> Memory:
        """Return the memory of a scheduler that has just listed these."""
        memory = Memory(cache=SchedulerCache(numbered=self._numbered))
        for node in nodes:
            memory = see_node(memory, self.ways.queue, node.metadata.name, node, 0)
        for pod in pods:
            memory = see_pod(memory, self.ways.queue, ref(pod.metadata.name), pod, 0)
        return memory

    @cached_property
    def _numbered(self) -> frozenset[str]:
        """Name the nodes whose changes are counted. One that never goes is counted once: no number comes twice."""
        return frozenset(self.scene.removable) if self.ways.numbers_restart else frozenset()

    def anew(self, view: View) -> Updates:
        """Return what has to be written for a scheduler that starts from a list: what was not written is forgotten."""
        nodes = [one for name in self.scene.every_node if (one := view[api(name)]) is not None]
        pods = [one for name in self.scene.every_pod if (one := view[api(name)]) is not None]
        forgotten: Updates = {TRYING: "", MISSED: False, EVENTS_OF_PODS: (), EVENTS_OF_NODES: ()}
        trials = dict.fromkeys(self.scene.every_pod)
        forgotten |= {binding(pod): None for pod in trials}
        return self.remember(view, self.started(nodes, pods), trials) | forgotten

    def memory(self, view: View) -> Memory:
        """Put the scheduler's memory together."""
        pods, nodes = self.scene.every_pod, self.scene.every_node
        known = [one for name in (*pods, *nodes) if (one := view[seen(name)]) is not None]
        states: dict[Ref, PodState] = {ref(name): one for name in pods if (one := view[cached(name)]) is not None}
        places: dict[str, Any] = {"active": {}, "backoff": {}, "unschedulable": {}}
        for name in pods:
            if (entry := view[queued(name)]) is not None:
                places[entry[0]][ref(name)] = entry[1]
        promised = {ref(name): node for name in pods if (node := view[promise(name)])}
        cycle, move, flag, in_flight = view[QUEUE]
        queue = SchedulingQueue(
            **{place: immutabledict(infos) for place, infos in places.items()},
            in_flight=in_flight,
            scheduling_cycle=cycle,
            move_request_cycle=move,
            received_move_request=flag,
            nominator=Nominator(immutabledict(promised)),
        )
        nodes_cached = {name: one for name in nodes if (one := view[cached(name)]) is not None}
        loose, numbers, copies = view[CACHE]
        cache = SchedulerCache(
            immutabledict(states), immutabledict(nodes_cached), loose, self._numbered, numbers, copies
        )
        return Memory(Cache.of(known), cache, queue)

    def remember(self, view: View, memory: Memory, trials: Mapping[str, Trial | None] = immutabledict()) -> Updates:
        """Return what has to be written for the scheduler to remember this and these trials, and nothing that is so."""
        now: dict[str, Trial | None] = {pod: view[trial(pod)] for pod in self.scene.every_pod} | dict(trials)
        slots: dict[str, Hashable] = self.slots_of(memory)
        ranks = _all(memory.queue, now.values()) if self.exact else _ranks(memory.queue, now.values())
        for pod, tried in now.items():
            slots[trial(pod)] = _numbered(tried, ranks)
        slots[QUEUE] = self._numbers(memory.queue, ranks)
        return {slot: value for slot, value in slots.items() if _differs(view[slot], value)}

    def _numbers(self, queue: SchedulingQueue, ranks: Mapping[int, int]) -> Hashable:
        """Keep of the queue's marks only what an open trial will be compared with in these ways."""
        if self.exact:
            return queue.scheduling_cycle, queue.move_request_cycle, queue.received_move_request, queue.in_flight
        hints, flag = self.ways.queue.queueing_hints, self.ways.queue.remembers is Remembers.FLAG
        move = -1 if hints or flag else ranks.get(queue.move_request_cycle, -1)
        return ranks[queue.scheduling_cycle], move, queue.received_move_request and flag, queue.in_flight

    def slots_of(self, memory: Memory) -> dict[str, Hashable]:
        """Return the slots that a memory is kept in."""
        slots: dict[str, Hashable] = {}
        queue = memory.queue
        for name in self.scene.every_pod:
            slots[seen(name)] = memory.pod(ref(name))
            slots[cached(name)] = memory.cache.pods.get(ref(name))
            slots[queued(name)] = _entry(queue, ref(name))
            slots[promise(name)] = queue.nominator.nodes.get(ref(name), "")
        for name in self.scene.every_node:
            slots[seen(name)] = memory.known.get(Node, Ref("Node", "", name))
            slots[cached(name)] = memory.cache.nodes.get(name)
        slots[CACHE] = memory.cache.loose, memory.cache.numbers, memory.cache.copies
        numbers = queue.scheduling_cycle, queue.move_request_cycle, queue.received_move_request
        slots[QUEUE] = (*numbers, queue.in_flight)
        return slots


def _differs(one: Any, other: Any) -> bool:
    """Compare, identical objects first: most of what was put together is what was taken apart."""
    return one is not other and bool(one != other)


def _numbered(one: Trial | None, ranks: Mapping[int, int]) -> Trial | None:
    if one is None or one.cycle == ranks.get(one.cycle, 0):
        return one
    return evolve(one, cycle=ranks.get(one.cycle, 0))


def _entry(queue: SchedulingQueue, name: Ref) -> Hashable:
    for place in ("active", "backoff", "unschedulable"):
        info: QueuedPodInfo | None = getattr(queue, place).get(name)
        if info is not None:
            return place, info if info.attempts <= 1 else evolve(info, attempts=1)
    return None


def _ranks(queue: SchedulingQueue, trials: Iterable[Trial | None]) -> dict[int, int]:
    """Return the cycles that matter numbers by their order: nothing but their order is ever asked for.

    A trial ends by asking whether the last event came in its own cycle or later, and a new trial gets the next cycle.
    So two memories whose cycles are in the same order answer alike for ever. A trial that no plugin refused never asks.
    An event that came before every open trial is as good as none, and with no trial open every event is.
    """
    cycles = {trial.cycle for trial in trials if trial is not None and trial.info.rejectors}
    if not cycles:
        return {queue.scheduling_cycle: 0}
    moved = {queue.move_request_cycle} if queue.move_request_cycle >= min(cycles) else set[int]()
    return {cycle: rank for rank, cycle in enumerate(sorted(cycles | moved | {queue.scheduling_cycle}))}


def _all(queue: SchedulingQueue, trials: Iterable[Trial | None]) -> dict[int, int]:
    cycles = {trial.cycle for trial in trials if trial is not None}
    return {cycle: cycle for cycle in cycles | {queue.scheduling_cycle}}
