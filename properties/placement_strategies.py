"""Small clusters for Hypothesis: few nodes, few Pods, few values of everything, so that all of them collide.

Values that Kubernetes would not admit are not made (two spread constraints on one topology key, maxSkew 0).
"""

from __future__ import annotations

from typing import TypeVar

from attrs import evolve, frozen
from hypothesis import strategies as st
from immutabledict import immutabledict

from ..impl.api.cache import Cache
from ..impl.api.core import (
    Affinity,
    Container,
    ContainerPort,
    Namespace,
    Node,
    NodeAffinity,
    NodeSelector,
    NodeSelectorTerm,
    NodeSpec,
    NodeStatus,
    Pod,
    PodAffinity,
    PodAffinityTerm,
    PodSpec,
    ResourceRequirements,
    Taint,
    Toleration,
    TopologySpreadConstraint,
)
from ..impl.api.frozen import strings
from ..impl.api.meta import LabelSelector, LabelSelectorRequirement, ObjectMeta
from ..impl.api.quantity import Quantity
from .placement_problem import Problem

HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
T = TypeVar("T")
NAMESPACES = tuple(Namespace(ObjectMeta(name=name, labels=strings({"team": name}))) for name in ("left", "right"))


@frozen
class Scene:
    """Pods without a node, nodes, Pods with one."""

    waiting: tuple[Pod, ...]
    nodes: tuple[Node, ...]
    bound: tuple[Pod, ...]

    @property
    def cache(self) -> Cache:
        """All of it as a component sees it."""
        return Cache.of([*self.waiting, *self.nodes, *self.bound, *NAMESPACES])

    @property
    def problem(self) -> Problem:
        """The waiting Pods as a placement problem."""
        spaces = {one.metadata.name: one.metadata.labels for one in NAMESPACES}
        return Problem(self.waiting, self.nodes, self.bound, spaces)


def _amounts(**wanted: int) -> immutabledict[str, Quantity]:
    return immutabledict((name, Quantity.of(value)) for name, value in wanted.items())


apps = st.sampled_from(["a", "b"])
labels = st.builds(lambda app: strings({"app": app} if app else {}), st.sampled_from(["a", "b", ""]))
selectors = st.one_of(
    st.builds(lambda app: LabelSelector(strings({"app": app})), apps),
    st.builds(
        lambda operator, values: LabelSelector(match_expressions=(LabelSelectorRequirement("app", operator, values),)),
        st.sampled_from(["In", "NotIn"]),
        st.sampled_from([("a",), ("a", "b")]),
    ),
    st.sampled_from([LabelSelector(), None]),
)
taints = st.builds(
    Taint,
    st.sampled_from(["gpu", "disk"]),
    st.sampled_from(["NoSchedule", "NoExecute", "PreferNoSchedule"]),
    st.sampled_from(["", "x"]),
)
tolerations = st.builds(
    lambda key, operator, value, effect: Toleration(key, operator, "" if operator == "Exists" else value, effect),
    st.sampled_from(["gpu", "disk", "node.kubernetes.io/unschedulable"]),
    st.sampled_from(["", "Equal", "Exists"]),
    st.sampled_from(["", "x"]),
    st.sampled_from(["", "NoSchedule", "NoExecute"]),
)
node_terms = st.one_of(
    st.builds(
        lambda operator, zone: NodeSelectorTerm((LabelSelectorRequirement(ZONE, operator, zone),)),
        st.sampled_from(["In", "NotIn"]),
        st.sampled_from([("z1",), ("z2",)]),
    ),
    st.just(NodeSelectorTerm((LabelSelectorRequirement(ZONE, "Exists"),))),
    st.builds(
        lambda operator, name: NodeSelectorTerm(
            match_fields=(LabelSelectorRequirement("metadata.name", operator, name),)
        ),
        st.sampled_from(["In", "NotIn"]),
        st.sampled_from([("n1",), ("n2",)]),
    ),
    st.just(NodeSelectorTerm()),
)
pod_terms = st.builds(
    PodAffinityTerm,
    selectors,
    st.sampled_from([(), (), ("left",), ("left", "right")]),
    st.sampled_from([HOST, ZONE]),
    st.sampled_from([None, None, LabelSelector(), LabelSelector(strings({"team": "right"}))]),
)
spread = st.builds(
    TopologySpreadConstraint,
    max_skew=st.integers(1, 2),
    topology_key=st.sampled_from([HOST, ZONE]),
    when_unsatisfiable=st.sampled_from(["DoNotSchedule", "DoNotSchedule", "ScheduleAnyway"]),
    label_selector=selectors,
    min_domains=st.sampled_from([None, 1, 2, 3]),
    node_affinity_policy=st.sampled_from([None, "Ignore", "Honor"]),
    node_taints_policy=st.sampled_from([None, "Ignore", "Honor"]),
    match_label_keys=st.sampled_from([(), (), ("app",)]),
).filter(lambda one: one.label_selector is not None or not one.match_label_keys)
ports = st.builds(
    ContainerPort,
    container_port=st.just(80),
    protocol=st.sampled_from(["TCP", "UDP", ""]),
    host_port=st.sampled_from([0, 80, 81]),
    host_ip=st.sampled_from(["", "0.0.0.0", "10.0.0.1", "10.0.0.2"]),  # noqa: S104 - means all addresses
)


