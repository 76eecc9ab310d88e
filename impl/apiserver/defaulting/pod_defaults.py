"""The defaults of a Pod and of a Pod template.

Upstream: pkg/apis/core/v1/defaults.go (SetDefaults_PodSpec, SetDefaults_Container, SetDefaults_Probe, SetDefaults_Pod)
(v1.32).
What has no class here is filled in where it stands in `extra`: volumes, variables, handlers of hooks.
Left out on purpose: ephemeral containers, requests of a whole Pod.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ...api.core import (
    Container,
    ContainerPort,
    Lifecycle,
    LifecycleHandler,
    Pod,
    PodSpec,
    PodTemplateSpec,
    Probe,
    ResourceRequirements,
    Resources,
)
from ...api.values.frozen import EMPTY, Json, freeze

GRACE_SECONDS = 30
READABLE = immutabledict({"defaultMode": 0o644})
VOLUME_SOURCES: Mapping[str, immutabledict[str, Json]] = {
    **dict.fromkeys(("configMap", "downwardAPI", "projected", "secret"), READABLE),
    "azureDisk": immutabledict({"cachingMode": "ReadWrite", "fsType": "ext4", "kind": "Shared", "readOnly": False}),
    "hostPath": immutabledict({"type": ""}),
    "iscsi": immutabledict({"iscsiInterface": "default"}),
    "rbd": immutabledict({"keyring": "/etc/ceph/keyring", "pool": "rbd", "user": "admin"}),
    "scaleIO": immutabledict({"fsType": "xfs", "storageMode": "ThinProvisioned"}),
}
"""What is filled in of a volume, by what it is made of; of PersistentVolumes, too."""
DOMAIN = r"(?=[^/]*[.:A-Z]|localhost/)[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]+)?/"
COMPONENT = r"[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*"
IMAGE = re.compile(
    rf"({DOMAIN})?(?P<path>{COMPONENT}(/{COMPONENT})*)(:(?P<tag>\w[\w.-]{{0,127}}))?"
    r"(?P<digest>@[A-Za-z][A-Za-z0-9]*([-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)
"""The name of an image (github.com/distribution/reference)."""


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
    said: Any = spec.extra.get("serviceAccount")
    spec = with_account(spec, spec.service_account_name or said or "")
    return evolve(
        spec,
        containers=tuple(map(_container, spec.containers)),
        init_containers=tuple(map(_container, spec.init_containers)),
        restart_policy=spec.restart_policy or "Always",
        termination_grace_period_seconds=GRACE_SECONDS if grace is None else grace,
        scheduler_name=spec.scheduler_name or "default-scheduler",
        extra=with_extra(_each(spec.extra, "volumes", _volume), dnsPolicy="ClusterFirst", securityContext={}),
    )


def with_account(spec: PodSpec, name: str) -> PodSpec:
    """Return a spec with a service account, under its old name, too (pkg/apis/core/v1/conversion.go)."""
    if not name or (name == spec.service_account_name == spec.extra.get("serviceAccount")):
        return spec
    extra = immutabledict(sorted({**spec.extra, "serviceAccount": name}.items()))
    return evolve(spec, service_account_name=name, extra=extra)


def _each(extra: immutabledict[str, Json], key: str, fill: Callable[[Any], Any]) -> immutabledict[str, Json]:
    """Return fields with each object of one of their lists filled in."""
    given: Any = extra.get(key)
    if not given:
        return extra
    filled = tuple(fill(item) if isinstance(item, Mapping) else item for item in given)
    return extra if filled == given else extra.set(key, filled)


def _inside(value: Any, key: str, fill: Callable[[Any], Any]) -> Any:
    """Return an object with another one in it filled in, where that is there."""
    inner = value.get(key)
    filled = fill(inner) if isinstance(inner, Mapping) else inner
    return value if filled == inner else value.set(key, filled)


def _volume(volume: Any) -> Any:
    """Default a volume: it is made of something, of nothing else than an empty folder."""
    made_of = [kind for kind in volume if kind != "name" and volume[kind] is not None]
    if not made_of:
        return volume.set("emptyDir", EMPTY)
    return with_sources(volume)


def with_sources(fields: Any) -> Any:
    """Return fields with what is filled in of the sources of volumes among them."""
    for kind, usual in VOLUME_SOURCES.items():
        if isinstance(fields.get(kind), Mapping):
            fields = fields.set(kind, with_extra(fields[kind], **usual))
    fields = _inside(fields, "downwardAPI", _items)
    fields = _inside(fields, "projected", lambda source: _each(source, "sources", _projection))
    return _inside(fields, "image", _image)


def _items(source: Any) -> Any:
    return _each(source, "items", _field)


def _projection(source: Any) -> Any:
    source = _inside(source, "downwardAPI", _items)
    return _inside(source, "serviceAccountToken", lambda token: with_extra(token, expirationSeconds=3600))


def _image(source: Any) -> Any:
    return with_extra(source, pullPolicy=pull_policy(source.get("reference") or ""))


def _field(source: Any) -> Any:
    """Say of which version the field of a Pod is that somebody reads."""
    return _inside(source, "fieldRef", lambda field: with_extra(field, apiVersion="v1"))


def _variable(variable: Any) -> Any:
    return _inside(variable, "valueFrom", _field)


def _container(container: Container) -> Container:
    return evolve(
        container,
        image_pull_policy=container.image_pull_policy or pull_policy(container.image),
        ports=tuple(map(_port, container.ports)),
        liveness_probe=_probe(container.liveness_probe),
        readiness_probe=_probe(container.readiness_probe),
        startup_probe=_probe(container.startup_probe),
        lifecycle=container.lifecycle and _lifecycle(container.lifecycle),
        extra=with_extra(
            _each(container.extra, "env", _variable),
            terminationMessagePath="/dev/termination-log",
            terminationMessagePolicy="File",
        ),
    )


def _lifecycle(lifecycle: Lifecycle) -> Lifecycle:
    return evolve(lifecycle, post_start=_hook(lifecycle.post_start), pre_stop=_hook(lifecycle.pre_stop))


def _hook(hook: LifecycleHandler | None) -> LifecycleHandler | None:
    return None if hook is None else evolve(hook, extra=_handler(hook.extra))


def pull_policy(image: str) -> str:
    """Return Always for `latest` and for no tag at all, else IfNotPresent; a digest without a tag counts as a tag.

    What is no name of an image has no tag that could be `latest` (pkg/util/parsers/parsers.go).
    """
    found = IMAGE.fullmatch(image)
    newest = found is not None and (found["tag"] == "latest" or not (found["tag"] or found["digest"]))
    return "Always" if newest else "IfNotPresent"


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
        extra=_handler(probe.extra),
    )


def _handler(extra: immutabledict[str, Json]) -> Any:
    """Return what is asked of a container, with the path and the scheme of an HTTP request."""
    filled = _inside(extra, "httpGet", lambda asked: with_extra(asked, path="/", scheme="HTTP"))
    return _inside(filled, "grpc", lambda asked: with_extra(asked, service=""))


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
