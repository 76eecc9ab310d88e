"""The disruption controller writes exactly the counts its model writes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from immutabledict import immutabledict

from kubeproof.impl.api.apps import Deployment, DeploymentSpec, ReplicaSet, ReplicaSetSpec
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Pod, PodCondition, PodStatus
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta, OwnerReference
from kubeproof.impl.api.policy import PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.controllers import disruption
from kubeproof.properties.refinement.controllers.disruption import abstract, refines
from kubeproof.properties.refinement.granted import all_granted

AMOUNT = st.sampled_from([0, 1, 2, 3, "0%", "33%", "50%", "67%", "100%"])
POD = st.tuples(st.booleans(), st.sampled_from([False, False, True]), st.sampled_from([False, False, True]))


def owned(kind: str, name: str) -> tuple[OwnerReference, ...]:
    return (OwnerReference("apps/v1", kind, name, f"{kind}/d/{name}", controller=True),)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Cache, int]:
    """Draw a budget, the Pods of one ReplicaSet, and whether a Deployment of another size owns that."""
    pods = draw(st.lists(POD, max_size=4))
    size = draw(st.integers(0, 4))
    deployed = draw(st.none() | st.integers(0, 4))
    rs = ReplicaSet(
        ObjectMeta(
            name="web-1",
            namespace="d",
            uid="ReplicaSet/d/web-1",
            owner_references=() if deployed is None else owned("Deployment", "web"),
        ),
        ReplicaSetSpec(replicas=size),
    )
    made = [
        Pod(
            ObjectMeta(
                name=f"p{number}",
                namespace="d",
                uid=f"Pod/d/p{number}",
                labels=strings({"app": "web"}),
                deletion_timestamp=0 if leaving else None,
                owner_references=owned("ReplicaSet", "web-1"),
            ),
            status=PodStatus("Running", (PodCondition("Ready", "True" if ready else "False"),)),
        )
        for number, (ready, leaving, _) in enumerate(pods)
    ]
    promised = immutabledict((f"p{number}", 0) for number, pod in enumerate(pods) if pod[2])
    rule = draw(st.sampled_from(["min_available", "max_unavailable"]))
    pdb = PodDisruptionBudget(
        ObjectMeta(name="pdb", namespace="d", generation=1),
        PodDisruptionBudgetSpec(selector=LabelSelector(strings({"app": "web"})), **{rule: draw(AMOUNT)}),
        PodDisruptionBudgetStatus(disrupted_pods=promised),
    )
    deployment = Deployment(
        ObjectMeta(name="web", namespace="d", uid="Deployment/d/web"), DeploymentSpec(replicas=deployed)
    )
    wanted = 0 if not pods else size if deployed is None else deployed
    return Cache.of([pdb, rs, *made, *([] if deployed is None else [deployment])]), wanted


@settings(max_examples=120, report_multiple_bugs=False)
@given(worlds())
def test_each_count_is_the_models(world: tuple[Cache, int]) -> None:
    store, wanted = world
    key = ref_of(store.list(PodDisruptionBudget)[0])
    before = abstract(store, key, wanted=wanted)
    store = all_granted(store, disruption.reconcile(store, key), "")
    after = abstract(store, key, wanted=wanted)
    assert refines(before, after)
    assert after.written == before.right
    assert store.list(PodDisruptionBudget)[0].status.observed_generation == 1
    assert disruption.reconcile(store, key) == ()
