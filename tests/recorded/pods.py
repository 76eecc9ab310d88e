"""What a real scheduler and a hollow kubelet did to Pods by themselves, held against ours.

The nodes are those of the cluster on which all was recorded; of what other runs had there at the same time nothing is.
So a Pod may be bound to any node that is feasible, not only to a best one, and every node may have had a Pod of no
priority that asks for nothing, or none. A scheduler may have decided on the Pods and labels of any moment since its Pod
was there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Node, Pod, PodCondition, PodSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.api.releases import OLDEST
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.api.well_known import DISRUPTION_TARGET, HOSTNAME
from kubeproof.impl.apiserver.verbs.delete import grace_period
from kubeproof.impl.kubelet.phase import Told, containers_ready, initialized, pod_phase, pod_ready
from kubeproof.impl.kubelet.status import closed_gates
from kubeproof.impl.scheduler.profile import default_profile
from kubeproof.impl.scheduler.schedule import Decision, schedule

from .difference import Difference

PROFILE = default_profile(OLDEST)
NODES = {
    name: {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {HOSTNAME: name}},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}},
    }
    for name in ("node-0", "node-1", "node-2")
}
"""As ds-nodeselector has recorded them."""
LABELS = "/api/v1/nodes/"


@frozen
class Moment:
    """The nodes and Pods there are at a moment."""

    nodes: tuple[Node, ...]
    pods: tuple[Pod, ...]

    def decide(self, pod: Pod) -> tuple[Decision, Decision]:
        """Return what our scheduler says of a Pod at this moment, without and with Pods of other runs."""
        there = tuple(one for one in self.pods if one.metadata.name != pod.metadata.name)
        crowd = tuple(
            Pod(ObjectMeta(name=node.metadata.name, namespace="others"), PodSpec(node_name=node.metadata.name))
            for node in self.nodes
        )
        alone, beside = (Cache.of((*self.nodes, *there, *others)) for others in ((), crowd))
        return schedule(pod, alone, PROFILE), schedule(pod, beside, PROFILE)


def judge(record: Mapping[str, Any]) -> Difference | None:
    """Return the first write to a Pod that ours would not make, None where there is none."""
    nodes = {name: _node(value) for name, value in NODES.items()}
    pods: dict[str, Pod] = {}
    seen: dict[str, list[Moment]] = {}
    for what in _in_order(record):
        if isinstance(what, _Labelled):
            labels = {**nodes[what.node].metadata.labels, **what.labels}
            kept = strings((key, value) for key, value in labels.items() if value is not None)
            nodes[what.node] = evolve(nodes[what.node], metadata=evolve(nodes[what.node].metadata, labels=kept))
        elif (problem := _judge(what, pods.get(what.pod.metadata.name), pods.values(), seen)) is not None:
            return problem
        else:
            pods.pop(what.pod.metadata.name, None)
            pods |= {} if what.gone else {what.pod.metadata.name: what.pod}
        now = Moment(tuple(nodes.values()), tuple(pods.values()))
        for name in pods:
            seen.setdefault(name, []).append(now)
    return None


# --- what happened ----------------------------------------------------------------------------------------------------


@frozen
class _Labelled:
    node: str
    labels: Mapping[str, str | None]


@frozen
class _Written:
    place: str
    pod: Pod
    gone: bool


def _in_order(record: Mapping[str, Any]) -> Iterator[_Labelled | _Written]:
    """Yield the changes of nodes and of Pods by their resource versions."""
    found: list[tuple[int, _Labelled | _Written]] = []
    for action in record["actions"]:
        if action.get("method") == "PATCH" and action["path"].startswith(LABELS):
            changed = _Labelled(action["path"].removeprefix(LABELS), action["body"]["metadata"]["labels"])
            found.append((int(action["resultResourceVersion"]), changed))
    for number, event in enumerate(record["events"], 1):
        if event["object"]["kind"] == "Pod":
            pod = from_json(event["object"])
            assert isinstance(pod, Pod)
            place = f"{record['scenario']} event {number}"
            written = _Written(place, pod, event["type"] == "DELETED")
            found.append((int(pod.metadata.resource_version), written))
    yield from (what for _, what in sorted(found, key=lambda one: one[0]))


def _node(value: Mapping[str, Any]) -> Node:
    found = from_json(value)
    assert isinstance(found, Node)
    return found


# --- what is to be said of it -----------------------------------------------------------------------------------------


def _judge(
    written: _Written, before: Pod | None, others: Iterable[Pod], seen: Mapping[str, list[Moment]]
) -> Difference | None:
    """Say what of a write ours would not do: a user makes and deletes Pods, the rest is of scheduler and kubelet."""
    pod = written.pod
    if before is None:
        return None
    moments = seen[pod.metadata.name]
    checks: list[tuple[str, Any, list[Any]]] = []
    if pod.spec.node_name != before.spec.node_name:
        name = pod.spec.node_name
        checks.append((name, True, [name in found.feasible for one in moments for found in one.decide(pod)]))
    told, known = _scheduled(pod), _scheduled(before)
    if told is not None and told != known and told.status == "False":
        ours = [_refused(found) for one in moments for found in one.decide(before)]
        checks.append(("is told", (told.message, _promised(pod)), ours))
    if _is_marked(pod) and not _is_marked(before):
        checks.append(("is evicted", True, [pod.metadata.name in _victims(one, seen) for one in others]))
    if pod.metadata.terminating and not before.metadata.terminating:
        checks.append(("grace", pod.metadata.deletion_grace_period_seconds, [grace_period(before, None)]))
    if pod.status.container_statuses and pod.status != before.status and not pod.metadata.terminating:
        checks.append(("phase", _reported(pod), [_ours(pod)]))
    if written.gone:
        checks.append(("is gone", 0, [before.metadata.deletion_grace_period_seconds]))
    wrong = next(((what, real, ours) for what, real, ours in checks if real not in ours), None)
    if wrong is None:
        return None
    return Difference(f"{written.place}: {pod.metadata.name} {wrong[0]}", str(wrong[1]), str(wrong[2][-1:]))


def _scheduled(pod: Pod) -> PodCondition | None:
    return pod.status.condition("PodScheduled")


def _promised(pod: Pod) -> str:
    return pod.status.nominated_node_name


def _refused(decision: Decision) -> tuple[str, str]:
    """Return what a Pod is told that fits nowhere, and the node that it is promised."""
    best = decision.preemption.selections
    return decision.message, best[0] if best else ""


def _is_marked(pod: Pod) -> bool:
    mark = pod.status.condition(DISRUPTION_TARGET)
    return mark is not None and mark.reason == "PreemptionByScheduler"


def _victims(pod: Pod, seen: Mapping[str, list[Moment]]) -> frozenset[str]:
    """Name the Pods that are evicted for one that waits: of any node that is as good as another."""
    if pod.spec.node_name:
        return frozenset()
    found = [decision.preemption for one in seen.get(pod.metadata.name, ()) for decision in one.decide(pod)]
    return frozenset(
        victim.metadata.name
        for preemption in found
        for candidate in preemption.candidates
        if candidate.node in preemption.selections
        for victim in candidate.victims
    )


CONDITIONS = ("Initialized", "Ready", "ContainersReady")


def _reported(pod: Pod) -> tuple[str, tuple[tuple[str, str], ...]]:
    found = (pod.status.condition(name) for name in CONDITIONS)
    return pod.status.phase, tuple((one.type, one.status) for one in found if one is not None)


def _ours(pod: Pod) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the phase and the conditions that ours makes of what the containers are."""
    said = Told(pod.status.init_container_statuses, pod.status.container_statuses)
    phase = pod_phase(pod.spec, said, over=False, release=OLDEST)
    ready = containers_ready(pod.spec, said, phase)
    found = (initialized(pod.spec, said, phase), pod_ready(ready, closed_gates(pod)), ready)
    return phase, tuple((one.type, one.status) for one in found)
