"""A trace in the Informal Trace Format, for the tools around Apalache and Quint; and one of ours read back from it.

https://apalache.informal.systems/docs/adr/015adr-trace.html (ADR 015). A state says who acted (`actor`), how
(`action`), and what is in the `store` then: a map from names of objects to records. Whole numbers are big ones, and a
map whose keys are no identifiers is a `#map`. What else a trace says stands in the `#meta` of the document and of each
state, which the format leaves to whoever writes it, so that it is read back as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .document import BadTraceError, Document, from_json, said, to_json
from .page.scenes import story

FORMAT = "ITF"
DESCRIPTION = "https://apalache.informal.systems/docs/adr/015adr-trace.html"
VARS = ("actor", "action", "store")
OURS = "kubeproof"
VARIANT = {"tag", "value"}
"""The fields of a variant, which a record with just these would be taken for."""


def to_itf(document: Document) -> str:
    """Return a trace in the format: the same bytes for the same trace."""
    whole = to_json(document)
    steps = whole.pop("steps")
    states = [
        {
            "#meta": {"index": scene.number, **({OURS: steps[scene.number - 1]} if scene.number else {})},
            "actor": scene.who,
            "action": said(scene.moment.action, scene.moment.label) if scene.moment else "",
            "store": {"#map": [[str(ref), encoded(value)] for ref, value in sorted(scene.store.items())]},
        }
        for scene in story(document).scenes
    ]
    title = f"{document.claim} {document.verdict}".strip() or document.sentence
    meta = {"format": FORMAT, "format-description": DESCRIPTION, "description": title, OURS: whole}
    loop = {} if document.cycle_start is None else {"loop": document.cycle_start}
    found = {"#meta": meta, "params": [], "vars": list(VARS), "states": states, **loop}
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def encoded(value: Any) -> Any:
    """Return JSON as the format has it."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return {"#bigint": str(value)}
    if isinstance(value, tuple | list):
        return [encoded(item) for item in value]
    if isinstance(value, Mapping):
        items = sorted(value.items())
        if all(key.isidentifier() for key in value) and set(value) != VARIANT:
            return {key: encoded(item) for key, item in items}
        return {"#map": [[key, encoded(item)] for key, item in items]}
    return {"#unserializable": json.dumps(value)}


def is_itf(data: Any) -> bool:
    """Tell whether JSON is a document of the format."""
    return isinstance(data, dict) and isinstance(data.get("#meta"), dict) and data["#meta"].get("format") == FORMAT


def from_itf(data: dict[str, Any], name: str = "trace") -> Document:
    """Read a trace back. Raises BadTraceError for one that kubeproof did not write: nothing could be replayed of it."""
    whole, states = data["#meta"].get(OURS), data.get("states")
    if not isinstance(whole, dict) or not isinstance(states, list):
        raise BadTraceError(f"{name}: is a trace of another tool: kubeproof reads those that it wrote (show --itf)")
    metas = [state.get("#meta") if isinstance(state, dict) else None for state in states[1:]]
    steps = [meta.get(OURS) if isinstance(meta, dict) else None for meta in metas]
    return from_json({**whole, "steps": steps}, name)
