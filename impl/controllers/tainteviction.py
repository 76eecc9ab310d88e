"""The taint eviction controller: Pods leave a node whose NoExecute taints they do not tolerate, or no longer.

Upstream: pkg/controller/tainteviction/taint_eviction.go and pkg/apis/core/v1/helper/helpers.go (v1.32).
Time comes in from outside: `delay` says how many seconds a Pod may stay; whoever runs this arms a timer and passes
`waited`. Left out on purpose: Events; the condition DisruptionTarget of Pods that no finalizer holds.
"""

from __future__ import annotations

from attrs import evolve, frozen
from immutabledict import immutabledict

from ..api.cache import Cache
from ..api.core import Node, NodeSpec, Pod, PodSpec, PodStatus, Taint, Toleration
from ..api.kinds import Object, ref_of
from ..api.meta import Ref
from ..api.requests import Delete, Request
from ..api.values.frozen import EMPTY
from .common import Keep, Transform, disrupted, held, slim_metadata, slim_pod

BY_TAINT_MANAGER = "DeletionByTaintManager"


@frozen
class Stay:
    """A Pod and the seconds it may stay; 0: it leaves now."""

    pod: Ref
    seconds: int


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at."""
    return ("Node", "Pod")


def stays(cache: Cache, node: Ref) -> tuple[Stay, ...]:
    """List the Pods of a node that have to leave, and when."""
    here = (pod for pod in cache.list(Pod) if pod.spec.node_name == node.name)
    return tuple(Stay(ref_of(pod), left) for pod in here if (left := delay(cache, pod)) is not None)


def reconcile(cache: Cache, key: Ref, *, waited: int = 0) -> tuple[Request, ...]:
    """Delete a Pod (named by `key`) that has waited, in seconds, as long as it may stay."""
    pod = cache.get(Pod, key)
    if pod is None or pod.metadata.terminating:
        return ()
    left = delay(cache, pod)
    if left is None or left > waited:
        return ()
    return (*disrupted(pod, BY_TAINT_MANAGER, "Taint manager: deleting due to NoExecute taint"), Delete(key))


def delay(cache: Cache, pod: Pod) -> int | None:
    """Return the seconds a Pod may stay on its node: None for ever, 0 if a taint is not tolerated."""
    node = cache.get(Node, Ref("Node", "", pod.spec.node_name))
    if not pod.spec.node_name or node is None:
        return None
    taints = [taint for taint in node.spec.taints if taint.effect == "NoExecute"]
    used = [
        next((toleration for toleration in pod.spec.tolerations if tolerates(toleration, taint)), None)
        for taint in taints
    ]
    if None in used:
        return 0
    bounds = [
        toleration.toleration_seconds
        for toleration in used
        if toleration is not None and toleration.toleration_seconds is not None
    ]
    return max(0, min(bounds)) if bounds else None


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Tell whether a toleration covers a taint: same effect, key and value, where empty or Exists stand for any."""
    if toleration.effect not in {"", taint.effect} or toleration.key not in {"", taint.key}:
        return False
    if toleration.operator == "Exists":
        return True
    return toleration.operator in {"", "Equal"} and toleration.value == taint.value


def _slim(obj: Object) -> Object | None:
    """Keep NoExecute taints of nodes; node and NoExecute tolerations of Pods."""
    if isinstance(obj, Node):
        taints = tuple(
            evolve(taint, time_added=None, extra=EMPTY) for taint in obj.spec.taints if taint.effect == "NoExecute"
        )
        return Node(slim_metadata(obj.metadata, Keep()), NodeSpec(taints=taints))
    if not isinstance(obj, Pod) or not obj.spec.node_name:
        return None
    tolerations = tuple(toleration for toleration in obj.spec.tolerations if toleration.effect in {"", "NoExecute"})
    spec = PodSpec(node_name=obj.spec.node_name, tolerations=tolerations)
    return held(slim_pod(obj, Keep(), spec=spec, status=PodStatus()), obj)


TRANSFORM: Transform = immutabledict({"Node": _slim, "Pod": _slim})
