"""NodeRestriction: a kubelet changes only what is its own: its Node, its Lease, the Pods bound to it.

Upstream: plugin/pkg/admission/noderestriction/admission.go (v1.32).
Left out on purpose: labels and taints a kubelet may set on its Node, service account tokens, CSI.
"""

from __future__ import annotations

from ...api.core import Pod
from ...api.kinds import Object
from ...api.meta import Ref
from ...api.requests import AnyRequest, Create, Delete, Evict, Patch, PatchStatus, Response, Update
from ...api.well_known import MIRROR
from ..status import forbidden
from ..storage import Storage
from .authentication import NODES, User

LEASE_NAMESPACE = "kube-node-lease"
ONLY_OWN_PODS = "can only delete, evict or update status for pods with spec.nodeName set to itself"


def restricted(storage: Storage, request: AnyRequest, user: User, ref: Ref) -> Response | None:
    """Refuse (403) what is not the kubelet's own; None when it is, and for everyone who is no kubelet."""
    if NODES not in user.groups or not user.name.startswith("system:node:"):
        return None
    node = user.name.removeprefix("system:node:")
    refusal = _refusal(storage, request, node, ref)
    return forbidden(ref, refusal) if refusal else None


def _refusal(storage: Storage, request: AnyRequest, node: str, ref: Ref) -> str:
    match ref.kind:
        case "Node" if ref.name != node:
            return f'node "{node}" is not allowed to modify node "{ref.name}"'
        case "Lease" if ref.namespace != LEASE_NAMESPACE:
            return f'can only access leases in the "{LEASE_NAMESPACE}" system namespace'
        case "Lease" if ref.name != node:
            return f'can only access node lease with the same name as the requesting node: "{node}"'
        case "Pod":
            return _pod_refusal(storage, request, node, ref)
        case _:
            return ""


def _pod_refusal(storage: Storage, request: AnyRequest, node: str, ref: Ref) -> str:
    match request:
        case Create(Pod() as pod):
            return _mirror_refusal(pod, node)
        case Delete() | Evict() | Patch() | PatchStatus() | Update():
            return _other_nodes_pod(storage.get(ref), node)
        case _:
            return ""


def _mirror_refusal(pod: Pod, node: str) -> str:
    if MIRROR not in pod.metadata.annotations:
        return f"pod does not have {_quoted(MIRROR)} annotation, node {_quoted(node)} can only create mirror pods"
    if pod.spec.node_name != node:
        return f"node {_quoted(node)} can only create pods with spec.nodeName set to itself"
    return ""


def _other_nodes_pod(pod: Object | None, node: str) -> str:
    """Say so when the Pod is another node's; a missing Pod is for the storage to report."""
    if not isinstance(pod, Pod) or pod.spec.node_name == node:
        return ""
    return f"node {_quoted(node)} {ONLY_OWN_PODS}"


def _quoted(name: str) -> str:
    return f'"{name}"'
