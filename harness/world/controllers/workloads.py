"""The controllers of workloads as processes of a world: one for each workload, of whichever kind.

Another kind of workload is one function here that makes its processes, and a line in `processes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import TypeVar

from ....impl.api.apps import ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet, Workload
from ....impl.api.batch import Job
from ....impl.api.cache import Cache
from ....impl.api.core import Node, Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import LabelSelector, Ref
from ....impl.api.releases import NEWEST, Change, Release
from ....impl.api.requests import Create, OpenGroups, Request, Update
from ....impl.api.storage import PersistentVolumeClaim
from ....impl.api.values.selectors import selects
from ....impl.api.workloads import BY_KIND, without_status
from ....impl.controllers.daemonset import daemonset
from ....impl.controllers.deployment import deployment
from ....impl.controllers.job import job as jobs
from ....impl.controllers.job.indexes import is_tracked
from ....impl.controllers.job.pods import coarse
from ....impl.controllers.replicaset import replicaset
from ....impl.controllers.statefulset import statefulset
from ....impl.controllers.statefulset.retention import deletes
from ....model.machine import View
from ....model.world.store import reference
from ....model.world.turn import Part, Requests, sent, together
from ....model.world.world import Alternatives, Form, Process, Watch
from ..reductions.crowding import crowded_first
from .asleep import may_sleep
from .views import Quiet, called, itself, named

DEPLOYMENTS = BY_KIND["Deployment"]
REPLICATED = frozenset(BY_KIND[kind].controller for kind in replicaset.KINDS)
"""Who makes Pods that are all alike."""
STATEFULSETS, DAEMONSETS, JOBS = BY_KIND["StatefulSet"], BY_KIND["DaemonSet"], BY_KIND["Job"]
Pools = dict[str, tuple[str, ...]]
T = TypeVar("T", bound=Object)


def processes(
    objects: Iterable[Object],
    pools: Pools,
    constants: tuple[Object, ...],
    *,
    form: Callable[[int], Form],
    quiet: Callable[[Workload], Quiet],
    status: bool,
    release: Release,
    repeats: bool = False,
    doubles: bool = False,
    one_look: bool = False,
) -> Iterator[Process]:
    """Make the processes of the controllers of all workloads that there may be.

    `form` says how old views are represented where so many kinds lag, `quiet` when a workload changes no more;
    `status` False leaves out the status writes of Deployments; `repeats`: an index that succeeds twice counts twice;
    `doubles`: a StatefulSet's revision that is not seen yet is made again; `one_look`: a DaemonSet's controller may
    fall asleep over Pods that are not yet available.
    """
    known = tuple(objects)
    for owner in distinct(known, Deployment):
        kinds = 3 if owner.spec.strategy.type == "Recreate" else 2
        yield deployment_process(owner, pools, quiet=quiet(owner), form=form(kinds), status=status, release=release)
    for kind in replicaset.KINDS:
        places = pools.get(kind, ())
        yield from (replicaset_process(slot, pools, form=form(2), kind=kind, release=release) for slot in places)
    for each in distinct(known, StatefulSet):
        views = form(2)
        yield statefulset_process(
            each, pools, constants, quiet=quiet(each), form=views, release=release, doubles=doubles
        )
    for daemons in distinct(known, DaemonSet):
        process = daemonset_process(daemons, pools, constants, quiet=quiet(daemons), form=form(2), release=release)
        yield may_sleep(process) if one_look else process
    given = distinct(known, Job)
    for job in given:
        yield job_process(job, pools, quiet=quiet(job), form=form(2), release=release, repeats=repeats)
    if given:
        yield orphans_process(pools)


def distinct(objects: Iterable[Object], cls: type[T]) -> tuple[T, ...]:
    """Return the objects of a class by name; of several with one name the last."""
    known = {ref_of(obj): obj for obj in objects if isinstance(obj, cls)}
    return tuple(known[ref] for ref in sorted(known))


def twice_written(kind: str, release: Release) -> frozenset[str]:
    """Return the kind where its controller writes a status once more that has met a conflict, over what is there then.

    Upstream: pkg/controller/replicaset/replica_set_utils.go, updateReplicaSetStatus; pkg/controller/daemon/
    daemon_controller.go, storeDaemonSetStatus (v1.32): statusUpdateRetries is 1. Since 1.36 the controller waits until
    it sees that (KEP-5647). Before, it might go on with its old view of the object for as long as its cache lags, which
    no search comes to an end of: there the status counts as refused, as a second conflict would make it.
    """
    return frozenset({kind} if Change.OWN_WRITES_AWAITED in release else ())


def is_deployment_status(request: Request) -> bool:
    """Tell whether a request writes a Deployment's status and nothing else."""
    return isinstance(request, Update) and isinstance(request.object, Deployment) and request.subresource == "status"


