"""Bodies in protobuf, as kubectl sends them for `create` and `auth`: read with Kubernetes' own definitions into JSON.

Upstream: staging/src/k8s.io/apimachinery/pkg/runtime/serializer/protobuf/protobuf.go and the generated.proto files of
k8s.io/api and k8s.io/apimachinery v0.32.13, as the descriptor set that tests/make_documents.py makes of them.
"""

from __future__ import annotations

import base64
import lzma
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory
from google.protobuf.descriptor import FieldDescriptor

from ...impl.api.values.timestamps import format_time

PROTOBUF = "application/vnd.kubernetes.protobuf"
PREFIX = b"k8s\0"
RUNTIME = "k8s.io.apimachinery.pkg.runtime.Unknown"
META = "k8s.io.apimachinery.pkg.apis.meta.v1."
GROUPS = {
    "": "core",
    "apps": "apps",
    "authentication.k8s.io": "authentication",
    "authorization.k8s.io": "authorization",
    "autoscaling": "autoscaling",
    "batch": "batch",
    "coordination.k8s.io": "coordination",
    "discovery.k8s.io": "discovery",
    "networking.k8s.io": "networking",
    "policy": "policy",
    "rbac.authorization.k8s.io": "rbac",
    "scheduling.k8s.io": "scheduling",
    "storage.k8s.io": "storage",
}
INLINE = frozenset(
    {
        "ephemeralContainerCommon",
        "handler",
        "ingressRuleValue",
        "localObjectReference",
        "persistentVolumeSource",
        "volumeSource",
    }
)
"""Fields whose own fields stand in the JSON of what holds them."""
MAY_BE_EMPTY = frozenset({"storageClassName"})
"""Pointers to strings: "" says something there. Elsewhere it is what a string is that nobody has set."""
Json = Any


class ProtobufError(ValueError):
    """Bytes that are no object in Kubernetes' protobuf encoding."""


def to_json(body: bytes) -> dict[str, Json]:
    """Return an object as JSON. Raises ProtobufError."""
    if not body.startswith(PREFIX):
        raise ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    envelope: Any = _parsed(RUNTIME, body[len(PREFIX) :])
    version, kind = envelope.typeMeta.apiVersion, envelope.typeMeta.kind
    group, _, number = version.rpartition("/")
    package = GROUPS.get(group)
    name = f"k8s.io.api.{package}.{number}.{kind}"
    if kind == "DeleteOptions":
        name = f"{META}DeleteOptions"
    elif package is None or not _known(name):
        raise ProtobufError(f"no kind {kind!r} is registered for version {version!r}")
    return {"apiVersion": version, "kind": kind, **_plain(_parsed(name, envelope.raw))}


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    packed = resources.files(__package__).joinpath("protobuf.binpb.xz").read_bytes()
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(lzma.decompress(packed)).file:
        pool.Add(file)
    return pool


def _known(name: str) -> bool:
    try:
        _pool().FindMessageTypeByName(name)
    except KeyError:
        return False
    return True


def _parsed(name: str, data: bytes) -> message.Message:
    cls = message_factory.GetMessageClass(_pool().FindMessageTypeByName(name))
    try:
        return cls.FromString(data)
    except message.DecodeError as error:
        raise ProtobufError(f"proto: {error}") from None


def _plain(value: Any) -> Json:
    """Return a message as the JSON of the Go type it stands for; fields that are not set are left out."""
    special = SPECIAL.get(value.DESCRIPTOR.full_name)
    if special is not None:
        return special(value)
    found: dict[str, Json] = {}
    for field, inner in value.ListFields():
        json = _field(field, inner)
        if field.name in INLINE:
            found |= json
        elif json is not None and (json != "" or field.name in MAY_BE_EMPTY):
            found[_name(field)] = json
    return found


def _name(field: FieldDescriptor) -> str:
    """Return the JSON name of a field; protobuf cannot write a dollar."""
    return (
        {"ref": "$ref", "schema": "$schema"}.get(field.name, field.name)
        if "JSONSchema" in field.full_name
        else field.name
    )


def _field(field: FieldDescriptor, value: Any) -> Json:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        return {key: _one(inner, value[key]) for key in sorted(value)}
    if field.is_repeated:
        return [_one(field, item) for item in value]
    return _one(field, value)


def _one(field: FieldDescriptor, value: Any) -> Json:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return _plain(value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return base64.b64encode(value).decode()
    return value


def _int_or_string(value: Any) -> Json:
    return value.strVal if value.type else value.intVal


def _time(value: Any) -> Json:
    return format_time(value.seconds) if value.seconds else None


def _micro_time(value: Any) -> Json:
    return format_time(value.seconds, micro=True) if value.seconds else None


SPECIAL: Mapping[str, Callable[[Any], Json]] = {
    "k8s.io.apimachinery.pkg.api.resource.Quantity": lambda value: value.string,
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
    f"{META}Time": _time,
    f"{META}MicroTime": _micro_time,
    f"{META}FieldsV1": lambda _: None,
    "k8s.io.apimachinery.pkg.runtime.RawExtension": lambda _: None,
    "k8s.io.api.authorization.v1.ExtraValue": lambda value: list(value.items),
    "k8s.io.api.authentication.v1.ExtraValue": lambda value: list(value.items),
}
"""Types whose JSON is not a map of their fields."""
