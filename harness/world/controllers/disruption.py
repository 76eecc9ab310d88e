"""The disruption controller as a process of a world, one for each budget."""

from __future__ import annotations

from functools import partial

from ....impl.api.cache import Cache
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import LabelSelector, Ref
from ....impl.api.policy import PodDisruptionBudget
from ....impl.api.values.selectors import selects
from ....impl.api.workloads import SCALED
from ....impl.controllers import disruption
from ....model.world.world import Alternatives, Form, Process, Watch
from .views import called, named


def process(
    one: PodDisruptionBudget,
    pools: dict[str, tuple[str, ...]],
    constants: tuple[Object, ...],
    *,
    form: Form,
    resubmits: bool = False,
) -> Process:
    """Make the disruption controller's process for one budget; its view is consistent across kinds.

    `resubmits` is the controller before Kubernetes 1.16, whose writes of a status meet no conflict (k/k#82149).
    """
    watches = [
        Watch("PodDisruptionBudget", pools["PodDisruptionBudget"], partial(named, ref_of(one))),
        Watch("Pod", pools["Pod"], partial(_budget_pod, one.spec.selector, one.metadata.namespace)),
    ]
    watches += [Watch(kind, pools[kind], partial(_kept_for_budget, kind)) for kind in SCALED if kind in pools]
    kept = (_kept_for_budget(ref_of(obj).kind, "", obj) for obj in constants)
    return Process(
        name=f"disruption-controller {called(one)}",
        group="disruption-controller",
        user="disruption-controller",
        key=ref_of(one),
        watches=tuple(watches),
        constants=tuple(obj for obj in kept if obj is not None),
        act=partial(_disruption_act, resubmits),
        form=form,
        sees_own=frozenset({"PodDisruptionBudget"}),
    )


def _disruption_act(
    resubmits: bool,  # noqa: FBT001 - bound by partial
    cache: Cache,
    key: Ref,
) -> Alternatives:
    requests = disruption.reconcile(cache, key, resubmits=resubmits)
    return (requests,) if requests else ()


def _budget_pod(selector: LabelSelector | None, namespace: str, _uid: str, obj: Object | None) -> Object | None:
    if obj is None or obj.metadata.namespace != namespace or not selects(selector, obj.metadata.labels):
        return None
    return disruption.TRANSFORM["Pod"](obj)


def _kept_for_budget(kind: str, _uid: str, obj: Object | None) -> Object | None:
    keep = disruption.TRANSFORM.get(kind)
    return None if obj is None or keep is None else keep(obj)
