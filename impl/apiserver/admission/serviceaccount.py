"""The admission plugin ServiceAccount: the account a Pod runs as, its token, and the secrets it may use.

Upstream: plugin/pkg/admission/serviceaccount/admission.go (v1.36).
Left out on purpose: ephemeral containers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ...api.core import Container, Pod, PodSpec
from ...api.kinds import ref_of
from ...api.meta import Ref
from ...api.requests import Response
from ...api.values.frozen import as_map, freeze
from ...api.well_known import MIRROR
from ..defaulting.pod_defaults import with_account
from ..status import forbidden
from ..storage import Storage

DEFAULT = "default"
TOKEN_VOLUME = "kube-api-access-"  # noqa: S105 - the name of a volume
"""What the volume of the token is called, and a random end."""
MOUNTED_AT = "/var/run/secrets/kubernetes.io/serviceaccount"
ENFORCED = "kubernetes.io/enforce-mountable-secrets"
TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
"""What strconv.ParseBool takes for true."""
SECONDS = 3607
SOURCES = freeze(
    {
        "defaultMode": 0o644,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": SECONDS, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {
                "downwardAPI": {
                    "items": [
                        {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
                    ]
                }
            },
        ],
    }
)


def named(pod: Pod) -> Pod:
    """Return a Pod that runs as `default` where it says nothing; a mirror Pod stays as its kubelet wrote it."""
    if pod.spec.service_account_name or MIRROR in pod.metadata.annotations:
        return pod
    return evolve(pod, spec=with_account(pod.spec, DEFAULT))


def runs_as_default(pod: Pod) -> bool:
    """Tell whether a Pod runs as the account `default` of its namespace, which is asked for."""
    return MIRROR not in pod.metadata.annotations and named(pod).spec.service_account_name == DEFAULT


def with_its_account(storage: Storage, pod: Pod, suffix: str) -> Pod | Response:
    """Return a Pod with its account's token and pull secrets, or why it may not run as it (403).

    `suffix` completes the name of the volume in which the token is.
    """
    if MIRROR in pod.metadata.annotations:
        why = _mirrored(pod.spec)
        return forbidden(ref_of(pod), why) if why else pod
    name = pod.spec.service_account_name
    account = storage.get(Ref("ServiceAccount", pod.metadata.namespace, name))
    if account is None:
        return missing(pod)
    said = account_fields(account)
    automount = pod.spec.extra.get("automountServiceAccountToken", said.get("automountServiceAccountToken", True))
    spec = _with_token(pod.spec, suffix) if automount else pod.spec
    if not spec.extra.get("imagePullSecrets") and said.get("imagePullSecrets"):
        pulls = freeze([{"name": as_map(secret).get("name")} for secret in said["imagePullSecrets"]])
        spec = evolve(spec, extra=immutabledict(sorted({**spec.extra, "imagePullSecrets": pulls}.items())))
    if account.metadata.annotations.get(ENFORCED, "") in TRUE and (why := _beyond(spec, name, said)):
        return forbidden(ref_of(pod), why)
    return evolve(pod, spec=spec)


def account_fields(account: Any) -> Mapping[str, Any]:
    """Return what an account says beside its metadata."""
    return as_map(account.extra)


def missing(pod: Pod) -> Response:
    """Say that the account of a Pod does not exist."""
    name = pod.spec.service_account_name
    where = f"{pod.metadata.namespace}/{name}"
    return forbidden(ref_of(pod), f'error looking up service account {where}: serviceaccount "{name}" not found')


def _mirrored(spec: PodSpec) -> str:
    if spec.service_account_name:
        return "a mirror pod may not reference service accounts"
    if any(True for _ in _secrets(spec)):
        return "a mirror pod may not reference secrets"
    return ""


def _secrets(spec: PodSpec) -> Iterator[str]:
    """Yield the secrets of volumes and variables."""
    yield from (str(as_map(volume["secret"]).get("secretName")) for volume in _volumes(spec) if "secret" in volume)
    for container in (*spec.init_containers, *spec.containers):
        yield from (secret for _, secret in _of_variables(container))
        yield from _of_sources(container)


def _volumes(spec: PodSpec) -> list[Mapping[str, Any]]:
    return [as_map(volume) for volume in spec.extra.get("volumes") or ()]


def _of_variables(container: Container) -> Iterator[tuple[str, str]]:
    for variable in map(as_map, container.extra.get("env") or ()):
        secret = as_map(as_map(variable.get("valueFrom")).get("secretKeyRef"))
        if secret:
            yield str(variable.get("name")), str(secret.get("name"))


def _of_sources(container: Container) -> Iterator[str]:
    for source in map(as_map, container.extra.get("envFrom") or ()):
        if "secretRef" in source:
            yield str(as_map(source["secretRef"]).get("name"))


def _beyond(spec: PodSpec, account: str, said: Mapping[str, Any]) -> str:
    """Say which secret a Pod uses that its account does not name."""
    known = {as_map(secret).get("name") for secret in said.get("secrets") or ()}
    tail = f"is not allowed because service account {account} does not reference that"
    for volume in _volumes(spec):
        name = as_map(volume.get("secret")).get("secretName")
        if "secret" in volume and name not in known:
            return f'volume with secret.secretName="{name}" {tail} secret'
    everyone = (("init container", spec.init_containers), ("container", spec.containers))
    for role, container in ((role, container) for role, some in everyone for container in some):
        for variable, name in _of_variables(container):
            if name not in known:
                who = f"{role} {container.name} with envVar {variable}"
                return f'{who} referencing secret.secretName="{name}" {tail} secret'
        for name in _of_sources(container):
            if name not in known:
                return f'{role} {container.name} with envFrom referencing secret.secretName="{name}" {tail} secret'
    pulls = {as_map(secret).get("name") for secret in said.get("imagePullSecrets") or ()}
    for at, secret in enumerate(map(as_map, spec.extra.get("imagePullSecrets") or ())):
        if secret.get("name") not in pulls:
            return f'imagePullSecrets[{at}].name="{secret.get("name")}" {tail} imagePullSecret'
    return ""


def _with_token(spec: PodSpec, suffix: str) -> PodSpec:
    """Mount the token in each container that has nothing there already."""
    there = next(
        (str(entry["name"]) for entry in _volumes(spec) if str(entry.get("name")).startswith(TOKEN_VOLUME)), ""
    )
    mount = freeze({"name": there or f"{TOKEN_VOLUME}{suffix}", "readOnly": True, "mountPath": MOUNTED_AT})

    def mounted(container: Container) -> Container:
        mounts = container.extra.get("volumeMounts") or ()
        if any(as_map(known).get("mountPath") == MOUNTED_AT for known in mounts):
            return container
        extra = {**container.extra, "volumeMounts": (*mounts, mount)}
        return evolve(container, extra=immutabledict(sorted(extra.items())))

    with_mounts = evolve(
        spec,
        containers=tuple(map(mounted, spec.containers)),
        init_containers=tuple(map(mounted, spec.init_containers)),
    )
    if there or with_mounts == spec:
        return with_mounts
    volume = immutabledict({"name": f"{TOKEN_VOLUME}{suffix}", "projected": SOURCES})
    extra = {**spec.extra, "volumes": (*(spec.extra.get("volumes") or ()), volume)}
    return evolve(with_mounts, extra=immutabledict(sorted(extra.items())))
