"""What the TTL-after-finished controller waits for: that a Job has been over for `ttlSecondsAfterFinished`.

Upstream: timeLeft in pkg/controller/ttlafterfinished/ttlafterfinished_controller.go (v1.32). A Job says in whole
seconds since when it is over, so a second less is sure; the controller may be late.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from ....impl.api.batch import Job
from ....impl.controllers import ttlafterfinished
from ....model.machine import Timer, View, Wait
from ....model.world.verbs import Verb
from ..controllers.ttl import USER
from .timing import Timing


def timers(timing: Timing) -> Iterator[Timer]:
    """Yield what is waited for of the Job in each place."""
    for place in timing.world.layout.pools.get("Job", ()):
        yield Timer(partial(_stays, place), partial(_goes, place), "ttl", USER, Verb.SENDS, place)


def _stays(place: str, view: View) -> Iterator[Wait]:
    job = view[place]
    if isinstance(job, Job) and not job.metadata.terminating and ttlafterfinished.expiry(job) is not None:
        seconds = Fraction(max(0, (job.spec.ttl_seconds_after_finished or 0) - 1))
        told = f"ttlSecondsAfterFinished of Job {job.metadata.namespace}/{job.metadata.name}"
        yield Wait((job.metadata.uid, "ttl"), told, seconds)


def _goes(place: str, _before: View, after: View, wait: Wait) -> bool:
    job = after[place]
    return not isinstance(job, Job) or job.metadata.uid != wait.what[0] or job.metadata.terminating
