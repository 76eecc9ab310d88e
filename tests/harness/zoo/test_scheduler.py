"""Each documented failure of the scheduler is found by a search, and gone with its repair; its trace replays."""

from __future__ import annotations

from functools import partial

import pytest
from attrs import evolve

from kubeproof.harness.world.grains.scheduling_queue.claims import (
    EVICTED,
    PLACED,
    evicted_at_most,
    machine,
    misplaced,
    placed,
)
from kubeproof.harness.world.grains.scheduling_queue.queue import Scene, Ways
from kubeproof.harness.zoo.catalogue import Pair, as_documented
from kubeproof.harness.zoo.scheduler import (
    NEVER_TERMINATES,
    PAIRS,
    REFILL,
    WITHDRAWN,
    node,
    pod,
    search,
)
from kubeproof.impl.scheduler.queue.entry import NominationEnds, QueueSettings, Remembers
from kubeproof.model.checker.explore import explore
from kubeproof.model.checker.results import Status
from kubeproof.model.checker.traces import replay
from kubeproof.model.machine import Recoverable
from scenes.scheduling_scenes import GHOST_ACCEPTED, GHOST_REFUSED, LOST_POD, LOST_WAKE_UP

FLAG = Ways(QueueSettings(remembers=Remembers.FLAG), waits_for_failure=False)
CYCLE = evolve(FLAG, queue=QueueSettings())
HINTS = evolve(FLAG, queue=QueueSettings.of(queueing_hints=True))


def placeable(scene: Scene) -> Recoverable:
    """Claim that the scheduler can always get there by itself, whatever users and faults have done."""
    return Recoverable("placeable", "", partial(misplaced, scene), actions=_by_itself)


def _by_itself(action: str) -> bool:
    return not action.startswith(("user", "network", "API server", "scheduler crashes"))


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.name for pair in PAIRS])
def test_the_failure_is_as_documented(pair: Pair) -> None:
    faulty, repaired = pair.faulty(), pair.repaired()
    assert as_documented(faulty, repaired), (faulty, repaired)


def test_the_pairs_have_names_sources_and_words_of_their_own() -> None:
    assert len({pair.name for pair in PAIRS}) == len(PAIRS) == 4
    assert {"93505", "95752", "126700"} <= {source.rpartition("#")[2] for pair in PAIRS for source in pair.sources}
    assert len({pair.what for pair in PAIRS}) == len({pair.repair for pair in PAIRS}) == len(PAIRS)


def test_that_nobody_evicts_too_much_is_vacuous_where_nobody_evicts() -> None:
    alone = Scene((node("n", 1),), (pod("a", 1),))
    found = explore(machine(alone, Ways()), (placed(alone), evicted_at_most(1)))
    assert (found[EVICTED].status, found[EVICTED].vacuous) == (Status.HOLDS, True)
    assert not search(REFILL, Ways())[EVICTED].vacuous


@pytest.mark.parametrize(
    ("scene", "ways", "last"),
    [
        (LOST_WAKE_UP, FLAG, "b"),
        (LOST_POD, Ways(replaces=False), "reflector: lists everything anew"),
        (GHOST_REFUSED, Ways(drops_missing_nodes=False), "scheduler tries a: wants it on n"),
        (GHOST_ACCEPTED, Ways(), ""),
        (NEVER_TERMINATES, Ways(), "watch: Pod: h is promised n"),
    ],
    ids=["lost wake-up", "lost Pod", "ghost refused", "ghost accepted", "never terminates"],
)
def test_a_trace_replays_and_ends_where_the_failure_is(scene: Scene, ways: Ways, last: str) -> None:
    trace = search(scene, ways)[PLACED].trace
    assert trace is not None
    assert replay(machine(scene, ways), trace).complete
    assert last in trace.lines()[-1]


