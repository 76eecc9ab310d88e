"""kubectl apply, client side: create what is not there, else merge the manifest into the live object.

Upstream: staging/src/k8s.io/kubectl/pkg/cmd/apply (v1.32).
Left out on purpose: server-side apply, `--prune`, `--force` (delete and create again).
"""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve

from ..api.cache import Cache
from ..api.kinds import Object, Unstructured, kind_of, ref_of
from ..api.reading import convert
from ..api.requests import Create, Request, Update
from ..api.values.frozen import strings
from .three_way_merge import merge

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def apply(manifest: Object, cache: Cache, namespace: str) -> tuple[Request, ...]:
    """Return the request that makes a manifest so: a Create, an Update of what is live, or none if it is so."""
    placed = _in_namespace(manifest, namespace)
    annotated = with_last_applied(placed)
    live = cache.objects.get(ref_of(placed))
    if live is None:
        return (Create(annotated),)
    original = json.loads(live.metadata.annotations.get(LAST_APPLIED, "null"))
    wanted, there = convert.unstructure(annotated), convert.unstructure(live)
    if isinstance(live, Unstructured):
        after: Object = convert.unstructured(merge(original, wanted, there, whole_lists=live.of.custom), live.of)
    else:
        after = convert.from_json(merge(original, wanted, there))
    return () if after == live else (Update(after, live),)


def with_last_applied(manifest: Object) -> Object:
    """Write into an object's annotation what the object is: the `original` of the next apply."""
    annotations = {key: value for key, value in manifest.metadata.annotations.items() if key != LAST_APPLIED}
    bare = evolve(manifest, metadata=evolve(manifest.metadata, annotations=strings(annotations)))
    said = strings({**annotations, LAST_APPLIED: configuration(bare)})
    return evolve(bare, metadata=evolve(bare.metadata, annotations=said))


def configuration(manifest: Object) -> str:
    """Spell a manifest as kubectl keeps it: compact JSON, keys in order, annotations always there, a line end."""
    plain: dict[str, Any] = convert.unstructure(manifest)
    plain["metadata"] = {"annotations": {}, **plain.get("metadata", {})}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for mark, escaped in (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")):
        text = text.replace(mark, escaped)
    return text + "\n"


def _in_namespace(manifest: Object, namespace: str) -> Object:
    if not kind_of(manifest).namespaced or manifest.metadata.namespace:
        return manifest
    return evolve(manifest, metadata=evolve(manifest.metadata, namespace=namespace))
