"""The objects of a cluster once the manifests are applied and nothing moves any more, island by island.

What an island comes to by itself is what the whole comes to, seen from there (`islands.split`), if Services have the
addresses and node ports that they have in the whole: those are given out for all at once, before. So coming to rest
costs the sum of the islands, and whoever asks about one Service waits for its island alone: two Services that have an
address or a port of the nodes in common are on one, and the rules of any other match no packet to this one.

Left out on purpose: which of several states of rest it is (the first; they differ in where Pods are).
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from ...impl.api.core import Service
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ..input.scenario import Scenario, placed
from ..islands.split import islands_of
from ..world.applied import applied
from ..world.at_rest.prepare import prepare


def settled(scenario: Scenario, asked: Ref | None = None, *, islands: bool = True) -> tuple[Object, ...]:
    """Return the objects at rest: all, or those that the Service `asked` for has to do with; by kind and name.

    `islands` False brings everything to rest together. Raises what `prepare` (world) raises.
    """
    there = applied(scenario) if islands else ()
    parts = islands_of(scenario, there=there) if islands else ()
    if len(parts) < 2:
        return prepare(scenario).objects
    near = [island.scenario for island in parts if asked is not None and _has(island.scenario, asked)]
    numbers = {ref_of(obj): obj for obj in there if isinstance(obj, Service)}
    each = [prepare(numbered(part, numbers)).objects for part in near or [island.scenario for island in parts]]
    found = {ref_of(obj): obj for objects in each for obj in objects}
    return tuple(found[ref] for ref in sorted(found))


def _has(scenario: Scenario, ref: Ref) -> bool:
    return any(placed(obj, scenario.namespace) == ref for obj in scenario.objects)


def numbered(scenario: Scenario, services: Mapping[Ref, Service]) -> Scenario:
    """Return a scenario whose Services ask for the addresses and ports that they have among all."""
    known = ((obj, services.get(placed(obj, scenario.namespace))) for obj in scenario.objects)
    objects = (evolve(obj, spec=live.spec) if isinstance(obj, Service) and live else obj for obj, live in known)
    return evolve(scenario, objects=tuple(objects))
