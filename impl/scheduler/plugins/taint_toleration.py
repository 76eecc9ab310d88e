"""TaintToleration: a Pod goes only where it tolerates every NoSchedule and NoExecute taint; others count against it.

Upstream: pkg/scheduler/framework/plugins/tainttoleration/taint_toleration.go and
staging/src/k8s.io/api/core/v1/toleration.go (v1.32, v1.36).
"""

from __future__ import annotations

from collections.abc import Iterable

from ...api.core import Node, Pod, Taint, Toleration
from ...api.releases import Change, Release
from ..framework import FilterPlugin, NodeInfo, Raw, Refusal, ScorePlugin, Snapshot, default_normalize_score

NAME = "TaintToleration"
REPELLING = ("NoSchedule", "NoExecute")


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Tell whether one toleration covers a taint; an empty effect or key covers any."""
    if toleration.effect not in {"", taint.effect} or toleration.key not in {"", taint.key}:
        return False
    if toleration.operator in {"", "Equal"}:
        return toleration.value == taint.value
    return toleration.operator == "Exists"


def tolerated(taint: Taint, tolerations: Iterable[Toleration]) -> bool:
    """Tell whether any of the tolerations covers a taint."""
    return any(tolerates(toleration, taint) for toleration in tolerations)


def repelled_by(pod: Pod, node: Node) -> Taint | None:
    """Return the first taint that keeps a Pod off a node, None if it may come."""
    taints = (taint for taint in node.spec.taints if taint.effect in REPELLING)
    return next((taint for taint in taints if not tolerated(taint, pod.spec.tolerations)), None)


def filter_node(_state: None, pod: Pod, info: NodeInfo) -> Refusal | None:
    """Refuse a node with a taint the Pod does not tolerate, naming the first one."""
    taint = repelled_by(pod, info.node)
    if taint is None:
        return None
    return Refusal(NAME, (f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}",), resolvable=False)


UNTOLERATED = Refusal(NAME, ("node(s) had untolerated taint(s)",), resolvable=False)


def filter_unnamed(_state: None, pod: Pod, info: NodeInfo) -> Refusal | None:
    """Refuse a node with a taint the Pod does not tolerate, in words that are the same for all taints."""
    return None if repelled_by(pod, info.node) is None else UNTOLERATED


def pre_score(_snapshot: Snapshot, pod: Pod, _feasible: tuple[NodeInfo, ...]) -> tuple[Toleration, ...]:
    """Keep the tolerations that can cover a PreferNoSchedule taint."""
    return tuple(toleration for toleration in pod.spec.tolerations if toleration.effect in {"", "PreferNoSchedule"})


def score(tolerations: tuple[Toleration, ...], _pod: Pod, info: NodeInfo) -> int:
    """Count the PreferNoSchedule taints that are not tolerated."""
    return sum(
        taint.effect == "PreferNoSchedule" and not tolerated(taint, tolerations) for taint in info.node.spec.taints
    )


def normalize(_state: tuple[Toleration, ...], raw: Raw) -> Raw:
    """Make the node with most such taints the worst."""
    return default_normalize_score(raw, reverse=True)


def plugin(release: Release) -> FilterPlugin[None]:
    """Return a release's plugin: one that names the taint, or one that does not."""
    return FilterPlugin.simple(NAME, filter_unnamed if Change.TAINTS_UNNAMED in release else filter_node)


SCORE = ScorePlugin(NAME, 3, pre_score, score, normalize, alone=True)
