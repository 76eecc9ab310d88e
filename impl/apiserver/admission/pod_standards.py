"""The Pod Security Standards: what a Pod asks for that a level forbids, check by check, in upstream's words.

Upstream: staging/src/k8s.io/pod-security-admission/policy/{check_*.go,registry.go,helpers.go} (v1.36), KEP-2579. Levels
have versions: later ones forbid a little more (probes of other hosts) or less (sysctls, SELinux types, Windows, user
namespaces). A version is its minor number; those from 1.25 on are known.
Left out on purpose: annotations for AppArmor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from ...api.core import Container, PodSpec
from ...api.values.frozen import as_map

PRIVILEGED, BASELINE, RESTRICTED = "privileged", "baseline", "restricted"
LEVELS = (PRIVILEGED, BASELINE, RESTRICTED)
EARLIEST, LATEST = 25, 36
"""The versions that are known. Those before differ in what a Pod for Windows must say."""
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
SYSCTLS = {
    "kernel.shm_rmid_forced": 0,
    "net.ipv4.ip_local_port_range": 0,
    "net.ipv4.ip_local_reserved_ports": 27,
    "net.ipv4.ip_unprivileged_port_start": 0,
    "net.ipv4.ping_group_range": 0,
    "net.ipv4.tcp_fin_timeout": 29,
    "net.ipv4.tcp_keepalive_intvl": 29,
    "net.ipv4.tcp_keepalive_probes": 29,
    "net.ipv4.tcp_keepalive_time": 29,
    "net.ipv4.tcp_rmem": 32,
    "net.ipv4.tcp_syncookies": 0,
    "net.ipv4.tcp_wmem": 32,
}
"""The sysctls that are allowed, each since which version."""
SELINUX = {"": 0, "container_t": 0, "container_init_t": 0, "container_kvm_t": 0, "container_engine_t": 31}
VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
CONFINED = frozenset({"RuntimeDefault", "Localhost"})
HOSTS_SINCE, USERS_SINCE = 34, 35
"""Since which version probes may not name hosts, and a user namespace of its own lets a Pod be root in it."""
Context = Mapping[str, Any]


@frozen
class Breach:
    """What a Pod asks for that a level forbids, and where."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})"


@frozen
class _Asked:
    """What a Pod asks for: what it says for all, and each container's name with what it says for itself."""

    spec: PodSpec
    minor: int

    @property
    def pod(self) -> Context:
        return as_map(self.spec.extra.get("securityContext"))

    @property
    def containers(self) -> tuple[Container, ...]:
        return (*self.spec.init_containers, *self.spec.containers)

    def each(self) -> Iterator[tuple[str, Context]]:
        for container in self.containers:
            yield container.name, as_map(container.extra.get("securityContext"))

    @property
    def is_windows(self) -> bool:
        """Whether it is for Windows, of which less is asked since 1.25."""
        return self.minor >= EARLIEST and as_map(self.spec.extra.get("os")).get("name") == "windows"

    @property
    def has_users(self) -> bool:
        """Whether it has a user namespace of its own, in which it may be root in later versions."""
        return self.spec.extra.get("hostUsers") is False and self.minor >= USERS_SINCE


Check = Callable[[_Asked], Breach | None]


def breaches(level: str, spec: PodSpec, minor: int = LATEST) -> Iterator[Breach]:
    """Yield what a Pod asks for that a version of a level forbids, in the order of upstream's messages."""
    checks = {BASELINE: _BASELINE, RESTRICTED: _RESTRICTED}.get(level, ())
    asked = _Asked(spec, minor)
    for check in checks:
        if (found := check(asked)) is not None:
            yield found


# --- words ------------------------------------------------------------------------------------------------------------


def _quoted(items: Iterable[str]) -> str:
    return ", ".join(f'"{item}"' for item in items)


def _plural(word: str, items: Iterable[str]) -> str:
    return word if len(tuple(items)) == 1 else f"{word}s"


def _containers(names: list[str]) -> str:
    return f"{_plural('container', names)} {_quoted(names)}"


def _setters(asked: _Asked, is_bad: Callable[[Context], bool], *, pod: bool = True) -> str:
    """Say who has set what may not be: the Pod, containers, or both; "" for nobody."""
    names = [name for name, own in asked.each() if is_bad(own)]
    found = [*(["pod"] if pod and is_bad(asked.pod) else []), *([_containers(names)] if names else [])]
    return " and ".join(found)


def _values(asked: _Asked, read: Callable[[Context], Iterable[str]], *, pod: bool = True) -> list[str]:
    return sorted({value for own in ((asked.pod,) if pod else ()) for value in read(own)}
                  | {value for _, own in asked.each() for value in read(own)})  # fmt: skip


# --- the baseline -----------------------------------------------------------------------------------------------------


