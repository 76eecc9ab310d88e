"""A packet that opens a connection, and what may become of it."""

from __future__ import annotations

from enum import Enum

from attrs import frozen


@frozen
class Packet:
    """The first packet of a connection as it meets the node's rules. Both addresses are of one family.

    `remembered` holds the endpoint chains that session affinity remembers for its source.
    """

    source: str
    destination: str
    port: int
    protocol: str = "TCP"
    remembered: frozenset[str] = frozenset()


class Fate(Enum):
    """What the rules do with a packet."""

    DNAT = "DNAT"
    REJECT = "REJECT"
    DROP = "DROP"
    ACCEPT = "ACCEPT"
    """Let pass by a rule that names it: a health check port of the node, or packets of an established connection."""
    UNCHANGED = ""
    """No rule of a Service concerns it."""


@frozen(order=True)
class Verdict:
    """The fate of a packet; `destination` is "ADDRESS:PORT" when it is DNAT, an IPv6 address in brackets."""

    fate: Fate = Fate.UNCHANGED
    destination: str = ""
    masquerade: bool = False
