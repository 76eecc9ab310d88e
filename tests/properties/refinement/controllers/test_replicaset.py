"""The ReplicaSet controller and its model take the same turns, and no others."""

# ruff: noqa: D102, FBT001 - the names of the rules say what they do

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kubeproof.impl.api.apps import ReplicaSet, ReplicaSetSpec
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Pod, PodCondition, PodSpec, PodStatus, PodTemplateSpec
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.controllers.common import controller_of
from kubeproof.impl.controllers.replicaset import replicaset
from kubeproof.model.components.workloads.replicaset import Turn, steps
from kubeproof.properties.refinement.controllers.replicaset import abstract, refines
from kubeproof.properties.refinement.granted import all_granted, with_object, without_object

LABELS = strings({"app": "web"})
WEB = ReplicaSet(
    ObjectMeta(name="web", namespace="d", uid="ReplicaSet/d/web", generation=1),
    ReplicaSetSpec(
        replicas=2, selector=LabelSelector(LABELS), template=PodTemplateSpec(metadata=ObjectMeta(labels=LABELS))
    ),
)
KEY = ref_of(WEB)
KINDS = [
    ("", "Pending", False),
    ("n1", "Pending", False),
    ("n1", "Running", False),
    ("n1", "Running", True),
    ("n2", "Running", True),
    ("n2", "Running", True),
    ("n2", "Failed", False),
]


def pod(name: str, kind: tuple[str, str, bool]) -> Pod:
    node, phase, ready = kind
    metadata = ObjectMeta(name=name, namespace="d", uid=name, labels=LABELS, owner_references=(controller_of(WEB),))
    condition = PodCondition("Ready", "True" if ready else "False")
    return Pod(metadata, PodSpec(node_name=node), PodStatus(phase, (condition,)))


class ReplicaSetLockstep(RuleBasedStateMachine):
    """Pods come and go around one ReplicaSet; each turn is compared with the model's."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Cache.of([WEB])
        self.turns = 0

    def pods(self) -> tuple[Pod, ...]:
        return self.store.list(Pod)

    def rs(self) -> ReplicaSet:
        found = self.store.get(ReplicaSet, KEY)
        assert found is not None
        return found

    def put(self, obj: Any) -> None:
        self.store = with_object(self.store, obj)

    @initialize(replicas=st.integers(0, 3), kinds=st.lists(st.sampled_from(KINDS), min_size=2, max_size=5))
    def begin(self, replicas: int, kinds: list[tuple[str, str, bool]]) -> None:
        pods = [pod(f"p{number}", kind) for number, kind in enumerate(kinds)]
        self.store = Cache.of([evolve(WEB, spec=evolve(WEB.spec, replicas=replicas)), *pods])

    @rule(replicas=st.integers(0, 4))
    def scale(self, replicas: int) -> None:
        self.put(evolve(self.rs(), spec=evolve(self.rs().spec, replicas=replicas)))

    @precondition(lambda self: self.pods())
    @rule(data=st.data(), node=st.sampled_from(["n1", "n2"]), phase=st.sampled_from(["Pending", "Running", "Failed"]))
    def pod_moves_on(self, data: st.DataObject, node: str, phase: str) -> None:
        pod = data.draw(st.sampled_from(self.pods()))
        ready = "True" if phase == "Running" and data.draw(st.booleans()) else "False"
        status = evolve(pod.status, phase=phase, conditions=(PodCondition("Ready", ready),))
        self.put(evolve(pod, spec=evolve(pod.spec, node_name=pod.spec.node_name or node), status=status))

    @precondition(lambda self: self.pods())
    @rule(data=st.data())
    def pod_is_gone(self, data: st.DataObject) -> None:
        self.store = without_object(self.store, data.draw(st.sampled_from(self.pods())))

    def outcomes(self, *, satisfied: bool) -> list[Cache]:
        self.turns += 1  # No name is given twice.
        alternatives = replicaset.reconcile_all(self.store, KEY, satisfied=satisfied)
        assert alternatives[0] == replicaset.reconcile(self.store, KEY, satisfied=satisfied)
        return [all_granted(self.store, requests, f"t{self.turns}-") for requests in alternatives]

    @rule(data=st.data(), satisfied=st.booleans())
    def turn(self, data: st.DataObject, satisfied: bool) -> None:
        self.store = data.draw(st.sampled_from(self.outcomes(satisfied=satisfied)))

    @rule()
    def turns_come_to_an_end(self) -> None:
        once = all_granted(self.store, replicaset.reconcile(self.store, KEY), "a-")
        twice = all_granted(once, replicaset.reconcile(once, KEY), "b-")
        assert replicaset.reconcile(twice, KEY) == ()

    @invariant()
    def the_turns_are_the_models(self) -> None:
        before = abstract(self.store, KEY)
        turns = {action.apply(before) for action in steps(before) if isinstance(action, Turn)}
        assert {abstract(one, KEY) for one in self.outcomes(satisfied=True)} == turns

    @invariant()
    def while_it_waits_it_only_counts(self) -> None:
        before = abstract(self.store, KEY)
        (outcome,) = self.outcomes(satisfied=False)
        after = abstract(outcome, KEY)
        assert refines(before, after)
        assert after.members == before.members


TestReplicaSetLockstep = ReplicaSetLockstep.TestCase
TestReplicaSetLockstep.settings = settings(max_examples=50, stateful_step_count=15)
