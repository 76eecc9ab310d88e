"""The TTL-after-finished controller lets go of the Jobs that its model lets go of, and of no others, on any view."""

from __future__ import annotations

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kubeproof.impl.api.batch import Job, JobCondition, JobSpec
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import ObjectMeta, Ref
from kubeproof.impl.api.requests import Request
from kubeproof.impl.apiserver.access.authentication import controller
from kubeproof.impl.apiserver.handler import handle
from kubeproof.impl.apiserver.storage import Objects
from kubeproof.impl.controllers import ttlafterfinished
from kubeproof.model.components.workloads.ttlafterfinished import Find, LetGo, steps
from kubeproof.properties.refinement.controllers.ttlafterfinished import CONDITIONS, abstract

NAMES = st.sampled_from(["a", "b"])
STAYS = st.sampled_from([None, 0, 1, 3])
USER = controller("ttl-after-finished-controller")


class TtlLockstep(RuleBasedStateMachine):
    """Jobs end, are told to stay, go and come again under their names; the controller looks at what it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.made = 0
        self.live = self.cached = Cache.of(())
        self.asked: tuple[Request, ...] = ()

    def put(self, job: Job) -> None:
        """Put a Job in, or put it anew."""
        self.live = Cache.of((*(one for one in self.live.list(Job) if ref_of(one) != ref_of(job)), job))

    @initialize(stays=STAYS, of=st.sampled_from(CONDITIONS))
    def begins(self, stays: int | None, of: tuple[str, str]) -> None:
        """Begin in the middle: the controller has seen a Job that may be over."""
        self.is_told_to_stay("a", stays)
        (job,) = self.live.list(Job)
        self.put(evolve(job, status=evolve(job.status, conditions=(JobCondition(*of, last_transition_time=0),))))
        self.cached = self.live

    @rule(seconds=st.integers(1, 2))
    def passes(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds

    @rule(name=NAMES, stays=STAYS)
    def is_told_to_stay(self, name: str, stays: int | None) -> None:
        """Make the Job, or change how long it stays."""
        job = self.live.get(Job, Ref("Job", "d", name))
        if job is None:
            self.made += 1
            job = Job(ObjectMeta(name, namespace="d", uid=f"{self.made}"), JobSpec())
        self.put(evolve(job, spec=evolve(job.spec, ttl_seconds_after_finished=stays)))

    @precondition(lambda self: self.live.list(Job))
    @rule(data=st.data(), of=st.sampled_from(CONDITIONS))
    def is_said_to_be(self, data: st.DataObject, of: tuple[str, str]) -> None:
        """Give a Job a condition that it does not have."""
        job = data.draw(st.sampled_from(self.live.list(Job)))
        condition = JobCondition(*of, last_transition_time=self.now)
        known = {one.type for one in job.status.conditions}
        if of[0] not in known:
            self.put(evolve(job, status=evolve(job.status, conditions=(*job.status.conditions, condition))))

    @precondition(lambda self: self.live.list(Job))
    @rule(data=st.data())
    def is_gone(self, data: st.DataObject) -> None:
        """Take a Job away."""
        job = data.draw(st.sampled_from(self.live.list(Job)))
        self.live = Cache.of(one for one in self.live.list(Job) if one != job)

    @rule()
    def catches_up(self) -> None:
        """Let the controller see what there is."""
        self.cached = self.live

    def requests(self, name: str) -> tuple[Request, ...]:
        """Return what a sync of a Job asks for."""
        return ttlafterfinished.reconcile(self.cached, Ref("Job", "d", name), now=self.now, live=self.live)

    @precondition(lambda self: not self.asked)
    @rule(name=NAMES)
    def looks(self, name: str) -> None:
        """Let the controller sync a Job: what it asks for is on its way."""
        self.asked = self.requests(name)

    @invariant()
    def every_look_is_the_models(self) -> None:
        """Whatever a sync asks for the model finds, too; and on a view that is current it asks for all of that."""
        before = abstract(self.live, self.now)
        for name in "ab":
            asked, due = self.requests(name), Find(name)
            if asked or self.cached == self.live:
                assert bool(asked) == due.enabled(before)
                assert abstract(self.live, self.now, asked) == (due.apply(before) if asked else before)

    @precondition(lambda self: self.asked)
    @rule()
    def arrives(self) -> None:
        """Let the API server decide: it comes to what the model's step comes to."""
        before = abstract(self.live, self.now, self.asked)
        store = Objects.of(self.live.objects.values())
        for request in self.asked:
            store = store.commit(handle(store, request, user=USER, now=self.now)[1])
        self.live, self.asked = Cache.of(store.objects.values()), ()
        assert abstract(self.live, self.now) == LetGo().apply(before)

    @invariant()
    def one_thing_is_in_hand(self) -> None:
        """While a deletion is on its way the model has nothing else to do."""
        found = steps(abstract(self.live, self.now, self.asked))
        assert not self.asked or found == (LetGo(),)


TestTtl = TtlLockstep.TestCase


def test_a_job_that_was_made_anew_under_the_name_stays() -> None:
    """Between the look and the deletion another Job takes the name: the uid tells them apart."""
    machine = TtlLockstep()
    machine.begins(0, ("Failed", "True"))
    machine.looks("a")
    assert machine.asked
    machine.live = Cache.of(())
    machine.is_told_to_stay("a", 0)
    machine.arrives()
    (job,) = machine.live.list(Job)
    assert not job.metadata.terminating
