"""Each component of the control plane as processes of a world: what it watches, how it decides, whose writes it sees.

This is where the pure implementations of `impl` meet the composition of `model.world.world`. To register another
controller, write one function that makes its processes, in `workloads` if it is that of a workload, else here (see
docs/adding-a-controller.md).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import evolve, field, frozen

from ....impl.api.cache import Cache
from ....impl.api.core import Node, Service
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import LabelSelector, Ref
from ....impl.api.policy import EndpointSlice, PodDisruptionBudget
from ....impl.api.values.selectors import matches_map, selects
from ....impl.api.webhooks import Aggregated
from ....impl.api.well_known import SERVICE_NAME
from ....impl.api.workloads import SCALED
from ....impl.controllers import disruption, garbage, namespace
from ....impl.controllers.endpointslice import endpointslice
from ....model.machine import View
from ....model.world.world import Alternatives, Form, Process, Transform, Watch

USUAL = "default"
"""The namespace that goes without saying."""

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
        """Return the transform of an object for a process's key."""
        if obj is None:
            return None
        found = self.made.get((uid, id(obj)))
        if found is None:
            found = self.made[uid, id(obj)] = (obj, self.transform(uid, obj))
        return found[1]


def remembering(process: Process) -> Process:
    """Return a process whose transforms remember what they made."""
    watches = tuple(evolve(watch, transform=Remembering(watch.transform)) for watch in process.watches)
    return evolve(process, watches=watches)


def called(one: Object) -> str:
    """Name an object for people: with its namespace where that is not the usual one."""
    return called_by(ref_of(one))


def called_by(ref: Ref) -> str:
    """Name what a reference leads to, in the same way."""
    return ref.name if ref.namespace in {"", USUAL} else f"{ref.namespace}/{ref.name}"


def named(ref: Ref, _uid: str, obj: Object | None) -> Object | None:
    """Keep the object of this name."""
    return obj if obj is not None and ref_of(obj) == ref else None


# --- garbage collector ----------------------------------------------------------------------------------------------

GARBAGE_KEY = Ref("GarbageCollector", "", "all")


def garbage_process(
    pools: dict[str, tuple[str, ...]],
    constants: tuple[Object, ...],
    absent: frozenset[str] = frozenset(),
    others: frozenset[str] = frozenset(),
) -> Process:
    """Make the garbage collector: what is left of owners that are gone goes, in any order, wherever it came from.

    It asks the API server for an object and its owners before it acts, and an owner that is gone stays gone: so it acts
    on the store as it is. An owner deleted and made again under its name counts as the same one here, if it is of a
    kind with a class; `absent` are the uids of owners without one that do not exist, `others` the kinds without a class
    that have places.
    """
    kinds = sorted(others.intersection(pools))
    kept = (_kept_by_garbage("", one) for one in constants if ref_of(one).kind in garbage.TRANSFORM)
    return Process(
        name="garbage-collector",
        group="garbage-collector",
        user="generic-garbage-collector",
        key=GARBAGE_KEY,
        watches=(
            *tuple(Watch(kind, pools[kind], _kept_by_garbage) for kind in pools if kind in garbage.TRANSFORM),
            *(Watch(kind, pools[kind], _kept_by_garbage) for kind in kinds),
        ),
        constants=tuple(one for one in kept if one is not None),
        act=partial(_garbage_act, absent, frozenset(kinds)),
        form=Form.CURRENT,
    )


def _kept_by_garbage(_uid: str, obj: Object | None) -> Object | None:
    return None if obj is None else garbage.TRANSFORM.get(ref_of(obj).kind, garbage.OF_OTHERS)(obj)


def _garbage_act(absent: frozenset[str], others: frozenset[str], cache: Cache, _key: Ref) -> Alternatives:
    absent |= _gone(cache, others) if others else frozenset()
    found = (garbage.reconcile(cache, ref, absent=absent) for ref in sorted(cache.objects))
    return tuple(requests for requests in found if requests)


