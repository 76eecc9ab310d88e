"""Why the containers of a Pod are never started, whatever its program does: read off what its manifest says.

Upstream: pkg/kubelet/kuberuntime/security_context_others.go (verifyRunAsNonRoot), pkg/kubelet/images/image_manager.go
(InvalidImageName), pkg/kubelet/sysctl/{allowlist,safe_sysctls}.go, pkg/kubelet/kubelet_pods.go (environment),
pkg/volume/{configmap,secret,projected} (v1.32); github.com/distribution/reference (names of images).
A kubelet tries again and again (CreateContainerConfigError, FailedMount, InvalidImageName, RunContainerError); here the
Pod waits. A Pod with a sysctl that is not safe is rejected and its ReplicaSet makes another one, for ever; that it
waits instead shows the same: none is ever ready. So little memory that the runtime cannot start a process in it is
`LEAST_MEMORY` at most: how much it takes depends on the runtime, and none gets by with that.
Left out on purpose: seccomp and AppArmor profiles and files of the node, kernels that lack a safe sysctl.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from attrs import frozen
from immutabledict import immutabledict

from ..api.core import Container, PodSpec
from ..api.meta import Ref
from ..api.references import keys_needed, references
from ..api.values.frozen import as_map
from ..api.volume_sources import PLUGINS_GONE

LEAST_MEMORY = 512 * 1024
"""With a limit of less bytes than that no container starts."""
SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
"""What a kubelet allows by itself; it can be told to allow more (--allowed-unsafe-sysctls)."""


@frozen
class Known:
    """What is known of the cluster that Pods start in.

    `absent` are the ConfigMaps and Secrets that do not exist, `contents` the keys of those that do and are known,
    `sysctls` those that the kubelets allow beside the safe ones.
    """

    absent: frozenset[Ref] = frozenset()
    contents: immutabledict[Ref, frozenset[str]] = immutabledict()
    sysctls: frozenset[str] = frozenset()


@frozen
class Obstacle:
    """What keeps a Pod's containers from starting: the field, below its spec, and what is wrong with it."""

    path: str
    why: str


def obstacles(spec: PodSpec, namespace: str, known: Known = Known()) -> Iterator[Obstacle]:
    """Yield what keeps the containers of a Pod in a namespace from ever being started; nothing for most Pods."""
    for reference in references(spec, namespace) if known.absent else ():
        if reference.ref in known.absent:
            yield Obstacle(reference.path, f"there is no {reference.ref} in the input")
    for need in keys_needed(spec, namespace) if known.contents else ():
        if need.ref in known.contents and need.key not in known.contents[need.ref]:
            yield Obstacle(need.path, f"the {need.ref} has no key {need.key!r}")
    yield from _volumes(spec)
    if not on_windows(spec):
        yield from _sysctls(spec, known.sysctls)
    for path, container in containers(spec):
        yield from _of_container(spec, container, path)


def containers(spec: PodSpec) -> Iterator[tuple[str, Container]]:
    """Yield the containers of a Pod, those that initialise it first, each with its path below the spec."""
    for field, all_ in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        yield from ((f"{field}[{index}]", container) for index, container in enumerate(all_))


def _of_container(spec: PodSpec, container: Container, path: str) -> Iterator[Obstacle]:
    if container.image and not is_image(container.image):
        yield Obstacle(f"{path}.image", f"{container.image!r} is no name of an image (InvalidImageName)")
    if runs_as(spec, container, "runAsNonRoot") is True and runs_as(spec, container, "runAsUser") == 0:
        inside = runs_as_own(container, "runAsUser")
        field = f"{path}.securityContext.runAsUser" if inside is not None else "securityContext.runAsUser"
        yield Obstacle(field, "user 0 is root, and runAsNonRoot does not let root run (CreateContainerConfigError)")
    limit = container.resources.limits.get("memory")
    if limit is not None and 0 < limit.value() < LEAST_MEMORY:
        size = limit.value()
        bytes_ = f"{size} byte{'' if size == 1 else 's'}"
        yield Obstacle(f"{path}.resources.limits.memory", f"no process can be started in {bytes_} of memory")


def _volumes(spec: PodSpec) -> Iterator[Obstacle]:
    for index, volume in enumerate(spec.extra.get("volumes") or ()):
        for source in sorted(as_map(volume).keys() & PLUGINS_GONE):
            why = f"no kubelet has a plugin for {source} any more (FailedMount): a claim of a CSI driver would do"
            yield Obstacle(f"volumes[{index}].{source}", why)


# --- users --------------------------------------------------------------------------------------------------------


def runs_as(spec: PodSpec, container: Container, field: str) -> Any:
    """Return a field of the security context in force for a container; None where none says it, or on Windows."""
    if on_windows(spec):
        return None
    own = runs_as_own(container, field)
    return as_map(spec.extra.get("securityContext")).get(field) if own is None else own


def runs_as_own(container: Container, field: str) -> Any:
    """Return a field of a container's own security context."""
    return as_map(container.extra.get("securityContext")).get(field)


def on_windows(spec: PodSpec) -> bool:
    """Tell whether a Pod says that it is for nodes with Windows, where users have names and there are no sysctls."""
    named = as_map(spec.extra.get("os")).get("name")
    return "windows" in {named, spec.node_selector.get("kubernetes.io/os")}


# --- sysctls ------------------------------------------------------------------------------------------------------


def sysctls(spec: PodSpec) -> tuple[str, ...]:
    """Name the sysctls that a Pod sets, with dots between their parts."""
    found = as_map(spec.extra.get("securityContext")).get("sysctls")
    return tuple(str(as_map(item).get("name", "")).replace("/", ".") for item in found or ())


def _sysctls(spec: PodSpec, allowed: frozenset[str]) -> Iterator[Obstacle]:
    for index, name in enumerate(sysctls(spec)):
        path = f"securityContext.sysctls[{index}].name"
        if name not in SAFE_SYSCTLS | allowed:
            how = "a kubelet allows it only if it is told to: --allowed-unsafe-sysctls"
            yield Obstacle(path, f"the sysctl {name} is not safe (SysctlForbidden; {how})")
        elif name.startswith("net.") and spec.host_network:
            yield Obstacle(path, f"the sysctl {name} is not allowed with hostNetwork (SysctlForbidden)")


# --- images -------------------------------------------------------------------------------------------------------

_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_REMAINDER = re.compile(
    rf"{_PART}(?:/{_PART})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?"
    r"(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?"
)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
MOST_LETTERS = 255
"""So long may the name of a repository be."""


def is_image(name: str) -> bool:
    """Tell whether a text is the name of an image: [DOMAIN/]PATH[:TAG][@DIGEST], the path in lower case."""
    if _IDENTIFIER.fullmatch(name):
        return False
    first, slash, rest = name.partition("/")
    if slash and (any(sign in first for sign in ".:") or first == "localhost" or first != first.lower()):
        domain, remainder = first, rest
    else:
        domain, remainder = "docker.io", name
    path = re.split("[:@]", remainder, maxsplit=1)[0]
    short = len(domain) + 1 + len(path) <= MOST_LETTERS
    return short and bool(_DOMAIN.fullmatch(domain)) and bool(_REMAINDER.fullmatch(remainder))
