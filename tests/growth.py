"""How the cost of Kivi's cases grows with the cluster: a table, a line for each case and size.

    python tests/growth.py [CASE]... [--sizes 3,5,10,20] [--timeout 60] [--linearizable]

The cases are those that Kivi was measured on (Liu, Zhou et al., USENIX ATC 2024), by their names there, as manifests of
N nodes: what is published of each (how long its shortest trace is, and what repairs it) stands beside what is found
here. Each size is searched with the repair and without. Printed are verdict, states, steps of the trace and CPU
seconds; a search that hits the limit says so, and how far it came. Kivi explores decisions of controllers on one view
of the cluster, one after the other; here there are an API server, old views (not with --linearizable) and kubelets
between any two of them, so that states are not of one kind.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import process_time
from types import MappingProxyType

import yaml
from attrs import frozen

from kubeproof.harness import face
from kubeproof.model.checker.results import Limits

SIZES = (3, 5, 10, 20)
SECONDS = 60
HOSTNAME, ZONE, LIFECYCLE = "kubernetes.io/hostname", "topology.kubernetes.io/zone", "lifecycle"
HARD, SOFT = "DoNotSchedule", "ScheduleAnyway"

Object = Mapping[str, object]


@frozen
class Case:
    """A case: what it is about, the claim that breaks, what is published of it, and its manifests by size."""

    name: str
    what: str
    claim: str
    published: str
    scenario: Mapping[str, object]
    objects: Callable[[int, bool], Iterator[Object]]
    """By the number of nodes, and whether with the repair."""
    script: Callable[[int, bool], list[object]] = lambda _nodes, _repaired: []
    sizes: Callable[[int], Object] | None = None
    """What the claim `availability` is asked of the workload."""
    spare: int = 0
    """There are places for so many Pods more than are wanted; 0: as many as usual."""


def node(number: int, *, cpu: int = 64, taints: Sequence[Object] = (), **labels: str) -> Object:
    """Make a node of Kivi's size."""
    name = f"node-{number}"
    capacity = {"cpu": str(cpu), "memory": "64Gi", "pods": "110"}
    metadata = {
        "name": name,
        "labels": {HOSTNAME: name, **{ZONE if key == "zone" else key: labels[key] for key in labels}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata,
        "spec": {"taints": list(taints)},
        "status": {"capacity": capacity},
    }


def workload(
    replicas: int | None, *, cpu: int = 8, uses: str = "", measured: Object = MappingProxyType({}), **spec: object
) -> Object:
    """Make the ReplicaSet of a case: its Deployment adds nothing to what goes wrong.

    `uses`: memory; `measured`: what its Pods use of cpu; without `replicas` an apply leaves their number alone.
    """
    requests = {"memory": uses} if uses else {"cpu": str(cpu)}
    container = {"name": "web", "image": "web:1", "resources": {"requests": requests}}
    labels = {"app": "web"}
    metadata = {"labels": labels, "annotations": {"kubeproof/uses-memory": uses} if uses else dict(measured)}
    template = {"metadata": metadata, "spec": {"containers": [container], **spec}}
    body = {"selector": {"matchLabels": labels}, "template": template}
    body |= {} if replicas is None else {"replicas": replicas}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"}, "spec": body}


def spread(key: str, action: str) -> Object:
    """Make a spread constraint of maxSkew 1."""
    selector = {"matchLabels": {"app": "web"}}
    return {"topologyKey": key, "maxSkew": 1, "whenUnsatisfiable": action, "labelSelector": selector}


def policy(strategy: str, **arguments: object) -> Object:
    """Make a descheduler with one strategy, in a ConfigMap as its chart has it."""
    told = [{"name": name, "args": value} for name, value in arguments.items()]
    profile = {"name": "default", "pluginConfig": told, "plugins": {"balance": {"enabled": [strategy]}}}
    text = yaml.safe_dump({"apiVersion": "descheduler/v1alpha2", "kind": "DeschedulerPolicy", "profiles": [profile]})
    metadata = {"name": "descheduler", "namespace": "kube-system"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"policy.yaml": text}}


