"""How Pods and nodes look to the page nodes/podgc, and the obligation of every committed request."""

from __future__ import annotations

from ....impl.api.cache import Cache
from ....impl.api.core import Node, Pod
from ....impl.api.well_known import OUT_OF_SERVICE
from ....model.components.nodes.podgc import Place, State, steps
from ....model.components.nodes.podgc import Pod as SeenPod


def abstract(store: Cache) -> State:
    """Keep where each Pod is and whether it is leaving."""
    nodes = {node.metadata.name: node for node in store.list(Node)}
    return State(
        tuple(
            SeenPod(
                f"{pod.metadata.namespace}/{pod.metadata.name}",
                _place(pod.spec.node_name, nodes),
                pod.metadata.deletion_timestamp is not None,
            )
            for pod in store.list(Pod)
        )
    )


def _place(name: str, nodes: dict[str, Node]) -> Place:
    if not name:
        return Place.NOWHERE
    if name not in nodes:
        return Place.GONE
    taints = {taint.key for taint in nodes[name].spec.taints}
    ready = {(condition.type, condition.status) for condition in nodes[name].status.conditions}
    down = OUT_OF_SERVICE in taints and ("Ready", "True") not in ready
    return Place.OUT if down else Place.HERE


def refines(before: State, after: State) -> bool:
    """Every deletion is one the model allows."""
    return after == before or any(action.apply(before) == after for action in steps(before))
