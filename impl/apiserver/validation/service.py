"""Validation of Services and EndpointSlices.

Upstream: pkg/apis/core/validation/validation.go (ValidateService, ValidateServiceUpdate),
pkg/apis/discovery/validation/validation.go (v1.32).
Left out on purpose: dual stack, load balancer classes, hints.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from attrs import evolve

from ...api.core import Service, ServicePort, ServiceSpec
from ...api.policy import EndpointSlice
from ...api.releases import Change
from ..defaulting.defaulting import EXTERNAL, HEADLESS
from .container import PROTOCOLS, validate_port
from .field_error import FieldError, bad_keys, duplicate, forbidden, invalid, invalid_raw, not_supported, required
from .meta import validate_labels
from .names import label_errors, port_name_errors, subdomain_errors

TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
NOT_AN_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
LOOPBACK = "may not be in the loopback range (127.0.0.0/8, ::1/128)"


def validate_service(service: Service) -> list[FieldError]:
    """Return the broken rules of a Service."""
    spec = service.spec
    errors: list[FieldError] = []
    headless = spec.cluster_ip == HEADLESS
    if not spec.ports and not headless and spec.type != "ExternalName":
        errors.append(required("spec.ports"))
    errors += _type_rules(spec, headless=headless) + _ports(spec) + validate_labels("spec.selector", spec.selector)
    if spec.session_affinity not in {"ClientIP", "None"}:
        errors.append(not_supported("spec.sessionAffinity", spec.session_affinity, ("ClientIP", "None")))
    errors += _affinity_timeout(spec)
    for index, text in enumerate(spec.external_ips):
        errors += _address(f"spec.externalIPs[{index}]", text)
    if spec.type not in TYPES:
        errors.append(not_supported("spec.type", spec.type, TYPES))
    return errors + _policies(spec) + _leftovers(spec)


def _type_rules(spec: ServiceSpec, *, headless: bool) -> list[FieldError]:
    """Check the addresses against the type."""
    if spec.type == "ExternalName":
        name = spec.extra.get("externalName", "").removesuffix(".")
        if not name:
            return [required("spec.externalName")]
        return [invalid("spec.externalName", name, detail) for detail in subdomain_errors(name)]
    if headless:
        detail = f"may not be set to 'None' for {spec.type} services"
        return [invalid("spec.clusterIPs[0]", HEADLESS, detail)] if spec.type in EXTERNAL else []
    return _address("spec.clusterIPs[0]", spec.cluster_ip, loopback=True) if spec.cluster_ip else []


def _address(field: str, text: str, *, loopback: bool = False) -> list[FieldError]:
    address = parse_address(text)
    if address is None:
        return [invalid(field, text, NOT_AN_ADDRESS)]
    return [invalid(field, text, LOOPBACK)] if address.is_loopback and not loopback else []


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an IP address; None if it is none."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def _ports(spec: ServiceSpec) -> list[FieldError]:
    errors: list[FieldError] = []
    names: set[str] = set()
    several = len(spec.ports) > 1
    for index, port in enumerate(spec.ports):
        errors += _port(f"spec.ports[{index}]", port, names, several=several)
    if spec.type not in EXTERNAL:
        detail = f"may not be used when `type` is '{spec.type}'"
        used = [index for index, port in enumerate(spec.ports) if port.node_port]
        errors += [forbidden(f"spec.ports[{index}].nodePort", detail) for index in used]
    return errors + _same_ports(spec.ports)


def _port(field: str, port: ServicePort, names: set[str], *, several: bool) -> list[FieldError]:
    errors: list[FieldError] = []
    if not port.name:
        errors += [required(f"{field}.name")] if several else []
    else:
        errors += [invalid(f"{field}.name", port.name, detail) for detail in label_errors(port.name)]
        if port.name in names:
            errors.append(duplicate(f"{field}.name", port.name))
        names.add(port.name)
    errors += validate_port(f"{field}.port", port.port)
    if port.protocol not in PROTOCOLS:
        errors.append(not_supported(f"{field}.protocol", port.protocol, PROTOCOLS))
    target = port.target_port
    if isinstance(target, str):
        return errors + [invalid(f"{field}.targetPort", target, detail) for detail in port_name_errors(target)]
    return errors + validate_port(f"{field}.targetPort", target or 0)


def _same_ports(ports: tuple[ServicePort, ...]) -> list[FieldError]:
    """No two ports of a Service have the same number and protocol, and no two the same node port and protocol."""
    errors: list[FieldError] = []
    seen: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        if (port.protocol, port.port) in seen:
            rendered = (
                f'core.ServicePort{{Name:"", Protocol:"{port.protocol}", AppProtocol:(*string)(nil), Port:{port.port}, '
                'TargetPort:intstr.IntOrString{Type:0, IntVal:0, StrVal:""}, NodePort:0}'
            )
            bare = {"Name": "", "Protocol": port.protocol, "AppProtocol": None, "Port": port.port, "TargetPort": 0}
            errors.append(duplicate(f"spec.ports[{index}]", {**bare, "NodePort": 0}, rendered=rendered))
        seen.add((port.protocol, port.port))
    return errors


def _affinity_timeout(spec: ServiceSpec) -> list[FieldError]:
    config = spec.extra.get("sessionAffinityConfig") or {}
    seconds = (config.get("clientIP") or {}).get("timeoutSeconds")
    if spec.session_affinity != "ClientIP" or seconds is None or 0 < seconds <= 86400:
        return []
    field = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
    return [invalid(field, seconds, "must be greater than 0 and less than 86400")]


def _policies(spec: ServiceSpec) -> list[FieldError]:
    errors: list[FieldError] = []
    external, internal = spec.external_traffic_policy, spec.internal_traffic_policy
    if external and spec.type not in EXTERNAL and not spec.external_ips:
        detail = "may only be set for externally-accessible services"
        errors.append(invalid("spec.externalTrafficPolicy", external, detail))
    elif external and external not in {"Cluster", "Local"}:
        errors.append(not_supported("spec.externalTrafficPolicy", external, ("Cluster", "Local")))
    if internal and internal not in {"Cluster", "Local"}:
        errors.append(not_supported("spec.internalTrafficPolicy", internal, ("Cluster", "Local")))
    return errors


def _leftovers(spec: ServiceSpec) -> list[FieldError]:
    """Check the few unmodelled fields that only some types may have."""
    errors: list[FieldError] = []
    if (number := spec.extra.get("healthCheckNodePort")) and not (
        spec.type == "LoadBalancer" and spec.external_traffic_policy == "Local"
    ):
        detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        errors.append(invalid("spec.healthCheckNodePort", number, detail))
    if spec.extra.get("allocateLoadBalancerNodePorts") is not None and spec.type != "LoadBalancer":
        detail = "may only be used when `type` is 'LoadBalancer'"
        errors.append(forbidden("spec.allocateLoadBalancerNodePorts", detail))
    if (traffic := spec.extra.get("trafficDistribution")) not in {None, "PreferClose"}:
        lifted = Change.SAME_ZONE_OR_NODE if traffic in {"PreferSameZone", "PreferSameNode"} else None
        field = "spec.trafficDistribution"
        error = not_supported(field, traffic, ("PreferClose",), lifted=lifted)
        later = not_supported(field, traffic, ("PreferClose", "PreferSameZone", "PreferSameNode")).message
        errors.append(evolve(error, reworded=(Change.SAME_ZONE_OR_NODE, later)))
    return errors


def validate_service_update(new: Service, old: Service) -> list[FieldError]:
    """Refuse another cluster IP, unless the Service becomes (or was) an ExternalName."""
    before, after = old.spec, new.spec
    if "ExternalName" in {before.type, after.type} or not before.cluster_ip or before.cluster_ip == after.cluster_ip:
        return []
    rendered = f'[]string{{"{after.cluster_ip}"}}'
    return [invalid_raw("spec.clusterIPs[0]", rendered, "may not change once set", [after.cluster_ip])]


def validate_endpointslice(slice_: EndpointSlice) -> list[FieldError]:
    """Return the broken rules of an EndpointSlice."""
    kind = slice_.address_type
    errors: list[FieldError] = []
    if not kind:
        errors.append(required("addressType"))
    elif kind not in ADDRESS_TYPES:
        errors.append(not_supported("addressType", kind, ADDRESS_TYPES))
    names = [port.name for port in slice_.ports]
    for index, port in enumerate(slice_.ports):
        place = f"ports[{index}]"
        errors += [
            invalid(f"{place}.name", port.name, detail) for detail in (label_errors(port.name) if port.name else ())
        ]
        if port.name in names[:index]:
            errors.append(duplicate(f"{place}.name", port.name))
        if port.protocol not in PROTOCOLS:
            errors.append(not_supported(f"{place}.protocol", port.protocol, PROTOCOLS))
        if port.app_protocol is not None:
            errors += bad_keys(f"{place}.appProtocol", port.app_protocol)
    for index, endpoint in enumerate(slice_.endpoints):
        field = f"endpoints[{index}].addresses"
        if not endpoint.addresses:
            errors.append(required(field, "must contain at least 1 address"))
        for number, text in enumerate(endpoint.addresses):
            errors += _address(f"{field}[{number}]", text) if kind in {"IPv4", "IPv6"} else []
    return errors
