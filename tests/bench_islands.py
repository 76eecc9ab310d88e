"""What islands cost, and what one of them does, in CPU seconds.

    python tests/bench_islands.py [rolling|idle|whole|replicas|drains|warm|reaches|places]...     all by default

- rolling: Deployments of two replicas that all roll out, three nodes: what twice as many cost.
- idle: Deployments that nothing happens to beside one that rolls out.
- whole: two of them, island by island and all at once.
- replicas: one Deployment of more and more replicas that gets a new image, with the default strategy and by ones.
- drains: a node is drained of more and more replicas, of which a budget gives up one at a time.
- warm: the same question twice, answers kept in between.
- reaches: `reach --service` of one among more and more Services.
- places: `place` of more and more Pods on more and more nodes, each proof within its ten seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import yaml

from bench import sized
from kubeproof.harness.check.results import Report
from kubeproof.harness.face import Cluster
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.plain_nodes import plain_nodes
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.islands.cache import Cache
from kubeproof.harness.islands.check import check
from kubeproof.harness.place.place import solve
from kubeproof.harness.reach.command import reach
from kubeproof.properties.placement.groups import Group, Groups, Undecided

LARGE = {"cpu": "400", "memory": "900Gi", "pods": "4000"}
"""A node with room for whatever is asked here."""

PATIENCE = 60
"""CPU seconds after which no larger question is asked."""


def deployment(name: str, replicas: int) -> dict[str, Any]:
    """Return the manifest of a Deployment that asks for nothing."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "app:1"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def scenario(count: int, replicas: int, rolling: int) -> Scenario:
    """Return so many Deployments of which the first `rolling` get a new image."""
    names = [f"app-{number}" for number in range(count)]
    files = {"all.yaml": yaml.safe_dump_all([deployment(name, replicas) for name in names])}
    script = [{"setImage": {"kind": "Deployment", "name": name, "image": "app:2"}} for name in names[:rolling]]
    return load_scenario("islands", files, {"nodes": 3, "nodeCapacity": LARGE, "script": script}).scenario


def timed(run: Callable[[], Report]) -> tuple[Report, float]:
    """Return what a check found, and the CPU seconds it took."""
    began = process_time()
    found = run()
    return found, process_time() - began


def told(found: Report, seconds: float) -> str:
    """Say how large a check was, and its verdicts."""
    verdicts = ", ".join(sorted({claim.status.value for claim in found.claims}))
    return f"{seconds:.1f} s, {found.states:,} states, {verdicts}"


def rolling() -> Iterator[str]:
    """Ask for 10, 20 and 50 rollouts."""
    for count in (10, 20, 50):
        found, seconds = timed(lambda count=count: check(scenario(count, 2, count)))
        yield f"{count} Deployments of 2 that all roll out: {told(found, seconds)}; {seconds / count:.2f} s each"


def idle() -> Iterator[str]:
    """Ask for 100, 300 and 1,000 Deployments of which one rolls out."""
    for count in (100, 300, 1000):
        found, seconds = timed(lambda count=count: check(scenario(count, 1, 1)))
        each = 1000 * seconds / count
        yield f"{count} Deployments of which one rolls out: {told(found, seconds)}; {each:.0f} ms each"


def whole() -> Iterator[str]:
    """Ask for two Deployments of one replica both ways."""
    one = scenario(2, 1, 2)
    apart, less = timed(lambda: check(one))
    together, more = timed(lambda: check(one, islands=False))
    yield f"two rollouts of 1, island by island: {told(apart, less)}"
    yield f"two rollouts of 1, all at once: {told(together, more)}; {more / less:.1f} times as much"


def alone(count: int, script: list[dict[str, Any]], strategy: dict[str, Any] | None = None) -> Scenario:
    """Return one Deployment of so many replicas, of which a budget gives up one."""
    made = deployment("app", count)
    made["spec"] |= {"strategy": {"rollingUpdate": strategy}} if strategy else {}
    spec = {"maxUnavailable": 1, "selector": made["spec"]["selector"]}
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "app"}, "spec": spec}
    files = {"all.yaml": yaml.safe_dump_all([made, budget])}
    return load_scenario("alone", files, {"nodes": 3, "nodeCapacity": LARGE, "script": script}).scenario


def until_slow(asked: Callable[[int], Scenario], name: str) -> Iterator[str]:
    """Ask for more and more replicas until one question takes the time that a person waits."""
    for count in range(3, 31):
        found, seconds = timed(lambda count=count: check(asked(count)))
        yield f"{name}, {count} replicas: {told(found, seconds)}"
        if seconds > PATIENCE:
            return


def replicas() -> Iterator[str]:
    """Ask for rollouts of one Deployment."""
    image = [{"setImage": {"kind": "Deployment", "name": "app", "image": "app:2"}}]
    yield from until_slow(lambda count: alone(count, image), "a rollout by a quarter")
    by_ones = {"maxSurge": 1, "maxUnavailable": 0}
    yield from until_slow(lambda count: alone(count, image, by_ones), "a rollout by ones")


def drains() -> Iterator[str]:
    """Ask for drains within a budget."""
    yield from until_slow(lambda count: alone(count, [{"drain": {"node": "node-1"}}]), "a drain of one node of three")


def warm() -> Iterator[str]:
    """Ask twice."""
    with TemporaryDirectory() as folder:
        kept, one = Cache(Path(folder)), scenario(10, 2, 10)
        first, cold = timed(lambda: check(one, cache=kept))
        again, seconds = timed(lambda: check(one, cache=kept))
    yield f"10 rollouts of 2, cold: {told(first, cold)}; again: {seconds:.2f} s, {again.remembered} islands remembered"


def reaches() -> Iterator[str]:
    """Ask who reaches one of 100, 300 and 1,000 Services, each with a Deployment of its own."""
    for count in (100, 300, 1000):
        names = [f"app-{number}" for number in range(count)]
        text = yaml.safe_dump_all([made for name in names for made in (deployment(name, 1), service(name))])
        began = process_time()
        with TemporaryDirectory() as folder:
            (Path(folder) / "all.yaml").write_text(text)
            found = reach(Cluster.from_manifests(folder, nodes=count // 50), "app-7")
        yield f"one of {count} Services: {process_time() - began:.1f} s, {found.status.value}"


def service(name: str) -> dict[str, Any]:
    """Return the manifest of a Service for a Deployment of this name."""
    spec = {"selector": {"app": name}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def places() -> Iterator[str]:
    """Ask for a place for 500 Pods on 100 nodes, and for 5,000 on 1,000."""
    for count in (10, 100):
        line, _ = placed(count)
        yield line


def placed(count: int) -> tuple[str, float]:
    """Ask for a place for fifty times so many Pods on ten times so many nodes; say what is found and in what time."""
    some = tuple(Group(sized(f"p{number}", 200 + 50 * (number % 10)), 50) for number in range(count))
    began = process_time()
    found = solve(Groups(some, plain_nodes(10 * count)))
    seconds = process_time() - began
    why = f" ({found.why})" if isinstance(found, Undecided) else ""
    told = f"{type(found).__name__} in {seconds:.1f} s{why}"
    return f"{50 * count:,} Pods on {10 * count:,} nodes: {told}", seconds


PARTS = {one.__name__: one for one in (rolling, idle, whole, replicas, drains, warm, reaches, places)}


def main(names: list[str]) -> int:
    """Print the parts that are named, all if none is."""
    for name in names or PARTS:
        for line in PARTS[name]():
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
