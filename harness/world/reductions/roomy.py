"""Whether it makes no difference on which node a Pod is.

Then runs that differ in this alone go in lockstep: forget the nodes of Pods, and every step that one can take the other
can, too, and no claim tells them apart. For that every node must take every Pod at any time (none is tainted, none
full however many Pods there are), no Pod may ask for a node or look at which others are there, nothing may happen to a
node, and no Service may answer on a node only what is there. Scores then choose among equals.

So one node may stand for all (`on_one_node`): a run on several is a run on the one once it is forgotten where each Pod
is. Only a ReplicaSet that gives up Pods looks at how crowded their nodes are (`crowding`); where all are on one that
tells none from another, so that on the one node there are more runs and never fewer. What is broken there is therefore
looked for again on all, whose trace says where Pods are. On the one node the scheduler has nothing to choose
(`nowhere_else`): on an old view it binds a Pod that is gone or bound, which is refused, or is late.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import evolve

from ....impl.api.apps import Deployment, ReplicaSet, StatefulSet
from ....impl.api.batch import Job
from ....impl.api.core import Node, Pod, PodSpec, Service
from ....impl.api.kinds import Object
from ....impl.api.storage import CSINode, PersistentVolume, PersistentVolumeClaim
from ....impl.api.volume_sources import DISKS
from ....impl.apiserver.defaulting.pod_defaults import default_pod
from ....impl.scheduler.plugins.volumes.volume_claims import claim_names
from ....impl.scheduler.plugins.volumes.volume_restrictions import IDENTITY
from ...input.limits import filled_in
from ...input.priorities import pod_spec, pod_specs
from ...input.scenario import Consistency, Scenario, Start, Switch
from ..controllers.volumes import disputed, tied
from ..faults.registry import strike_nodes
from ..nodes import pressure
from .room import has, largest, scaled


def all_the_same(scenario: Scenario) -> bool:
    """Tell whether no node makes a difference to any Pod, whatever the script does and wherever the others are."""
    nodes = [obj for obj in scenario.objects if isinstance(obj, Node)]
    services = [obj for obj in scenario.everything if isinstance(obj, Service)]
    return (
        not strike_nodes(scenario)
        and scenario.descheduler is None
        and not pressure.possible(scenario)
        and all(step.names_nobody for step in scenario.script)
        and not any(map(asks_nodes, services))
        and all(map(is_open, nodes))
        and all(map(_at_home_anywhere, pod_specs(scenario)))
        and not (tied(scenario) or disputed(scenario))
        and _room(scenario, nodes)
    )


SAID_OF_NO_NODE = frozenset({Switch.UNSEEN_SLICES})
"""Switches of which it is plain that nothing they change has to do with where a Pod is."""
ANYWHERE = (Deployment, Job, ReplicaSet, StatefulSet, Pod)
"""Who makes Pods whatever nodes there are, and Pods themselves."""
HOLDS_NO_DISK = frozenset({"configMap", "downwardAPI", "emptyDir", "projected", "secret"})
"""Sources of volumes that no two Pods have in common, and no node runs out of."""
NEARBY = frozenset({"service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"})


def on_one_node(scenario: Scenario) -> Scenario | None:
    """Return a scenario with one of its nodes, which stands for all, if only for itself; None where it may not.

    It has places for no more Pods than every node has room for. If its search needs no more, there never are more, on
    any number of nodes: the first one too many would have been asked for on the one node, too.
    """
    nodes = [obj for obj in scenario.everything if isinstance(obj, Node)]
    others = frozenset(node.metadata.name for node in nodes[1:])
    kept = tuple(obj for obj in scenario.objects if not (isinstance(obj, Node) and obj.metadata.name in others))
    sizes = range(scenario.pods, min(2 * scenario.replicas, scenario.pods) - 1, -1)
    bounded = (evolve(scenario, bounds=evolve(scenario.bounds, pods=pods)) for pods in sizes)
    alike = next((smaller for smaller in bounded if _placeless(smaller)), None)
    return None if alike is None else evolve(alike, objects=kept)


def nowhere_else(scenario: Scenario) -> bool:
    """Tell whether there is one node, which takes every Pod at any time: then the scheduler has nothing to choose."""
    return sum(isinstance(obj, Node) for obj in scenario.everything) == 1 and _placeless(scenario)


def _placeless(scenario: Scenario) -> bool:
    """Tell whether nobody who is looked at ever asks where a Pod is, or how many nodes there are.

    What is left out beyond `all_the_same` need not make a difference; it is not argued here that it makes none.
    """
    crowd = scenario.crowd
    services = [obj for obj in scenario.everything if isinstance(obj, Service)]
    return (
        scenario.start is not Start.CLUSTER
        and scenario.consistency is not Consistency.RESETTABLE
        and not (scenario.switches - SAID_OF_NO_NODE or scenario.detail or crowd.fills or crowd.placed)
        and scenario.deadline is None
        and len(scenario.schedulers.names) == 1
        and not any(map(is_near, services))
        and _without_disks(scenario.everything)
        and all_the_same(scenario)
    )


def is_near(service: Service) -> bool:
    """Tell whether a Service prefers what is near."""
    return bool(NEARBY & service.metadata.annotations.keys() or service.spec.extra.get("trafficDistribution"))


def _without_disks(objects: Iterable[Object]) -> bool:
    """Tell whether Pods are made by whom nodes do not matter to, and hold nothing that is on some node only."""
    for obj in objects:
        spec = pod_spec(obj)
        if spec is None:
            if isinstance(obj, CSINode | PersistentVolume | PersistentVolumeClaim):
                return False
            continue
        if not isinstance(obj, ANYWHERE) or spec.extra.get("resourceClaims"):
            return False
        volumes: Any = spec.extra.get("volumes") or ()
        if any(volume.keys() - {"name"} - HOLDS_NO_DISK for volume in volumes):
            return False
    return True


def asks_nodes(service: Service) -> bool:
    """Tell whether a Service answers on a node only what is there: then its proxies differ."""
    return "Local" in {service.spec.internal_traffic_policy, service.spec.external_traffic_policy}


def is_open(node: Node) -> bool:
    """Tell whether a node takes Pods, and will go on to: nothing in it gives it a taint."""
    well = all((condition.status == "True") is (condition.type == "Ready") for condition in node.status.conditions)
    return well and not node.spec.unschedulable and not node.spec.taints


def _at_home_anywhere(spec: PodSpec) -> bool:
    """Tell whether a Pod asks of a node nothing but room."""
    ports = (port for container in (*spec.init_containers, *spec.containers) for port in container.ports)
    spread = any(constraint.when_unsatisfiable != "ScheduleAnyway" for constraint in spec.topology_spread_constraints)
    asks = spec.node_name or spec.node_selector or spec.affinity or spec.host_network or spec.extra.get("os")
    shares = any(True for _ in claim_names(Pod(spec=spec))) or has_disks(spec)  # A volume is on one node at a time.
    return not (asks or spread or shares or any(port.host_port for port in ports))


def has_disks(spec: PodSpec) -> bool:
    """Tell whether Pods name disks themselves, of which a node has one, or which one node has."""
    volumes: Any = spec.extra.get("volumes") or ()
    return any(volume.keys() & (DISKS.keys() | IDENTITY.keys()) for volume in volumes)


def _room(scenario: Scenario, nodes: list[Node]) -> bool:
    """Tell whether as many Pods as there may ever be, each as large as any, fit on every node."""
    filled = filled_in(scenario.everything, scenario.namespace)
    given = ((pod_spec(obj), obj.metadata.namespace) for obj in scenario.everything)
    specs = (each for spec, space in given if spec is not None for each in filled(spec, space))
    most = largest(default_pod(Pod(spec=spec)) for spec in specs)
    wanted = {"pods": scenario.pods, **scaled(most, scenario.pods)}
    return all(has(node, wanted) for node in nodes)
