"""Whether it makes no difference on which node a Pod is.

Then runs that differ in this alone go in lockstep: forget the nodes of Pods, and every step that one can take the other
can, too, and no claim tells them apart. For that every node must take every Pod at any time (none is tainted, none
full however many Pods there are), no Pod may ask for a node or look at which others are there, nothing may happen to a
node, and no Service may answer on a node only what is there. Scores then choose among equals.
"""

from __future__ import annotations

from ...impl.api.core import Node, Pod, PodSpec, Service
from ...impl.apiserver.pod_defaults import default_pod
from ..input.priorities import pod_specs
from ..input.scenario import Scenario
from .faults.registry import strike_nodes
from .room import has, largest, scaled


def all_the_same(scenario: Scenario) -> bool:
    """Tell whether no node makes a difference to any Pod, whatever the script does and wherever the others are."""
    nodes = [one for one in scenario.objects if isinstance(one, Node)]
    services = [one for one in scenario.everything if isinstance(one, Service)]
    return (
        not strike_nodes(scenario)
        and all(one.names_nobody for one in scenario.script)
        and not any(map(asks_nodes, services))
        and all(map(is_open, nodes))
        and all(map(_at_home_anywhere, pod_specs(scenario)))
        and _room(scenario, nodes)
    )


def asks_nodes(service: Service) -> bool:
    """Tell whether a Service answers on a node only what is there: then its proxies differ."""
    return "Local" in {service.spec.internal_traffic_policy, service.spec.external_traffic_policy}


def is_open(node: Node) -> bool:
    """Tell whether a node takes Pods, and will go on to: nothing in it gives it a taint."""
    well = all((one.status == "True") is (one.type == "Ready") for one in node.status.conditions)
    return well and not node.spec.unschedulable and not node.spec.taints


def _at_home_anywhere(spec: PodSpec) -> bool:
    """Tell whether a Pod asks of a node nothing but room."""
    ports = (port for one in (*spec.init_containers, *spec.containers) for port in one.ports)
    spread = any(one.when_unsatisfiable != "ScheduleAnyway" for one in spec.topology_spread_constraints)
    asks = spec.node_name or spec.node_selector or spec.affinity or spec.host_network
    return not (asks or spread or any(port.host_port for port in ports))


def _room(scenario: Scenario, nodes: list[Node]) -> bool:
    """Tell whether as many Pods as there may ever be, each as large as any, fit on every node."""
    most = largest(default_pod(Pod(spec=one)) for one in pod_specs(scenario))
    wanted = {"pods": scenario.pods, **scaled(most, scenario.pods)}
    return all(has(node, wanted) for node in nodes)
