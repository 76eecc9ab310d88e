"""The quota controller as processes of a world: one for each ResourceQuota, which counts whatever its quota counts.

It sees Pods and the quota each by itself: so it may write over what admission has added for a Pod that it has not seen
yet (k/k#123434, open), and what is used is too little until it has. It comes back to every quota, whatever woke it, if
only with the full recount every five minutes.

A Pod that is being deleted on a node of which nothing is heard is not counted: by the time that a clock would say so it
should have been gone twice over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from attrs import evolve

from ....impl.api.cache import Cache
from ....impl.api.core import Node, NodeStatus, Pod
from ....impl.api.kinds import BY_NAME, Object, ref_of
from ....impl.api.meta import ObjectMeta, Ref
from ....impl.api.quota import ResourceQuota, ResourceQuotaStatus
from ....impl.apiserver.access.authentication import controller
from ....impl.apiserver.defaulting.pod_defaults import default_pod
from ....impl.apiserver.handler import handle
from ....impl.apiserver.storage import Objects
from ....impl.controllers import resourcequota
from ....impl.quota.usage import names_of, unsaid, usage
from ....model.world.world import Alternatives, Form, Process, Watch
from ...input.limits import filled_in
from ...input.priorities import pod_spec
from ...input.scenario import Scenario, placed
from .views import called_by

CONTROLLER = "resourcequota-controller"
KIND = "ResourceQuota"
NOT_COUNTED = "Failed"
"""The phase in which the controller is shown a Pod that is overdue."""


def processes(
    objects: Iterable[Object],
    pools: dict[str, tuple[str, ...]],
    constants: tuple[Object, ...],
    *,
    form: Form,
    idle: frozenset[Ref] = frozenset(),
) -> Iterator[Process]:
    """Make the processes of all quotas that there may be, of which these are all versions, but for some idle ones."""
    versions: dict[Ref, set[str]] = {}
    for obj in objects if KIND in pools else ():
        if isinstance(obj, ResourceQuota) and ref_of(obj) not in idle:
            versions.setdefault(ref_of(obj), set()).update(obj.spec.hard)
    for key in sorted(versions):
        yield process(key, versions[key], pools, constants, form)


def process(
    key: Ref, hard: Iterable[str], pools: dict[str, tuple[str, ...]], constants: tuple[Object, ...], form: Form
) -> Process:
    """Make the process of one quota; `hard` is what it may have ceilings for."""
    named = frozenset(hard)
    counted = frozenset(kind for kind in resourcequota.COUNTED if names_of(BY_NAME[kind], named))
    silent = "Pod" in counted and "Node" in pools
    watches = [Watch(KIND, pools[KIND], partial(_quotas, key, KIND in counted))]
    watches += [
        Watch(kind, pools[kind], partial(_counted, key, silent)) for kind in sorted(counted - {KIND} & pools.keys())
    ]
    watches += [Watch("Node", pools["Node"], _silence)] if silent else []
    kept = (_counted(key, silent, "", obj) for obj in constants if ref_of(obj).kind in counted)
    return Process(
        name=f"{CONTROLLER} {called_by(key)}",
        group=CONTROLLER,
        user=CONTROLLER,
        key=key,
        watches=tuple(watches),
        constants=tuple(obj for obj in kept if obj is not None),
        act=_act,
        form=form,
        sees_own=frozenset({KIND}),
    )


def _quotas(key: Ref, others: bool, _uid: str, obj: Object | None) -> Object | None:  # noqa: FBT001 - bound by partial
    """Keep the quota itself and, where quotas are counted, that there are others."""
    if obj is None or ref_of(obj) == key:
        return obj
    there = others and obj.metadata.namespace == key.namespace
    return ResourceQuota(ObjectMeta(obj.metadata.name, namespace=key.namespace)) if there else None


def _counted(key: Ref, silent: bool, _uid: str, obj: Object | None) -> Object | None:  # noqa: FBT001 - bound by partial
    """Keep what is counted of an object; of a Pod without when it should be gone, for there is no clock.

    Where nodes may fall silent, on which it is and whether it is on its way out.
    """
    if obj is None or obj.metadata.namespace != key.namespace:
        return None
    slim = resourcequota.slim_counted(obj)
    if not isinstance(slim, Pod) or not isinstance(obj, Pod):
        return slim
    meta = obj.metadata
    going = 0 if silent and meta.terminating else None
    place = obj.spec.node_name if silent else ""
    kept = ObjectMeta(name=meta.name, namespace=meta.namespace, uid=meta.uid, deletion_timestamp=going)
    return evolve(slim, metadata=kept, spec=evolve(slim.spec, node_name=place))


def _silence(_uid: str, obj: Object | None) -> Object | None:
    """Keep the node controller's word that it hears nothing from a node."""
    if not isinstance(obj, Node):
        return None
    ready = (
        condition for condition in obj.status.conditions if condition.type == "Ready" and condition.status == "Unknown"
    )
    kept = tuple(evolve(condition, reason="", message="", last_transition_time=None) for condition in ready)
    return Node(ObjectMeta(obj.metadata.name), status=NodeStatus(conditions=kept))


