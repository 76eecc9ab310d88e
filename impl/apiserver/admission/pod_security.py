"""Pod Security Standards: whether the admission of a namespace certainly lets a Pod in.

Upstream: staging/src/k8s.io/pod-security-admission/policy/check_*.go (v1.36), KEP-2579. Levels have versions, later
ones forbid a little more (probes of other hosts) or less (sysctls, SELinux types, Windows); what is allowed here is
allowed in every version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...api.core import Container, PodSpec
from ...api.values.frozen import as_map

BASELINE, RESTRICTED = "baseline", "restricted"
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
"""Annotations of Pods that said once what `appArmorProfile` says: they are not looked at here."""
CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
"""What a container may be given at the baseline."""
SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
    }
)
VOLUMES = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
SELINUX = frozenset({None, "", "container_t", "container_init_t", "container_kvm_t"})
CONFINED = frozenset({"RuntimeDefault", "Localhost"})


def allows(level: str, spec: PodSpec) -> bool:
    """Tell whether a Pod is let in at a level (baseline, restricted), in every version of it; False: it may not be."""
    pod = as_map(spec.extra.get("securityContext"))
    containers = (*spec.init_containers, *spec.containers)
    own = [as_map(one.extra.get("securityContext")) for one in containers]
    if spec.extra.get("ephemeralContainers") or level not in {BASELINE, RESTRICTED}:
        return False
    if any(_beyond_baseline(spec, containers, pod, own)):
        return False
    return level == BASELINE or not any(_beyond_restricted(spec, pod, own))


def _beyond_baseline(
    spec: PodSpec, containers: tuple[Container, ...], pod: Mapping[str, Any], own: list[Mapping[str, Any]]
) -> Iterator[bool]:
    everyone = (pod, *own)
    yield spec.host_network or bool(spec.extra.get("hostPID") or spec.extra.get("hostIPC"))
    yield any("hostPath" in as_map(volume) for volume in spec.extra.get("volumes") or ())
    yield any(port.host_port for one in containers for port in one.ports)
    yield any(map(_names_a_host, containers))
    for one in everyone:
        yield bool(as_map(one.get("windowsOptions")).get("hostProcess"))
        yield as_map(one.get("appArmorProfile")).get("type", "RuntimeDefault") not in CONFINED
        yield as_map(one.get("seccompProfile")).get("type", "RuntimeDefault") not in CONFINED
        selinux = as_map(one.get("seLinuxOptions"))
        yield selinux.get("type") not in SELINUX or bool(selinux.get("user") or selinux.get("role"))
    for one in own:
        yield bool(one.get("privileged")) or one.get("procMount", "Default") != "Default"
        yield not CAPABILITIES.issuperset(as_map(one.get("capabilities")).get("add") or ())
    yield not SYSCTLS.issuperset(as_map(sysctl).get("name") for sysctl in pod.get("sysctls") or ())


def _names_a_host(container: Container) -> bool:
    """Tell whether a probe or a hook speaks to another host."""
    hooks = container.lifecycle
    probes = (container.readiness_probe, container.liveness_probe, container.startup_probe)
    handlers = (*probes, *((hooks.post_start, hooks.pre_stop) if hooks else ()))
    return any(as_map(one.extra.get(how)).get("host") for one in handlers if one for how in ("httpGet", "tcpSocket"))


def _beyond_restricted(spec: PodSpec, pod: Mapping[str, Any], own: list[Mapping[str, Any]]) -> Iterator[bool]:
    yield any(not VOLUMES.issuperset(as_map(volume).keys() - {"name"}) for volume in spec.extra.get("volumes") or ())
    yield any(one.get("runAsUser") == 0 for one in (pod, *own))
    yield pod.get("runAsNonRoot") is False  # Refused even if every container says otherwise.
    for one in own:
        yield one.get("allowPrivilegeEscalation") is not False
        yield one.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True
        yield as_map(one.get("seccompProfile", pod.get("seccompProfile"))).get("type") not in CONFINED
        capabilities = as_map(one.get("capabilities"))
        yield "ALL" not in (capabilities.get("drop") or ())
        yield not {"NET_BIND_SERVICE"}.issuperset(capabilities.get("add") or ())
