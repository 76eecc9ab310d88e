"""Each component of the control plane as processes of a world: what it watches, how it decides, whose writes it sees.

This is where the pure implementations of `impl` meet the composition of `model.world.world`. To register another
controller, write one function here that gives its processes (see docs/adding-a-controller.md).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import evolve, field, frozen

from ...impl.api.apps import Deployment, ReplicaSet, StatefulSet
from ...impl.api.cache import Cache
from ...impl.api.core import Node, Pod, Service
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import LabelSelector, Ref
from ...impl.api.policy import EndpointSlice, PodDisruptionBudget
from ...impl.api.requests import Create, Delete, Request, Update
from ...impl.api.storage import PersistentVolumeClaim
from ...impl.api.values.selectors import matches_map, selects
from ...impl.api.workloads import BY_KIND, NAMES, without_status
from ...impl.controllers import disruption, garbage, namespace
from ...impl.controllers.deployment import deployment
from ...impl.controllers.endpointslice import endpointslice
from ...impl.controllers.replicaset import replicaset
from ...impl.controllers.statefulset import statefulset
from ...model.machine import View
from ...model.world.turn import Requests, together
from ...model.world.world import Alternatives, Form, Process, Transform, Watch
from .crowding import crowded_first

USUAL = "default"
"""The namespace that goes without saying."""
SERVICE_NAME = "kubernetes.io/service-name"

DEPLOYMENTS, REPLICASETS, STATEFULSETS = BY_KIND["Deployment"], BY_KIND["ReplicaSet"], BY_KIND["StatefulSet"]

Quiet = Callable[[View], bool]


def form_of(lagging: int, *, linearizable: bool, mixed: bool) -> Form:
    """Choose the cheapest sound representation of old views for a process with so many kinds that lag."""
    if linearizable:
        return Form.CURRENT
    return Form.SNAPSHOT if lagging > 1 and mixed else Form.DECISION


@frozen(eq=False)
class Remembering:
    """A transform that gives the same value for the same object again: equality is quick where it is identity.

    Objects are told apart by identity, so each is kept, lest another one take its place.
    """

    transform: Transform
    made: dict[tuple[str, int], tuple[Object, Object | None]] = field(factory=dict)

    def __call__(self, uid: str, obj: Object | None) -> Object | None:
        """Give the transform of an object for a process's key."""
        if obj is None:
            return None
        found = self.made.get((uid, id(obj)))
        if found is None:
            found = self.made[uid, id(obj)] = (obj, self.transform(uid, obj))
        return found[1]


def remembering(process: Process) -> Process:
    """Give a process whose transforms remember what they made."""
    watches = tuple(evolve(one, transform=Remembering(one.transform)) for one in process.watches)
    return evolve(process, watches=watches)


# --- Deployment -----------------------------------------------------------------------------------------------------


def deployment_process(
    one: Deployment,
    pools: dict[str, tuple[str, ...]],
    *,
    quiet: Quiet,
    form: Form,
    status: bool,
) -> Process:
    """Make the Deployment controller's process for one Deployment; `status` False leaves out status writes."""
    watches = [
        Watch("Deployment", pools["Deployment"], partial(_named, ref_of(one)), quiet),
        Watch("ReplicaSet", pools["ReplicaSet"], partial(_family, one.spec.selector, one.metadata.namespace)),
    ]
    if one.spec.strategy.type == "Recreate":
        watches.append(Watch("Pod", pools["Pod"], _deployment_pod))
    return Process(
        name=f"{DEPLOYMENTS.controller} {called(one)}",
        group=DEPLOYMENTS.controller,
        user=DEPLOYMENTS.controller,
        key=ref_of(one),
        watches=tuple(watches),
        constants=(),
        act=partial(_deployment_act, status),
        form=form,
        sees_own=frozenset({"Deployment"}),
    )


def _deployment_act(status: bool, cache: Cache, key: Ref) -> Alternatives:  # noqa: FBT001 - bound by partial
    requests = deployment.reconcile(cache, key)
    if not status:
        requests = tuple(one for one in requests if not is_deployment_status(one))
    return (requests,) if requests else ()


def is_deployment_status(request: Request) -> bool:
    """Tell whether a request writes a Deployment's status and nothing else."""
    return isinstance(request, Update) and isinstance(request.object, Deployment) and request.subresource == "status"


def as_kept(obj: Object) -> Object:
    """Return an object as a world without Deployment statuses keeps it."""
    return without_status(obj) if isinstance(obj, Deployment) else obj


