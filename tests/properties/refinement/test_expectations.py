"""Expectations are satisfied exactly when the model no longer waits."""

# ruff: noqa: D102 - the names of the rules say what they do

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.meta import ObjectMeta, Ref
from kubeproof.impl.api.requests import Create, Delete, Request, Update
from kubeproof.impl.controllers.replicaset.expectations import SATISFIED, after_sync
from kubeproof.model.components.workloads.expectations import Ask, SeeGoing, SeeNew, State

NAMES = st.sampled_from(["d/a", "d/b", "d/c"])


class ExpectationsLockstep(RuleBasedStateMachine):
    """Both hear of the same syncs and the same events."""

    def __init__(self) -> None:
        super().__init__()
        self.model = State()
        self.real = SATISFIED

    def sync(self, ask: Ask) -> None:
        assert ask.enabled(self.model)
        pod = Pod(ObjectMeta(generate_name="web-", namespace="d"))
        requests: list[Request] = [Create(pod)] * ask.new
        requests += [Delete(Ref("Pod", *name.split("/"))) for name in sorted(ask.go)]
        self.model = ask.apply(self.model)
        self.real = after_sync(self.real, (*requests, Update(pod, pod, "status")))

    @precondition(lambda self: not self.model.waiting)
    @rule(new=st.integers(1, 2))
    def sync_makes(self, new: int) -> None:
        self.sync(Ask(new=new))

    @precondition(lambda self: not self.model.waiting)
    @rule(go=st.frozensets(NAMES, min_size=1))
    def sync_lets_go(self, go: frozenset[str]) -> None:
        self.sync(Ask(go=go))

    @rule()
    def sync_that_only_counts(self) -> None:
        self.real = after_sync(self.real, ())

    @rule()
    def new_pod_is_seen(self) -> None:
        self.model, self.real = SeeNew().apply(self.model), self.real.creation_seen()

    @rule(name=NAMES)
    def pod_is_seen_going(self, name: str) -> None:
        self.model, self.real = SeeGoing(name).apply(self.model), self.real.deletion_seen(name)

    @invariant()
    def both_wait_or_neither_does(self) -> None:
        assert self.real.satisfied is not self.model.waiting


TestExpectationsLockstep = ExpectationsLockstep.TestCase
TestExpectationsLockstep.settings = settings(max_examples=50, stateful_step_count=20)
