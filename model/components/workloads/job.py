"""What the Job controller may do: keep so many at work as there is work for, and count everybody once who is over.

Who is over waits until he is counted. A turn writes down who is over, lets them go, and counts those who wait no more:
whenever it breaks off, nobody is lost, and nobody is counted twice. Once enough are done the Job will be complete, and
once too many are broken it will have failed; those at work are sent away then, and when the last is gone it is over.
Leaves out: indexes, policies, restarts in place, adoption, deadlines, and the wait before a broken one is replaced.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from attrs import evolve, field, frozen


class Kind(Enum):
    """How a worker is: at work, sent away but not over yet, done, or broken."""

    WORKING = "working"
    LEAVING = "leaving"
    DONE = "done"
    BROKEN = "broken"


class Ending(Enum):
    """How the Job is going to end, if that is known."""

    OPEN = "open"
    SUCCESS = "success"
    FAILURE = "failure"


@frozen
class Worker:
    """One Pod: how it is, whether it waits to be counted, as what it is written down, whether it has a node."""

    kind: Kind
    waits: bool = True
    noted: Kind | None = None
    """DONE or BROKEN: it is written down so, and not counted."""
    placed: bool = True


def _told_apart(workers: Iterable[Worker]) -> tuple[Worker, ...]:
    """Forget who is over and waits for nothing, and in which order they came."""
    over = {Kind.DONE, Kind.BROKEN}
    kept = (worker for worker in workers if worker.waits or (worker.kind not in over and _stays(worker)))
    return tuple(sorted(kept, key=str))


def _stays(worker: Worker) -> bool:
    """Whoever is sent away without a node, and is not waited for, is gone at once."""
    return worker.placed or worker.kind is not Kind.LEAVING


@frozen
class State:
    """What is asked for, who is there, and what is written down.

    `wanted` None: one that is done is enough, and nobody is made after it. `patient`: who is leaving is neither broken
    nor replaced before he is over.
    """

    wanted: int | None
    at_once: int
    limit: int
    workers: tuple[Worker, ...] = field(converter=_told_apart)
    patient: bool = False
    stopped: bool = False
    counted: tuple[int, int] = (0, 0)
    """How many are counted as done, and as broken."""
    written: tuple[int, int] = (0, 0)
    """How many are written down as done and broken who wait no more: they are counted next."""
    ending: Ending = Ending.OPEN
    over: bool = False

    def number(self, kind: Kind) -> int:
        """How many are of a kind."""
        return sum(worker.kind is kind for worker in self.workers)

    def is_broken(self, worker: Worker) -> bool:
        """Who is leaving counts as broken, unless his end is waited for."""
        return worker.kind is Kind.BROKEN or (worker.kind is Kind.LEAVING and not self.patient)

    @property
    def sure(self) -> int:
        """All whose work is done and counts: counted, written down, or waiting for that and not written off."""
        waiting = (worker for worker in self.workers if worker.waits and Kind.DONE in {worker.kind, worker.noted})
        return self.counted[0] + self.written[0] + sum(worker.noted is not Kind.BROKEN for worker in waiting)

    @property
    def done(self) -> int:
        """All whose work is taken for done: also of one who was leaving when he was written off, and then is done."""
        late = sum(worker.waits and worker.kind is Kind.DONE and worker.noted is Kind.BROKEN for worker in self.workers)
        return self.sure + late

    @property
    def broken(self) -> int:
        """All who are broken, likewise."""
        waiting = sum(
            worker.waits and (self.is_broken(worker) or worker.noted is Kind.BROKEN) for worker in self.workers
        )
        return self.counted[1] + self.written[1] + waiting


def target(state: State) -> int:
    """So many should be at work: all that may be, but not more than there is left to do."""
    if state.stopped:
        return 0
    if state.wanted is None:
        return state.number(Kind.WORKING) if state.done else state.at_once
    return max(0, min(state.at_once, state.wanted - state.done))


def managed(state: State) -> State:
    """Make who is missing, or send away who is too many, those without a node first; nobody counts these."""
    working = sorted(
        (worker for worker in state.workers if worker.kind is Kind.WORKING), key=lambda worker: worker.placed
    )
    others = [worker for worker in state.workers if worker.kind is not Kind.WORKING]
    surplus = max(0, len(working) - target(state))
    away = [evolve(worker, kind=Kind.LEAVING, waits=False) for worker in working[:surplus]]
    missing = target(state) - len(working) - (state.number(Kind.LEAVING) if state.patient else 0)
    made = [Worker(Kind.WORKING, placed=False)] * max(0, missing)
    return evolve(state, workers=(*others, *away, *working[surplus:], *made))


def decided(state: State) -> State:
    """Say how it ends, once that is known: too many are broken, or enough are done and nobody is at work."""
    if state.ending is Ending.OPEN and state.broken > state.limit:
        state = evolve(state, ending=Ending.FAILURE)
    if state.ending is Ending.OPEN:
        state = managed(state)
        enough = state.done >= (1 if state.wanted is None else state.wanted)
        return evolve(state, ending=Ending.SUCCESS) if enough and not state.number(Kind.WORKING) else state
    sent = (evolve(worker, kind=Kind.LEAVING) if worker.kind is Kind.WORKING else worker for worker in state.workers)
    return evolve(state, workers=tuple(sent))


def counted(state: State) -> State:
    """Count everybody who is over, once, and let him go; of a Job that ends all are let go, as broken if it fails."""
    done, broken = state.counted[0] + state.written[0], state.counted[1] + state.written[1]
    kept = []
    for worker in state.workers:
        ends = worker.kind is Kind.DONE or state.is_broken(worker) or state.ending is not Ending.OPEN
        if not (worker.waits and ends):
            kept.append(worker)
            continue
        noted = worker.noted or (Kind.DONE if worker.kind is Kind.DONE else None)
        if noted is None and (state.is_broken(worker) or state.ending is Ending.FAILURE):
            noted = Kind.BROKEN
        done, broken = done + (noted is Kind.DONE), broken + (noted is Kind.BROKEN)
        kept.append(evolve(worker, waits=False, noted=None))
    return evolve(state, workers=tuple(kept), counted=(done, broken), written=(0, 0))


def after_turn(state: State) -> State:
    """Return what a turn makes of a state: nothing of a Job that is over, which is said when nobody is leaving."""
    if state.over:
        return state
    will = decided(state)
    leaving = state.number(Kind.LEAVING) + state.number(Kind.WORKING) if will.ending is not Ending.OPEN else 0
    if state.ending is Ending.OPEN and will.ending is Ending.SUCCESS:
        leaving = state.number(Kind.LEAVING) + state.number(Kind.WORKING)
    return evolve(counted(will), over=will.ending is not Ending.OPEN and not leaving)
