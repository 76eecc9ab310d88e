"""The scheduler's cache: nodes, the Pods on them, and the Pods it has given to a node without the API server's word.

Upstream: pkg/scheduler/backend/cache/cache.go (v1.32): AssumePod, FinishBinding, ForgetPod, AddPod, UpdatePod,
RemovePod, AddNode, RemoveNode, cleanupAssumedPods. An assumed Pod expires only if a duration is set; in 1.32 it is not.
Where the cache contradicts an event `Corrupted` is given; it says whether upstream ends the process then.

Upstream keeps an entry (NodeInfo) for each name of which it knows the node or a Pod, with a number that grows with each
change, and copies for a decision only the entries whose number is not that of its last copy. Since 1.11 all entries
draw from one counter, so that no number comes twice and a copy is as good as the entry: nothing of it is kept here.
Before, each entry counted from 0 (k/k#63262); then `numbered` names the entries that do.
Left out on purpose: images.
"""

from __future__ import annotations

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...api.cache import Cache
from ...api.core import Node, Pod
from ...api.kinds import ref_of
from ...api.meta import Ref
from ..framework import NodeInfo, Snapshot
from .nominator import Nominator


@frozen
class PodState:
    """A Pod on a node. `assumed`: only the scheduler says so yet; `deadline`: when it stops believing it."""

    pod: Pod
    assumed: bool = False
    binding_finished: bool = False
    deadline: int | None = None


@frozen
class Corrupted:
    """An event or a call contradicts the cache; `why` says how. `ends`: the process ends of it, others log it."""

    ref: Ref
    why: str
    ends: bool = False


@frozen
class SchedulerCache:
    """Pods that have a node, by reference, and nodes by name.

    `loose`: Pods that no entry has, for their node took its entry with it (`remove_node`). `numbers`: how often the
    entries of the names in `numbered` have changed since they are there; `copies`: what was copied of them last for a
    decision, with the number they had then.
    """

    pods: immutabledict[Ref, PodState] = immutabledict()
    nodes: immutabledict[str, Node] = immutabledict()
    loose: frozenset[Ref] = frozenset()
    numbered: frozenset[str] = frozenset()
    numbers: immutabledict[str, int] = immutabledict()
    copies: immutabledict[str, tuple[int, NodeInfo]] = immutabledict()

    def is_assumed(self, pod: Pod) -> bool:
        """Tell whether only the scheduler says that a Pod has a node."""
        state = self.pods.get(ref_of(pod))
        return state is not None and state.assumed

    def pods_of(self, node: str) -> tuple[Pod, ...]:
        """Return the Pods of a node, by namespace and name."""
        found = (self.pods[ref].pod for ref in sorted(self.pods) if ref not in self.loose)
        return tuple(pod for pod in found if pod.spec.node_name == node)

    def has_entry(self, node: str) -> bool:
        """Tell whether something is known of a name: the node, or a Pod on it."""
        return node in self.nodes or bool(self.pods_of(node))

    def changed(self, node: str, times: int = 1) -> SchedulerCache:
        """Return the cache with the entry of a name counted as changed; one that has nothing left is gone."""
        if node not in self.numbered:
            return self
        if not self.has_entry(node):
            return evolve(self, numbers=self.numbers.discard(node))
        return evolve(self, numbers=self.numbers.set(node, self.numbers.get(node, 0) + times))

    def with_pod(self, state: PodState) -> SchedulerCache:
        """Return the cache with a Pod put in, or put anew."""
        return evolve(self, pods=self.pods.set(ref_of(state.pod), state))

    def without_pod(self, pod: Pod) -> SchedulerCache:
        """Return the cache without a Pod."""
        return evolve(self, pods=self.pods.discard(ref_of(pod)), loose=self.loose - {ref_of(pod)})


# --- what the scheduler does ------------------------------------------------------------------------------------------


def assume_pod(cache: SchedulerCache, pod: Pod, node: str) -> SchedulerCache | Corrupted:
    """Count a Pod as on a node from now on; it must not be on any yet."""
    if ref_of(pod) in cache.pods:
        return Corrupted(ref_of(pod), "is in the cache, so can't be assumed")
    assumed = PodState(evolve(pod, spec=evolve(pod.spec, node_name=node)), assumed=True)
    return cache.with_pod(assumed).changed(node)


def finish_binding(cache: SchedulerCache, pod: Pod, now: int, ttl: int = 0) -> SchedulerCache:
    """Begin to wait for the event that confirms a binding; with a `ttl` of 0 for ever."""
    state = cache.pods.get(ref_of(pod))
    if state is None or not state.assumed:
        return cache
    return cache.with_pod(evolve(state, binding_finished=True, deadline=now + ttl if ttl else None))


def forget_pod(cache: SchedulerCache, pod: Pod) -> SchedulerCache | Corrupted:
    """Take back what was assumed of a Pod; what the API server confirmed cannot be taken back."""
    state = cache.pods.get(ref_of(pod))
    if state is None or not state.assumed:
        return Corrupted(ref_of(pod), "wasn't assumed so cannot be forgotten")
    return cache.without_pod(pod).changed(state.pod.spec.node_name)