def test_the_lost_wake_up_is_an_event_between_a_trial_and_its_end() -> None:
    trace = search(LOST_WAKE_UP, FLAG)[PLACED].trace
    assert trace is not None
    lines = trace.lines()
    tried, gone = lines.index("scheduler tries a: fits nowhere"), lines.index("watch: Pod: v is gone")
    wiped, queued = lines.index("scheduler tries b: fits nowhere"), lines.index("scheduler works on a: queues it again")
    assert tried < gone < wiped < queued
    repaired = explore(machine(LOST_WAKE_UP, CYCLE), [placed(LOST_WAKE_UP)])
    assert repaired[PLACED].status is Status.HOLDS
    assert "back-off of a" not in repaired.statistics.never_enabled


def test_a_ghost_is_chosen_again_and_again() -> None:
    trace = search(GHOST_ACCEPTED, Ways())[PLACED].trace
    assert trace is not None
    assert trace.cycle_start is not None
    cycle = trace.lines()[trace.cycle_start + 1 :]
    assert "scheduler binds a-0: binds it to n" in cycle
    assert "podgc: a-0: removes it, n does not exist" in cycle


@pytest.mark.parametrize("ways", [CYCLE, HINTS], ids=["cycles", "events"])
def test_no_event_is_lost_in_either_way_of_remembering(ways: Ways) -> None:
    assert search(LOST_WAKE_UP, ways)[PLACED].status is Status.HOLDS


def test_a_lost_wake_up_cannot_be_recovered_from_without_an_event_from_outside() -> None:
    for ways, status in ((FLAG, Status.VIOLATED), (CYCLE, Status.HOLDS), (evolve(FLAG, flushes=True), Status.HOLDS)):
        found = explore(machine(LOST_WAKE_UP, ways), [placeable(LOST_WAKE_UP)])
        assert found["placeable"].status is status


@pytest.mark.parametrize(
    ("scene", "ways"),
    [(LOST_WAKE_UP, FLAG), (LOST_WAKE_UP, CYCLE), (LOST_WAKE_UP, HINTS), (LOST_POD, Ways(replaces=False))],
    ids=["flag", "cycles", "events", "lost Pod"],
)
def test_numbering_trials_anew_changes_no_verdict(scene: Scene, ways: Ways) -> None:
    exact = explore(machine(scene, ways, exact=True), [placed(scene), placeable(scene)])
    reduced = explore(machine(scene, ways), [placed(scene), placeable(scene)])
    assert exact.complete
    assert [one.status for one in exact.verdicts] == [one.status for one in reduced.verdicts]
    assert reduced.states <= exact.states


def test_what_1_33_does_still_loses_who_was_refused_before_the_status_was_seen() -> None:
    ways = Ways(QueueSettings(nomination_ends=NominationEnds.SEEN))
    verdict = explore(machine(WITHDRAWN, ways), [placed(WITHDRAWN)])[PLACED]
    assert verdict.status is Status.VIOLATED
    assert verdict.trace is not None
    assert "watch: Pod: h is promised n" not in verdict.trace.lines()


@pytest.mark.parametrize("scene", [REFILL, LOST_POD, GHOST_REFUSED], ids=["refill", "lost Pod", "ghost"])
def test_with_queueing_hints_everything_is_placed_as_well(scene: Scene) -> None:
    ways = Ways(QueueSettings.of(queueing_hints=True))
    assert explore(machine(scene, ways), [placed(scene)])[PLACED].status is Status.HOLDS


def test_synchronous_preemption_of_1_32_evicts_no_replacement() -> None:
    found = search(REFILL, Ways())
    assert {one.status for one in found.verdicts} == {Status.HOLDS}
    assert not any(one.vacuous for one in found.verdicts)


def test_a_crash_of_the_scheduler_costs_an_eviction_and_nothing_more() -> None:
    found = search(evolve(REFILL, crashes=1), Ways())
    assert found[PLACED].status is Status.HOLDS
    assert found[EVICTED].status is Status.VIOLATED
    assert found[EVICTED].trace is not None
    assert "scheduler crashes: and starts anew" in found[EVICTED].trace.lines()
    assert search(evolve(LOST_WAKE_UP, crashes=1), CYCLE)[PLACED].status is Status.HOLDS
