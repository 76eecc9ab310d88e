"""The admission plugin PodSecurity: whether a namespace lets a Pod in that asks for much.

Upstream: staging/src/k8s.io/pod-security-admission/{admission/admission.go,policy/check_*.go} (v1.36), KEP-2579. Levels
have versions, later ones forbid a little more (probes of other hosts) or less (sysctls, SELinux types, Windows, user
namespaces). What is allowed here is allowed in every version, and what is refused, in the latest one of each release
from 1.32 on; what is neither is let in, and whoever asks for a verdict has to say so.
Left out on purpose: exemptions (there are none unless an API server's configuration has some), levels of other versions
(`enforce-version`), `warn` and `audit`, annotations for AppArmor, the details that follow each reason in a message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from ...api.core import Container, Namespace, Pod, PodSpec
from ...api.kinds import ref_of
from ...api.meta import Ref
from ...api.requests import Response
from ...api.values.frozen import as_map
from ..status import forbidden
from ..storage import Storage

ENFORCE = "pod-security.kubernetes.io/enforce"
"""The label of a namespace that says which level its Pods must keep to."""
VERSION = "pod-security.kubernetes.io/enforce-version"
PRIVILEGED, BASELINE, RESTRICTED = "privileged", "baseline", "restricted"
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
LATER_SYSCTLS = "net.ipv4."
"""What the names begin with of those that later versions allow as well."""
LATER_SELINUX = frozenset({"container_engine_t"})
LATER_VOLUMES = frozenset({"image"})


@frozen
class Breach:
    """What a Pod asks for that a level forbids, in upstream's words; `surely`: the latest version in each release."""

    reason: str
    surely: bool = True


def refusal(storage: Storage, pod: Pod) -> Response | None:
    """Return why a namespace does not let a Pod in (403), None if it does or it is not known."""
    found = reasons(storage, pod)
    return forbidden(ref_of(pod), found) if found else None


def reasons(storage: Storage, pod: Pod) -> str:
    """Say what a Pod asks for that its namespace surely forbids, "" if nothing."""
    namespace = storage.get(Ref("Namespace", "", pod.metadata.namespace))
    labels: Mapping[str, str] = namespace.metadata.labels if isinstance(namespace, Namespace) else {}
    level = labels.get(ENFORCE, PRIVILEGED)
    if level == PRIVILEGED or labels.get(VERSION, "latest") != "latest":
        return ""
    found = dict.fromkeys(breach.reason for breach in breaches(level, pod.spec) if breach.surely)
    return f'violates PodSecurity "{level}:latest": {", ".join(found)}' if found else ""


def is_significant(new: Pod, old: Pod) -> bool:
    """Tell whether a changed Pod is looked at again: its containers have other images (isSignificantPodUpdate)."""
    after, before = ((*pod.spec.init_containers, *pod.spec.containers) for pod in (new, old))
    return [one.image for one in after] != [one.image for one in before]


def allows(level: str, spec: PodSpec) -> bool:
    """Tell whether a Pod is let in at a level (baseline, restricted), in every version of it; False: it may not be."""
    if spec.extra.get("ephemeralContainers") or level not in {BASELINE, RESTRICTED}:
        return False
    return not any(True for _ in breaches(level, spec))


def forbids(level: str, spec: PodSpec) -> bool:
    """Tell whether a Pod is refused at a level, in its latest version of each release."""
    return any(breach.surely for breach in breaches(level, spec))


def breaches(level: str, spec: PodSpec) -> Iterator[Breach]:
    """Yield what a Pod asks for that a level forbids: baseline, or restricted, which forbids all that it does."""
    if level not in {BASELINE, RESTRICTED}:
        return
    pod = as_map(spec.extra.get("securityContext"))
    containers = (*spec.init_containers, *spec.containers)
    own = [as_map(one.extra.get("securityContext")) for one in containers]
    yield from _beyond_baseline(spec, containers, pod, own)
    if level == RESTRICTED:
        yield from _beyond_restricted(spec, pod, own)


