"""The three-way merge of `kubectl apply`, on plain JSON: what was applied, what is to be applied, what is live.

Upstream: staging/src/k8s.io/apimachinery/pkg/util/strategicpatch (v1.32), with the patchStrategy and patchMergeKey tags
of staging/src/k8s.io/api. Fields the manifest had and has no more go; fields somebody else set stay.
Left out on purpose: where live-only items of a list stand among the others (here: after them, in their own order).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Json = Any

MERGE_KEYS = {
    "conditions": "type",
    "containers": "name",
    "env": "name",
    "ephemeralContainers": "name",
    "hostAliases": "ip",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "resourceClaims": "name",
    "schedulingGates": "name",
    "secrets": "name",
    "topologySpreadConstraints": "topologyKey",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
"""Lists whose items have a name. Tolerations and taints are not among them: they are replaced as a whole."""

SETS = frozenset({"finalizers"})
"""Lists of strings that are merged as sets."""

RETAIN_KEYS = frozenset({"strategy", "updateStrategy"})
"""Unions: when anything in one changes, only what the manifest says stays (its type decides what makes sense)."""


def merge(original: Json, modified: Json, current: Json, name: str = "", *, whole_lists: bool = False) -> Json:
    """Return `current` with the changes from `original` to `modified` made, for the field called `name`.

    `original` None means that nothing was applied before. `whole_lists`: a list is one value, and nothing is a union,
    as in custom resources (staging/src/k8s.io/apimachinery/pkg/util/jsonmergepatch).
    """
    if isinstance(modified, dict) and isinstance(current, dict):
        was = original if isinstance(original, dict) else {}
        return _merge_maps(was, modified, current, name, whole_lists=whole_lists)
    if isinstance(modified, list) and isinstance(current, list) and not whole_lists:
        before = original if isinstance(original, list) else []
        return _merge_lists(before, modified, current, name)
    return modified


def _merge_maps(
    original: dict[str, Json], modified: dict[str, Json], current: dict[str, Json], name: str, *, whole_lists: bool
) -> Json:
    kept = {key: value for key, value in current.items() if key in modified or key not in original}
    merged = dict(kept)
    for key, wanted in modified.items():
        if wanted is None:
            merged.pop(key, None)
        elif key in kept:
            merged[key] = merge(original.get(key), wanted, kept[key], key, whole_lists=whole_lists)
        else:
            merged[key] = wanted
    if name in RETAIN_KEYS and merged != current and not whole_lists:
        return {key: value for key, value in merged.items() if key in modified}
    return merged


def _merge_lists(original: list[Json], modified: list[Json], current: list[Json], name: str) -> list[Json]:
    if name in SETS:
        return [*modified, *(item for item in current if item not in modified and item not in original)]
    identity = _identity(name, [*original, *modified, *current])
    if identity is None:
        return modified
    was = {identity(item): item for item in original}
    live = {identity(item): item for item in current}
    wanted = {identity(item): item for item in modified}
    merged = [merge(was.get(key), field, live[key]) if key in live else field for key, field in wanted.items()]
    return [*merged, *(field for key, field in live.items() if key not in wanted and key not in was)]


def _identity(name: str, items: list[Json]) -> Callable[[Json], Json] | None:
    """Tell how the items of a list are told apart; None where the list is one value."""
    key = MERGE_KEYS.get(name)
    if name == "ports":
        key = "port" if any("port" in item for item in items) else "containerPort"
    if key is None or not all(isinstance(item, dict) and key in item for item in items):
        return None
    return lambda one: one[key]
