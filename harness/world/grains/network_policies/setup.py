"""What there is in a world of NetworkPolicies, and where its state keeps it (`policies` says what it is for)."""

from __future__ import annotations

from enum import Enum

from attrs import evolve, field, frozen

from .....model.components.network.network_policy import Stage
from .....model.machine import View
from .....properties.reachability.network_policy import EGRESS, INGRESS, Party, Peer, Policy, isolates


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
    """A Pod of the setup: who it is, and what may become of it.

    Steps are counted from 1: what is said to be from step 0 on is so from the start.
    """

    party: Party
    """Its address is not looked at: the node gives it one."""
    present: bool = False
    """It runs at the start, with the rules of the policies that are there."""
    since: int = 0
    """The step of the script from which on it may be made."""
    until: int | None = None
    """The step from which on it is deleted."""
    before: tuple[str, ...] = ()
    """It is deleted only once these are reported to run."""
    finishes: bool = False
    """Its program may end by itself, and the object stays."""
    fits: bool = True
    """The scheduler finds a node for it; otherwise it stays Pending, without an address."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.party.name


OUTSIDE = Party("198.51.100.7", name="outside")
"""Somebody outside the cluster, who is always there and has no wall."""


@frozen
class Step:
    """What a step of the script does: which policies there are afterwards, by their number in `Setup.versions`."""

    told: str
    version: int
    waits: bool = False
    """Whether it is taken only where nothing else can happen."""


@frozen
class Setup:
    """Policies, Pods and how the plugin works. `addresses` is how many the node has to give."""

    versions: tuple[tuple[Policy, ...], ...]
    """The policies there are at the start, handled by then, and after each step that changes them."""
    pods: tuple[Program, ...]
    script: tuple[Step, ...] = ()
    connection: tuple[str, str] | None = None
    """Who opens a connection that stays open, to whom: Pods by name, or `OUTSIDE`."""
    addresses: int = 8
    port: int = 80
    protocol: str = "TCP"
    starts_closed: bool = True
    """Whether a Pod that policies in force isolate is wired up closed, until the agent has seen it."""
    tracks: bool = True
    """Whether a wall knows the connections that were there before it."""
    ends: bool = False
    """Whether connections that policies no longer allow are ended when these are handled."""
    members: Members = Members.BY_OWNER
    skips_unaddressed: bool = True
    """Whether sets are rebuilt without the Pods that have no address yet, or not at all while there is such a Pod."""


Status = tuple[str, str]
"""A Pod's phase ("" where there is no such object) and its address, as the API server has it."""

DONE, HANDLED, CONNECTION = "script", "policies/handled", "connection"
"""How many steps are done; the version of the policies whose rules are in force; what has become of the connection."""


def slot(what: str, name: str) -> str:
    """Name a slot of a Pod: stage, address, status, what the agent has seen of it, wall, and when it was made.

    `made` holds which version of the policies there was when the Pod was made, and which one had been handled.
    """
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
    """A setup with its policies and sets numbered."""

    setup: Setup
    policies: tuple[Policy, ...] = field(init=False)
    sets: tuple[Selected, ...] = field(init=False)

    @policies.default
    def _every_one(self) -> tuple[Policy, ...]:
        return tuple(dict.fromkeys(policy for version in self.setup.versions for policy in version))

    @sets.default
    def _numbered(self) -> tuple[Selected, ...]:
        return tuple(
            Selected((number, direction, rule, place), policy, peer)
            for number, policy in enumerate(self.policies)
            for direction in (INGRESS, EGRESS)
            for rule, ruled in enumerate(policy.rules(direction))
            for place, peer in enumerate(ruled.peers)
            if not peer.cidr
        )

    def program(self, name: str) -> Program:
        """Return a Pod by its name."""
        return next(pod for pod in self.setup.pods if pod.name == name)

    def party(self, view: View, name: str) -> Party:
        """Return a Pod as one end of a connection, with the address it has; or who is outside."""
        if name == OUTSIDE.name:
            return OUTSIDE
        return evolve(self.program(name).party, address=view[slot("address", name)])

    def started(self, view: View) -> tuple[str, ...]:
        """Name the Pods whose containers run."""
        return tuple(pod.name for pod in self.setup.pods if view[slot("stage", pod.name)] is Stage.STARTED)

    def there(self, view: View) -> int:
        """Return the version of the policies that there is."""
        done = view[DONE]
        return self.setup.script[done - 1].version if done else 0

    def in_force(self, view: View) -> tuple[Policy, ...]:
        """Return the policies that the agent has handled."""
        return self.setup.versions[view[HANDLED]]

    def settled(self, view: View) -> bool:
        """Tell whether the script is over and the agent has handled the policies that it leaves."""
        return bool(view[DONE] == len(self.setup.script) and view[HANDLED] == self.there(view))

    def isolated(self, version: int, name: str, direction: str) -> bool:
        """Tell whether a version of the policies isolates a Pod in a direction."""
        return bool(isolates(self.setup.versions[version], self.program(name).party, direction))

    def ever(self, name: str, direction: str) -> bool:
        """Tell whether some version of the policies isolates a Pod in a direction; who is outside never is."""
        return name != OUTSIDE.name and any(
            self.isolated(version, name, direction) for version in range(len(self.setup.versions))
        )

    def isolated_at_all(self, version: int, name: str) -> bool:
        """Tell whether a version of the policies isolates a Pod."""
        return any(self.isolated(version, name, direction) for direction in (INGRESS, EGRESS))
