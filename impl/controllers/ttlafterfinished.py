"""The TTL-after-finished controller: a Job that has been over for so many seconds goes, and its Pods before it.

Upstream: pkg/controller/ttlafterfinished/ttlafterfinished_controller.go (v1.32). Where the Job is due by the cache, the
API server is asked for it once more before it is deleted, by its uid and in the foreground: `live` is what it would
answer. So a Job that was given more time meanwhile stays.
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


def reconcile(cache: Cache, key: Ref, *, now: Time | None = None, live: Cache | None = None) -> tuple[Request, ...]:
    """Delete a Job (named by `key`) that has been over for long enough; `live` None means the cache is up to date."""
    if not _is_due(cache.get(Job, key), now):
        return ()
    job = (live or cache).get(Job, key)
    if job is None or not _is_due(job, now):
        return ()
    return (Delete(key, uid=job.metadata.uid, propagation_policy="Foreground"),)


def _is_due(job: Job | None, now: Time | None) -> bool:
    """Tell whether there is a Job whose seconds are over, and that is not deleted yet."""
    if job is None or job.metadata.terminating:
        return False
    expires = expiry(job)
    return expires is not None and (now is None or now >= expires)


def expiry(job: Job) -> Time | None:
    """Return when a Job that is over expires; None of one that is not over, or stays."""
    ends = (
        condition for condition in job.status.conditions if condition.type in FINISHED and condition.status == "True"
    )
    end, seconds = next(ends, None), job.spec.ttl_seconds_after_finished
    return None if end is None or seconds is None else (end.last_transition_time or 0) + seconds
