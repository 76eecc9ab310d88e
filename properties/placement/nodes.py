"""What a node itself says about who may come: its name, cordon, taints, labels, room and host ports, as formulas.

Upstream's words: kubernetes.io/docs/concepts/scheduling-eviction/{assign-pod-node,taint-and-toleration} and
configuration/manage-resources-containers (v1.32).
Left out on purpose: volumes, dynamic resources, what is preferred but not required.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

import z3

from ...impl.api.core import ContainerPort, Node, NodeSelectorTerm, Pod, Taint
from ...impl.api.meta import LabelSelectorRequirement
from ...impl.api.values.qos import pod_requests
from ...impl.api.values.quantity import BINARY_SI, Quantity
from ...impl.api.well_known import UNSCHEDULABLE
from .problem import Problem, Reason, Rule, called, name_of, plain

ONE_POD = {"pods": Quantity.of(1)}


def node_rules(problem: Problem) -> Iterator[Rule]:
    """Yield every rule in which only one node matters."""
    for pod in range(len(problem.pods)):
        for node in problem.nodes:
            yield from _alone(problem, pod, node)
    for node in problem.nodes:
        yield from _room(problem, node)
        yield from _ports(problem, node)


def _alone(problem: Problem, pod: int, node: Node) -> Iterator[Rule]:
    who, where = called(problem.pods[pod]), name_of(node)
    for kind, why, remedy in keeps_out(problem.pods[pod], node):
        reason = Reason(kind, (who,), (where,), f"{who} cannot go to {where}: {why}", remedy)
        yield Rule(reason, z3.Not(problem.at(pod, node)))


def keeps_out(pod: Pod, node: Node) -> Iterator[tuple[str, str, str]]:
    """Yield kind, cause and remedy of everything about a node alone that keeps a Pod off it."""
    where = name_of(node)
    if pod.spec.node_name and pod.spec.node_name != where:
        yield "node name", f"it asks for node {pod.spec.node_name} by name", "remove spec.nodeName"
    if node.spec.unschedulable and not _covered(pod, Taint(UNSCHEDULABLE, "NoSchedule")):
        yield "cordon", f"{where} is cordoned", f"kubectl uncordon {where} would do"
    for taint in node.spec.taints:
        if taint.effect != "PreferNoSchedule" and not _covered(pod, taint):
            text = f"{taint.key}={taint.value}:{taint.effect}" if taint.value else f"{taint.key}:{taint.effect}"
            yield (
                "taint",
                f"{where} has the taint {text}",
                f"a toleration of {taint.key} or removing the taint would do",
            )
    missing = [
        f"{key}={value}" for key, value in pod.spec.node_selector.items() if node.metadata.labels.get(key) != value
    ]
    if missing:
        yield (
            "node affinity",
            f"nodeSelector wants {', '.join(missing)}",
            f"labelling {where} so would do",
        )
    if not _wanted(pod, node):
        yield (
            "node affinity",
            f"no required node affinity term holds on {where}",
            "other labels or other terms would do",
        )


def _covered(pod: Pod, taint: Taint) -> bool:
    """A toleration covers a taint if what it states (key, effect, value unless Exists) is what the taint has.

    `&` and `|` rather than `and` and `or`: of symbolic words they make one formula instead of many cases.
    """
    covered = False
    for toleration in pod.spec.tolerations:
        key = (toleration.key == "") | (toleration.key == taint.key)
        effect = (toleration.effect == "") | (toleration.effect == taint.effect)
        same = ((toleration.operator == "") | (toleration.operator == "Equal")) & (toleration.value == taint.value)
        covered |= key & effect & ((toleration.operator == "Exists") | same)
    return covered


def _wanted(pod: Pod, node: Node) -> bool:
    """With required node affinity, one of its terms must hold."""
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity else None
    selector = affinity.required_during_scheduling_ignored_during_execution if affinity else None
    return selector is None or any(holds(term, node) for term in selector.node_selector_terms)


def holds(term: NodeSelectorTerm, node: Node) -> bool:
    """Whether all that a term says is so of a node; one that says nothing is not."""
    fields = {"metadata.name": name_of(node)}
    said = [_meets(requirement, node.metadata.labels) for requirement in term.match_expressions]
    said += [requirement.key in fields and _meets(requirement, fields) for requirement in term.match_fields]
    return bool(said) and all(said)


def _meets(wanted: LabelSelectorRequirement, labels: Mapping[str, str]) -> bool:
    """The table of operators: In, NotIn (also without the label), Exists, DoesNotExist; Gt and Lt of whole numbers."""
    has = wanted.key in labels
    named = has and any(labels[wanted.key] == value for value in wanted.values)
    match wanted.operator:
        case "In" | "NotIn":
            return named == (wanted.operator == "In")
        case "Exists" | "DoesNotExist":
            return has == (wanted.operator == "Exists")
        case "Gt" | "Lt":
            mine, bound = (_whole(labels[wanted.key]) if has else None), _whole(*wanted.values)
            return (
                mine is not None and bound is not None and (mine > bound if wanted.operator == "Gt" else mine < bound)
            )
    return False


def _whole(*texts: str) -> int | None:
    """The number that one text is: decimal digits with or without a sign, of 64 bits."""
    digits = texts[0][texts[0][:1] in {"+", "-"} :] if len(texts) == 1 else ""
    if not (digits.isascii() and digits.isdecimal()):
        return None
    number = int(texts[0])
    return number if -(2**63) <= number < 2**63 else None


def allowed(pod: Pod, node: Node) -> bool:
    """Whether nodeSelector and required node affinity let a Pod onto a node."""
    return all(kind != "node affinity" for kind, _, _ in keeps_out(pod, node))


def untainted(pod: Pod, node: Node) -> bool:
    """Whether a Pod tolerates a node's taints."""
    return all(kind != "taint" for kind, _, _ in keeps_out(pod, node))


