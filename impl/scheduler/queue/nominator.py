"""The nominator: which waiting Pods were promised which node, in the scheduler's memory.

Upstream: pkg/scheduler/backend/queue/nominator.go (v1.32). What is in memory comes before what a Pod's status says,
since the write of `status.nominatedNodeName` is seen only later.
"""

from __future__ import annotations

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...api.core import Pod
from ...api.kinds import ref_of
from ...api.meta import Ref


@frozen
class Nominator:
    """The node promised to each Pod, by the Pod's reference."""

    nodes: immutabledict[Ref, str] = immutabledict()

    def node_of(self, pod: Pod) -> str:
        """Return the node promised to a Pod, "" if none is."""
        return self.nodes.get(ref_of(pod), "")

    def promised(self, node: str) -> tuple[Ref, ...]:
        """Name the Pods that a node is promised to, sorted."""
        return tuple(sorted(ref for ref, name in self.nodes.items() if name == node))

    def add(self, pod: Pod, node: str | None, known: Pod | None) -> Nominator:
        """Promise a node to a Pod, instead of any other; None is the node that its status names.

        `known` is the Pod as the informer has it: to one that is gone or has a node, nothing is promised.
        """
        cleared = self.delete(pod)
        name = pod.status.nominated_node_name if node is None else node
        if not name or known is None or known.spec.node_name:
            return cleared
        return evolve(cleared, nodes=cleared.nodes.set(ref_of(pod), name))

    def update(self, old: Pod | None, new: Pod, known: Pod | None) -> Nominator:
        """Take in a changed Pod; what is in memory survives an update that knows nothing of a nomination yet."""
        silent = not new.status.nominated_node_name and not (old and old.status.nominated_node_name)
        return self.add(new, self.node_of(old or new) if silent else None, known)

    def delete(self, pod: Pod) -> Nominator:
        """Promise nothing any more."""
        return evolve(self, nodes=self.nodes.delete(ref_of(pod))) if ref_of(pod) in self.nodes else self
