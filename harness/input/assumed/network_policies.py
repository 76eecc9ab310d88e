"""What NetworkPolicies leave open: the packets to a Service that they may drop, and what a closer look cannot know.

At rest a policy drops nothing where it lets in everybody on a Service's port, or isolates no Pod behind it. Where it
lets in some, reachability is that of those whom it lets in, and the report says so: a policy says who is to ask. That
takes policies that the script leaves alone, that let in the same to every Pod behind the Service, and that let in
somebody, the same before and after each step: another Pod of the input (not one in the network of its node, of which
plugins make what they like), or who is not in the input (addresses, and namespaces that may be elsewhere, unless the
input is all there is). Nodes do not lead there from outside, unless addresses are let in. What a Pod may not send is
not asked of it, nor what it may send only to addresses, which Pods may have or not. Otherwise it is not known who is to
be answered. Whom exactly a policy lets in, `reach` and the claims isolation and connectivity are about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import collapse_addresses, ip_network
from itertools import chain
from typing import Any

from attrs import evolve, frozen

from ....impl.api.claim_names import CONNECTIVITY, ISOLATION, REACHABILITY
from ....impl.api.core import Namespace, Pod, PodSpec, Service, ServicePort
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import LabelSelector, Ref
from ....impl.api.networking import NetworkPolicy, NetworkPolicyPeer
from ....impl.api.reading.load import Note
from ....impl.api.values.frozen import Strings, strings
from ....impl.api.values.selectors import matches_map
from ....impl.kubectl.script import Apply, DeleteObject, Drain, Step
from ....properties.reachability.answers import is_headless, lost_by_name
from ....properties.reachability.network_policy import (
    EGRESS,
    INGRESS,
    NAMESPACE_NAME,
    NO_WALLS,
    Party,
    Peer,
    Policy,
    Rule,
    Walls,
    admits,
    is_peer,
    isolates,
    party_of,
    policy_of,
)
from ..files.manifests import Manifests
from ..scenario import Detail, Scenario
from ..workloads import Template, templates

EVERYWHERE = ("0.0.0.0/0", "::/0")
CLOSER = (ISOLATION, CONNECTIVITY)
NO_LABELS = strings()


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

    @property
    def way(self) -> tuple[Ref, int, str]:
        """The port of the Service: what Pods stand behind it together."""
        return ref_of(self.service), self.port, self.protocol


def notes(manifests: Manifests, scenario: Scenario) -> Iterator[Note]:
    """Note for each policy what it may drop, and where it is looked at more closely what is not known of it."""
    objects = (*manifests.objects, *scenario.applied)
    policies = [obj for obj in objects if isinstance(obj, NetworkPolicy)]
    if not policies:
        return
    callers = _callers(manifests, scenario)
    said = [*_unselected(objects, policies)]
    for way in _ways(objects, policies, callers, scenario):
        said += way.open_questions()
    grouped: dict[tuple[NetworkPolicy, str], list[str]] = {}
    for policy, field, why in dict.fromkeys(said):
        grouped.setdefault((policy, field), []).append(why)
    for (policy, field), reasons in grouped.items():
        more = f", and so with {len(reasons) - 1} more" if len(reasons) > 1 else ""
        yield manifests.note(policy, field, f"{reasons[0]}{more}", (REACHABILITY,))
    closer = Detail.POLICIES in scenario.detail
    for policy in policies:
        if not any(_isolates(policy, maker) for maker in callers.makers):
            operators = any(other.custom and other.labels is None for other in manifests.others)
            hangs = CLOSER if closer and operators else ()
            told = "it selects no Pod of the input: it isolates nobody"
            yield manifests.note(policy, "spec.podSelector", told, hangs)
    if closer:
        for policy in policies:
            yield from (manifests.note(policy, *puzzle, CLOSER) for puzzle in puzzles(policy, objects))


def restrictions(
    manifests: Manifests, objects: tuple[Object, ...], scenario: Scenario
) -> Iterator[tuple[Ref, str, str]]:
    """Yield of which policies, by which field, some are not asked whether they reach a Service, and which."""
    policies = [obj for obj in objects if isinstance(obj, NetworkPolicy)]
    for way in _ways(objects, policies, _callers(manifests, scenario), scenario) if policies else ():
        yield from ((ref_of(policy), field, why) for policy, field, why in way.premises())


def walls_of(manifests: Manifests, scenario: Scenario) -> Walls:
    """Return the policies of the input if one of them shuts a port that a Service leads to, else none.

    None, too, where there are policies of other groups, which may let in what these do not (Cilium adds them up, and an
    AdminNetworkPolicy goes before them), and where Pods that are not modelled may answer in the place of the others.
    """
    objects = (*manifests.objects, *scenario.applied)
    policies = [obj for obj in objects if isinstance(obj, NetworkPolicy)]
    if not policies or any(other.ref.kind.endswith("NetworkPolicy") for other in manifests.others):
        return NO_WALLS
    ends = _ends([obj for obj in manifests.objects if isinstance(obj, NetworkPolicy)], scenario)
    stay = [policy for policy in ends[0] if all(policy in end for end in ends)]
    callers = _callers(manifests, scenario)
    known = tuple(doors(objects))
    walls = _walls(stay, policies, callers, known)
    in_the_end = _walls(stay, dict.fromkeys(chain.from_iterable(ends)), callers, known)
    if _shuts_all_or_none(walls, in_the_end, known):
        walls = in_the_end
    shut = [door.service for door in known if _is_shut(walls, door)]
    others = [(other.ref.namespace, other.labels) for other in manifests.others if other.labels is not None]
    elsewhere = any(_selects(service, *other) for service in shut for other in others)
    return walls if shut and not elsewhere else NO_WALLS


def _shuts_all_or_none(walls: Walls, in_the_end: Walls, known: tuple[Door, ...]) -> bool:
    """Tell whether policies of the end shut each port of a Service at all of its Pods, or as all policies do it.

    Then nobody answers there once the script is over. Where they shut some Pods only, these may have gone before.
    """
    more = {door.way for door in known if _is_shut(in_the_end, door) and not _is_shut(walls, door)}
    return all(_is_shut(in_the_end, door) for door in known if door.way in more)


def _walls(
    stay: Iterable[NetworkPolicy], may: Iterable[NetworkPolicy], callers: Callers, known: tuple[Door, ...]
) -> Walls:
    """Return walls of policies that stay and of all that may be there; of a complete input for those it has."""
    walls = Walls(tuple(map(policy_of, stay)), tuple(map(policy_of, may)))
    if not callers.complete:
        return walls
    return evolve(walls, may=tuple(_for_callers(policy, walls, callers, known) for policy in walls.may))


def _for_callers(policy: Policy, walls: Walls, callers: Callers, known: tuple[Door, ...]) -> Policy:
    """Return a policy without the rules that let in only Pods that a complete input lacks, or does not let out."""
    mine = [door for door in known if isolates((policy,), _party(door.maker), INGRESS)]

    def may_ask(peer: Peer) -> bool:
        if peer.cidr:
            return _has_addresses(peer)
        return any(
            any(is_peer(policy, peer, party) for party in callers.parties(maker))
            and (not mine or any(_may_get_out(walls, maker, door, callers) for door in mine))
            for maker in callers.makers
        )

    kept = (rule for rule in policy.ingress if not rule.peers or any(map(may_ask, rule.peers)))
    return evolve(policy, ingress=tuple(kept))


def _may_get_out(walls: Walls, maker: Template, door: Door, callers: Callers) -> bool:
    """Tell whether Pods may ever be let out to a door; addresses that a rule names may be those of its Pods."""
    asking = _party(maker)
    if maker.spec.host_network or not isolates(walls.stay, asking, EGRESS):
        return True
    to = tuple(callers.parties(door.maker))
    return any(
        any(peer.cidr for peer in rule.peers)
        or any(admits(policy, rule, party, party, door.number, door.protocol) for party in to)
        for policy in isolates(walls.may, asking, EGRESS)
        for rule in policy.egress
    )


def _is_shut(walls: Walls, door: Door) -> bool:
    return walls.shut(door.maker.pod, door.number, door.protocol) is not None


def _callers(manifests: Manifests, scenario: Scenario) -> Callers:
    objects = (*manifests.objects, *scenario.applied)
    others = (
        Template(other.ref, other.labels, PodSpec(), "") for other in manifests.others if other.labels is not None
    )
    spaces: dict[str, tuple[Strings, ...]] = {}
    for space in objects:
        if isinstance(space, Namespace):
            spaces[space.metadata.name] = (*spaces.get(space.metadata.name, ()), space.metadata.labels)
    versions = (*(tuple(templates((obj,))) for obj in objects), *((other,) for other in others))
    return Callers(versions, spaces, scenario.complete)


# --- at rest --------------------------------------------------------------------------------------------------------

Said = Iterator[tuple[NetworkPolicy, str, str]]
Peers = frozenset[tuple[str, Peer]]
"""Who is let in, with the namespace that a peer without one is of."""


@frozen
class Callers:
    """Who may ask: the templates of the input and of what steps apply, and the labels that their namespaces have."""

    versions: tuple[tuple[Template, ...], ...]
    """A workload once for each manifest of it, and in that once for each way in which its Pods are labelled."""
    spaces: Mapping[str, tuple[Strings, ...]]
    """The labels of each namespace of the input: at first, and by each step that changes them."""
    complete: bool
    """Whether the input is all there is."""

    @property
    def makers(self) -> tuple[Template, ...]:
        """All of them."""
        return tuple(chain.from_iterable(self.versions))

    def parties(self, maker: Template) -> Iterator[Party]:
        """Yield the Pods of a template as ends of connections, for each time that their namespace is labelled anew."""
        return (_party(maker, labels) for labels in self.spaces.get(maker.ref.namespace, (strings(),)))

    def elsewhere(self, selector: LabelSelector) -> bool:
        """Tell whether a namespace that is not in the input may be selected."""
        known = {maker.ref.namespace for maker in self.makers} | set(self.spaces)
        named = [{selector.match_labels[NAMESPACE_NAME]}] if NAMESPACE_NAME in selector.match_labels else []
        wanted = [
            expression
            for expression in selector.match_expressions
            if (expression.key, expression.operator) == (NAMESPACE_NAME, "In")
        ]
        named += [set(expression.values) for expression in wanted]
        return not self.complete and (not named or bool(set.intersection(*named) - known))


@frozen
class Way:
    """The way to a port of a Service: its doors, the policies of the input, who may ask, and which policies stay."""

    doors: tuple[Door, ...]
    policies: tuple[NetworkPolicy, ...]
    callers: Callers
    lasting: frozenset[Ref]
    walls: Walls
    """Of `lasting`, whatever else there may be: where these let nobody in it is a breach, no question."""

    def open_questions(self) -> Said:
        """Say which policies make it a question who is answered there, and why."""
        if self._walls and not self._is_told_who():
            for door in self.doors:
                isolating = self._isolating(door.maker, INGRESS)
                told = f"it {self._lets(door)} in on {door.number}/{door.protocol} of {ref_of(door.service)}"
                if not self._lets_everybody(door) and not self._is_shut(door):
                    yield from (
                        (policy, _field(policy, INGRESS), told)
                        for policy in isolating
                        if not _lets_all(policy, INGRESS, door)
                    )
        alone = self._is_cut_off()
        for policy, field, maker in self._kept():
            if ref_of(policy) not in self.lasting:
                yield policy, field, f"it may not let {maker.ref} out to {self}"
            elif alone:
                yield (
                    policy,
                    field,
                    f"it does not let {maker.ref} out to {self}, where no Pod of the input gets",
                )

    def _is_shut(self, door: Door) -> bool:
        """Tell whether it is no question that nobody is answered there: by a name, where no Pod of the Service does."""
        if not is_headless(door.service):
            return _is_shut(self.walls, door)
        return all(lost_by_name(other.service, other.maker.pod, self.walls) for other in self.doors)

    def premises(self) -> Said:
        """Say which policies leave somebody out of the question, and whom."""
        if self._walls and self._is_told_who():
            for policy in self._walls:
                yield policy, _field(policy, INGRESS), f"whether {self} is reached is asked for those whom it lets in"
        for policy, field, maker in self._kept():
            if ref_of(policy) in self.lasting:
                lets = (
                    "lets {} out to {} by addresses, if at all" if _by_address(policy) else "does not let {} out to {}"
                )
                yield policy, field, f"it {lets.format(maker.ref, self)}, for which that is not asked"

    def _is_cut_off(self) -> bool:
        """Tell whether all who might ask in a complete input are kept from it; where there is nobody, nobody is."""
        own = {door.maker.ref for door in self.doors}
        others = {maker.ref for maker in self.callers.makers} - own
        kept = {maker.ref for _, _, maker in self._kept() if not maker.spec.host_network}
        outside = _is_asked_from_outside(self.doors[0].service)
        return self.callers.complete and not outside and bool(others) and others <= kept

    def __str__(self) -> str:
        first = self.doors[0]
        return f"{first.number}/{first.protocol} of {ref_of(first.service)}"

    @property
    def _walls(self) -> tuple[NetworkPolicy, ...]:
        """The policies that isolate who is behind a door that is not open to everybody."""
        closed = (door for door in self.doors if not self._lets_everybody(door))
        return tuple(dict.fromkeys(policy for door in closed for policy in self._isolating(door.maker, INGRESS)))

    def _is_told_who(self) -> bool:
        """Tell whether it is known that somebody is let in, and the same everywhere, whatever the script does."""
        first, *more = map(self._let_in, self.doors)
        stays = self.lasting.issuperset(map(ref_of, self._walls))
        closed = not any(map(self._lets_everybody, self.doors))
        alike = all(other == first for other in more) and not self._changed()
        return stays and closed and alike and self._has_callers(first)

    def _has_callers(self, peers: Peers) -> bool:
        """Tell whether somebody is let in: who is not in the input, or other Pods of it, which are let out."""
        families = set(self.doors[0].service.spec.ip_families) or {"IPv4"}
        addresses = any(_has_addresses(peer) and _family(peer) in families for _, peer in peers)
        if _is_asked_from_outside(self.doors[0].service) and not addresses:
            return False
        kept = {maker.ref for _, _, maker in self._kept()}
        return (
            addresses
            or any(peer.namespaces is not None and self.callers.elsewhere(peer.namespaces) for _, peer in peers)
            or any(maker.ref not in kept and self._asks(maker) for maker in self.callers.makers)
        )

    def _asks(self, maker: Template) -> bool:
        """Tell whether Pods of a template, not of the Service, are let in at every door."""
        own = any(door.maker.ref == maker.ref for door in self.doors)
        return not own and not maker.spec.host_network and set(self._answers(maker)) == {True}

    def _answers(self, maker: Template) -> Iterator[bool]:
        """Yield for each labelling of its namespace whether a Pod of a template is let in at every door."""
        return (all(self._lets_by(door, party) for door in self.doors) for party in self.callers.parties(maker))

    def _changed(self) -> bool:
        """Tell whether a step may take from somebody, or give him, the labels by which he is let in."""
        known: dict[Ref, frozenset[bool]] = {}
        for version in filter(None, self.callers.versions):
            answers = frozenset(answer for maker in version for answer in self._answers(maker))
            if known.setdefault(version[0].ref, answers) != answers:
                return True
        return any(len(set(self._answers(maker))) > 1 for maker in self.callers.makers)

    def _lets_by(self, door: Door, party: Party) -> bool:
        return any(
            admits(known, rule, party, _party(door.maker), door.number, door.protocol)
            for known, rule in self._rules(door)
        )

    def _rules(self, door: Door, number: int = 0) -> Iterator[tuple[Policy, Rule]]:
        """Yield the rules that are about the number of a door (or another one), whoever they let in."""
        for policy in map(policy_of, self._isolating(door.maker, INGRESS)):
            for rule in policy.ingress:
                everybody = evolve(rule, peers=())
                if admits(policy, everybody, Party(""), _party(door.maker), number or door.number, door.protocol):
                    yield policy, rule

    def _let_in(self, door: Door) -> Peers:
        return frozenset((policy.namespace, peer) for policy, rule in self._rules(door) for peer in rule.peers)

    def _isolating(self, maker: Template, direction: str) -> tuple[NetworkPolicy, ...]:
        return tuple(policy for policy in self.policies if isolates((policy_of(policy),), _party(maker), direction))

    def _lets_everybody(self, door: Door) -> bool:
        """Tell whether nobody isolates who is behind a door, or a policy that stays lets in whoever asks."""
        isolating = self._isolating(door.maker, INGRESS)
        return not isolating or any(
            _lets_all(policy, INGRESS, door) for policy in isolating if ref_of(policy) in self.lasting
        )

    def _lets(self, door: Door) -> str:
        """Say whom policies let in by a door: some perhaps, or nobody, where no rule is about the port at all."""
        if any(self._rules(door)):
            nobody = not self._has_callers(self._let_in(door)) and not _is_asked_from_outside(door.service)
            return "lets some, but no other Pod of the input," if nobody else "may not let everybody"
        if any(self._rules(door, door.port)):
            return f"lets in on {door.port}, the port of the Service and not of its Pods, and so nobody"
        return "lets nobody"

    def _kept(self) -> Iterator[tuple[NetworkPolicy, str, Template]]:
        """Yield who may not ask at some door, and the policies that keep them from it, by field."""
        for maker in self.callers.makers:
            isolating = self._isolating(maker, EGRESS)
            if isolating and not all(self._lets_out(isolating, door) for door in self.doors):
                yield from ((policy, _field(policy, EGRESS), maker) for policy in isolating)

    def _lets_out(self, isolating: tuple[NetworkPolicy, ...], door: Door) -> bool:
        lasting = [policy_of(policy) for policy in isolating if ref_of(policy) in self.lasting]
        rules = [(policy, rule) for policy in lasting for rule in policy.egress]
        return all(
            any(admits(policy, rule, party, party, door.number, door.protocol) for policy, rule in rules)
            for party in self.callers.parties(door.maker)
        )


def _by_address(policy: NetworkPolicy) -> bool:
    return any(peer.cidr for rule in policy_of(policy).egress for peer in rule.peers)


def _has_addresses(peer: Peer) -> bool:
    """Tell whether a block of addresses has any that are not excepted."""
    if not peer.cidr:
        return False
    block = ip_network(peer.cidr, strict=False)
    gone: Any = [ip_network(cidr, strict=False) for cidr in peer.excepted]
    return bool(block.num_addresses - sum(network.num_addresses for network in collapse_addresses(gone)))


def _family(peer: Peer) -> str:
    return f"IPv{ip_network(peer.cidr, strict=False).version}"


def _is_asked_from_outside(service: Service) -> bool:
    return service.spec.type in {"NodePort", "LoadBalancer"} or bool(service.spec.external_ips)


def _ways(
    objects: tuple[Object, ...], policies: list[NetworkPolicy], callers: Callers, scenario: Scenario
) -> Iterator[Way]:
    """Yield the way to each port of each Service that leads to Pods of the input."""
    stay = _lasting(policies, scenario)
    known = tuple(doors(objects))
    walls = _walls(stay, policies, callers, known) if scenario.walls.stay else NO_WALLS
    grouped: dict[tuple[Ref, int, str], list[Door]] = {}
    for door in known:
        grouped.setdefault(door.way, []).append(door)
    for found in grouped.values():
        yield Way(tuple(found), tuple(policies), callers, frozenset(map(ref_of, stay)), walls)


def _unselected(objects: tuple[Object, ...], policies: list[NetworkPolicy]) -> Said:
    """Say that nobody knows who is behind a Service without a selector."""
    for service in objects:
        if isinstance(service, Service) and not service.spec.selector and service.spec.type != "ExternalName":
            told = f"whether it isolates the endpoints of {ref_of(service)}, which has no selector, is not known"
            yield from ((policy, "", told) for policy in policies if INGRESS in policy_of(policy).directions)


def _field(policy: NetworkPolicy, direction: str) -> str:
    """Return the field to blame: the rules of a direction, or where there are none the Pods it is for."""
    rules = policy.spec.ingress if direction == INGRESS else policy.spec.egress
    return f"spec.{direction.lower()}" if rules else "spec.podSelector"


def _lasting(policies: list[NetworkPolicy], scenario: Scenario) -> list[NetworkPolicy]:
    """Return the policies that are there as they are, whatever the script does."""
    touched = {ref_of(step.object) for step in scenario.script if isinstance(step, Apply)}
    return [
        policy
        for policy in policies
        if (ref := ref_of(policy)) not in touched and not any(_takes_away(step, ref) for step in scenario.script)
    ]


def _takes_away(step: Step, policy: Ref) -> bool:
    """Tell whether a step deletes a policy, in whatever namespace, or its namespace."""
    named = {("NetworkPolicy", policy.name), ("Namespace", policy.namespace)}
    return isinstance(step, DeleteObject) and (step.kind, step.name) in named


def _ends(policies: list[NetworkPolicy], scenario: Scenario) -> list[list[NetworkPolicy]]:
    """Return the policies that are there when the script is over, and where it may stop: at a drain that never ends."""
    whole = [] if scenario.wait_between_steps else [at for at, step in enumerate(scenario.script) if _may_stop(step)]
    return [_there(policies, scenario.script[:steps]) for steps in (*whole, len(scenario.script))]


def _may_stop(step: Step) -> bool:
    return isinstance(step, Drain)


def _there(policies: list[NetworkPolicy], steps: tuple[Step, ...]) -> list[NetworkPolicy]:
    """Return what is there of the policies of the manifests once some steps are taken, and of what these apply."""
    there = {ref_of(policy): policy for policy in policies}
    for step in steps:
        if isinstance(step, Apply) and isinstance(step.object, NetworkPolicy):
            there[ref_of(step.object)] = step.object
        there = {ref: policy for ref, policy in there.items() if not _takes_away(step, ref)}
    return list(there.values())


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


def _party(maker: Template, namespace_labels: Mapping[str, str] = NO_LABELS) -> Party:
    return party_of(maker.pod, namespace_labels)


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
