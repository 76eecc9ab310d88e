"""The StatefulSet controller and its model take the same turns, and no others."""

# ruff: noqa: D102 - the names of the rules say what they do

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kubeproof.impl.api.apps import (
    ControllerRevision,
    RollingUpdateStatefulSetStrategy,
    StatefulSet,
    StatefulSetOrdinals,
    StatefulSetSpec,
    StatefulSetUpdateStrategy,
)
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Container, Pod, PodCondition, PodSpec, PodStatus, PodTemplateSpec
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.controllers.statefulset import statefulset
from kubeproof.impl.controllers.statefulset.identity import new_pod
from kubeproof.model.components.workloads.statefulset import steps
from kubeproof.properties.refinement.controllers.statefulset import abstract, refines
from kubeproof.properties.refinement.granted import all_granted, with_object, without_object

LABELS = strings({"app": "db"})


def template(image: str) -> PodTemplateSpec:
    return PodTemplateSpec(ObjectMeta(labels=LABELS), PodSpec(containers=(Container("c", image),)))


DB = StatefulSet(
    ObjectMeta(name="db", namespace="d", uid="StatefulSet/d/db", generation=1),
    StatefulSetSpec(selector=LabelSelector(LABELS), template=template("i:1"), service_name="db"),
)
KEY = ref_of(DB)
KINDS = [
    ("", "Pending", False),
    ("n1", "Pending", False),
    ("n1", "Running", False),
    ("n1", "Running", True),
    ("n1", "Running", True),
    ("n1", "Failed", False),
]
READY = ("n1", "Running", True)
MEMBERS = st.tuples(st.sampled_from([*[READY] * 10, *KINDS]), st.booleans(), st.sampled_from([*[False] * 5, True]))
"""Most are ready, and stay: only then much goes on."""


def moved(pod: Pod, kind: tuple[str, str, bool], *, going: bool = False) -> Pod:
    node, phase, ready = kind
    status = PodStatus(phase, (PodCondition("Ready", "True" if ready else "False"),))
    meta = evolve(pod.metadata, uid=pod.metadata.name, deletion_timestamp=0 if going and node else None)
    return evolve(pod, metadata=meta, spec=evolve(pod.spec, node_name=node), status=status)


@st.composite
def stores(draw: st.DrawFn) -> Cache:
    """Draw a set that may be rolling from one template to the next, and Pods of both, most of them well."""
    members = draw(st.lists(MEMBERS, min_size=1, max_size=4))
    gap, first = draw(st.sampled_from([None, None, None, 0, 1, 2])), draw(st.sampled_from([0, 0, 2]))
    strategy = draw(st.sampled_from(["RollingUpdate", "RollingUpdate", "OnDelete"]))
    rolling = RollingUpdateStatefulSetStrategy(draw(st.integers(0, 2))) if strategy == "RollingUpdate" else None
    wanted = draw(st.sampled_from([len(members), len(members), 0, 1, 2, 3]))
    old = evolve(
        DB.spec,
        replicas=0,
        pod_management_policy=draw(st.sampled_from(["OrderedReady", "Parallel"])),
        update_strategy=StatefulSetUpdateStrategy(strategy, rolling),
        ordinals=StatefulSetOrdinals(first),
    )
    store = after_turn(Cache.of([evolve(DB, spec=old)]))
    names = {"i:1": newest(store)}
    store = after_turn(with_spec(store, template=template("i:2")))
    names["i:2"] = newest(store)
    if draw(st.booleans()):
        owner = the_set(store)
        store = with_object(store, evolve(owner, status=evolve(owner.status, current_revision=names["i:1"])))
    for number, (kind, new, going) in enumerate(members):
        image = "i:2" if new else "i:1"
        if number != gap:
            made = new_pod(DB, template(image), names[image], first + number)
            store = with_object(store, moved(made, kind, going=going))
    return with_spec(store, replicas=wanted)


def the_set(store: Cache) -> StatefulSet:
    found = store.get(StatefulSet, KEY)
    assert found is not None
    return found


def with_spec(store: Cache, **changes: Any) -> Cache:
    owner = the_set(store)
    meta = evolve(owner.metadata, generation=owner.metadata.generation + 1)
    return with_object(store, evolve(owner, metadata=meta, spec=evolve(owner.spec, **changes)))


