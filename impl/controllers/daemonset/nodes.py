"""Which nodes a DaemonSet's Pod is to run on, what that Pod is like, and which node a Pod is for.

Upstream: pkg/controller/daemon/daemon_controller.go (nodeShouldRunDaemonPod, NewPod), pkg/controller/daemon/util/
daemonset_util.go (v1.32).
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve, frozen

from ...api.apps import DaemonSet
from ...api.core import (
    Affinity,
    Node,
    NodeAffinity,
    NodeSelector,
    NodeSelectorTerm,
    NodeSpec,
    Pod,
    PodSpec,
    Taint,
    Toleration,
)
from ...api.meta import LabelSelectorRequirement, ObjectMeta
from ...api.values.frozen import strings
from ...api.well_known import (
    DAEMONSET_GENERATION,
    DISK_PRESSURE,
    MEMORY_PRESSURE,
    NETWORK_UNAVAILABLE,
    NOT_READY,
    PID_PRESSURE,
    REVISION_HASH,
    TEMPLATE_GENERATION,
    UNREACHABLE,
    UNSCHEDULABLE,
)
from ...scheduler.plugins.node_affinity import NAME_FIELD, allows
from ...scheduler.plugins.taint_toleration import tolerated
from ..common import Keep, controller_of, slim_metadata

ALWAYS_TOLERATED = tuple(
    Toleration(key=key, operator="Exists", effect=effect)
    for key, effect in (
        (NOT_READY, "NoExecute"),
        (UNREACHABLE, "NoExecute"),
        (DISK_PRESSURE, "NoSchedule"),
        (MEMORY_PRESSURE, "NoSchedule"),
        (PID_PRESSURE, "NoSchedule"),
        (UNSCHEDULABLE, "NoSchedule"),
    )
)
ON_THE_HOST_NETWORK = Toleration(key=NETWORK_UNAVAILABLE, operator="Exists", effect="NoSchedule")


@frozen
class Wish:
    """Whether a node is to get a Pod if it has none, and whether it may keep one that it has."""

    runs: bool
    keeps: bool


def wish(owner: DaemonSet, node: Node) -> Wish:
    """Return what a DaemonSet wants of a node: only an untolerated NoExecute taint takes a Pod away again."""
    spec = owner.spec.template.spec
    if spec.node_name not in {"", node.metadata.name} or not allows(Pod(spec=spec), node):
        return Wish(runs=False, keeps=False)
    tolerations = tolerating(spec).tolerations
    against = {taint.effect for taint in node.spec.taints if not tolerated(taint, tolerations)}
    return Wish(runs=not against & {"NoSchedule", "NoExecute"}, keeps="NoExecute" not in against)


def tolerating(spec: PodSpec) -> PodSpec:
    """Return a Pod's spec with the tolerations that every Pod of a DaemonSet has."""
    added = (*ALWAYS_TOLERATED, ON_THE_HOST_NETWORK) if spec.host_network else ALWAYS_TOLERATED
    tolerations = spec.tolerations
    for toleration in added:
        same = [_alike(toleration, other) for other in tolerations]
        put = tuple(toleration if found else other for found, other in zip(same, tolerations, strict=True))
        tolerations = put if any(same) else (*tolerations, toleration)
    return evolve(spec, tolerations=tolerations)


def _alike(one: Toleration, other: Toleration) -> bool:
    return (one.key, one.effect, one.operator, one.value) == (other.key, other.effect, other.operator, other.value)


def new_pod(owner: DaemonSet, node: str, digest: str) -> Pod:
    """Make the Pod for a node, of the revision with a hash; the scheduler binds it, to that node alone."""
    template = owner.spec.template
    generation = owner.metadata.annotations.get(DAEMONSET_GENERATION)
    own = {REVISION_HASH: digest, **({TEMPLATE_GENERATION: generation} if generation else {})}
    spec = tolerating(template.spec)
    return Pod(
        metadata=ObjectMeta(
            generate_name=f"{owner.metadata.name}-",
            namespace=owner.metadata.namespace,
            labels=strings({**template.metadata.labels, **own}),
            annotations=template.metadata.annotations,
            finalizers=template.metadata.finalizers,
            owner_references=(controller_of(owner),),
        ),
        spec=evolve(spec, affinity=only_on(spec.affinity, node)),
    )


def only_on(affinity: Affinity | None, node: str) -> Affinity:
    """Return an affinity that requires a node by its name, in place of whatever else it requires of nodes."""
    named = LabelSelectorRequirement(key=NAME_FIELD, operator="In", values=(node,))
    required = NodeSelector((NodeSelectorTerm(match_fields=(named,)),))
    given = affinity or Affinity()
    nodes = evolve(given.node_affinity or NodeAffinity(), required_during_scheduling_ignored_during_execution=required)
    return evolve(given, node_affinity=nodes)


def target(pod: Pod) -> str:
    """Return the node that a Pod is on or for; "" where its affinity names none."""
    if pod.spec.node_name:
        return pod.spec.node_name
    affinity = None if pod.spec.affinity is None else pod.spec.affinity.node_affinity
    required = None if affinity is None else affinity.required_during_scheduling_ignored_during_execution
    for term in () if required is None else required.node_selector_terms:
        for field in term.match_fields:
            if (field.key, field.operator) == (NAME_FIELD, "In") and len(field.values) == 1:
                return field.values[0]
    return ""


def has_hash(pod: Pod, digest: str) -> bool:
    """Tell whether a Pod is of the revision with a hash."""
    return pod.metadata.labels.get(REVISION_HASH) == digest


def is_current(owner: DaemonSet, pod: Pod, digest: str) -> bool:
    """Tell whether a Pod is of a DaemonSet's template: by the hash of its revision, or the number of the template."""
    generation = owner.metadata.annotations.get(DAEMONSET_GENERATION)
    same = generation is not None and pod.metadata.labels.get(TEMPLATE_GENERATION) == generation
    return has_hash(pod, digest) or same


def slim_node(node: Node) -> Node:
    """Keep of a node its labels, and the taints that not every Pod of a DaemonSet tolerates."""
    taints = tuple(_plain(node.spec.taints))
    return Node(slim_metadata(node.metadata, Keep(labels=True)), NodeSpec(taints=taints))


def _plain(taints: Iterable[Taint]) -> Iterable[Taint]:
    return (Taint(taint.key, taint.effect, taint.value) for taint in taints if not tolerated(taint, ALWAYS_TOLERATED))
