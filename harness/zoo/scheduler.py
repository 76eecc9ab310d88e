"""Documented failures of the scheduler that need a switch no scenario.yaml has, found in its small world.

Each pair is one scene and two ways that differ in one switch. All of it is real queue, cache, nominator, filters and
preemption; nothing is written to fail. Cases in which only the order of events matters are searched, not scripted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import evolve
from immutabledict import immutabledict

from ...impl.api.core import Container, Node, NodeStatus, Pod, PodSpec, ResourceRequirements
from ...impl.api.meta import ObjectMeta
from ...impl.api.values.quantity import parse_quantity
from ...impl.scheduler.queue.entry import NominationEnds, QueueSettings
from ...model.checker.explore import explore
from ...model.checker.results import Exploration
from ..world.grains.scheduling_queue.claims import EVICTED, PLACED, evicted_at_most, machine, placed
from ..world.grains.scheduling_queue.queue import NAMESPACE, Scene, Step, Ways
from .catalogue import Found, Pair, found_by


def node(name: str, cpu: int) -> Node:
    """Make a node with so many cpus."""
    allocatable = immutabledict({"cpu": parse_quantity(str(cpu)), "pods": parse_quantity("10")})
    return Node(ObjectMeta(name=name, uid=name), status=NodeStatus(allocatable=allocatable))


def pod(name: str, cpu: int, priority: int = 0, on: str = "", *, preempts: bool = True) -> Pod:
    """Make a Pod that asks for so many cpus, on a node or on none."""
    requests = immutabledict({"cpu": parse_quantity(str(cpu))})
    spec = PodSpec(
        containers=(Container("c", resources=ResourceRequirements(requests=requests)),),
        priority=priority,
        node_name=on,
        preemption_policy=None if preempts else "Never",
    )
    return Pod(ObjectMeta(name=name, namespace=NAMESPACE, uid=name), spec)


def search(scene: Scene, ways: Ways) -> Exploration:
    """Search a scene for the claims that are made of it."""
    return explore(machine(scene, ways), (placed(scene), evicted_at_most(1)))


def _found(scene: Scene, ways: Ways, claim: str) -> Found:
    return found_by(search(scene, ways), claim)


def _run(scene: Scene, ways: Ways, claim: str = PLACED) -> Callable[[], Found]:
    return partial(_found, scene, ways, claim)


def _told(ends: NominationEnds) -> Ways:
    return Ways(QueueSettings(nomination_ends=ends))


REFILL = Scene((node("n", 1),), (pod("l-0", 1, on="n"),), (pod("h", 1, 9),), 1, (pod("l-0", 1), pod("l-1", 1)))
"""`h` evicts `l-0`, and the ReplicaSet makes another."""
NEVER_TERMINATES = Scene(
    (node("n", 1), node("m", 1)), (pod("l-0", 1, on="n"), pod("l-1", 1, on="m"), pod("h", 1, 9)), dead=("n",)
)
OUTLIVED = Scene(
    (node("n", 6),),
    (pod("p1", 2, on="n"), pod("p2", 5, 5), pod("p4", 2)),
    later=(pod("p3", 4, 9, preempts=False),),
)
"""As reported, in units of about 5Gi: p2 evicts p1, p3 takes the room, p4 would fit beside it."""
WITHDRAWN = Scene((node("n", 1),), (pod("v", 1, on="n"), pod("h", 1, 9)), later=(pod("l", 1),), deletable=("h",))
"""`h` makes room, is deleted before it uses it, and `l` was refused meanwhile."""

FIRST = (Step.NOMINATE, Step.EVICT, Step.CLEAR, Step.REQUEUE, Step.WRITE)
ASIDE = Ways(waits_for_failure=False)

PAIRS: tuple[Pair, ...] = (
    Pair(
        "replacement-before-nomination",
        ("k/k#93505",),
        "The victim's replacement is bound before the nomination is remembered, and has to be evicted as well.",
        "None upstream (open). The nearest that is sound: nothing is evicted before the nomination is remembered, as "
        "KEP-4832 has it.",
        _run(REFILL, ASIDE, EVICTED),
        _run(REFILL, evolve(ASIDE, failure=FIRST), EVICTED),
    ),
    Pair(
        "victim-never-terminates",
        ("k/k#95752",),
        "The kubelet of the victim's node is dead; the preemptor is not eligible to preempt elsewhere, for ever.",
        "None upstream (closed as a feature). The nearest that is sound: a victim that is overdue counts as there to "
        "stay, so another node is chosen.",
        _run(NEVER_TERMINATES, Ways()),
        _run(NEVER_TERMINATES, Ways(patience_ends=True)),
    ),
    Pair(
        "nomination-outlived",
        ("k/k#126700", "k/k#106780"),
        "A Pod whose room was taken by a more important one stays nominated, and keeps others from the rest.",
        "None but the flush of Pods that have waited for five minutes: it comes late, but it comes.",
        _run(OUTLIVED, Ways()),
        _run(OUTLIVED, Ways(flushes=True)),
    ),
    Pair(
        "nomination-withdrawn",
        ("PR #129058",),
        "A nominated Pod is deleted, and nobody wakes those that it kept away.",
        "They are tried again, also when only the scheduler's memory had the nomination; 1.33 looks at the status, and "
        "still loses those refused before the status was seen.",
        _run(WITHDRAWN, _told(NominationEnds.UNNOTICED)),
        _run(WITHDRAWN, _told(NominationEnds.REMEMBERED)),
    ),
)
