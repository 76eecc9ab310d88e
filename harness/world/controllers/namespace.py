"""The namespace controller as a process of a world, one for each namespace that may go."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ....impl.api.cache import Cache
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.webhooks import Aggregated
from ....impl.controllers import namespace
from ....model.world.world import Alternatives, Form, Process, Transform, Watch
from .views import itself


def process(
    place: str,
    pools: dict[str, tuple[str, ...]],
    constants: tuple[Object, ...],
    held: frozenset[str] = frozenset(),
    others: frozenset[str] = frozenset(),
    aggregated: tuple[Aggregated, ...] = (),
) -> Process:
    """Make the namespace controller's process for the namespace in a place.

    It asks the API server for what is there before it acts, and what is gone from a terminating namespace stays gone,
    for nothing is created in one: so it acts on the store as it is. `held` are the namespaces in which something
    without a class here stays, `others` the kinds without a class that have places, `aggregated` the groups of the API
    that somebody else must answer for.
    """
    inside = {kind: namespace.TRANSFORM[kind] for kind in pools if kind in namespace.TRANSFORM and kind != "Namespace"}
    inside |= dict.fromkeys(sorted(others.intersection(pools)), namespace.OF_OTHERS)
    fixed = (obj for obj in constants if obj.metadata.namespace and ref_of(obj).kind in namespace.TRANSFORM)
    kept = (_kept_for_namespace(obj, aggregated) for obj in fixed)
    return Process(
        name=f"namespace-controller {place.rpartition('/')[2]}",
        group="namespace-controller",
        user="namespace-controller",
        key=place,
        watches=(
            Watch("Namespace", (place,), itself),
            *(Watch(kind, pools[kind], _looks_for(kind, inside[kind], aggregated)) for kind in inside),
        ),
        constants=tuple(obj for obj in kept if obj is not None),
        act=partial(_namespace_act, held, aggregated),
        form=Form.CURRENT,
    )


def _namespace_act(held: frozenset[str], aggregated: tuple[Aggregated, ...], cache: Cache, key: Ref) -> Alternatives:
    """Return the sync of a namespace: each of its deletions by itself, for which is first makes no difference."""
    requests = namespace.reconcile(cache, key, held=key.name in held, aggregated=aggregated)
    return tuple((request,) for request in requests)


def _looks_for(kind: str, keep: Callable[[Object], Object | None], aggregated: tuple[Aggregated, ...]) -> Transform:
    """Return what is kept of a kind: what is in the namespace, and who answers for groups of the API, wherever."""
    spaces = frozenset(api.service.namespace for api in aggregated)
    if not spaces or kind not in {"Pod", "Service"}:
        return partial(_in_namespace, keep)
    return partial(_in_namespace_or, spaces)


def _in_namespace_or(spaces: frozenset[str], uid: str, obj: Object | None) -> Object | None:
    if obj is None or obj.metadata.namespace not in {uid.rpartition("/")[2], *spaces}:
        return None
    return namespace.backing(obj)


def _kept_for_namespace(obj: Object, aggregated: tuple[Aggregated, ...]) -> Object | None:
    answering = ref_of(obj) in {api.service for api in aggregated}
    return namespace.backing(obj) if answering else namespace.TRANSFORM[ref_of(obj).kind](obj)


def _in_namespace(keep: Callable[[Object], Object | None], uid: str, obj: Object | None) -> Object | None:
    """Keep what lives in the namespace with this uid."""
    return keep(obj) if obj is not None and obj.metadata.namespace == uid.rpartition("/")[2] else None