def as_kept(obj: Object) -> Object:
    """Return an object as a world without Deployment statuses keeps it."""
    return without_status(obj) if isinstance(obj, Deployment) else obj


# --- Deployment -----------------------------------------------------------------------------------------------------


def deployment_process(
    one: Deployment,
    pools: dict[str, tuple[str, ...]],
    *,
    quiet: Quiet,
    form: Form,
    status: bool,
    release: Release = NEWEST,
) -> Process:
    """Make the Deployment controller's process for one Deployment; `status` False leaves out status writes."""
    watches = [
        Watch("Deployment", pools["Deployment"], partial(named, ref_of(one)), quiet),
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
        act=partial(_deployment_act, status, release),
        form=form,
        sees_own=frozenset({"Deployment"}),
    )


def _deployment_act(
    status: bool,  # noqa: FBT001 - bound by partial
    release: Release,
    cache: Cache,
    key: Ref,
) -> Alternatives:
    requests = deployment.reconcile(cache, key, release=release)
    if not status:
        requests = tuple(request for request in requests if not is_deployment_status(request))
    return (requests,) if requests else ()


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


def replicaset_process(
    place: str,
    pools: dict[str, tuple[str, ...]],
    *,
    form: Form,
    kind: str = "ReplicaSet",
    release: Release = NEWEST,
) -> Process:
    """Make the controller's process for whatever ReplicaSet, or ReplicationController, is in a place.

    A status that meets a conflict is written again (`twice_written`).
    """
    user = BY_KIND[kind].controller
    return Process(
        name=f"{user} {place.rpartition('/')[2]}",
        group=user,
        user=user,
        key=place,
        watches=(
            Watch(kind, (place,), itself),
            Watch("Pod", pools["Pod"], _replicaset_pod),
        ),
        constants=(),
        act=_replicaset_act,
        form=form,
        sees_own=frozenset({"Pod", kind}),
        narrow=partial(crowded_first, place, pools),
        tries_again=twice_written(kind, release),
    )


def _replicaset_act(cache: Cache, key: Ref) -> Alternatives:
    """Return the syncs of a ReplicaSet, with their deletions as the real controller sends them: side by side."""
    return tuple(map(_turn, replicaset.syncs(cache, key)))


def _turn(groups: OpenGroups) -> Requests:
    """Return the turn that sends groups of requests one after the other, each of them side by side."""
    return tuple(chain.from_iterable(map(together, groups)))


def _replicaset_pod(uid: str, obj: Object | None) -> Object | None:
    """Keep a ReplicaSet's own Pods, and orphans, which it might adopt."""
    if obj is None or (obj.metadata.controller is not None and obj.metadata.controller.uid != uid):
        return None
    return replicaset.COARSE_TRANSFORM["Pod"](obj)


# --- StatefulSet ----------------------------------------------------------------------------------------------------


OWN_BEFORE = frozenset({"StatefulSet", "ControllerRevision"})
OWN = OWN_BEFORE | {"Pod", "PersistentVolumeClaim"}


