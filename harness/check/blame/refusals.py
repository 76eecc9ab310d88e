"""What is refused for ever, and what is let in, or given up, though it should not be: what to change there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from attrs import frozen

from ....impl.api.claim_names import AUTOSCALING, BUDGET, QUOTA
from ....impl.api.core import Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.policy import PodDisruptionBudget
from ....impl.api.requests import Create, Response
from ....impl.apiserver.admission import pod_security
from ....impl.apiserver.admission.limitranger import out_of, with_defaults
from ....impl.apiserver.admission.quota import without_room
from ....impl.apiserver.defaulting.defaulting import default
from ....impl.apiserver.storage import Objects
from ....model.machine import State
from ....model.world.turn import heads
from ...claims.autoscaling import below, scalers_of
from ...claims.budget import covers, over
from ...claims.convergence import objects_of
from ...claims.quota import beyond
from ...input.autoscalers import sharing
from ...world.cluster import Cluster
from ...world.script.drain import refused_evictions
from ..results import Blame

FORBIDDEN, INVALID = 403, 422
"""What the API server answers to what admission does not let in, and to an object that breaks a rule."""


@frozen
class Refusal:
    """A request that a component goes on sending: whose, what it would make (None: nothing new), and the answer."""

    component: str
    made: Object | None
    response: Response


def refusals(core: Cluster, state: State) -> Iterator[Refusal]:
    """Yield what is refused of what components ask for on what there is."""
    for process in core.processes:
        for request in (head for requests in core.world.fresh(state, process) for head in heads(requests)):
            response, _ = core.world.commit(state, process.user, request)
            if response.code in {FORBIDDEN, INVALID}:
                yield Refusal(process.name, request.object if isinstance(request, Create) else None, response)


def told(core: Cluster, state: State) -> Iterator[str]:
    """Say which controller asks for what is no object, or for what admission does not let in."""
    for refusal in refusals(core, state):
        yield f"{refusal.component} is refused: {refusal.response.message}"


def blamed(core: Cluster, state: State) -> Iterator[Blame]:
    """Yield the quotas without room for what is refused, limit ranges out of which it is, and strict namespaces."""
    store = Objects.of(objects_of(core, state))
    for refusal in refusals(core, state):
        if refusal.made is None:
            continue
        made = default(refusal.made)
        made = with_defaults(store, made) if isinstance(made, Pod) else made
        if (limits := out_of(store, made)) is not None:
            yield Blame(ref_of(limits[0]), "spec.limits", f"{refusal.component} is refused: {limits[1]}")
        elif (quota := without_room(store, made)) is not None:
            yield Blame(ref_of(quota[0]), "spec.hard", f"{refusal.component} is refused: {quota[1]}")
        elif isinstance(made, Pod) and (reasons := pod_security.reasons(store, made, core.scenario.release)):
            where = Ref("Namespace", "", made.metadata.namespace)
            yield Blame(where, "metadata.labels", f"{refusal.component} is refused: {reasons}")


def exceeded(core: Cluster, before: State, after: State) -> tuple[Blame, ...]:
    """Return the quotas that a step goes beyond: admission had room by what was written of them, which was too little.

    No manifest mends how they are counted; one with room for all that there can be at one time holds nevertheless.
    """
    what = f"{COUNTED_LATE}: give it room for all that there can be at one time, those on their way out among them"
    return tuple(Blame(ref_of(quota), "spec.hard", what) for quota, _, _ in beyond(core, before, after))


COUNTED_LATE = "the quota controller wrote over what admission had counted (k/k#123434)"


def given_up(core: Cluster, before: State, after: State) -> tuple[Blame, ...]:
    """Return the workloads that a step takes Pods from although their autoscaler keeps more, or who else does so."""
    return tuple(
        Blame(
            ref_of(scaler),
            "spec.scaleTargetRef",
            f"HorizontalPodAutoscaler {others[0]} scales {ref_of(target)} as well: {ONE_OF_THEM}",
        )
        if (others := sharing(scalers_of(core, before), scaler))
        else Blame(ref_of(target), "spec.replicas", NOT_THERE)
        for scaler, target, _ in below(core, before, after)
    )


ONE_OF_THEM = "keep one autoscaler, with the metrics of both; it goes by the one that asks for more"


def guarding(core: Cluster, state: State) -> Iterator[Blame]:
    """Yield the budgets that refuse the evictions of a drain for ever."""
    budgets = [budget for budget in objects_of(core, state) if isinstance(budget, PodDisruptionBudget)]
    pods = {ref_of(pod): pod for pod in objects_of(core, state) if isinstance(pod, Pod)}
    for step, ref, _ in refused_evictions(core.world, core.scenario.script, state):
        for budget in budgets:
            if ref in pods and covers(budget, pods[ref]) and budget.status.disruptions_allowed <= 0:
                what = f"it spares no Pod, so that the drain of {step.node} never ends: {_short(budget, ref)}"
                yield Blame(ref_of(budget), field_of(budget), what)


def _short(budget: PodDisruptionBudget, pod: Ref) -> str:
    """Say what a budget lacks to spare a Pod: another healthy one, or a workload that says how many there are to be."""
    asked, healthy = budget.status.desired_healthy, budget.status.current_healthy
    if not budget.status.expected_pods:
        told = f"it is a share of the Pods that workloads ask for, and none says so of {pod.name}"
        return f"{told}; minAvailable as a number counts each Pod"
    return f"{asked} must be healthy, and {healthy} are; let it spare one, or run one more"


def gone_below(core: Cluster, before: State, after: State) -> tuple[Blame, ...]:
    """Return the budgets that an eviction did not keep, which was granted on a count from before."""
    return tuple(
        Blame(ref_of(budget), field_of(budget), f"{line}; {NOT_HELD}") for budget, line in over(core, before, after)
    )


NOT_HELD = "its count comes late, and it holds up no rollout, deletion or preemption that takes a Pod meanwhile"


def field_of(budget: PodDisruptionBudget) -> str:
    """Return the field in which a budget says what it asks for."""
    return "spec.minAvailable" if budget.spec.max_unavailable is None else "spec.maxUnavailable"


NOT_THERE = (
    "leave it out of every version of the manifest, for its autoscaler writes it; taken out of one that had it, it is "
    "1 until the autoscaler looks again (k/k#25238)"
)
AT_A_STEP: Mapping[str, Callable[[Cluster, State, State], tuple[Blame, ...]]] = {
    AUTOSCALING: given_up,
    BUDGET: gone_below,
    QUOTA: exceeded,
}
"""By claim: what to change where one step breaks it."""
