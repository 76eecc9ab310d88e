"""The claims about NetworkPolicies in time: `detail: {network: policies}`.

A wall is put up by the network plugin of a node, beside everybody else: a Pod may run before it stands, and what it
lets through follows later. So any two Pods, or a Pod and somebody outside, of which one is isolated are looked at with
a plugin (`policies`), with a connection from the one to the other, and with each Pod that goes, ends or finds no room
beside them: what a plugin does for a Pod hangs on that Pod, on the policies, and on whose addresses it lets in.
What there is and what becomes of it comes from the scenario (`lives`); where that, or what a policy speaks of, is not
known here, the claims are UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from itertools import product

from attrs import evolve, frozen

from ....impl.api.claim_names import CONNECTIVITY, ISOLATION, SENTENCES
from ....impl.api.core import Namespace
from ....impl.api.kinds import ref_of
from ....impl.api.meta import Ref
from ....impl.api.networking import NetworkPolicy
from ....model.checker.explore import explore
from ....model.checker.results import Exploration, Limits, Progress, Status
from ....model.machine import Machine, Property
from ....properties.reachability.network_policy import (
    EGRESS,
    INGRESS,
    Party,
    Policy,
    admits,
    is_peer,
    isolates,
    party_of,
)
from ...input.assumed.network_policies import doors, leads_to, puzzles
from ...input.given import versions
from ...input.scenario import Scenario, Switch
from ...world.at_rest.prepare import Prepared
from ...world.grains.network_policies import claims
from ...world.grains.network_policies.policies import machine
from ...world.grains.network_policies.setup import OUTSIDE, Members, Program, Setup, Step
from ..lives import History, Life
from ..results import Blame, Claim, TooMuchError

BEHIND_WALLS = "behind walls"
"""What the kind of a breach begins with; behind it stands who asks whom."""
HALVES: dict[str, tuple[Callable[[Setup], Property], ...]] = {
    ISOLATION: (claims.isolated, claims.forbidden_stays_out),
    CONNECTIVITY: (claims.allowed_passes, claims.answered),
}
MOST_LOOKS = 500
"""Pairs of Pods, ports and Pods beside them that are looked at."""
OTHER_PORT = 65535
"""Stands for any port that nobody names."""


def judge(
    scenario: Scenario, prepared: Prepared, limits: Limits, progress: Callable[[Progress], None] | None
) -> dict[str, Claim]:
    """Look at every two that policies may keep apart, and at what these let through."""
    try:
        looks = _looks(scenario, prepared)
    except TooMuchError as much:
        why = (f"the NetworkPolicies were not looked at in time: {much}",)
        return {name: Claim(name, SENTENCES[name], Status.UNKNOWN, BEHIND_WALLS, why) for name in HALVES}
    found = {name: Claim(name, SENTENCES[name], Status.HOLDS, BEHIND_WALLS) for name in HALVES}
    idle = {name: {half.__name__ for half in halves} for name, halves in HALVES.items()}
    states = 0
    for kind, setup in looks.items():
        open_ones = [name for name, claim in found.items() if claim.status is not Status.VIOLATED]
        asked = [half(setup) for name in open_ones for half in HALVES[name]]
        if not asked:
            break
        searched = explore(machine(setup), asked, limits=limits, progress=progress)
        limits, states = limits.after(searched), states + searched.states
        for name in open_ones:
            for half in HALVES[name]:
                found[name] = _with(found[name], kind, searched, half(setup).name, setup)
                if not searched[half(setup).name].vacuous:
                    idle[name].discard(half.__name__)
    told = f"with a network plugin: {len(looks)} looks at who asks whom, {states:,} states"
    return {name: _told(claim, idle[name], told) for name, claim in found.items()}


def _with(claim: Claim, kind: str, searched: Exploration, name: str, setup: Setup) -> Claim:
    """Add what one search found: the first breach counts, and what is not known leaves the claim open."""
    verdict = searched[name]
    if claim.status is Status.VIOLATED or verdict.status is Status.HOLDS:
        return claim
    lines = verdict.evidence if verdict.status is Status.VIOLATED else (verdict.reason,)
    late = claim.name == ISOLATION and verdict.status is Status.VIOLATED and _keeps_promises(setup)
    blame = tuple(_too_late(setup)) if late else ()
    return evolve(claim, status=verdict.status, kind=kind, lines=lines, trace=verdict.trace, blame=blame)


def _keeps_promises(setup: Setup) -> bool:
    return setup.starts_closed and setup.members is Members.BY_OWNER


def _too_late(setup: Setup) -> Iterator[Blame]:
    """Blame the policies that isolate one of the two: a plugin that keeps its promises had them too late."""
    for policy in setup.versions[-1]:
        if _selects_any(policy, setup.pods):
            told = "apply it, and let the network plugin handle it, before Pods that it selects are made"
            yield Blame(Ref("NetworkPolicy", policy.namespace, policy.name), "", told)


def _told(claim: Claim, idle: set[str], told: str) -> Claim:
    if claim.status is not Status.HOLDS:
        return claim
    halves = tuple(sorted(half.replace("_", " ") for half in idle))
    return evolve(claim, lines=(told,), vacuous=True if len(idle) == len(HALVES[claim.name]) else halves)


def machine_of(scenario: Scenario, prepared: Prepared, kind: str) -> Machine:
    """Return the machine that a breach of this kind was found on. Raises `TooMuchError`."""
    return machine(_looks(scenario, prepared)[kind])


# --- who is looked at -------------------------------------------------------------------------------------------------


@frozen
class _Port:
    """A port of the end that is asked."""

    number: int
    protocol: str


def _looks(scenario: Scenario, prepared: Prepared) -> dict[str, Setup]:
    """Return what is looked at, by the kind that a breach there is of. Raises `TooMuchError`."""
    policies = (obj for obj in versions(scenario, prepared.objects) if isinstance(obj, NetworkPolicy))
    for policy in () if scenario.accept_unmodelled else policies:
        for field, why in puzzles(policy, scenario.everything):
            raise TooMuchError(f"{ref_of(policy)} {field}: {why}")
    return _Looks(scenario, History(scenario, prepared)).all()


class _Looks:
    """All that is looked at, made of what becomes of Pods and policies."""

    def __init__(self, scenario: Scenario, history: History) -> None:
        self.history = history
        self.lives = [live for live in history.lives if live.count]
        self.policies = tuple(dict.fromkeys(policy for version in history.versions for policy in version))
        self.peers = tuple(
            (policy, peer)
            for policy in self.policies
            for rule in (*policy.ingress, *policy.egress)
            for peer in rule.peers
            if not peer.cidr
        )
        self.plain = _plugin(scenario)
        self.doors = tuple(doors((*scenario.everything, *history.objects)))
        spaces = {obj.metadata.name: obj.metadata.labels for obj in history.objects if isinstance(obj, Namespace)}
        self.parties: dict[int, Party] = {}
        for life in history.lives:
            space = life.pod.metadata.namespace
            party = party_of(life.pod, spaces.get(space, {}))
            name = party.name if space == scenario.namespace else f"{space}/{party.name}"
            taken = {other.name for other in self.parties.values()}
            self.parties[life.number] = evolve(
                party, address="", name=f"{name}-{life.number}" if name in taken else name
            )

    def all(self) -> dict[str, Setup]:
        """Return them by what a breach there is called."""
        found: dict[str, Setup] = {}
        known: set[Hashable] = set()
        for source, destination in product((None, *self.lives), repeat=2):
            for port, said in self._ports(source, destination):
                for beside in self._beside(source, destination):
                    setup = self._setup(source, destination, beside, port)
                    steps = tuple((step.version, step.waits) for step in setup.script)
                    like = (said, setup.versions, steps, source is None, destination is None, *self._seen(setup))
                    if like in known:
                        continue
                    known.add(like)
                    asker, asked = setup.connection or ("", "")
                    third = "" if beside is None else f", with {setup.pods[-1].name}"
                    found[f"{BEHIND_WALLS}: {asker} asks {asked} {port.number}/{port.protocol}{third}"] = setup
                    if len(found) > MOST_LOOKS:
                        raise TooMuchError(f"there are more than {MOST_LOOKS} ways to ask each other")
        return found

    def _seen(self, setup: Setup) -> Iterator[Hashable]:
        """Yield all that a world sees of its Pods: who selects them, whose peers they are, what becomes of them."""
        places = {pod.name: place for place, pod in enumerate(setup.pods)}
        for program in setup.pods:
            yield tuple(
                bool(isolates((policy,), program.party, d)) for policy in self.policies for d in (INGRESS, EGRESS)
            )
            yield tuple(is_peer(policy, peer, program.party) for policy, peer in self.peers)
            yield tuple(map(places.get, program.before))
            yield evolve(program, party=OUTSIDE, before=())

    def _ports(self, source: Life | None, destination: Life | None) -> Iterator[tuple[_Port, tuple[bool, ...]]]:
        """Yield ports with what each rule says of them, if that differs; none where no policy keeps these two apart."""
        if source is destination and (source is None or source.count < 2):
            return
        out = source is not None and self._isolated(source, EGRESS)
        into = destination is not None and self._isolated(destination, INGRESS)
        known: set[tuple[bool, ...]] = set()
        for port in self._asked(destination) if out or into else ():
            party = OUTSIDE if destination is None else self.parties[destination.number]
            rules = ((policy, rule) for policy in self.policies for rule in (*policy.ingress, *policy.egress))
            said = tuple(
                admits(policy, evolve(rule, peers=()), OUTSIDE, party, port.number, port.protocol)
                for policy, rule in rules
            )
            if said not in known:
                known.add(said)
                yield port, said

    def _isolated(self, life: Life, direction: str) -> bool:
        return bool(isolates(self.policies, self.parties[life.number], direction))

    def _asked(self, destination: Life | None) -> Iterator[_Port]:
        """Yield the ports that are listened on; where nobody says which, those that rules name, and another."""
        if destination is not None:
            spec = destination.pod.spec
            ports = [port for container in (*spec.containers, *spec.sidecars) for port in container.ports]
            yield from (_Port(port.container_port, port.protocol or "TCP") for port in ports)
            served = [door for door in self.doors if leads_to(door, destination.pod)]
            yield from (_Port(door.number, door.protocol) for door in served)
            if ports or served:
                return
        for policy in self.policies:
            for rule in (*policy.ingress, *policy.egress):
                for span in rule.ports:
                    yield from (_Port(number, span.protocol) for number in (span.first, span.last) if number)
        yield _Port(OTHER_PORT, "TCP")

    def _beside(self, source: Life | None, destination: Life | None) -> Iterator[Life | None]:
        """Yield who may be beside two: nobody, and each peer of a rule that goes, ends, or never gets an address."""
        yield None
        for life in self.lives:
            used = (source is life) + (destination is life)
            party = self.parties[life.number]
            passes = life.until is not None or life.finishes or not life.fits
            if passes and life.count > used and any(is_peer(policy, peer, party) for policy, peer in self.peers):
                yield life

    def _setup(self, source: Life | None, destination: Life | None, beside: Life | None, port: _Port) -> Setup:
        chosen = [life for life in (source, destination, beside) if life is not None]
        programs = tuple(self._programs(chosen))
        names = iter([program.name for program in programs])
        ends = tuple(OUTSIDE.name if life is None else next(names) for life in (source, destination))
        whole = evolve(
            self.plain,
            versions=tuple(self.history.versions),
            script=tuple(self.history.script),
            pods=programs,
            connection=(ends[0], ends[1]),
            port=port.number,
            protocol=port.protocol,
        )
        return _without_idle_steps(whole)

    def _programs(self, chosen: list[Life]) -> Iterator[Program]:
        """Yield a Pod of each life, the second of one under another name."""
        names: list[tuple[Life, str]] = []
        for life in chosen:
            again = sum(other is life for other, _ in names)
            names.append((life, f"{self.parties[life.number].name}{f'-{again}' if again else ''}"))
        for life, name in names:
            yield Program(
                evolve(self.parties[life.number], name=name),
                present=life.present,
                since=life.since,
                until=life.until,
                before=tuple(other for known, other in names if known.number == life.before),
                finishes=life.finishes,
                fits=life.fits,
            )


def _without_idle_steps(setup: Setup) -> Setup:
    """Leave out the policies that select none of the Pods, and the steps that then mean nothing to anybody."""
    versions = [tuple(policy for policy in version if _selects_any(policy, setup.pods)) for version in setup.versions]
    named = {step for program in setup.pods for step in (program.since, program.until)}
    kept, script, places = [versions[0]], list[Step](), {0: 0}
    for number, step in enumerate(setup.script, start=1):
        if versions[step.version] != kept[-1]:
            kept.append(versions[step.version])
        elif number not in named:
            continue
        script.append(evolve(step, version=len(kept) - 1))
        places[number] = len(script)
    pods = (
        evolve(program, since=places[program.since], until=None if program.until is None else places[program.until])
        for program in setup.pods
    )
    return evolve(setup, versions=tuple(kept), script=tuple(script), pods=tuple(pods))


def _selects_any(policy: Policy, pods: tuple[Program, ...]) -> bool:
    return any(isolates((policy,), program.party, direction) for program in pods for direction in (INGRESS, EGRESS))


def _plugin(scenario: Scenario) -> Setup:
    """Return how the network plugin goes about it, by the switches."""
    has = scenario.switches.__contains__
    sets = {
        Switch.SETS_BY_ADDRESS: Members.BY_ADDRESS,
        Switch.SETS_UNTIL_DELETED: Members.UNTIL_DELETED,
        Switch.SETS_REBUILT: Members.REBUILT,
        Switch.SETS_REBUILT_WHOLE: Members.REBUILT,
    }
    return Setup(
        versions=((),),
        pods=(),
        starts_closed=not has(Switch.OPEN_SANDBOXES),
        tracks=not has(Switch.UNTRACKED),
        ends=has(Switch.ENDED),
        members=next((sets[switch] for switch in sets if has(switch)), Members.BY_OWNER),
        skips_unaddressed=not has(Switch.SETS_REBUILT_WHOLE),
    )