def statefulset_process(
    one: StatefulSet,
    pools: dict[str, tuple[str, ...]],
    constants: tuple[Object, ...],
    *,
    quiet: Quiet,
    form: Form,
    release: Release = NEWEST,
    doubles: bool = False,
) -> Process:
    """Make the StatefulSet controller's process for one StatefulSet.

    It has no expectations: before 1.36 it may act before it has seen the Pods that it wrote itself (KEP-5647). What a
    ReplicaSet's controller wrote it has always waited for. A revision that it does not see is the one that it finds
    under its name, which comes to the same as seeing it; not so before 1.12 (`doubles`, k/k PR #67039).
    """
    keep = statefulset.COARSE_TRANSFORM
    keeps = (statefulset.TRANSFORM if deletes(one) else keep)["PersistentVolumeClaim"]
    claims = (obj for obj in constants if isinstance(obj, PersistentVolumeClaim))
    kept = (keeps(obj) for obj in claims if obj.metadata.namespace == one.metadata.namespace)
    places = pools.get("PersistentVolumeClaim", ())
    its_own = partial(_claim_of, one, keeps)
    changing = [Watch("PersistentVolumeClaim", places, its_own)] if places else []
    revisions = pools["ControllerRevision"]
    own = OWN if Change.OWN_PODS_SEEN in release else OWN_BEFORE
    return Process(
        name=f"{STATEFULSETS.controller} {called(one)}",
        group=STATEFULSETS.controller,
        user=STATEFULSETS.controller,
        key=ref_of(one),
        watches=(
            Watch("StatefulSet", pools["StatefulSet"], partial(named, ref_of(one)), quiet),
            Watch("Pod", pools["Pod"], partial(_statefulset_pod, one.metadata.name, one.metadata.namespace)),
            Watch("ControllerRevision", revisions, partial(_revision_of, one), None if doubles else quiet),
            *changing,
        ),
        constants=tuple(obj for obj in kept if obj is not None),
        act=partial(_statefulset_act, len(revisions) + 1 if doubles else 0),
        form=form,
        sees_own=own - {"ControllerRevision"} if doubles else own,
        narrow=partial(_first_free_name, revisions) if doubles else None,
    )


def _statefulset_act(tries: int, cache: Cache, key: Ref) -> Alternatives:
    owner = cache.get(StatefulSet, key)
    syncs = statefulset.grouped_before_1_12(cache, key, tries) if tries else (statefulset.grouped(cache, key),)
    if owner is not None and owner.metadata.terminating:
        # A revision that the garbage collector takes away wakes nobody who would make it anew.
        syncs = tuple(tuple(group for group in groups if not isinstance(group[0], Create)) for groups in syncs)
    return tuple(filter(None, map(_turn, syncs)))


def _first_free_name(revisions: tuple[str, ...], view: View, syncs: Alternatives) -> Alternatives:
    """Return of syncs that make a revision the one under the first name that nobody has; others as they are."""
    taken = {view.via(reference, slot) for slot in revisions}
    made = [next((name for part in sync for name in _revisions_made(part)), None) for sync in syncs]
    if None in made:
        return syncs
    return tuple(sync for sync, name in zip(syncs, made, strict=True) if name not in taken)[:1]


def _revisions_made(part: Part) -> Iterator[Ref]:
    asked = (request.object for request in sent(part) if isinstance(request, Create))
    return (ref_of(obj) for obj in asked if isinstance(obj, ControllerRevision))


def _statefulset_pod(name: str, namespace: str, uid: str, obj: Object | None) -> Object | None:
    """Keep a StatefulSet's own Pods, and those that are called so and nobody's, which it might adopt."""
    if not isinstance(obj, Pod) or obj.metadata.namespace != namespace:
        return None
    controller = obj.metadata.controller
    mine = obj.metadata.name.rpartition("-")[0] == name if controller is None else controller.uid == uid
    return statefulset.COARSE_TRANSFORM["Pod"](obj) if mine else None


def _claim_of(
    one: StatefulSet, keeps: Callable[[Object], Object | None], _uid: str, obj: Object | None
) -> Object | None:
    """Keep a claim of a set's Pods, by its name."""
    if obj is None or obj.metadata.namespace != one.metadata.namespace:
        return None
    base = obj.metadata.name.rpartition("-")[0]
    named = (f"{each.metadata.name}-{one.metadata.name}" for each in one.spec.volume_claim_templates)
    return keeps(obj) if base in named else None


def _revision_of(one: StatefulSet | DaemonSet, uid: str, obj: Object | None) -> Object | None:
    """Keep a workload's revisions and those it might adopt, and who has a name that it might give."""
    if obj is None or obj.metadata.namespace != one.metadata.namespace:
        return None
    controller = obj.metadata.controller
    named = obj.metadata.name.rpartition("-")[0] == one.metadata.name
    return obj if named or (controller is not None and controller.uid == uid) else None


# --- DaemonSet ------------------------------------------------------------------------------------------------------