def newest(store: Cache) -> str:
    return max(store.list(ControllerRevision), key=lambda one: one.revision).metadata.name


def after_turn(store: Cache) -> Cache:
    return all_granted(store, statefulset.reconcile(store, KEY), "t")


def agrees(store: Cache) -> None:
    before, after = abstract(store, KEY), abstract(after_turn(store), KEY)
    assert {action.apply(before) for action in steps(before)} == {after}
    assert refines(before, after)
    kept = (statefulset.TRANSFORM[ref.kind](one) for ref, one in store.objects.items())
    slim = Cache.of(one for one in kept if one is not None)
    assert statefulset.reconcile(slim, KEY) == statefulset.reconcile(store, KEY)


@settings(max_examples=400)
@given(stores())
def test_any_turn_is_the_models(store: Cache) -> None:
    agrees(store)


def test_a_turn_before_1_12_that_replaces_a_pod_of_the_template_itself_is_none_of_the_models() -> None:
    """k/k#69967: its revision stands there twice, and the other one counts as the newest."""
    store = after_turn(after_turn(Cache.of([with_one(DB)])))
    (pod,), (kept,) = store.list(Pod), store.list(ControllerRevision)
    store = with_object(store, moved(pod, READY))
    twin = evolve(kept, metadata=evolve(kept.metadata, name=f"{kept.metadata.name}x", uid="x"))
    syncs = statefulset.grouped_before_1_12(with_object(store, twin), KEY, 1)
    judged = []
    for groups in syncs:
        after = all_granted(store, tuple(request for group in groups for request in group), "t")
        judged.append(refines(abstract(store, KEY), abstract(after, KEY)))
    assert sorted(judged) == [False, True]


def with_one(owner: StatefulSet) -> StatefulSet:
    return evolve(owner, spec=evolve(owner.spec, replicas=1))


class StatefulSetLockstep(RuleBasedStateMachine):
    """Pods come and go around one StatefulSet; each turn is compared with the model's."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Cache.of([DB])

    def put(self, obj: Any) -> None:
        self.store = with_object(self.store, obj)

    @initialize(store=stores())
    def begin(self, store: Cache) -> None:
        self.store = store

    @rule(replicas=st.integers(0, 3))
    def scale(self, replicas: int) -> None:
        self.store = with_spec(self.store, replicas=replicas)

    @rule(image=st.sampled_from(["i:1", "i:2", "i:3"]))
    def set_image(self, image: str) -> None:
        self.store = with_spec(self.store, template=template(image))

    @precondition(lambda self: self.store.list(Pod))
    @rule(data=st.data(), kind=st.sampled_from(KINDS))
    def pod_moves_on(self, data: st.DataObject, kind: tuple[str, str, bool]) -> None:
        pod = data.draw(st.sampled_from(self.store.list(Pod)))
        node = pod.spec.node_name or kind[0]
        self.put(moved(pod, (node, *kind[1:]), going=pod.metadata.terminating))

    @precondition(lambda self: self.store.list(Pod))
    @rule(data=st.data())
    def pod_is_deleted(self, data: st.DataObject) -> None:
        pod = data.draw(st.sampled_from(self.store.list(Pod)))
        self.put(evolve(pod, metadata=evolve(pod.metadata, deletion_timestamp=0)))

    @precondition(lambda self: self.store.list(Pod))
    @rule(data=st.data())
    def pod_is_gone(self, data: st.DataObject) -> None:
        self.store = without_object(self.store, data.draw(st.sampled_from(self.store.list(Pod))))

    @rule()
    def turn(self) -> None:
        self.store = after_turn(self.store)

    @rule()
    def turns_come_to_an_end(self) -> None:
        store = self.store
        for _ in range(8):
            requests = statefulset.reconcile(store, KEY)
            if not requests:
                return
            store = all_granted(store, requests, "t")
        assert statefulset.reconcile(store, KEY) == ()

    @invariant()
    def the_turn_is_the_models(self) -> None:
        agrees(self.store)


TestStatefulSetLockstep = StatefulSetLockstep.TestCase
TestStatefulSetLockstep.settings = settings(max_examples=50, stateful_step_count=15)
