"""What is proved of how etcd's members agree, in worlds of three members, by going through all of them.

Terms, entries and who ever stands are bounded; crashes are not, nor is the network: what was said may be heard late,
twice, out of order, or never. A partition is messages that are not heard.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from immutabledict import immutabledict

from ...model.checker import Exploration, Options, Status, explore, refines
from ...model.components.control_plane.raft import raft
from ...model.components.control_plane.read_index import with_reads
from ...model.machine import Property
from ..proof import Answer, Proof
from .claims import claims
from .forgetting import forgetting
from .progress import Bounds, calming, progress
from .single_copy import seen, single_copy
from .symmetry import alike

MEMBERS = 3


def answer(found: Exploration) -> Answer:
    """Return what a search came to: refuted by its first breach, or by whatever ended it early."""
    for verdict in sorted(found.verdicts, key=lambda one: one.status is not Status.VIOLATED):
        if verdict.status is not Status.HOLDS or verdict.vacuous:
            steps = verdict.trace.lines() if verdict.trace else ()
            return Answer(found.transitions, (verdict.name, *steps, *verdict.evidence, verdict.status.value))
    return Answer(found.transitions)


def _engine() -> Options:
    """Return how to search: compiled, where that can be had."""
    return Options("columns" if find_spec("numba") else "rows", stop_at_first=True)


def safety(terms: int, length: int, candidates: int = MEMBERS) -> Answer:
    """Go through all that so many terms, entries in a log and members who stand can come to."""
    machine = forgetting(raft(MEMBERS, terms, length, candidates), MEMBERS, terms)
    return answer(explore(machine, claims(MEMBERS), _engine()))


def orbits(terms: int, length: int) -> Answer:
    """Go through the same with one state of all that differ only by an exchange of members."""
    machine = forgetting(raft(MEMBERS, terms, length), MEMBERS, terms)
    return answer(explore(machine, claims(MEMBERS), symmetry=alike(MEMBERS, terms)))


def keeps_on(bounds: Bounds) -> Answer:
    """Go through all that can happen before and after it is calm."""
    wanted: tuple[Property, ...] = (progress(MEMBERS),)
    return answer(explore(calming(MEMBERS, bounds), wanted, _engine()))


def one_copy(terms: int, length: int) -> Answer:
    """Hold every step of members that are written and read beside one store."""
    machine = with_reads(forgetting(raft(MEMBERS, terms, length), MEMBERS, terms), MEMBERS)
    return answer(refines(machine, single_copy(terms, length), seen, (), _engine()))


FIVE = "Election safety, leader append-only, log matching, leader completeness, state machine safety."
ONE = "The replicated store is one store: every step of its members is a step of a single copy, or none; reads, too."
LIVE = "With one member gone, everything asked for is committed."


def _proof(claim: str, sizes: str, run: Callable[[], Answer]) -> Proof:
    return Proof(claim, f"3 members, {sizes}", "every way, by the checker", run)


PROOFS: immutabledict[str, Proof] = immutabledict(
    {
        "safety-2": _proof(FIVE, "2 terms, logs of 2", lambda: safety(2, 2)),
        "safety-3": _proof(FIVE, "3 terms, logs of 2", lambda: safety(3, 2)),
        "safety-3-orbits": _proof(FIVE, "3 terms, logs of 1, up to an exchange of members", lambda: orbits(3, 1)),
        "safety-4": _proof(FIVE, "4 terms, logs of 2, two who stand", lambda: safety(4, 2, 2)),
        "safety-4-all": _proof(FIVE, "4 terms, logs of 2", lambda: safety(4, 2)),
        "progress": _proof(LIVE, "2 terms and 2 later, logs of 1, then 2", lambda: keeps_on(Bounds(2, 1, 2, 2))),
        "progress-2": _proof(LIVE, "2 terms and 2 later, logs of 2, then 3", lambda: keeps_on(Bounds(2, 2, 2, 3))),
        "one-copy-1": _proof(ONE, "2 terms, logs of 1, one read", lambda: one_copy(2, 1)),
        "one-copy": _proof(ONE, "2 terms, logs of 2, one read", lambda: one_copy(2, 2)),
    }
)
QUICK = ("safety-2", "progress", "one-copy-1")
"""Those that take a few seconds."""
