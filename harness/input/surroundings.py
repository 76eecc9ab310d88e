"""What the components of a scenario are told beside its objects: the API server's switches and what programs do."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from attrs import evolve

from ...impl.api.core import Service
from ...impl.api.kinds import BY_NAME, Object, kind_of
from ...impl.api.references import BEFORE_START
from ...impl.apiserver.config import DEFAULT, Config
from ...impl.kubelet.behaviour import HOLLOW, WELL, ImageBehaviour
from .scenario import Scenario

ALWAYS = ("default", "kube-system")
PREFIX = 16
"""The least part of a range of cluster IPs that an address stands for: what most installers give a cluster."""


def config_of(scenario: Scenario) -> Config:
    """Give the switches of the scenario's API server: what is known to be absent, and the range of its cluster IPs."""
    refused = frozenset(ref for ref in scenario.absent if ref.kind not in BEFORE_START)
    return evolve(DEFAULT, absent=refused, service_cluster_ip_range=service_range(scenario.everything))


def behaviour_of(scenario: Scenario) -> ImageBehaviour:
    """Tell what programs do: what their images are called after, where asked for; without its files none starts.

    Who sets the conditions of readiness gates is not modelled: they are taken to be set, and that is told.
    """
    waiting = frozenset(ref for ref in scenario.absent if ref.kind in BEFORE_START)
    return evolve(HOLLOW if scenario.image_behaviour else WELL, absent=waiting, gates_open=True)


def service_range(objects: Iterable[Object]) -> str:
    """Give the range of cluster IPs: the usual one if it has all that Services ask for, else the least that has them.

    A fixed address outside the usual range is one of a cluster that was set up with another.
    """
    usual = IPv4Network(DEFAULT.service_cluster_ip_range)
    asked = [one.spec.cluster_ip for one in objects if isinstance(one, Service)]
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
    """Name the namespaces that are there though no manifest makes them: all that something is put into."""
    objects = scenario.everything
    used = {one.metadata.namespace for one in objects if BY_NAME[kind_of(one).name].namespaced}
    made = {one.metadata.name for one in scenario.objects if kind_of(one).name == "Namespace"}
    return tuple(sorted({*ALWAYS, scenario.namespace, *used} - made))
