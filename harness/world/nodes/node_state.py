"""Whether a node is up, and in touch with the API server, where a fault may change that.

The nodes that faults may strike have three slots each: whether it is up, whether one that is down boots, and whether it
is cut off. On one that is down nothing happens. On one that is cut off what runs goes on, and nothing is heard or told.
One of which nothing is heard from the start is down, and stays so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from attrs import frozen

from ....impl.api.meta import Ref
from ....model.machine import View
from ....model.world.component import Component, constantly
from ....model.world.world import World
from ....properties.reachability.answers import Port


@frozen
class Led:
    """A Pod to which the proxy of a node leads for a port of a Service."""

    port: Port
    pod: Ref
    uid: str


Routed = frozenset[Led]
"""Where the proxy of a node that is cut off sends connections."""


def up_slot(node: str) -> str:
    """Name the slot that says whether a node is up."""
    return f"node/{node}/up"


def boots_slot(node: str) -> str:
    """Name the slot that says whether a node that is down comes up again."""
    return f"node/{node}/boots"


def cut_slot(node: str) -> str:
    """Name the slot that says where a node's proxy sends connections while it is cut off; None: it is in touch."""
    return f"node/{node}/cut"


def slots_of(node: str) -> tuple[str, str, str]:
    """Name all slots of a node."""
    return up_slot(node), boots_slot(node), cut_slot(node)


def component(nodes: Iterable[str], silent: Collection[str]) -> Component[World]:
    """Return what is kept of nodes that faults may strike: at the start they are in touch, but for the silent ones."""
    names = tuple(nodes)
    states = {node: (node not in silent, False, None) for node in names}
    start = {slot: value for node in names for slot, value in zip(slots_of(node), states[node], strict=True)}
    return Component("nodes", slots=constantly(start), memories=tuple(map(cut_slot, names)))


def is_silent(view: View, node: str) -> bool:
    """Tell whether nothing is heard of a node that faults may strike."""
    return not view[up_slot(node)] or view[cut_slot(node)] is not None
