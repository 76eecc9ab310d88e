"""cordon, uncordon, drain, taint, untaint, label: commands on a node.

Upstream: staging/src/k8s.io/kubectl/pkg/{cmd/taint,cmd/label,drain} (v1.32).
As `drain --ignore-daemonsets --delete-emptydir-data --force` and as `taint` and `label` with `--overwrite`.
Left out on purpose: `--disable-eviction`, `--pod-selector`, timeouts (whoever runs a script gives up when it likes).
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from ..api.cache import Cache
from ..api.core import Node, Pod, Taint
from ..api.frozen import strings
from ..api.kinds import ref_of
from ..api.requests import Evict, Request, Update
from .found import Missing, find_node

MIRROR = "kubernetes.io/config.mirror"


def set_unschedulable(name: str, cache: Cache, *, unschedulable: bool) -> tuple[Request, ...] | Missing:
    """Cordon or uncordon; a node that is so already is left alone."""
    node = find_node(name, cache)
    if isinstance(node, Missing):
        return node
    if node.spec.unschedulable == unschedulable:
        return ()
    return (Update(evolve(node, spec=evolve(node.spec, unschedulable=unschedulable)), node),)


def set_taint(name: str, taint: Taint, cache: Cache) -> tuple[Request, ...] | Missing:
    """Put a taint on a node; one of the same key and effect is replaced."""
    node = find_node(name, cache)
    if isinstance(node, Missing):
        return node
    others = tuple(one for one in node.spec.taints if (one.key, one.effect) != (taint.key, taint.effect))
    return _with_taints(node, (*others, taint))


def remove_taint(name: str, key: str, effect: str, cache: Cache) -> tuple[Request, ...] | Missing:
    """Take the taints of a key (and, unless it is "", an effect) off a node."""
    node = find_node(name, cache)
    if isinstance(node, Missing):
        return node
    others = tuple(one for one in node.spec.taints if one.key != key or effect not in {"", one.effect})
    if len(others) == len(node.spec.taints):
        return Missing(f"taint {key}{':' if effect else ''}{effect} on Node {name}")
    return _with_taints(node, others)


def _with_taints(node: Node, taints: tuple[Taint, ...]) -> tuple[Request, ...]:
    after = evolve(node, spec=evolve(node.spec, taints=taints))
    return () if after == node else (Update(after, node),)


def set_labels(name: str, labels: Mapping[str, str | None], cache: Cache) -> tuple[Request, ...] | Missing:
    """Set labels of a node; None removes one."""
    node = find_node(name, cache)
    if isinstance(node, Missing):
        return node
    merged = {**node.metadata.labels, **labels}
    kept = strings({key: value for key, value in merged.items() if value is not None})
    after = evolve(node, metadata=evolve(node.metadata, labels=kept))
    return () if after == node else (Update(after, node),)


def drain_requests(node: str, cache: Cache) -> tuple[Request, ...]:
    """Give the next round of a drain: cordon, then ask for the eviction of each Pod that has yet to go.

    A Pod that is being deleted is only waited for. Evictions a budget refuses are asked for again in the next round.
    """
    cordon = set_unschedulable(node, cache, unschedulable=True)
    if isinstance(cordon, Missing):
        return ()
    targets = (pod for pod in _to_go(node, cache) if not pod.metadata.terminating)
    return (*cordon, *(Evict(ref_of(pod)) for pod in targets))


def drained(node: str, cache: Cache) -> bool:
    """Tell whether a drain of the node is over: cordoned, and no Pod left that had to go (a node that is gone is)."""
    found = find_node(node, cache)
    return isinstance(found, Missing) or (found.spec.unschedulable and not _to_go(node, cache))


def _to_go(node: str, cache: Cache) -> tuple[Pod, ...]:
    """Give the Pods of a node that a drain removes: all but mirror Pods and the unfinished Pods of DaemonSets."""
    return tuple(pod for pod in cache.list(Pod) if pod.spec.node_name == node and not _stays(pod))


def _stays(pod: Pod) -> bool:
    owner = pod.metadata.controller
    of_daemon_set = owner is not None and owner.kind == "DaemonSet"
    return MIRROR in pod.metadata.annotations or (of_daemon_set and not pod.finished)
