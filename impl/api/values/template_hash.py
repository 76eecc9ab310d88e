"""The hashes of Pod templates: what ties a ReplicaSet, or a revision of a StatefulSet, to one template.

Upstream: pkg/controller/controller_utils.go (ComputeHash), pkg/util/hash, apimachinery/pkg/util/rand
(SafeEncodeString), v1.32. The hash prints all fields that the release's templates have.
"""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps
from typing import Any

from ..apps import RevisionData
from ..core import PodTemplateSpec
from ..reading.convert import unstructure
from ..releases import Release
from .go_dump import dump
from .go_structs import structs_of

OFFSET_BASIS = 2166136261
PRIME = 16777619
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels and no digit that looks like one, so that no hash spells a word."""


def pod_template_hash(template: PodTemplateSpec, collision_count: int | None, release: Release) -> str:
    """Hash a template, and how often that hash met another template's ReplicaSet (None: never counted)."""
    return hash_of_json(unstructure(template), collision_count, release)


def revision_hash(data: RevisionData, collision_count: int) -> str:
    """Hash the patch that brings a workload back to a template, and how often that hash met another's name.

    Upstream: pkg/controller/history/controller_history.go (HashControllerRevision), v1.32. It is the JSON that counts.
    """
    json: Any = unstructure(data)
    json["spec"]["template"].setdefault("metadata", {})["creationTimestamp"] = None
    text = dumps(json, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    for plain, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(plain, escaped)
    return safe_encode(str(fnv32(f"{text}{collision_count}".encode())))


def hash_of_json(template: Mapping[str, Any], collision_count: int | None, release: Release) -> str:
    """Hash a template given as JSON: even the spelling of a quantity counts."""
    data = dump(template, "v1.PodTemplateSpec", structs_of(release)).encode()
    if collision_count is not None:
        data += (collision_count % 2**32).to_bytes(4, "little") + bytes(4)
    return safe_encode(str(fnv32a(data)))


def fnv32a(data: bytes) -> int:
    """Hash bytes with FNV-1a to 32 bits."""
    state = OFFSET_BASIS
    for byte in data:
        state = (state ^ byte) * PRIME % 2**32
    return state


def fnv32(data: bytes) -> int:
    """Hash bytes with FNV-1 to 32 bits."""
    state = OFFSET_BASIS
    for byte in data:
        state = state * PRIME % 2**32 ^ byte
    return state


def safe_encode(text: str) -> str:
    """Replace each character by one of the alphabet that cannot spell a word."""
    return "".join(ALPHABET[ord(character) % len(ALPHABET)] for character in text)
