"""The scheduler's cache: nodes, the Pods on them, and the Pods it has given to a node without the API server's word.

Upstream: pkg/scheduler/backend/cache/cache.go (v1.32): AssumePod, FinishBinding, ForgetPod, AddPod, UpdatePod,
RemovePod, AddNode, RemoveNode, cleanupAssumedPods. An assumed Pod expires only if a duration is set; in 1.32 it is not.
Where upstream ends the process because its cache contradicts an event, `Corrupted` is given instead.
Left out on purpose: images, and the generations by which upstream copies only what changed.
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
    """An event or a call contradicts the cache; `why` says how."""

    ref: Ref
    why: str


@frozen
class SchedulerCache:
    """Pods that have a node, by reference, and nodes by name."""

    pods: immutabledict[Ref, PodState] = immutabledict()
    nodes: immutabledict[str, Node] = immutabledict()

    def is_assumed(self, pod: Pod) -> bool:
        """Tell whether only the scheduler says that a Pod has a node."""
        state = self.pods.get(ref_of(pod))
        return state is not None and state.assumed

    def pods_of(self, node: str) -> tuple[Pod, ...]:
        """Return the Pods of a node, by namespace and name."""
        return tuple(self.pods[ref].pod for ref in sorted(self.pods) if self.pods[ref].pod.spec.node_name == node)

    def with_pod(self, state: PodState) -> SchedulerCache:
        """Return the cache with a Pod put in, or put anew."""
        return evolve(self, pods=self.pods.set(ref_of(state.pod), state))

    def without_pod(self, pod: Pod) -> SchedulerCache:
        """Return the cache without a Pod."""
        return evolve(self, pods=self.pods.discard(ref_of(pod)))


# --- what the scheduler does ------------------------------------------------------------------------------------------


def assume_pod(cache: SchedulerCache, pod: Pod, node: str) -> SchedulerCache | Corrupted:
    """Count a Pod as on a node from now on; it must not be on any yet."""
    if ref_of(pod) in cache.pods:
        return Corrupted(ref_of(pod), "is in the cache, so can't be assumed")
    return cache.with_pod(PodState(evolve(pod, spec=evolve(pod.spec, node_name=node)), assumed=True))


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
    return cache.without_pod(pod)


def cleanup_assumed_pods(cache: SchedulerCache, now: int) -> SchedulerCache:
    """Forget the assumed Pods whose confirmation has not come in time."""
    expired = [pod for pod in cache.pods.values() if pod.assumed and pod.deadline is not None and now > pod.deadline]
    for state in expired:
        cache = cache.without_pod(state.pod)
    return cache


# --- what events do ---------------------------------------------------------------------------------------------------


def add_pod(cache: SchedulerCache, pod: Pod) -> SchedulerCache:
    """Take in a bound Pod that is new, was assumed (here or elsewhere), or expired; one that is there stays."""
    state = cache.pods.get(ref_of(pod))
    if state is not None and not state.assumed:
        return cache
    return cache.with_pod(PodState(pod))


def update_pod(cache: SchedulerCache, pod: Pod) -> SchedulerCache | Corrupted:
    """Take in a bound Pod that changed; an assumed one is confirmed only by `add_pod`."""
    state = cache.pods.get(ref_of(pod))
    if state is None:
        return Corrupted(ref_of(pod), "is not added to scheduler cache, so cannot be updated")
    if state.pod.spec.node_name != pod.spec.node_name:
        return Corrupted(ref_of(pod), "updated on a different node than previously added to")
    return cache.with_pod(evolve(state, pod=pod))


def remove_pod(cache: SchedulerCache, pod: Pod) -> SchedulerCache | Corrupted:
    """Take out a Pod that was deleted. Its last known state may have no node: then it was assumed or missed."""
    state = cache.pods.get(ref_of(pod))
    if state is None:
        return Corrupted(ref_of(pod), "is not found in scheduler cache, so cannot be removed from it")
    if pod.spec.node_name and state.pod.spec.node_name != pod.spec.node_name:
        return Corrupted(ref_of(pod), "was assumed to be on another node")
    return cache.without_pod(pod)


def add_node(cache: SchedulerCache, node: Node) -> SchedulerCache:
    """Take in a node, or the same node changed."""
    return evolve(cache, nodes=cache.nodes.set(node.metadata.name, node))


def remove_node(cache: SchedulerCache, name: str) -> SchedulerCache:
    """Take out a node; its Pods stay until they are deleted themselves."""
    return evolve(cache, nodes=cache.nodes.discard(name))


def snapshot(cache: SchedulerCache, nominator: Nominator, known: Cache) -> Snapshot:
    """Return what one scheduling cycle decides on. `known`: all objects of the informers, for what plugins look up.

    Pods that a node is promised to count only if the informer still has them.
    """
    infos = tuple(NodeInfo(cache.nodes[name], cache.pods_of(name)) for name in sorted(cache.nodes))
    promised = ((name, tuple(_found(known, nominator.promised(name)))) for name in sorted(cache.nodes))
    return Snapshot(infos, known, immutabledict((name, pods) for name, pods in promised if pods))


def _found(known: Cache, refs: tuple[Ref, ...]) -> list[Pod]:
    return [pod for ref in refs if (pod := known.get(Pod, ref)) is not None]
