"""What plugins see and say: nodes with their Pods, refusals, prepared state, and the two ways scores are normalised.

Upstream: pkg/scheduler/framework/{types,interface}.go and plugins/helper/normalize_score.go (v1.32).
Left out on purpose: cycle state shared between plugins, Reserve, Permit and the bind phases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ..api.cache import Cache
from ..api.core import Namespace, Node, Pod
from ..api.meta import Ref
from ..api.values.frozen import Strings, strings

S = TypeVar("S")

MAX_NODE_SCORE = 100
NO_LABELS = strings()


@frozen
class Refusal:
    """Why a plugin refuses a node. `resolvable`: evicting Pods might change its mind (code Unschedulable)."""

    plugin: str
    reasons: tuple[str, ...]
    resolvable: bool = True


@frozen
class NodeInfo:
    """A node and the Pods that hold a part of it: assigned to it and not finished."""

    node: Node
    pods: tuple[Pod, ...] = ()
    known: dict[object, Any] = field(factory=dict, init=False, eq=False, repr=False)
    """What has been worked out about exactly this node with exactly these Pods; it changes no answer."""

    @property
    def name(self) -> str:
        """The node's name."""
        return self.node.metadata.name

    @property
    def labels(self) -> Strings:
        """The node's labels."""
        return self.node.metadata.labels


@frozen
class Snapshot:
    """The nodes by name, the waiting Pods promised to each, and the cache for what else a plugin looks up."""

    nodes: tuple[NodeInfo, ...]
    cache: Cache
    nominated: Mapping[str, tuple[Pod, ...]] = immutabledict()
    numbers: dict[object, int] = field(factory=dict, eq=False, repr=False)
    """Small numbers for what is asked of many nodes, handed on from snapshot to snapshot; they change no answer."""

    @classmethod
    def of(cls, cache: Cache) -> Snapshot:
        """Sort the assigned Pods to their nodes; the scheduler does not watch finished ones."""
        pods = [pod for pod in cache.list(Pod) if not pod.finished]
        assigned = _by_node((pod.spec.node_name, pod) for pod in pods)
        promised = _by_node((pod.status.nominated_node_name, pod) for pod in pods if not pod.spec.node_name)
        nodes = sorted(cache.list(Node), key=lambda node: node.metadata.name)
        return cls(tuple(NodeInfo(node, assigned.get(node.metadata.name, ())) for node in nodes), cache, promised)

    def node(self, name: str) -> NodeInfo | None:
        """Look a node up by its name."""
        return next((info for info in self.nodes if info.name == name), None)

    def with_node(self, info: NodeInfo) -> Snapshot:
        """Return the snapshot with one node seen otherwise."""
        return evolve(self, nodes=tuple(info if other.name == info.name else other for other in self.nodes))

    def assume(self, pod: Pod, name: str) -> Snapshot:
        """Return the snapshot with a Pod put on a node, as the scheduler does before the API server knows."""
        there = evolve(pod, spec=evolve(pod.spec, node_name=name))
        info = self.node(name)
        return self if info is None else self.with_node(evolve(info, pods=(*info.pods, there)))

    def number(self, question: object) -> int:
        """Return a number of its own for a question, to keep answers to it in `NodeInfo.known`."""
        return self.numbers.setdefault(question, len(self.numbers))

    def namespace_labels(self, namespace: str) -> Strings:
        """Return a namespace's labels, none if it is not in the cache."""
        found = self.cache.get(Namespace, Ref("Namespace", "", namespace))
        return NO_LABELS if found is None else found.metadata.labels


def _by_node(pods: Iterable[tuple[str, Pod]]) -> immutabledict[str, tuple[Pod, ...]]:
    """Group Pods by the node named with each; "" is none."""
    grouped: dict[str, tuple[Pod, ...]] = {}
    for node, pod in pods:
        if node:
            grouped[node] = (*grouped.get(node, ()), pod)
    return immutabledict(grouped)


@frozen
class Prepared(Generic[S]):
    """What a plugin worked out once per Pod; `only` names the nodes it needs to be asked about, None all."""

    state: S
    only: frozenset[str] | None = None


def _unprepared(_snapshot: Snapshot, _pod: Pod) -> Prepared[None]:
    return Prepared(None)


@frozen
class FilterPlugin(Generic[S]):
    """Refuses nodes. `pre_filter` gives None to be skipped for this Pod, or a Refusal of every node.

    `alone`: what it says of a node depends on nothing but the Pod's spec and that node with its Pods.
    `sees_pods`: what it prepares depends on the Pods of the nodes, so it must look again when those change.
    """

    name: str
    filter: Callable[[S, Pod, NodeInfo], Refusal | None]
    pre_filter: Callable[[Snapshot, Pod], Prepared[S] | Refusal | None]
    sees_pods: bool = False
    alone: bool = False

    @classmethod
    def simple(cls, name: str, filter_node: Callable[[None, Pod, NodeInfo], Refusal | None]) -> FilterPlugin[None]:
        """Make a plugin that has nothing to prepare."""
        return FilterPlugin(name, filter_node, _unprepared, alone=True)


Raw = Mapping[str, int]
"""Scores by node name, as a plugin computes them before they are normalised."""


def as_they_are(_state: Any, raw: Raw) -> Raw:
    """Normalise nothing."""
    return raw


@frozen
class ScorePlugin(Generic[S]):
    """Ranks the feasible nodes. `pre_score` gives None to be skipped; `normalize` brings scores to 0..100.

    `alone`: the score of a node, before it is normalised, depends on the Pod's spec and that node with its Pods only.
    """

    name: str
    weight: int
    pre_score: Callable[[Snapshot, Pod, tuple[NodeInfo, ...]], S | None]
    score: Callable[[S, Pod, NodeInfo], int]
    normalize: Callable[[S, Raw], Raw] = as_they_are
    alone: bool = False


def default_normalize_score(raw: Raw, *, reverse: bool) -> Raw:
    """Scale to the highest score; `reverse` makes the highest the worst."""
    highest = max(raw.values(), default=0)
    if highest == 0:
        return {name: MAX_NODE_SCORE if reverse else score for name, score in raw.items()}
    scaled = {name: MAX_NODE_SCORE * score // highest for name, score in raw.items()}
    return {name: MAX_NODE_SCORE - score for name, score in scaled.items()} if reverse else scaled
