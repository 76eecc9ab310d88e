"""The garbage collector as a process of a world."""

from __future__ import annotations

from functools import partial

from ....impl.api.cache import Cache
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.controllers import garbage
from ....model.world.world import Alternatives, Form, Process, Watch

GARBAGE_KEY = Ref("GarbageCollector", "", "all")


def process(
    pools: dict[str, tuple[str, ...]],
    constants: tuple[Object, ...],
    absent: frozenset[str] = frozenset(),
    others: frozenset[str] = frozenset(),
) -> Process:
    """Make the garbage collector: what is left of owners that are gone goes, in any order, wherever it came from.

    It asks the API server for an object and its owners before it acts, and an owner that is gone stays gone: so it acts
    on the store as it is. An owner deleted and made again under its name counts as the same one here, if it is of a
    kind with a class; `absent` are the uids of owners without one that do not exist, `others` the kinds without a class
    that have places.
    """
    kinds = sorted(others.intersection(pools))
    kept = (_kept_by_garbage("", obj) for obj in constants if ref_of(obj).kind in garbage.TRANSFORM)
    return Process(
        name="garbage-collector",
        group="garbage-collector",
        user="generic-garbage-collector",
        key=GARBAGE_KEY,
        watches=(
            *tuple(Watch(kind, pools[kind], _kept_by_garbage) for kind in pools if kind in garbage.TRANSFORM),
            *(Watch(kind, pools[kind], _kept_by_garbage) for kind in kinds),
        ),
        constants=tuple(obj for obj in kept if obj is not None),
        act=partial(_garbage_act, absent, frozenset(kinds)),
        form=Form.CURRENT,
    )


def _kept_by_garbage(_uid: str, obj: Object | None) -> Object | None:
    return None if obj is None else garbage.TRANSFORM.get(ref_of(obj).kind, garbage.OF_OTHERS)(obj)


def _garbage_act(absent: frozenset[str], others: frozenset[str], cache: Cache, _key: Ref) -> Alternatives:
    absent |= _gone(cache, others) if others else frozenset()
    found = (garbage.reconcile(cache, ref, absent=absent) for ref in sorted(cache.objects))
    return tuple(requests for requests in found if requests)


def _gone(cache: Cache, kinds: frozenset[str]) -> frozenset[str]:
    """Return the uids of owners of some kinds that are named and not there."""
    there = {obj.metadata.uid for obj in cache.objects.values()}
    named = (owner for obj in cache.objects.values() for owner in obj.metadata.owner_references)
    return frozenset(owner.uid for owner in named if owner.kind in kinds and owner.uid not in there)
