"""Every turn of the Deployment controller is one the model allows; a rollout keeps its bounds and comes to an end."""

# ruff: noqa: D102 - the names of the rules say what they do

from __future__ import annotations

from itertools import product
from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kubeproof.impl.api.apps import Deployment, DeploymentSpec, DeploymentStrategy, ReplicaSet, RollingUpdateDeployment
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Container, PodSpec, PodTemplateSpec
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.controllers.deployment import deployment as controller
from kubeproof.impl.controllers.deployment.arithmetic import max_surge, max_unavailable
from kubeproof.model.components.workloads.deployment import Generation, Open, Shrink, Size, State, steps
from kubeproof.properties.refinement.controllers.deployment import abstract, refines
from kubeproof.properties.refinement.granted import all_granted, with_object

LABELS = strings({"app": "web"})


def web(replicas: int = 2, image: str = "v1", strategy: DeploymentStrategy | None = None) -> Deployment:
    return Deployment(
        ObjectMeta(name="web", namespace="d", uid="Deployment/d/web", generation=1),
        DeploymentSpec(
            replicas=replicas,
            selector=LabelSelector(LABELS),
            template=PodTemplateSpec(ObjectMeta(labels=LABELS), PodSpec((Container("c", image),))),
            strategy=strategy or DeploymentStrategy("RollingUpdate", RollingUpdateDeployment("25%", "25%")),
            revision_history_limit=1,
            progress_deadline_seconds=600,
        ),
    )


KEY = ref_of(web())
AMOUNTS = st.sampled_from([0, 1, 2, "25%", "50%", "100%"])
STRATEGIES = st.builds(
    lambda surge, unavailable: DeploymentStrategy("RollingUpdate", RollingUpdateDeployment(unavailable, surge)),
    AMOUNTS,
    AMOUNTS,
) | st.just(DeploymentStrategy("Recreate"))


def seen(store: Cache) -> Any:
    deployment = store.get(Deployment, KEY)
    assert deployment is not None
    surge, unavailable = max_surge(deployment), max_unavailable(deployment)
    return abstract(store, KEY, surge=surge, unavailable=unavailable)


def reported(rs: ReplicaSet, replicas: int, available: int) -> ReplicaSet:
    status = evolve(
        rs.status,
        replicas=replicas,
        ready_replicas=available,
        available_replicas=available,
        observed_generation=rs.metadata.generation,
    )
    return evolve(rs, status=status)


