"""A descheduler of the input: its policy, a text in a ConfigMap, as its chart has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from ...impl.api.reading.load import BadInput, Note, Other
from ...impl.api.reading.unmodelled_kinds import MOVES
from ...impl.api.values.frozen import as_map
from ...impl.descheduler.policy import Policy, read_policy
from .assumed.assumptions import Assumption
from .files.located import from_yaml
from .files.manifests import Manifests

KIND = "DeschedulerPolicy"


@frozen
class Descheduler:
    """What the descheduler of the input does, None where there is none; what of it is not modelled, and assumed."""

    policy: Policy | None = None
    notes: tuple[Note, ...] = ()
    assumptions: tuple[Assumption, ...] = ()


def descheduler(manifests: Manifests) -> Descheduler:
    """Find the policy of the descheduler; where there are several the first counts, and the others are noted."""
    found = [(other, field, read_policy(json)) for other in manifests.others for field, json in _policies(other)]
    if not found:
        return Descheduler()
    other, field, policy = found[0]
    unknown = (_note(other, field, f"the descheduler's {name} is not modelled") for name in policy.unknown)
    more = (_note(another, at, "another descheduler is not modelled") for another, at, _ in found[1:])
    told = "a descheduler runs with this policy again and again, and begins when the cluster is at rest"
    line = other.source.line_of(field)
    assumed = Assumption(other.source.file, line, str(other.ref), field, told, told)
    return Descheduler(policy, (*unknown, *more), (assumed,))


def _policies(other: Other) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the policies in an object, each with the field it stands in."""
    value = other.source.document.value
    if other.ref.kind == "ConfigMap":
        for key, text in as_map(value.get("data")).items():
            if isinstance(text, str) and KIND in text and (json := _read(text, other.source.file)).get("kind") == KIND:
                yield f"data.{key}", json


def _read(text: str, file: str) -> Mapping[str, Any]:
    """Read a text that may be YAML; what is none is no policy."""
    try:
        return as_map(from_yaml(text, file).plain())
    except BadInput:
        return {}


def _note(other: Other, field: str, why: str) -> Note:
    return Note(other.source.file, other.source.line_of(field), field, str(other.ref), why, MOVES)
