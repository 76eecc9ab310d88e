"""Symbolic Pods and nodes for `proofs`: one function for each filter, and the words for the shape it makes.

Each gives one Pod, the node that is asked about (the first), and what else there is. Everything that a filter looks at
is symbolic; what it does not look at is left out. Fields keep within what the API server admits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import z3
from attrs import evolve, frozen
from immutabledict import immutabledict

from ...impl.api import core
from ...impl.api.core import (
    Affinity,
    Container,
    ContainerPort,
    Node,
    NodeAffinity,
    NodeSelector,
    NodeSelectorTerm,
    NodeSpec,
    NodeStatus,
    PodAffinity,
    PodAffinityTerm,
    PodSpec,
    ResourceRequirements,
    Resources,
    Taint,
    Toleration,
    TopologySpreadConstraint,
)
from ...impl.api.meta import LabelSelector, LabelSelectorRequirement, ObjectMeta
from ...impl.api.values.frozen import Strings, strings
from ...impl.api.values.quantity import Quantity
from ...impl.api.well_known import HOSTNAME, UNSCHEDULABLE, ZONE
from .problem import plain
from .symbolic import Constants, Pod, Trial

MOST = 2**40
"""Amounts are at most this; a sum of a few of them fits into 64 bits, as real ones do."""


@frozen(eq=False)
class Scene:
    """A Pod without a node, nodes (the first is asked about), Pods that have one of these."""

    pod: core.Pod
    nodes: tuple[Node, ...]
    bound: tuple[core.Pod, ...] = ()
    namespaces: Mapping[str, Strings] = immutabledict()


def _pod(name: str, spec: PodSpec, labels: Strings | None = None, **metadata: Any) -> Pod:
    return Pod(ObjectMeta(name=name, labels=labels or strings(), **metadata), spec)


# --- room ---------------------------------------------------------------------------------------------------------

FIT = "all amounts up to 2^40 of cpu, memory, a device and Pods; the device asked for or not, had or not; 2 Pods there"
DEVICE = "example.com/device"


def amounts(trial: Trial, who: str, *names: str) -> Resources:
    """Make an amount of each resource, cpu in thousandths."""
    found = {name: Quantity(trial.number(f"{name} of {who}", 0, MOST), -3 if name == "cpu" else 0) for name in names}
    return immutabledict(found)


def _asking(trial: Trial, who: str, *names: str) -> Container:
    return Container(who, resources=ResourceRequirements(requests=amounts(trial, who, *names)))


def room(*names: str) -> Callable[[Trial], Scene]:
    """Everything has any amount of these; the last may be asked for or not, and the node may have none."""

    def build(trial: Trial) -> Scene:
        asked, had = trial.pick("asked for", [names[:-1], names]), trial.pick("had", [names[:-1], names])
        has = amounts(trial, "node", "pods", *had)
        node = Node(ObjectMeta(name="n1"), status=NodeStatus(has, has))
        there = tuple(
            _pod(who, PodSpec((_asking(trial, who, *some),), node_name="n1"))
            for who, some in (("old1", names), ("old2", names[:1]))
        )
        return Scene(_pod("new", PodSpec((_asking(trial, "new", *asked),))), (node,), there)

    return build


REQUESTS = "all amounts up to 2^40: an init container, a sidecar, an init container, 2 containers, overhead"


def starting(trial: Trial) -> tuple[Pod, Any]:
    """Make a Pod that starts in steps, and what it takes of a node at its peak: the most that runs at one time."""
    first, sidecar, second, one, two = (
        _asking(trial, name, "cpu") for name in ("first", "sidecar", "second", "one", "two")
    )
    init = (first, evolve(sidecar, restart_policy="Always"), second)
    spec = PodSpec((one, two), init, overhead=amounts(trial, "overhead", "cpu"))
    cpu = {each.name: z3.Int(f"cpu of {each.name}") for each in (*init, one, two)}
    always = cpu["sidecar"]
    peaks = [cpu["first"], always, cpu["second"] + always, cpu["one"] + cpu["two"] + always]
    highest = z3.Int("peak")
    known = z3.And(z3.Or([highest == peak for peak in peaks]), *(highest >= peak for peak in peaks))
    return _pod("new", spec), lambda asked: z3.Implies(known, plain(asked) == highest + z3.Int("cpu of overhead"))


PREEMPTION = "any priorities and amounts of cpu: 1 node, 3 Pods there"
Crowd = tuple[Pod, tuple[Node, ...], tuple[Pod, ...]]


def crowded(trial: Trial, count: int) -> Crowd:
    """Make a node with Pods of any priority, and a Pod that wants to go there."""

    def of_any_priority(name: str, node: str = "") -> Pod:
        priority = trial.number(f"priority of {name}", -(2**31), 2**31 - 1)
        return _pod(name, PodSpec((_asking(trial, name, "cpu"),), node_name=node, priority=priority))

    has = {**amounts(trial, "node", "cpu"), "pods": Quantity.of(110)}
    node = Node(ObjectMeta(name="n1"), status=NodeStatus(immutabledict(has), immutabledict(has)))
    return (
        of_any_priority("new"),
        (node,),
        tuple(of_any_priority(f"old{number}", "n1") for number in range(1, count + 1)),
    )


# --- taints -------------------------------------------------------------------------------------------------------

EFFECTS = ("NoSchedule", "NoExecute", "PreferNoSchedule")
OPERATORS = ("", "Equal", "Exists")
PARTS = ("key", "operator", "value", "effect")
TOLERATION_WORDS = Constants((*OPERATORS, *EFFECTS, UNSCHEDULABLE), ("", UNSCHEDULABLE))
TAINTS = "any words, admitted operators and effects"


def tolerations(trial: Trial, count: int) -> tuple[Toleration, ...]:
    """Make tolerations of any key and value, and any operator and effect that is admitted."""
    among = {"operator": OPERATORS, "effect": ("", *EFFECTS)}
    return tuple(
        Toleration(*(trial.word(f"{part} of toleration {number}", among.get(part, ())) for part in PARTS))
        for number in range(count)
    )


def taints(count: int, tolerated: int) -> Callable[[Trial], Scene]:
    """Make a node with taints and a Pod with tolerations."""

    def build(trial: Trial) -> Scene:
        found = tuple(
            Taint(
                trial.word(f"key of taint {number}"),
                trial.word(f"effect of taint {number}", EFFECTS),
                trial.word(f"value of taint {number}"),
            )
            for number in range(count)
        )
        node = Node(ObjectMeta(name="n1"), NodeSpec(taints=found))
        return Scene(_pod("new", PodSpec(tolerations=tolerations(trial, tolerated))), (node,))

    return build


def cordon(trial: Trial) -> Scene:
    """Make a node that is cordoned or not."""
    node = Node(ObjectMeta(name="n1"), NodeSpec(unschedulable=trial.truth("cordoned")))
    return Scene(_pod("new", PodSpec(tolerations=tolerations(trial, 2))), (node,))


NAME = "any name or none"
NAMES = Constants(("", "n1"), ("", "n1"))


def node_name(trial: Trial) -> Scene:
    """Make a Pod that names any node."""
    return Scene(_pod("new", PodSpec(node_name=trial.word("spec.nodeName"))), (Node(ObjectMeta(name="n1")),))


# --- host ports ---------------------------------------------------------------------------------------------------

PORTS = "any ports and addresses, admitted protocols"
PROTOCOLS = ("", "TCP", "UDP", "SCTP")
PORT_WORDS = Constants((*PROTOCOLS, "0.0.0.0"), ("0.0.0.0",))  # noqa: S104 - stands for all addresses


def _ports(trial: Trial, who: str, count: int) -> Pod:
    found = tuple(
        ContainerPort(
            80,
            protocol=trial.word(f"protocol {number} of {who}", PROTOCOLS),
            host_port=trial.number(f"port {number} of {who}", 0, 65535),
            host_ip=trial.word(f"address {number} of {who}"),
        )
        for number in range(count)
    )
    return _pod(who, PodSpec((Container("c", ports=found),), node_name="" if who == "new" else "n1"))


def ports(mine: int, there: int) -> Callable[[Trial], Scene]:
    """Make a Pod with host ports and one with others on the node."""
    return lambda trial: Scene(
        _ports(trial, "new", mine), (Node(ObjectMeta(name="n1")),), (_ports(trial, "old", there),)
    )


# --- node affinity ------------------------------------------------------------------------------------------------

AFFINITY = "any words for 2 labels, each there or not; a nodeSelector; 2 terms of 1 requirement and up to 1 field"
AFFINITY_WORDS = Constants(("", "n1"), ("n1",))
NUMBERS = ("", "a", "1", "01", "+1", "-1", "2", "1_0", "9223372036854775807", "9223372036854775808")
COMPARED = (
    "Gt and Lt for every pair of 10 texts: no number, too large, equal, smaller, larger, spelt otherwise; "
    "both sides read one number or none from a text and compare, so that these are all cases"
)


def _labels(trial: Trial, who: str, *keys: str) -> Strings:
    """Return any word to each key that is there."""
    there = [key for key in keys if trial.truth(f"{who} has {key}")]
    return immutabledict((key, trial.word(f"{key} of {who}")) for key in there)


def _term(trial: Trial, number: int) -> NodeSelectorTerm:
    name = f"term {number}"
    operator = trial.pick(f"operator of {name}", ["", "In", "NotIn", "Exists", "DoesNotExist"])
    values = tuple(trial.word(f"value {place} of {name}") for place in range(2 if operator.endswith("In") else 0))
    wanted = (LabelSelectorRequirement("k1" if number else "k2", operator, values),) if operator else ()
    field = trial.pick(f"field of {name}", ["", "In", "NotIn"] if number else [""])
    named = (LabelSelectorRequirement("metadata.name", field, (trial.word(f"name in {name}"),)),) if field else ()
    return NodeSelectorTerm(wanted, named)


def node_affinity(most: int) -> Callable[[Trial], Scene]:
    """Make a node with labels, and a Pod that wants some, by up to so many terms."""

    def build(trial: Trial) -> Scene:
        terms = tuple(_term(trial, number) for number in range(2 - most, 2))
        affinity = Affinity(NodeAffinity(NodeSelector(terms[: trial.pick("terms", range(1, most + 1))])))
        selector = _labels(trial, "nodeSelector", "k1") if most > 1 else strings()
        node = Node(ObjectMeta(name="n1", labels=_labels(trial, "node", "k1", "k2")))
        return Scene(_pod("new", PodSpec(node_selector=selector, affinity=affinity)), (node,))

    return build


def node_numbers(trial: Trial) -> Scene:
    """Make a node with a number in a label, and a Pod that wants more or less."""
    there, operator = trial.pick("label", NUMBERS), trial.pick("operator", ["Gt", "Lt"])
    term = NodeSelectorTerm((LabelSelectorRequirement("k1", operator, (trial.pick("bound", NUMBERS),)),))
    node = Node(ObjectMeta(name="n1", labels=strings({"k1": there})))
    return Scene(_pod("new", PodSpec(affinity=Affinity(NodeAffinity(NodeSelector((term,)))))), (node,))


# --- spreading ----------------------------------------------------------------------------------------------------

SPREAD = "any zones and labels, any maxSkew: 3 nodes, 3 Pods there"
SPREAD_WORDS = Constants(("", "a"))
A = LabelSelector(strings({"app": "a"}))


def _app(trial: Trial, who: str) -> Strings:
    return immutabledict({"app": trial.word(f"app of {who}")})


def spread(policies: bool, count: int = 3) -> Callable[[Trial], Scene]:  # noqa: FBT001 - one of two shapes
    """Make a Pod with one constraint; the policies with nodes that are tainted or not selected, or minDomains."""

    def build(trial: Trial) -> Scene:
        skew = trial.number("maxSkew", 1, 2**31)
        domains = None if policies else trial.pick("minDomains is there", [None, 0])
        if domains is not None:
            domains = trial.number("minDomains", 1, 2**31)
        policy = [None, "Ignore", "Honor"]
        one = TopologySpreadConstraint(
            skew, ZONE, "DoNotSchedule", A, domains,
            trial.pick("nodeAffinityPolicy", policy) if policies else None,
            trial.pick("nodeTaintsPolicy", policy) if policies else None,
        )  # fmt: skip
        disk = strings({"disk": "ssd"})
        spec = PodSpec(topology_spread_constraints=(one,), node_selector=disk if policies else strings())
        tainted = NodeSpec(taints=(Taint("gpu", "NoSchedule"),) if policies and trial.truth("n2 is tainted") else ())
        selected = disk if not policies or trial.truth("n2 is selected") else strings()
        zone = {ZONE: trial.word("zone of n1")} if policies or trial.truth("n1 has a zone") else {}
        nodes = (
            Node(ObjectMeta(name="n1", labels=immutabledict({**disk, **zone}))),
            Node(ObjectMeta(name="n2", labels=immutabledict({**selected, ZONE: trial.word("zone of n2")})), tainted),
            Node(ObjectMeta(name="n3", labels=immutabledict({**disk, ZONE: trial.word("zone of n3")}))),
        )
        leaving = 1 if not policies and trial.truth("old1 is leaving") else None
        elsewhere = "right" if not policies and trial.truth("old2 is of another namespace") else "left"
        there = (
            _there(trial, "old1", "n1", "left", deletion_timestamp=leaving),
            _there(trial, "old2", "n2", elsewhere),
            _there(trial, "old3", "n3", "left"),
        )
        return Scene(_pod("new", spec, _app(trial, "new"), namespace="left"), nodes[:count], there[:count])

    return build


def _there(trial: Trial, name: str, node: str, namespace: str, **metadata: Any) -> Pod:
    return _pod(name, PodSpec(node_name=node), _app(trial, name), namespace=namespace, **metadata)


# --- affinity to Pods ---------------------------------------------------------------------------------------------

NEAR = "any zones and labels: 3 nodes, 2 Pods there; 2 terms (zone, host), one of them in any namespace"
APART = "any zones and labels: 3 nodes, 2 Pods there; a term of the Pod and one of a Pod there, namespaces by label"
NEAR_WORDS = Constants(("", "a", "left", "right", "n1", "n2", "n3"))
SPACES = immutabledict({name: strings({"team": name}) for name in ("left", "right")})


def _zoned(trial: Trial, count: int) -> tuple[Node, ...]:
    """Make nodes n1, n2, ... of any zones; n1 may have none."""

    def zoned(name: str) -> Node:
        zone = {ZONE: trial.word(f"zone of {name}")} if name != "n1" or trial.truth("n1 has a zone") else {}
        return Node(ObjectMeta(name=name, labels=immutabledict({**zone, HOSTNAME: name})))

    return tuple(zoned(f"n{number}") for number in range(1, count + 1))


def near(trial: Trial, count: int = 3) -> Scene:
    """Make a Pod that wants Pods near, by zone and perhaps by host; it may be the first of its kind."""
    everywhere = LabelSelector() if trial.truth("in any namespace") else None
    terms = (
        PodAffinityTerm(A, topology_key=ZONE, namespace_selector=everywhere),
        PodAffinityTerm(A, topology_key=HOSTNAME),
    )
    spec = PodSpec(affinity=Affinity(pod_affinity=PodAffinity(terms[: trial.pick("terms", [1, 2])])))
    home = trial.pick("node of old1", ["n1", "n2"][: count - 1])
    elsewhere = "right" if trial.truth("old1 is of another namespace") else "left"
    there = (_there(trial, "old1", home, elsewhere), _there(trial, "old2", f"n{count}", "left"))
    return Scene(_pod("new", spec, _app(trial, "new"), namespace="left"), _zoned(trial, count), there, SPACES)


def apart(trial: Trial, count: int = 3) -> Scene:
    """Make a Pod that keeps away from some, and a Pod there that keeps away from others."""
    by_label = LabelSelector(strings({"team": "left"})) if trial.truth("namespaces by label") else None
    key = trial.pick("topology key", [ZONE, HOSTNAME])
    mine = PodAffinity((PodAffinityTerm(A, topology_key=key, namespace_selector=by_label),))
    theirs = PodAffinity((PodAffinityTerm(A, topology_key=ZONE, namespaces=trial.pick("namespaces", [(), ("left",)])),))
    spec = PodSpec(affinity=Affinity(pod_anti_affinity=mine if trial.truth("it has a term") else None))
    home = trial.pick("node of old1", ["n1", "n2"][: count - 1])
    there = _there(trial, "old1", home, trial.pick("namespace of old1", ["left", "right"]))
    against = evolve(there, spec=evolve(there.spec, affinity=Affinity(pod_anti_affinity=theirs)))
    others = (against, _there(trial, "old2", f"n{count}", "left"))
    return Scene(_pod("new", spec, _app(trial, "new"), namespace="left"), _zoned(trial, count), others, SPACES)
