"""The pod-template-hash: the label and name suffix that tie a ReplicaSet to one template of its Deployment.

Upstream: pkg/controller/controller_utils.go (ComputeHash), pkg/util/hash, apimachinery/pkg/util/rand
(SafeEncodeString), v1.32.
Left out on purpose: the hashes of StatefulSets and DaemonSets, which hash JSON instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core import PodTemplateSpec
from ..reading.convert import unstructure
from .go_dump import dump

OFFSET_BASIS = 2166136261
PRIME = 16777619
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels and no digit that looks like one, so that no hash spells a word."""


def pod_template_hash(template: PodTemplateSpec, collision_count: int | None) -> str:
    """Hash a template, and how often that hash met another template's ReplicaSet (None: never counted)."""
    return hash_of_json(unstructure(template), collision_count)


def hash_of_json(template: Mapping[str, Any], collision_count: int | None) -> str:
    """Hash a template given as JSON: even the spelling of a quantity counts."""
    data = dump(template, "v1.PodTemplateSpec").encode()
    if collision_count is not None:
        data += (collision_count % 2**32).to_bytes(4, "little") + bytes(4)
    return safe_encode(str(fnv32a(data)))


def fnv32a(data: bytes) -> int:
    """Hash bytes with FNV-1a to 32 bits."""
    state = OFFSET_BASIS
    for byte in data:
        state = (state ^ byte) * PRIME % 2**32
    return state


def safe_encode(text: str) -> str:
    """Replace each character by one of the alphabet that cannot spell a word."""
    return "".join(ALPHABET[ord(character) % len(ALPHABET)] for character in text)
