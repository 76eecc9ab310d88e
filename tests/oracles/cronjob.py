"""What the real CronJob controller wrote in recorded runs, held against what ours asks for (`controller_runs`).

At which moment a sync was is not recorded: any minute of the run will do. A Job in a status is known by its name.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from attrs import evolve

from kubeproof.impl.api.batch import CronJob, CronJobStatus, Job
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.kinds import Object, ref_of
from kubeproof.impl.api.requests import Create, Delete, Request, Update
from kubeproof.impl.api.values.timestamps import parse_time
from kubeproof.impl.controllers.cronjob import cronjob as controller

from .controller_runs import Difference, Ours, differences

MINUTE = 60


def judge(record: dict[str, Any]) -> Difference | None:
    """Return the first difference of a recorded run, None where there is none."""
    born = (parse_time(one["object"]["metadata"]["creationTimestamp"]) for one in record["events"])
    times = sorted({time for time in born if time is not None})
    moments = range(times[0], times[-1] + 2 * MINUTE, MINUTE // 2)

    def may(cache: Cache) -> list[Request]:
        return [one for now in moments for one in _at(cache, now)]

    def must(cache: Cache) -> list[Request]:
        return [one for one in _at(cache, times[-1]) if not isinstance(one, Create)]

    return next(differences(record, Ours({"CronJob", "Job"}, may, must, _is_asked)), None)


def _at(cache: Cache, now: int) -> list[Request]:
    return [one for key in cache.objects if key.kind == "CronJob" for one in controller.reconcile(cache, key, now=now)]


def _is_asked(old: Object | None, new: Object, asked: list[Request], _by_hand: Collection[str]) -> bool:
    """Tell whether a change is one that somebody else makes, or one that was asked for."""
    match old, new:
        case CronJob(), CronJob():
            written = (one.object for one in asked if isinstance(one, Update))
            same = _named(new.status)
            return new.status == old.status or any(
                isinstance(one, CronJob) and _named(one.status) == same for one in written
            )
        case None, Job():
            return any(isinstance(one, Create) and _alike(one.object, new) for one in asked)
        case Job(), Job():
            begins = new.metadata.terminating and not old.metadata.terminating
            return not begins or any(isinstance(one, Delete) and one.ref == ref_of(new) for one in asked)
    return True


def _named(status: CronJobStatus) -> CronJobStatus:
    return evolve(status, active=tuple(evolve(one, uid="", extra=type(one.extra)()) for one in status.active))


def _alike(made: Object, stored: Job) -> bool:
    if not isinstance(made, Job) or made.metadata.name != stored.metadata.name:
        return False
    own = made.metadata.annotations.items() <= stored.metadata.annotations.items()
    return own and made.metadata.owner_references == stored.metadata.owner_references
