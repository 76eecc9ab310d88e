"""What NetworkPolicies leave open: the packets to a Service that they may drop, and what a closer look cannot know.

At rest a policy drops nothing where it lets in everybody on a Service's port, or isolates no Pod behind it. Whom it
lets in otherwise is a matter of who asks, which `reach` and the claims isolation and connectivity are about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import evolve, frozen

from ....impl.api.claim_names import CONNECTIVITY, ISOLATION, REACHABILITY
from ....impl.api.core import Namespace, Pod, PodSpec, Service, ServicePort
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import LabelSelector, ObjectMeta
from ....impl.api.networking import NetworkPolicy, NetworkPolicyPeer
from ....impl.api.reading.load import Note
from ....impl.api.values.selectors import matches_map
from ....impl.kubectl.script import Apply, DeleteObject
from ....properties.reachability.network_policy import (
    EGRESS,
    INGRESS,
    NAMESPACE_NAME,
    Party,
    admits,
    isolates,
    party_of,
    policy_of,
)
from ..files.manifests import Manifests
from ..scenario import Detail, Scenario
from ..workloads import Template, templates

EVERYWHERE = ("0.0.0.0/0", "::/0")
CLOSER = (ISOLATION, CONNECTIVITY)


@frozen
class Door:
    """A port of a Service as it is met at the Pods of a template."""

    service: Service
    maker: Template
    port: int
    """The Service's own."""
    number: int
    """The Pods'."""
    protocol: str


def notes(manifests: Manifests, scenario: Scenario) -> Iterator[Note]:
    """Note for each policy what it may drop, and where it is looked at more closely what is not known of it."""
    objects = (*manifests.objects, *scenario.applied)
    policies = [obj for obj in objects if isinstance(obj, NetworkPolicy)]
    if not policies:
        return
    others = (
        Template(other.ref, other.labels, PodSpec(), "") for other in manifests.others if other.labels is not None
    )
    makers = (*templates(objects), *others)
    said = [*_in(objects, policies, scenario), *_out(objects, policies, makers, scenario)]
    grouped: dict[tuple[NetworkPolicy, str], list[str]] = {}
    for policy, field, why in dict.fromkeys(said):
        grouped.setdefault((policy, field), []).append(why)
    for (policy, field), reasons in grouped.items():
        more = f", and so with {len(reasons) - 1} more" if len(reasons) > 1 else ""
        yield manifests.note(policy, field, f"{reasons[0]}{more}", (REACHABILITY,))
    closer = Detail.POLICIES in scenario.detail
    for policy in policies:
        if not any(_isolates(policy, maker) for maker in makers):
            operators = any(other.custom and other.labels is None for other in manifests.others)
            hangs = CLOSER if closer and operators else ()
            told = "it selects no Pod of the input: it isolates nobody"
            yield manifests.note(policy, "spec.podSelector", told, hangs)
    if closer:
        for policy in policies:
            yield from (manifests.note(policy, *puzzle, CLOSER) for puzzle in puzzles(policy, objects))


# --- at rest --------------------------------------------------------------------------------------------------------

Said = Iterator[tuple[NetworkPolicy, str, str]]


def _in(objects: tuple[Object, ...], policies: list[NetworkPolicy], scenario: Scenario) -> Said:
    """Say which policies do not let everybody in to a Service."""
    lasting = _lasting(policies, scenario)
    for door in doors(objects):
        isolating = [policy for policy in policies if isolates((policy_of(policy),), _party(door.maker), INGRESS)]
        if not any(_lets_all(policy, INGRESS, door) for policy in isolating if policy in lasting):
            told = f"it {_lets(isolating, door)} in on {door.number}/{door.protocol} of {ref_of(door.service)}"
            yield from (
                (policy, _field(policy, INGRESS), told) for policy in isolating if not _lets_all(policy, INGRESS, door)
            )
    for service in objects:
        if isinstance(service, Service) and not service.spec.selector and service.spec.type != "ExternalName":
            told = f"whether it isolates the endpoints of {ref_of(service)}, which has no selector, is not known"
            yield from ((policy, "", told) for policy in policies if INGRESS in policy_of(policy).directions)


def _lets(isolating: list[NetworkPolicy], door: Door) -> str:
    """Say whom policies let in by a door: some perhaps, or nobody, where no rule is about the port at all."""
    party = _party(door.maker)
    rules = [(known, evolve(rule, peers=())) for known in map(policy_of, isolating) for rule in known.ingress]
    if any(admits(known, rule, Party(""), party, door.number, door.protocol) for known, rule in rules):
        return "may not let everybody"
    if any(admits(known, rule, Party(""), party, door.port, door.protocol) for known, rule in rules):
        return f"lets in on {door.port}, the port of the Service and not of its Pods, and so nobody"
    return "lets nobody"


