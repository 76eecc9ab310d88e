"""How a namespace looks to model/components/resources/serviceaccount.py, and all that may befall it and its account.

What the controller has seen may be old: then the API server refuses what it asks for, or it asks for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from ....impl.api.cache import Cache
from ....impl.api.core import Namespace
from ....impl.api.kinds import Object, Unstructured
from ....impl.api.meta import ObjectMeta, Ref
from ....impl.apiserver.access.authentication import controller
from ....impl.apiserver.handler import handle
from ....impl.apiserver.storage import Objects
from ....impl.controllers import serviceaccount
from ....model.components.resources.serviceaccount import State, steps
from ...proof import Answer
from ..lockstep import Step, searched, unless

KEY = Ref("Namespace", "", "shop")
ACCOUNT = Ref("ServiceAccount", "shop", "default")
USER = controller("service-account-controller")


def abstract(store: Cache) -> State:
    """Keep whether the namespace is there and going, and whether it has its account."""
    space = store.objects.get(KEY)
    going = space is not None and space.metadata.deletion_timestamp is not None
    return State(space is not None, going, ACCOUNT in store.objects)


def refines(before: State, after: State) -> bool:
    """Every request that is granted is a step of the model."""
    return after == before or any(action.apply(before) == after for action in steps(before))


@frozen
class World:
    """What there is, and what the controller has seen of it."""

    live: Cache
    seen: Cache


def sent(world: World) -> World:
    """Return the world after a sync, whose requests the API server has decided on."""
    store = Objects.of(world.live.objects.values())
    for request in serviceaccount.reconcile(world.seen, KEY):
        _response, transaction = handle(store, request, user=USER)
        store = store.commit(transaction)
    return evolve(world, live=Cache.of(store.objects.values()))


def _others(world: World) -> Iterator[tuple[str, World]]:
    space = world.live.objects.get(KEY)
    kept: tuple[Object, ...] = tuple(one for ref, one in world.live.objects.items() if ref != KEY)
    if space is None:
        yield "the namespace is made", evolve(world, live=Cache.of((Namespace(ObjectMeta(KEY.name)),)))
    elif not space.metadata.terminating:
        going = evolve(space, metadata=evolve(space.metadata, deletion_timestamp=0))
        yield "the namespace is deleted", evolve(world, live=Cache.of((going, *kept)))
    else:
        yield "the namespace is gone", evolve(world, live=Cache.of(()))
    if ACCOUNT in world.live.objects:
        left = (one for ref, one in world.live.objects.items() if ref != ACCOUNT)
        yield "the account is deleted", evolve(world, live=Cache.of(left))
    elif space is not None:
        made = Unstructured(serviceaccount.KIND, ObjectMeta(ACCOUNT.name, namespace=ACCOUNT.namespace))
        yield "somebody else makes the account", evolve(world, live=Cache.of((*world.live.objects.values(), made)))
    if world.seen != world.live:
        yield "the controller sees what there is", evolve(world, seen=world.live)


def serviceaccount_proof() -> Answer:
    """Search a namespace that is made, deleted and gone, and its account, on views of any age."""

    def moves(world: World) -> Iterator[Step]:
        for done, after in _others(world):
            yield Step(done, after)
        after, may = sent(world), bool(steps(abstract(world.live)))
        wrong = unless(refines(abstract(world.live), abstract(after.live)), "no step of the model")
        if world.seen == world.live and may and after == world:
            wrong = "an account is left out"
        if after != world or wrong:
            yield Step("a sync", after, wrong)

    empty = Cache.of(())
    return searched((World(empty, empty),), moves)
