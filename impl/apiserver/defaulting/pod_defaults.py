"""The defaults of a Pod and of a Pod template.

Upstream: pkg/apis/core/v1/defaults.go (SetDefaults_PodSpec, SetDefaults_Container, SetDefaults_Probe, SetDefaults_Pod)
(v1.32).
Left out on purpose: volumes, security contexts, env and lifecycle handlers (they stay in `extra` as they came).
"""

from __future__ import annotations

from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ...api.core import Container, ContainerPort, Pod, PodSpec, PodTemplateSpec, Probe, ResourceRequirements, Resources
from ...api.values.frozen import Json, freeze

GRACE_SECONDS = 30


def with_extra(extra: immutabledict[str, Json], **fields: Json) -> immutabledict[str, Json]:
    """Add unmodelled fields where they are not set."""
    missing = {key: freeze(value) for key, value in fields.items() if key not in extra}
    return immutabledict(sorted({**extra, **missing}.items())) if missing else extra


def default_pod(pod: Pod) -> Pod:
    """Default a Pod: like a template, and requests from limits, host ports of the host network, service links."""
    spec = default_pod_spec(pod.spec)
    spec = evolve(
        spec,
        containers=tuple(_requests_from_limits(container) for container in spec.containers),
        init_containers=tuple(_requests_from_limits(container) for container in spec.init_containers),
        extra=with_extra(spec.extra, enableServiceLinks=True),
    )
    return evolve(pod, spec=_host_ports(spec) if spec.host_network else spec)


def default_template(template: PodTemplateSpec) -> PodTemplateSpec:
    """Default the Pod template of a workload."""
    return evolve(template, spec=default_pod_spec(template.spec))


def default_pod_spec(spec: PodSpec) -> PodSpec:
    """Default what a Pod and a template share."""
    grace = spec.termination_grace_period_seconds
    return evolve(
        spec,
        containers=tuple(map(_container, spec.containers)),
        init_containers=tuple(map(_container, spec.init_containers)),
        restart_policy=spec.restart_policy or "Always",
        termination_grace_period_seconds=GRACE_SECONDS if grace is None else grace,
        scheduler_name=spec.scheduler_name or "default-scheduler",
        extra=with_extra(spec.extra, dnsPolicy="ClusterFirst", securityContext={}),
    )


def _container(container: Container) -> Container:
    return evolve(
        container,
        image_pull_policy=container.image_pull_policy or pull_policy(container.image),
        ports=tuple(map(_port, container.ports)),
        liveness_probe=_probe(container.liveness_probe),
        readiness_probe=_probe(container.readiness_probe),
        startup_probe=_probe(container.startup_probe),
        extra=with_extra(
            container.extra, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File"
        ),
    )


def pull_policy(image: str) -> str:
    """Return Always for `latest` and for no tag at all, else IfNotPresent; a digest without a tag counts as a tag."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return "Always" if tag == "latest" or not (tag or digest) else "IfNotPresent"


def _port(port: ContainerPort) -> ContainerPort:
    return port if port.protocol else evolve(port, protocol="TCP")


def _probe(probe: Probe | None) -> Probe | None:
    """Default the numbers of a probe that are zero, and the path and scheme of an HTTP one."""
    if probe is None:
        return None
    return evolve(
        probe,
        timeout_seconds=probe.timeout_seconds or 1,
        period_seconds=probe.period_seconds or 10,
        success_threshold=probe.success_threshold or 1,
        failure_threshold=probe.failure_threshold or 3,
        extra=_http(probe.extra),
    )


def _http(extra: immutabledict[str, Json]) -> immutabledict[str, Json]:
    asked: Any = extra.get("httpGet")
    if asked is None:
        return extra
    complete = with_extra(asked, path="/", scheme="HTTP")
    return extra if complete == asked else extra.set("httpGet", complete)


def _requests_from_limits(container: Container) -> Container:
    """Ask for what may be used, where nothing is asked for."""
    resources = container.resources
    missing = {name: amount for name, amount in resources.limits.items() if name not in resources.requests}
    if not missing:
        return container
    requests: Resources = immutabledict(sorted({**resources.requests, **missing}.items()))
    asked = ResourceRequirements(requests=requests, limits=resources.limits, extra=resources.extra)
    return evolve(container, resources=asked)


def _host_ports(spec: PodSpec) -> PodSpec:
    """On the host's network every container port is a host port."""

    def on_host(container: Container) -> Container:
        ports = tuple(evolve(port, host_port=port.host_port or port.container_port) for port in container.ports)
        return evolve(container, ports=ports)

    return evolve(
        spec,
        containers=tuple(map(on_host, spec.containers)),
        init_containers=tuple(map(on_host, spec.init_containers)),
    )