def _gone(cache: Cache, kinds: frozenset[str]) -> frozenset[str]:
    """Return the uids of owners of some kinds that are named and not there."""
    there = {one.metadata.uid for one in cache.objects.values()}
    named = (owner for one in cache.objects.values() for owner in one.metadata.owner_references)
    return frozenset(owner.uid for owner in named if owner.kind in kinds and owner.uid not in there)


# --- namespaces -----------------------------------------------------------------------------------------------------


def namespace_process(
    place: str,
    pools: dict[str, tuple[str, ...]],
    constants: tuple[Object, ...],
    held: frozenset[str] = frozenset(),
    others: frozenset[str] = frozenset(),
    aggregated: tuple[Aggregated, ...] = (),
) -> Process:
    """Make the namespace controller's process for the namespace in a place.

    It asks the API server for what is there before it acts, and what is gone from a terminating namespace stays gone,
    for nothing is created in one: so it acts on the store as it is. `held` are the namespaces in which something
    without a class here stays, `others` the kinds without a class that have places, `aggregated` the groups of the API
    that somebody else must answer for.
    """
    inside = {kind: namespace.TRANSFORM[kind] for kind in pools if kind in namespace.TRANSFORM and kind != "Namespace"}
    inside |= dict.fromkeys(sorted(others.intersection(pools)), namespace.OF_OTHERS)
    fixed = (one for one in constants if one.metadata.namespace and ref_of(one).kind in namespace.TRANSFORM)
    kept = (_kept_for_namespace(one, aggregated) for one in fixed)
    return Process(
        name=f"namespace-controller {place.rpartition('/')[2]}",
        group="namespace-controller",
        user="namespace-controller",
        key=place,
        watches=(
            Watch("Namespace", (place,), itself),
            *(Watch(kind, pools[kind], _looks_for(kind, inside[kind], aggregated)) for kind in inside),
        ),
        constants=tuple(one for one in kept if one is not None),
        act=partial(_namespace_act, held, aggregated),
        form=Form.CURRENT,
    )


def _namespace_act(held: frozenset[str], aggregated: tuple[Aggregated, ...], cache: Cache, key: Ref) -> Alternatives:
    """Return the sync of a namespace: each of its deletions by itself, for which is first makes no difference."""
    requests = namespace.reconcile(cache, key, held=key.name in held, aggregated=aggregated)
    return tuple((one,) for one in requests)


def _looks_for(kind: str, keep: Callable[[Object], Object | None], aggregated: tuple[Aggregated, ...]) -> Transform:
    """Return what is kept of a kind: what is in the namespace, and who answers for groups of the API, wherever."""
    spaces = frozenset(one.service.namespace for one in aggregated)
    if not spaces or kind not in {"Pod", "Service"}:
        return partial(_in_namespace, keep)
    return partial(_in_namespace_or, spaces)


def _in_namespace_or(spaces: frozenset[str], uid: str, obj: Object | None) -> Object | None:
    if obj is None or obj.metadata.namespace not in {uid.rpartition("/")[2], *spaces}:
        return None
    return namespace.backing(obj)


def _kept_for_namespace(obj: Object, aggregated: tuple[Aggregated, ...]) -> Object | None:
    answering = ref_of(obj) in {one.service for one in aggregated}
    return namespace.backing(obj) if answering else namespace.TRANSFORM[ref_of(obj).kind](obj)


def itself(_uid: str, obj: Object | None) -> Object | None:
    """Keep an object as it is."""
    return obj


def _in_namespace(keep: Callable[[Object], Object | None], uid: str, obj: Object | None) -> Object | None:
    """Keep what lives in the namespace with this uid."""
    return keep(obj) if obj is not None and obj.metadata.namespace == uid.rpartition("/")[2] else None


# --- EndpointSlices -------------------------------------------------------------------------------------------------


