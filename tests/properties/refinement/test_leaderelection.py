"""Replicas that elect a leader as client-go does take the steps of their model, with any times."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kubeproof.impl.leaderelection.elector import Elector, LeaseSpec, Timings, granted, read, released, write
from kubeproof.properties.refinement.leaderelection import Candidate, World, abstract, moves, refines

TIMES = st.sampled_from([Timings(), Timings(4, 2, 1), Timings(7, 3, 2)])


@settings(max_examples=60, deadline=None)
@given(TIMES, st.lists(st.integers(0, 50), min_size=2, max_size=3), st.booleans(), st.data())
def test_every_step_is_the_models(times: Timings, clocks: list[int], releases: bool, data: st.DataObject) -> None:  # noqa: FBT001
    candidates = tuple(Candidate(Elector(name, times), clock) for name, clock in zip("abc", clocks, strict=False))
    world = World(candidates, releases=releases, most=30, writes=30)
    for _ in range(30):
        found = tuple(moves(world))
        if not found:
            return
        done, after = data.draw(st.sampled_from(found))
        assert refines(abstract(world), abstract(after)), done
        world = after


def test_a_lease_is_taken_when_it_has_not_changed_for_its_duration_by_the_clock_of_who_takes_it() -> None:
    """What the holder wrote as times counts for nothing."""
    theirs = LeaseSpec("other", 15, acquire_time=900, renew_time=900, lease_transitions=4)
    me = read(Elector("me"), theirs, 100)
    assert write(me, theirs, 114) is None
    assert write(me, theirs, 115) == LeaseSpec("me", 15, 115, 115, 5)
    renewed = LeaseSpec("other", 15, acquire_time=900, renew_time=902, lease_transitions=4)
    assert write(read(me, renewed, 115), renewed, 115) is None


def test_a_leader_renews_and_keeps_when_it_began() -> None:
    me = Elector("me")
    first = write(me, None, 7)
    assert first == LeaseSpec("me", 15, 7, 7, 0)
    leads = granted(me, first, 8)
    assert write(read(leads, first, 9), first, 9) == LeaseSpec("me", 15, 7, 9, 0)
    assert released(leads, 9) == LeaseSpec("", 1, 9, 9, 0)
    assert released(me, 9) is None
    free = LeaseSpec("", 1, 9, 9, 0)
    assert write(read(Elector("you"), free, 3), free, 3) == LeaseSpec("you", 15, 3, 3, 1)
