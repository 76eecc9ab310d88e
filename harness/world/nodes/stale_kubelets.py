"""A kubelet that restarts and lists from an API server whose watch cache stands still: it starts again what is gone.

What it lists is all it knows: a Pod of its node that the list has and that is gone from the store is admitted and
started as a new one. As soon as the kubelet sees the deletion it kills the Pod, which is the ordinary work on one that
is gone (`kubelets`). Nobody else notices, for its reports are refused. What runs so takes a place of a Pod of its own.
Upstream: pkg/kubelet/config/apiserver.go lists with resourceVersion=0 (v1.32); k/k#59848.
Left out on purpose: Pods with generated names, which nobody makes again under their names, so that one more of them
breaks no claim; that a kubelet kills what runs on its node and is newer than its list, until it hears of it again, and
so whatever happens where the new Pod of a name runs on the node of the old one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ....impl.api.core import Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.runtime import PodRuntime, Stage
from ....model.machine import Action, Outcome, View
from ....model.world.store import Updates, absent
from ....model.world.verbs import Verb
from ....model.world.world import CRASHES, STALLED, too_small
from .kubelets import Kubelets, fault_at, runtime_slot
from .node_state import is_silent


def actions(kubelets: Kubelets) -> tuple[Action, ...]:
    """Return how the kubelet of the node of each Pod that the second API server still has may restart."""
    return tuple(fault_at(place, Verb.RESTARTS_STALE, partial(_restarts, kubelets, place)) for place in kubelets.places)


def _restarts(kubelets: Kubelets, place: str, view: View) -> Iterator[Outcome]:
    if not view[CRASHES] or view[STALLED] is None:
        return
    gone = dict(_gone(kubelets, view))
    if place not in gone:
        return
    node = gone[place].spec.node_name
    mine = [(there, pod) for there, pod in gone.items() if pod.spec.node_name == node]
    if mine[0][0] != place or (node in kubelets.struck and is_silent(view, node)):
        return  # All of a node are started in one step, which is that of the first.
    free = [slot for slot in kubelets.places if view.via(absent, slot) and view[runtime_slot(slot)] is None]
    if len(free) < len(mine):
        yield too_small("Pod")
        return
    updates: Updates = {CRASHES: view[CRASHES] - 1}
    for slot, (_, pod) in zip(free, mine, strict=False):
        updates[runtime_slot(slot)] = PodRuntime(Stage.RUNNING, uid=pod.metadata.uid, node=node)
    names = ", ".join(pod.metadata.name for _, pod in mine)
    yield Outcome(f"{node}: the kubelet restarts, lists from apiserver-2 and starts {names} again", updates)


def _gone(kubelets: Kubelets, view: View) -> Iterator[tuple[str, Pod]]:
    """Yield the Pods with names of their own, by place, that the list has and the store has no more."""
    layout = kubelets.world.layout
    listed = dict(zip(layout.slots(), view[STALLED], strict=True))
    there = {view.via(_uid, slot) for slot in kubelets.places}
    here = {view.via(_named, slot) for slot in kubelets.places}
    running = {view[runtime_slot(slot)].uid for slot in kubelets.places if view[runtime_slot(slot)] is not None}
    for place in kubelets.places:
        pod = listed[place]
        if (
            isinstance(pod, Pod)
            and _is_started(pod)
            and pod.metadata.uid not in there | running
            and _named(pod) not in here
        ):
            yield place, pod


def _is_started(pod: Pod) -> bool:
    """Tell whether a kubelet starts a Pod that it lists, and one of that name may be made again."""
    owner = pod.metadata.controller
    named = owner is not None and owner.kind == "StatefulSet"
    return named and bool(pod.spec.node_name) and not pod.metadata.terminating and not pod.finished


def _uid(obj: Object | None) -> str:
    return "" if obj is None else obj.metadata.uid


def _named(obj: Object | None) -> tuple[Ref, str] | None:
    """Return the name of a Pod, and its node."""
    return (ref_of(obj), obj.spec.node_name) if isinstance(obj, Pod) else None
