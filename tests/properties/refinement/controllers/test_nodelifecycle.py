"""Every request of the node lifecycle controller is a step of its model, and it stops where the model stops."""

# ruff: noqa: D102, FBT001 - the names of the rules say what they do

from __future__ import annotations

from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Node, NodeCondition, Pod, PodCondition, PodSpec, PodStatus, Taint
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.controllers import nodelifecycle
from kubeproof.model.components.nodes.nodelifecycle import steps
from kubeproof.properties.refinement.controllers.nodelifecycle import abstract, refines
from kubeproof.properties.refinement.granted import granted, with_object

OWN = Taint("node.example.com/own", "NoSchedule")


def node(name: str = "n1", says: str = "True") -> Node:
    fresh = Node(ObjectMeta(name=name, uid=f"Node//{name}"))
    ready = (NodeCondition("Ready", says),)
    return evolve(fresh, spec=evolve(fresh.spec, taints=(OWN,)), status=evolve(fresh.status, conditions=ready))


def pod() -> Pod:
    ready = (PodCondition("Ready", "True"),)
    return Pod(ObjectMeta(name="p", namespace="d", uid="Pod/d/p"), PodSpec(node_name="n1"), PodStatus("Running", ready))


KEY = ref_of(node())


class NodeLifecycleLockstep(RuleBasedStateMachine):
    """A node speaks, falls silent and is cordoned; each request is compared with the model."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Cache.of([node(), node("n2"), pod()])
        self.silent = False

    def node(self) -> Node:
        found = self.store.get(Node, KEY)
        assert found is not None
        return found

    @rule(ready=st.sampled_from(["True", "False"]))
    def node_speaks(self, ready: str) -> None:
        self.silent = False
        conditions = tuple(
            evolve(one, status=ready if one.type == "Ready" else "False") for one in self.node().status.conditions
        )
        self.store = with_object(
            self.store, evolve(self.node(), status=evolve(self.node().status, conditions=conditions))
        )
        self.store = with_object(self.store, pod())

    @rule()
    def node_falls_silent(self) -> None:
        self.silent = True

    @rule(says=st.sampled_from(["True", "Unknown"]))
    def the_other_node_speaks(self, says: str) -> None:
        self.store = with_object(self.store, node("n2", says))

    @rule(unschedulable=st.booleans())
    def cordon(self, unschedulable: bool) -> None:
        self.store = with_object(
            self.store, evolve(self.node(), spec=evolve(self.node().spec, unschedulable=unschedulable))
        )

    @rule()
    def turns(self) -> None:
        for _ in range(4):
            before = abstract(self.store, KEY, silent=self.silent)
            requests = nodelifecycle.reconcile(self.store, KEY, heartbeat_lost=self.silent)
            for request in requests:
                now = abstract(self.store, KEY, silent=self.silent)
                after = granted(self.store, request, "")
                assert after is not None
                self.store = after
                assert refines(now, abstract(after, KEY, silent=self.silent))
            assert bool(steps(before)) <= bool(requests)
        rest = abstract(self.store, KEY, silent=self.silent)
        assert steps(rest) == ()
        assert nodelifecycle.reconcile(self.store, KEY, heartbeat_lost=self.silent) == ()
        assert OWN in self.node().spec.taints
        ready_pods = [one for one in self.store.list(Pod) if one.ready]
        assert rest.ready == "True" or not ready_pods


TestNodeLifecycleLockstep = NodeLifecycleLockstep.TestCase
TestNodeLifecycleLockstep.settings = settings(max_examples=100, stateful_step_count=20)
