"""What the API server would draw at random, drawn from a seed and a number: a session can be gone through again.

Upstream: staging/src/k8s.io/apiserver/pkg/storage/names/generate.go, apimachinery/pkg/util/rand/rand.go (v1.32).
"""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Letters of generated names: no vowels and nothing that looks like one."""


def _drawn(what: str, seed: int, number: int) -> bytes:
    return blake2b(f"{what} {seed} {number}".encode(), digest_size=16).digest()


def suffix_of(seed: int, number: int) -> str:
    """Return the five letters behind a generateName."""
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in _drawn("suffix", seed, number)[:5])


def uid_of(seed: int, number: int) -> str:
    """Return the uid of an object that is new."""
    return str(UUID(bytes=_drawn("uid", seed, number), version=4))
