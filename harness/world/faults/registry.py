"""All faults. A field of `Faults` says how often one may strike, a file here, called like it, what that means."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import MappingProxyType

from attrs import fields

from ....impl.api.core import Node
from ....impl.api.kinds import Object
from ....impl.kubectl.script import AddNode, Apply
from ....model.machine import Action
from ...input.scenario import Faults, Scenario
from .fault import Fault, Struck, budget

__all__ = [
    "FAULTS",
    "Struck",
    "actions",
    "budgets",
    "nodes_come_back",
    "nodes_of",
    "possible",
    "silent_nodes",
    "strike_nodes",
    "struck_nodes",
]


def _found(name: str) -> Fault:
    fault = import_module(f".{name}", __package__).FAULT
    assert isinstance(fault, Fault)  # noqa: S101 - a mistake of who writes one
    return fault


FAULTS = MappingProxyType({field.name: _found(field.name) for field in fields(Faults)})
"""By their fields in `Faults`, in its order."""


def possible(scenario: Scenario) -> Iterator[tuple[str, int, Fault]]:
    """Yield the faults that may strike: by which name, and how often."""
    for name, fault in FAULTS.items():
        if count := getattr(scenario.faults, name):
            yield name, count, fault


def strike_nodes(scenario: Scenario) -> bool:
    """Tell whether a node may fall silent, or is."""
    return any(fault.strikes_nodes for _, _, fault in possible(scenario)) or bool(silent_nodes(scenario))


def silent_nodes(scenario: Scenario) -> frozenset[str]:
    """Name the nodes of which nothing is heard from the start: that Ready is Unknown only the node controller says."""
    nodes = ((node.metadata.name, node.status.condition("Ready")) for node in nodes_of(scenario, scenario.objects))
    return frozenset(name for name, ready in nodes if ready is not None and ready.status == "Unknown")


def nodes_come_back(scenario: Scenario) -> bool:
    """Tell whether a node that fell silent may be heard again."""
    return any(fault.comes_back for _, _, fault in possible(scenario))


def struck_nodes(scenario: Scenario, objects: tuple[Object, ...]) -> tuple[str, ...]:
    """Name the nodes where one may be silent: none, or all, those that join later among them."""
    if not strike_nodes(scenario):
        return ()
    return tuple(sorted({node.metadata.name for node in nodes_of(scenario, objects)}))


def nodes_of(scenario: Scenario, objects: tuple[Object, ...]) -> Iterator[Node]:
    """Yield the nodes that there are, and those that join later as they come."""
    joining = (step.object for step in scenario.script if isinstance(step, AddNode | Apply))
    yield from (obj for obj in (*joining, *objects) if isinstance(obj, Node))


def actions(struck: Struck) -> tuple[Action, ...]:
    """Return what may befall a world."""
    return tuple(action for _, _, fault in possible(struck.scenario) for action in fault.actions(struck))


def budgets(scenario: Scenario) -> dict[str, int]:
    """Return the slots of those faults that may strike: how often."""
    return {budget(name): count for name, count, _ in possible(scenario)}