def _act(cache: Cache, key: Ref) -> Alternatives:
    silent = frozenset(node.metadata.name for node in cache.list(Node) if node.status.conditions)
    shown = (_as_charged(obj, silent) for obj in cache.objects.values())
    requests = resourcequota.reconcile(Cache.of(shown), key)
    return (requests,) if requests else ()


def _as_charged(obj: Object, silent: frozenset[str]) -> Object:
    overdue = isinstance(obj, Pod) and obj.metadata.terminating and obj.spec.node_name in silent
    return evolve(obj, status=evolve(obj.status, phase=NOT_COUNTED)) if overdue and isinstance(obj, Pod) else obj


# --- quotas that matter -----------------------------------------------------------------------------------------------


def roomy(scenario: Scenario) -> frozenset[Ref]:
    """Return the quotas that have room for all that there may ever be at one time, in every version.

    Nobody is refused because of them, but for a moment: in it what is gone is still counted. That moment is left out.
    """
    quotas = [obj for obj in scenario.everything if isinstance(obj, ResourceQuota)]
    if not quotas:
        return frozenset()
    filled = filled_in(scenario.everything, scenario.namespace)
    given = ((pod_spec(obj), obj.metadata.namespace) for obj in scenario.everything)
    pods = [default_pod(Pod(spec=each)) for spec, space in given if spec is not None for each in filled(spec, space)]
    tight = (quota for quota in quotas if not _has_room(quota, pods, scenario.pods))
    refs = frozenset(placed(quota, scenario.namespace) for quota in quotas)
    return refs - {placed(quota, scenario.namespace) for quota in tight}


def _has_room(quota: ResourceQuota, pods: list[Pod], count: int) -> bool:
    """Tell whether a quota counts nothing but Pods, that say what it asks, and has room for so many of the largest."""
    hard = quota.spec.hard
    if names_of(BY_NAME["Pod"], hard) != hard.keys() or any(unsaid(pod, hard) for pod in pods):
        return False
    taken = [usage(pod, 0) for pod in pods]
    return all(
        amounts[name].number * count <= hard[name].number for amounts in taken for name in hard if name in amounts
    )


def uncounted(objects: Iterable[Object], quotas: frozenset[Ref]) -> Iterator[Object]:
    """Yield the objects, some quotas as if nobody had counted them yet: then they refuse nothing."""
    for obj in objects:
        yield (
            evolve(obj, status=ResourceQuotaStatus())
            if isinstance(obj, ResourceQuota) and ref_of(obj) in quotas
            else obj
        )


# --- where a world begins ---------------------------------------------------------------------------------------------


def counted(store: Objects) -> Objects:
    """Return the store once every quota has been counted."""
    for quota in (each for each in store.objects.values() if isinstance(each, ResourceQuota)):
        for request in resourcequota.reconcile(Cache(store.objects), ref_of(quota)):
            _, transaction = handle(store, request, user=controller(CONTROLLER))
            store = store.commit(transaction)
    return store