# --- room ---------------------------------------------------------------------------------------------------------


def units(resource: str, quantity: Quantity) -> int:
    """Count a resource in whole numbers: cpu in thousandths."""
    return quantity.milli_value() if resource == "cpu" else quantity.value()


def shown(resource: str, amount: int) -> str:
    """Write so much of a resource as manifests do: cpu in thousandths, memory and disk with a binary suffix."""
    if resource == "cpu":
        return f"{amount}m"
    sized = resource in {"memory", "ephemeral-storage"} or resource.startswith("hugepages-")
    return str(Quantity.of(amount, BINARY_SI)) if sized else str(amount)


def what_is_left(resource: str, has: int, left: int) -> str:
    """Say how much of a resource a node has left, of how much."""
    return f"{shown(resource, left)} of {shown(resource, has)} {resource} left" if has else f"no {resource}"


def asks(pod: Pod) -> dict[str, int]:
    """What a Pod takes of a node: one place for a Pod, and its requests; what is 0 or not asked for takes nothing."""
    wants = {**pod_requests(pod.spec), **ONE_POD}
    sized = {name: units(name, quantity) for name, quantity in wants.items()}
    return {name: size for name, size in sized.items() if size > 0}


def _room(problem: Problem, node: Node) -> Iterator[Rule]:
    """Those who ask for a resource get no more of it than those already there leave."""
    asking = [asks(pod) for pod in problem.pods]
    taken = [asks(pod) for pod in problem.on(node)]
    for resource in sorted({name for amounts in asking for name in amounts}):
        has = units(resource, node.status.allocatable.get(resource, Quantity()))
        used = sum(amounts.get(resource, 0) for amounts in taken)
        shares = [(pod, amounts[resource]) for pod, amounts in enumerate(asking) if resource in amounts]
        wanted = z3.Sum([z3.If(problem.at(pod, node), plain(share), 0) for pod, share in shares])
        yield Rule(_full(problem, node, resource, (has, used), shares), wanted <= plain(max(has - used, 0)))


def _full(
    problem: Problem, node: Node, resource: str, has_used: tuple[int, int], shares: list[tuple[int, int]]
) -> Reason:
    has, used = has_used
    asked = ", ".join(f"{called(problem.pods[pod])} asks for {shown(resource, share)}" for pod, share in shares)
    words = f"{name_of(node)} has {what_is_left(resource, has, max(has - used, 0))}: {asked}"
    remedy = more_room(problem.nodes, resource, (share for _, share in shares))
    return Reason("room", tuple(called(problem.pods[pod]) for pod, _ in shares), (name_of(node),), words, remedy)


def more_room(nodes: Iterable[Node], resource: str, shares: Iterable[int]) -> str:
    """Say what would help where a resource is short: one more node only if some node is large enough for each share."""
    largest = max((units(resource, node.status.allocatable.get(resource, Quantity())) for node in nodes), default=0)
    one_more = "" if any(share > largest for share in shares) else "one more node, or "
    if resource == "pods":
        return f"{one_more}a higher Pod limit of the kubelet would do"
    return f"a larger node, {one_more or 'or '}smaller requests of {resource} would do"


# --- host ports ---------------------------------------------------------------------------------------------------


def _host_ports(pod: Pod) -> list[ContainerPort]:
    running = (*pod.spec.containers, *pod.spec.sidecars)
    return [port for container in running for port in container.ports if port.host_port]


def clash(one: Pod, other: Pod) -> int | None:
    """Return a port that both want at a common address, with the same protocol."""
    for mine in _host_ports(one):
        for theirs in _host_ports(other):
            alike = (mine.host_port, mine.protocol or "TCP") == (theirs.host_port, theirs.protocol or "TCP")
            addresses = {mine.host_ip or "0.0.0.0", theirs.host_ip or "0.0.0.0"}  # noqa: S104 - means all addresses
            if alike and (len(addresses) == 1 or "0.0.0.0" in addresses):  # noqa: S104
                return mine.host_port
    return None


def _ports(problem: Problem, node: Node) -> Iterator[Rule]:
    """No two Pods of a node have the same host port."""
    for index, pod in enumerate(problem.pods):
        for other in problem.on(node):
            if port := clash(pod, other):
                yield Rule(_taken(pod, other, node, port), z3.Not(problem.at(index, node)))
    for (first, pod), (second, other) in combinations(enumerate(problem.pods), 2):
        if port := clash(pod, other):
            both = z3.And(problem.at(first, node), problem.at(second, node))
            yield Rule(_taken(pod, other, node, port), z3.Not(both))


def _taken(pod: Pod, other: Pod, node: Node, port: int) -> Reason:
    words = f"{called(pod)} cannot go to {name_of(node)} beside {called(other)}: both want host port {port}"
    return Reason(
        "ports", (called(pod), called(other)), (name_of(node),), words, "one more node, or another hostPort, would do"
    )
