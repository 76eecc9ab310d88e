"""POST pods/NAME/eviction: delete a Pod if its disruption budget allows it.

Upstream: pkg/registry/core/pod/storage/eviction.go (v1.36).
Upstream decrements the budget, marks the Pod (DisruptionTarget) and deletes it in separate writes; here they are one
transaction, in that order. What is refused once the budget has paid (another uid, options that make no sense) leaves it
spent.
Left out on purpose: retries, and what comes in between.
"""

from __future__ import annotations

from attrs import evolve
from immutabledict import immutabledict

from ...api.core import Pod, PodCondition
from ...api.kinds import ref_of
from ...api.meta import Time
from ...api.policy import PodDisruptionBudget
from ...api.requests import Delete as DeleteRequest
from ...api.requests import Evict, Response
from ...api.values.frozen import EMPTY, Json, freeze
from ...api.values.selectors import selects
from ...api.well_known import DISRUPTION_TARGET
from ..status import forbidden, is_another, not_found, too_many_requests
from ..storage import Objects, Storage, Transaction, put
from .binding import with_condition
from .create import Answer
from .delete import delete

REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
TWO_BUDGETS = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
MOST_DISRUPTED = 2000
EVICTED = PodCondition(
    type=DISRUPTION_TARGET, status="True", reason="EvictionByEvictionAPI", message="Eviction API: evicting"
)


def evict(storage: Storage, request: Evict, now: Time, *, dry_run: bool = False) -> Answer:
    """Evict a Pod: 404 when it is missing, 409 on another uid, 429 when a budget refuses, 500 when two claim it."""
    pod = storage.get(request.pod)
    if not isinstance(pod, Pod):
        return not_found(request.pod), ()
    if ignores_budgets(pod):
        return _marked_and_deleted(pod, request, (), now, dry_run=dry_run)
    budgets = _budgets(storage, pod)
    if len(budgets) > 1:
        return Response(500, "", TWO_BUDGETS), ()
    paid: Transaction = ()
    if budgets and _free_of_charge(pod, budgets[0]):
        request = evolve(request, version="")  # The version that was judged takes the place of the one asked for.
    elif budgets:
        spent = _spend(budgets[0], pod.metadata.name, now)
        if isinstance(spent, Response):
            return spent, ()
        paid = () if dry_run else (put(spent),)
    return _marked_and_deleted(pod, request, paid, now, dry_run=dry_run)


def _marked_and_deleted(pod: Pod, request: Evict, paid: Transaction, now: Time, *, dry_run: bool) -> Answer:
    """Say of a Pod that it is evicted, and delete it (addConditionAndDeletePod); a dry run says nothing of it."""
    if dry_run:
        return _granted(_delete(pod, request, now)[0]), ()
    if refused := _is_another(pod, request):
        return refused, paid
    marked = evolve(pod, status=with_condition(pod.status, EVICTED, now))
    answer, writes = _delete(marked, request, now)
    noted = () if marked == pod else (put(marked),)
    return _granted(answer), (*paid, *noted, *writes)


def _is_another(pod: Pod, request: Evict) -> Response | None:
    """Refuse a Pod that is not the one that was meant (409)."""
    meta = pod.metadata
    version = request.version if meta.resource_version else ""
    for what, wanted, found in (
        ("UID", request.uid, meta.uid),
        ("ResourceVersion", version, meta.resource_version),
    ):
        if wanted and wanted != found:
            return is_another(request.pod, what, wanted, found)
    return None


def ignores_budgets(pod: Pod) -> bool:
    """Tell whether a Pod's end disrupts nothing: it has not started, has finished, or is going anyway."""
    return pod.finished or pod.status.phase == "Pending" or pod.metadata.terminating


def _budgets(storage: Storage, pod: Pod) -> tuple[PodDisruptionBudget, ...]:
    """List the budgets that select the Pod; a budget without a selector selects nothing."""
    listed = storage.list("PodDisruptionBudget", pod.metadata.namespace)
    return tuple(
        obj
        for obj in listed
        if isinstance(obj, PodDisruptionBudget) and selects(obj.spec.selector, pod.metadata.labels)
    )


def _free_of_charge(pod: Pod, budget: PodDisruptionBudget) -> bool:
    """Tell whether a running Pod that is not ready may go without touching the budget."""
    if pod.ready:
        return False
    if budget.spec.unhealthy_pod_eviction_policy == "AlwaysAllow":
        return True
    status = budget.status
    return status.current_healthy >= status.desired_healthy > 0


def _spend(budget: PodDisruptionBudget, pod: str, now: Time) -> PodDisruptionBudget | Response:
    """Return the budget with one disruption less and the Pod noted, or the refusal."""
    status, name = budget.status, budget.metadata.name
    if status.observed_generation < budget.metadata.generation:
        return too_many_requests(REFUSED, f"The disruption budget {name} is still being processed by the server.")
    if status.disruptions_allowed < 0:
        return forbidden(ref_of(budget), "pdb disruptions allowed is negative")
    if len(status.disrupted_pods) > MOST_DISRUPTED:
        return forbidden(
            ref_of(budget), "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        )
    if status.disruptions_allowed == 0:
        return too_many_requests(REFUSED, _why_none(budget))
    allowed = status.disruptions_allowed - 1
    disrupted = immutabledict(sorted({**status.disrupted_pods, pod: now}.items()))
    conditions = status.conditions if allowed else tuple(map(_exhausted, status.conditions))
    spent = evolve(status, disruptions_allowed=allowed, disrupted_pods=disrupted, conditions=conditions)
    return evolve(budget, status=spent)


def _why_none(budget: PodDisruptionBudget) -> str:
    """Say why a budget allows no disruption."""
    status, told = budget.status, f"The disruption budget {budget.metadata.name}"
    found: Json = next(
        (condition for condition in status.conditions if condition.get("type") == "DisruptionAllowed"), EMPTY
    )
    message = str(found.get("message") or "") if found.get("status") == "False" else ""
    if message and found.get("reason") == "SyncFailed":
        return f"{told} does not allow evicting pods currently because it failed sync: {message}"
    if status.current_healthy <= status.desired_healthy:
        return f"{told} needs {status.desired_healthy} healthy pods and has {status.current_healthy} currently"
    why = f" ({found.get('reason')}): {message}" if message else ""
    return f"{told} does not allow evicting pods currently{why}"


def _exhausted(condition: Json) -> Json:
    """Turn DisruptionAllowed to False. A status without conditions stays without: nobody there reads them."""
    if condition.get("type") != "DisruptionAllowed":
        return condition
    return freeze({**condition, "status": "False", "reason": "InsufficientPods"})


def _delete(pod: Pod, request: Evict, now: Time) -> Answer:
    """Delete the Pod as DELETE would, as it is by now."""
    asked = DeleteRequest(request.pod, request.grace_period_seconds, request.uid, request.propagation_policy)
    return delete(Objects.of((pod,)), asked, now)


def _granted(answer: Response) -> Response:
    return Response(201) if answer.ok else answer
