"""Placement: every binding, at the moment it is made, satisfies the rules of `properties.placement.placement`.

Where nodes change and views lag, a cordon, a taint, another label or the deletion of a node that comes between the
scheduler's decision and its binding is no breach: it could not know. The bounds say so. Nor is one that was right by
the labels that namespaces had at the start. Resources and affinities are judged as they are. A spread constraint is
judged where views do not lag; elsewhere a Pod that leaves in between empties a domain, and that is no breach either
(`spread` looks at what comes of it). Where taints decide which nodes a Pod spreads over, a binding is right if it is
for some of them still without theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import product

from attrs import evolve

from ...impl.api.cache import Cache
from ...impl.api.claim_names import PLACEMENT, SENTENCES
from ...impl.api.core import Node, Pod
from ...impl.api.kinds import Object
from ...impl.api.values.frozen import Strings
from ...model.machine import LeadsTo, Property, State, StepProperty, View
from ...model.world.verbs import Verb
from ...properties.placement.placement import Problem, broken
from ...properties.placement.volumes import bars, claims, single_user
from ..input.scenario import Consistency
from ..world import scheduling
from ..world.cluster import Cluster
from .judged import Others, alike, nameless, namespaces_of, nodes_of, pod_of
from .moments import script_over

Spaces = tuple[tuple[str, Strings], ...]
Judge = Callable[[Pod, Others, tuple[Node, ...], Spaces], frozenset[str]]


PENDING = "left pending"
NO_STORAGE = Cache()
STORAGE = ("PersistentVolume", "PersistentVolumeClaim", "StorageClass")
"""The kinds that say what a claim leads to."""


def properties(cluster: Cluster) -> Iterator[Property]:
    """Yield that every binding is right when it is made, and that in the end nobody waits who could run."""
    binds = cluster.actions(scheduling.USER, Verb.SENDS)
    over = partial(script_over, cluster)
    breaks = lru_cache(maxsize=None)(breaking)  # What has been judged once is kept as long as the machine is.
    yield StepProperty(PLACEMENT, SENTENCES[PLACEMENT], check(cluster, breaks), binds, by_label=False)
    pending = partial(_left_pending, cluster, breaks)
    yield LeadsTo(PENDING, "Nothing stays Pending that could run.", waiting(cluster, over), pending)


def check(cluster: Cluster, breaks: Judge) -> Callable[[View, View, str], Iterator[str]]:
    """Return the check of a cluster's machine, given what judges a Pod beside others."""
    first = (State.of(values) for values in cluster.machine.initial) if _change(cluster) else ()
    start = {node.metadata.name: node for state in first for node in nodes_of(cluster, state)}
    labelled = tuple(
        {namespaces_of(cluster, State.of(values)) for values in cluster.machine.initial} if _relabelled(cluster) else ()
    )
    return partial(_misplaced, cluster, breaks, start, labelled)


def _misplaced(
    cluster: Cluster,
    breaks: Judge,
    start: Mapping[str, Node],
    labelled: tuple[Spaces, ...],
    before: View,
    after: View,
    _label: str,
) -> Iterator[str]:
    """Judge by the Pods as they are, and by the nodes as they are, but for what nobody can hold against a decision."""
    slots = cluster.world.layout.pools["Pod"]
    if all(before.via(_node_name, slot) == after.via(_node_name, slot) for slot in slots):
        return  # Nothing is bound; the rest is not even read.
    pods: list[tuple[Pod | None, Pod | None]] = [(before.via(pod_of, slot), after.via(pod_of, slot)) for slot in slots]
    bound = (new for old, new in pods if old and new and old.spec.node_name != new.spec.node_name)
    for pod in bound:
        others = tuple(other for _, other in pods if other is not None and other is not pod and other.spec.node_name)
        asked = pod if cluster.scenario.consistency is Consistency.LINEARIZABLE else _not_spread(pod)
        seen = _as_perhaps_seen(cluster, start, nodes_of(cluster, after), asked)
        alone, there = nameless(asked), alike(others)
        ways = tuple(product(seen, dict.fromkeys((namespaces_of(cluster, after), *labelled))))
        judged = ((nodes, spaces, _called(pod.spec.node_name, nodes)) for nodes, spaces in ways)
        wrong = [
            (nodes, spaces, node)
            for nodes, spaces, node in judged
            if node and node.metadata.name in breaks(alone, there, nodes, spaces)
        ]
        yield from _out_of_reach(cluster, after, pod)
        if len(wrong) == len(ways):
            nodes, spaces, node = wrong[0]
            problem = Problem((evolve(asked, spec=evolve(asked.spec, node_name="")),), nodes, others, dict(spaces))
            yield from (str(reason) for reason in broken(problem)[node.metadata.name])


