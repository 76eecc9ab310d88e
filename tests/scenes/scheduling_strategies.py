"""Small clusters for Hypothesis: few nodes, few Pods, few values of everything, so that all of them collide.

Values that Kubernetes would not admit are not made (two spread constraints on one topology key, maxSkew 0).
"""

from __future__ import annotations

from typing import TypeVar

from attrs import evolve, frozen
from hypothesis import strategies as st
from immutabledict import immutabledict

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import (
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
from kubeproof.impl.api.meta import LabelSelector, LabelSelectorRequirement, ObjectMeta
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.api.values.quantity import Quantity
from kubeproof.impl.api.well_known import HOSTNAME, UNSCHEDULABLE, ZONE
from kubeproof.properties.placement.problem import Problem

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
labels = st.builds(lambda app: strings({"app": app} if app else {}), st.sampled_from(["a", "a", "b", ""]))
selectors = st.one_of(
    st.builds(lambda app: LabelSelector(strings({"app": app})), apps),
    st.just(LabelSelector(strings({"app": "a"}))),
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
    st.sampled_from(["gpu", "disk", UNSCHEDULABLE]),
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
    st.sampled_from([HOSTNAME, ZONE]),
    st.sampled_from([None, None, None, LabelSelector(), LabelSelector(strings({"team": "right"}))]),
)
spread = st.builds(
    TopologySpreadConstraint,
    max_skew=st.sampled_from([1, 1, 2]),
    topology_key=st.sampled_from([HOSTNAME, ZONE]),
    when_unsatisfiable=st.sampled_from(["DoNotSchedule", "DoNotSchedule", "DoNotSchedule", "ScheduleAnyway"]),
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
    host_port=st.sampled_from([80, 80, 80, 0]),
    host_ip=st.sampled_from(["", "10.0.0.1", "10.0.0.2"]),
)


def few(values: st.SearchStrategy[T], most: int = 1, least: int = 0) -> st.SearchStrategy[tuple[T, ...]]:
    """Make short tuples."""
    return st.lists(values, min_size=least, max_size=most).map(tuple)


FEATURES = frozenset({"affinity", "apart", "cordon", "gpu", "labels", "ports", "room", "spread", "taints", "wishes"})
"""What can stand in a Pod's way. A cluster shows a few of them: with all at once nothing fits and nothing is learnt."""

PLAIN = FEATURES - {"affinity", "ports", "spread"}
"""Those of which the scheduler's model knows."""


def some(features: frozenset[str]) -> st.SearchStrategy[frozenset[str]]:
    """Pick the features of one cluster."""
    return st.frozensets(st.sampled_from(sorted(features)), min_size=1, max_size=3)


@st.composite
def nodes(draw: st.DrawFn, name: str, features: frozenset[str] = FEATURES) -> Node:
    """Make a node; it may lack a topology label, be tainted, cordoned or too small for what it runs already."""
    zone = draw(st.sampled_from(["z1", "z2", ""] if "labels" in features else ["z1", "z2"]))
    host = draw(st.sampled_from([name, name, ""])) if "labels" in features else name
    topology = {key: value for key, value in ((HOSTNAME, host), (ZONE, zone)) if value}
    size = st.integers(1, 3) if "room" in features else st.just(99)
    room = _amounts(cpu=draw(size), memory=draw(size), pods=draw(size))
    if "gpu" in features:
        room = room | _amounts(**{"example.com/gpu": draw(st.integers(0, 2))})
    cordoned = "cordon" in features and draw(st.booleans())
    spec = NodeSpec(cordoned, draw(few(taints)) if "taints" in features else ())
    return Node(ObjectMeta(name=name, labels=strings(topology)), spec, NodeStatus(room, room))


@st.composite
def pods(draw: st.DrawFn, name: str, node: str = "", features: frozenset[str] = FEATURES) -> Pod:
    """Make a Pod that has, of what can stand in its way, only these features; a bound one may be being deleted."""

    def optional(feature: str, strategy: st.SearchStrategy[tuple[T, ...]]) -> tuple[T, ...]:
        return draw(strategy) if feature in features else ()

    least = 0 if node else 1  # A Pod that waits shows every feature, or there would be nothing to decide.
    near, apart = optional("affinity", few(pod_terms, 2, least)), optional("apart", few(pod_terms, 2, least))
    terms = optional("wishes", few(node_terms, 2, least))
    wish = NodeAffinity(NodeSelector(terms) if terms else None)
    by_key = {one.topology_key: one for one in optional("spread", few(spread, 2, least))}
    selector = draw(st.sampled_from([{}, {}, {ZONE: "z1"}, {HOSTNAME: "n1"}])) if "wishes" in features else {}
    container = Container("c", resources=ResourceRequirements(draw(_requests(features))))
    spec = PodSpec(
        (evolve(container, ports=optional("ports", few(ports, 2, least))),),
        node_name=node,
        node_selector=strings(selector),
        affinity=Affinity(wish, PodAffinity(near), PodAffinity(apart)),
        tolerations=draw(few(tolerations, 2)) if features & {"taints", "cordon"} else (),
        topology_spread_constraints=tuple(by_key.values()),
    )
    leaving = draw(st.sampled_from([False, True] if "spread" in features else [False, False, False, True]))
    deleted = 1 if node and leaving else None
    place = draw(st.sampled_from(["left", "left", "left", "right"]))
    return Pod(ObjectMeta(name=name, namespace=place, labels=draw(labels), deletion_timestamp=deleted), spec)


@st.composite
def _requests(draw: st.DrawFn, features: frozenset[str]) -> immutabledict[str, Quantity]:
    wants = {}
    if "room" in features:
        wants = {"cpu": draw(st.integers(0, 2)), "memory": draw(st.integers(0, 2))}
    if "gpu" in features:
        wants["example.com/gpu"] = draw(st.integers(0, 1))
    return _amounts(**wants)


@st.composite
def scenes(draw: st.DrawFn, *, waiting: int = 1, most_nodes: int = 3, only: frozenset[str] = frozenset()) -> Scene:
    """Make a cluster with that many waiting Pods and `only` these features (a few, if none are given)."""
    features = only or draw(some(FEATURES))
    count = draw(st.integers(1, most_nodes))
    machines = tuple(draw(nodes(f"n{number}", features)) for number in range(1, count + 1))
    bound_ones = draw(st.integers(0, 4))
    homes = [draw(st.sampled_from([one.metadata.name for one in machines])) for _ in range(bound_ones)]
    bound = tuple(draw(pods(f"old{number}", home, features)) for number, home in enumerate(homes))
    return Scene(tuple(draw(pods(f"new{number}", "", features)) for number in range(waiting)), machines, bound)
