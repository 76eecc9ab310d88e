"""POST pods/NAME/binding: the scheduler gives a Pod to a node, once.

Upstream: pkg/registry/core/pod/storage/storage.go (BindingREST) (v1.32).
Left out on purpose: the annotations a Binding may carry. Nobody asks whether the node exists.
"""

from __future__ import annotations

from attrs import evolve

from ...api.core import Pod, PodCondition, PodStatus
from ...api.meta import Time
from ...api.requests import Bind, Response
from ..status import conflict, not_found, uid_conflict
from ..storage import Storage, put
from .create import Answer


def bind(storage: Storage, request: Bind, now: Time) -> Answer:
    """Bind a Pod: 404 when it is missing, 409 when it is another one, bound, terminating or gated."""
    if not request.node:
        return Response(500, "", "target.name: Required value"), ()
    pod = storage.get(request.pod)
    if not isinstance(pod, Pod):
        return not_found(request.pod), ()
    if request.uid and request.uid != pod.metadata.uid:
        return uid_conflict(request.pod, request.uid, pod.metadata.uid), ()
    if refusal := _refusal(pod):
        return conflict(request.pod, refusal, subresource="binding"), ()
    scheduled = PodCondition(type="PodScheduled", status="True")
    status = with_condition(pod.status, scheduled, now)
    bound = evolve(pod, spec=evolve(pod.spec, node_name=request.node), status=status)
    return Response(201, object=bound), (put(bound),)


def _refusal(pod: Pod) -> str:
    """Say why a Pod cannot be given to a node; "" when it can."""
    name = pod.metadata.name
    if pod.metadata.terminating:
        return f"pod {name} is being deleted, cannot be assigned to a host"
    if pod.spec.node_name:
        return f'pod {name} is already assigned to node "{pod.spec.node_name}"'
    if pod.spec.scheduling_gates:
        return f"pod {name} has non-empty .spec.schedulingGates"
    return ""


def with_condition(status: PodStatus, condition: PodCondition, now: Time) -> PodStatus:
    """Return the status with one condition set; its transition time moves only when its status does."""
    old = status.condition(condition.type)
    since = old.last_transition_time if old is not None and old.status == condition.status else now
    dated = evolve(condition, last_transition_time=since)
    if old is None:
        return evolve(status, conditions=(*status.conditions, dated))
    replaced = tuple(dated if other.type == condition.type else other for other in status.conditions)
    return evolve(status, conditions=replaced)
