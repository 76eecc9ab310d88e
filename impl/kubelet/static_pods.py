"""Static Pods: a kubelet runs them from files of its node, and shows each by a mirror Pod that it makes itself.

Upstream: pkg/kubelet/pod/mirror_client.go, pkg/kubelet/kubelet.go (SyncPod: a mirror Pod that is being deleted is
deleted at once, and made anew), pkg/kubelet/config/common.go (applyDefaults), v1.32. Whoever deletes the mirror Pod
stops nothing: what runs runs on, and the mirror comes back under its name.
A mirror Pod among manifests is how such a file is told of here.
"""

from __future__ import annotations

from attrs import evolve

from ..api.core import Pod, Toleration
from ..api.meta import ObjectMeta, OwnerReference
from ..api.well_known import MIRROR

STAYS = Toleration(operator="Exists", effect="NoExecute")
"""What every static Pod tolerates."""


def is_mirror(pod: Pod) -> bool:
    """Tell whether a Pod is the mirror of a static one."""
    return MIRROR in pod.metadata.annotations and bool(pod.spec.node_name)


def mirror(pod: Pod, node_uid: str) -> Pod:
    """Return the mirror Pod that a kubelet makes of what one looks like, owned by its node of this uid."""
    name = pod.spec.node_name
    owner = OwnerReference("v1", "Node", name, node_uid, controller=True)
    meta = ObjectMeta(
        name=pod.metadata.name,
        namespace=pod.metadata.namespace,
        labels=pod.metadata.labels,
        annotations=pod.metadata.annotations,
        owner_references=(owner,),
    )
    tolerations = pod.spec.tolerations if STAYS in pod.spec.tolerations else (*pod.spec.tolerations, STAYS)
    return Pod(meta, evolve(pod.spec, tolerations=tolerations))
