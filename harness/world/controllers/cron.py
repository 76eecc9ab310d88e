"""CronJobs in a world: a start may come due at any time, so many times at most, and their controller sees to it.

What the clock says is which start was the last to come due (`due_slot`); the times are those of the schedule. Several
may have come due before the controller looks: then it sees to the last one (before 1.21 to none, where they are more
than a hundred). What one of its syncs writes is one step here, on the store as it is: of an old view nothing would come
but a refusal, for the status that it notes each start in has a precondition and a Job is called after its time. A
CronJob that is suspended never comes due here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from attrs import frozen

from ....impl.api.batch import CronJob, Job
from ....impl.api.cache import Cache
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref, Time
from ....impl.api.requests import Delete, Response
from ....impl.controllers.cronjob import cronjob
from ....model.machine import Action, Fairness, Outcome, View
from ....model.world.component import Component, constantly
from ....model.world.store import Stored
from ....model.world.verbs import Verb
from ....model.world.world import World
from ...input.cron_runs import times
from ...input.scenario import Scenario, Switch
from ..faults.fault import budget
from .failed_jobs import remembered
from .workloads import distinct

USER = "cronjob-controller"
CLOCK = "schedule"
OUTAGE = "outage of the controllers"
BUDGET = budget("controller_outage")


def due_slot(ref: Ref) -> str:
    """Name the slot that says which start of a CronJob was the last to come due, by its time; 0: none yet."""
    return f"due/{ref.namespace}/{ref.name}"


def component(scenario: Scenario, objects: tuple[Object, ...]) -> Component[World]:
    """Return the schedules of CronJobs, of which none has come due at the start, and their controller."""
    due = {due_slot(ref_of(cron)): 0 for cron in distinct(objects, CronJob)}
    return Component("cron", lambda world: actions(world, scenario, objects), constantly(due))


def actions(world: World, scenario: Scenario, objects: Iterable[Object]) -> tuple[Action, ...]:
    """Return how starts come due, and what the controller does."""
    crons = distinct(objects, CronJob)
    gives_up = Switch.MISSED_STARTS in scenario.switches
    found, clocks = [], []
    for cron in crons:
        ref = ref_of(cron)
        known = times(cron, scenario.cron_starts, scenario.faults.controller_outage)
        clocks.append(Clock(cron, due_slot(ref), known, scenario.cron_starts))
        clock, name = f"{CLOCK} {ref.name}: comes due", f"{USER} {ref.name}"
        comes = partial(_comes_due, clocks[-1])
        found.append(Action(clock, clock, comes, Fairness.NONE, by=CLOCK, verb=Verb.COMES_DUE, on=ref))
        works = partial(_works, world, ref, gives_up)
        found.append(Action(f"{name}: sends", name, works, by=USER, verb=Verb.SENDS, on=ref))
    if clocks and scenario.faults.controller_outage:
        passes = partial(_passes, tuple(clocks))
        found.append(Action(OUTAGE, OUTAGE, passes, Fairness.NONE, by=CLOCK, verb=Verb.STANDS_STILL))
    return tuple(found)


@frozen
class Clock:
    """When a CronJob is due: after every `stretch` times nothing follows but an outage, or nothing at all."""

    cron: CronJob
    slot: str
    times: tuple[Time, ...]
    stretch: int

    def come(self, view: View) -> int:
        """Return how many of the times have come, those in between left out."""
        last: Time = view[self.slot]
        return 0 if self.cron.spec.suspend else sum(time <= last for time in self.times)

    def after_outage(self, view: View) -> Time | None:
        """Return the time that comes after the next outage; None where none does."""
        stretches = max(0, self.come(view) - 1) // self.stretch + 1 if self.stretch else 0
        later = self.times[stretches * self.stretch :]
        return later[0] if later and not self.cron.spec.suspend else None


def _comes_due(clock: Clock, view: View) -> Iterator[Outcome]:
    come = clock.come(view)
    ends = come > 0 and come % clock.stretch == 0
    if come < len(clock.times) and not ends and not clock.cron.spec.suspend:
        what = f"a start of CronJob {clock.cron.metadata.name} comes due ({come + 1})"
        yield Outcome(what, {clock.slot: clock.times[come]})


def _passes(clocks: tuple[Clock, ...], view: View) -> Iterator[Outcome]:
    """Let a hundred starts and one more pass at once: nobody is bound to act in time, so that is a run like others."""
    left: int = view[BUDGET]
    later = {clock.slot: time for clock in clocks if (time := clock.after_outage(view)) is not None}
    if left and later:
        yield Outcome("no controller acts while a hundred starts come due", {**later, BUDGET: left - 1})


def _works(world: World, ref: Ref, gives_up: bool, view: View) -> Iterator[Outcome]:  # noqa: FBT001
    seen = _seen(world, view)
    requests = cronjob.reconcile(seen, ref, now=view[due_slot(ref)], gives_up=gives_up)
    deleted = (seen.objects[request.ref] for request in requests if isinstance(request, Delete))

    def told(answers: tuple[Response, ...], _after: Stored) -> str:
        return ", ".join(map(world.describe, requests, answers))

    more = remembered(view, deleted)
    for outcome in world.at_once(view, USER, requests, told):
        yield Outcome(outcome.label, {**outcome.updates, **more})


def _seen(world: World, view: View) -> Cache:
    layout = world.layout
    placed = (view[slot] for kind in ("CronJob", "Job") for slot in layout.pools.get(kind, ()))
    fixed = (obj for obj in layout.constants.values() if isinstance(obj, CronJob | Job))
    return Cache.of(obj for obj in (*fixed, *placed) if obj is not None)
