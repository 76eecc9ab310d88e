"""What a node may do with the flows through it: a flow keeps the answer its first packet got until it is forgotten.

A door is an address and port that a Service answers at; the node's rules give each door its endpoints. The first packet
of a flow goes to one of them and is held there, whatever the rules say later; at a door that nobody knows yet it is
held as it is (nobody answers). A flow is *stranded* when who holds it is not who the rules would choose: it goes on to
an endpoint that its door no longer has or although the door is no more, or untranslated past a door that has endpoints.
A synchronisation that keeps its promise forgets every stranded flow. It may forget those that nobody holds where there
are no endpoints as well: they fare the same, known or not. All others stay.

Upstream: nf_conntrack as pkg/proxy relies on it, and what pkg/proxy/conntrack is for (v1.32). Leaves out: protocols and
ports of the sender (a flow is a name), masquerading, who else may forget a flow than the proxy and the time out.
"""

from __future__ import annotations

from attrs import evolve, field, frozen
from immutabledict import immutabledict

Door = tuple[str, int]
"""An address and a port."""

NOBODY = ""
"""Who holds a flow that nothing translated."""


@frozen(order=True)
class Held:
    """A flow that is known: the door it asked at, and the endpoint that holds it, or NOBODY."""

    door: Door
    endpoint: str = NOBODY


@frozen
class State:
    """The endpoints of each door as last programmed (none: refused), and the flows that are known, by name."""

    doors: immutabledict[Door, frozenset[str]] = field(factory=immutabledict)
    flows: immutabledict[str, Held] = field(factory=immutabledict)

    def is_stranded(self, flow: str) -> bool:
        """Tell whether a flow is held by somebody whom the rules would not choose."""
        held = self.flows[flow]
        chosen = self.doors.get(held.door, frozenset())
        return bool(chosen) if held.endpoint == NOBODY else held.endpoint not in chosen

    def is_idle(self, flow: str) -> bool:
        """Tell whether nobody holds a flow, and nobody would: whether it is known makes no difference."""
        held = self.flows[flow]
        return held.endpoint == NOBODY and not self.doors.get(held.door)

    @property
    def stranded(self) -> tuple[str, ...]:
        """Name the stranded flows."""
        return tuple(sorted(flow for flow in self.flows if self.is_stranded(flow)))


@frozen
class Send:
    """A packet of a flow at a door: it goes to who holds the flow, or, of a new flow, to `endpoint`."""

    flow: str
    door: Door
    endpoint: str = NOBODY

    def enabled(self, state: State) -> bool:
        """Keep a known flow where it is; let a new one go to any endpoint of its door, or past one that is unknown."""
        if self.flow in state.flows:
            return state.flows[self.flow] == Held(self.door, self.endpoint)
        if self.door in state.doors:
            return self.endpoint in state.doors[self.door]
        return self.endpoint == NOBODY

    def apply(self, state: State) -> State:
        """Hold it there."""
        return evolve(state, flows=state.flows.set(self.flow, Held(self.door, self.endpoint)))


@frozen
class Sync:
    """The proxy programs the doors as they are now, and forgets the flows that this strands, and perhaps idle ones."""

    doors: immutabledict[Door, frozenset[str]]
    also: frozenset[str] = frozenset()

    def enabled(self, state: State) -> bool:
        """Where it changes something; what it forgets beyond its duty is idle then."""
        after = evolve(state, doors=self.doors)
        return self.also <= {flow for flow in state.flows if after.is_idle(flow)} and self.apply(state) != state

    def apply(self, state: State) -> State:
        """Write all doors, then keep the flows that are well held."""
        after = evolve(state, doors=self.doors)
        return evolve(after, flows=immutabledict(_without(after.flows, {*after.stranded, *self.also})))


@frozen
class Forget:
    """The kernel forgets a flow that has paused for longer than it remembers one."""

    flow: str

    def enabled(self, state: State) -> bool:
        """Any that is known."""
        return self.flow in state.flows

    def apply(self, state: State) -> State:
        """Know it no more."""
        return evolve(state, flows=immutabledict(_without(state.flows, {self.flow})))


Action = Send | Sync | Forget


def answers(state: State, flow: str, door: Door) -> frozenset[str]:
    """Return who may get the next packet of a flow: empty is refused, NOBODY is silence."""
    if flow in state.flows:
        return frozenset({state.flows[flow].endpoint})
    return state.doors.get(door, frozenset({NOBODY}))


def _without(flows: immutabledict[str, Held], gone: set[str]) -> dict[str, Held]:
    return {flow: held for flow, held in flows.items() if flow not in gone}
