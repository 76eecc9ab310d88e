"""Runs a profile's filters: which nodes remain, and the refusal of each of the others.

Upstream: findNodesThatFitPod in pkg/scheduler/schedule_one.go, RunPreFilterPlugins in framework/runtime (v1.32).
Left out on purpose: looking at several nodes at once, by which upstream may find a few more nodes than enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile, zip_longest
from typing import Any

from attrs import evolve, frozen

from ..api.core import Pod
from ..api.kinds import ref_of
from ..api.well_known import REGION, ZONE
from .framework import FilterPlugin, NodeInfo, Prepared, Refusal, Snapshot
from .plugins.priority_sort import priority
from .profile import Profile

LEAST = 100
"""So many feasible nodes are always looked for."""
ALL = 100

Filters = tuple[tuple[FilterPlugin[Any], Any], ...]


@frozen
class Found:
    """The feasible nodes, and why the others that were looked at are refused."""

    feasible: tuple[NodeInfo, ...]
    refusals: Mapping[str, Refusal]


@frozen
class Ready:
    """The filters that apply to a Pod with what they prepared; nodes outside `only` are refused by `absent`."""

    filters: Filters
    only: frozenset[str] | None = None
    narrowed_by: tuple[str, ...] = ()

    @property
    def absent(self) -> Refusal:
        """What is said of a node that was ruled out before it was looked at; no plugin is named for it."""
        return Refusal("", (f"node(s) didn't satisfy plugin(s) [{' '.join(self.narrowed_by)}]",), resolvable=False)


def prepare(snapshot: Snapshot, pod: Pod, profile: Profile) -> Ready | Refusal:
    """Let every filter look at the whole cluster once; a Refusal is one of all nodes."""
    filters: list[tuple[FilterPlugin[Any], Any]] = []
    only: frozenset[str] | None = None
    narrowed_by: list[str] = []
    for plugin in profile.filters:
        prepared = plugin.pre_filter(snapshot, pod)
        if isinstance(prepared, Refusal):
            return prepared
        if prepared is None:
            continue
        filters.append((plugin, prepared.state))
        if prepared.only is not None:
            only = prepared.only if only is None else only & prepared.only
            narrowed_by.append(plugin.name)
    return Ready(tuple(filters), only, tuple(narrowed_by))


def enough(nodes: int, percentage: int) -> int:
    """Return how many feasible nodes are enough: all up to a hundred, then half of them and less the more there are."""
    if nodes < LEAST or percentage >= ALL:
        return nodes
    share = percentage or max(50 - nodes // 125, 5)
    return max(nodes * share // 100, LEAST)


def in_turn(nodes: tuple[NodeInfo, ...], start: int) -> tuple[NodeInfo, ...]:
    """Order nodes as they are looked at: one of each zone in turn, beginning where the last Pod's search ended."""
    zones: dict[tuple[str, str], list[NodeInfo]] = {}
    for info in nodes:
        if ZONE not in info.known:
            info.known[ZONE] = info.labels.get(REGION, ""), info.labels.get(ZONE, "")
        zones.setdefault(info.known[ZONE], []).append(info)
    mixed = [info for row in zip_longest(*zones.values()) for info in row if info is not None]
    first = start % len(mixed)
    return (*mixed[first:], *mixed[:first])


def find(snapshot: Snapshot, pod: Pod, ready: Ready, question: int, wanted: int, start: int) -> Found:
    """Ask about one node after the other until enough are feasible."""
    refusals: dict[str, Refusal] = {}
    feasible: list[NodeInfo] = []
    nodes = snapshot.nodes if wanted >= len(snapshot.nodes) else in_turn(snapshot.nodes, start)
    alone = tuple(takewhile(lambda one: one[0].alone, ready.filters))
    rest = evolve(ready, filters=ready.filters[len(alone) :])
    for info in nodes:
        if len(feasible) >= wanted:
            break
        if snapshot.nominated or ready.only is not None:
            answer = refusal_with_nominated(snapshot, ready, pod, info)
        else:
            answer = _known(info, question, pod, alone)
            if answer is None and rest.filters:
                answer = refusal(rest, pod, info)
        if answer is None:
            feasible.append(info)
        else:
            refusals[info.name] = answer
    return Found(tuple(feasible), refusals)


def _known(info: NodeInfo, question: int, pod: Pod, alone: Filters) -> Refusal | None:
    """Ask the filters that look at nothing but the node, once; they are the first of the profile."""
    key = ("filter", question)
    if key not in info.known:
        answers = (plugin.filter(state, pod, info) for plugin, state in alone)
        info.known[key] = next((answer for answer in answers if answer is not None), None)
    found: Refusal | None = info.known[key]
    return found


def refusal(ready: Ready, pod: Pod, info: NodeInfo) -> Refusal | None:
    """Return the first refusal of a node, None if the Pod may go there."""
    if ready.only is not None and info.name not in ready.only:
        return ready.absent
    answers = (plugin.filter(state, pod, info) for plugin, state in ready.filters)
    return next((answer for answer in answers if answer is not None), None)


def prepare_again(ready: Ready, snapshot: Snapshot, pod: Pod) -> Ready:
    """Let the filters that look at Pods look again, now that a node has other Pods; those skipped stay skipped."""
    filters: list[tuple[FilterPlugin[Any], Any]] = []
    for plugin, state in ready.filters:
        again = plugin.pre_filter(snapshot, pod) if plugin.sees_pods else Prepared(state)
        if isinstance(again, Prepared):
            filters.append((plugin, again.state))
    return evolve(ready, filters=tuple(filters))


def refusal_with_nominated(snapshot: Snapshot, ready: Ready, pod: Pod, info: NodeInfo) -> Refusal | None:
    """Ask twice where preemption made room for others: as if these were there already, and as if they never came."""
    if expected := _nominated(snapshot, pod, info):
        fuller = evolve(info, pods=(*info.pods, *expected))
        answer = refusal(prepare_again(ready, snapshot.with_node(fuller), pod), pod, fuller)
        if answer is not None:
            return answer
    return refusal(ready, pod, info)


def _nominated(snapshot: Snapshot, pod: Pod, info: NodeInfo) -> tuple[Pod, ...]:
    """Return the waiting Pods of at least this priority that were promised the node."""
    return tuple(
        other
        for other in snapshot.nominated.get(info.name, ())
        if priority(other) >= priority(pod) and ref_of(other) != ref_of(pod)
    )