def endpointslice_process(
    service: Service,
    pools: dict[str, tuple[str, ...]],
    constants: tuple[Object, ...],
    *,
    form: Form,
    tracks: bool = True,
) -> Process:
    """Make the EndpointSlice controller's process for one Service; Services and nodes are watched where they change.

    `tracks` False is the controller before Kubernetes 1.21: it syncs whatever its cache shows of the slices it has
    written, and when they show there that is no reason to sync again (k/k#99345, k/k#100103).
    """
    nodes = tuple(endpointslice.TRANSFORM["Node"](obj) for obj in constants if isinstance(obj, Node))
    itself = "Service" not in pools
    backing = partial(_backing_pod, service) if itself else partial(_endpoint_in, service.metadata.namespace)
    watches = [
        Watch("Pod", pools["Pod"], backing),
        Watch("EndpointSlice", pools["EndpointSlice"], partial(_slice_of, ref_of(service))),
    ]
    if not itself:
        watches.append(Watch("Service", pools["Service"], partial(named, ref_of(service))))
    if "Node" in pools:
        watches.append(Watch("Node", pools["Node"], _node_of_endpoints))
    return Process(
        name=f"endpointslice-controller {called(service)}",
        group="endpointslice-controller",
        user="endpointslice-controller",
        key=ref_of(service),
        watches=tuple(watches),
        constants=(*([service] if itself else []), *(node for node in nodes if node is not None)),
        act=_endpointslice_act,
        form=form,
        sees_own=frozenset({"EndpointSlice"} if tracks else ()),
        woken_by=None if tracks else frozenset(watch.kind for watch in watches if watch.kind != "EndpointSlice"),
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
    return obj if isinstance(obj, EndpointSlice) and is_slice_of(service, obj) else None


def is_slice_of(service: Ref, one: EndpointSlice) -> bool:
    """Tell whether a slice is a Service's."""
    meta = one.metadata
    return (meta.namespace, meta.labels.get(SERVICE_NAME)) == (service.namespace, service.name)


# --- disruption budgets ---------------------------------------------------------------------------------------------


def disruption_process(
    one: PodDisruptionBudget,
    pools: dict[str, tuple[str, ...]],
    constants: tuple[Object, ...],
    *,
    form: Form,
    resubmits: bool = False,
) -> Process:
    """Make the disruption controller's process for one budget; its view is consistent across kinds.

    `resubmits` is the controller before Kubernetes 1.16, whose writes of a status meet no conflict (k/k#82149).
    """
    watches = [
        Watch("PodDisruptionBudget", pools["PodDisruptionBudget"], partial(named, ref_of(one))),
        Watch("Pod", pools["Pod"], partial(_budget_pod, one.spec.selector, one.metadata.namespace)),
    ]
    watches += [Watch(kind, pools[kind], partial(_kept_for_budget, kind)) for kind in SCALED if kind in pools]
    kept = (_kept_for_budget(ref_of(obj).kind, "", obj) for obj in constants)
    return Process(
        name=f"disruption-controller {called(one)}",
        group="disruption-controller",
        user="disruption-controller",
        key=ref_of(one),
        watches=tuple(watches),
        constants=tuple(obj for obj in kept if obj is not None),
        act=partial(_disruption_act, resubmits),
        form=form,
        sees_own=frozenset({"PodDisruptionBudget"}),
    )


def _disruption_act(
    resubmits: bool,  # noqa: FBT001 - bound by partial
    cache: Cache,
    key: Ref,
) -> Alternatives:
    requests = disruption.reconcile(cache, key, resubmits=resubmits)
    return (requests,) if requests else ()


def _budget_pod(selector: LabelSelector | None, namespace: str, _uid: str, obj: Object | None) -> Object | None:
    if obj is None or obj.metadata.namespace != namespace or not selects(selector, obj.metadata.labels):
        return None
    return disruption.TRANSFORM["Pod"](obj)


def _kept_for_budget(kind: str, _uid: str, obj: Object | None) -> Object | None:
    keep = disruption.TRANSFORM.get(kind)
    return None if obj is None or keep is None else keep(obj)