def _out_of_reach(cluster: Cluster, view: View, pod: Pod) -> Iterator[str]:
    """Say which volume of a Pod its node does not reach."""
    if not any(True for _ in claims(pod, NO_STORAGE)):
        return
    node = _called(pod.spec.node_name, nodes_of(cluster, view))
    for kind, why, _ in bars(pod, node, storage_of(cluster, view)) if node is not None else ():
        if kind == "volume":
            yield f"{pod.metadata.name} cannot go to {pod.spec.node_name}: {why}"


def storage_of(cluster: Cluster, view: View) -> Cache:
    """Return the claims, volumes and classes of a state."""
    layout = cluster.world.layout
    placed = (view[slot] for kind in STORAGE for slot in layout.pools.get(kind, ()))
    fixed = (constant for ref, constant in layout.constants.items() if ref.kind in STORAGE)
    return Cache.of(stored for stored in (*fixed, *placed) if stored is not None)


def _not_spread(pod: Pod) -> Pod:
    """Return a Pod that does not mind how its like are spread."""
    return evolve(pod, spec=evolve(pod.spec, topology_spread_constraints=()))


def _called(name: str, nodes: tuple[Node, ...]) -> Node | None:
    return next((node for node in nodes if node.metadata.name == name), None)


def _as_perhaps_seen(
    cluster: Cluster, start: Mapping[str, Node], nodes: tuple[Node, ...], pod: Pod
) -> tuple[tuple[Node, ...], ...]:
    """Return the nodes as the scheduler may have seen them, where they change: without cordon, taints, labels.

    Only what they did not have at the start may have been unseen. For a Pod that spreads over untainted nodes only it
    matters which ones had theirs; its own had none.
    """
    if not _change(cluster):
        return (nodes,)
    honours = any(constraint.node_taints_policy == "Honor" for constraint in pod.spec.topology_spread_constraints)
    ways = [
        (bare,) if bare == node or not honours or node.metadata.name == pod.spec.node_name else (bare, node)
        for node in nodes
        for bare in (_as_decided(node, start.get(node.metadata.name)),)
    ]
    return tuple(product(*(_also_as_labelled(found, start) for found in ways)))


def _also_as_labelled(ways: tuple[Node, ...], start: Mapping[str, Node]) -> tuple[Node, ...]:
    """Add to the ways in which a node may have been seen those with the labels that it had at the start."""
    before = (start.get(node.metadata.name, node).metadata.labels for node in ways)
    old = (evolve(node, metadata=evolve(node.metadata, labels=was)) for node, was in zip(ways, before, strict=True))
    return tuple(dict.fromkeys((*ways, *old)))


def _change(cluster: Cluster) -> bool:
    """Tell whether nodes change in this cluster, and a scheduler may act on how they were before."""
    lags = cluster.scenario.consistency is not Consistency.LINEARIZABLE
    return lags and "Node" in cluster.world.layout.pools


def _relabelled(cluster: Cluster) -> bool:
    """Tell whether namespaces change in this cluster, and a scheduler may act on the labels they had before."""
    lags = cluster.scenario.consistency is not Consistency.LINEARIZABLE
    return lags and "Namespace" in cluster.world.layout.pools


