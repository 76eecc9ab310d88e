"""How replicas with a Lease look to model/components/control_plane/leaderelection.py, and every way of two of them.

Each replica has a clock of its own, which begins where it likes. The leader renews once in a tick at most, for what is
written twice at one time is the same to who compares.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from ...impl.api.meta import Time
from ...impl.leaderelection import elector as electors
from ...impl.leaderelection.elector import Elector, LeaseSpec, Timings
from ...model.components.control_plane.leaderelection import Replica, State, Times, Write, steps
from ..proof import Answer
from .lockstep import Step, searched, unless

TIMINGS = Timings(lease_duration=2, renew_deadline=1, retry_period=0)
LATE, SLOW, MOST, WRITES = 1, 0, 3, 2
"""How late an answer may be, what a leader's clock may lose between two, for how many ticks time passes, and writes."""


@frozen
class Asked:
    """A write under way: what, on which version of the Lease, and since when it is granted (None: it is not)."""

    written: LeaseSpec
    version: int
    waits: int | None = None


@frozen
class Candidate:
    """A replica as it runs: its side of the election, its clock, which version it has read, and what it believes."""

    elector: Elector
    clock: Time
    read: int = -1
    heard: Time | None = None
    """When it heard by its clock that a write was granted, while it leads."""
    asked: Asked | None = None
    lost: int = 0


@frozen
class World:
    """The Lease with its version, the replicas, how much time has passed, and how much time and how many writes may."""

    candidates: tuple[Candidate, ...]
    lease: LeaseSpec | None = None
    version: int = 0
    passed: int = 0
    releases: bool = False
    most: int = MOST
    writes: int = WRITES


def abstract(world: World) -> State:
    """Keep who has the Lease, and of each replica how long it goes on and how long it has seen no change."""
    timings = world.candidates[0].elector.timings
    times = Times(
        timings.lease_duration, timings.renew_deadline, timings.retry_period, LATE, SLOW, releases=world.releases
    )
    names = [candidate.elector.identity for candidate in world.candidates]
    holder = "" if world.lease is None else world.lease.holder_identity
    return State(
        times, tuple(_seen(world, candidate) for candidate in world.candidates), names.index(holder) if holder else None
    )


def _seen(world: World, candidate: Candidate) -> Replica:
    timings, asked = candidate.elector.timings, candidate.asked
    write = Write.NONE if asked is None else Write.SENT if asked.waits is None else Write.GRANTED
    there = candidate.elector.observed is not None
    unchanged = min(timings.lease_duration, candidate.clock - candidate.elector.observed_at) if there else 0
    return Replica(
        leads=candidate.heard is not None,
        left=0
        if candidate.heard is None
        else max(0, electors.leads_for(timings) - (candidate.clock - candidate.heard)),
        unchanged=unchanged,
        current=candidate.read == world.version,
        write=write,
        waits=0 if asked is None or asked.waits is None else asked.waits,
        lost=candidate.lost,
    )


def refines(before: State, after: State) -> bool:
    """Every step of a replica, of the API server and of time is one of the model's, or changes nothing that it sees."""
    return _plain(after) == _plain(before) or any(
        _plain(action.apply(before)) == _plain(after) for action in steps(before)
    )


def _plain(state: State) -> State:
    """Return a state without since when the Lease is unchanged to who may write it anyway, or has not seen it."""
    free = {None} if state.holder is None else {state.holder}
    replicas = (
        evolve(replica, unchanged=0) if not replica.current or free & {None, number} else replica
        for number, replica in enumerate(state.replicas)
    )
    return evolve(state, replicas=tuple(replicas))


def moves(world: World) -> Iterator[tuple[str, World]]:
    """Yield what may happen next."""
    for candidate in world.candidates:
        for done, after in _of(world, candidate):
            yield f"{candidate.elector.identity} {done}", after
    yield from _time(world)


def _put(world: World, candidate: Candidate, after: Candidate) -> World:
    same = candidate.elector.identity
    return evolve(world, candidates=tuple(after if old.elector.identity == same else old for old in world.candidates))