def few(values: st.SearchStrategy[T], most: int = 1) -> st.SearchStrategy[tuple[T, ...]]:
    """Make tuples that are empty half of the time."""
    return st.one_of(st.just(()), st.lists(values, min_size=1, max_size=most).map(tuple))


@st.composite
def nodes(draw: st.DrawFn, name: str) -> Node:
    """Make a node; it may lack a topology label, be tainted, cordoned or already too small for what it runs."""
    zone = draw(st.sampled_from(["z1", "z1", "z2", ""]))
    host = draw(st.sampled_from([name, name, name, ""]))
    topology = {key: value for key, value in ((HOST, host), (ZONE, zone)) if value}
    room = _amounts(cpu=draw(st.integers(1, 3)), memory=draw(st.integers(1, 3)), pods=draw(st.integers(1, 3)))
    if draw(st.booleans()):
        room = room | _amounts(**{"example.com/gpu": draw(st.integers(0, 2))})
    spec = NodeSpec(draw(st.sampled_from([False, False, False, True])), draw(few(taints)))
    return Node(ObjectMeta(name=name, labels=strings(topology)), spec, NodeStatus(room, room))


@st.composite
def pods(draw: st.DrawFn, name: str, node: str = "", *, plain: bool = False) -> Pod:
    """Make a Pod; a `plain` one stays within what the scheduler's model knows."""
    wants = _amounts(cpu=draw(st.integers(0, 2)), memory=draw(st.integers(0, 2)))
    if draw(st.sampled_from([False, False, True])):
        wants = wants | _amounts(**{"example.com/gpu": draw(st.integers(0, 1))})
    near, apart = (PodAffinity(draw(few(pod_terms, 2))) for _ in range(2))
    terms = draw(few(node_terms, 2))
    wish = NodeAffinity(NodeSelector(terms) if terms else None)
    by_key = {one.topology_key: one for one in draw(few(spread, 2))}
    open_ports = draw(few(ports, 2))
    container = Container("c", resources=ResourceRequirements(wants))
    spec = PodSpec(
        (container if plain else evolve(container, ports=open_ports),),
        node_name=node,
        node_selector=strings(draw(st.sampled_from([{}, {}, {}, {ZONE: "z1"}, {HOST: "n1"}]))),
        affinity=Affinity(wish, None if plain else near, apart),
        tolerations=draw(few(tolerations, 2)),
        topology_spread_constraints=() if plain else tuple(by_key.values()),
    )
    deleted = 1 if node and draw(st.sampled_from([False, False, False, True])) else None
    place = draw(st.sampled_from(["left", "left", "right"]))
    return Pod(ObjectMeta(name=name, namespace=place, labels=draw(labels), deletion_timestamp=deleted), spec)


@st.composite
def scenes(draw: st.DrawFn, *, waiting: int = 1, most_nodes: int = 3) -> Scene:
    """Make a cluster with that many waiting Pods."""
    machines = tuple(draw(nodes(f"n{number}")) for number in range(1, draw(st.integers(1, most_nodes)) + 1))
    homes = draw(st.lists(st.sampled_from([one.metadata.name for one in machines]), max_size=3))
    bound = tuple(draw(pods(f"old{number}", home)) for number, home in enumerate(homes))
    return Scene(tuple(draw(pods(f"new{number}")) for number in range(waiting)), machines, bound)
