"""How a node looks to the page nodes/nodelifecycle, and the obligation of every committed request."""

from __future__ import annotations

from ....impl.api.cache import Cache
from ....impl.api.core import Node
from ....impl.api.meta import Ref
from ....model.components.nodes.nodelifecycle import State, steps

OURS = "node.kubernetes.io/"


def abstract(store: Cache, key: Ref, *, silent: bool) -> State:
    """Keep readiness, the cordon, and the node.kubernetes.io taints by their last part."""
    node = store.get(Node, key)
    if node is None:
        raise LookupError(f"no {key}")
    ready = [condition.status for condition in node.status.conditions if condition.type == "Ready"]
    ours = [(taint.effect, taint.key.removeprefix(OURS)) for taint in node.spec.taints if taint.key.startswith(OURS)]
    kept_away = frozenset(why for effect, why in ours if effect == "NoSchedule")
    driven_out = frozenset(why for effect, why in ours if effect == "NoExecute")
    others = [
        condition.status
        for each in store.list(Node)
        if each != node
        for condition in each.status.conditions
        if condition.type == "Ready"
    ]
    cordoned = node.spec.unschedulable
    return State(ready[0] if ready else "", silent, cordoned, kept_away, driven_out, "True" in others)


def refines(before: State, after: State) -> bool:
    """Every request is a step of the model, or changes nothing that it knows."""
    return after == before or any(action.apply(before) == after for action in steps(before))
