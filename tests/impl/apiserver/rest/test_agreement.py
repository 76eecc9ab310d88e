"""The REST protocol answers recorded requests as kube-apiserver does: code, reason, object, owners; and it can fail."""

from __future__ import annotations

import json
import lzma
from typing import Any

import pytest

from oracles.apiserver import Answered, answers, described, headed
from places import VECTORS
from planted import planted

JUDGED = {"patches": (184, 215), "protocol": (199, 209), "validation": (330, 330)}
"""How many records agree, of how many; the others are about what is not modelled, or begin where no record ends."""
MESSAGES = {"patches": (57, 59), "protocol": (64, 69), "validation": (198, 203)}
"""Of the refusals that agree: how many in the very words."""

SHOWN = {"patches": (123, 125), "protocol": (52, 67)}
"""Of the objects that both show: how many are the same but for what a server chooses and what controllers write."""
OWNERS = {"patches": (121, 125)}
"""How many have the same managedFields."""


def recorded(name: str) -> list[dict[str, Any]]:
    with lzma.open(VECTORS / "apiserver" / f"{name}.jsonl.xz", "rt") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def found() -> dict[str, list[Answered]]:
    return {name: list(answers(recorded(name))) for name in JUDGED}


@pytest.mark.parametrize("name", JUDGED)
def test_every_request_that_can_be_judged_gets_code_and_reason_of_the_real_server(
    found: dict[str, list[Answered]], name: str
) -> None:
    judged = [one for one in found[name] if one.ours is not None]
    assert [(one.name, one.real, one.ours) for one in judged if not one.agrees] == []
    assert (len(judged), len(found[name])) == JUDGED[name]


@pytest.mark.parametrize("name", MESSAGES)
def test_most_refusals_have_the_very_words(found: dict[str, list[Answered]], name: str) -> None:
    refused = [one for one in found[name] if one.ours is not None and one.real[0] >= 400 and one.real[2]]
    assert (sum(one.ours is not None and one.ours[2] == one.real[2] for one in refused), len(refused)) == MESSAGES[name]


@pytest.mark.parametrize("name", SHOWN)
def test_the_objects_shown_are_the_same(found: dict[str, list[Answered]], name: str) -> None:
    pairs = [one.shown for one in found[name] if one.shown is not None and one.agrees]
    assert (sum(real == ours for real, ours in pairs), len(pairs)) == SHOWN[name]


@pytest.mark.parametrize("name", OWNERS)
def test_fields_have_the_same_owners(found: dict[str, list[Answered]], name: str) -> None:
    pairs = [one.owners for one in found[name] if one.owners is not None and one.agrees]
    assert (sum(real == ours for real, ours in pairs), len(pairs)) == OWNERS[name]


def agreement(records: list[dict[str, Any]]) -> tuple[int, int, int]:
    """Count the answers that agree in code and reason, in the object shown, and in the owners of its fields."""
    known = list(answers(records))
    shown = [one.shown for one in known if one.shown is not None]
    owners = [one.owners for one in known if one.owners is not None]
    same = (sum(real == ours for real, ours in pairs) for pairs in (shown, owners))
    return (sum(one.agrees for one in known), *same)  # type: ignore[return-value]


REST = "kubeproof.impl.apiserver.rest"
FAULTS = [
    ("a list at an unknown version is served", "protocol", f"{REST}.reads", "asked > current", "asked < 0"),
    (
        "strict validation is not strict",
        "protocol",
        f"{REST}.bodies",
        'case "Strict" if found',
        'case "Strictly" if found',
    ),
    (
        "another namespace in the body is ignored",
        "protocol",
        f"{REST}.bodies",
        "and namespace != asked.info.namespace",
        "and not namespace",
    ),
    (
        "any field may be selected by",
        "protocol",
        "kubeproof.impl.apiserver.verbs.read",
        'not in known), "")',
        'in ()), "")',
    ),
    (
        "a patch of a missing member fails as the RFC says",
        "patches",
        "kubeproof.impl.apiserver.patch.json_patch",
        "    if isinstance(holder, dict):\n        holder[last] = value",
        "    if isinstance(holder, dict) and (insert or last in holder):\n        holder[last] = value",
    ),
    (
        "who loses a field keeps it",
        "patches",
        "kubeproof.impl.apiserver.managed.apply",
        "left = [without(entry, changed | found.removed, now) for entry in others]",
        "left = list(others)",
    ),
    (
        "what is said no more stays",
        "patches",
        "kubeproof.impl.apiserver.managed.apply",
        "_removed(merged, schema, last - kept, ())",
        "merged",
    ),
    (
        "new items of a list come last",
        "patches",
        "kubeproof.impl.apiserver.patch.strategic",
        "    return _ordered(merged, [element for element in new if DIRECTIVE not in element], old, key)",
        "    return merged",
    ),
    (
        "lists are replaced",
        "patches",
        "kubeproof.impl.apiserver.patch.strategic",
        'and "merge" in strategies(schema)',
        'and "merges" in strategies(schema)',
    ),
]


@pytest.mark.parametrize(
    ("name", "module", "before", "after"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS]
)
def test_a_planted_fault_is_a_difference(name: str, module: str, before: str, after: str) -> None:
    right = agreement(recorded(name))
    with planted(module, before, after):
        wrong = agreement(recorded(name))
    assert any(one < other for one, other in zip(wrong, right, strict=True))


def test_documents_of_a_server_are_judged_and_one_that_says_otherwise_is_found() -> None:
    with lzma.open(VECTORS / "apiserver" / "discovery" / "openapi_v3_apis_example.com_v1.json.xz", "rt") as file:
        record = json.load(file)
    real, ours = described(record)
    assert real == ours
    record["body"]["info"]["title"] = "another"
    real, ours = described(record)
    assert real != ours


def test_columns_are_judged_and_one_that_is_called_otherwise_is_found() -> None:
    about = {"groupVersion": "/apis/example.com/v1", "resource": "foos"}
    _, ours = headed({**about, "columns": []})
    assert [one["name"] for one in ours] == ["Name", "Age"]
    assert headed({**about, "columns": ours})[0] == ours != headed({**about, "columns": ours[:1]})[0]