def _of(world: World, candidate: Candidate) -> Iterator[tuple[str, World]]:
    timings, asked = candidate.elector.timings, candidate.asked
    stops = world.releases and candidate.heard is not None and not candidate.elector.holds
    if asked is None and not stops:
        elector = electors.read(candidate.elector, world.lease, candidate.clock)
        looked = evolve(candidate, elector=elector, read=world.version)
        if candidate.read != world.version:
            yield "reads", _put(world, candidate, looked)
        written = electors.write(elector, world.lease, candidate.clock)
        if candidate.read == world.version < world.writes and written is not None and written != world.lease:
            yield "asks", _put(world, candidate, evolve(looked, asked=Asked(written, world.version)))
        back = (
            electors.released(candidate.elector, candidate.clock)
            if candidate.heard is not None and world.releases
            else None
        )
        if back is not None and candidate.read == world.version < world.writes:
            after = evolve(world, lease=back, version=world.version + 1)
            kept = electors.granted(candidate.elector, back, candidate.clock)
            yield "gives it back", _put(after, candidate, evolve(candidate, elector=kept, read=after.version))
    elif asked is not None and asked.waits is None:
        if asked.version != world.version:
            yield "is refused", _put(world, candidate, evolve(candidate, asked=None))
        else:
            after = evolve(world, lease=asked.written, version=world.version + 1)
            yield (
                "is granted",
                _put(after, candidate, evolve(candidate, asked=evolve(asked, waits=0), read=after.version)),
            )
    elif asked is not None:
        led = evolve(
            candidate,
            elector=electors.granted(candidate.elector, asked.written, candidate.clock),
            heard=candidate.clock,
        )
        yield "hears", _put(world, candidate, evolve(led, asked=None, lost=0))
    if asked is not None:
        known = candidate.read if asked.waits is None else -1
        yield "hears nothing", _put(world, candidate, evolve(candidate, asked=None, read=known))
    if candidate.heard is not None and (stops or electors.gives_up(timings, candidate.heard, candidate.clock)):
        yield (
            "gives up",
            _put(world, candidate, Candidate(Elector(candidate.elector.identity, timings), candidate.clock)),
        )


def _time(world: World) -> Iterator[tuple[str, World]]:
    """Let time pass, for a leader's clock perhaps not: while nobody has to give up, and no answer gets too late."""
    over = any(
        candidate.heard is not None and electors.gives_up(candidate.elector.timings, candidate.heard, candidate.clock)
        for candidate in world.candidates
    )
    late = any(candidate.asked is not None and (candidate.asked.waits or 0) >= LATE for candidate in world.candidates)
    if over or late or world.passed >= world.most:
        return
    for slow in (None, *world.candidates):
        if slow is None or (slow.heard is not None and slow.lost < SLOW):
            told = "time passes" if slow is None else f"time passes, but for {slow.elector.identity}"
            passed = tuple(_ticked(candidate, stands=candidate is slow) for candidate in world.candidates)
            yield told, evolve(world, candidates=passed, passed=world.passed + 1)


def _ticked(candidate: Candidate, *, stands: bool) -> Candidate:
    asked = candidate.asked
    if asked is not None and asked.waits is not None:
        asked = evolve(asked, waits=asked.waits + 1)
    return evolve(candidate, clock=candidate.clock + (not stands), lost=candidate.lost + stands, asked=asked)


def leaderelection_proof() -> Answer:
    """Search two replicas with clocks of their own for 3 ticks and 2 writes, leases of 2 ticks, answers late or not."""

    def step(world: World) -> Iterator[Step]:
        for done, after in moves(world):
            right = refines(abstract(world), abstract(after))
            yield Step(done, after, unless(right, f"no step of the model: {abstract(after)}"))

    candidates = tuple(Candidate(Elector(name, TIMINGS), clock) for name, clock in (("a", 0), ("b", 7)))
    return searched((World(candidates),), step)
