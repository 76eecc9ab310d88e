"""Validation of a Pod's volumes, and of where its containers mount them.

Upstream: pkg/apis/core/validation/validation.go (v1.32): ValidateVolumes, validateVolumeSource, ValidateVolumeMounts,
ValidateVolumeDevices; pkg/apis/core/v1/defaults.go (SetDefaults_Volume).
Left out on purpose: what the sources of one storage system say; paths inside a volume.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...api.core import Container, PodSpec
from .field_error import FieldError, duplicate, forbidden, invalid, not_found, not_supported, required
from .names import label_errors

Volume = Mapping[str, Any]
Volumes = Mapping[str, Volume]
"""The volumes that keep the rules, by name: only those can be mounted."""

SOURCES = (
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
)
"""In the order Kubernetes looks for them: the first that is there is the volume's, every other is one too many."""
AS_BLAMED = {"downwardAPI": "downwarAPI", "cephfs": "cephFS"}
"""Sources that Kubernetes spells otherwise when there is one too many."""
NEEDED = {
    "hostPath": ("path",),
    "secret": ("secretName",),
    "nfs": ("server", "path"),
    "persistentVolumeClaim": ("claimName",),
    "configMap": ("name",),
    "csi": ("driver",),
}
"""What a source cannot do without."""
HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
MODE = "must be a number between 0 and 0777 (octal), both inclusive"
BLOCK = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"


def validate_volumes(field: str, spec: PodSpec) -> tuple[Volumes, list[FieldError]]:
    """Return the volumes that can be mounted, and the broken rules of the others."""
    good: dict[str, Volume] = {}
    errors: list[FieldError] = []
    for index, volume in enumerate(entries(spec.extra.get("volumes"))):
        place, name = f"{field}.volumes[{index}]", volume.get("name") or ""
        wrong = list(_source(place, volume))
        if not name:
            wrong.append(required(f"{place}.name"))
        else:
            wrong += [invalid(f"{place}.name", name, detail) for detail in label_errors(name)]
        if name in good:
            wrong.append(duplicate(f"{place}.name", name))
        if wrong:
            errors += wrong
        else:
            good[name] = volume
    return good, errors


def entries(value: Any) -> tuple[Mapping[str, Any], ...]:
    """Read a list of objects that has no class: what is no object is for the reading of manifests to refuse."""
    return tuple(item for item in value or () if isinstance(item, Mapping))


def _source(field: str, volume: Volume) -> Iterator[FieldError]:
    """There is one source at most; none at all is an emptyDir."""
    given = [kind for kind in SOURCES if volume.get(kind) is not None]
    for kind in given[:1]:
        yield from validate_source(f"{field}.{kind}", kind, volume[kind])
    for kind in given[1:]:
        yield forbidden(f"{field}.{AS_BLAMED.get(kind, kind)}", "may not specify more than 1 volume type")


def validate_source(field: str, kind: str, source: Mapping[str, Any]) -> Iterator[FieldError]:
    """Yield the broken rules of a source."""
    for name in NEEDED.get(kind, ()):
        if not source.get(name):
            yield required(f"{field}.{name}")
    mode = source.get("defaultMode")
    if isinstance(mode, int) and not 0 <= mode <= 0o777:
        yield invalid(f"{field}.defaultMode", mode, MODE)
    for index, item in enumerate(entries(source.get("items")) if kind in {"configMap", "secret"} else ()):
        yield from _item(f"{field}.items[{index}]", item)
    if kind == "hostPath" and (path := source.get("path")):
        if ".." in path.split("/"):
            yield invalid(f"{field}.path", path, "must not contain '..'")
        if (type_ := source.get("type") or "") not in HOST_PATH_TYPES:
            yield not_supported(f"{field}.type", type_, HOST_PATH_TYPES)


def _item(field: str, item: Mapping[str, Any]) -> Iterator[FieldError]:
    """Check a key that is put into a file of its own: the path stays inside the volume."""
    path = item.get("path") or ""
    if not item.get("key"):
        yield required(f"{field}.key")
    if not path:
        yield required(f"{field}.path")
    if path.startswith("/"):
        yield invalid(f"{field}.path", path, "must be a relative path")
    if ".." in path.split("/"):
        yield invalid(f"{field}.path", path, "must not contain '..'")
    elif path.startswith(".."):
        yield invalid(f"{field}.path", path, "must not start with '..'")


def validate_mounts(field: str, container: Container, volumes: Volumes) -> Iterator[FieldError]:
    """Yield the broken rules of where a container has its volumes: as files, or as devices."""
    mounts = entries(container.extra.get("volumeMounts"))
    devices = entries(container.extra.get("volumeDevices"))
    context: Any = container.extra.get("securityContext") or {}
    privileged = bool(context.get("privileged"))
    yield from _mounts(f"{field}.volumeMounts", mounts, devices, volumes, privileged=privileged)
    yield from _devices(f"{field}.volumeDevices", devices, mounts, volumes)


def _mounts(
    field: str, mounts: tuple[Volume, ...], devices: tuple[Volume, ...], volumes: Volumes, *, privileged: bool
) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, mount in enumerate(mounts):
        place, name, path = f"{field}[{index}]", mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            yield required(f"{place}.name")
        if name not in volumes:
            yield not_found(f"{place}.name", name)
        if not path:
            yield required(f"{place}.mountPath")
        if path in seen:
            yield invalid(f"{place}.mountPath", path, "must be unique")
        seen.add(path)
        if any(device.get("name") == name for device in devices):
            yield invalid(f"{place}.name", name, "must not already exist in volumeDevices")
        if any(device.get("devicePath") == path for device in devices):
            yield invalid(f"{place}.mountPath", path, "must not already exist as a path in volumeDevices")
        how = mount.get("mountPropagation")
        if how is not None and how not in PROPAGATIONS:
            yield not_supported(f"{field}.mountPropagation", how, PROPAGATIONS)
        if how == "Bidirectional" and not privileged:
            detail = "Bidirectional mount propagation is available only to privileged containers"
            yield forbidden(f"{field}.mountPropagation", detail)
        if mount.get("subPath") and (text := mount.get("subPathExpr")):
            detail = "subPathExpr and subPath are mutually exclusive"
            yield invalid(f"{place}.subPathExpr", text, detail)


def _devices(
    field: str, devices: tuple[Volume, ...], mounts: tuple[Volume, ...], volumes: Volumes
) -> Iterator[FieldError]:
    names: set[str] = set()
    paths: set[str] = set()
    for index, device in enumerate(devices):
        place, name, path = f"{field}[{index}]", device.get("name") or "", device.get("devicePath") or ""
        if not name:
            yield required(f"{place}.name")
        if name in names:
            yield invalid(f"{place}.name", name, "must be unique")
        names |= {name} if name else set()
        volume = volumes.get(name)
        if volume is None:
            yield not_found(f"{place}.name", name)
        elif volume.get("persistentVolumeClaim") is None and volume.get("ephemeral") is None:
            yield invalid(f"{place}.name", name, BLOCK)
        if not path:
            yield required(f"{place}.devicePath")
        if path in paths:
            yield invalid(f"{place}.devicePath", path, "must be unique")
        paths.add(path)
        if any(mount.get("name") == name for mount in mounts):
            yield invalid(f"{place}.name", name, "must not already exist in volumeMounts")
        if any(mount.get("mountPath") == path for mount in mounts):
            yield invalid(f"{place}.devicePath", path, "must not already exist as a path in volumeMounts")
