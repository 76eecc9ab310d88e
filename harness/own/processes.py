"""Controllers of users as processes of a world, one for each object of their kind.

Objects of the manifests and of the script are known by name, and so can be seen by who restarts in the past. What other
controllers make is known by its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from ...impl.api.kinds import Kind, Object, kind_of, ref_of
from ...impl.api.meta import Ref
from ...model.world.world import Form, Process, Watch
from ..world.controllers.views import itself, named
from .controllers import Controller, Own
from .syncs import act, go_on

USER = "operator:"
"""What the names of the accounts of users' controllers begin with: they may do anything."""
Pools = dict[str, tuple[str, ...]]


def processes(
    own: Own, objects: Iterable[Object], pools: Pools, constants: tuple[Object, ...], *, form: Callable[[int], Form]
) -> Iterator[Process]:
    """Make the processes of all controllers; `objects` are those of the manifests and of the script.

    `constants` are the objects that never change.
    """
    refs = tuple(sorted({ref_of(obj) for obj in objects}))
    made = {
        "Pod",
        "ReplicaSet",
        "ControllerRevision",
        *(kind.name for controller in own.controllers for kind in controller.owns),
    }
    for controller in own.controllers:
        there = pools.get(controller.kind.name, ()) if controller.kind.name in made else ()
        keys: tuple[Ref | str, ...] = there or tuple(ref for ref in refs if ref.kind == controller.kind.name)
        yield from (_process(controller, own.kinds, key, pools, constants, form) for key in keys)


def _process(
    one: Controller,
    kinds: tuple[Kind, ...],
    key: Ref | str,
    pools: Pools,
    constants: tuple[Object, ...],
    form: Callable[[int], Form],
) -> Process:
    watches = tuple(_watch(one, kind, key, pools) for kind in one.kinds)
    called = key.rpartition("/")[2] if isinstance(key, str) else key.name
    return Process(
        name=f"{one.name} {called}",
        group=one.name,
        user=f"{USER}{one.name}",
        key=key,
        watches=tuple(watch for watch in watches if watch.slots),
        constants=tuple(obj for obj in constants if kind_of(obj) in one.kinds),
        act=partial(act, one, kinds),
        form=form(len(watches)),
        sees_own=one.sees_own,
        go_on=partial(go_on, one, kinds),
        refusals_last=False,
    )


def _watch(one: Controller, kind: Kind, key: Ref | str, pools: Pools) -> Watch:
    """Watch a kind in the namespace of the object; of the controller's own kind the object alone, if that is all."""
    if kind != one.kind or kind in (*one.owns, *one.watches):
        return Watch(kind.name, pools.get(kind.name, ()), partial(_beside, kind.namespaced))
    if isinstance(key, str):
        return Watch(kind.name, (key,), itself)
    return Watch(kind.name, pools.get(kind.name, ()), partial(named, key))


def _beside(namespaced: bool, uid: str, obj: Object | None) -> Object | None:  # noqa: FBT001 - bound by partial
    """Keep what lives in the namespace of the object with this uid."""
    return None if obj is None or (namespaced and obj.metadata.namespace != uid.split("/")[1]) else obj