def cleanup_assumed_pods(cache: SchedulerCache, now: int) -> SchedulerCache:
    """Forget the assumed Pods whose confirmation has not come in time."""
    expired = [pod for pod in cache.pods.values() if pod.assumed and pod.deadline is not None and now > pod.deadline]
    for state in expired:
        cache = cache.without_pod(state.pod).changed(state.pod.spec.node_name)
    return cache


# --- what events do ---------------------------------------------------------------------------------------------------


def add_pod(cache: SchedulerCache, pod: Pod) -> SchedulerCache:
    """Take in a bound Pod that is new, was assumed (here or elsewhere), or expired; one that is there stays."""
    state = cache.pods.get(ref_of(pod))
    if state is not None and not state.assumed:
        return cache
    before, node = "" if state is None else state.pod.spec.node_name, pod.spec.node_name
    after = cache.with_pod(PodState(pod))
    return after if before == node else after.changed(before).changed(node)


def update_pod(cache: SchedulerCache, pod: Pod) -> SchedulerCache | Corrupted:
    """Take in a bound Pod that changed; an assumed one is confirmed only by `add_pod`."""
    state = cache.pods.get(ref_of(pod))
    if state is None:
        return Corrupted(ref_of(pod), "is not added to scheduler cache, so cannot be updated")
    if state.pod.spec.node_name != pod.spec.node_name:
        return Corrupted(ref_of(pod), "updated on a different node than previously added to", ends=True)
    if (missing := _missing(cache, state.pod)) is not None:
        return missing
    after = evolve(cache, loose=cache.loose - {ref_of(pod)}).with_pod(evolve(state, pod=pod))
    return after.changed(pod.spec.node_name, 2)


def remove_pod(cache: SchedulerCache, pod: Pod) -> SchedulerCache | Corrupted:
    """Take out a Pod that was deleted. Its last known state may have no node: then it was assumed or missed."""
    state = cache.pods.get(ref_of(pod))
    if state is None:
        return Corrupted(ref_of(pod), "is not found in scheduler cache, so cannot be removed from it")
    if pod.spec.node_name and state.pod.spec.node_name != pod.spec.node_name:
        return Corrupted(ref_of(pod), "was assumed to be on another node", ends=True)
    return _missing(cache, state.pod) or cache.without_pod(pod).changed(state.pod.spec.node_name)


def _missing(cache: SchedulerCache, pod: Pod) -> Corrupted | None:
    """Return what is wrong if there is an entry of a Pod's node, and not with the Pod: without a node that is the end.

    NodeInfo.RemovePod names the node in its error and has none to name (pkg/scheduler/framework/v1alpha1/types.go,
    v1.18; k/k#89552).
    """
    node = pod.spec.node_name
    if ref_of(pod) not in cache.loose or not cache.has_entry(node):
        return None
    return Corrupted(ref_of(pod), f"is not among the Pods of {node}", ends=node not in cache.nodes)


def add_node(cache: SchedulerCache, node: Node) -> SchedulerCache:
    """Take in a node, or the same node changed."""
    return evolve(cache, nodes=cache.nodes.set(node.metadata.name, node)).changed(node.metadata.name)


def remove_node(cache: SchedulerCache, name: str, *, with_entry: bool = False) -> SchedulerCache:
    """Take out a node; its Pods stay until they are deleted themselves.

    `with_entry`: the entry goes with the node, and its Pods are in none from then on (k/k PR #86964, in 1.16 to 1.18;
    taken back by PR #93938).
    """
    loose = frozenset(map(ref_of, cache.pods_of(name))) if with_entry else frozenset[Ref]()
    return evolve(cache, nodes=cache.nodes.discard(name), loose=cache.loose | loose).changed(name)


def copied(cache: SchedulerCache) -> SchedulerCache:
    """Copy, for a decision, those entries whose number is not that of their last copy (UpdateNodeNameToInfoMap)."""
    fresh = {
        name: (number, NodeInfo(cache.nodes[name], cache.pods_of(name)))
        for name, number in cache.numbers.items()
        if name in cache.nodes and (name not in cache.copies or cache.copies[name][0] != number)
    }
    kept = {name: copy for name, copy in cache.copies.items() if name in cache.numbers}
    return evolve(cache, copies=immutabledict(kept | fresh)) if cache.numbered else cache


def snapshot(cache: SchedulerCache, nominator: Nominator, known: Cache) -> Snapshot:
    """Return what one scheduling cycle decides on. `known`: all objects of the informers, for what plugins look up.

    Pods that a node is promised to count only if the informer still has them.
    """
    infos = tuple(_info(cache, name) for name in sorted(cache.nodes))
    promised = ((name, tuple(_found(known, nominator.promised(name)))) for name in sorted(cache.nodes))
    return Snapshot(infos, known, immutabledict((name, pods) for name, pods in promised if pods))


def _info(cache: SchedulerCache, name: str) -> NodeInfo:
    if name in cache.copies:
        return cache.copies[name][1]
    return NodeInfo(cache.nodes[name], cache.pods_of(name))


def _found(known: Cache, refs: tuple[Ref, ...]) -> list[Pod]:
    return [pod for ref in refs if (pod := known.get(Pod, ref)) is not None]
