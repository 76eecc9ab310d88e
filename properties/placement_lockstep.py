"""Scheduler and model in lockstep: where the one may bind, so may the other; where the one gives up, so does the other.

`SchedulerLockstep` drives both through one small cluster that changes under them. It lives here, not with the tests,
because more than one test runs it.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ..impl.api.cache import Cache
from ..impl.api.core import Node, Pod, PodSchedulingGate
from ..impl.api.kinds import ref_of
from ..impl.scheduler import schedule
from ..model.scheduler import Bind, State, steps
from .placement_strategies import NAMESPACES, nodes, pods
from .refine_scheduler import abstract, in_scope, may_bind, named, refines

MOST_PODS = 5


def _hold(condition: bool, claim: str) -> None:  # noqa: FBT001 - it is what must hold
    if not condition:
        raise AssertionError(f"not so: {claim}")


class SchedulerLockstep(RuleBasedStateMachine):
    """One cluster, seen by the scheduler as objects and by the model as a state."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = Cache()
        self.made = 0

    @initialize(machines=st.tuples(nodes("n1"), nodes("n2"), nodes("n3")), count=st.integers(1, 3))
    def start(self, machines: tuple[Node, ...], count: int) -> None:
        """Begin with one to three nodes and no Pod."""
        self.cache = Cache.of([*machines[:count], *NAMESPACES])

    @property
    def existing(self) -> tuple[Pod, ...]:
        """All Pods, those with and without a node."""
        return self.cache.list(Pod)

    def put(self, *objects: Any) -> None:
        """Add objects, or put them anew."""
        self.cache = Cache.of([*self.cache.objects.values(), *objects])

    @precondition(lambda self: len(self.existing) < MOST_PODS)
    @rule(pod=pods("new", plain=True), gated=st.sampled_from([False, False, False, True]))
    def create(self, pod: Pod, gated: bool) -> None:  # noqa: FBT001 - Hypothesis passes it by name
        """Make a Pod."""
        self.made += 1
        gates = (PodSchedulingGate("quota"),) if gated else ()
        name = f"new{self.made}"
        self.put(evolve(pod, metadata=evolve(pod.metadata, name=name), spec=evolve(pod.spec, scheduling_gates=gates)))

    @precondition(lambda self: any(not pod.spec.node_name for pod in self.existing))
    @rule(data=st.data())
    def decide(self, data: st.DataObject) -> None:
        """Let the scheduler decide one waiting Pod, bind it as decided, and let the model take the same step."""
        pod = data.draw(st.sampled_from([pod for pod in self.existing if not pod.spec.node_name]))
        before, decision = self.cache, schedule(pod, self.cache)
        allowed = may_bind(self.cache, ref_of(pod))
        _hold(decision.feasible == allowed, f"{decision.feasible} is what the model allows: {allowed}")
        _hold(set(decision.best) <= set(decision.feasible), "the best nodes are feasible")
        if decision.feasible:
            node = data.draw(st.sampled_from(decision.best))
            step = Bind(named(pod), node)
            state: State = abstract(before)
            _hold(step in steps(state), f"{step} is a step of the model")
            self.put(evolve(pod, spec=evolve(pod.spec, node_name=node)))
            _hold(step.apply(state) == abstract(self.cache), f"{step} leads where the binding led")
            _hold(refines(before, self.cache), "a binding is a step of the model")

    @precondition(lambda self: self.existing)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        """Let a Pod come to its end: it holds nothing any more."""
        pod = data.draw(st.sampled_from(self.existing))
        self.put(evolve(pod, status=evolve(pod.status, phase="Succeeded")))

    @precondition(lambda self: self.existing)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """Remove a Pod."""
        pod = data.draw(st.sampled_from(self.existing))
        self.cache = Cache.of(one for one in self.cache.objects.values() if one != pod)

    @rule(data=st.data())
    def cordon_or_uncordon(self, data: st.DataObject) -> None:
        """Change what a node admits."""
        node = data.draw(st.sampled_from(self.cache.list(Node)))
        self.put(evolve(node, spec=evolve(node.spec, unschedulable=not node.spec.unschedulable)))

    @invariant()
    def the_model_knows_all_that_matters(self) -> None:
        """No Pod has a wish of which the model knows nothing."""
        _hold(all(in_scope(pod) for pod in self.existing), "the model knows all that matters")
