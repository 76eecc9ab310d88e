"""The claims about a cluster as properties of its machine: each is a file here, called like it in `claim_names`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType

from ...impl.api.claim_names import ALL
from ...model.machine import Invariant, Property, View
from ...model.world.world import OVERFLOW
from ..check.results import ROOM
from ..world.cluster import Cluster

Properties = Callable[[Cluster], Iterable[Property]]


def _found(name: str) -> Properties:
    found: Properties = import_module(f".{name}", __package__).properties
    return found


CLAIMS = MappingProxyType({name: _found(name) for name in ALL if find_spec(f"{__package__}.{name}") is not None})
"""What each claim wants to know of a cluster. The others are judged by a closer look (`harness.check`)."""


def of(cluster: Cluster, only: str = "") -> tuple[Property, ...]:
    """Return the properties of a cluster's machine: the claims (or one), and what `check` must know to judge them."""
    room = Invariant(ROOM, "The world has a place for every object.", _no_room)
    asked = (properties for name, properties in CLAIMS.items() if only in {"", name})
    return (*(claim for properties in asked for claim in properties(cluster)), room)


def _no_room(view: View) -> tuple[str, ...]:
    kind = view[OVERFLOW]
    return (f"needs one more place for a {kind}",) if kind else ()