def called(one: Object) -> str:
    """Name an object for people: with its namespace where that is not the usual one."""
    meta = one.metadata
    return meta.name if meta.namespace in {"", USUAL} else f"{meta.namespace}/{meta.name}"


def _named(ref: Ref, _uid: str, obj: Object | None) -> Object | None:
    return obj if obj is not None and ref_of(obj) == ref else None


def _family(selector: LabelSelector, namespace: str, uid: str, obj: Object | None) -> Object | None:
    """Keep a Deployment's ReplicaSets and those it might adopt."""
    if not isinstance(obj, ReplicaSet) or obj.metadata.namespace != namespace:
        return None
    controller = obj.metadata.controller
    mine = controller.uid == uid if controller else selects(selector, obj.metadata.labels)
    return obj if mine else None


def _deployment_pod(_uid: str, obj: Object | None) -> Object | None:
    return None if obj is None else deployment.TRANSFORM["Pod"](obj)


# --- ReplicaSet -----------------------------------------------------------------------------------------------------


def replicaset_process(place: str, pools: dict[str, tuple[str, ...]], *, form: Form) -> Process:
    """Make the ReplicaSet controller's process for whatever ReplicaSet is in a place."""
    return Process(
        name=f"{REPLICASETS.controller} {place.rpartition('/')[2]}",
        group=REPLICASETS.controller,
        user=REPLICASETS.controller,
        key=place,
        watches=(
            Watch("ReplicaSet", (place,), _whole),
            Watch("Pod", pools["Pod"], _replicaset_pod),
        ),
        constants=(),
        act=_replicaset_act,
        form=form,
        sees_own=frozenset({"Pod", "ReplicaSet"}),
        narrow=partial(crowded_first, place, pools),
    )


def _replicaset_act(cache: Cache, key: Ref) -> Alternatives:
    return tuple(map(_side_by_side, replicaset.reconcile_all(cache, key)))


def _side_by_side(requests: tuple[Request, ...]) -> Requests:
    """Give a sync with its deletions as the real controller sends them: side by side."""
    gone = [one for one in requests if isinstance(one, Delete)]
    if not gone:
        return requests
    first = requests.index(gone[0])
    return (*requests[:first], *together(gone), *requests[first + len(gone) :])


def _replicaset_pod(uid: str, obj: Object | None) -> Object | None:
    """Keep a ReplicaSet's own Pods, and orphans, which it might adopt."""
    if obj is None or (obj.metadata.controller is not None and obj.metadata.controller.uid != uid):
        return None
    return replicaset.COARSE_TRANSFORM["Pod"](obj)


# --- StatefulSet ----------------------------------------------------------------------------------------------------


def statefulset_process(
    one: StatefulSet, pools: dict[str, tuple[str, ...]], constants: tuple[Object, ...], *, quiet: Quiet, form: Form
) -> Process:
    """Make the StatefulSet controller's process for one StatefulSet.

    It has no expectations, and so may act before it has seen the Pods that it wrote itself.
    """
    keep = statefulset.COARSE_TRANSFORM
    claims = (obj for obj in constants if isinstance(obj, PersistentVolumeClaim))
    kept = (keep["PersistentVolumeClaim"](obj) for obj in claims if obj.metadata.namespace == one.metadata.namespace)
    places = pools.get("PersistentVolumeClaim", ())
    changing = [Watch("PersistentVolumeClaim", places, partial(_claim_in, one.metadata.namespace))] if places else []
    return Process(
        name=f"{STATEFULSETS.controller} {called(one)}",
        group=STATEFULSETS.controller,
        user=STATEFULSETS.controller,
        key=ref_of(one),
        watches=(
            Watch("StatefulSet", pools["StatefulSet"], partial(_named, ref_of(one)), quiet),
            Watch("Pod", pools["Pod"], partial(_statefulset_pod, one.metadata.name, one.metadata.namespace)),
            Watch("ControllerRevision", pools["ControllerRevision"], partial(_revision_of, one), quiet),
            *changing,
        ),
        constants=tuple(obj for obj in kept if obj is not None),
        act=_statefulset_act,
        form=form,
        sees_own=frozenset({"StatefulSet", "ControllerRevision"}),
    )


def _statefulset_act(cache: Cache, key: Ref) -> Alternatives:
    owner = cache.get(StatefulSet, key)
    groups = statefulset.grouped(cache, key)
    if owner is not None and owner.metadata.terminating:
        # A revision that the garbage collector takes away wakes nobody who would make it anew.
        groups = tuple(group for group in groups if not isinstance(group[0], Create))
    found = tuple(part for group in groups for part in together(group))
    return (found,) if found else ()


