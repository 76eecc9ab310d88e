"""The TTL-after-finished controller in a world: a Job that is over goes at any time, and in the end it has gone.

It reads the Job anew before it deletes it, so it acts on the store as it is. Nobody knows how long the seconds of a
`ttlSecondsAfterFinished` are beside all else; a clock may (`world.timers.ttl`). So a Job goes at any time, and that it
has to is said of where nothing else happens. What has come to rest before the script may still have its Jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from ....impl.api.batch import Job
from ....impl.api.cache import Cache
from ....impl.api.kinds import Object, ref_of
from ....impl.api.requests import Response
from ....impl.controllers import ttlafterfinished
from ....model.machine import Action, Fairness, Outcome, View
from ....model.world.component import Component
from ....model.world.store import Stored
from ....model.world.verbs import Verb
from ....model.world.world import World
from .failed_jobs import remembered
from .taint_eviction import number_of

USER = "ttl-after-finished-controller"


def component(objects: Iterable[Object], others: Iterable[Object] = ()) -> Component[World]:
    """Return the controller, which has something to do where a Job of these goes after its time, or one of others may.

    `others` stand for what a user's controllers make.
    """
    goes = any(isinstance(obj, Job) and obj.spec.ttl_seconds_after_finished is not None for obj in objects)
    goes = goes or any(isinstance(obj, Job) for obj in others)
    return Component("ttl", actions) if goes else Component("ttl")


def actions(world: World) -> Iterator[Action]:
    """Yield for each place of a Job that it goes at some time, and that it has gone in the end."""
    for place in world.layout.pools.get("Job", ()):
        name = f"{USER} {number_of(place)}"
        does = partial(_deletes, world, place)
        yield Action(f"{name}: in time", f"{name} in time", does, Fairness.NONE, by=USER, verb=Verb.SENDS, on=place)
        yield Action(f"{name}: sends", name, does, when_quiet=True, by=USER, verb=Verb.SENDS, on=place)


def _deletes(world: World, place: str, view: View) -> Iterator[Outcome]:
    job = view[place]
    if isinstance(job, Job):
        requests = ttlafterfinished.reconcile(Cache.of((job,)), ref_of(job))
        if requests:
            for outcome in world.at_once(view, USER, requests, partial(_told, job)):
                yield Outcome(outcome.label, {**outcome.updates, **remembered(view, (job,))})


def _told(job: Job, _answers: tuple[Response, ...], _after: Stored) -> str:
    return f"deletes Job {job.metadata.name}, which is over"
