"""Every request of the EndpointSlice controller corrects what the model says is wrong, and nothing stays wrong."""

# ruff: noqa: D102, FBT001 - the names of the rules say what they do

from __future__ import annotations

from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Node, Pod, PodCondition, PodSpec, PodStatus, Service, ServicePort, ServiceSpec
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import EndpointSlice
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.controllers.endpointslice import endpointslice
from kubeproof.properties.refinement.controllers.endpointslice import abstract, refines
from kubeproof.properties.refinement.granted import granted, with_object, without_object

NODE = Node(ObjectMeta(name="n1", uid="Node//n1"))
NAMES = ("p1", "p2", "p3", "p4")
MOST = 2
FLAGS = st.tuples(st.sampled_from([True, True, False]), st.booleans(), st.sampled_from([True, True, True, False]))


def service(*, publish_all: bool) -> Service:
    return Service(
        ObjectMeta(name="web", namespace="d", uid="Service/d/web", labels=strings({"team": "a"})),
        ServiceSpec(
            selector=strings({"app": "web"}),
            ports=(ServicePort(80, "http"),),
            cluster_ip="10.96.0.1",
            publish_not_ready_addresses=publish_all,
        ),
    )


class EndpointSliceLockstep(RuleBasedStateMachine):
    """Pods come, change and go behind one Service whose slices hold two endpoints; each request is compared."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Cache.of([NODE, service(publish_all=False)])
        self.key = ref_of(service(publish_all=False))
        self.count = 0

    @initialize(publish_all=st.booleans(), flags=st.lists(FLAGS, min_size=2, max_size=len(NAMES)))
    def begin(self, publish_all: bool, flags: list[tuple[bool, bool, bool]]) -> None:
        self.store = with_object(self.store, service(publish_all=publish_all))
        for name, (ready, terminating, address) in zip(NAMES, flags, strict=False):
            self.pod_is(name=name, app="web", phase="Running", ready=ready, terminating=terminating, address=address)

    @rule(
        name=st.sampled_from(NAMES),
        app=st.sampled_from(["web", "web", "db"]),
        phase=st.sampled_from(["Running", "Running", "Failed"]),
        ready=st.booleans(),
        terminating=st.booleans(),
        address=st.booleans(),
    )
    def pod_is(self, *, name: str, app: str, phase: str, ready: bool, terminating: bool, address: bool) -> None:
        metadata = ObjectMeta(
            name=name,
            namespace="d",
            uid=f"Pod/d/{name}",
            labels=strings({"app": app}),
            deletion_timestamp=0 if terminating else None,
        )
        status = PodStatus(
            phase=phase,
            conditions=(PodCondition("Ready", "True" if ready else "False"),),
            pod_ip=f"10.0.0.{name[1:]}" if address else "",
        )
        self.store = with_object(self.store, Pod(metadata, PodSpec(node_name="n1"), status))

    @rule(name=st.sampled_from(NAMES))
    def pod_is_gone(self, name: str) -> None:
        self.store = without_object(self.store, Pod(ObjectMeta(name=name, namespace="d")))

    @rule(team=st.sampled_from(["a", "b"]))
    def service_is_labelled(self, team: str) -> None:
        found = self.store.get(Service, self.key)
        assert found is not None
        metadata = evolve(found.metadata, labels=strings({"team": team}))
        self.store = with_object(self.store, evolve(found, metadata=metadata))

    @rule()
    def turn(self) -> None:
        self.store = self.after_a_turn()

    @invariant()
    def nothing_stays_wrong(self) -> None:
        after = self.after_a_turn()
        assert abstract(after, self.key).wrong == ()
        assert endpointslice.reconcile(after, self.key, max_endpoints=MOST) == ()
        slices = after.list(EndpointSlice)
        assert slices
        assert all(len(one.endpoints) <= MOST for one in slices)
        assert all(one.endpoints for one in slices) or len(slices) == 1

    def after_a_turn(self) -> Cache:
        store = self.store
        for request in endpointslice.reconcile(store, self.key, max_endpoints=MOST):
            self.count += 1
            after = granted(store, request, f"{self.count:03}")
            assert after is not None
            assert refines(abstract(store, self.key), abstract(after, self.key))
            store = after
        return store


TestEndpointSliceLockstep = EndpointSliceLockstep.TestCase
TestEndpointSliceLockstep.settings = settings(max_examples=60, stateful_step_count=15)
