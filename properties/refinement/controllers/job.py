"""How the Job controller's objects look to the page workloads/job."""

from __future__ import annotations

from ....impl.api.batch import Job, UncountedTerminatedPods
from ....impl.api.cache import Cache
from ....impl.api.core import Pod
from ....impl.api.meta import Ref
from ....impl.api.well_known import TRACKING
from ....model.components.workloads.job import Ending, Kind, State, Worker


def abstract(store: Cache, key: Ref) -> State:
    """Keep the Pods that a Job controls, and what its status says of them and of its end."""
    job = store.get(Job, key)
    if job is None:
        return State(0, 0, 0, ())
    spec, status = job.spec, job.status
    noted = status.uncounted_terminated_pods or UncountedTerminatedPods()
    mine = [
        pod
        for pod in store.list(Pod, key.namespace)
        if any(reference.uid == job.metadata.uid for reference in pod.metadata.owner_references)
    ]
    waiting = {pod.metadata.uid for pod in mine if TRACKING in pod.metadata.finalizers}
    said = {condition.type for condition in status.conditions if condition.status == "True"}
    ending = Ending.SUCCESS if "SuccessCriteriaMet" in said else Ending.OPEN
    return State(
        wanted=spec.completions,
        at_once=1 if spec.parallelism is None else spec.parallelism,
        limit=spec.backoff_limit or 0,
        workers=tuple(_worker(pod, noted) for pod in mine),
        patient=spec.pod_replacement_policy == "Failed",
        stopped=spec.suspend,
        counted=(status.succeeded, status.failed),
        written=(len(set(noted.succeeded) - waiting), len(set(noted.failed) - waiting)),
        ending=Ending.FAILURE if "FailureTarget" in said else ending,
        over=bool(said & {"Complete", "Failed"}),
    )


def _worker(pod: Pod, noted: UncountedTerminatedPods) -> Worker:
    waits, uid = TRACKING in pod.metadata.finalizers, pod.metadata.uid
    listed = {**dict.fromkeys(noted.succeeded, Kind.DONE), **dict.fromkeys(noted.failed, Kind.BROKEN)}
    kinds = {"Succeeded": Kind.DONE, "Failed": Kind.BROKEN}
    alive = Kind.WORKING if pod.metadata.deletion_timestamp is None else Kind.LEAVING
    kind = kinds.get(pod.status.phase, alive)
    return Worker(kind, waits, listed.get(uid) if waits else None, bool(pod.spec.node_name))