def _app_armor(asked: _Asked) -> Breach | None:
    bad = _wrong_types("appArmorProfile")
    who, values = _setters(asked, lambda own: bool(list(bad(own)))), _values(asked, bad)
    reason = _plural("forbidden AppArmor profile", values)
    return Breach(reason, f"{who} must not set AppArmor profile type to {_quoted(values)}") if who else None


def _wrong_types(field: str) -> Callable[[Context], Iterator[str]]:
    """Return what reads the type of a profile if it is one that confines nobody."""

    def read(own: Context) -> Iterator[str]:
        if own.get(field) is not None and (value := as_map(own[field]).get("type", "")) not in CONFINED:
            yield value

    return read


def _added(asked: _Asked, allowed: Iterable[str]) -> str:
    def wrong(own: Context) -> Iterator[str]:
        yield from (
            capability for capability in as_map(own.get("capabilities")).get("add") or () if capability not in allowed
        )

    who = _setters(asked, lambda own: any(True for _ in wrong(own)), pod=False)
    values = _quoted(_values(asked, wrong, pod=False))
    return f"{who} must not include {values} in securityContext.capabilities.add" if who else ""


def _capabilities(asked: _Asked) -> Breach | None:
    told = _added(asked, CAPABILITIES)
    return Breach("non-default capabilities", told) if told else None


def _host_namespaces(asked: _Asked) -> Breach | None:
    spec = asked.spec
    on = {"hostNetwork": spec.host_network, "hostPID": spec.extra.get("hostPID"), "hostIPC": spec.extra.get("hostIPC")}
    found = [f"{name}=true" for name, value in on.items() if value]
    return Breach("host namespaces", ", ".join(found)) if found else None


def _host_paths(asked: _Asked) -> Breach | None:
    found = [str(volume.get("name")) for volume in _volumes(asked) if "hostPath" in volume]
    return Breach("hostPath volumes", f"{_plural('volume', found)} {_quoted(found)}") if found else None


def _volumes(asked: _Asked) -> list[Context]:
    return [as_map(volume) for volume in asked.spec.extra.get("volumes") or ()]


def _host_ports(asked: _Asked) -> Breach | None:
    who = [container.name for container in asked.containers if any(port.host_port for port in container.ports)]
    ports = sorted(
        {str(port.host_port) for container in asked.containers for port in container.ports if port.host_port}
    )
    told = f"{_containers(who)} {_use(who)} {_plural('hostPort', ports)} {', '.join(ports)}"
    return Breach("hostPort", told) if who else None


def _use(who: list[str]) -> str:
    return "uses" if len(who) == 1 else "use"


def _host_handlers(asked: _Asked) -> Breach | None:
    found = {container.name: named for container in asked.containers if (named := set(_hosts_of(container)))}
    if asked.minor < HOSTS_SINCE or not found:
        return None
    who, hosts = sorted(found), sorted({host for some in found.values() for host in some})
    word = "probe or lifecycle host"
    return Breach(word, f"{_containers(who)} {_use(who)} {_plural(word, hosts)} {_quoted(hosts)}")


def _hosts_of(container: Container) -> Iterator[str]:
    """Yield the other hosts that a probe or a hook speaks to."""
    hooks = container.lifecycle
    probes = (container.readiness_probe, container.liveness_probe, container.startup_probe)
    handlers = (*probes, *((hooks.post_start, hooks.pre_stop) if hooks else ()))
    named = (
        as_map(handler.extra.get(how)).get("host")
        for handler in handlers
        if handler
        for how in ("httpGet", "tcpSocket")
    )
    yield from filter(None, named)


def _privileged(asked: _Asked) -> Breach | None:
    who = _setters(asked, lambda own: bool(own.get("privileged")), pod=False)
    return Breach("privileged", f"{who} must not set securityContext.privileged=true") if who else None


def _proc_mount(asked: _Asked) -> Breach | None:
    def wrong(own: Context) -> Iterator[str]:
        if (value := own.get("procMount")) not in {None, "Default"}:
            yield str(value)

    who = _setters(asked, lambda own: bool(list(wrong(own))), pod=False)
    values = _quoted(_values(asked, wrong, pod=False))
    return Breach("procMount", f"{who} must not set securityContext.procMount to {values}") if who else None


def _proc_mount_of_the_host(asked: _Asked) -> Breach | None:
    return None if asked.has_users else _proc_mount(asked)


def _selinux(asked: _Asked) -> Breach | None:
    def options(own: Context) -> Context:
        return as_map(own.get("seLinuxOptions"))

    def types(own: Context) -> Iterator[str]:
        kind = options(own).get("type") or ""
        if SELINUX.get(kind, LATEST + 1) > asked.minor:
            yield kind

    def sets(field: str) -> bool:
        return any(options(own).get(field) for own in (asked.pod, *(own for _, own in asked.each())))

    who = _setters(asked, lambda own: bool(list(types(own)) or options(own).get("user") or options(own).get("role")))
    if not who:
        return None
    values = _values(asked, types)
    said = [
        *([f"{_plural('type', values)} {_quoted(values)}"] if values else []),
        *(f"{field} may not be set" for field in ("user", "role") if sets(field)),
    ]
    return Breach("seLinuxOptions", f"{who} set forbidden securityContext.seLinuxOptions: {'; '.join(said)}")


