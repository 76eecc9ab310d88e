"""What the components of a scenario are told beside its objects: the API server's switches and what programs do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any

from attrs import evolve

from ....impl.api.core import Pod, Service
from ....impl.api.kinds import Object, kind_of
from ....impl.api.references import BEFORE_START
from ....impl.apiserver.config import DEFAULT, Config
from ....impl.kubectl.script import SetImage
from ....impl.kubelet.behaviour import HOLLOW, WELL, ImageBehaviour
from ....impl.kubelet.obstacles import Known, is_image, obstacles, sysctls
from ..priorities import pod_spec
from ..scenario import Scenario

ALWAYS = ("default", "kube-system")
PREFIX = 16
"""The least part of a range of cluster IPs that an address stands for: what most installers give a cluster."""


def config_of(scenario: Scenario) -> Config:
    """Return the switches of the scenario's API server: what is known to be absent, and what it has for Services."""
    return evolve(
        DEFAULT,
        release=scenario.release,
        absent=frozenset(ref for ref in scenario.absent if ref.kind not in BEFORE_START),
        service_cluster_ip_range=service_range(scenario.everything),
        webhooks=scenario.webhooks,
        kept_free=frozenset(_asked_for(scenario.everything)),
    )


def _asked_for(objects: Iterable[Object]) -> Iterator[str | int]:
    """Yield the addresses and ports that Services ask for by number."""
    for obj in objects:
        if isinstance(obj, Service):
            yield from (address for address in (obj.spec.cluster_ip, *obj.spec.cluster_ips) if address)
            yield from (port.node_port for port in obj.spec.ports if port.node_port)
            checked: Any = obj.spec.extra.get("healthCheckNodePort")
            yield from (checked,) if checked else ()


def behaviour_of(scenario: Scenario) -> ImageBehaviour:
    """Tell what programs do: what their images are called after, where asked for; those that cannot start never do.

    Whether a Pod can start is asked only where some Pod of the scenario cannot. Who sets the conditions of readiness
    gates is not modelled: they are taken to be set, and that is told.
    """
    usual = evolve(HOLLOW if scenario.image_behaviour else WELL, gates_open=True)
    known = known_of(scenario)
    specs = ((obj.metadata.namespace, pod_spec(obj)) for obj in scenario.everything)
    found = (obstacle for space, spec in specs if spec is not None for obstacle in obstacles(spec, space, known))
    misnamed = any(isinstance(step, SetImage) and not is_image(step.image) for step in scenario.script)
    return evolve(usual, known=known) if misnamed or any(True for _ in found) else usual


def known_of(scenario: Scenario) -> Known:
    """Return what decides whether containers can start: which files there are, what the kubelets let run already."""
    waiting = frozenset(ref for ref in scenario.absent if ref.kind in BEFORE_START)
    running = (obj for obj in scenario.objects if isinstance(obj, Pod) and obj.metadata.uid in scenario.runtimes)
    allowed = frozenset(name for pod in running for name in sysctls(pod.spec))
    return Known(waiting, scenario.contents, allowed)


def service_range(objects: Iterable[Object]) -> str:
    """Return the range of cluster IPs: the usual one if it has all that Services ask for, else the least that has them.

    A fixed address outside the usual range is one of a cluster that was set up with another.
    """
    usual = IPv4Network(DEFAULT.service_cluster_ip_range)
    asked = [obj.spec.cluster_ip for obj in objects if isinstance(obj, Service)]
    fixed = [address for text in asked if (address := _address(text)) is not None]
    if all(address in usual for address in fixed):
        return str(usual)
    found = IPv4Network((int(fixed[0]), PREFIX), strict=False)
    while not all(address in found for address in fixed):
        found = found.supernet()
    return str(found)


def _address(text: str) -> IPv4Address | None:
    """Read an IPv4 address; None if it is none (no address yet, None, IPv6)."""
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None


def namespaces_of(scenario: Scenario) -> tuple[str, ...]:
    """Name the namespaces that are there though no manifest makes them: all that something is put into.

    What the script makes is there before only if a manifest is put into it.
    """
    used, later = _used(scenario.objects), _used(scenario.applied)
    made = _made(scenario.objects) | (_made(scenario.applied) - used)
    return tuple(sorted({*ALWAYS, scenario.namespace, *used, *later} - made))


def _used(objects: Iterable[Object]) -> set[str]:
    return {obj.metadata.namespace for obj in objects if kind_of(obj).namespaced}


def _made(objects: Iterable[Object]) -> set[str]:
    return {obj.metadata.name for obj in objects if kind_of(obj).name == "Namespace"}
