"""Whether there is room for all islands at once, so that no island's Pods keep another one's from running.

`most` of an island is what its Pods may ask for at one time, taken together; its search has no place for more Pods, and
says so where it needs one. By induction over a run of the whole: as long as each island keeps to that, what is said
here of room is so, and then each island's next step is one that its own search knows.

- There is **room on each** node if every node by itself offers what all islands ask for together. Then the scheduler
  refuses a node only for what the island knows of, and how the others weigh on scores is bounded (`world.crowd`).
- There is **room somewhere** if for every Pod the others may fill some of its nodes but never all of those that are
  left to it, which are at least as many as are neither unfit at some time nor struck by a fault. A node is filled for a
  Pod by as much of one resource as leaves less than it asks for, so a resource fills at most as many nodes as the
  smallest such amounts add up to what is asked for of it. Then an island's Pod may go to any of its nodes. This is not
  said of Pods to whom it matters who else is on a node, or that choose their node, or that go without a grace period
  (what ran for them holds its share when their object is gone); nor where there is a DaemonSet, whose Pods have one
  node each.

Where there is room, nobody is preempted for another island, and no kubelet rejects a Pod for one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import Enum

from attrs import frozen

from ...impl.api.apps import DaemonSet
from ...impl.api.core import Node, Pod, PodSpec
from ...impl.apiserver.defaulting.pod_defaults import default_pod
from ...impl.kubectl import script as kubectl
from ...impl.scheduler.amounts import amount, presumed, requested
from ...impl.scheduler.plugins.node_affinity import allows
from ..input.scenario import Scenario, Switch
from ..world.reductions.room import has, largest, meddles, scaled
from ..world.reductions.roomy import is_open


class Room(Enum):
    """How much room there is for everybody at once."""

    ON_EACH = "on each node"
    SOMEWHERE = "on some node"
    SHORT = "too little"


@frozen
class Most:
    """What the Pods of an island may ask for at one time; `presumed` where containers that say nothing count, too."""

    requested: Mapping[str, int]
    presumed: Mapping[str, int]


def most_of(specs: Iterable[PodSpec], pods: int) -> Most:
    """Return what so many Pods ask for, each as large as the largest."""
    made = [default_pod(Pod(spec=spec)) for spec in specs]
    asked = {**scaled(largest(made), pods), "pods": pods if made else 0}
    return Most(asked, scaled(largest(made, presumed), pods))


def together(parts: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    """Return what several ask for, resource by resource."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return total


def room_for(scenario: Scenario, specs: tuple[PodSpec, ...], total: Mapping[str, int]) -> Room:
    """Return how much room there is for Pods like these where all together ask for `total`."""
    joining = tuple(step.object for step in scenario.script if isinstance(step, kubectl.AddNode))
    nodes = tuple(obj for obj in scenario.everything if isinstance(obj, Node))
    if all(has(node, total) for node in (*nodes, *joining)):
        return Room.ON_EACH
    if any(isinstance(obj, DaemonSet) for obj in scenario.everything):
        return Room.SHORT  # Its Pods can go to one node each.
    if len(scenario.schedulers.names) > 1 or Switch.EARLY_STATUS in scenario.switches:
        return Room.SHORT
    if joining or any(isinstance(step, kubectl.LabelNode) for step in scenario.script):
        return Room.SHORT
    unfit = _unfit(scenario, nodes)
    faults = scenario.faults
    struck = faults.node_crash + faults.node_reboot + faults.partition
    pods = [default_pod(Pod(spec=spec)) for spec in dict.fromkeys(specs)]
    left = all(_never_full(pod, nodes, unfit, struck, total) for pod in pods)
    return Room.SOMEWHERE if left else Room.SHORT


def _unfit(scenario: Scenario, nodes: tuple[Node, ...]) -> frozenset[str]:
    """Name the nodes that may refuse Pods at some time, whatever is on them."""
    named = (getattr(step, "node", "") or getattr(step, "name", "") for step in scenario.script)
    kept = (node.metadata.name for node in nodes if not is_open(node))
    return frozenset((*named, *kept))


def _never_full(
    pod: Pod, nodes: tuple[Node, ...], unfit: frozenset[str], struck: int, total: Mapping[str, int]
) -> bool:
    if meddles(pod.spec) or pod.spec.node_name or pod.spec.termination_grace_period_seconds == 0:
        return False
    asked = {**requested(pod), "pods": 1}
    own = [node for node in nodes if allows(pod, node) and has(node, asked)]
    left = max(1, sum(node.metadata.name not in unfit for node in own) - struck)
    return sum(_filled(name, asked.get(name, 0), own, number) for name, number in total.items()) < left


def _filled(name: str, asked: int, nodes: list[Node], total: int) -> int:
    """Return on how many of some nodes so much of a resource can leave less than is asked for."""
    if not asked:
        return 0
    needed = sorted(amount(name, node.status.allocatable[name]) - asked + 1 for node in nodes)
    filled = spent = 0
    for amount_needed in needed:
        spent += amount_needed
        filled += spent <= total
    return filled
