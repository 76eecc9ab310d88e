"""What of the input leads nowhere, each with file and line: no claim breaks by it, and perhaps somebody else is meant.

An autoscaler that scales nobody or that no metric moves, a budget that guards nobody, an Ingress whose backend is no
Service of the input or no port of it, a StatefulSet without the Service that names its Pods in DNS, a DaemonSet that no
node takes a Pod of, a probe of a port that nobody declares. Who answers behind an Ingress is a matter of its
controller, which is not modelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ....impl.api.apps import DaemonSet, StatefulSet
from ....impl.api.autoscaling import HorizontalPodAutoscaler
from ....impl.api.core import Node, Service
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.policy import PodDisruptionBudget
from ....impl.api.reading.load import Other
from ....impl.api.reading.nearest import did_you_mean
from ....impl.api.values.frozen import as_map
from ....impl.api.values.selectors import selects
from ....impl.api.workloads import TEMPLATE
from ....impl.controllers.daemonset.nodes import wish
from ....impl.kubelet.obstacles import containers
from ....impl.kubelet.prober import port_of
from ..autoscalers import blind
from ..files.manifests import Manifests
from ..scenario import Scenario
from ..workloads import Template

Found = tuple[Ref, str, str]
"""An object, a field of it, and what is the matter there."""


def nowhere(
    manifests: Manifests, objects: tuple[Object, ...], makers: tuple[Template, ...], scenario: Scenario
) -> Iterator[Found]:
    """Yield what leads nowhere of some objects, and of those of the manifests that have no class here."""
    known = {ref_of(obj) for obj in objects} | {other.ref for other in manifests.others}
    pods = [(maker.ref.namespace, maker.labels) for maker in makers]
    pods += [(other.ref.namespace, other.labels) for other in manifests.others if other.labels is not None]
    services = {ref_of(obj): obj for obj in objects if isinstance(obj, Service)}
    nodes = [obj for obj in scenario.everything if isinstance(obj, Node)]
    yield from ((reason.ref, reason.field, reason.why) for reason in blind(scenario))
    for obj in objects:
        space = obj.metadata.namespace
        if isinstance(obj, HorizontalPodAutoscaler):
            named = obj.spec.scale_target_ref
            target = Ref(named.kind, space, named.name)
            if target not in known:
                yield ref_of(obj), "spec.scaleTargetRef.name", f"{_missing(target, known)}: it scales nobody here"
        elif isinstance(obj, PodDisruptionBudget):
            selector = obj.spec.selector
            if selector is None or not any(where == space and selects(selector, labels) for where, labels in pods):
                yield ref_of(obj), "spec.selector", "it selects no Pod of the input: it guards nobody here"
        elif isinstance(obj, StatefulSet) and obj.spec.service_name:
            service = Ref("Service", space, obj.spec.service_name)
            if service not in known:
                message = f"{_missing(service, known)}: its Pods have no names of their own in DNS"
                yield ref_of(obj), "spec.serviceName", message
        elif isinstance(obj, DaemonSet) and nodes and not any(wish(obj, node).runs for node in nodes):
            message = "no node takes a Pod of it, by its selectors, affinity and tolerations: it has none here"
            yield ref_of(obj), f"{TEMPLATE}.spec", message
    for other in manifests.others:
        if other.ref.kind == "Ingress":
            yield from _backends(other, services, known)


def _missing(ref: Ref, known: Iterable[Ref]) -> str:
    alike = [other.name for other in known if (other.kind, other.namespace) == (ref.kind, ref.namespace)]
    hint = did_you_mean(ref.name, alike, "")
    return f"there is no {ref} in the input{f' ({hint})' if hint else ''}"


# --- Ingresses --------------------------------------------------------------------------------------------------------


def _backends(ingress: Other, services: Mapping[Ref, Service], known: Iterable[Ref]) -> Iterator[Found]:
    for path, backend in _services(as_map(ingress.source.document.value.get("spec"))):
        ref = Ref("Service", ingress.ref.namespace, str(backend.get("name") or ""))
        port = as_map(backend.get("port"))
        if ref not in services:
            if ref not in known:
                yield ingress.ref, f"{path}.name", f"{_missing(ref, known)}: nobody answers who comes by it"
            continue
        ports = services[ref].spec.ports
        asked = port.get("name") or port.get("number")
        if not any(asked in {has.name, has.port} for has in ports):
            told = ", ".join(f"{has.port} ({has.name})" if has.name else f"{has.port}" for has in ports)
            message = f"{ref} has no port {asked} (it has {told or 'none'}): nobody answers who comes by it"
            yield ingress.ref, f"{path}.port", message


def _services(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the Services that an Ingress leads to, each with the path of the field."""
    backends = [("spec.defaultBackend", spec.get("defaultBackend"))]
    for at, rule in enumerate(_items(spec.get("rules"))):
        for number, path in enumerate(_items(as_map(rule.get("http")).get("paths"))):
            backends.append((f"spec.rules[{at}].http.paths[{number}].backend", path.get("backend")))
    for field, backend in backends:
        if service := as_map(as_map(backend).get("service")):
            yield f"{field}.service", service


def _items(value: object) -> list[Mapping[str, Any]]:
    return [as_map(item) for item in value] if isinstance(value, list | tuple) else []


# --- probes -----------------------------------------------------------------------------------------------------------


def undeclared(makers: Iterable[Template]) -> Iterator[Found]:
    """Yield the probes of a number that no container declares, where the one that is probed declares others."""
    for maker in makers:
        declared = {port.container_port for _, container in containers(maker.spec) for port in container.ports}
        for path, container in containers(maker.spec):
            probes = (container.startup_probe, container.readiness_probe, container.liveness_probe)
            for name, probe in zip(("startupProbe", "readinessProbe", "livenessProbe"), probes, strict=True):
                port = None if probe is None or not container.ports else port_of(probe)
                if isinstance(port, int) and port not in declared:
                    message = f"no container of {maker.ref} declares port {port}; one answers there"
                    yield maker.ref, f"{maker.path}.{path}.{name}", message
