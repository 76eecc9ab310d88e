"""What each reduction saves: `python tests/reductions.py`, with `--quick` without the large machines.

Each line is one machine searched with a reduction and without it: states, transitions and CPU seconds of the search
(rows engine, the same properties), and whether the verdicts are the same. They must be; the exit code says so. The
machines are the standard ones of examples/machines and the cores of the Kubernetes examples.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import process_time
from types import ModuleType

from attrs import frozen

from kubeproof.harness.check.check import machine_of
from kubeproof.harness.claims import registry as claims
from kubeproof.harness.face import Cluster
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.reductions.symmetry import symmetry_of
from kubeproof.model.checker import Exploration, explore
from kubeproof.model.machine import Machine, Property, Symmetry
from places import EXAMPLES, MACHINES, load

WORLDS = ("scale", "full-nodes-repaired", "deadlock-repaired", "drain", "node-crash", "delete-deployment")
LARGE = ("dropped", "web")
LOOSE = ("delete-deployment", "node-crash")
"""Small enough for urgent steps to be taken whenever."""
TOGETHER = ("delete-deployment", "drain-blocked", "full-nodes-repaired")
"""Small enough to be searched with all components together."""
HEAD = ("machine", "reduction", "states", "transitions", "CPU s", "without: states", "transitions", "CPU s", "verdicts")

Search = Callable[[], Exploration]


@frozen
class Pair:
    """One machine with a reduction and without."""

    machine: str
    reduction: str
    reduced: Search
    whole: Search


def example_machine(name: str) -> ModuleType:
    """Load a module of examples/machines."""
    return load(MACHINES / f"{name}.py")


def standard(*, quick: bool) -> Iterator[Pair]:
    """Yield the standard machines with and without symmetry."""
    commit, dining, paxos, queue, raft = map(
        example_machine, ("two_phase_commit", "dining", "paxos", "work_queue", "raft_election")
    )
    n, seats, ballots, terms = (5, 7, 2, 2) if quick else (7, 9, 3, 3)
    size = (2, 2, 1) if quick else (3, 2, 1)
    yield _symmetric(
        f"two_phase_commit {n}",
        commit.two_phase_commit(n),
        (commit.consistent(n), commit.can_commit(n)),
        commit.alike(n),
    )
    yield _symmetric(
        f"dining {seats}, all equal",
        dining.dining(seats, left_handed=False),
        dining.exclusive(seats),
        dining.turned(seats),
    )
    yield _symmetric(
        f"paxos {ballots}",
        paxos.paxos(ballots),
        (paxos.agreement(ballots), paxos.decides(ballots)),
        paxos.alike(ballots),
    )
    yield _symmetric(
        f"work_queue {' '.join(map(str, size))}", queue.work_queue(*size), queue.in_order(size[0]), queue.alike(size[0])
    )
    yield _symmetric(f"raft_election 3 {terms}", raft.raft_election(3, terms), raft.claims(3), raft.alike(3, terms))


def _symmetric(name: str, machine: Machine, properties: Sequence[Property], symmetry: Symmetry) -> Pair:
    search = partial(explore, machine, tuple(properties))
    return Pair(name, "symmetry", partial(search, symmetry=symmetry), search)


def kubernetes(*, quick: bool) -> Iterator[Pair]:
    """Yield the cores of the Kubernetes examples with and without each reduction that can be left out of a search."""
    for name in WORLDS if quick else (*WORLDS, *LARGE):
        scenario = Cluster.from_manifests(EXAMPLES / name).load().scenario
        prepared = prepare(scenario)
        core = machine_of(scenario, prepared)
        search = partial(explore, core.machine, claims.of(core))
        if (symmetry := symmetry_of(core)) is not None:
            yield Pair(name, "symmetry", partial(search, symmetry=symmetry), search)
        if name in LOOSE:
            yield Pair(name, "urgent steps", search, partial(search, urgent=False))
    for name in TOGETHER:
        scenario = Cluster.from_manifests(EXAMPLES / name).load().scenario
        prepared = prepare(scenario)
        parts = (machine_of(scenario, prepared, reductions=reductions) for reductions in (True, False))
        yield Pair(name, "core without observers", *(partial(explore, one.machine, claims.of(one)) for one in parts))


def measured(search: Search) -> tuple[Exploration, float]:
    """Run a search and give the CPU seconds it took."""
    began = process_time()
    return search(), process_time() - began


def same(one: Exploration, other: Exploration) -> bool:
    """Tell whether two searches say the same of every property that both know."""
    theirs = {verdict.name: verdict.status for verdict in other.verdicts}
    return all(theirs.get(verdict.name, verdict.status) is verdict.status for verdict in one.verdicts)


def main(arguments: list[str]) -> int:
    """Print the table."""
    quick = "--quick" in arguments
    print("| " + " | ".join(HEAD) + " |")
    print("|" + "---|" * len(HEAD))
    differ = 0
    for pair in (*standard(quick=quick), *kubernetes(quick=quick)):
        (reduced, seconds), (whole, longer) = measured(pair.reduced), measured(pair.whole)
        equal = same(reduced, whole)
        differ += not equal
        numbers = (f"{reduced.states:,}", f"{reduced.transitions:,}", f"{seconds:.2f}")
        others = (f"{whole.states:,}", f"{whole.transitions:,}", f"{longer:.2f}")
        print(
            f"| {' | '.join((pair.machine, pair.reduction, *numbers, *others, 'same' if equal else 'DIFFER'))} |",
            flush=True,
        )
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
