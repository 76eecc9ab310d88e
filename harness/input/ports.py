"""Which containers listen where a Service sends its packets: as far as manifests say.

A container need not declare the ports it listens on (core/v1 ContainerPort: not specifying a port here DOES NOT prevent
that port from being exposed), so one that no template declares is assumed to be listened on. One that another version
of the template declares has moved: a version that declares others in its place is not taken to listen there still.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from ...impl.api.core import PodSpec, Service, ServicePort
from ...impl.api.kinds import Object, ref_of
from ...impl.api.values.selectors import matches_map
from ...impl.kubectl.script import Apply, Step
from .workloads import Template, by_label, templates


@frozen
class Pair:
    """A version of a Service and one of a template whose Pods it selects, which may be there at the same time."""

    service: Service
    maker: Template


def pairs(objects: Iterable[Object], script: Iterable[Step] = (), *, wait: bool = False) -> Iterator[Pair]:
    """Yield each version of a Service with each of the templates it leads to; `wait`: the cluster rests between steps.

    Then only what a step replaces and what it brings are there together.
    """
    now = tuple(objects)
    applied = tuple(step.object for step in script if isinstance(step, Apply))
    if not wait:
        yield from _selected((*now, *applied))
        return
    yield from _selected(now)
    for obj in applied:
        others = tuple(other for other in now if ref_of(other) != ref_of(obj))
        yield from _selected((*now, obj))
        now = (*others, obj)


def _selected(objects: tuple[Object, ...]) -> Iterator[Pair]:
    makers = by_label(templates(objects))
    for service in objects:
        if isinstance(service, Service) and service.spec.selector and service.spec.type != "ExternalName":
            for maker in makers.bearing(service.spec.selector):
                here = maker.ref.namespace == service.metadata.namespace
                if here and matches_map(service.spec.selector, maker.labels):
                    yield Pair(service, maker)


def number_of(port: ServicePort) -> int | None:
    """Return the number a Service sends its packets to; None where a name says it."""
    target = port.port if port.target_port is None else port.target_port
    return target if isinstance(target, int) else None


def declared(spec: PodSpec, protocol: str) -> frozenset[int]:
    """Return the ports that the containers of a Pod declare for a protocol."""
    return frozenset(
        port.container_port
        for container in (*spec.containers, *spec.sidecars)
        for port in container.ports
        if (port.protocol or "TCP") == (protocol or "TCP")
    )


def has_moved(maker: Template, number: int, protocol: str, versions: Iterable[Template]) -> bool:
    """Tell whether a template declares other ports in place of one that another version of it declares."""
    mine = declared(maker.spec, protocol)
    others = (version for version in versions if version.ref == maker.ref)
    return bool(mine) and number not in mine and any(number in declared(template.spec, protocol) for template in others)
