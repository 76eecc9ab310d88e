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
from ....impl.api.requests import Delete
from ....model.machine import View
from ....model.world.turn import Requests, sent
from ....model.world.world import Alternatives

Pools = Mapping[str, tuple[str, ...]]


def crowded_first(place: str, pools: Pools, view: View, syncs: Alternatives) -> Alternatives:
    """Return the syncs of a place's ReplicaSet that let go of nobody on a less crowded node than one that stays."""
    victims = [_victims(sync) for sync in syncs]
    if len(set(victims)) < 2:
        return syncs
    open_to_choice = frozenset.union(*victims) - frozenset.intersection(*victims)
    rank = _ranks(place, pools, view)
    if not open_to_choice <= rank.keys():
        return syncs  # One is gone already, and its node forgotten.
    return tuple(
        sync
        for sync, gone in zip(syncs, victims, strict=True)
        if min(rank[pod] for pod in open_to_choice & gone) >= max(rank[pod] for pod in open_to_choice - gone)
    )


def _victims(sync: Requests) -> frozenset[Ref]:
    requests = [request for part in sync for request in sent(part)]
    return frozenset(request.ref for request in requests if isinstance(request, Delete))


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
