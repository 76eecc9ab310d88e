"""What there is in a world of NetworkPolicies, and where its state keeps it (`policies` says what it is for)."""

from __future__ import annotations

from enum import Enum

from attrs import evolve, field, frozen

from ...model.components.network_policy import Stage
from ...model.machine import View
from ...properties.reachability.network_policy import EGRESS, INGRESS, Party, Peer, Policy


class Members(Enum):
    """How the agent keeps the set of addresses that stands for the Pods a rule names."""

    BY_ADDRESS = "by address"
    """A Pod that runs puts its address in, one that does not takes it out, whoever else has it by then."""
    BY_OWNER = "by owner"
    """The same, but an address stays as long as some Pod put it in that has not taken it out."""
    UNTIL_DELETED = "until deleted"
    """By owner; a Pod takes its address out when its object is gone, not when it has finished."""
    REBUILT = "rebuilt"
    """All sets are made anew from the Pods as they are, at every change."""


@frozen
class Program:
    """A Pod of the setup: who it is, and what may become of it."""

    party: Party
    """Its address is not looked at: the node gives it one."""
    finishes: bool = False
    """Its program ends by itself, and the object stays."""
    may_go: bool = False
    """Somebody may delete it."""
    fits: bool = True
    """The scheduler finds a node for it; otherwise it stays Pending, without an address."""
    calls: str = ""
    """An address outside to which it opens a connection when it starts."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.party.name


@frozen
class Setup:
    """Policies, Pods and how the plugin works. `addresses` is how many the node has to give."""

    policies: tuple[Policy, ...]
    pods: tuple[Program, ...]
    addresses: int = 8
    port: int = 80
    protocol: str = "TCP"
    starts_closed: bool = True
    """Whether a Pod is wired up closed, until the agent has seen it."""
    members: Members = Members.BY_OWNER
    skips_unaddressed: bool = True
    """Whether sets are rebuilt without the Pods that have no address yet, or not at all while there is such a Pod."""


Status = tuple[str, str]
"""A Pod's phase ("" where there is no such object) and its address, as the API server has it."""

EXISTS, HANDLED = "policies/exist", "policies/handled"


def slot(what: str, name: str) -> str:
    """Name a slot of a Pod: its stage, address, status, what the agent has seen of it, wall, whether late, its call."""
    return f"{what}/{name}"


def address_set(place: tuple[int, str, int, int]) -> str:
    """Name the slot of a set: policy, direction, rule and peer by number. It holds (address, owner)."""
    return "set/" + "/".join(map(str, place))


@frozen
class Selected:
    """A peer of a rule that is named by labels, and where it stands."""

    place: tuple[int, str, int, int]
    policy: Policy
    peer: Peer


@frozen(eq=False)
class PolicyWorld:
    """A setup with its sets numbered."""

    setup: Setup
    sets: tuple[Selected, ...] = field(init=False)

    @sets.default
    def _numbered(self) -> tuple[Selected, ...]:
        return tuple(
            Selected((number, direction, rule, place), policy, peer)
            for number, policy in enumerate(self.setup.policies)
            for direction in (INGRESS, EGRESS)
            for rule, ruled in enumerate(policy.rules(direction))
            for place, peer in enumerate(ruled.peers)
            if not peer.cidr
        )

    def program(self, name: str) -> Program:
        """Give a Pod by its name."""
        return next(one for one in self.setup.pods if one.name == name)

    def party(self, view: View, name: str) -> Party:
        """Give a Pod as one end of a connection, with the address it has."""
        return evolve(self.program(name).party, address=view[slot("address", name)])

    def started(self, view: View) -> tuple[str, ...]:
        """Name the Pods whose containers run."""
        return tuple(one.name for one in self.setup.pods if view[slot("stage", one.name)] is Stage.STARTED)
