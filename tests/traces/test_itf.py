"""Traces in the Informal Trace Format have its shape (ADR 015 of Apalache), say what the run did, and are read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.traces.document import BadTraceError
from kubeproof.traces.files import read
from kubeproof.traces.itf import VARS, encoded, is_itf, to_itf
from places import ROOT

TRACES = sorted((ROOT / "traces" / "corpus").glob("*.json"))
DROPPED = read(ROOT / "traces" / "corpus" / "dropped-reachability.json")
VALUE = {"$ref": "#/$defs/value"}

PAIR = {"type": "array", "items": VALUE, "minItems": 2, "maxItems": 2}


def tagged(tag: str, inside: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": [tag], "properties": {tag: inside}, "additionalProperties": False}


SCHEMA = {
    "type": "object",
    "required": ["vars", "states"],
    "properties": {
        "#meta": {"type": "object"},
        "params": {"type": "array", "items": {"type": "string"}},
        "vars": {"type": "array", "items": {"type": "string"}},
        "loop": {"type": "integer", "minimum": 0},
        "states": {
            "type": "array",
            "items": {
                "type": "object",
                "required": list(VARS),
                "properties": {"#meta": {"type": "object"}},
                "patternProperties": {"^[^#]": VALUE},
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
    "$defs": {
        "value": {
            "anyOf": [
                {"type": ["boolean", "string"]},
                tagged("#bigint", {"type": "string", "pattern": "^-?[0-9]+$"}),
                {"type": "array", "items": VALUE},
                tagged("#tup", {"type": "array", "items": VALUE}),
                tagged("#set", {"type": "array", "items": VALUE}),
                tagged("#map", {"type": "array", "items": PAIR}),
                tagged("#unserializable", {"type": "string"}),
                {"type": "object", "patternProperties": {"^[^#]": VALUE}, "additionalProperties": False},
            ]
        }
    },
}


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_a_trace_has_the_shape_of_the_format_and_is_read_back_as_it_was(path: Path, tmp_path: Path) -> None:
    text = to_itf(read(path))
    jsonschema.validate(json.loads(text), SCHEMA)
    (tmp_path / "out.itf.json").write_text(text, encoding="utf-8")
    assert read(tmp_path / "out.itf.json") == read(path)


def test_the_states_say_who_acted_and_what_is_there() -> None:
    states = json.loads(to_itf(DROPPED))["states"]
    assert len(states) == len(DROPPED.steps) + 1
    assert (states[5]["actor"], states[0]["actor"]) == ("scheduler", "")
    assert states[5]["action"] == "scheduler: sends: binds Pod web-7f99dd7c88-p3 to node-1"
    pods = [dict(state["store"]["#map"]).get("Pod default/web-7f99dd7c88-p3") for state in states]
    assert [pod is None for pod in pods[:4]] == [True, True, True, False]
    assert pods[5]["spec"]["nodeName"] == "node-1"


def test_a_run_that_repeats_has_a_loop() -> None:
    assert "loop" not in json.loads(to_itf(DROPPED))
    assert json.loads(to_itf(evolve(DROPPED, cycle_start=4)))["loop"] == 4


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.#", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_any_json_becomes_a_value_of_the_format(value: Any) -> None:
    jsonschema.validate(encoded(value), {**VALUE, "$defs": SCHEMA["$defs"]})


@pytest.mark.parametrize(
    "data",
    [
        {"#meta": {"format": "ITF"}, "vars": [], "states": []},
        {"#meta": {"format": "ITF", "kubeproof": {"format": 2}}, "vars": [], "states": [{}, {}]},
        {"#meta": {"format": "ITF", "kubeproof": 3}, "states": 3},
    ],
)
def test_a_trace_of_another_tool_is_refused_by_name(data: dict[str, Any], tmp_path: Path) -> None:
    """Nothing could be replayed of it."""
    assert is_itf(data)
    (tmp_path / "t.json").write_text(json.dumps(data))
    with pytest.raises(BadTraceError, match=r"t\.json: "):
        read(tmp_path / "t.json")


ADR = {
    "#meta": {"source": "puzzle.tla", "varTypes": {"bank": "Str", "who": "Str -> Set(PERSON)"}},
    "vars": ["actor", "action", "store"],
    "loop": 0,
    "states": [
        {
            "#meta": {"index": 0},
            "actor": "E",
            "action": {"tag": "Move", "value": {"#tup": [{"#bigint": "-3"}, True]}},
            "store": {"#map": [["E", {"#set": ["c1_OF_PERSON"]}], ["W", {"#set": []}]]},
        }
    ],
}
"""Every form of the document, on the variables of ours."""


def test_the_schema_takes_every_form_of_the_document_and_nothing_else() -> None:
    jsonschema.validate(ADR, SCHEMA)
    state = ADR["states"][0]
    for wrong in (
        {**ADR, "states": [{**state, "store": 3}]},
        {**ADR, "states": [{**state, "store": {"#map": [["E"]]}}]},
        {**ADR, "states": [{**state, "store": {"#bigint": "1.5"}}]},
        {**ADR, "states": [{"actor": "E", "action": ""}]},
        {**ADR, "vars": 3},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, SCHEMA)


def test_a_record_that_would_be_taken_for_a_variant_is_a_map() -> None:
    assert encoded({"tag": "a", "value": True}) == {"#map": [["tag", "a"], ["value", True]]}
