"""Scheduler and model in lockstep: where the one may bind, so may the other; where the one gives up, so does the other.

`SchedulerLockstep` drives both through one small cluster that changes under them. More than one test runs it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Node, Pod, PodSchedulingGate
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.scheduler import schedule
from kubeproof.model.components.scheduling.scheduler import Bind, steps
from kubeproof.properties.refinement.scheduler import abstract, in_scope, may_bind, named, refines
from scenes.scheduling_strategies import NAMESPACES, PLAIN, nodes, pods, some

MOST_PODS = 5


def _hold(condition: bool, claim: str) -> None:  # noqa: FBT001 - it is what must hold
    if not condition:
        raise AssertionError(f"not so: {claim}")


class SchedulerLockstep(RuleBasedStateMachine):
    """One cluster, seen by the scheduler as objects and by the model as a state."""

    only: ClassVar[frozenset[str]] = frozenset()
    """The features that clusters show; a few at random, if none are given."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = Cache()
        self.made = 0
        self.features: frozenset[str] = frozenset()

    @initialize(data=st.data(), features=some(PLAIN), count=st.integers(1, 3))
    def start(self, data: st.DataObject, features: frozenset[str], count: int) -> None:
        """Begin with one to three nodes and no Pod."""
        self.features = self.only or features
        machines = [data.draw(nodes(f"n{number}", self.features)) for number in range(1, count + 1)]
        self.cache = Cache.of([*machines, *NAMESPACES])

    @property
    def waiting(self) -> tuple[Pod, ...]:
        """The Pods a scheduler sees in its queue."""
        return tuple(pod for pod in self.existing if not pod.spec.node_name and not pod.finished)

    @property
    def existing(self) -> tuple[Pod, ...]:
        """All Pods, those with and without a node."""
        return self.cache.list(Pod)

    def put(self, *objects: Any) -> None:
        """Add objects, or put them anew."""
        self.cache = Cache.of([*self.cache.objects.values(), *objects])

    @precondition(lambda self: len(self.existing) < MOST_PODS)
    @rule(data=st.data(), gated=st.sampled_from([False, False, True]))
    def arrive(self, data: st.DataObject, gated: bool) -> None:  # noqa: FBT001 - Hypothesis passes it by name
        """Let a Pod come and decide at once."""
        self.made += 1
        pod = data.draw(pods(f"new{self.made}", "", self.features))
        gates = (PodSchedulingGate("quota"),) if gated else ()
        self.put(evolve(pod, spec=evolve(pod.spec, scheduling_gates=gates)))
        self.decide(next(one for one in self.existing if one.metadata.name == pod.metadata.name), data)

    @precondition(lambda self: self.existing)
    @rule(data=st.data(), change=st.sampled_from(["finish", "delete", "cordon", "ungate"]))
    def change(self, data: st.DataObject, change: str) -> None:
        """Something happens to a Pod or a node, and the scheduler tries all waiting Pods again."""
        pod, node = data.draw(st.sampled_from(self.existing)), data.draw(st.sampled_from(self.cache.list(Node)))
        match change:
            case "finish":
                self.put(evolve(pod, status=evolve(pod.status, phase="Succeeded")))
            case "delete":
                self.cache = Cache.of(one for one in self.cache.objects.values() if one != pod)
            case "ungate":
                self.put(evolve(pod, spec=evolve(pod.spec, scheduling_gates=())))
            case _:
                self.put(evolve(node, spec=evolve(node.spec, unschedulable=not node.spec.unschedulable)))
        for waiting in self.waiting:
            self.decide(waiting, data)

    def decide(self, pod: Pod, data: st.DataObject) -> None:
        """Let the scheduler decide one waiting Pod, bind it as decided, and let the model take the same step."""
        before, decision = self.cache, schedule(pod, self.cache)
        allowed = may_bind(self.cache, ref_of(pod))
        _hold(decision.feasible == allowed, f"{decision.feasible} is what the model allows: {allowed}")
        _hold(set(decision.best) <= set(decision.feasible), "the best nodes are feasible")
        if decision.feasible:
            node = data.draw(st.sampled_from(decision.best))
            step, state = Bind(named(pod), node), abstract(before)
            _hold(step in steps(state), f"{step} is a step of the model")
            self.put(evolve(pod, spec=evolve(pod.spec, node_name=node)))
            _hold(step.apply(state) == abstract(self.cache), f"{step} leads where the binding led")
            _hold(refines(before, self.cache), "a binding is a step of the model")

    @invariant()
    def the_model_knows_all_that_matters(self) -> None:
        """No Pod has a wish of which the model knows nothing."""
        _hold(all(in_scope(pod) for pod in self.existing), "the model knows all that matters")
