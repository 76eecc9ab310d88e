"""How the DaemonSet controller's objects look to the page workloads/daemonset, and what every turn is to be."""

from __future__ import annotations

import math
from collections import defaultdict

from ....impl.api.apps import ControllerRevision, DaemonSet
from ....impl.api.cache import Cache
from ....impl.api.core import IntOrString, Node, Pod
from ....impl.api.meta import Ref
from ....impl.api.well_known import REVISION_HASH
from ....model.components.workloads.daemonset import Member, Site, State, steps
from ...daemons import may_keep_one, meant_for, wants_one


def abstract(store: Cache, key: Ref) -> State:
    """Keep the Pods that the set controls by the nodes they are on or for; a Pod is new if its revision's template is.

    Who is over and on its way out is no longer there.
    """
    owner = store.get(DaemonSet, key)
    if owner is None:
        return State(())
    new = {
        revision.metadata.labels.get(REVISION_HASH, "")
        for revision in store.list(ControllerRevision, key.namespace)
        if revision.data.spec.template.spec == owner.spec.template.spec
    }
    here: dict[str, list[Member]] = defaultdict(list)
    for pod in store.list(Pod, key.namespace):
        mine = any(reference.uid == owner.metadata.uid for reference in pod.metadata.owner_references)
        member = _member(pod, new)
        if mine and not (member.over and member.going):
            here[min(meant_for(pod))].append(member)
    nodes = {node.metadata.name: node for node in store.list(Node)}
    sites = tuple(_site(owner, nodes.get(name), here[name]) for name in sorted({*nodes, *here}))
    wanted, status = sum(site.wants for site in sites), owner.status
    rolling = owner.spec.update_strategy.rolling_update
    surge = _part(rolling.max_surge, wanted) if rolling else 0
    unavailable = _part(rolling.max_unavailable, wanted) if rolling else 0
    return State(
        sites,
        surge=surge,
        unavailable=unavailable,
        replaces=owner.spec.update_strategy.type == "RollingUpdate",
        written=(status.desired_number_scheduled, status.current_number_scheduled, status.number_ready),
    )


def _site(owner: DaemonSet, node: Node | None, members: list[Member]) -> Site:
    if node is None:
        return Site(wants=False, keeps=False, exists=False, members=tuple(members))
    return Site(wants_one(owner, node), may_keep_one(owner, node), members=tuple(members))


def _part(value: IntOrString | None, whole: int) -> int:
    return math.ceil(whole * int(value[:-1]) / 100) if isinstance(value, str) else value or 0


def _member(pod: Pod, new: set[str]) -> Member:
    return Member(
        new=pod.metadata.labels.get(REVISION_HASH, "") in new,
        placed=bool(pod.spec.node_name),
        ready=pod.ready,
        over=pod.status.phase in {"Failed", "Succeeded"},
        going=pod.metadata.deletion_timestamp is not None,
    )


def refines(before: State, after: State) -> bool:
    """Every turn of the controller is a turn of the model, or changes nothing."""
    return after == before or after in steps(before)
