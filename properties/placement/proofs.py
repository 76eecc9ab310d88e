"""What is proved of the scheduler's filters: each refuses a node exactly when the placement specification does.

The filters follow kube-scheduler's source (impl/scheduler), the specification its documentation (placement_nodes,
placement_pods). Both are run on the same symbolic Pods and nodes (placement_symbolic); on every path z3 is asked for
inputs on which the one refuses and the other does not. None on any path is a proof for all inputs of the stated shape.
`Proof.method` says how: "symbolic" (all inputs of a shape), or "every case" (a finite set of values, with the reason
why it stands for all). The shapes are in placement_scenes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import z3
from attrs import frozen
from immutabledict import immutabledict

from ...impl.api.cache import Cache
from ...impl.api.core import Namespace, Node, Pod
from ...impl.api.meta import ObjectMeta
from ...impl.api.releases import NEWEST
from ...impl.scheduler import decide
from ...impl.scheduler.amounts import requested
from ...impl.scheduler.framework import FilterPlugin, Snapshot
from ...impl.scheduler.plugins import node_resources_fit
from ...impl.scheduler.profile import DEFAULT, Profile
from .. import proof
from ..proof import Proof
from . import scenes
from .filters import KINDS, refuses
from .placement import rules
from .problem import Problem, name_of, plain
from .scenes import Scene
from .symbolic import NO_CONSTANTS, Constants, Path, Summary, Trial, differ, every_path, shown, summary

FILTERS: dict[str, FilterPlugin[Any]] = {plugin.name: plugin for plugin in DEFAULT.filters}


@frozen
class Answer(proof.Answer):
    """How many paths were run, and what refutes the claim; a claim that is about nothing is not `telling`."""

    telling: bool = True

    @property
    def proved(self) -> bool:
        """Whether the claim holds for all inputs, and not vacuously."""
        return super().proved and self.telling


# --- filters ------------------------------------------------------------------------------------------------------


def specified(problem: Problem, node: Node, kinds: frozenset[str]) -> Any:
    """Say, as a formula, that the rules of some kinds refuse the only Pod of a problem a node."""
    values = [(problem.at(0, other), z3.BoolVal(val=other is node)) for other in problem.nodes]
    about = [
        rule.formula for rule in rules(problem) if rule.reason.kind in kinds and name_of(node) in rule.reason.nodes
    ]
    return z3.Not(z3.And([z3.substitute(formula, *values) for formula in about]))


def refused(plugin: FilterPlugin[Any], scene: Scene) -> bool:
    """Ask a filter about the first node of a scene."""
    named = [Namespace(ObjectMeta(name=name, labels=labels)) for name, labels in scene.namespaces.items()]
    snapshot = Snapshot.of(Cache.of([*scene.nodes, *scene.bound, *named]))
    (info,) = (node for node in snapshot.nodes if node.name == name_of(scene.nodes[0]))
    return refuses(plugin, snapshot, scene.pod, info)


def filter_agrees(name: str, build: Callable[[Trial], Scene], constants: Constants = NO_CONSTANTS) -> Answer:
    """Compare one filter with its specification on all inputs of a scene."""

    def rule(trial: Trial) -> Any:
        scene = build(trial)
        problem = Problem((scene.pod,), scene.nodes, scene.bound, scene.namespaces)
        return specified(problem, scene.nodes[0], KINDS[name])

    return equal(summary(lambda trial: refused(FILTERS[name], build(trial)), constants), summary(rule, constants))


def equal(one: Summary, other: Summary) -> Answer:
    """Ask z3 for inputs on which two functions differ; they must be neither always true nor always false."""
    solver = z3.Solver()
    solver.add(one.granted)
    telling = solver.check(one.true) == z3.sat and solver.check(z3.Not(one.true)) == z3.sat
    return Answer(one.paths + other.paths, differ(one, other), telling=telling)


def _filter(name: str, sizes: str, build: Callable[[Trial], Scene], constants: Constants = NO_CONSTANTS) -> Proof:
    claim = f"{name} refuses a node if and only if the specification does"
    return Proof(claim, sizes, "symbolic", lambda: filter_agrees(name, build, constants))


# --- preemption, and what a Pod asks for --------------------------------------------------------------------------


def requests_are_the_peak() -> Answer:
    """What the scheduler reserves is what the Pod takes when most of it runs."""

    def claim(trial: Trial) -> Any:
        pod, is_peak = scenes.starting(trial)
        return is_peak(requested(pod)["cpu"])

    return _always(every_path(claim))


def victims_are_less_important(count: int = 3) -> Answer:
    """Nobody is evicted for a Pod whose priority is not higher than its own."""

    def claim(trial: Trial) -> Any:
        pod, nodes, there = scenes.crowded(trial, count)
        found = decide(pod, Snapshot.of(Cache.of([*nodes, *there])), ONLY_ROOM).preemption
        victims = [victim for candidate in found.candidates for victim in candidate.victims]
        return z3.And([_priority(victim) < _priority(pod) for victim in victims]) if victims else None

    return _always(every_path(claim))


ONLY_ROOM = Profile((node_resources_fit.plugin_with(NEWEST),), ())


def _priority(pod: Pod) -> Any:
    return plain(pod.spec.priority)


def no_circle(longest: int = 6) -> Answer:
    """Pods that each evict the next cannot come round: by strict order, for every length up to the longest."""
    solver = z3.Solver()
    for length in range(1, longest + 1):
        ranks = [z3.Int(f"priority {number}") for number in range(length)]
        if solver.check([ranks[number] > ranks[(number + 1) % length] for number in range(length)]) != z3.unsat:
            return Answer(length, shown(solver.model()))
    return Answer(longest)


def _always(paths: Iterator[Path]) -> Answer:
    """Ask on every path whether its claim can be false; paths that claim None claim nothing."""
    count = claiming = 0
    for path in paths:
        count += 1
        if path.value is None:
            continue
        claiming += 1
        if (found := path.refutes(path.value)) is not None:
            return Answer(count, found)
    return Answer(count, telling=claiming > 0)


PROOFS: immutabledict[str, Proof] = immutabledict(
    {
        "fit": _filter("NodeResourcesFit", scenes.FIT, scenes.room("cpu", "memory", scenes.DEVICE)),
        "taints": _filter(
            "TaintToleration",
            f"{scenes.TAINTS}: 1 taint and 2 tolerations",
            scenes.taints(1, 2),
            scenes.TOLERATION_WORDS,
        ),
        "taints2": _filter(
            "TaintToleration",
            f"{scenes.TAINTS}: 2 taints and 1 toleration",
            scenes.taints(2, 1),
            scenes.TOLERATION_WORDS,
        ),
        "cordon": _filter(
            "NodeUnschedulable",
            f"{scenes.TAINTS}: cordoned or not, 2 tolerations",
            scenes.cordon,
            scenes.TOLERATION_WORDS,
        ),
        "name": _filter("NodeName", scenes.NAME, scenes.node_name, scenes.NAMES),
        "ports": _filter("NodePorts", f"{scenes.PORTS}: 1 port, 2 on the node", scenes.ports(1, 2), scenes.PORT_WORDS),
        "ports2": _filter(
            "NodePorts", f"{scenes.PORTS}: 2 ports, 1 on the node", scenes.ports(2, 1), scenes.PORT_WORDS
        ),
        "affinity": _filter("NodeAffinity", scenes.AFFINITY, scenes.node_affinity(2), scenes.AFFINITY_WORDS),
        "numbers": _filter("NodeAffinity", scenes.COMPARED, scenes.node_numbers),
        "spread": _filter(
            "PodTopologySpread",
            f"{scenes.SPREAD}, leaving or elsewhere; any minDomains",
            scenes.spread(policies=False),
            scenes.SPREAD_WORDS,
        ),
        "spread2": _filter(
            "PodTopologySpread",
            f"{scenes.SPREAD}, a node tainted or not selected; all policies",
            scenes.spread(policies=True),
            scenes.SPREAD_WORDS,
        ),
        "near": _filter("InterPodAffinity", scenes.NEAR, scenes.near, scenes.NEAR_WORDS),
        "apart": _filter("InterPodAffinity", scenes.APART, scenes.apart, scenes.NEAR_WORDS),
        "requests": Proof(
            "What the scheduler reserves for a Pod is the most that runs of it at one time, overhead included",
            scenes.REQUESTS,
            "symbolic",
            requests_are_the_peak,
        ),
        "victims": Proof(
            "Preemption evicts only Pods of lower priority than the Pod it makes room for",
            scenes.PREEMPTION,
            "symbolic",
            victims_are_less_important,
        ),
        "circle": Proof(
            "Therefore Pods cannot evict each other in a circle, those of equal priority least of all",
            "any priorities: circles of 1 to 6; longer ones by the same strict order",
            "symbolic",
            no_circle,
        ),
    }
)

TESTED: immutabledict[str, str] = immutabledict(
    {
        "VolumeRestrictions, NodeVolumeLimits, VolumeBinding, VolumeZone": (
            "refuse what the specification refuses, or it says that this is undecided: generated claims, volumes, "
            "classes and limits on 3 nodes (tests/properties/placement/test_volumes.py); they read JSON and look up "
            "by name"
        ),
        "the filters together, and several Pods at once": (
            "are compared with the rules and with brute force on generated clusters of up to 3 nodes and 6 Pods "
            "(tests/properties/placement: test_placement.py, test_groups.py, test_changes.py)"
        ),
    }
)
"""What is tested and not proved."""
