"""The load changes: an autoscaler asks for another number of replicas, any that its rules allow at once.

Nothing is said of what is measured, nor when: whatever the metrics are, the autoscaler asks for a number between
minReplicas and maxReplicas to which its policies let it go. Not so one that no metric moves (`input.autoscalers`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ....impl.api.autoscaling import HorizontalPodAutoscaler
from ....impl.api.cache import Cache
from ....impl.api.requests import Update
from ....impl.api.workloads import with_size
from ....impl.controllers.horizontal.behavior import least, most
from ....impl.controllers.horizontal.horizontal import NO_HISTORY, target_of
from ....model.machine import Action, Fairness, Outcome, View
from ....model.world.verbs import Verb
from ....model.world.world import Process, World
from ...input.autoscalers import blind
from ..controllers.autoscaling import CONTROLLER
from .fault import Fault, Struck, budget

BUDGET = budget("load")


def _actions(struck: Struck) -> tuple[Action, ...]:
    scenario = struck.scenario
    still = {reason.ref for reason in blind(scenario)}
    return tuple(
        Action(
            f"{process.name}: the load changes",
            f"fault {process.name}",
            partial(_scales, struck.world, process),
            Fairness.NONE,
            by=CONTROLLER,
            verb=Verb.LOAD_CHANGES,
            on=process.key,
        )
        for process in struck.processes
        if process.group == CONTROLLER and process.key not in still
    )


def _scales(world: World, process: Process, view: View) -> Iterator[Outcome]:
    left: int = view[BUDGET]
    key = world.key(view, process)
    if not left or key is None:
        return
    seen = (obj for snapshot in world.now(view, process, key) for obj in snapshot if obj is not None)
    cache = Cache.of((*process.constants, *seen))
    autoscaler = cache.get(HorizontalPodAutoscaler, key)
    target = None if autoscaler is None else target_of(cache, autoscaler)
    if autoscaler is None or target is None or not autoscaler.spec.least <= target.spec.wanted:
        return
    now = target.spec.wanted
    for wanted in range(least(autoscaler.spec, now, NO_HISTORY, 0), most(autoscaler.spec, now, NO_HISTORY, 0) + 1):
        response, updates = world.commit(view, process.user, Update(with_size(target, wanted), target, "scale"))
        if wanted != now and response.ok:
            yield Outcome(f"asks for {wanted} replicas of {target.metadata.name}", {**updates, BUDGET: left - 1})


FAULT = Fault("change of the load that an autoscaler answers", _actions)