def daemonset_process(
    one: DaemonSet,
    pools: dict[str, tuple[str, ...]],
    constants: tuple[Object, ...],
    *,
    quiet: Quiet,
    form: Form,
    release: Release = NEWEST,
) -> Process:
    """Make the DaemonSet controller's process for one DaemonSet; nodes are watched where they change."""
    keep = daemonset.COARSE_TRANSFORM
    nodes = tuple(keep["Node"](obj) for obj in constants if isinstance(obj, Node))
    changing = [Watch("Node", pools["Node"], _node_of_daemons)] if "Node" in pools else []
    return Process(
        name=f"{DAEMONSETS.controller} {called(one)}",
        group=DAEMONSETS.controller,
        user=DAEMONSETS.controller,
        key=ref_of(one),
        watches=(
            Watch("DaemonSet", pools["DaemonSet"], partial(named, ref_of(one)), quiet),
            Watch("Pod", pools["Pod"], partial(_daemonset_pod, one.spec.selector, one.metadata.namespace)),
            Watch("ControllerRevision", pools["ControllerRevision"], partial(_revision_of, one), quiet),
            *changing,
        ),
        constants=tuple(obj for obj in nodes if obj is not None),
        act=partial(_daemonset_act, release),
        form=form,
        sees_own=frozenset({"Pod", "DaemonSet", "ControllerRevision"}),
        tries_again=twice_written("DaemonSet", release),
    )


def _daemonset_act(release: Release, cache: Cache, key: Ref) -> Alternatives:
    return tuple(filter(None, map(_turn, daemonset.syncs(cache, key, release=release))))


def _daemonset_pod(selector: LabelSelector, namespace: str, uid: str, obj: Object | None) -> Object | None:
    """Keep a DaemonSet's own Pods, and those that it selects and are nobody's, which it might adopt."""
    if not isinstance(obj, Pod) or obj.metadata.namespace != namespace:
        return None
    controller = obj.metadata.controller
    mine = selects(selector, obj.metadata.labels) if controller is None else controller.uid == uid
    return daemonset.COARSE_TRANSFORM["Pod"](obj) if mine else None


def _node_of_daemons(_uid: str, obj: Object | None) -> Object | None:
    return None if obj is None else daemonset.TRANSFORM["Node"](obj)


# --- Job --------------------------------------------------------------------------------------------------------------


def job_process(
    one: Job, pools: Pools, *, quiet: Quiet, form: Form, release: Release = NEWEST, repeats: bool = False
) -> Process:
    """Make the Job controller's process for one Job; `repeats`: an index that succeeds twice counts twice.

    It acts once it has seen what it wrote itself: Pods by its expectations, the Job since 1.36 (the gate
    StaleControllerConsistencyJob, k/k#137210).
    """
    return Process(
        name=f"{JOBS.controller} {called(one)}",
        group=JOBS.controller,
        user=JOBS.controller,
        key=ref_of(one),
        watches=(
            Watch("Job", pools["Job"], partial(named, ref_of(one)), quiet),
            Watch("Pod", pools["Pod"], partial(_job_pod, one)),
        ),
        constants=(),
        act=partial(_job_act, repeats),
        form=form,
        sees_own=frozenset({"Job", "Pod"} if Change.OWN_JOB_SEEN in release else {"Pod"}),
    )


def _job_act(
    repeats: bool,  # noqa: FBT001 - bound by partial
    cache: Cache,
    key: Ref,
) -> Alternatives:
    return tuple(filter(None, map(_turn, jobs.grouped(cache, key, repeats=repeats))))


def _job_pod(one: Job, uid: str, obj: Object | None) -> Object | None:
    """Keep a Job's own Pods, and orphans, which it might adopt."""
    if not isinstance(obj, Pod) or obj.metadata.namespace != one.metadata.namespace:
        return None
    controller = obj.metadata.controller
    return coarse(one, obj) if controller is None or controller.uid == uid else None


ORPHANS_KEY = Ref("Job", "", "orphans")


def orphans_process(pools: Pools) -> Process:
    """Make the part of the Job controller that lets go of Pods that no Job counts any more.

    A Job that is gone or over stays so, and so it may act on the store as it is.
    """
    return Process(
        name=f"{JOBS.controller} orphans",
        group=JOBS.controller,
        user=JOBS.controller,
        key=ORPHANS_KEY,
        watches=(Watch("Job", pools["Job"], itself), Watch("Pod", pools["Pod"], _held)),
        constants=(),
        act=_orphans_act,
        form=Form.CURRENT,
    )


def _held(_uid: str, obj: Object | None) -> Object | None:
    return coarse(Job(), obj) if isinstance(obj, Pod) and is_tracked(obj) else None


def _orphans_act(cache: Cache, _key: Ref) -> Alternatives:
    found = (jobs.orphaned(cache, ref_of(pod)) for pod in cache.list(Pod))
    return tuple(requests for requests in found if requests)
