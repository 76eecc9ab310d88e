"""The switches of an API server: its flags, as a frozen value.

Upstream: cmd/kube-apiserver/app/options (v1.32).
Left out on purpose: audit, priority and fairness, storage encryption, feature gates.
"""

from __future__ import annotations

from attrs import frozen

from ..api.meta import Ref
from ..api.releases import OLDEST, Release
from ..api.webhooks import Webhook


@frozen
class Config:
    """What is switched on, and the ranges addresses and ports are taken from."""

    release: Release = OLDEST
    """Which rules of validation later releases have lifted."""
    authorize: bool = True
    """--authorization-mode=Node,RBAC; False allows everything."""
    node_restriction: bool = True
    """A kubelet changes only its own node, its own lease and the Pods bound to it."""
    namespace_lifecycle: bool = True
    """Nothing is created in a namespace that does not exist or is being deleted."""
    default_toleration_seconds: int | None = 300
    """How long a Pod tolerates a node that is not ready or unreachable unless it says so; None leaves it alone."""
    priority: bool = True
    """Resolve priorityClassName."""
    storage: bool = True
    """Claims without a class get the default one; volumes and claims in use are kept."""
    service_account: bool = True
    """Pods without a service account get `default`."""
    accounts: bool = False
    """A Pod whose service account is not in the storage is refused; one that is there gives it its token."""
    absent: frozenset[Ref] = frozenset()
    """Service accounts and runtime classes that do not exist: a Pod that names one is refused. Others are not asked."""
    runtime_classes: bool = False
    """A Pod that names a runtime class which is not in the storage is refused."""
    taint_new_nodes: bool = True
    """A new node is tainted not-ready until the node controller has seen it work."""
    service_cluster_ip_range: str = "10.96.0.0/12"
    service_node_port_range: tuple[int, int] = (30000, 32767)
    webhooks: tuple[Webhook, ...] = ()
    """Those that must be asked; where nobody serves one, what it would be asked about is refused."""
    dry_run: bool = False
    """Nothing will be stored: whether somebody has an address is not asked (core/service/ipallocator, v1.32)."""
    kept_free: frozenset[str | int] = frozenset()
    """Addresses and ports that no Service gets which does not ask for one: somebody else will ask for them.

    Upstream chooses at random, and first from the part of the range that is not for numbers that are asked for
    (KEP-3070, KEP-3668).
    """


DEFAULT = Config()
"""As kubeadm sets a cluster up."""
