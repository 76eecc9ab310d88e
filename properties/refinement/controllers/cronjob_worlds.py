"""The CronJob controller beside its model in small worlds: two runs, under way or over, and a time that has come."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from attrs import evolve, frozen

from ....impl.api.batch import CronJob, CronJobSpec, CronJobStatus, Job, JobCondition
from ....impl.api.cache import Cache
from ....impl.api.core import ObjectReference
from ....impl.api.kinds import ref_of
from ....impl.api.meta import ObjectMeta
from ....impl.controllers.cronjob import cronjob as controller
from ....model.components.workloads.cronjob import Policy, after_turn
from ...proof import Answer
from ..granted import all_granted, with_object
from ..lockstep import Step, searched, unless
from .cronjob import MINUTE, abstract

CRON = CronJob(
    ObjectMeta(name="c", namespace="d", uid="CronJob/d/c", generation=1),
    CronJobSpec("* * * * *", concurrency_policy="Allow"),
)
KEY = ref_of(CRON)


@frozen
class World:
    """What there is, and how many minutes have passed."""

    store: Cache
    minutes: int


def cronjob_proof() -> Answer:
    """Search up to two Jobs, under way, done, failed or gone, noted or not, and up to three minutes."""

    def steps(world: World) -> Iterator[Step]:
        now = world.minutes * MINUTE
        before, requests = abstract(world.store, KEY, now), controller.reconcile(world.store, KEY, now=now)
        after = evolve(world, store=all_granted(world.store, requests, "t"))
        found, wanted = abstract(after.store, KEY, now), after_turn(before)
        yield Step("a turn", after, unless(found == wanted, f"{before} becomes {found}, in the model {wanted}"))
        yield Step("a minute", evolve(world, minutes=min(world.minutes + 1, 3)))

    return searched(worlds(), steps, most=4)


def worlds() -> Iterator[World]:
    """Yield the worlds that a search begins with."""
    kinds = ("", "under way", "Complete", "Failed")
    for policy, suspended, first, second in product(Policy, (False, True), kinds, kinds):
        seen = 2 if second else 1 if first else 0
        written = ((), *(((1,),) if first else ()), *(((1, 2), (2,)) if first and second else ()))
        for noted in written:
            cron = evolve(
                CRON,
                spec=evolve(CRON.spec, concurrency_policy=policy.value, suspend=suspended),
                status=CronJobStatus(tuple(map(_reference, noted)), seen * MINUTE or None),
            )
            store = Cache.of([cron])
            for number, kind in enumerate((first, second), 1):
                store = with_object(store, job(number, kind)) if kind else store
            yield World(store, seen)


def job(number: int, kind: str) -> Job:
    """Make the Job of a minute, and let it be over in some way."""
    made = controller.job_at(CRON, number * MINUTE)
    meta = evolve(made.metadata, uid=f"Job/d/{made.metadata.name}")
    conditions = () if kind == "under way" else (JobCondition(kind, "True"),)
    return evolve(made, metadata=meta, status=evolve(made.status, conditions=conditions))


def _reference(number: int) -> ObjectReference:
    return ObjectReference("Job", "d", f"c-{number}", api_version="batch/v1")
