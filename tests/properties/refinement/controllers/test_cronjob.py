"""The CronJob controller and its model take the same turns, however time passes and whatever becomes of its Jobs."""

# ruff: noqa: D102 - the names of the rules say what they do

from __future__ import annotations

from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kubeproof.impl.api.batch import CronJob, Job, JobCondition
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.controllers.cronjob import cronjob as controller
from kubeproof.model.components.workloads.cronjob import after_turn
from kubeproof.properties.refinement.controllers.cronjob import MINUTE, abstract
from kubeproof.properties.refinement.controllers.cronjob_worlds import CRON, KEY, World, worlds
from kubeproof.properties.refinement.granted import all_granted, with_object, without_object


class CronJobLockstep(RuleBasedStateMachine):
    """Minutes pass, Jobs end and go, and the controller's turns are compared with the model's."""

    def __init__(self) -> None:
        super().__init__()
        self.store, self.minutes = Cache.of([CRON]), 0

    @initialize(world=st.sampled_from(tuple(worlds())))
    def begin(self, world: World) -> None:
        self.store, self.minutes = world.store, world.minutes

    @rule(minutes=st.integers(1, 3))
    def time_passes(self, minutes: int) -> None:
        self.minutes += minutes

    @precondition(lambda self: any(not one.finished for one in self.store.list(Job)))
    @rule(data=st.data(), how=st.sampled_from(["Complete", "Failed"]))
    def a_job_is_over(self, data: st.DataObject, how: str) -> None:
        one = data.draw(st.sampled_from([each for each in self.store.list(Job) if not each.finished]))
        status = evolve(one.status, conditions=(JobCondition(how, "True"),))
        self.store = with_object(self.store, evolve(one, status=status))

    @precondition(lambda self: self.store.list(Job))
    @rule(data=st.data())
    def a_job_goes(self, data: st.DataObject) -> None:
        self.store = without_object(self.store, data.draw(st.sampled_from(self.store.list(Job))))

    @rule(suspended=st.booleans())
    def suspend(self, *, suspended: bool) -> None:
        cron = self.store.get(CronJob, KEY)
        assert cron is not None
        self.store = with_object(self.store, evolve(cron, spec=evolve(cron.spec, suspend=suspended)))

    @rule()
    def a_turn(self) -> None:
        requests = controller.reconcile(self.store, KEY, now=self.minutes * MINUTE)
        self.store = all_granted(self.store, requests, f"t{self.minutes}")

    @invariant()
    def the_turn_is_the_models(self) -> None:
        now = self.minutes * MINUTE
        requests = controller.reconcile(self.store, KEY, now=now)
        after = all_granted(self.store, requests, "next")
        assert abstract(after, KEY, now) == after_turn(abstract(self.store, KEY, now))
        assert controller.reconcile(after, KEY, now=now) == ()


TestCronJobLockstep = CronJobLockstep.TestCase
TestCronJobLockstep.settings = settings(max_examples=60, stateful_step_count=15)