def _out(
    objects: tuple[Object, ...], policies: list[NetworkPolicy], makers: tuple[Template, ...], scenario: Scenario
) -> Said:
    """Say which policies may keep Pods of the input from asking a Service of it."""
    lasting, known = _lasting(policies, scenario), tuple(doors(objects))
    for maker in makers:
        isolating = [policy for policy in policies if isolates((policy_of(policy),), _party(maker), EGRESS)]
        for door in known if isolating else ():
            if not any(_lets_all(policy, EGRESS, door) for policy in isolating if policy in lasting):
                told = f"it may not let {maker.ref} out to {door.number}/{door.protocol} of {ref_of(door.service)}"
                yield from (
                    (policy, _field(policy, EGRESS), told)
                    for policy in isolating
                    if not _lets_all(policy, EGRESS, door)
                )


def _field(policy: NetworkPolicy, direction: str) -> str:
    """Return the field to blame: the rules of a direction, or where there are none the Pods it is for."""
    rules = policy.spec.ingress if direction == INGRESS else policy.spec.egress
    return f"spec.{direction.lower()}" if rules else "spec.podSelector"


def _lasting(policies: list[NetworkPolicy], scenario: Scenario) -> list[NetworkPolicy]:
    """Return the policies that are there as they are, whatever the script does."""
    touched = {ref_of(step.object) for step in scenario.script if isinstance(step, Apply)}
    gone = {(step.kind, step.name) for step in scenario.script if isinstance(step, DeleteObject)}
    return [
        policy
        for policy in policies
        if ref_of(policy) not in touched
        and ("NetworkPolicy", policy.metadata.name) not in gone
        and ("Namespace", policy.metadata.namespace) not in gone
    ]


def _lets_all(policy: NetworkPolicy, direction: str, door: Door) -> bool:
    """Tell whether a rule of a policy lets a connection to a port pass, whoever is at the other end."""
    known = policy_of(policy)
    return any(
        not rule.peers and admits(known, rule, Party(""), _party(door.maker), door.number, door.protocol)
        for rule in known.rules(direction)
    )


def doors(objects: tuple[Object, ...]) -> Iterator[Door]:
    """Yield the ports of every Service at every template it may lead to."""
    for service in objects:
        if isinstance(service, Service) and service.spec.selector and service.spec.type != "ExternalName":
            for maker in templates(objects):
                if _selects(service, maker.ref.namespace, maker.labels):
                    yield from (
                        Door(service, maker, port.port, number, port.protocol or "TCP")
                        for port in service.spec.ports
                        for number in _numbers(port, maker)
                    )


def leads_to(door: Door, pod: Pod) -> bool:
    """Tell whether a Service sends connections to a Pod by a door."""
    return _selects(door.service, pod.metadata.namespace, pod.metadata.labels)


def _selects(service: Service, namespace: str, labels: Mapping[str, str]) -> bool:
    return namespace == service.metadata.namespace and matches_map(service.spec.selector, labels)


def _numbers(port: ServicePort, maker: Template) -> Iterator[int]:
    target = port.port if port.target_port is None else port.target_port
    if isinstance(target, int):
        yield target or port.port
    else:
        named = _party(maker).ports.get((port.protocol or "TCP", target))
        yield from () if named is None else (named,)


def _party(maker: Template) -> Party:
    return party_of(Pod(ObjectMeta(namespace=maker.ref.namespace, labels=maker.labels), maker.spec), {})


# --- more closely ---------------------------------------------------------------------------------------------------


def puzzles(policy: NetworkPolicy, objects: tuple[Object, ...]) -> Iterator[tuple[str, str]]:
    """Say which fields of a policy speak of what is not known: addresses, labels of namespaces, the hosts' network."""
    makers = tuple(templates(objects))
    for _, path, rule in policy.spec.rules():
        for place, peer in enumerate(rule.peers):
            yield from ((f"{path}[{place}].{field}", why) for field, why in _puzzles_of(peer, objects, makers))
    for maker in makers:
        if maker.spec.host_network and _isolates(policy, maker):
            why = f"whether it isolates {maker.ref}, which is in the network of its node, is up to the network plugin"
            yield "spec.podSelector", why


def _isolates(policy: NetworkPolicy, maker: Template) -> bool:
    return any(isolates((policy_of(policy),), _party(maker), direction) for direction in (INGRESS, EGRESS))


def _puzzles_of(
    peer: NetworkPolicyPeer, objects: tuple[Object, ...], makers: tuple[Template, ...]
) -> Iterator[tuple[str, str]]:
    block = peer.ip_block
    if block is not None and (block.cidr not in EVERYWHERE or block.except_):
        yield "ipBlock", "which Pods have these addresses is not known"
    if peer.namespace_selector is not None and _keys(peer.namespace_selector) - {NAMESPACE_NAME}:
        given = {obj.metadata.name for obj in objects if isinstance(obj, Namespace)}
        if missing := sorted({maker.ref.namespace for maker in makers} - given):
            yield "namespaceSelector", f"the labels of namespace {missing[0]} are not in the input"


def _keys(selector: LabelSelector) -> set[str]:
    return {*selector.match_labels, *(expression.key for expression in selector.match_expressions)}
