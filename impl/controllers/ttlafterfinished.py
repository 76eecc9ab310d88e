"""The TTL-after-finished controller: a Job that has been over for so many seconds goes, and its Pods before it.

Upstream: pkg/controller/ttlafterfinished/ttlafterfinished_controller.go (v1.32). It reads the Job from the API server
once more before it deletes it, by its uid and in the foreground: so it acts on the Job as it is.
Time comes in from outside: `now` None says that the seconds are over.
Left out on purpose: Events; a Job whose end lies in the future of the controller's clock, which only is told of.
"""

from __future__ import annotations

from ..api.batch import Job
from ..api.cache import Cache
from ..api.meta import Ref, Time
from ..api.requests import Delete, Request

FINISHED = ("Complete", "Failed")


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at."""
    return ("Job",)


def reconcile(cache: Cache, key: Ref, *, now: Time | None = None) -> tuple[Request, ...]:
    """Delete a Job (named by `key`) that has been over for long enough."""
    job = cache.get(Job, key)
    if job is None or job.metadata.terminating:
        return ()
    expires = expiry(job)
    if expires is None or (now is not None and now < expires):
        return ()
    return (Delete(key, uid=job.metadata.uid, propagation_policy="Foreground"),)


def expiry(job: Job) -> Time | None:
    """Return when a Job that is over expires; None of one that is not over, or stays."""
    ends = (
        condition for condition in job.status.conditions if condition.type in FINISHED and condition.status == "True"
    )
    end, seconds = next(ends, None), job.spec.ttl_seconds_after_finished
    return None if end is None or seconds is None else (end.last_transition_time or 0) + seconds