def _statefulset_pod(name: str, namespace: str, uid: str, obj: Object | None) -> Object | None:
    """Keep a StatefulSet's own Pods, and those that are called so and nobody's, which it might adopt."""
    if not isinstance(obj, Pod) or obj.metadata.namespace != namespace:
        return None
    controller = obj.metadata.controller
    mine = obj.metadata.name.rpartition("-")[0] == name if controller is None else controller.uid == uid
    return statefulset.COARSE_TRANSFORM["Pod"](obj) if mine else None


def _claim_in(namespace: str, _uid: str, obj: Object | None) -> Object | None:
    here = obj is not None and obj.metadata.namespace == namespace
    return statefulset.TRANSFORM["PersistentVolumeClaim"](obj) if here and obj is not None else None


def _revision_of(one: StatefulSet, uid: str, obj: Object | None) -> Object | None:
    """Keep a StatefulSet's revisions and those it might adopt, and who has a name that it might give."""
    if obj is None or obj.metadata.namespace != one.metadata.namespace:
        return None
    controller = obj.metadata.controller
    named = obj.metadata.name.rpartition("-")[0] == one.metadata.name
    return obj if named or (controller is not None and controller.uid == uid) else None


# --- garbage collector ----------------------------------------------------------------------------------------------

GARBAGE_KEY = Ref("GarbageCollector", "", "all")


def garbage_process(
    pools: dict[str, tuple[str, ...]], constants: tuple[Object, ...], absent: frozenset[str] = frozenset()
) -> Process:
    """Make the garbage collector: what is left of owners that are gone goes, in any order, wherever it came from.

    It asks the API server for an object and its owners before it acts, and an owner that is gone stays gone: so it acts
    on the store as it is. An owner deleted and made again under its name counts as the same one here; `absent` are the
    uids of owners without a class here that do not exist.
    """
    kept = (_kept_by_garbage("", one) for one in constants if ref_of(one).kind in garbage.TRANSFORM)
    return Process(
        name="garbage-collector",
        group="garbage-collector",
        user="generic-garbage-collector",
        key=GARBAGE_KEY,
        watches=tuple(Watch(kind, pools[kind], _kept_by_garbage) for kind in pools if kind in garbage.TRANSFORM),
        constants=tuple(one for one in kept if one is not None),
        act=partial(_garbage_act, absent),
        form=Form.CURRENT,
    )


def _kept_by_garbage(_uid: str, obj: Object | None) -> Object | None:
    return None if obj is None else garbage.TRANSFORM[ref_of(obj).kind](obj)


def _garbage_act(absent: frozenset[str], cache: Cache, _key: Ref) -> Alternatives:
    found = (garbage.reconcile(cache, ref, absent=absent) for ref in sorted(cache.objects))
    return tuple(requests for requests in found if requests)


# --- namespaces -----------------------------------------------------------------------------------------------------


def namespace_process(
    place: str, pools: dict[str, tuple[str, ...]], constants: tuple[Object, ...], held: frozenset[str] = frozenset()
) -> Process:
    """Make the namespace controller's process for the namespace in a place.

    It asks the API server for what is there before it acts, and what is gone from a terminating namespace stays gone,
    for nothing is created in one: so it acts on the store as it is. `held` are the namespaces in which something
    without a class here stays.
    """
    inside = {kind: namespace.TRANSFORM[kind] for kind in pools if kind in namespace.TRANSFORM and kind != "Namespace"}
    fixed = (one for one in constants if one.metadata.namespace and ref_of(one).kind in namespace.TRANSFORM)
    kept = (namespace.TRANSFORM[ref_of(one).kind](one) for one in fixed)
    return Process(
        name=f"namespace-controller {place.rpartition('/')[2]}",
        group="namespace-controller",
        user="namespace-controller",
        key=place,
        watches=(
            Watch("Namespace", (place,), _whole),
            *(Watch(kind, pools[kind], partial(_in_namespace, inside[kind])) for kind in inside),
        ),
        constants=tuple(one for one in kept if one is not None),
        act=partial(_namespace_act, held),
        form=Form.CURRENT,
    )


def _namespace_act(held: frozenset[str], cache: Cache, key: Ref) -> Alternatives:
    """Give the sync of a namespace: each of its deletions by itself, for which of them is first makes no difference."""
    return tuple((one,) for one in namespace.reconcile(cache, key, held=key.name in held))


def _whole(_uid: str, obj: Object | None) -> Object | None:
    return obj


