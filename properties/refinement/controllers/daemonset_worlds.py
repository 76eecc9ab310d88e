"""The DaemonSet controller beside its model in small worlds: a few nodes and Pods of two templates, and every turn."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement, product

from attrs import evolve

from ....impl.api.apps import DaemonSet, DaemonSetSpec, DaemonSetUpdateStrategy, RollingUpdateDaemonSet
from ....impl.api.cache import Cache
from ....impl.api.core import Container, Node, NodeSpec, Pod, PodCondition, PodSpec, PodStatus, PodTemplateSpec, Taint
from ....impl.api.kinds import ref_of
from ....impl.api.meta import LabelSelector, ObjectMeta
from ....impl.api.values.frozen import strings
from ....impl.controllers.daemonset import daemonset as controller
from ....impl.controllers.daemonset.nodes import new_pod
from ....impl.controllers.daemonset.revisions import Revisions, revisions_of
from ....model.components.workloads.daemonset import steps as turns
from ...proof import Answer
from ..granted import all_granted, with_object
from ..lockstep import Step, searched, unless
from .daemonset import abstract

LABELS = strings({"app": "agent"})
IMAGES = ("agent:1", "agent:2")
FLAGS = (False, True)


def _set(image: str, strategy: DaemonSetUpdateStrategy) -> DaemonSet:
    template = PodTemplateSpec(ObjectMeta(labels=LABELS), PodSpec((Container("c", image),)))
    spec = DaemonSetSpec(selector=LabelSelector(LABELS), template=template, update_strategy=strategy)
    return DaemonSet(ObjectMeta(name="agent", namespace="d", uid="DaemonSet/d/agent", generation=1), spec)


KEY = ref_of(_set(IMAGES[0], DaemonSetUpdateStrategy()))
STRATEGIES = (
    *(DaemonSetUpdateStrategy("RollingUpdate", RollingUpdateDaemonSet(most, 0)) for most in (1, 2)),
    *(DaemonSetUpdateStrategy("RollingUpdate", RollingUpdateDaemonSet(0, most)) for most in (1, "50%")),
    DaemonSetUpdateStrategy("OnDelete"),
)
GOOD, MILD, HARD = (), (Taint("t", "NoSchedule"),), (Taint("t", "NoExecute"),)
MEMBERS: tuple[tuple[bool, str, bool, bool, bool], ...] = (
    (True, "Running", True, True, False),
    (True, "Running", True, False, False),
    (True, "Running", False, True, False),
    (True, "Running", False, False, False),
    (False, "Pending", False, True, False),
    (True, "Failed", False, False, False),
    (True, "Running", True, False, True),
)
"""A Pod: whether it is on its node, its phase, whether it is ready, of the new template, on its way out."""


def daemonset_proof() -> Answer:
    """Search two nodes, one of them tainted or gone, with up to two Pods each of two templates, in each way to roll."""

    def steps(store: Cache) -> Iterator[Step]:
        before, allowed = abstract(store, KEY), set(turns(abstract(store, KEY)))
        found = set()
        for groups in controller.grouped(store, KEY):
            after = all_granted(store, tuple(request for group in groups for request in group), "t")
            found.add(abstract(after, KEY))
            yield Step(
                "a turn", after, unless(abstract(after, KEY) in allowed, f"{before} becomes {abstract(after, KEY)}")
            )
        missing = sorted(map(str, allowed - found))
        yield Step("no turn", store, unless(not missing, f"{before} never becomes {missing[:1]}"))

    return searched(_stores(), steps, most=1)


def _stores() -> Iterator[Cache]:
    crews = [(), *((lone,) for lone in MEMBERS), *combinations_with_replacement(MEMBERS[:5], 2)]
    for strategy in STRATEGIES:
        first, second = (_set(image, strategy) for image in IMAGES)
        store = Cache.of((first,))
        old = _digest(store)
        store = all_granted(store, controller.reconcile(store, KEY), "r")
        store = with_object(store, evolve(second, status=_owner(store).status))
        store = all_granted(store, controller.reconcile(store, KEY), "s")
        digests = (old, _digest(store))
        for taints, crew, other in product((GOOD, MILD, HARD, None), crews, crews[:8]):
            there = with_object(store, Node(ObjectMeta(name="n2", uid="n2")))
            if taints is not None:
                there = with_object(there, Node(ObjectMeta(name="n1", uid="n1"), NodeSpec(taints=taints)))
            for node, members in (("n1", crew), ("n2", other)):
                for number, member in enumerate(members):
                    there = with_object(there, _pod(_owner(there), digests, node, number, *member))
            yield there


def _owner(store: Cache) -> DaemonSet:
    found = store.get(DaemonSet, KEY)
    if found is None:
        raise LookupError(KEY)
    return found


def _digest(store: Cache) -> str:
    found = revisions_of(store, _owner(store))
    return found.digest if isinstance(found, Revisions) else ""


def _pod(
    owner: DaemonSet,
    digests: tuple[str, str],
    node: str,
    number: int,
    placed: bool,  # noqa: FBT001
    phase: str,
    ready: bool,  # noqa: FBT001
    new: bool,  # noqa: FBT001
    leaves: bool,  # noqa: FBT001
) -> Pod:
    made = new_pod(owner, node, digests[new])
    name = f"agent-{node}-{number}"
    meta = evolve(made.metadata, name=name, generate_name="", uid=name, deletion_timestamp=0 if leaves else None)
    status = PodStatus(phase, (PodCondition("Ready", str(ready)),))
    return evolve(made, metadata=meta, spec=evolve(made.spec, node_name=node if placed else ""), status=status)
