"""The Job controller and its model take the same turns, and a turn that breaks off loses nothing."""

# ruff: noqa: D102 - the names of the rules say what they do

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kubeproof.impl.api.batch import Job
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Pod, PodStatus
from kubeproof.impl.controllers.job import job as controller
from kubeproof.impl.controllers.job.pods import TRANSFORM
from kubeproof.model.components.workloads.job import after_turn
from kubeproof.properties.refinement.controllers.job import abstract
from kubeproof.properties.refinement.controllers.job_worlds import JOB, KEY, WORKERS, world
from kubeproof.properties.refinement.granted import all_granted, with_object, without_object

SPECS = st.builds(
    lambda **spec: evolve(JOB.spec, **spec),
    completions=st.sampled_from([None, 1, 2, 3]),
    parallelism=st.integers(0, 3),
    backoff_limit=st.integers(0, 2),
    pod_replacement_policy=st.sampled_from(["TerminatingOrFailed", "Failed"]),
    suspend=st.sampled_from([False, False, False, True]),
)
STORES = st.builds(world, SPECS, st.lists(st.sampled_from(WORKERS), max_size=4).map(tuple))


def after(store: Cache, requests: tuple[Any, ...]) -> Cache:
    return all_granted(store, requests, f"t{len(store.objects)}-{len(requests)}-")


def agrees(store: Cache) -> None:
    before, requests = abstract(store, KEY), controller.reconcile(store, KEY)
    assert abstract(after(store, requests), KEY) == after_turn(before)
    for number in range(1, len(requests)):
        assert abstract(after(store, requests[:number]), KEY).sure == before.sure
    kept = (TRANSFORM[ref.kind](one) for ref, one in store.objects.items())
    assert controller.reconcile(Cache.of(one for one in kept if one is not None), KEY) == requests


@settings(max_examples=400)
@given(STORES)
def test_any_turn_is_the_models(store: Cache) -> None:
    agrees(store)


class JobLockstep(RuleBasedStateMachine):
    """Pods of one Job come, end and go, and its turns break off; each is compared with the model's."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Cache.of([JOB])
        self.made = 0

    @initialize(store=STORES)
    def begin(self, store: Cache) -> None:
        self.store = store

    def change(self, pod: Pod, phase: str = "", *, node: str = "", going: bool = False) -> None:
        if pod.finished:
            return
        spec = evolve(pod.spec, node_name=pod.spec.node_name or node)
        meta = evolve(pod.metadata, deletion_timestamp=0) if going else pod.metadata
        status = PodStatus(phase) if phase and spec.node_name else pod.status
        self.store = with_object(self.store, evolve(pod, metadata=meta, spec=spec, status=status))

    @precondition(lambda self: self.store.list(Pod))
    @rule(data=st.data(), phase=st.sampled_from(["Running", "Succeeded", "Succeeded", "Failed"]))
    def pod_moves_on(self, data: st.DataObject, phase: str) -> None:
        self.change(data.draw(st.sampled_from(self.store.list(Pod))), phase, node="n")

    @precondition(lambda self: self.store.list(Pod))
    @rule(data=st.data())
    def pod_is_deleted(self, data: st.DataObject) -> None:
        self.change(data.draw(st.sampled_from(self.store.list(Pod))), going=True)

    @precondition(lambda self: any(not one.metadata.finalizers for one in self.store.list(Pod)))
    @rule(data=st.data())
    def pod_is_gone(self, data: st.DataObject) -> None:
        free = [one for one in self.store.list(Pod) if not one.metadata.finalizers]
        self.store = without_object(self.store, data.draw(st.sampled_from(free)))

    @rule(stopped=st.booleans())
    def suspend(self, *, stopped: bool) -> None:
        job = self.store.get(Job, KEY)
        assert job is not None
        self.store = with_object(self.store, evolve(job, spec=evolve(job.spec, suspend=stopped)))

    @rule(number=st.integers(0, 9))
    def turn(self, number: int) -> None:
        """Take a turn, or a part of one."""
        requests = controller.reconcile(self.store, KEY)
        self.made += 1
        some = requests[: number or None]
        self.store = all_granted(self.store, some, f"s{self.made}-")

    @rule()
    def turns_come_to_an_end(self) -> None:
        store = self.store
        for number in range(8):
            requests = controller.reconcile(store, KEY)
            if not requests:
                return
            store = all_granted(store, requests, f"e{number}-")
        assert controller.reconcile(store, KEY) == ()

    @invariant()
    def the_turn_is_the_models(self) -> None:
        agrees(self.store)


TestJobLockstep = JobLockstep.TestCase
TestJobLockstep.settings = settings(max_examples=60, stateful_step_count=15)
