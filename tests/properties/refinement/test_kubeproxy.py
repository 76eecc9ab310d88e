"""The proxy and its model know the same things and send packets the same ways."""

# ruff: noqa: D102 - the names of the rules are sentences
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from immutabledict import immutabledict

from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.model.components.network import kubeproxy as model
from kubeproof.properties.refinement.kubeproxy import abstract, refines

NODE = "n1"
NAMES = ("a", "b")
CONDITIONS = (
    EndpointConditions(ready=True, serving=True, terminating=False),
    EndpointConditions(ready=False, serving=True, terminating=True),
    EndpointConditions(ready=False, serving=False, terminating=True),
    EndpointConditions(ready=False, serving=False, terminating=False),
)
endpoints = st.builds(
    Endpoint,
    addresses=st.sampled_from([("10.0.1.1",), ("10.0.1.2",), ("10.0.1.3",)]),
    conditions=st.sampled_from(CONDITIONS),
    node_name=st.sampled_from([NODE, "n2"]),
)


def service(name: str, policy: str) -> Service:
    spec = ServiceSpec(
        cluster_ip=f"172.30.0.{NAMES.index(name) + 1}",
        ports=(ServicePort(port=80, name="http"),),
        internal_traffic_policy=policy,
    )
    return Service(ObjectMeta(name=name, namespace="d"), spec)


def slice_of(name: str, listed: tuple[Endpoint, ...]) -> EndpointSlice:
    labels = immutabledict({"kubernetes.io/service-name": name})
    meta = ObjectMeta(name=f"{name}-1", namespace="d", labels=labels)
    return EndpointSlice(meta, endpoints=listed, ports=(EndpointPort("http", 8080),))


class Lockstep(RuleBasedStateMachine):
    """News come, the proxy synchronises when it likes; after each step both sides must agree."""

    def __init__(self) -> None:
        super().__init__()
        self.services: dict[str, Service] = {}
        self.slices: dict[str, EndpointSlice] = {}
        self.rules = rules([], [], NODE)
        self.model = model.State()

    def seen(self) -> model.State:
        return abstract(self.rules, self.services.values(), self.slices.values(), NODE)

    def learn(self) -> None:
        known = self.seen()
        news = model.Learn(known.ports, known.endpoints)
        self.model = news.apply(self.model) if news.enabled(self.model) else self.model

    @rule(name=st.sampled_from(NAMES), policy=st.sampled_from(["Cluster", "Local"]))
    def a_service_comes_or_changes(self, name: str, policy: str) -> None:
        self.services[name] = service(name, policy)
        self.learn()

    @rule(name=st.sampled_from(NAMES))
    def a_service_goes(self, name: str) -> None:
        self.services.pop(name, None)
        self.learn()

    @rule(name=st.sampled_from(NAMES), listed=st.lists(endpoints, max_size=3, unique_by=lambda one: one.addresses))
    def endpoints_change(self, name: str, listed: list[Endpoint]) -> None:
        self.slices[name] = slice_of(name, tuple(listed))
        self.learn()

    @rule()
    def synchronise(self) -> None:
        before = self.seen()
        self.rules = rules(self.services.values(), self.slices.values(), NODE)
        after = self.seen()
        assert refines(before, after)
        if (action := model.Sync()).enabled(self.model):
            self.model = action.apply(self.model)

    @invariant()
    def connections_go_where_the_model_says(self) -> None:
        for port, reached in self.seen().table.items():
            assert reached == model.destinations(self.model, port)


TestLockstep = Lockstep.TestCase


@given(st.sampled_from(NAMES), st.lists(endpoints, max_size=3, unique_by=lambda one: one.addresses))
def test_an_endpoint_that_does_not_serve_is_never_reached(name: str, listed: list[Endpoint]) -> None:
    known = (service(name, "Cluster"),)
    state = abstract(rules(known, [slice_of(name, tuple(listed))], NODE), known, [], NODE)
    dead = {f"{one.addresses[0]}:8080" for one in listed if not one.conditions.serving}
    assert not dead & state.table[f"{name}:http"]
