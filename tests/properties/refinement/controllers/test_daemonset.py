"""The DaemonSet controller and its model take the same turns, and no others."""

# ruff: noqa: D102 - the names of the rules say what they do

from __future__ import annotations

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kubeproof.impl.api.apps import DaemonSet, DaemonSetSpec, DaemonSetUpdateStrategy, RollingUpdateDaemonSet
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import (
    Container,
    Node,
    NodeSpec,
    Pod,
    PodCondition,
    PodSpec,
    PodStatus,
    PodTemplateSpec,
    Taint,
)
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.controllers.daemonset import daemonset
from kubeproof.impl.controllers.daemonset.nodes import target
from kubeproof.model.components.workloads.daemonset import Member, Site, State, steps
from kubeproof.properties.refinement.controllers.daemonset import abstract, refines
from kubeproof.properties.refinement.granted import all_granted, with_object, without_object

LABELS = strings({"app": "agent"})
NAMES = ("n1", "n2", "n3")
TAINTS = st.sampled_from([(), (), (Taint("t", "NoSchedule"),), (Taint("t", "NoExecute"),)])
STRATEGIES = st.sampled_from(
    [
        DaemonSetUpdateStrategy("RollingUpdate", RollingUpdateDaemonSet(1, 0)),
        DaemonSetUpdateStrategy("RollingUpdate", RollingUpdateDaemonSet("50%", 0)),
        DaemonSetUpdateStrategy("RollingUpdate", RollingUpdateDaemonSet(0, 1)),
        DaemonSetUpdateStrategy("RollingUpdate", RollingUpdateDaemonSet(0, "100%")),
        DaemonSetUpdateStrategy("OnDelete"),
    ]
)


def template(image: str) -> PodTemplateSpec:
    return PodTemplateSpec(ObjectMeta(labels=LABELS), PodSpec(containers=(Container("c", image),)))


AGENT = DaemonSet(
    ObjectMeta(name="agent", namespace="d", uid="DaemonSet/d/agent", generation=1),
    DaemonSetSpec(selector=LabelSelector(LABELS), template=template("i:1")),
)
KEY = ref_of(AGENT)


class Lockstep(RuleBasedStateMachine):
    """A set on three nodes, whose Pods are bound, run, fail and go, whose template changes, and whose nodes do."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Cache()
        self.turns = 0

    @initialize(strategy=STRATEGIES, taints=st.tuples(TAINTS, TAINTS, TAINTS))
    def begins(self, strategy: DaemonSetUpdateStrategy, taints: tuple[tuple[Taint, ...], ...]) -> None:
        nodes = (
            Node(ObjectMeta(name, uid=name), NodeSpec(taints=some)) for name, some in zip(NAMES, taints, strict=True)
        )
        spec = evolve(AGENT.spec, update_strategy=strategy)
        self.store = Cache.of((evolve(AGENT, spec=spec), *nodes))

    @property
    def pods(self) -> tuple[Pod, ...]:
        return self.store.list(Pod)

    @rule(number=st.integers(0, 9))
    def a_turn(self, number: int) -> None:
        self.turns += 1
        syncs = daemonset.grouped(self.store, KEY)
        before = abstract(self.store, KEY)
        afters = [
            all_granted(self.store, tuple(one for group in groups for one in group), f"t{self.turns}-")
            for groups in syncs
        ]
        assert {abstract(after, KEY) for after in afters} == set(steps(before))
        assert all(refines(before, abstract(after, KEY)) for after in afters)
        self.store = afters[number % len(afters)]

    @precondition(lambda self: self.pods)
    @rule(data=st.data(), ready=st.booleans(), phase=st.sampled_from(["Running", "Running", "Running", "Failed"]))
    def a_pod_moves_on(self, data: st.DataObject, ready: bool, phase: str) -> None:  # noqa: FBT001
        pod = data.draw(st.sampled_from(self.pods))
        conditions = (PodCondition("Ready", str(ready and phase == "Running")),)
        bound = evolve(pod, spec=evolve(pod.spec, node_name=target(pod)), status=PodStatus(phase, conditions))
        self.store = with_object(self.store, bound)

    @precondition(lambda self: any(pod.metadata.terminating for pod in self.pods))
    @rule(data=st.data())
    def a_pod_is_gone(self, data: st.DataObject) -> None:
        going = [pod for pod in self.pods if pod.metadata.terminating]
        self.store = without_object(self.store, data.draw(st.sampled_from(going)))

    @rule(image=st.sampled_from(["i:1", "i:2", "i:3"]))
    def the_template_changes(self, image: str) -> None:
        owner = self.store.get(DaemonSet, KEY)
        assert owner is not None
        meta = evolve(owner.metadata, generation=owner.metadata.generation + 1)
        self.store = with_object(
            self.store, evolve(owner, metadata=meta, spec=evolve(owner.spec, template=template(image)))
        )

    @rule(name=st.sampled_from(NAMES), taints=TAINTS)
    def a_node_changes(self, name: str, taints: tuple[Taint, ...]) -> None:
        self.store = with_object(self.store, Node(ObjectMeta(name, uid=name), NodeSpec(taints=taints)))

    @precondition(lambda self: len(self.store.list(Node)) > 1)
    @rule(data=st.data())
    def a_node_goes(self, data: st.DataObject) -> None:
        self.store = without_object(self.store, data.draw(st.sampled_from(self.store.list(Node))))

    @invariant()
    def what_is_kept_is_enough(self) -> None:
        kept = (daemonset.TRANSFORM[ref.kind](one) for ref, one in self.store.objects.items())
        slim = Cache.of(one for one in kept if one is not None)
        assert daemonset.grouped(slim, KEY) == daemonset.grouped(self.store, KEY)


Lockstep.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestLockstep = Lockstep.TestCase


SITES = st.builds(
    Site,
    wants=st.booleans(),
    keeps=st.just(value=True),
    members=st.lists(st.builds(Member, new=st.booleans(), placed=st.just(value=True), ready=st.booleans()), max_size=2),
)


@given(st.lists(SITES, min_size=1, max_size=4), st.integers(1, 3))
def test_a_rollout_without_surge_never_takes_more_than_it_may(sites: list[Site], most: int) -> None:
    """The documented promise: of those that were ready no more go than leave so many nodes without one."""
    state = State(tuple(sites), surge=0, unavailable=most)
    served = sum(any(one.ready for one in site.staying) for site in sites)
    short = sum(not any(one.ready for one in site.staying) for site in sites if site.members or site.wants)
    for after in steps(state):
        left = sum(any(one.ready for one in site.staying) for site in after.sites)
        excess = sum(len(site.staying) > 1 for site in sites)
        assert served - left <= max(0, most - short) + excess
