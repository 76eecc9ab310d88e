"""Claim: every filter of the scheduler refuses exactly the nodes that the placement specification refuses.

The two are separate wordings: the filters follow kube-scheduler's source, the rules its documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ...impl.api.cache import Cache
from ...impl.api.core import Pod
from ...impl.scheduler.framework import FilterPlugin, NodeInfo, Refusal, Snapshot
from ...impl.scheduler.profile import DEFAULT
from .placement import broken
from .problem import Problem

KINDS: immutabledict[str, frozenset[str]] = immutabledict(
    {
        "NodeUnschedulable": frozenset({"cordon"}),
        "NodeName": frozenset({"node name"}),
        "TaintToleration": frozenset({"taint"}),
        "NodeAffinity": frozenset({"node affinity"}),
        "NodePorts": frozenset({"ports"}),
        "NodeResourcesFit": frozenset({"room"}),
        "PodTopologySpread": frozenset({"spread"}),
        "InterPodAffinity": frozenset({"affinity", "anti-affinity"}),
    }
)
"""Which kinds of rules each filter stands for; the filters of volumes have no second wording."""


def refuses(plugin: FilterPlugin[Any], snapshot: Snapshot, pod: Pod, info: NodeInfo) -> bool:
    """Ask one filter alone."""
    prepared = plugin.pre_filter(snapshot, pod)
    if prepared is None or isinstance(prepared, Refusal):
        return prepared is not None
    if prepared.only is not None and info.name not in prepared.only:
        return True
    return plugin.filter(prepared.state, pod, info) is not None


def disagreements(problem: Problem, cache: Cache) -> Iterator[str]:
    """Every filter refuses exactly what the specification refuses."""
    snapshot = Snapshot.of(cache)
    for pod in problem.pods:
        specified_by_node = broken(evolve(problem, pods=(pod,)))
        for info in snapshot.nodes:
            specified = {reason.kind for reason in specified_by_node[info.name]}
            for plugin in (filter_ for filter_ in DEFAULT.filters if filter_.name in KINDS):
                ours = refuses(plugin, snapshot, pod, info)
                if ours != bool(specified & KINDS[plugin.name]):
                    verb = "refuses" if ours else "accepts"
                    yield f"{plugin.name} {verb} {info.name}; broken rules: {', '.join(sorted(specified)) or 'none'}"
