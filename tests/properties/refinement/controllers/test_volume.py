"""The volume controllers and their model take the same steps, in whatever state claims and volumes are."""

# ruff: noqa: D102 - the names of the rules say what they do

from __future__ import annotations

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.storage import PersistentVolume, PersistentVolumeClaim
from kubeproof.impl.api.values.frozen import strings
from kubeproof.model.components.resources.volume import steps
from kubeproof.properties.refinement.controllers.volume import CHOSEN, abstract
from kubeproof.properties.refinement.controllers.volume_worlds import (
    CLAIMS,
    VOLUMES,
    claim,
    is_whole,
    taken,
    user,
    volume,
    world,
)
from kubeproof.properties.refinement.granted import with_object, without_object

STORES = st.tuples(
    st.lists(st.sampled_from(CLAIMS), min_size=1, max_size=2).map(tuple),
    st.lists(st.sampled_from(VOLUMES), max_size=3).map(tuple),
).filter(lambda one: is_whole(*one) and sum(each[1] == "a" for each in one[1]) < 2)


def agrees(store: Cache) -> None:
    wanted = list(steps(abstract(store)))
    found = [abstract(after) for _, after in taken(store)]
    assert all(one in wanted for one in found)
    assert all(one in found for one in wanted)


@settings(max_examples=300)
@given(STORES)
def test_any_step_is_the_models(some: object) -> None:
    agrees(world(*some))  # type: ignore[misc]


class VolumeLockstep(RuleBasedStateMachine):
    """Claims and volumes come, are chosen, used and deleted; each step is compared with the model's."""

    def __init__(self) -> None:
        super().__init__()
        self.store = world((), ())
        self.made = 0

    @initialize(some=STORES)
    def begin(self, some: object) -> None:
        self.store = world(*some)  # type: ignore[misc]

    @property
    def claims(self) -> tuple[PersistentVolumeClaim, ...]:
        return self.store.list(PersistentVolumeClaim)

    @precondition(lambda self: len(self.claims) < 2)
    @rule(of=st.sampled_from(["by-hand", "now", "later"]), size=st.integers(1, 2))
    def a_claim_is_made(self, of: str, size: int) -> None:
        self.made += 1
        self.store = with_object(self.store, claim(f"c{self.made}", of, size, "free"))

    @precondition(lambda self: len(self.store.list(PersistentVolume)) < 3)
    @rule(size=st.integers(1, 2), policy=st.sampled_from(["Retain", "Delete"]))
    def a_volume_is_made(self, size: int, policy: str) -> None:
        self.made += 1
        self.store = with_object(self.store, volume(f"x{self.made}", size, "", "Pending", policy))

    @precondition(lambda self: any(one.spec.storage_class_name == "later" for one in self.claims))
    @rule(data=st.data(), node=st.sampled_from(["n1", "n2"]))
    def a_node_is_chosen(self, data: st.DataObject, node: str) -> None:
        waiting = [one for one in self.claims if one.spec.storage_class_name == "later" and not one.spec.volume_name]
        if waiting:
            one = data.draw(st.sampled_from(waiting))
            meta = evolve(one.metadata, annotations=strings({**one.metadata.annotations, CHOSEN: node}))
            self.store = with_object(self.store, evolve(one, metadata=meta))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def a_claim_is_deleted(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.claims))
        self.store = with_object(self.store, evolve(one, metadata=evolve(one.metadata, deletion_timestamp=0)))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def a_pod_uses_a_claim(self, data: st.DataObject) -> None:
        self.store = with_object(self.store, user(data.draw(st.sampled_from(self.claims)).metadata.name))

    @precondition(lambda self: self.store.list(Pod))
    @rule(data=st.data())
    def a_pod_goes(self, data: st.DataObject) -> None:
        self.store = without_object(self.store, data.draw(st.sampled_from(self.store.list(Pod))))

    @rule(data=st.data())
    def a_sync(self, data: st.DataObject) -> None:
        found = [after for _, after in taken(self.store)]
        if found:
            self.store = data.draw(st.sampled_from(found))

    @rule()
    def syncs_come_to_an_end(self) -> None:
        store = self.store
        for _ in range(20):
            found = [after for _, after in taken(store)]
            if not found:
                return
            store = found[0]
        assert not list(taken(store))

    @invariant()
    def each_step_is_the_models(self) -> None:
        agrees(self.store)


TestVolumeLockstep = VolumeLockstep.TestCase
TestVolumeLockstep.settings = settings(max_examples=60, stateful_step_count=12)
