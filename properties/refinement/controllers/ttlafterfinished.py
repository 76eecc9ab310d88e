"""How Jobs look to the page workloads/ttlafterfinished, and the obligation of every look and every deletion.

The world of the proof has one name. Who bears it ends, is given another time, goes, and is made anew, also while the
controller has not seen it, and between its look and its deletion.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve, frozen

from ....impl.api.batch import Job, JobCondition
from ....impl.api.cache import Cache
from ....impl.api.meta import ObjectMeta, Ref, Time
from ....impl.api.requests import Delete, Request
from ....impl.apiserver.access.authentication import controller
from ....impl.apiserver.handler import handle
from ....impl.apiserver.storage import Objects
from ....impl.controllers import ttlafterfinished
from ....model.components.workloads.ttlafterfinished import Find, State, steps
from ....model.components.workloads.ttlafterfinished import Job as SeenJob
from ...proof import Answer
from ..lockstep import Step, searched, unless


def abstract(store: Cache, now: Time, asked: Iterable[Request] = ()) -> State:
    """Keep since when each Job is over, how long it stays, and of whom the deletion is on its way."""
    jobs = tuple(
        SeenJob(
            job.metadata.name,
            job.metadata.uid,
            ended(job),
            job.spec.ttl_seconds_after_finished,
            job.metadata.deletion_timestamp is not None,
        )
        for job in store.list(Job)
    )
    found = frozenset((request.ref.name, request.uid or "") for request in asked if isinstance(request, Delete))
    return State(now, jobs, found)


def ended(job: Job) -> Time | None:
    """Return since when a Job is over, None if it is not."""
    ends = (
        condition
        for condition in job.status.conditions
        if condition.status == "True" and condition.type in {"Complete", "Failed"}
    )
    return next((end.last_transition_time or 0 for end in ends), None)


def refines(before: State, after: State) -> bool:
    """A look that leads to a deletion, and the deletion, are steps of the model."""
    return after == before or any(action.apply(before) == after for action in steps(before))


KEY = Ref("Job", "d", "once")
USER = controller("ttl-after-finished-controller")
LATEST, STAYS, MOST = 2, (None, 0, 1), 2
"""The last moment of the world, for how long its Job may be told to stay, and how many may bear its name."""
CONDITIONS = (("SuccessCriteriaMet", "True"), ("Complete", "False"), ("Complete", "True"), ("Failed", "True"))


@frozen
class World:
    """What there is, what the controller has seen of it, what it has asked for and is on its way, and the time."""

    now: Time
    live: Cache
    cached: Cache
    asked: tuple[Request, ...] = ()
    made: int = 0
    """How many Jobs have borne the name."""

    @property
    def seen(self) -> State:
        """The world as the model has it."""
        return abstract(self.live, self.now, self.asked)


def sent(world: World) -> World:
    """Return the world after the API server has decided on what is on its way."""
    store = Objects.of(world.live.objects.values())
    for request in world.asked:
        _response, transaction = handle(store, request, user=USER, now=world.now)
        store = store.commit(transaction)
    return evolve(world, live=Cache.of(store.objects.values()), asked=())


def looked(world: World) -> World:
    """Return the world after a sync, whose requests are on their way."""
    requests = ttlafterfinished.reconcile(world.cached, KEY, now=world.now, live=world.live)
    return evolve(world, asked=requests)


def surroundings(world: World) -> Iterator[tuple[str, World]]:
    """Yield what others do: time passes, views catch up, the Job is made, ends, is told how long to stay, goes."""
    if world.now < LATEST:
        yield "time passes", evolve(world, now=world.now + 1)
    if world.cached != world.live:
        yield "the controller sees what there is", evolve(world, cached=world.live)
    job = world.live.get(Job, KEY)
    if job is None:
        if world.made < MOST:
            new = Job(ObjectMeta(KEY.name, namespace="d", uid=f"{world.made}"))
            yield "a Job is made", evolve(world, live=Cache.of((new,)), made=world.made + 1)
        return
    if job.metadata.terminating:
        yield "the Job is gone", evolve(world, live=Cache.of(()))
        return
    for stays in STAYS:
        if stays != job.spec.ttl_seconds_after_finished:
            changed = evolve(job, spec=evolve(job.spec, ttl_seconds_after_finished=stays))
            yield f"it is told to stay {stays}", evolve(world, live=Cache.of((changed,)))
    for kind, status in CONDITIONS if not ended(job) else ():
        condition = JobCondition(kind, status, last_transition_time=world.now)
        after = evolve(job, status=evolve(job.status, conditions=(condition,)))
        yield f"{kind} is {status}", evolve(world, live=Cache.of((after,)))


def ttlafterfinished_proof() -> Answer:
    """Search one name, its Jobs told to stay for good, for 0 or for 1 of 3 moments, on views of any age."""

    def moves(world: World) -> Iterator[Step]:
        for done, after in surroundings(world):
            yield Step(done, after)
        if world.asked:
            after = sent(world)
            yield Step("the deletion arrives", after, unless(refines(world.seen, after.seen), "no step of the model"))
            return
        after, due = looked(world), any(isinstance(action, Find) for action in steps(world.seen))
        wrong = "" if refines(world.seen, after.seen) else f"no step of the model: {after.asked}"
        if due and world.cached == world.live and not after.asked:
            wrong = "a Job whose time has come is left"
        if after != world or wrong:
            yield Step("a sync", after, wrong)

    empty = Cache.of(())
    return searched((World(0, empty, empty),), moves)