def _in_namespace(keep: Callable[[Object], Object | None], uid: str, obj: Object | None) -> Object | None:
    """Keep what lives in the namespace with this uid."""
    return keep(obj) if obj is not None and obj.metadata.namespace == uid.rpartition("/")[2] else None


# --- EndpointSlices -------------------------------------------------------------------------------------------------


def endpointslice_process(
    service: Service, pools: dict[str, tuple[str, ...]], constants: tuple[Object, ...], *, form: Form
) -> Process:
    """Make the EndpointSlice controller's process for one Service; Services and nodes are watched where they change."""
    nodes = tuple(endpointslice.TRANSFORM["Node"](one) for one in constants if isinstance(one, Node))
    itself = "Service" not in pools
    backing = partial(_backing_pod, service) if itself else partial(_endpoint_in, service.metadata.namespace)
    watches = [
        Watch("Pod", pools["Pod"], backing),
        Watch("EndpointSlice", pools["EndpointSlice"], partial(_slice_of, ref_of(service))),
    ]
    if not itself:
        watches.append(Watch("Service", pools["Service"], partial(_named, ref_of(service))))
    if "Node" in pools:
        watches.append(Watch("Node", pools["Node"], _node_of_endpoints))
    return Process(
        name=f"endpointslice-controller {called(service)}",
        group="endpointslice-controller",
        user="endpointslice-controller",
        key=ref_of(service),
        watches=tuple(watches),
        constants=(*([service] if itself else []), *(one for one in nodes if one is not None)),
        act=_endpointslice_act,
        form=form,
        sees_own=frozenset({"EndpointSlice"}),
    )


def _endpointslice_act(cache: Cache, key: Ref) -> Alternatives:
    requests = endpointslice.reconcile(cache, key)
    return (requests,) if requests else ()


def _backing_pod(service: Service, uid: str, obj: Object | None) -> Object | None:
    """Keep a Pod that a Service which never changes selects."""
    if obj is None or not service.spec.selector or not matches_map(service.spec.selector, obj.metadata.labels):
        return None
    return _endpoint_in(service.metadata.namespace, uid, obj)


def _endpoint_in(namespace: str, _uid: str, obj: Object | None) -> Object | None:
    return None if obj is None or obj.metadata.namespace != namespace else endpointslice.TRANSFORM["Pod"](obj)


def _node_of_endpoints(_uid: str, obj: Object | None) -> Object | None:
    return None if obj is None else endpointslice.TRANSFORM["Node"](obj)


def _slice_of(service: Ref, _uid: str, obj: Object | None) -> Object | None:
    mine = (
        isinstance(obj, EndpointSlice)
        and obj.metadata.namespace == service.namespace
        and obj.metadata.labels.get(SERVICE_NAME) == service.name
    )
    return obj if mine else None


# --- disruption budgets ---------------------------------------------------------------------------------------------


def disruption_process(
    one: PodDisruptionBudget, pools: dict[str, tuple[str, ...]], constants: tuple[Object, ...], *, form: Form
) -> Process:
    """Make the disruption controller's process for one budget; its view is consistent across kinds."""
    watches = [
        Watch("PodDisruptionBudget", pools["PodDisruptionBudget"], partial(_named, ref_of(one))),
        Watch("Pod", pools["Pod"], partial(_budget_pod, one.spec.selector, one.metadata.namespace)),
    ]
    watches += [Watch(kind, pools[kind], partial(_kept_for_budget, kind)) for kind in NAMES if kind in pools]
    kept = (_kept_for_budget(ref_of(obj).kind, "", obj) for obj in constants)
    return Process(
        name=f"disruption-controller {called(one)}",
        group="disruption-controller",
        user="disruption-controller",
        key=ref_of(one),
        watches=tuple(watches),
        constants=tuple(obj for obj in kept if obj is not None),
        act=_disruption_act,
        form=form,
        sees_own=frozenset({"PodDisruptionBudget"}),
    )


def _disruption_act(cache: Cache, key: Ref) -> Alternatives:
    requests = disruption.reconcile(cache, key)
    return (requests,) if requests else ()


def _budget_pod(selector: LabelSelector | None, namespace: str, _uid: str, obj: Object | None) -> Object | None:
    if obj is None or obj.metadata.namespace != namespace or not selects(selector, obj.metadata.labels):
        return None
    return disruption.TRANSFORM["Pod"](obj)


def _kept_for_budget(kind: str, _uid: str, obj: Object | None) -> Object | None:
    keep = disruption.TRANSFORM.get(kind)
    return None if obj is None or keep is None else keep(obj)
