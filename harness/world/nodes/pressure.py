"""Nodes that run out of memory: their kubelets say so, and end Pods until there is enough (`impl.kubelet.eviction`)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ....impl.api.core import Node, Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.requests import Update
from ....impl.kubelet import eviction
from ....model.machine import Action, Outcome, View
from ....model.world.verbs import Verb
from ...input.scenario import Scenario
from ...input.workloads import pod_annotations
from .kubelets import USER, Kubelets, is_on, runtime_slot
from .node_state import is_silent


def possible(scenario: Scenario) -> bool:
    """Tell whether the programs of any Pod are said to use memory."""
    return any(eviction.USES in annotations for annotations in pod_annotations(scenario.everything))


def actions(works: Kubelets) -> tuple[Action, ...]:
    """Return what kubelets do about memory, node by node."""
    found = []
    for place in works.world.layout.pools.get("Node", ()):
        name = f"kubelet of node {place.rpartition('/')[2]}"
        evicts, says = partial(_evicts, works, place), partial(_says, works, place)
        found.append(Action(f"{name}: evicts", f"{name} evicts", evicts, by=USER, verb=Verb.WORKS, on=place))
        found.append(Action(f"{name}: says how it is", f"{name} says", says, by=USER, verb=Verb.REPORTS, on=place))
    return tuple(found)


def _evicts(works: Kubelets, place: str, view: View) -> Iterator[Outcome]:
    node = _node(works, place, view)
    if node is None:
        return
    running = _running(works, node, view)
    if not eviction.short(node, running.values()):
        return
    going = {pod.metadata.uid for pod in eviction.victims(running.values())}
    for slot, (pod, runtime) in running.items():
        if pod.metadata.uid in going:
            label = f"{node.metadata.name} runs out of memory: ends {pod.metadata.name}"
            yield Outcome(label, {runtime_slot(slot): eviction.evicted(runtime)})


def _says(works: Kubelets, place: str, view: View) -> Iterator[Outcome]:
    node = _node(works, place, view)
    if node is None:
        return
    pressure = eviction.short(node, _running(works, node, view).values())
    if pressure == eviction.says_so(node):
        return
    response, updates = works.world.commit(
        view, ref_of(node), Update(eviction.reported(node, pressure=pressure), node, "status")
    )
    if response.ok:
        told = "is short of memory" if pressure else "has memory enough"
        yield Outcome(f"{node.metadata.name} says that it {told}", updates)


def _node(works: Kubelets, place: str, view: View) -> Node | None:
    node = view[place]
    if not isinstance(node, Node) or (node.metadata.name in works.struck and is_silent(view, node.metadata.name)):
        return None
    return node


def _running(works: Kubelets, node: Node, view: View) -> dict[str, eviction.Running]:
    """Return the Pods of a node with what runs of them, by place."""
    keep = partial(_here, node.metadata.name)
    found = ((place, view.via(keep, place), view[runtime_slot(place)]) for place in works.places)
    return {place: (pod, runtime) for place, pod, runtime in found if pod is not None and runtime is not None}


def _here(node: str, obj: Object | None) -> Pod | None:
    return obj if isinstance(obj, Pod) and is_on(node, obj) else None
