"""Which Pods of an old template are deleted now, and which nodes get a new one beside the old.

Upstream: pkg/controller/daemon/update.go (rollingUpdate, findUpdatedPodsOnNode, updatedDesiredNodeCounts),
pkg/controller/daemon/util/daemonset_util.go (UnavailableCount, SurgeCount) (v1.32, with PR 123233).
The real controller goes through nodes as Go goes through a map: of several candidates any may be first, so which of
them it comes to is left open here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from attrs import frozen

from ...api.apps import DaemonSet
from ...api.core import IntOrString, Pod
from ...api.values.int_or_percent import scaled_value

ROLLING = "RollingUpdate"


@frozen
class Change:
    """The nodes that get a Pod, and the Pods that are deleted; and of some more nodes and Pods any so many."""

    nodes: tuple[str, ...] = ()
    victims: tuple[Pod, ...] = ()
    open_nodes: tuple[str, ...] = ()
    surging: int = 0
    open_victims: tuple[Pod, ...] = ()
    leaving: int = 0


@frozen
class Rollout:
    """What a rollout goes by: which nodes are to have a Pod, what Pods each node has, and what may be said of a Pod."""

    owner: DaemonSet
    wanted: frozenset[str]
    pods: Mapping[str, tuple[Pod, ...]]
    current: Callable[[Pod], bool]
    available: Callable[[Pod], bool]

    @property
    def surge(self) -> int:
        """How many nodes may have two Pods."""
        return max_surge(self.owner, len(self.wanted))

    @property
    def unavailable(self) -> int:
        """How many nodes may be without a Pod that is available; both limits 0 would stop a rollout, so 1."""
        found = max_unavailable(self.owner, len(self.wanted))
        return 1 if self.wanted and not found and not self.surge else found

    def change(self) -> Change:
        """Return the step that the real controller may take now."""
        if self.owner.spec.update_strategy.type != ROLLING:
            return Change()
        return self._surging() if self.surge else self._replacing()

    def _on_nodes(self) -> Iterator[tuple[str, Pod | None, Pod | None, bool]]:
        """Yield of each node with Pods, or that is to have one: the new and the old one; False where it has more."""
        for node in sorted({*self.pods, *self.wanted}):
            there = [pod for pod in self.pods.get(node, ()) if not pod.metadata.terminating]
            new = [pod for pod in there if self.current(pod)]
            old = [pod for pod in there if not self.current(pod)]
            plain = len(new) < 2 and len(old) < 2
            yield node, new[0] if plain and new else None, old[0] if plain and old else None, plain

    def _replacing(self) -> Change:
        """Delete old Pods: those that are unavailable at once, others as far as the limit allows."""
        unavailable, unfit, candidates = 0, list[Pod](), list[Pod]()
        for _, new, old, plain in self._on_nodes():
            if not plain or (old is None) == (new is None):
                unavailable += 1
            elif new is not None:
                unavailable += not self.available(new)
            elif old is not None and not self.available(old):
                unfit.append(old)
                unavailable += 1
            elif old is not None:
                candidates.append(old)
        return Change(victims=tuple(unfit), open_victims=tuple(candidates), leaving=self.unavailable - unavailable)

    def _surging(self) -> Change:
        """Make new Pods beside the old, and delete the old where the new is available or none is wanted any more."""
        surging, available, allowed = 0, 0, list[str]()
        candidates, over, unwanted = list[str](), list[Pod](), list[Pod]()
        for node, new, old, plain in self._on_nodes():
            if not plain:
                surging += 1
                continue
            counted = old or new
            available += counted is not None and self.available(counted)
            if old is None:
                continue
            if new is not None:
                surging += not self.available(new)
                over += [old] if self.available(new) else []
            elif node not in self.wanted:
                (unwanted if self.available(old) else over).append(old)
            else:
                (candidates if self.available(old) else allowed).append(node)
        return Change(
            nodes=tuple(allowed),
            victims=tuple(over),
            open_nodes=tuple(candidates),
            surging=self.surge - surging,
            open_victims=tuple(unwanted),
            leaving=available - len(self.wanted),
        )


def max_surge(owner: DaemonSet, nodes: int) -> int:
    """Return how many of so many nodes may have two Pods in a rollout."""
    rolling = owner.spec.update_strategy.rolling_update
    return _part(owner, None if rolling is None else rolling.max_surge, nodes)


def max_unavailable(owner: DaemonSet, nodes: int) -> int:
    """Return how many of so many nodes may be without a Pod that is available in a rollout."""
    rolling = owner.spec.update_strategy.rolling_update
    return _part(owner, None if rolling is None else rolling.max_unavailable, nodes)


def _part(owner: DaemonSet, value: IntOrString | None, nodes: int) -> int:
    if owner.spec.update_strategy.type != ROLLING or value is None:
        return 0
    return scaled_value(value, nodes, round_up=True)
