"""Every operation on the scheduling queue is a step of its model: no event passes a Pod by that would hear of it."""

# ruff: noqa: D102 - the names of the rules say what they do

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from immutabledict import immutabledict

from kubeproof.impl.api.core import Pod, PodSchedulingGate, PodSpec
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.scheduler.queue import queue as q
from kubeproof.impl.scheduler.queue import requeue
from kubeproof.impl.scheduler.queue.cluster_event import POD, ActionType, ClusterEvent
from kubeproof.impl.scheduler.queue.entry import DEFAULT_SCHEDULER, QueuedPodInfo, QueueSettings, Remembers
from kubeproof.impl.scheduler.queue.queueing_hint_map import Registration, registrations
from kubeproof.model.checker.explore import explore
from kubeproof.model.checker.results import Status
from kubeproof.model.components.scheduling.scheduling_queue import (
    Action,
    Arrive,
    Fail,
    Flush,
    Happen,
    Leave,
    Release,
    Rested,
    State,
    Take,
)
from kubeproof.properties.refinement.scheduling_queue import AGREES, EVENTS, after, heard_by, side_by_side

NAMES = ("a", "b", "c")
WHICH = st.integers(0, 2)
PLUGINS = st.frozensets(st.sampled_from(["NodeResourcesFit", "NodeAffinity", "NodeUnschedulable"]), max_size=2)
GATE = (PodSchedulingGate("later"),)
LONG = 400
OPENED = Registration("SchedulingGates", ClusterEvent(POD, ActionType.UPDATE_POD_SCHEDULING_GATES_ELIMINATED))
WITH_GATES = immutabledict({DEFAULT_SCHEDULER: (*registrations(queueing_hints=False), OPENED)})


def pod(name: str, priority: int, *, gated: bool) -> Pod:
    spec = PodSpec(priority=priority, scheduling_gates=GATE if gated else ())
    return Pod(ObjectMeta(name=name, namespace="d", uid=name), spec)


class QueueLockstep(RuleBasedStateMachine):
    """Queue and model hear of the same; the clock goes on between."""

    configured = QueueSettings()

    def __init__(self) -> None:
        super().__init__()
        self.queue = q.SchedulingQueue()
        self.tried: dict[str, tuple[QueuedPodInfo, int]] = {}
        self.model = State()
        self.now = 0

    def agree(self, action: Action, queue: q.SchedulingQueue) -> None:
        state = after(self.model, action, queue, self.tried)
        assert state is not None, (action, self.model, queue)
        self.model, self.queue = state, queue

    @initialize(first=st.booleans())
    def some_pods_are_there(self, *, first: bool) -> None:
        for name in NAMES[:2]:
            self.pod_arrives(name=name, priority=int(first and name == "a"), gated=False)

    @rule(name=st.sampled_from(NAMES), priority=st.integers(0, 1), gated=st.booleans())
    def pod_arrives(self, name: str, priority: int, *, gated: bool) -> None:
        if name not in self.model.pods:
            new = pod(name, priority, gated=gated)
            self.agree(Arrive(name, priority, gated), q.add(self.queue, new, new, self.now))

    @rule(which=WHICH)
    def pod_is_taken(self, which: int) -> None:
        if not self.queue.active:
            return
        first = q.heads(self.queue)
        ref = first[which % len(first)]
        info, queue = q.pop(self.queue, self.configured, ref)
        assert info is not None
        self.tried[ref.name] = info, queue.scheduling_cycle
        self.agree(Take(ref.name), queue)

    @rule(which=WHICH, plugins=PLUGINS)
    def trial_fails(self, which: int, plugins: frozenset[str]) -> None:
        if not self.tried:
            return
        name = sorted(self.tried)[which % len(self.tried)]
        info, cycle = self.tried.pop(name)
        failed = evolve(info, unschedulable_plugins=plugins)
        queue = requeue.add_unschedulable_if_not_present(self.queue, self.configured, failed, cycle, self.now)
        assert isinstance(queue, q.SchedulingQueue)
        self.agree(Fail(name, heard_by(self.configured, plugins)), queue)
        assert not queue.is_in_flight(name)
        assert bool(queue.in_flight) <= bool(self.tried)

    @rule(name=st.sampled_from(sorted(EVENTS)))
    def something_happens(self, name: str) -> None:
        queue = requeue.move_all_to_active_or_backoff_queue(
            self.queue, self.configured, EVENTS[name], None, None, self.now
        )
        self.agree(Happen(name), queue)

    @rule(seconds=st.sampled_from([0, 1, 3, 12, LONG]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        if seconds == LONG:
            self.agree(Flush(), requeue.flush_unschedulable_leftover(self.queue, self.configured, self.now))
        over = {ref.name for ref, info in self.queue.backoff.items() if not self.configured.backing_off(info, self.now)}
        self.agree(Rested(frozenset(over)), q.flush_backoff_completed(self.queue, self.configured, self.now))

    @rule(which=WHICH, how=st.sampled_from(["succeeds", "is deleted", "is released"]))
    def pod_leaves(self, which: int, how: str) -> None:
        refs = sorted([*self.queue.active, *self.queue.backoff, *self.queue.unschedulable])
        if how == "succeeds" and self.tried:
            name = sorted(self.tried)[which % len(self.tried)]
            del self.tried[name]
            self.agree(Leave(name), q.done(self.queue, name))
        elif how == "is deleted" and refs:
            info = self.queue.find(refs[which % len(refs)])
            assert info is not None
            self.agree(Leave(info.pod.metadata.name), q.delete(self.queue, info.pod))
        elif how == "is released":
            self.gates_open()

    def gates_open(self) -> None:
        for old in sorted((info.pod for info in self.queue.unschedulable.values() if info.gated), key=ref_of):
            new = evolve(old, spec=evolve(old.spec, scheduling_gates=()))
            queue = requeue.update(self.queue, self.configured, old, new, new, self.now)
            self.agree(Release(old.metadata.name), queue)


class QueueLockstepWithHints(QueueLockstep):
    """The same with events remembered one by one; every registered event is worth a try."""

    configured = QueueSettings(WITH_GATES, queueing_hints=True)


SEARCH = settings(max_examples=60, stateful_step_count=20)
TestQueueLockstep = QueueLockstep.TestCase
TestQueueLockstep.settings = SEARCH
TestQueueLockstepWithHints = QueueLockstepWithHints.TestCase
TestQueueLockstepWithHints.settings = SEARCH


OPERATIONS = 5


@pytest.mark.parametrize("hints", [False, True], ids=["cycles", "events"])
def test_every_sequence_of_operations_is_one_of_the_model(*, hints: bool) -> None:
    found = explore(side_by_side(QueueSettings(queueing_hints=hints), OPERATIONS), [AGREES])
    assert found.complete
    assert found["agrees"].status is Status.HOLDS
    assert found.statistics.never_enabled == ()


def test_the_mark_that_was_there_before_lets_an_event_pass_a_pod_by() -> None:
    found = explore(side_by_side(QueueSettings(remembers=Remembers.FLAG), 4), [AGREES])["agrees"]
    assert found.status is Status.VIOLATED
    assert found.trace is not None
    first, event, second, refused = found.trace.lines()
    assert first == "takes: a is taken"
    assert event.startswith("happens: ")
    assert second == "takes: b is taken"
    assert refused.startswith("fails: a is refused by ")
