"""How a disruption budget looks to the page workloads/disruption, and the obligation of every committed request."""

from __future__ import annotations

from ....impl.api.cache import Cache
from ....impl.api.core import Pod
from ....impl.api.meta import Ref
from ....impl.api.policy import PodDisruptionBudget
from ....model.components.workloads.disruption import Counts, State, steps
from ....model.components.workloads.disruption import Pod as SeenPod


def abstract(store: Cache, key: Ref, *, wanted: int) -> State:
    """Take every Pod of the namespace for the budget's; `wanted` is what their controllers are asked for."""
    pdb = store.get(PodDisruptionBudget, key)
    if pdb is None:
        raise LookupError(f"no {key}")
    rule, value = ("maxUnavailable", pdb.spec.max_unavailable)
    if value is None:
        rule, value = ("minAvailable", pdb.spec.min_available)
    status = pdb.status
    return State(
        pods=tuple(
            SeenPod(pod.ready, pod.metadata.deletion_timestamp is not None, pod.metadata.name in status.disrupted_pods)
            for pod in store.list(Pod, key.namespace)
        ),
        wanted=wanted,
        rule=rule,
        amount=int(str(value).removesuffix("%")),
        per_cent=isinstance(value, str),
        written=Counts(
            status.disruptions_allowed, status.current_healthy, status.desired_healthy, status.expected_pods
        ),
    )


def refines(before: State, after: State) -> bool:
    """Every update writes what the model writes, or changes nothing."""
    return after == before or any(action.apply(before) == after for action in steps(before))
