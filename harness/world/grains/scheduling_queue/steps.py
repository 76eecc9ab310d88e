"""What the scheduler does in its small world: try a Pod, bind it, deal with one that fits nowhere, wait and look again.

Each is one function of what the scheduler remembers; its writes to the API server are steps of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from attrs import evolve

from .....impl.api.core import Pod
from .....impl.api.meta import Ref
from .....impl.scheduler.framework import NodeInfo, Snapshot
from .....impl.scheduler.plugins.priority_sort import priority
from .....impl.scheduler.profile import default_profile
from .....impl.scheduler.queue.assume_cache import (
    Corrupted,
    assume_pod,
    copied,
    finish_binding,
    forget_pod,
    remove_node,
    snapshot,
)
from .....impl.scheduler.queue.cluster_event import ASSIGNED_POD_DELETE, UNSCHEDULABLE_TIMEOUT
from .....impl.scheduler.queue.cluster_event_handlers import Memory
from .....impl.scheduler.queue.entry import NominationEnds, QueuedPodInfo
from .....impl.scheduler.queue.nominator import Nominator
from .....impl.scheduler.queue.queue import SchedulingQueue, activate, done, heads, pop
from .....impl.scheduler.queue.requeue import (
    AlreadyQueued,
    add_unschedulable_if_not_present,
    flush_unschedulable_leftover,
    move_all_to_active_or_backoff_queue,
    nomination_ended,
)
from .....impl.scheduler.schedule import Decision, decide
from .....model.machine import Action, Fairness, Outcome, View
from .....model.world.component import Component, constantly
from .queue import (
    ENDED,
    EVICTIONS,
    TRYING,
    Step,
    Trial,
    Updates,
    World,
    api,
    binding,
    overdue,
    queued,
    ref,
    seen,
    trial,
)
from .writes import commits, evicts, promises

STAYS = 2**31 - 1
"""The priority of a Pod that nobody counts on to leave."""
LATER = 10**6


def scheduler(world: World) -> Component[World]:
    """Return the scheduler, which has just started and listed the store."""
    pods = world.scene.every_pod
    slots: Updates = {
        TRYING: "",
        EVICTIONS: 0,
        ENDED: "",
        **world.slots_of(world.started(world.scene.nodes, world.scene.pods)),
    }
    for pod in pods:
        slots |= {trial(pod): None, binding(pod): None, overdue(pod): False}
    return Component("scheduler", _actions, constantly(slots))


def _actions(world: World) -> Iterator[Action]:
    """Yield all that the scheduler does, by Pod. That a Pod is among the first again and again gets it its turn."""
    for pod in world.scene.every_pod:
        turn = f"scheduler tries {pod}"
        yield Action(turn, turn, partial(_tries, world, pod), Fairness.STRONG)
        yield Action(f"scheduler binds {pod}", f"binds {pod}", partial(_binds, world, pod))
        yield Action(f"scheduler works on {pod}", f"works on {pod}", partial(_works, world, pod))
        yield Action(f"back-off of {pod}", f"back-off of {pod}", partial(_backoff_ends, world, pod))
        if world.ways.patience_ends:
            yield Action(f"patience with {pod}", f"patience with {pod}", partial(_patience_ends, world, pod))
    if world.ways.flushes:
        yield Action("scheduler flushes", "flush", partial(_flushes, world), when_quiet=True)


# --- trying -----------------------------------------------------------------------------------------------------------


def _tries(world: World, pod: str, view: View) -> Iterator[Outcome]:
    entry = view[queued(pod)]
    if entry is None or entry[0] != "active" or view[TRYING] or view[trial(pod)] is not None:
        return
    memory = world.memory(view)
    if ref(pod) not in heads(memory.queue):
        return
    info, queue = pop(memory.queue, world.ways.queue, ref(pod))
    if info is None:
        return
    if info.pod.metadata.terminating or memory.cache.is_assumed(info.pod):
        yield Outcome("passes it over", world.remember(view, evolve(memory, queue=done(queue, pod))))
        return
    after = evolve(memory, queue=queue, cache=copied(memory.cache))
    decision = decide(info.pod, _snapshot(world, after, view), default_profile(world.ways.release))
    if decision.best:
        for node in decision.best:
            yield _assumes(world, after, info, node, view)
        return
    for target, victims in _targets(decision):
        yield _fails(world, after, info, decision, target, victims, view)


def _snapshot(world: World, memory: Memory, view: View) -> Snapshot:
    """Show a trial the cache; a Pod that is overdue is shown as one that will never leave."""
    nominator = memory.queue.nominator if world.ways.counts_nominated else Nominator()
    found = snapshot(memory.cache, nominator, memory.known)
    late = {pod for pod in world.scene.every_pod if world.ways.patience_ends and view[overdue(pod)]}
    return evolve(found, nodes=tuple(_with_late(info, late) for info in found.nodes)) if late else found


def _with_late(info: NodeInfo, late: set[str]) -> NodeInfo:
    return NodeInfo(info.node, tuple(_there_to_stay(pod) if pod.metadata.name in late else pod for pod in info.pods))


def _there_to_stay(pod: Pod) -> Pod:
    return evolve(pod, spec=evolve(pod.spec, priority=STAYS))


def _assumes(world: World, memory: Memory, info: QueuedPodInfo, node: str, view: View) -> Outcome:
    cache = assume_pod(memory.cache, info.pod, node)
    if isinstance(cache, Corrupted):
        return _gives_up(world, memory, info, view)
    queue = evolve(memory.queue, nominator=memory.queue.nominator.delete(info.pod))
    updates = world.remember(view, evolve(memory, cache=cache, queue=queue))
    return Outcome(f"wants it on {node}", updates | {binding(info.pod.metadata.name): (node, _once(info))})


def _gives_up(world: World, memory: Memory, info: QueuedPodInfo, view: View) -> Outcome:
    """Queue a Pod again that the cache takes for assigned: something other than a filter stands in the way."""
    one = Trial(_once(info), memory.queue.scheduling_cycle, "", (), (Step.REQUEUE, Step.NOMINATE))
    return _opens(world, memory, one, "finds it assigned", view)


def _once(info: QueuedPodInfo) -> QueuedPodInfo:
    return evolve(info, attempts=min(info.attempts, 1))


def _targets(decision: Decision) -> Iterator[tuple[str | None, tuple[str, ...]]]:
    """Yield the node to promise with the Pods to evict there: each of those that are equally good."""
    after = decision.preemption
    for node in after.selections:
        yield node, tuple(victim.name for victim in after.victims(node))
    if not after.selections:
        yield (None if after.ineligible or not decision.refusals else ""), ()


def _fails(
    world: World,
    memory: Memory,
    info: QueuedPodInfo,
    decision: Decision,
    target: str | None,
    victims: tuple[str, ...],
    view: View,
) -> Outcome:
    plugins = frozenset(refusal.plugin for refusal in decision.refusals.values() if refusal.plugin)
    refused = evolve(_once(info), unschedulable_plugins=plugins)
    robbed = tuple(pod.metadata.name for pod in _lower_nominated(memory, info.pod, target or ""))
    skipped = {
        Step.EVICT: not victims,
        Step.CLEAR: not robbed,
        Step.WRITE: target in {None, info.pod.status.nominated_node_name},
    }
    todo = tuple(step for step in world.ways.failure if not skipped.get(step, False))
    label = f"fits nowhere, wants {', '.join(victims)} off {target}" if victims else "fits nowhere"
    one = Trial(refused, memory.queue.scheduling_cycle, target, victims, todo, robbed)
    return _opens(world, memory, one, label, view)


def _lower_nominated(memory: Memory, pod: Pod, node: str) -> list[Pod]:
    """Return the less important Pods that a node was promised to: they may not fit there any more."""
    found = (memory.pod(ref) for ref in memory.queue.nominator.promised(node))
    return [other for other in found if other is not None and priority(other) < priority(pod)]


def _opens(world: World, memory: Memory, one: Trial, label: str, view: View) -> Outcome:
    pod = one.info.pod.metadata.name
    updates = world.remember(view, memory, {pod: one})
    return Outcome(label, updates | ({TRYING: pod} if world.ways.waits_for_failure else {}))


# --- a Pod that fits nowhere ------------------------------------------------------------------------------------------


def _works(world: World, pod: str, view: View) -> Iterator[Outcome]:
    one: Trial | None = view[trial(pod)]
    if one is None:
        return
    step, left = one.todo[0], evolve(one, todo=one.todo[1:])
    if step is Step.EVICT:
        victim, rest = one.victims[0], one.victims[1:]
        left = evolve(left, victims=rest, todo=one.todo if rest else left.todo)
        label, updates, memory = f"evicts {victim}", evicts(view, victim), None
    elif step is Step.CLEAR:
        loser, others = one.robbed[0], one.robbed[1:]
        left = evolve(left, robbed=others, todo=one.todo if others else left.todo)
        label, updates, memory = f"writes that no node is promised to {loser}", promises(view, loser, ""), None
    elif step is Step.WRITE:
        label = f"writes that {one.target or 'no node'} is promised to it"
        updates, memory = promises(view, pod, one.target or ""), None
    else:
        known = view[seen(pod)]
        memory = world.memory(view)
        queue = _nominates(world, memory.queue, one, known) if step is Step.NOMINATE else _requeues(world, memory, one)
        label, updates, memory = step.value, {}, evolve(memory, queue=queue)
    yield Outcome(label, updates | _goes_on(world, view, pod, left, memory))


def _goes_on(world: World, view: View, pod: str, left: Trial, memory: Memory | None) -> Updates:
    rest = left if left.todo else None
    free: Updates = {TRYING: ""} if rest is None and view[TRYING] == pod else {}
    if memory is None and rest is not None:
        return {trial(pod): rest}
    return world.remember(view, memory or world.memory(view), {pod: rest}) | free


def _nominates(world: World, queue: SchedulingQueue, one: Trial, known: Pod | None) -> SchedulingQueue:
    pod, settings = one.info.pod, world.ways.queue
    after = evolve(queue, nominator=queue.nominator.add(pod, one.target, known))
    ended = queue.nominator.node_of(pod) not in {"", after.nominator.node_of(pod)}
    told = ended and settings.nomination_ends is NominationEnds.REMEMBERED
    return nomination_ended(after, settings, pod, 0) if told else after


def _requeues(world: World, memory: Memory, one: Trial) -> SchedulingQueue:
    """Take the Pod back as the informer has it now; one that is gone or has a node is not taken back."""
    name = one.info.pod.metadata.name
    known = memory.pod(ref(name))
    if known is None or known.spec.node_name:
        return done(memory.queue, name)
    again = evolve(one.info, pod=known)
    queue = add_unschedulable_if_not_present(memory.queue, world.ways.queue, again, one.cycle, 0)
    return done(memory.queue, name) if isinstance(queue, AlreadyQueued) else queue


# --- binding ----------------------------------------------------------------------------------------------------------


def _binds(world: World, pod: str, view: View) -> Iterator[Outcome]:
    """Write the node into the Pod. What the API server refuses is taken back and queued again."""
    wish = view[binding(pod)]
    if wish is None:
        return
    node, info = wish
    stored: Pod | None = view[api(pod)]
    missing = world.scene.lookup and view[api(node)] is None
    memory = world.memory(view)
    if stored is None or stored.metadata.terminating or missing:
        label = f"is told that {node} is not found" if missing else "is told that it is gone"
        yield Outcome(label, _refused(world, memory, info, node if missing else "", view))
        return
    bound = evolve(stored, spec=evolve(stored.spec, node_name=node))
    after = evolve(memory, cache=finish_binding(memory.cache, stored, 0), queue=done(memory.queue, pod))
    yield Outcome(
        f"binds it to {node}", commits(view, stored, bound) | world.remember(view, after) | {binding(pod): None}
    )


def _refused(world: World, memory: Memory, info: QueuedPodInfo, missing: str, view: View) -> Updates:
    """Take back what was assumed: to the others it is as if the Pod had gone from its node."""
    pod = info.pod.metadata.name
    state = memory.cache.pods.get(ref(pod))
    forgotten = forget_pod(memory.cache, info.pod)
    cache = memory.cache if isinstance(forgotten, Corrupted) else forgotten
    if missing and world.ways.drops_missing_nodes:
        cache = remove_node(cache, missing)
    settings, was = world.ways.queue, info.pod if state is None else state.pod
    queue = move_all_to_active_or_backoff_queue(memory.queue, settings, ASSIGNED_POD_DELETE, was, None, 0)
    one = Trial(info, queue.scheduling_cycle, "", (), (Step.REQUEUE, Step.NOMINATE))
    return world.remember(view, evolve(memory, cache=cache, queue=queue), {pod: one}) | {binding(pod): None}


# --- time -------------------------------------------------------------------------------------------------------------


def _backoff_ends(world: World, pod: str, view: View) -> Iterator[Outcome]:
    entry = view[queued(pod)]
    if entry is not None and entry[0] == "backoff":
        yield Outcome("is over", _activated(world, view, (ref(pod),)))


def _activated(world: World, view: View, refs: tuple[Ref, ...]) -> Updates:
    memory = world.memory(view)
    return world.remember(view, evolve(memory, queue=activate(memory.queue, refs, 0)))


def _flushes(world: World, view: View) -> Iterator[Outcome]:
    memory = world.memory(view)
    queue = flush_unschedulable_leftover(memory.queue, world.ways.queue, LATER)
    yield Outcome("tries those again that have waited for minutes", world.remember(view, evolve(memory, queue=queue)))


def _patience_ends(world: World, pod: str, view: View) -> Iterator[Outcome]:
    """Forget a Pod whose grace period has long been over: whoever waits or is being tried is to look elsewhere."""
    stored: Pod | None = view[api(pod)]
    if stored is None or not stored.metadata.terminating or not stored.spec.node_name or view[overdue(pod)]:
        return
    memory, settings = world.memory(view), world.ways.queue
    queue = move_all_to_active_or_backoff_queue(memory.queue, settings, UNSCHEDULABLE_TIMEOUT, None, None, 0)
    yield Outcome("ends", world.remember(view, evolve(memory, queue=queue)) | {overdue(pod): True})