def _beyond_baseline(
    spec: PodSpec, containers: tuple[Container, ...], pod: Mapping[str, Any], own: list[Mapping[str, Any]]
) -> Iterator[Breach]:
    everyone = (pod, *own)
    if spec.host_network or spec.extra.get("hostPID") or spec.extra.get("hostIPC"):
        yield Breach("host namespaces")
    if any("hostPath" in as_map(volume) for volume in spec.extra.get("volumes") or ()):
        yield Breach("hostPath volumes")
    if any(port.host_port for one in containers for port in one.ports):
        yield Breach("hostPort")
    if any(map(_names_a_host, containers)):
        yield Breach("probe or lifecycle host", surely=False)
    for one in everyone:
        if as_map(one.get("windowsOptions")).get("hostProcess"):
            yield Breach("hostProcess")
        if as_map(one.get("appArmorProfile")).get("type", "RuntimeDefault") not in CONFINED:
            yield Breach("forbidden AppArmor profile")
        if as_map(one.get("seccompProfile")).get("type", "RuntimeDefault") not in CONFINED:
            yield Breach("seccompProfile")
        selinux = as_map(one.get("seLinuxOptions"))
        if selinux.get("user") or selinux.get("role"):
            yield Breach("seLinuxOptions")
        if (kind := selinux.get("type")) not in SELINUX:
            yield Breach("seLinuxOptions", surely=kind not in LATER_SELINUX)
    for one in own:
        if one.get("privileged"):
            yield Breach("privileged")
        if one.get("procMount", "Default") != "Default":
            yield Breach("procMount", surely=_is_host_user(spec))
        if not CAPABILITIES.issuperset(as_map(one.get("capabilities")).get("add") or ()):
            yield Breach("non-default capabilities")
    asked = {str(as_map(sysctl).get("name")) for sysctl in pod.get("sysctls") or ()} - SYSCTLS
    if asked:
        yield Breach("forbidden sysctls", surely=any(not name.startswith(LATER_SYSCTLS) for name in asked))


def _names_a_host(container: Container) -> bool:
    """Tell whether a probe or a hook speaks to another host."""
    hooks = container.lifecycle
    probes = (container.readiness_probe, container.liveness_probe, container.startup_probe)
    handlers = (*probes, *((hooks.post_start, hooks.pre_stop) if hooks else ()))
    return any(as_map(one.extra.get(how)).get("host") for one in handlers if one for how in ("httpGet", "tcpSocket"))


def _is_host_user(spec: PodSpec) -> bool:
    """Tell whether a Pod is without a user namespace of its own, in which later versions let it be root."""
    return spec.extra.get("hostUsers") is not False


def _beyond_restricted(spec: PodSpec, pod: Mapping[str, Any], own: list[Mapping[str, Any]]) -> Iterator[Breach]:
    host_user = _is_host_user(spec)
    unix = as_map(spec.extra.get("os")).get("name") != "windows"
    others = {key for volume in spec.extra.get("volumes") or () for key in as_map(volume).keys() - {"name"}} - VOLUMES
    if others:
        yield Breach("restricted volume types", surely=not others <= LATER_VOLUMES)
    if any(one.get("runAsUser") == 0 for one in (pod, *own)):
        yield Breach("runAsUser=0", host_user)
    if pod.get("runAsNonRoot") is False:  # Refused even if every container says otherwise.
        yield Breach("runAsNonRoot != true", host_user)
    for one in own:
        if one.get("allowPrivilegeEscalation") is not False:
            yield Breach("allowPrivilegeEscalation != false", unix)
        if one.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
            yield Breach("runAsNonRoot != true", host_user)
        if as_map(one.get("seccompProfile", pod.get("seccompProfile"))).get("type") not in CONFINED:
            yield Breach("seccompProfile", unix)
        capabilities = as_map(one.get("capabilities"))
        if "ALL" not in (capabilities.get("drop") or ()):
            yield Breach("unrestricted capabilities", unix)
        if not {"NET_BIND_SERVICE"}.issuperset(capabilities.get("add") or ()):
            yield Breach("unrestricted capabilities", unix)