def _as_decided(node: Node, start: Node | None) -> Node:
    """Return a node without a cordon and taints that may have come between the decision and the binding."""
    had = start.spec.taints if start is not None else ()
    cordoned = node.spec.unschedulable and start is not None and start.spec.unschedulable
    old = tuple(taint for taint in node.spec.taints if taint in had)
    return evolve(node, spec=evolve(node.spec, unschedulable=cordoned, taints=old))


def waiting(cluster: Cluster, over: Callable[[View], bool]) -> Callable[[View], bool]:
    """Return the test whether the script is over and a Pod waits for a node; where none does, none is left waiting."""
    return partial(_waiting, cluster, over)


def _waiting(cluster: Cluster, over: Callable[[View], bool], view: View) -> bool:
    return over(view) and any(view.via(_waits, slot) for slot in cluster.world.layout.pools["Pod"])


def _left_pending(cluster: Cluster, breaks: Judge, view: View) -> Iterator[str]:
    """Say which Pod waits for a node though one would do; every fair run comes again and again to where none does.

    Not that it stays there: Pods that are thrown out for ever wait again and again, but none of them stays.
    """
    for pod, node in could_run(cluster, breaks, view, lambda _pod, _other: True):
        yield f"{pod.metadata.name} is Pending though it could run on {node}"


def could_run(
    cluster: Cluster, breaks: Judge, view: View, counts: Callable[[Pod, Pod], bool]
) -> Iterator[tuple[Pod, str]]:
    """Yield each waiting Pod with each node that would do if the only Pods there were those that count beside it."""
    slots = cluster.world.layout.pools["Pod"]
    if not any(view.via(_waits, slot) for slot in slots):
        return
    pods = [one for slot in slots if (one := view.via(pod_of, slot)) is not None]
    nodes, spaces = nodes_of(cluster, view), namespaces_of(cluster, view)
    bound = [pod for pod in pods if pod.spec.node_name]
    for pod in pods:
        if _waits(pod) and not pod.spec.scheduling_gates:
            others = alike(other for other in bound if counts(pod, other))
            alone = nameless(pod)
            fits = (node for node in nodes if node.metadata.name not in breaks(alone, others, nodes, spaces))
            yield from ((pod, node.metadata.name) for node in _within_reach(cluster, view, pod, bound, fits))


def _within_reach(cluster: Cluster, view: View, pod: Pod, bound: list[Pod], nodes: Iterable[Node]) -> Iterator[Node]:
    """Yield the nodes that the volumes of a Pod's claims let it go to, while nobody else uses a claim for one alone."""
    if not any(True for _ in claims(pod, NO_STORAGE)):
        yield from nodes
        return
    storage = storage_of(cluster, view)
    if not any(single_user(pod, other, storage) for other in bound):
        yield from (node for node in nodes if not any(True for _ in bars(pod, node, storage)))


def _waits(obj: Object | None) -> bool:
    return isinstance(obj, Pod) and not obj.spec.node_name and not obj.metadata.terminating and not obj.finished


def _node_name(obj: Object | None) -> str:
    return obj.spec.node_name if isinstance(obj, Pod) else ""


def breaking(pod: Pod, others: Others, nodes: tuple[Node, ...], spaces: Spaces) -> frozenset[str]:
    """Name the nodes on which a Pod would break a rule of placement beside others."""
    bound = [
        evolve(
            other, metadata=evolve(other.metadata, name=f"other-{number}-{copy}"), spec=evolve(other.spec, node_name=on)
        )
        for number, ((other, on), count) in enumerate(sorted(others, key=repr))
        for copy in range(count)
    ]
    found = broken(Problem((pod,), nodes, tuple(bound), dict(spaces)))
    return frozenset(name for name, reasons in found.items() if reasons)
