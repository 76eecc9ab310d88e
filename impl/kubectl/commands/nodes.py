"""Commands about nodes: cordon, drain, taint, label, and those that add and delete one.

Upstream: staging/src/k8s.io/kubectl/pkg/cmd (v1.32). Patches are written out on the live object: an `Update` whose
base is the object as the command read it. Left out on purpose: the GET requests in between and `--wait`.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen
from immutabledict import immutabledict

from ...api import core
from ...api.cache import Cache
from ...api.core import Node
from ...api.meta import Ref
from ...api.requests import Create
from .. import nodes
from ..found import Missing, find_node
from .command import Asked, Command, delete


@frozen
class Cordon(Command):
    """`kubectl cordon`."""

    node: str

    def requests(self, cache: Cache, _namespace: str) -> Asked:
        """Patch the node."""
        return nodes.set_unschedulable(self.node, cache, unschedulable=True)

    def __str__(self) -> str:
        return f"cordon {self.node}"


@frozen
class Uncordon(Command):
    """`kubectl uncordon`."""

    node: str

    def requests(self, cache: Cache, _namespace: str) -> Asked:
        """Patch the node."""
        return nodes.set_unschedulable(self.node, cache, unschedulable=False)

    def __str__(self) -> str:
        return f"uncordon {self.node}"


@frozen
class Drain(Command):
    """`kubectl drain`: cordon, list once (`drain_targets`), evict what is listed, wait until it is gone."""

    node: str
    force: bool = False
    """Pods that no controller owns go, too."""
    ignore_daemonsets: bool = False
    """Pods of DaemonSets stay; without it one of them is an error."""
    delete_emptydir_data: bool = False
    """Pods that use an emptyDir go, too."""
    pod_selector: str = ""
    """Only Pods with these labels are looked at."""

    def requests(self, cache: Cache, _namespace: str) -> Asked:
        """Cordon and evict: one round of it."""
        found = find_node(self.node, cache)
        return found if isinstance(found, Missing) else nodes.drain_requests(self, cache)

    def __str__(self) -> str:
        return f"drain {self.node}{f' --pod-selector={self.pod_selector}' if self.pod_selector else ''}"


@frozen
class Taint(Command):
    """`kubectl taint node key=value:effect`; without `--overwrite` one of that key and effect is an error."""

    node: str
    key: str
    value: str
    effect: str
    overwrite: bool = False

    def requests(self, cache: Cache, _namespace: str) -> Asked:
        """Patch the node."""
        taint = core.Taint(self.key, self.effect, self.value)
        return nodes.set_taint(self.node, taint, cache, overwrite=self.overwrite)

    def __str__(self) -> str:
        return f"taint node {self.node} {self.key}={self.value}:{self.effect}{_forced(self.overwrite)}"


@frozen
class Untaint(Command):
    """`kubectl taint node key-`, or `key:effect-` when an effect is given."""

    node: str
    key: str
    effect: str = ""

    def requests(self, cache: Cache, _namespace: str) -> Asked:
        """Patch the node."""
        return nodes.remove_taint(self.node, self.key, self.effect, cache)

    def __str__(self) -> str:
        return f"taint node {self.node} {self.key}-"


def _frozen_labels(labels: Mapping[str, str | None]) -> immutabledict[str, str | None]:
    return immutabledict(sorted(labels.items()))


@frozen
class LabelNode(Command):
    """`kubectl label node`; None removes a label; without `--overwrite` another value is an error."""

    node: str
    labels: Mapping[str, str | None] = field(converter=_frozen_labels)
    overwrite: bool = False

    def requests(self, cache: Cache, _namespace: str) -> Asked:
        """Patch the node."""
        return nodes.set_labels(self.node, self.labels, cache, overwrite=self.overwrite)

    def __str__(self) -> str:
        return f"label node {self.node}{_forced(self.overwrite)}"


@frozen
class AddNode(Command):
    """A node joins: its kubelet registers it, with its status."""

    object: Node

    def requests(self, _cache: Cache, _namespace: str) -> Asked:
        """Create the node."""
        return (Create(self.object),)

    def __str__(self) -> str:
        return f"node {self.object.metadata.name} joins"


@frozen
class DeleteNode(Command):
    """`kubectl delete node`: the object goes; its Pods are left to the garbage collector."""

    name: str

    def requests(self, cache: Cache, _namespace: str) -> Asked:
        """Delete the node."""
        return delete(Ref("Node", "", self.name), cache)

    def __str__(self) -> str:
        return f"delete node {self.name}"


def _forced(overwrite: bool) -> str:  # noqa: FBT001 - a field as it is
    return " --overwrite" if overwrite else ""