def _seccomp(asked: _Asked) -> Breach | None:
    bad = _wrong_types("seccompProfile")
    who, values = _setters(asked, lambda own: bool(list(bad(own)))), _quoted(_values(asked, bad))
    told = f"{who} must not set securityContext.seccompProfile.type to {values}"
    return Breach("seccompProfile", told) if who else None


def _sysctls(asked: _Asked) -> Breach | None:
    names = [str(as_map(sysctl).get("name")) for sysctl in asked.pod.get("sysctls") or ()]
    found = [name for name in names if SYSCTLS.get(name, LATEST + 1) > asked.minor]
    return Breach("forbidden sysctls", ", ".join(found)) if found else None


def _host_process(asked: _Asked) -> Breach | None:
    who = _setters(asked, lambda own: bool(as_map(own.get("windowsOptions")).get("hostProcess")))
    told = f"{who} must not set securityContext.windowsOptions.hostProcess=true"
    return Breach("hostProcess", told) if who else None


# --- what is beyond the stricter level --------------------------------------------------------------------------------


def _escalation(asked: _Asked) -> Breach | None:
    who = _setters(asked, lambda own: own.get("allowPrivilegeEscalation") is not False, pod=False)
    told = f"{who} must set securityContext.allowPrivilegeEscalation=false"
    return Breach("allowPrivilegeEscalation != false", told) if who and not asked.is_windows else None


def _restricted_capabilities(asked: _Asked) -> Breach | None:
    if asked.is_windows:
        return None
    who = _setters(asked, lambda own: "ALL" not in (as_map(own.get("capabilities")).get("drop") or ()), pod=False)
    kept = f'{who} must set securityContext.capabilities.drop=["ALL"]' if who else ""
    told = [reason for reason in (kept, _added(asked, ("NET_BIND_SERVICE",))) if reason]
    return Breach("unrestricted capabilities", "; ".join(told)) if told else None


def _restricted_volumes(asked: _Asked) -> Breach | None:
    bad = {
        str(volume.get("name")): volume.keys() - {"name"} for volume in _volumes(asked) if not volume.keys() & VOLUMES
    }
    if not bad:
        return None
    names, kinds = list(bad), sorted({kind for sources in bad.values() for kind in sources})
    what = f"{_plural('restricted volume type', kinds)} {_quoted(kinds)}"
    return Breach("restricted volume types", f"{_plural('volume', names)} {_quoted(names)} {_use(names)} {what}")


def _non_root(asked: _Asked) -> Breach | None:
    if asked.has_users:
        return None
    if who := _setters(asked, lambda own: own.get("runAsNonRoot") is False):
        return Breach("runAsNonRoot != true", f"{who} must not set securityContext.runAsNonRoot=false")
    silent = [] if asked.pod.get("runAsNonRoot") else [n for n, own in asked.each() if own.get("runAsNonRoot") is None]
    told = f"pod or {_containers(silent)} must set securityContext.runAsNonRoot=true"
    return Breach("runAsNonRoot != true", told) if silent else None


def _root(asked: _Asked) -> Breach | None:
    who = _setters(asked, lambda own: own.get("runAsUser") == 0)
    return Breach("runAsUser=0", f"{who} must not set runAsUser=0") if who and not asked.has_users else None


def _restricted_seccomp(asked: _Asked) -> Breach | None:
    if asked.is_windows:
        return None
    if (found := _seccomp(asked)) is not None:
        return found
    silent = [] if asked.pod.get("seccompProfile") else [n for n, own in asked.each() if not own.get("seccompProfile")]
    must = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return Breach("seccompProfile", f"pod or {_containers(silent)} {must}") if silent else None


_BASELINE: tuple[Check, ...] = (
    _app_armor,
    _capabilities,
    _host_namespaces,
    _host_paths,
    _host_ports,
    _host_handlers,
    _privileged,
    _proc_mount_of_the_host,
    _selinux,
    _seccomp,
    _sysctls,
    _host_process,
)
"""In the order of upstream's names of the checks, as messages have them."""
_OVERRIDDEN: tuple[Check, ...] = (_capabilities, _host_paths, _proc_mount_of_the_host, _seccomp)
"""What the stricter level says in other words (OverrideCheckIDs)."""
_RESTRICTED: tuple[Check, ...] = (
    *(check for check in _BASELINE if check not in _OVERRIDDEN),
    _escalation,
    _restricted_capabilities,
    _proc_mount,
    _restricted_volumes,
    _non_root,
    _root,
    _restricted_seccomp,
)
