"""Autoscalers as processes of a world: each keeps its target within its bounds, whatever is measured.

A cluster without a metrics server measures nothing, and then that is all that an autoscaler does, as recorded runs of
1.36.2 show. What else it may do is a matter of the load, and that is a fault of its own (`faults.load`). It asks the
API server for the scale that it changes, so it acts on the store as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from ....impl.api.autoscaling import HorizontalPodAutoscaler
from ....impl.api.cache import Cache
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.workloads import SCALED
from ....impl.controllers.horizontal import horizontal
from ....model.world.world import Alternatives, Form, Process, Watch
from .views import called_by, named

CONTROLLER = "horizontal-pod-autoscaler"
KIND = "HorizontalPodAutoscaler"


def processes(
    objects: Iterable[Object], pools: dict[str, tuple[str, ...]], constants: tuple[Object, ...]
) -> Iterator[Process]:
    """Make the processes of all autoscalers that there may be; one whose target has no class here does nothing."""
    versions: dict[Ref, set[Ref]] = {}
    for obj in objects:
        if isinstance(obj, HorizontalPodAutoscaler):
            versions.setdefault(ref_of(obj), set()).add(horizontal.target_ref(obj))
    for key in sorted(versions):
        yield process(key, versions[key], pools, constants)


def targets(objects: Iterable[Object]) -> Iterator[Ref]:
    """Yield what autoscalers may scale."""
    yield from (horizontal.target_ref(obj) for obj in objects if isinstance(obj, HorizontalPodAutoscaler))


def process(
    key: Ref, targets: Iterable[Ref], pools: dict[str, tuple[str, ...]], constants: tuple[Object, ...]
) -> Process:
    """Make the process of one autoscaler; `targets` is what it may scale."""
    refs = frozenset(targets)
    kinds = sorted({ref.kind for ref in refs} & set(SCALED) & pools.keys())
    watches = [Watch(kind, pools[kind], partial(_target, refs)) for kind in kinds]
    watches += [Watch(KIND, pools[KIND], partial(named, key))] if KIND in pools else []
    return Process(
        name=f"{CONTROLLER} {called_by(key)}",
        group=CONTROLLER,
        user=CONTROLLER,
        key=key,
        watches=tuple(watches),
        constants=tuple(obj for obj in constants if ref_of(obj) in {key, *refs}),
        act=_act,
        form=Form.CURRENT,
    )


def _target(refs: frozenset[Ref], _uid: str, obj: Object | None) -> Object | None:
    return obj if obj is not None and ref_of(obj) in refs else None


def _act(cache: Cache, key: Ref) -> Alternatives:
    requests = horizontal.reconcile(cache, key)
    return (requests,) if requests else ()
