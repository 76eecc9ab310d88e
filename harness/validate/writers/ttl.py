"""The TTL-after-finished controller: Jobs that have been over for as long as they say.

It says in whole seconds since when a Job is over and since when it goes, by two programs' clocks: a second may be
missing. Who deletes a Job for other reasons is known: its CronJob, the garbage collector, the namespace controller.
Left out on purpose: a Job that is given more time between the controller's last look at it and its deletion.
"""

from __future__ import annotations

from collections.abc import Iterator

from immutabledict import immutabledict

from ....impl.api.batch import Job
from ....impl.api.cache import Cache
from ....impl.api.core import Namespace
from ....impl.api.meta import Ref
from ....impl.api.requests import Delete, Request
from ....impl.controllers import ttlafterfinished
from ....impl.controllers.common import whole
from ..history import Change
from .writer import LATER, Seen, Writer, begins_to_go, in_the_foreground, stays

NAME = "ttl-after-finished-controller"
CLOCKS_SECONDS = 1
"""By so much the clocks of the controller and of the API server may differ, and what is told of them."""
JOB = frozenset({"Job"})


def _may(seen: Seen, key: Ref) -> Iterator[Request]:
    yield from ttlafterfinished.reconcile(seen.cache, key, now=seen.now + LATER)


def _must(seen: Seen, key: Ref) -> Iterator[Request]:
    yield from ttlafterfinished.reconcile(seen.cache, key, now=seen.now)


def _writes(change: Change, cache: Cache) -> bool:
    """Tell whether a Job begins to go, and neither its owners nor its namespace are the reason."""
    old = change.before
    if not isinstance(old, Job) or not begins_to_go(change) or not change.who:
        return False
    if change.who == NAME:
        return True
    space = cache.get(Namespace, Ref("Namespace", "", change.ref.namespace))
    if space is not None and space.metadata.terminating:
        return False
    owners = old.metadata.owner_references
    return not owners or (in_the_foreground(change) and any(stays(cache, owner.uid) for owner in owners))


def _explains(request: Request, change: Change) -> bool:
    """Tell whether the very Job was asked for, in the foreground, and its time had come."""
    old, new = change.before, change.after
    if not isinstance(old, Job) or not isinstance(request, Delete) or not in_the_foreground(change):
        return False
    expires = ttlafterfinished.expiry(old)
    begun = change.time if new is None else new.metadata.deletion_timestamp or change.time
    in_time = expires is not None and begun + CLOCKS_SECONDS >= expires
    return in_time and (request.ref, request.uid) == (change.ref, old.metadata.uid)


TTL = Writer(NAME, JOB, JOB, immutabledict({"Job": whole}), _may, _must, _writes, _explains)
