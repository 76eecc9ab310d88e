"""The Job controller: lets Pods run until enough have succeeded, or too many have failed, and counts each once.

Upstream: pkg/controller/job/job_controller.go, tracking_utils.go (v1.32; JobPodReplacementPolicy, JobManagedBy,
JobBackoffLimitPerIndex, JobSuccessPolicy on). One sync adopts and releases; decides whether the Job is over; makes
Pods, or lets some go, as many as may be at work at once; writes down which Pods are over, takes their finalizers away,
and only then counts them (`counting`); a Pod that is deleted before stays until it is counted. That the Job is over is
said twice: first that it will be (FailureTarget, SuccessCriteriaMet), at the end, when nobody is left, that it is
(Failed, Complete).
Left out on purpose: Events; the back-off before a failed Pod is replaced and the delay of a second that joins syncs
(waits); the limit of 500 Pods that one sync writes down; slow start. What upstream remembers of finalizers that it has
taken away and not yet seen gone is for whoever runs this: it shows a cache that has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve

from ...api.batch import Job
from ...api.cache import Cache
from ...api.core import Pod
from ...api.kinds import ref_of
from ...api.meta import LabelSelector, Ref, Time
from ...api.requests import Groups, PatchMetadata, Request
from ...api.values.frozen import strings
from ...api.well_known import CONTROLLER_UID, TRACKING
from ..common import claim
from . import indexes
from .counting import tracked
from .sync import Sync, freed


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at."""
    return ("Job", "Pod")


def reconcile(cache: Cache, key: Ref, *, now: Time = 0, satisfied: bool = True) -> tuple[Request, ...]:
    """Return the requests of one sync; `satisfied` False (expectations open): no Pod is made, and none is too many.

    Where the rules leave open which Pods go, this is the first alternative of `grouped`.
    """
    first = next(grouped(cache, key, now=now, satisfied=satisfied), ())
    return tuple(request for group in first for request in group)


def grouped(
    cache: Cache, key: Ref, *, now: Time = 0, satisfied: bool = True, repeats: bool = False
) -> Iterator[Groups]:
    """Yield every sync a real controller may perform on this cache, one for each set of Pods that it may let go.

    `repeats`: an index that has succeeded twice counts twice (k/k PR #99865).
    """
    job = cache.get(Job, key)
    if job is None or job.spec.run_elsewhere or job.finished:
        return
    pods, claims = _claimed(job, cache.list(Pod, key.namespace))
    sync = Sync(job, pods, now, satisfied, repeats)
    for managed, after in sync.managed():
        yield tuple(group for group in (*((request,) for request in claims), *managed, *tracked(after)) if group)


def orphaned(cache: Cache, key: Ref) -> tuple[Request, ...]:
    """Return the request that takes the finalizer off a Pod whom no Job will count any more."""
    pod = cache.get(Pod, key)
    if pod is None or not indexes.is_tracked(pod):
        return ()
    owner = pod.metadata.controller
    if owner is not None:
        if (owner.kind, owner.api_version) != ("Job", "batch/v1"):
            return ()
        job = cache.get(Job, Ref("Job", key.namespace, owner.name))
        alive = job is not None and job.metadata.uid == owner.uid
        if alive and job is not None and not (job.finished and not job.spec.run_elsewhere):
            return ()
    return (freed(pod),)


def _claimed(job: Job, pods: Iterable[Pod]) -> tuple[tuple[Pod, ...], tuple[Request, ...]]:
    """Return the Pods that are the Job's, and what adopts and releases; who is adopted is counted from then on."""
    nobody = LabelSelector(strings({CONTROLLER_UID: ""}))
    mine, requests = claim(job, job.spec.selector or nobody, pods)
    adopted = {
        request.ref for request in requests if isinstance(request, PatchMetadata) and request.add_owner is not None
    }
    tracked = tuple(_tracked_pod(pod) if ref_of(pod) in adopted else pod for pod in mine)
    asked = tuple(
        evolve(request, add_finalizers=(TRACKING,))
        if isinstance(request, PatchMetadata) and request.ref in adopted
        else request
        for request in requests
    )
    return tracked, asked


def _tracked_pod(pod: Pod) -> Pod:
    finalizers = tuple(dict.fromkeys((*pod.metadata.finalizers, TRACKING)))
    return evolve(pod, metadata=evolve(pod.metadata, finalizers=finalizers))