def conflicting(nodes: int, repaired: bool) -> Iterator[Object]:  # noqa: FBT001 - one of two twins
    """S3: half of the nodes in each zone and one more in the first; both constraints hard, until one replica more."""
    count = 2 * (nodes // 2) + 1
    yield from (node(one + 1, zone="a" if one <= nodes // 2 else "b") for one in range(count))
    zones = SOFT if repaired else HARD
    yield workload(2 * count - 1, topologySpreadConstraints=[spread(HOSTNAME, HARD), spread(ZONE, zones)])


def duplicates(nodes: int, repaired: bool) -> Iterator[Object]:  # noqa: FBT001 - one of two twins
    """S1: most nodes have room for one Pod, a few for all the rest; RemoveDuplicates moves who cannot move."""
    small, middle = -(-3 * nodes // 5), -(-nodes // 5)
    large = nodes - small - middle
    cpus = [64 if repaired else 12] * small + [64] * (middle + large)
    yield from (node(one + 1, cpu=cpu) for one, cpu in enumerate(cpus))
    yield workload(small + 3 * middle + 4 * large)
    yield policy("RemoveDuplicates")


def maintenance(nodes: int, repaired: bool) -> Iterator[Object]:  # noqa: FBT001 - one of two twins
    """S6: a Pod on every node, softly spread; nodes are drained one after the other."""
    yield from (node(one + 1) for one in range(nodes))
    yield workload(nodes, topologySpreadConstraints=[spread(HOSTNAME, HARD if repaired else SOFT)])


def autoscaler(least: int, most: int, target: int = 50) -> Object:
    """Make an autoscaler by cpu of the ReplicaSet of a case."""
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": utilization(target)}}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web"},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": [metric],
    }
    kind = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
    return {**kind, "metadata": {"name": "web"}, "spec": spec}


def utilization(percent: int) -> Object:
    """Make a target of what is asked for."""
    return {"type": "Utilization", "averageUtilization": percent}


def starting(nodes: int, repaired: bool) -> Iterator[Object]:  # noqa: FBT001 - one of two twins
    """H1: Pods use all of what they ask for until they have started, and a third of it from then on."""
    yield from (node(one + 1) for one in range(nodes))
    least = max(1, nodes // 5)
    yield workload(least, measured={"kubeproof/uses-cpu-at-first": "8", "kubeproof/uses-cpu": "3"})
    yield autoscaler(least, 2 * nodes, 100 if repaired else 50)


def never_all(nodes: int) -> Object:
    """There are never as many Pods as the autoscaler may make."""
    return {"atMost": 2 * nodes - 1}


def reapplied(nodes: int, repaired: bool) -> Iterator[Object]:  # noqa: FBT001 - one of two twins
    """H2: a manifest that says how many replicas there are is applied again, over those of the autoscaler."""
    yield from (node(one + 1) for one in range(nodes))
    yield workload(None if repaired else 1)
    yield autoscaler(nodes, nodes + 2)


def apply_again(_nodes: int, repaired: bool) -> list[object]:  # noqa: FBT001 - one of two twins
    """Apply the manifest again, with another label."""
    again = workload(None if repaired else 1)
    return [{"apply": {"object": {**again, "metadata": {"name": "web", "labels": {"team": "a"}}}}}]


def at_least(nodes: int) -> Object:
    """There are never fewer Pods than the autoscaler keeps."""
    return {"atLeast": nodes}


def node_by_node(nodes: int, _repaired: bool) -> list[object]:  # noqa: FBT001 - one of two twins
    """Drain each node and bring it back."""
    names = [f"node-{one + 1}" for one in range(nodes)]
    return [step for name in names for step in ({"drain": {"node": name}}, {"uncordon": {"node": name}})]


def tainted(nodes: int, repaired: bool) -> Iterator[Object]:  # noqa: FBT001 - one of two twins
    """D1: Pods that name a node whose taint they do not tolerate."""
    taint = {"key": "key1", "value": "value1", "effect": "NoExecute"}
    yield from (node(one + 1, cpu=64 * 5, taints=[taint] if one == 0 else []) for one in range(nodes))
    tolerations = [{"key": "key1", "operator": "Exists", "effect": "NoExecute"}] if repaired else []
    yield workload(5 * nodes, nodeName="node-1", tolerations=tolerations)


def one_by_one(nodes: int, repaired: bool) -> Iterator[Object]:  # noqa: FBT001 - one of two twins
    """S9: two soft constraints and an affinity, and a descheduler that balances one constraint after the other."""
    demand = -(-nodes // 5)
    yield from (node(one + 1, lifecycle="on-demand" if one < demand else "spot") for one in range(nodes))
    weights = {"spot": 4, "on-demand": 5}
    wishes = [
        {
            "weight": weight,
            "preference": {"matchExpressions": [{"key": LIFECYCLE, "operator": "In", "values": [value]}]},
        }
        for value, weight in weights.items()
    ]
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": wishes}}
    yield workload(
        2 * nodes, affinity=affinity, topologySpreadConstraints=[spread(HOSTNAME, SOFT), spread(LIFECYCLE, SOFT)]
    )
    name = "RemovePodsViolatingTopologySpreadConstraint"
    yield policy(name, **{name: {"constraints": [HARD] if repaired else [HARD, SOFT]}})


def one_more(nodes: int, _repaired: bool) -> list[object]:  # noqa: FBT001 - one of two twins
    """Scale to one replica more."""
    count = 2 * (nodes // 2) + 1
    return [{"scale": {"kind": "ReplicaSet", "name": "web", "replicas": 2 * count}}]


def overloaded(nodes: int, repaired: bool) -> Iterator[Object]:  # noqa: FBT001 - one of two twins
    """S4: three Pods of a third each fill a node, and there are more than two for each."""
    yield from (node(one + 1) for one in range(nodes))
    asked = "20Gi" if repaired else "21815Mi"
    yield workload(2 * nodes + 1, uses=asked)


CYCLE = "a cycle of evictions"
AT_REST = {"start": "settled", "bounds": {"starts": 1}}
DRAINED = {**AT_REST, "waitBetweenSteps": True}


def all_but_one(nodes: int) -> Object:
    """At any time there are as many Pods as nodes, but for one."""
    return {"atLeast": nodes - 1}


def full_twice(_nodes: int) -> Object:
    """No more than two Pods have been ended."""
    return {"atMostFailed": 2}


CASES = (
    Case("S1", "RemoveDuplicates and room", "convergence", CYCLE, AT_REST, duplicates, spare=1),
    Case("S3", "constraints that conflict", "convergence", "5 steps at N = 3", AT_REST, conflicting, one_more),
    Case(
        "S4",
        "nodes that are full evict",
        "availability",
        "three times",
        {"start": "empty"},
        overloaded,
        spare=3,
        sizes=full_twice,
    ),
    Case(
        "S6",
        "maintenance",
        "availability",
        "two are lost at once",
        DRAINED,
        maintenance,
        node_by_node,
        sizes=all_but_one,
    ),
    Case("S9", "soft constraints, one by one", "convergence", CYCLE, AT_REST, one_by_one, spare=1),
    Case(
        "H1",
        "a start is taken for load",
        "availability",
        "39 steps at N = 3",
        {"start": "empty"},
        starting,
        sizes=never_all,
    ),
    Case("H2", "an apply without replicas", "availability", "3, 5, 1", AT_REST, reapplied, apply_again, sizes=at_least),
    Case("D1", "nodeName and NoExecute", "convergence", CYCLE, {"start": "empty"}, tainted, spare=1),
)


def row(case: Case, nodes: int, *, repaired: bool, seconds: int, more: Mapping[str, object]) -> str:
    """Search one size of a case, and tell what was found."""
    began = process_time()
    with tempfile.TemporaryDirectory() as folder:
        objects = [dict(one) for one in case.objects(nodes, repaired)]
        (Path(folder) / "case.yaml").write_text(yaml.safe_dump_all(objects), encoding="utf-8")
        scenario = {**case.scenario, **more, "expect": {case.claim: "HOLDS"}, "script": case.script(nodes, repaired)}
        if case.sizes is not None:
            scenario["availability"] = [{"kind": "ReplicaSet", "name": "web", **case.sizes(nodes)}]
        if case.spare:
            wanted = sum(one["spec"].get("replicas", 1) for one in objects if one["kind"] == "ReplicaSet")
            scenario["bounds"] = {**scenario.get("bounds", {}), "pods": wanted + case.spare}
        (Path(folder) / "scenario.yaml").write_text(yaml.safe_dump(scenario), encoding="utf-8")
        report = face.check(folder, limits=Limits(timeout=seconds)).outcome
    found = [one for one in report.claims if one.name == case.claim]
    status = found[0].status.value if found else "UNKNOWN"
    steps = f"{len(one.trace.lines())} steps" if (one := next(iter(found), None)) and one.trace else ""
    twin = "repaired" if repaired else "as it was"
    said = [line for one in found or report.claims for line in one.lines]
    why = said[0] if status == "UNKNOWN" and said else ""
    cost = f"{report.states:>10,} {process_time() - began:>8.1f}"
    return f"{case.name:<5} {nodes:>3} {twin:<10} {status:<9} {cost}  {steps:<10} {why}".rstrip()


def main(arguments: Sequence[str]) -> int:
    """Print the table; 0 where every size that was searched through is as published."""
    known = {case.name: case for case in CASES}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*", choices=[*known, []], help="all of them, if none is named")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of nodes")
    parser.add_argument("--timeout", type=int, default=SECONDS, help="seconds for each search")
    parser.add_argument("--linearizable", action="store_true", help="every component acts on the store as it is")
    asked = parser.parse_args(arguments)
    more = {"consistency": "linearizable"} if asked.linearizable else {}
    print(f"{'case':<5} {'N':>3} {'twin':<10} {'verdict':<9} {'states':>10} {'CPU s':>8}  trace")
    for case in [known[name] for name in asked.case] or CASES:
        print(f"{case.name}: {case.what}; published: {case.published}")
        for nodes in map(int, asked.sizes.split(",")):
            for repaired in (False, True):
                print(row(case, nodes, repaired=repaired, seconds=asked.timeout, more=more), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
