"""The Pod garbage collector: Pods that no kubelet will ever finish deleting.

Upstream: pkg/controller/podgc/gc_controller.go (v1.32).
Three kinds go, by force: Pods of a node that is gone, terminating Pods that were never placed, terminating Pods of a
node that is out of service. Upstream asks the API server before it believes that a node is gone: `live` is what it
would answer.
Left out on purpose: the quarantine of 40 s before a node counts as gone (a timer of whoever runs this); collecting
finished Pods beyond a threshold of 12,500; of Pods that no finalizer holds, the phase Failed before the deletion.
"""

from __future__ import annotations

from immutabledict import immutabledict

from ..api.cache import Cache
from ..api.core import Node, NodeSpec, Pod, PodSpec, PodStatus, Taint
from ..api.kinds import Object
from ..api.meta import Ref
from ..api.requests import Delete, Request
from ..api.well_known import OUT_OF_SERVICE
from .common import Keep, Transform, disrupted, held, slim_conditions, slim_metadata, slim_pod

BY_PODGC = "DeletionByPodGC"
"""Why a Pod goes whose node is gone; of one that was never placed, or is on a node out of service, none is told."""


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at."""
    return ("Node", "Pod")


def reconcile(cache: Cache, key: Ref, *, live: Cache | None = None) -> tuple[Request, ...]:
    """Delete a Pod (named by `key`) at once if nobody else will; `live` None means the cache is up to date."""
    pod = cache.get(Pod, key)
    if pod is None:
        return ()
    name = Ref("Node", "", pod.spec.node_name)
    node = cache.get(Node, name)
    orphaned = bool(pod.spec.node_name) and node is None
    if not pod.spec.node_name:
        doomed = pod.metadata.terminating
    elif node is None:
        doomed = live is None or live.get(Node, name) is None
    else:
        doomed = pod.metadata.terminating and out_of_service(node)
    if not doomed:
        return ()
    why = (BY_PODGC, "PodGC: node no longer exists") if orphaned else ("", "")
    return (*disrupted(pod, *why, phase="Failed"), Delete(key, grace_period_seconds=0))


def out_of_service(node: Node) -> bool:
    """Tell whether somebody vouches that a node is down: it carries the taint and is not Ready."""
    ready = node.status.condition("Ready")
    down = ready is None or ready.status != "True"
    return down and any(taint.key == OUT_OF_SERVICE for taint in node.spec.taints)


def _slim(obj: Object) -> Object | None:
    """Keep readiness and the one taint of nodes; of Pods, where they are and whether they are terminating."""
    if isinstance(obj, Node):
        taints = tuple(Taint(taint.key, taint.effect) for taint in obj.spec.taints if taint.key == OUT_OF_SERVICE)
        return Node(slim_metadata(obj.metadata, Keep()), NodeSpec(taints=taints), slim_conditions(obj.status))
    if isinstance(obj, Pod):
        return held(slim_pod(obj, Keep(), spec=PodSpec(node_name=obj.spec.node_name), status=PodStatus()), obj)
    return None


TRANSFORM: Transform = immutabledict({"Node": _slim, "Pod": _slim})
