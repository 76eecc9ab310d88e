"""How a Deployment's objects look to the page workloads/deployment, and the obligation of every committed request."""

from __future__ import annotations

from ....impl.api.apps import Deployment, ReplicaSet, Workload
from ....impl.api.cache import Cache
from ....impl.api.meta import Ref
from ....model.components.workloads.deployment import Generation, State, steps

DESIRED = "deployment.kubernetes.io/desired-replicas"


def abstract(store: Cache, key: Ref, *, surge: int, unavailable: int) -> State:
    """Name generations by the image of their template; surge and unavailability come in as resolved numbers."""
    deployment = store.get(Deployment, key)
    if deployment is None:
        raise LookupError(f"no {key}")
    uid = deployment.metadata.uid
    mine = [
        rs
        for rs in store.list(ReplicaSet, key.namespace)
        if any(owner.uid == uid and owner.controller for owner in rs.metadata.owner_references)
    ]
    return State(
        wanted=deployment.spec.wanted,
        surge=surge,
        unavailable=unavailable,
        template=_image(deployment),
        generations=tuple(sorted(((_image(rs), _generation(rs)) for rs in mine), key=lambda pair: pair[0])),
        recreate=deployment.spec.strategy.type == "Recreate",
    )


def _image(obj: Workload) -> str:
    return obj.spec.template.spec.containers[0].image


def _generation(rs: ReplicaSet) -> Generation:
    sized_for = rs.metadata.annotations.get(DESIRED)
    return Generation(rs.spec.wanted, rs.status.available_replicas, None if sized_for is None else int(sized_for))


def refines(before: State, after: State) -> bool:
    """Every turn is one step of the model, or two (make the new generation, shrink an old one), or changes nothing."""
    if after == before or _forgets(before, after):
        return True
    once = [action.apply(before) for action in steps(before)]
    return after in once or any(action.apply(middle) == after for middle in once for action in steps(middle))


def _forgets(before: State, after: State) -> bool:
    """Tell whether only empty old generations are gone."""
    kept = dict(after.generations)
    gone = [
        name
        for name, generation in before.generations
        if name not in kept and generation.size == 0 and name != before.template
    ]
    rest = tuple(pair for pair in before.generations if pair[0] not in gone)
    return bool(gone) and rest == after.generations
