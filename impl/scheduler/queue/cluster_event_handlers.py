"""What the scheduler does when it sees that a Pod or a node came, changed or went.

Upstream: pkg/scheduler/eventhandlers.go (v1.32). Pods are watched twice: those without a node belong to the queue,
those with one to the cache, and a Pod that gets a node leaves the one and enters the other. Finished Pods are not
watched.
Left out on purpose: other kinds (their events move Pods by `move_all_to_active_or_backoff_queue`) and Pods that wait
for a Permit plugin.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import evolve, frozen

from ...api.cache import Cache
from ...api.core import Namespace, Node, Pod
from ...api.meta import Ref
from ...api.values.frozen import Strings, strings
from .assume_cache import Corrupted, SchedulerCache, add_node, add_pod, remove_node, remove_pod, update_pod
from .cluster_event import (
    ASSIGNED_POD_DELETE,
    NODE_ADD,
    NODE_DELETE,
    node_scheduling_properties_change,
    pod_scheduling_properties_change,
)
from .entry import NominationEnds, QueueSettings
from .queue import SchedulingQueue, add, delete
from .queueing_hint_map import may_host
from .requeue import (
    assigned_pod_added,
    assigned_pod_updated,
    move_all_to_active_or_backoff_queue,
    nomination_ended,
    update,
)


@frozen
class Memory:
    """All that a scheduler remembers: what its informers have, its cache, and its queue."""

    known: Cache = Cache()
    cache: SchedulerCache = SchedulerCache()
    queue: SchedulingQueue = SchedulingQueue()
    ended: Corrupted | None = None
    """Why the process has ended, which then begins anew with nothing of all that."""

    def pod(self, ref: Ref) -> Pod | None:
        """Return a Pod as the informer has it."""
        return self.known.get(Pod, ref)


def see_pod(memory: Memory, settings: QueueSettings, ref: Ref, new: Pod | None, now: int) -> Memory:
    """See a Pod as it is now, None if it was deleted; what the informer had before says what has changed."""
    old = memory.pod(ref)
    after = evolve(memory, known=_with(memory.known, ref, new))
    old, new = _watched(old), _watched(new)
    was_bound, is_bound = bool(old and old.spec.node_name), bool(new and new.spec.node_name)
    if old and not was_bound and (new is None or is_bound):
        after = evolve(after, queue=delete(after.queue, old))
    if old and not was_bound and not is_bound and _nomination_ends(memory, settings, old, new):
        after = evolve(after, queue=nomination_ended(after.queue, settings, old, now))
    if new and not is_bound:
        after = _waiting(after, settings, old if old and not was_bound else None, new, now)
    if new and is_bound:
        after = _bound(after, settings, old if old and was_bound else None, new, now)
    if old and was_bound and not is_bound:
        after = _unbound(after, settings, old, now)
    return after


def see_pod_lost(memory: Memory, settings: QueueSettings, ref: Ref, now: int) -> Memory:
    """See by a new list that a Pod is gone, whose last state may never have been seen (DeletedFinalStateUnknown).

    Both handlers of Pods clean up, for what was seen last may be from before it was bound.
    Upstream: addAllEventHandlers in pkg/scheduler/eventhandlers.go, RemovePod in backend/cache/cache.go (v1.32).
    """
    old = memory.pod(ref)
    after = see_pod(memory, settings, ref, None, now)
    return _unbound(after, settings, old, now) if old is not None and not old.spec.node_name else after


def _watched(pod: Pod | None) -> Pod | None:
    return None if pod is None or pod.finished else pod


def _with(known: Cache, ref: Ref, obj: Pod | Node | None) -> Cache:
    others = [kept for other, kept in known.objects.items() if other != ref]
    return Cache.of(others if obj is None else [*others, obj])


def _nomination_ends(memory: Memory, settings: QueueSettings, old: Pod, new: Pod | None) -> bool:
    """Tell whether a waiting Pod had a node promised to it and has no longer, as far as these settings notice."""
    if settings.nomination_ends is NominationEnds.UNNOTICED:
        return False
    if settings.nomination_ends is NominationEnds.REMEMBERED and new is None and memory.queue.nominator.node_of(old):
        return True
    before = old.status.nominated_node_name
    return bool(before) and (new is None or new.status.nominated_node_name != before)


def _waiting(memory: Memory, settings: QueueSettings, old: Pod | None, new: Pod, now: int) -> Memory:
    """Queue a Pod, or tell the queue of its change; changes of a Pod that has been given a node do not matter."""
    if old is None:
        return evolve(memory, queue=add(memory.queue, new, new, now))
    if old == new or memory.cache.is_assumed(new):
        return memory
    return evolve(memory, queue=update(memory.queue, settings, old, new, new, now))


def _bound(memory: Memory, settings: QueueSettings, old: Pod | None, new: Pod, now: int) -> Memory:
    labels = _namespace_labels(memory.known, new.metadata.namespace)
    if old is None:
        queue = assigned_pod_added(memory.queue, settings, new, labels, now)
        return evolve(memory, cache=add_pod(memory.cache, new), queue=queue)
    cache = update_pod(memory.cache, new)
    queue = memory.queue
    for event in pod_scheduling_properties_change(old, new):
        queue = assigned_pod_updated(queue, settings, old, new, event, labels, now)
    return _cached(evolve(memory, queue=queue), cache)


def _unbound(memory: Memory, settings: QueueSettings, old: Pod, now: int) -> Memory:
    cache = remove_pod(memory.cache, old)
    queue = move_all_to_active_or_backoff_queue(memory.queue, settings, ASSIGNED_POD_DELETE, old, None, now)
    return _cached(evolve(memory, queue=queue), cache)


def _cached(memory: Memory, cache: SchedulerCache | Corrupted) -> Memory:
    """Keep the cache after an event; one that contradicts the event stays as it was, or ends the process."""
    if not isinstance(cache, Corrupted):
        return evolve(memory, cache=cache)
    return evolve(memory, ended=memory.ended or cache) if cache.ends else memory


def _namespace_labels(known: Cache, namespace: str) -> Strings:
    found = known.get(Namespace, Ref("Namespace", "", namespace))
    return strings() if found is None else found.metadata.labels


def see_node(memory: Memory, settings: QueueSettings, name: str, new: Node | None, now: int) -> Memory:
    """See a node as it is now, None if it was deleted."""
    ref = Ref("Node", "", name)
    old = memory.known.get(Node, ref)
    after = evolve(memory, known=_with(memory.known, ref, new))
    if new is None:
        if old is None:
            return after
        queue = move_all_to_active_or_backoff_queue(after.queue, settings, NODE_DELETE, old, None, now)
        cache = remove_node(after.cache, name, with_entry=settings.removes_entries)
        return evolve(after, cache=cache, queue=queue)
    cache = add_node(after.cache, new)
    events = (NODE_ADD,) if old is None else node_scheduling_properties_change(old, new)
    queue = after.queue
    for event in events:
        check = None if settings.queueing_hints else _may_take(new, cache)
        queue = move_all_to_active_or_backoff_queue(queue, settings, event, old, new, now, check)
    return evolve(after, cache=cache, queue=queue)


def _may_take(node: Node, cache: SchedulerCache) -> Callable[[Pod], bool]:
    return partial(_hosts, node, cache.pods_of(node.metadata.name))


def _hosts(node: Node, pods: tuple[Pod, ...], pod: Pod) -> bool:
    return may_host(pod, node, pods)
