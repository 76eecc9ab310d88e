"""The StatefulSet controller beside its model in small worlds: a few Pods of two templates, and what a turn does."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from attrs import evolve

from ....impl.api.apps import (
    ControllerRevision,
    RollingUpdateStatefulSetStrategy,
    StatefulSet,
    StatefulSetSpec,
    StatefulSetUpdateStrategy,
)
from ....impl.api.cache import Cache
from ....impl.api.core import Container, Pod, PodCondition, PodSpec, PodStatus, PodTemplateSpec
from ....impl.api.kinds import ref_of
from ....impl.api.meta import LabelSelector, ObjectMeta
from ....impl.api.values.frozen import strings
from ....impl.controllers.statefulset import statefulset as controller
from ....impl.controllers.statefulset.identity import new_pod
from ....model.components.workloads.statefulset import steps as turns
from ...proof import Answer
from ..granted import all_granted, with_object
from ..lockstep import Step, searched, unless
from .statefulset import abstract

LABELS = strings({"app": "db"})
IMAGES = ("db:1", "db:2")
FLAGS = (False, True)
MOST = 3


def _template(image: str) -> PodTemplateSpec:
    return PodTemplateSpec(ObjectMeta(labels=LABELS), PodSpec((Container("c", image),)))


DB = StatefulSet(
    ObjectMeta(name="db", namespace="d", uid="StatefulSet/d/db", generation=1),
    StatefulSetSpec(replicas=0, selector=LabelSelector(LABELS), template=_template(IMAGES[0]), service_name="db"),
)
KEY = ref_of(DB)
MEMBERS: tuple[tuple[str, str, bool, bool, bool] | None, ...] = (
    None,
    *(("n", "Running", True, new, False) for new in FLAGS),
    *(("n", "Running", False, new, False) for new in FLAGS),
    ("", "Pending", False, True, False),
    ("n", "Failed", False, False, False),
    ("n", "Running", True, False, True),
)
"""Nobody, or a Pod: its node, phase, whether it is ready, of the new template, on its way out."""


def statefulset_proof() -> Answer:
    """Search up to three Pods of two templates, missing, well, failed or leaving, in order and at once."""

    def turn(store: Cache) -> Cache:
        return all_granted(store, controller.reconcile(store, KEY), "t")

    def steps(store: Cache) -> Iterator[Step]:
        before, after = abstract(store, KEY), turn(store)
        now, allowed = abstract(after, KEY), {action.apply(before) for action in turns(before)}
        yield Step("a turn", after, unless(allowed == {now}, f"{before} becomes {now}, in the model {allowed}"))

    return searched(_stores(turn), steps, most=1)


def _stores(turn: Any) -> Iterator[Cache]:
    strategies = (
        StatefulSetUpdateStrategy("RollingUpdate", RollingUpdateStatefulSetStrategy(0)),
        StatefulSetUpdateStrategy("RollingUpdate", RollingUpdateStatefulSetStrategy(1)),
        StatefulSetUpdateStrategy("OnDelete"),
    )
    for policy, strategy in product(("OrderedReady", "Parallel"), strategies):
        spec = evolve(DB.spec, pod_management_policy=policy, update_strategy=strategy)
        store = turn(Cache.of((evolve(DB, spec=spec),)))
        names = [_newest(store)]
        store = turn(_with_spec(store, template=_template(IMAGES[1])))
        names.append(_newest(store))
        owner = _owner(store)
        store = with_object(store, evolve(owner, status=evolve(owner.status, current_revision=names[0])))
        for some, wanted in product(product(MEMBERS, repeat=MOST), range(MOST + 1)):
            there = _with_spec(store, replicas=wanted)
            for number, member in enumerate(some):
                if member is not None:
                    there = with_object(there, _pod(number, names, *member))
            yield there


def _pod(number: int, names: list[str], node: str, phase: str, ready: bool, new: bool, leaves: bool) -> Pod:  # noqa: FBT001
    made = new_pod(DB, _template(IMAGES[new]), names[new], number)
    status = PodStatus(phase, (PodCondition("Ready", str(ready)),))
    meta = evolve(made.metadata, uid=made.metadata.name, deletion_timestamp=0 if leaves else None)
    return evolve(made, metadata=meta, spec=evolve(made.spec, node_name=node), status=status)


def _owner(store: Cache) -> StatefulSet:
    found = store.get(StatefulSet, KEY)
    if found is None:
        raise LookupError(KEY)
    return found


def _with_spec(store: Cache, **changes: Any) -> Cache:
    owner = _owner(store)
    meta = evolve(owner.metadata, generation=owner.metadata.generation + 1)
    return with_object(store, evolve(owner, metadata=meta, spec=evolve(owner.spec, **changes)))


def _newest(store: Cache) -> str:
    return max(store.list(ControllerRevision), key=lambda one: one.revision).metadata.name