class DeploymentLockstep(RuleBasedStateMachine):
    """ReplicaSets report what they like around one Deployment; each turn is compared with the model."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Cache.of([web()])
        self.turns = 0

    def deployment(self) -> Deployment:
        found = self.store.get(Deployment, KEY)
        assert found is not None
        return found

    def change(self, **fields: Any) -> None:
        old = self.deployment()
        spec = evolve(old.spec, **fields)
        metadata = evolve(old.metadata, generation=old.metadata.generation + (spec != old.spec))
        self.store = with_object(self.store, evolve(old, spec=spec, metadata=metadata))

    @initialize(strategy=STRATEGIES, wanted=st.integers(0, 4), data=st.data())
    def begin(self, strategy: DeploymentStrategy, wanted: int, data: st.DataObject) -> None:
        """Begin in the middle of a rollout from v1 to v2, with sets of any size within the surge."""
        self.store = Cache.of([web(wanted, "v1", strategy)])
        for image in ("v2", "v1"):
            self.turn()
            self.set_image(image=image)
        left = wanted + max_surge(self.deployment())
        for rs in self.store.list(ReplicaSet):
            size = data.draw(st.integers(0, left))
            left -= size
            available = data.draw(st.integers(0, size))
            resized = evolve(rs, spec=evolve(rs.spec, replicas=size))
            self.store = with_object(self.store, reported(resized, size, available))

    @rule(replicas=st.integers(0, 4))
    def scale(self, replicas: int) -> None:
        self.change(replicas=replicas)

    @rule(image=st.sampled_from(["v1", "v2", "v3"]))
    def set_image(self, image: str) -> None:
        template = self.deployment().spec.template
        self.change(template=evolve(template, spec=PodSpec((Container("c", image),))))

    @precondition(lambda self: self.store.list(ReplicaSet))
    @rule(data=st.data(), replicas=st.integers(0, 4), available=st.integers(0, 4))
    def replica_set_reports(self, data: st.DataObject, replicas: int, available: int) -> None:
        rs = data.draw(st.sampled_from(self.store.list(ReplicaSet)))
        self.store = with_object(self.store, reported(rs, replicas, min(available, replicas)))

    @precondition(lambda self: self.store.list(ReplicaSet))
    @rule(data=st.data())
    def replica_set_catches_up(self, data: st.DataObject) -> None:
        rs = data.draw(st.sampled_from(self.store.list(ReplicaSet)))
        size = rs.spec.replicas or 0
        self.store = with_object(self.store, reported(rs, size, size))

    @rule()
    def turn(self) -> None:
        self.turns += 1
        self.store = all_granted(self.store, controller.reconcile(self.store, KEY), f"t{self.turns}-")

    @invariant()
    def the_next_turn_is_the_models(self) -> None:
        after = all_granted(self.store, controller.reconcile(self.store, KEY), "next-")
        assert refines(seen(self.store), seen(after))


TestDeploymentLockstep = DeploymentLockstep.TestCase
TestDeploymentLockstep.settings = settings(max_examples=60, stateful_step_count=15)


def settled(store: Cache, *, limit: int = 40) -> tuple[Cache, list[Any]]:
    """Let ReplicaSets do at once what they are asked, and take turns until nothing is left to do."""
    history = [seen(store)]
    for number in range(limit):
        after = all_granted(store, controller.reconcile(store, KEY), f"s{number}-")
        history.append(seen(after))
        for rs in after.list(ReplicaSet):
            after = with_object(after, reported(rs, rs.spec.replicas or 0, rs.spec.replicas or 0))
        if after == store:
            return store, history
        store = after
    raise AssertionError(f"still busy after {limit} turns")


@settings(max_examples=60)
@given(st.integers(0, 6), st.integers(0, 6), STRATEGIES)
def test_a_rollout_and_a_resize_come_to_an_end_within_bounds(
    first: int, second: int, strategy: DeploymentStrategy
) -> None:
    store, _ = settled(Cache.of([web(first, "v1", strategy)]))
    old = store.get(Deployment, KEY)
    assert old is not None
    assert old.status.available_replicas == first
    new = web(second, "v2", strategy)
    metadata = evolve(old.metadata, generation=2)
    store, history = settled(with_object(store, evolve(old, spec=new.spec, metadata=metadata)))
    done = store.get(Deployment, KEY)
    assert done is not None
    assert (done.status.updated_replicas, done.status.replicas, done.status.observed_generation) == (second, second, 2)
    assert {name: one.size for name, one in seen(store).generations if one.size} == ({"v2": second} if second else {})
    surge = max_surge(done)
    assert all(one.total <= max(first, second + surge) for one in history)
    assert done.metadata.annotations["deployment.kubernetes.io/revision"] == "2"
    assert controller.reconcile(store, KEY) == ()


def small_states() -> list[State]:
    """Return every state of at most two generations that is within the surge."""
    found = []
    for wanted, surge, unavailable, old, new, recreate in product(
        range(3), range(2), range(2), range(3), range(-1, 3), (False, True)
    ):
        for there, ready in product(range(old + 1), range(max(new, 0) + 1)):
            newest = () if new < 0 else (("v2", Generation(new, ready, wanted)),)
            state = State(wanted, surge, unavailable, "v2", (("v1", Generation(old, there, wanted)), *newest), recreate)
            if state.total <= wanted + surge:
                found.append(state)
    return found


def test_the_model_by_itself_keeps_the_surge_what_is_available_and_recreate() -> None:
    """A model that allows more than a rollout may do would let a wrong controller pass."""
    seen = set()
    for state in small_states():
        for step in steps(state):
            seen.add(type(step))
            after = step.apply(state)
            assert after.total <= state.wanted + state.surge
            if isinstance(step, Open | Size):
                assert after.sizes["v2"] <= state.wanted
                assert not (state.recreate and state.old_sizes["v1"] and after.sizes["v2"])
            if isinstance(step, Shrink) and not state.recreate:
                ready = dict(state.generations)
                newest = ready["v2"].available if "v2" in ready else 0
                left = min(ready["v1"].available, after.sizes["v1"])
                assert left == min(ready["v1"].available, state.sizes["v1"]) or (
                    left + newest >= state.wanted - state.unavailable
                )
    assert seen == {Open, Size, Shrink}
