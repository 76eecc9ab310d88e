"""Which of several Pods that rank alike a ReplicaSet deletes: of those on crowded nodes first.

A node is crowded by the active Pods there of all ReplicaSets with the same controller. Upstream:
pkg/controller/replicaset/replica_set.go, getPodsRankedByRelatedPodsOnSameNode; pkg/controller/controller_utils.go,
ActivePodsWithRanks, where this stands behind readiness and deletion cost.

Nodes and sisters are looked at as they are when a sync begins, and only where there is a choice: a ReplicaSet that
watched the Pods of its sisters would have news whenever anything happens to one of them. The Pod cache is one for
all keys of the controller, so what made a Deployment scale a ReplicaSet down (a sister's status) has been seen by then.
Readiness, cost and number are of the ReplicaSet's own old view, as ever. The bounds say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ....impl.api.apps import ReplicaSet
from ....impl.api.core import Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.requests import Delete, any_of
from ....model.machine import View
from ....model.world.turn import Part, Together, together
from ....model.world.world import Alternatives

Pools = Mapping[str, tuple[str, ...]]


def crowded_first(place: str, pools: Pools, view: View, syncs: Alternatives) -> Alternatives:
    """Return the syncs of a place's ReplicaSet that let go of nobody on a less crowded node than one that stays."""
    return tuple(tuple(_crowded(part, place, pools, view) for part in sync) for sync in syncs)


def _crowded(part: Part, place: str, pools: Pools, view: View) -> Part:
    """Leave open, of deletions sent side by side, who goes of those on nodes that are as crowded."""
    if not isinstance(part, Together) or not part.ties:
        return part
    rank = _ranks(place, pools, view)
    ((tie, count),) = part.ties
    crowd = {request: rank[request.ref] for request in tie if isinstance(request, Delete) and request.ref in rank}
    if len(crowd) < len(tie):
        return part  # One is gone already, and its node forgotten.
    least = sorted(crowd.values(), reverse=True)[count - 1]
    certain = [request for request in crowd if crowd[request] > least]
    like = [request for request in crowd if crowd[request] == least]
    (left,) = together((*part.requests, *certain, *any_of(like, count - len(certain))))
    return left


def _ranks(place: str, pools: Pools, view: View) -> dict[Ref, int]:
    """Return every Pod in the store the number of active Pods of the ReplicaSet and its sisters on its node."""
    uid, controller = view.via(_kin, place)
    family = {uid}
    if controller:
        kin = [view.via(_kin, slot) for slot in pools.get("ReplicaSet", ())]
        family |= {child for child, parent in kin if parent == controller}
    pods = [found for slot in pools["Pod"] if (found := view.via(_berth, slot)) is not None]
    crowd = Counter(node for _, node, owner, active in pods if active and owner in family)
    return {ref: crowd[node] for ref, node, _, _ in pods}


def _kin(obj: Object | None) -> tuple[str, str]:
    """Return the uids of a ReplicaSet and of its controller, "" where there is none."""
    if not isinstance(obj, ReplicaSet):
        return "", ""
    controller = obj.metadata.controller
    return obj.metadata.uid, "" if controller is None else controller.uid


def _berth(obj: Object | None) -> tuple[Ref, str, str, bool] | None:
    """Return a Pod's name, its node, who owns it, and whether it is active."""
    if not isinstance(obj, Pod):
        return None
    controller = obj.metadata.controller
    return ref_of(obj), obj.spec.node_name, "" if controller is None else controller.uid, obj.active
