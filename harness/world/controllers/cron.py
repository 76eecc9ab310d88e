"""CronJobs in a world: a start may come due at any time, so many times at most, and their controller sees to it.

What the clock says is how many starts have come due (`due_slot`); which times these are is told by the schedule.
Several may have come due before the controller looks: then it sees to the last one. What one of its syncs writes is one
step here, on the store as it is: of an old view nothing would come but a refusal, for the status that it notes each
start in has a precondition and a Job is called after its time. A CronJob that is suspended never comes due here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from ....impl.api.batch import CronJob, Job
from ....impl.api.cache import Cache
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref, Time
from ....impl.api.requests import Response
from ....impl.controllers.cronjob import cronjob
from ....model.machine import Action, Fairness, Outcome, View
from ....model.world.component import Component, constantly
from ....model.world.store import Stored
from ....model.world.verbs import Verb
from ....model.world.world import World
from ...input.cron_runs import times
from ...input.scenario import Scenario
from .workloads import distinct

USER = "cronjob-controller"
CLOCK = "schedule"


def due_slot(ref: Ref) -> str:
    """Name the slot that says how many starts of a CronJob have come due."""
    return f"due/{ref.namespace}/{ref.name}"


def component(scenario: Scenario, objects: tuple[Object, ...]) -> Component[World]:
    """Return the schedules of CronJobs, of which none has come due at the start, and their controller."""
    due = {due_slot(ref_of(cron)): 0 for cron in distinct(objects, CronJob)}
    return Component("cron", lambda world: actions(world, scenario, objects), constantly(due))


def actions(world: World, scenario: Scenario, objects: Iterable[Object]) -> tuple[Action, ...]:
    """Return how starts come due, and what the controller does."""
    found = []
    for cron in distinct(objects, CronJob):
        ref = ref_of(cron)
        clock, name = f"{CLOCK} {ref.name}: comes due", f"{USER} {ref.name}"
        known = times(cron, scenario.cron_starts)
        comes = partial(_comes_due, cron, len(known))
        found.append(Action(clock, clock, comes, Fairness.NONE, by=CLOCK, verb=Verb.COMES_DUE, on=ref))
        works = partial(_works, world, ref, known)
        found.append(Action(f"{name}: sends", name, works, by=USER, verb=Verb.SENDS, on=ref))
    return tuple(found)


def _comes_due(one: CronJob, most: int, view: View) -> Iterator[Outcome]:
    slot = due_slot(ref_of(one))
    count: int = view[slot]
    if count < most and not one.spec.suspend:
        yield Outcome(f"a start of CronJob {one.metadata.name} comes due ({count + 1})", {slot: count + 1})


def _works(world: World, ref: Ref, known: tuple[Time, ...], view: View) -> Iterator[Outcome]:
    count: int = view[due_slot(ref)]
    now = known[count - 1] if count else 0
    requests = cronjob.reconcile(_seen(world, view), ref, now=now)

    def told(answers: tuple[Response, ...], _after: Stored) -> str:
        return ", ".join(map(world.describe, requests, answers))

    yield from world.at_once(view, USER, requests, told)


def _seen(world: World, view: View) -> Cache:
    layout = world.layout
    placed = (view[slot] for kind in ("CronJob", "Job") for slot in layout.pools.get(kind, ()))
    fixed = (obj for obj in layout.constants.values() if isinstance(obj, CronJob | Job))
    return Cache.of(one for one in (*fixed, *placed) if one is not None)
