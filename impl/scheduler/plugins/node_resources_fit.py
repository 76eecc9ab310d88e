"""NodeResourcesFit: what all Pods of a node ask for fits into it; the emptier node is better (LeastAllocated).

Upstream: pkg/scheduler/framework/plugins/noderesources/{fit,least_allocated,resource_allocation}.go (v1.32, v1.36). The
other ways to rank are in resource_scoring.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import evolve

from ...api.core import Pod
from ...api.releases import Change, Release
from ..amounts import Amounts, allocatable, in_use, presumed, presumed_in_use, requested
from ..framework import MAX_NODE_SCORE, FilterPlugin, NodeInfo, Prepared, Refusal, ScorePlugin, Snapshot

NAME = "NodeResourcesFit"
NATIVE = ("cpu", "memory", "ephemeral-storage")
SCORED = ("cpu", "memory")


def insufficient(wanted: Amounts, info: NodeInfo) -> tuple[str, ...]:
    """Name the resources of which too little is left on a node; none asked for, none lacking."""
    if not any(wanted.values()):
        return ()
    has, used = allocatable(info), in_use(info)
    order = (*NATIVE, *sorted(name for name in wanted if name not in NATIVE))
    return tuple(
        name for name in order if wanted.get(name, 0) > 0 and wanted[name] > has.get(name, 0) - used.get(name, 0)
    )


def pre_filter(_snapshot: Snapshot, pod: Pod) -> Prepared[Amounts]:
    """Work out once what the Pod asks for."""
    return Prepared(requested(pod))


def filter_node(wanted: Amounts, _pod: Pod, info: NodeInfo) -> Refusal | None:
    """Refuse a node that is full, listing everything it lacks; nobody asks whether it ever had so much."""
    crowded = ("Too many pods",) if len(info.pods) + 1 > allocatable(info).get("pods", 0) else ()
    reasons = (*crowded, *(f"Insufficient {name}" for name in insufficient(wanted, info)))
    return Refusal(NAME, reasons) if reasons else None


def filter_unresolvable(wanted: Amounts, pod: Pod, info: NodeInfo) -> Refusal | None:
    """Refuse a node that is full; where it never has so much, no eviction would help."""
    refusal = filter_node(wanted, pod, info)
    if refusal is None:
        return None
    has = allocatable(info)
    return evolve(refusal, resolvable=all(wanted[name] <= has.get(name, 0) for name in insufficient(wanted, info)))


def ignoring(names: frozenset[str], groups: frozenset[str], wanted: Amounts) -> Amounts:
    """Leave out the extended resources that the configuration names, one by one or by their group."""
    kept = {name: wanted[name] for name in wanted if "/" not in name or not _named(name, names, groups)}
    return wanted if len(kept) == len(wanted) else Amounts(kept)


def _named(name: str, names: frozenset[str], groups: frozenset[str]) -> bool:
    return name in names or name.partition("/")[0] in groups


NONE: frozenset[str] = frozenset()


def plugin_with(release: Release, names: frozenset[str] = NONE, groups: frozenset[str] = NONE) -> FilterPlugin[Amounts]:
    """Return a release's plugin, which does not look at the extended resources of these names and groups."""
    way = filter_unresolvable if Change.TOO_LARGE_UNRESOLVABLE in release else filter_node
    return FilterPlugin(
        NAME, partial(_filter_ignoring, way, names, groups) if names or groups else way, pre_filter, alone=True
    )


def _filter_ignoring(
    way: Callable[[Amounts, Pod, NodeInfo], Refusal | None],
    names: frozenset[str],
    groups: frozenset[str],
    wanted: Amounts,
    pod: Pod,
    info: NodeInfo,
) -> Refusal | None:
    return way(ignoring(names, groups, wanted), pod, info)


def pre_score(_snapshot: Snapshot, pod: Pod, _feasible: tuple[NodeInfo, ...]) -> Amounts:
    """Presume a little for containers that ask for nothing."""
    return presumed(pod)


def score(wanted: Amounts, _pod: Pod, info: NodeInfo) -> int:
    """Average the free shares of cpu and memory, in percent."""
    has, used = allocatable(info), presumed_in_use(info)
    shares = [_free(has[name], used.get(name, 0) + wanted.get(name, 0)) for name in SCORED if has.get(name, 0)]
    return sum(shares) // len(shares) if shares else 0


def _free(has: int, used: int) -> int:
    return 0 if used > has else (has - used) * MAX_NODE_SCORE // has


SCORE = ScorePlugin(NAME, 1, pre_score, score, alone=True)
