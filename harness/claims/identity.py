"""Identity: of a StatefulSet no two Pods of one name run at once on two nodes, whatever the store says of them.

Counted by what runs on the nodes, Pod by Pod: a Pod that is gone from the store may still run. Asked where something
might make it so: a kubelet restarts, maybe on an old list, a node is cut off, or a Pod is gone from the store before
its kubelet has stopped it: it is deleted by force, its node is (whose Pods the garbage collector then deletes by
force), or it has a grace period of 0 seconds.
Judged by the documentation (kubernetes.io/docs/tasks/run-application/force-delete-stateful-set-pod, v1.32: at most one
Pod with a given identity runs at any time). What happens on one node, whose kubelet sees both, is not asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial

from ...impl.api.apps import StatefulSet
from ...impl.api.claim_names import IDENTITY, SENTENCES
from ...impl.api.runtime import PodRuntime, Stage
from ...model.machine import Invariant, Property, View
from ...model.world.store import name_in
from ..input.scenario import Scenario
from ..world.cluster import Cluster
from ..world.nodes.kubelets import runtime_slot

RUNS = frozenset({Stage.RUNNING, Stage.PRE_STOP, Stage.TERMINATING})
Running = tuple[str, str, str]
"""What runs: the uid of its Pod, that without what tells one Pod of a name from another, and the node."""


def properties(cluster: Cluster) -> Iterator[Property]:
    """Yield that nobody runs twice, where there are StatefulSets and something that may make it so."""
    if cluster.world.layout.pools.get("StatefulSet") and _may_fail(cluster.scenario):
        check, premise = partial(_twice, cluster), partial(_any_runs, cluster)
        yield Invariant(IDENTITY, SENTENCES[IDENTITY], check, premise)


def _may_fail(scenario: Scenario) -> bool:
    return scenario.deletes_by_force or scenario.faults.crash > 0 or scenario.faults.partition > 0


def _any_runs(cluster: Cluster, view: View) -> bool:
    return any(True for _ in _running(cluster, view))


def _twice(cluster: Cluster, view: View) -> Iterator[str]:
    by_name: dict[str, list[Running]] = defaultdict(list)
    for running in _running(cluster, view):
        by_name[running[1]].append(running)
    for reference, found in sorted(by_name.items()):
        nodes = sorted({node for _, _, node in found})
        if len({uid for uid, _, _ in found}) > 1 and len(nodes) > 1:
            where = " and ".join(nodes)
            yield f"two Pods called {name_in(reference)} run at once, on {where}"


def _running(cluster: Cluster, view: View) -> Iterator[Running]:
    """Yield what runs of Pods that have the names of StatefulSets' Pods."""
    layout = cluster.world.layout
    names = {view.via(_name_of, slot) for slot in layout.pools["StatefulSet"]}
    for place in layout.pools["Pod"]:
        uid, node = view.via(_runs, runtime_slot(place))
        name = name_in(uid)
        if uid and name.rpartition("-")[0] in names:
            yield uid, f"{uid.rpartition('/')[0]}/{name}", node or view.via(_node_of, place)


def _name_of(obj: object) -> str:
    return obj.metadata.name if isinstance(obj, StatefulSet) else ""


def _node_of(obj: object) -> str:
    return str(getattr(getattr(obj, "spec", None), "node_name", ""))


def _runs(runtime: PodRuntime | None) -> tuple[str, str]:
    return ("", "") if runtime is None or runtime.stage not in RUNS else (runtime.uid, runtime.node)
