"""Each of Raft's properties can fail: a rule of the machine broken, and what then no longer holds."""

# ruff: noqa: E501 - rows of a table

from __future__ import annotations

import pytest

from kubeproof.model.checker import Exploration, Options, Status, explore
from kubeproof.model.components.control_plane.raft import raft
from kubeproof.properties.consensus.claims import claims
from kubeproof.properties.consensus.forgetting import forgetting
from kubeproof.properties.consensus.symmetry import alike
from planted import planted

MODULE = "kubeproof.model.components.control_plane.raft"
COMPILED = Options("columns")
SAFE = {"election safety", "leader append-only", "log matching", "leader completeness", "state machine safety"}


def searched(terms: int, length: int, candidates: int = 3) -> Exploration:
    return explore(forgetting(raft(3, terms, length, candidates), 3, terms), claims(3), COMPILED)


def broken(found: Exploration) -> set[str]:
    return {verdict.name for verdict in found.verdicts if verdict.status is Status.VIOLATED}


def test_all_hold_in_worlds_of_sizes_we_know() -> None:
    found = {size: searched(*size) for size in ((1, 1), (2, 1), (2, 2))}
    assert all(one.complete for one in found.values())
    assert {size: one.states for size, one in found.items()} == {(1, 1): 351, (2, 1): 4223, (2, 2): 36603}
    unlike = {verdict.name for one in found.values() for verdict in one.verdicts if verdict.status is not Status.HOLDS}
    assert unlike == {"somebody is behind"}  # With one term there is but one leader.


FAULTS = [
    ("a minority elects", "== me for other in range(members)) > members // 2", "== me for other in range(members)) > 0", 1, "election safety"),
    ("votes are given twice", ' or view[of("ballot", term, me)] is not None', "", 1, "election safety"),
    ("who votes does not look at the log", 'asked >= last(view[of("log", me)])', "True", 2, "leader completeness"),
    ("a minority commits", "having > members // 2", "having >= members // 2", 1, "state machine safety"),
    ("old messages cut logs", "return log if agrees else log[:after] + entries", "return log[:after] + entries", 2, "state machine safety"),
    ("nobody looks at what entries follow on", "log[:after][-1:] != sent[:after][-1:] or ", "", 2, "log matching"),
    ("a leader drops its first entry", 'yield Outcome("appends", _appended(view, me, view[of("term", me)]))', 'yield Outcome("drops", {of("log", me): view[of("log", me)][1:]})', 2, "leader append-only"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "length", "claim"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_a_broken_rule_breaks_a_claim(before: str, after: str, length: int, claim: str) -> None:
    with planted(MODULE, before, after):
        assert claim in broken(searched(2, length))


def test_every_claim_is_broken_by_some_rule() -> None:
    assert {row[4] for row in FAULTS} == SAFE


def test_an_entry_of_an_older_term_that_is_committed_by_counting_is_lost_again() -> None:
    """Figure 8 of the paper: it takes four terms, of which two members lead two each."""
    with planted(MODULE, " and log[index - 1] == term", ""):
        machine = forgetting(raft(3, 4, 2, 2), 3, 4)
        found = explore(machine, claims(3), Options("columns", stop_at_first=True))
    assert broken(found) <= {"leader completeness", "nothing is taken back", "state machine safety"}
    assert broken(found)


def test_what_is_forgotten_changes_no_verdict() -> None:
    whole, lean = explore(raft(3, 2, 1), claims(3), COMPILED), searched(2, 1)
    assert [one.status for one in whole.verdicts] == [one.status for one in lean.verdicts]
    assert lean.states * 10 < whole.states
    with planted(MODULE, "having > members // 2", "having >= members // 2"):
        assert broken(explore(raft(3, 2, 1), claims(3), COMPILED)) == broken(searched(2, 1)) != set()


@pytest.mark.parametrize("terms", [1, 2])
def test_members_are_alike(terms: int) -> None:
    machine = forgetting(raft(3, terms, 1), 3, terms)
    all_of_them, orbits = explore(machine, claims(3)), explore(machine, claims(3), symmetry=alike(3, terms))
    assert [one.status for one in all_of_them.verdicts] == [one.status for one in orbits.verdicts]
    assert all_of_them.states / 6 <= orbits.states < all_of_them.states / 4
