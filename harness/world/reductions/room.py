"""Whether Pods that are not made here could keep any other from running: not where there is room for all, twice over.

A Pod of a workload without a class here matters to the others only through the scheduler: it takes room, or it is named
by an affinity, a spread constraint or a host port. Where every node by itself has room for all that may ever be there
at once, and nothing of the rest is used, each filter answers as it does without those Pods, so that no Pod waits that
would not, and nobody is preempted. (Scores may differ; the search leaves ties open, not scores: placements that only
other scores would choose are among what is said to be assumed with the workload.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from ....impl.api.core import Node, Pod, PodSpec
from ....impl.api.kinds import Object
from ....impl.api.reading.convert import BadObject, from_json
from ....impl.api.reading.load import Other
from ....impl.api.reading.unmodelled_kinds import most_pods, pod_template, scales
from ....impl.apiserver.defaulting.pod_defaults import default_pod
from ....impl.scheduler.amounts import amount, requested
from ...input.limits import filled_in
from ...input.workloads import templates


def enough(objects: Iterable[Object], others: Iterable[Other], pods: int) -> bool:
    """Tell whether the Pods of workloads without a class here can keep no Pod from running.

    `pods` bounds how many modelled Pods there may be at once.
    """
    known = tuple(objects)
    nodes = [obj for obj in known if isinstance(obj, Node)]
    makers = [other for other in others if other.labels is not None]
    if any(scales(other.ref.kind, other.source.document.value, custom=other.custom) for other in others):
        return False
    filled = filled_in(known)
    mine = [
        default_pod(Pod(spec=spec))
        for template in templates(known)
        for spec in filled(template.spec, template.ref.namespace)
    ]
    foreign = [(pod_of(maker), most_pods(maker.source.document.value)) for maker in makers]
    whose = [maker.ref.namespace for maker in makers]
    counted = [
        (default_pod(Pod(spec=spec)), count)
        for (pod, count), space in zip(foreign, whose, strict=True)
        if pod is not None
        for spec in filled(pod.spec, space)[:1]
    ]
    if len(counted) < len(foreign):
        return False
    if any(meddles(foreigner.spec) for foreigner in (*mine, *(pod for pod, _ in counted))):
        return False
    total = Counter({"pods": pods + sum(count for _, count in counted)})
    total.update(scaled(largest(mine), pods))
    for pod, count in counted:
        total.update(scaled(requested(pod), count))
    return all(has(node, total) for node in nodes)


def pod_of(one: Other) -> Pod | None:
    """Return a Pod as a workload without a class here makes it; None where its template is none."""
    template = pod_template(one.source.document.value)
    try:
        made = from_json(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": (template or {})["spec"]}
        )
    except (BadObject, KeyError):
        return None
    return default_pod(made) if isinstance(made, Pod) else None


def meddles(spec: PodSpec) -> bool:
    """Tell whether it matters to a Pod, or to others because of it, who else is on a node."""
    affinity = spec.affinity
    return bool(
        spec.host_network
        or spec.topology_spread_constraints
        or (affinity and (affinity.pod_affinity or affinity.pod_anti_affinity))
        or any(port.host_port for container in spec.containers for port in container.ports)
    )


def largest(pods: Iterable[Pod], asks: Callable[[Pod], Mapping[str, int]] = requested) -> Mapping[str, int]:
    """Return what the largest of some Pods asks for, resource by resource; `asks` says it of one."""
    found: Counter[str] = Counter()
    for pod in pods:
        found |= Counter(asks(pod))
    return found


def scaled(amounts: Mapping[str, int], count: int) -> Mapping[str, int]:
    """Return what so many Pods ask for together."""
    return {name: number * count for name, number in amounts.items()}


def has(node: Node, total: Mapping[str, int]) -> bool:
    """Tell whether a node by itself offers as much."""
    offered = node.status.allocatable
    return all(name in offered and amount(name, offered[name]) >= number for name, number in total.items() if number)
