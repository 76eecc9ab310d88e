"""How fast it is: `make bench`. Ratios are taken within one run, for machines differ and are noisy.

Prints, for each machine, states and transitions per CPU second of the fast engine and how much slower the plain one is
(on a size both can do), then the checks of the examples, then scheduling decisions per second as clusters grow, and
how long it takes to place many Pods at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import process_time
from types import ModuleType

from attrs import evolve

from kubeproof.harness.check.check import check
from kubeproof.harness.face import Cluster
from kubeproof.harness.input.plain_nodes import plain_nodes
from kubeproof.harness.place.place import solve
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.scheduler import Snapshot, decide, schedule
from kubeproof.model.checker import Exploration, Options, explore
from kubeproof.properties.placement.groups import Fits, Group, Groups, Misfit
from places import EXAMPLES, MACHINES, load


def example_machine(name: str) -> ModuleType:
    """Load a module of examples/machines."""
    return load(MACHINES / f"{name}.py")


def timed(run: Callable[[], Exploration]) -> tuple[Exploration, float]:
    """Run something and give the CPU seconds it took."""
    began = process_time()
    found = run()
    return found, process_time() - began


def machines() -> None:
    """Compare the engines on two-phase commit, and show how the fast one grows."""
    commit = example_machine("two_phase_commit").two_phase_commit
    plain, slow = timed(lambda: explore(commit(4), options=Options("plain")))
    rows, fast = timed(lambda: explore(commit(4)))
    assert (plain.states, plain.transitions) == (rows.states, rows.transitions)
    print(f"two-phase commit 4: {rows.states:,} states; plain / rows = {slow / fast:.1f} in CPU time")
    for managers in (5, 6, 7):
        found, seconds = timed(lambda size=managers: explore(commit(size)))
        per = f"{found.states / seconds:,.0f} states/s, {found.transitions / seconds:,.0f} transitions/s"
        print(f"two-phase commit {managers}: {found.states:,} states, {found.transitions:,} transitions, {per}")


def examples() -> None:
    """Check the three examples."""
    for name in ("deadlock", "dropped", "web"):
        scenario = Cluster.from_manifests(EXAMPLES / name).load().scenario
        began = process_time()
        report = check(scenario)
        seconds = process_time() - began
        exploration = report.exploration
        calls = exploration.statistics.calls_per_transition if exploration else 0
        size = f"{report.states:,} states, {report.transitions:,} transitions"
        print(f"examples/{name}: {size}, {seconds:.1f} CPU s, {calls:.3f} Python calls per transition")


def scheduling() -> None:
    """Place one Pod on clusters of growing size."""
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": "100m"}}}
    pod = from_json({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}})
    assert isinstance(pod, Pod)
    for size in (10, 100, 1000, 5000):
        snapshot, start, rounds = Snapshot.of(Cache.of(plain_nodes(size))), 0, 300
        began = process_time()
        for number in range(rounds):
            one = evolve(pod, metadata=evolve(pod.metadata, name=f"p{number}"))
            decision = decide(one, snapshot, start=start)
            start = (start + decision.looked_at) % size
            snapshot = snapshot.assume(one, decision.best[number % len(decision.best)])
        seconds = process_time() - began
        print(f"scheduling {rounds} Pods on {size:,} nodes: {rounds / seconds:,.1f} decisions per CPU s")
    cache = Cache.of(plain_nodes(1000))
    began = process_time()
    schedule(pod, cache)
    print(f"scheduling on 1,000 nodes never seen before: {1000 * (process_time() - began):,.0f} ms a decision")


def placing() -> None:
    """Place 500 Pods of ten kinds on 100 nodes at once, and prove that 500 larger ones have no place."""
    for share, found in ((300, Fits), (600, Misfit)):
        some = tuple(Group(sized(f"p{number}", share + 50 * number), 50) for number in range(10))
        began = process_time()
        assert isinstance(solve(Groups(some, plain_nodes(100))), found)
        print(f"placing 500 Pods on 100 nodes: {found.__name__} in {process_time() - began:.1f} CPU s")


def sized(name: str, cpu: int) -> Pod:
    """Make a Pod that asks for so many thousandths of a CPU and keeps away from its own kind."""
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": f"{cpu}m"}}}
    term = {"labelSelector": {"matchLabels": {"app": name}}, "topologyKey": "kubernetes.io/hostname"}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    metadata = {"name": name, "namespace": "default", "labels": {"app": name}}
    spec = {"containers": [container], "affinity": apart}
    pod = from_json({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    assert isinstance(pod, Pod)
    return pod


if __name__ == "__main__":
    print(f"Python {sys.version.split()[0]}")
    machines()
    examples()
    scheduling()
    placing()
