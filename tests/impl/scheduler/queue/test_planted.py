"""Each fault that somebody might make in the scheduling queue is noticed beside its model, or in the small world."""

from __future__ import annotations

from functools import cache
from types import ModuleType

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from kubeproof.harness.world.grains.scheduling_queue.queue import Ways
from kubeproof.harness.zoo.scheduler import REFILL, search
from kubeproof.impl.scheduler.queue.entry import QueueSettings
from kubeproof.model.checker.explore import explore
from kubeproof.model.checker.options import Options
from kubeproof.model.checker.results import Status
from kubeproof.properties.refinement.scheduling_queue import AGREES, side_by_side
from places import TESTS, load
from planted import planted
from scenes.scheduling_scenes import GHOST_ACCEPTED, LOST_POD

QUICK = settings(
    max_examples=60,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
WORLDS = {
    "a Pod is lost": (LOST_POD, Ways()),
    "a node is lost": (GHOST_ACCEPTED, Ways(notices_loss=True)),
    "preemption": (REFILL, Ways()),
}
CYCLES, EVENTS, LOCKSTEP = "every sequence, cycles", "every sequence, events", "lockstep"
OPERATIONS = 4

FAULTS = (
    ("the least important Pod is first", "queue.queue", "first = min(", "first = max(", CYCLES),
    ("an event in the same cycle does not count", "queue.requeue", "cycle >= cycle", "cycle > cycle", CYCLES),
    ("who was refused by nobody waits", "queue.requeue", "if moved or not failed.rejectors", "if moved", CYCLES),
    (
        "an event is not noted for who is being tried",
        "queue.queue",
        "return evolve(noted, in_flight=(*queue.in_flight, InFlightEvent(event, old, new)))",
        "return noted",
        EVENTS,
    ),
    (
        "only the strongest wish of a waiting plugin counts",
        "queue.requeue",
        "strongest = (Strategy.IMMEDIATELY, Strategy.AFTER_BACKOFF)",
        "strongest = (Strategy.IMMEDIATELY,)",
        EVENTS,
    ),
    (
        "events that nobody who refused it waits for move a Pod",
        "queue.requeue",
        "if registration.plugin in info.rejectors and registration.event",
        "if registration.event",
        CYCLES,
    ),
    ("events move nobody", "queue.requeue", "if strategy is not Strategy.SKIP:", "if strategy is None:", CYCLES),
    ("who was flushed stays", "queue.requeue", "now - info.timestamp > longest", "now < longest", CYCLES),
    (
        "a deleted Pod stays",
        "queue.queue",
        "evolve(queue.without(ref_of(pod)), nominator",
        "evolve(queue, nominator",
        CYCLES,
    ),
    (
        "who rested long enough rests on",
        "queue.queue",
        "if not settings.backing_off(info, now)]",
        "if False]",
        LOCKSTEP,
    ),
    (
        "a Pod that goes wakes nobody",
        "queue.cluster_event_handlers",
        "queue = move_all_to_active_or_backoff_queue(memory.queue, settings, ASSIGNED_POD_DELETE, old, None, now)",
        "queue = memory.queue",
        "a Pod is lost",
    ),
    (
        "a node that goes stays in the cache",
        "queue.assume_cache",
        "cache.nodes.discard(name)",
        "cache.nodes",
        "a node is lost",
    ),
    (
        "promised Pods are not shown",
        "queue.assume_cache",
        "_found(known, nominator.promised(name))",
        "()",
        "preemption",
    ),
    (
        "a promise is not remembered",
        "queue.nominator",
        "cleared.nodes.set(ref_of(pod), name)",
        "cleared.nodes",
        "preemption",
    ),
    ("a gate holds nobody", "queue.queue", "if pre_enqueue(info.pod):", "if False:", LOCKSTEP),
)


@cache
def lockstep() -> ModuleType:
    """Load the tests beside the model; tests are no package."""
    return load(TESTS / "properties/refinement/test_scheduling_queue.py")


def notices(check: str) -> bool:
    if check == LOCKSTEP:
        try:
            run_state_machine_as_test(lockstep().QueueLockstep, settings=QUICK)
        except AssertionError:
            return True
        return False
    if check in WORLDS:
        return search(*WORLDS[check])["placed"].status is Status.VIOLATED
    machine = side_by_side(QueueSettings(queueing_hints=check == EVENTS), OPERATIONS)
    return explore(machine, [AGREES], Options(stop_at_first=True))["agrees"].status is Status.VIOLATED


@pytest.mark.parametrize(
    ("module", "before", "after", "check"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS]
)
def test_the_fault_is_noticed(module: str, before: str, after: str, check: str) -> None:
    with planted(f"kubeproof.impl.scheduler.{module}", before, after):
        assert notices(check)


@pytest.mark.parametrize("check", [CYCLES, EVENTS, LOCKSTEP, *WORLDS])
def test_without_a_fault_the_check_is_content(check: str) -> None:
    assert not notices(check)
