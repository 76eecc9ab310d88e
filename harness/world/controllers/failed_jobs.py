"""Jobs that have failed and that a controller has deleted then: that they are gone does not do their work.

The TTL-after-finished controller and the history limits of CronJobs take a Job that has failed as one that has
completed. Who asked for its work still lacks it, so a world remembers them, until one of their name is done.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ....impl.api.batch import Job, JobCondition
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....model.machine import View
from ....model.world.component import Component, constantly

FAILED = "jobs/failed"
"""The references of Jobs that had failed when a controller deleted them, each with the reason."""


def component() -> Component[Any]:
    """Return the memory, in which there is none at first."""
    return Component("failed jobs", slots=constantly({FAILED: ()}))


def remembered(view: View, deleted: Iterable[Object]) -> dict[str, tuple[tuple[Ref, str], ...]]:
    """Return what is remembered once a controller deletes some objects, where that is something else."""
    jobs = [obj for obj in deleted if isinstance(obj, Job)]
    if not jobs:
        return {}
    before: dict[Ref, str] = dict(view[FAILED])
    after = dict(before)
    for job in jobs:
        after.pop(ref_of(job), None)
        after |= {ref_of(job): condition.reason for condition in job.status.conditions if _has_failed(condition)}
    return {} if after == before else {FAILED: tuple(sorted(after.items()))}


def _has_failed(condition: JobCondition) -> bool:
    return condition.type == "Failed" and condition.status == "True"
