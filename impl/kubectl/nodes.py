"""cordon, uncordon, drain, taint, untaint, label: commands on a node.

Upstream: staging/src/k8s.io/kubectl/pkg/{cmd/taint,cmd/label,drain} (v1.32).
Left out on purpose: `--disable-eviction`, `--pod-selector`, timeouts (whoever runs a script gives up when it likes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from attrs import evolve

from ..api.cache import Cache
from ..api.core import Node, Pod, Taint
from ..api.kinds import ref_of
from ..api.requests import Evict, Request, Update
from ..api.values.frozen import strings
from ..api.values.selector_text import parse_label_selector
from ..api.well_known import MIRROR
from .found import Kept, Missing, find_node


def set_unschedulable(name: str, cache: Cache, *, unschedulable: bool) -> tuple[Request, ...] | Missing:
    """Cordon or uncordon; a node that is so already is left alone."""
    node = find_node(name, cache)
    if isinstance(node, Missing):
        return node
    if node.spec.unschedulable == unschedulable:
        return ()
    return (Update(evolve(node, spec=evolve(node.spec, unschedulable=unschedulable)), node),)


def set_taint(name: str, taint: Taint, cache: Cache, *, overwrite: bool) -> tuple[Request, ...] | Missing:
    """Put a taint on a node; one of the same key and effect, whatever its value, is replaced only by `overwrite`.

    Upstream: pkg/cmd/taint/utils.go (checkIfTaintsAlreadyExists).
    """
    node = find_node(name, cache)
    if isinstance(node, Missing):
        return node
    if not overwrite and any((other.key, other.effect) == (taint.key, taint.effect) for other in node.spec.taints):
        return Kept(f"node {name} already has {taint.key} taint(s) with same effect(s) and --overwrite is false")
    others = tuple(other for other in node.spec.taints if (other.key, other.effect) != (taint.key, taint.effect))
    return _with_taints(node, (*others, taint))


def remove_taint(name: str, key: str, effect: str, cache: Cache) -> tuple[Request, ...] | Missing:
    """Take the taints of a key (and, unless it is "", an effect) off a node."""
    node = find_node(name, cache)
    if isinstance(node, Missing):
        return node
    others = tuple(taint for taint in node.spec.taints if taint.key != key or effect not in {"", taint.effect})
    if len(others) == len(node.spec.taints):
        return Missing(f"taint {key}{':' if effect else ''}{effect} on Node {name}")
    return _with_taints(node, others)


def _with_taints(node: Node, taints: tuple[Taint, ...]) -> tuple[Request, ...]:
    after = evolve(node, spec=evolve(node.spec, taints=taints))
    return () if after == node else (Update(after, node),)


def set_labels(
    name: str, labels: Mapping[str, str | None], cache: Cache, *, overwrite: bool
) -> tuple[Request, ...] | Missing:
    """Set labels of a node; None removes one; one that has another value is replaced only by `overwrite`.

    Upstream: pkg/cmd/label/label.go (validateNoOverwrites).
    """
    node = find_node(name, cache)
    if isinstance(node, Missing):
        return node
    had = node.metadata.labels
    kept_ones = sorted(key for key, value in labels.items() if value is not None and had.get(key, value) != value)
    if kept_ones and not overwrite:
        told = [f"'{key}' already has a value ({had[key]}), and --overwrite is false" for key in kept_ones]
        return Kept(told[0] if len(told) == 1 else f"[{', '.join(told)}]")
    merged = {**node.metadata.labels, **labels}
    kept = strings({key: value for key, value in merged.items() if value is not None})
    after = evolve(node, metadata=evolve(node.metadata, labels=kept))
    return () if after == node else (Update(after, node),)


class Draining(Protocol):
    """What a drain is told: the node, and which Pods may go or stay that would otherwise be errors."""

    @property
    def node(self) -> str:
        """The node."""

    @property
    def force(self) -> bool:
        """Whether Pods without a controller may go."""

    @property
    def ignore_daemonsets(self) -> bool:
        """Whether Pods of DaemonSets may stay."""

    @property
    def delete_emptydir_data(self) -> bool:
        """Whether Pods with an emptyDir may go."""

    @property
    def pod_selector(self) -> str:
        """Which Pods are looked at, by their labels; "": all."""


def drain_requests(drain: Draining, cache: Cache) -> tuple[Request, ...]:
    """Return what a drain asks for at first: the cordon, then the eviction of each Pod that it lists.

    A Pod that is being deleted is only waited for. Where a Pod is an error nothing is evicted, and the node is
    cordoned all the same.
    """
    cordon = set_unschedulable(drain.node, cache, unschedulable=True)
    if isinstance(cordon, Missing):
        return ()
    targets = () if drain_errors(drain, cache) else drain_targets(drain, cache)
    return (*cordon, *(Evict(ref_of(pod)) for pod in targets if not pod.metadata.terminating))


def drain_targets(drain: Draining, cache: Cache) -> tuple[Pod, ...]:
    """List the Pods of a node that a drain removes: all but mirror Pods and the unfinished Pods of DaemonSets.

    Upstream: pkg/drain/filters.go. kubectl lists them once, after the cordon: who comes later is not looked at.
    """
    return tuple(pod for pod in _looked_at(drain, cache) if not _stays(pod))


def drain_errors(drain: Draining, cache: Cache) -> Mapping[str, tuple[Pod, ...]]:
    """Say in kubectl's words why a drain evicts nothing, and because of which Pods; nothing where it goes ahead."""
    here = [pod for pod in _looked_at(drain, cache) if MIRROR not in pod.metadata.annotations]
    found = (
        (drain.ignore_daemonsets, DAEMON_SET, tuple(pod for pod in here if _stays(pod))),
        (drain.delete_emptydir_data, LOCAL, tuple(pod for pod in here if _keeps_data(pod))),
        (drain.force, UNMANAGED, tuple(pod for pod in here if _is_unmanaged(pod))),
    )
    return {what: pods for allowed, what, pods in found if pods and not allowed}


def _looked_at(drain: Draining, cache: Cache) -> Iterator[Pod]:
    """Yield the Pods of a node that a drain looks at (GetPodsForDeletion in pkg/drain/drain.go)."""
    selector = parse_label_selector(drain.pod_selector)
    here = (pod for pod in cache.list(Pod) if pod.spec.node_name == drain.node)
    yield from (pod for pod in here if selector.matches(pod.metadata.labels))


DAEMON_SET = "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)"
LOCAL = "cannot delete Pods with local storage (use --delete-emptydir-data to override)"
UNMANAGED = "cannot delete Pods that declare no controller (use --force to override)"


def _stays(pod: Pod) -> bool:
    owner = pod.metadata.controller
    of_daemon_set = owner is not None and owner.kind == "DaemonSet"
    return MIRROR in pod.metadata.annotations or (of_daemon_set and not pod.finished)


def _is_unmanaged(pod: Pod) -> bool:
    return pod.metadata.controller is None and not pod.finished


def _keeps_data(pod: Pod) -> bool:
    """Tell whether a Pod that a drain would evict uses an emptyDir."""
    if pod.finished or _stays(pod):
        return False
    return any("emptyDir" in volume for volume in pod.spec.extra.get("volumes") or ())
