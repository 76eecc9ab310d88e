"""YAML is read as Kubernetes' tools read it, and every field knows its line."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.impl.api.reading import yaml_source
from kubeproof.impl.api.reading.yaml_source import Repeated, YamlError, documents, scalar, steps, tolerant_documents


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read with the parser written in C, where there is one, and with the one in Python."""
    monkeypatch.setattr(yaml_source, "Loader", getattr(yaml, request.param, yaml.SafeLoader))


def values(text: str) -> list[Any]:
    return [document.value for document in documents(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("On", True),
        ("y", True),
        ("NO", False),
        ("off", False),
        ("n", False),
        ("yEs", "yEs"),
        ("~", None),
        ("null", None),
        ("010", 8),
        ("0o10", 8),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("08", 8),
        ("+5", 5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.2.3", "1.2.3"),
        ("2025-01-01", "2025-01-01"),
        ("80:80", "80:80"),
        ("1Gi", "1Gi"),
        ("9" * 200, float("9" * 200)),
    ],
)
def test_a_plain_scalar_has_the_type_yaml_1_1_gives_it(text: str, value: Any) -> None:
    assert values(f"a: {text}") == [{"a": value}]
    assert scalar(text, plain=False) == text


def test_quotes_tags_and_blocks_make_text() -> None:
    text = "a: 'yes'\nb: \"5\"\nc: !!str 5\nd: |\n  5\ne: !Ref 5\n"
    assert values(text) == [{"a": "yes", "b": "5", "c": "5", "d": "5\n", "e": "5"}]


def test_keys_are_text_as_json_has_them() -> None:
    assert values("1: a\ntrue: b\n~: c\n") == [{"1": "a", "true": "b", "null": "c"}]


def test_aliases_and_merges_are_written_out() -> None:
    text = "x: &x {a: 1, b: 1}\ny: &y {b: 2}\nz:\n  <<: [*y, *x]\n  c: 3\n"
    assert values(text)[0]["z"] == {"a": 1, "b": 2, "c": 3}


def test_every_field_knows_its_line_and_an_unknown_one_the_line_around_it() -> None:
    (_, second) = documents("a: 1\n---\n# comment\nspec:\n  items:\n  - x: 1\n  - x: 2\n    v: {z: 3}\n")
    assert second.line == 4
    assert second.line_of(("spec", "items", 1, "v", "z")) == 8
    assert second.line_of(("spec", "items", 1)) == 7
    assert second.line_of(("spec", "missing", "deeper")) == 4
    assert second.line_of(("nowhere",)) == 4


def test_items_of_a_list_are_documents_of_their_own() -> None:
    (whole,) = documents("kind: List\nitems:\n- kind: A\n  m: 1\n- kind: B\n")
    first, second = whole.items()
    assert (first.value, first.line, first.line_of(("m",))) == ({"kind": "A", "m": 1}, 3, 4)
    assert (second.value, second.line) == ({"kind": "B"}, 5)


def test_empty_documents_are_left_out() -> None:
    assert values("---\n---\n# nothing\n---\na: 1\n---\n") == [{"a": 1}]
    assert values("") == []


def test_paths_are_taken_apart() -> None:
    assert steps("spec.containers[0].resources.limits[a.b/c]") == (
        *("spec", "containers", 0, "resources", "limits"),
        "a.b/c",
    )


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("a: 1\nb: [1\n", 3, ""),
        ("a:\n\t- b\n", 2, "indent with spaces, not tabs"),
        ("a: {{ .Values.x }}\nb: {{- if .x }}\n", 1, "helm template"),
        ("a: 1\nb: &x [*x]\n", 2, ""),
        ("a: \x01\n", 1, ""),
        ("? [a]\n: b\n", 1, ""),
        ("a: 1\n<<: 5\n", 2, ""),
    ],
    ids=[
        "an open bracket",
        "a tab",
        "a template",
        "an alias in itself",
        "a control character",
        "a list as key",
        "no map",
    ],
)
def test_malformed_text_is_reported_with_its_line(text: str, line: int, hint: str) -> None:
    with pytest.raises(YamlError) as caught:
        list(documents(text))
    assert abs(caught.value.line - line) <= 1, "the two parsers may differ by the line after"
    assert hint in caught.value.hint
    assert caught.value.message.startswith("malformed YAML")


def test_aliases_that_multiply_are_refused_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_source, "MOST_VALUES", 1000)
    bomb = "a: &a [x, x, x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in zip("abcde", "bcdef", strict=True)
    )
    with pytest.raises(YamlError):
        list(documents(bomb))
    assert values("a: &a [x]\nb: [*a, *a]\n") == [{"a": ["x"], "b": [["x"], ["x"]]}]


def test_text_nested_too_deeply_is_malformed() -> None:
    with pytest.raises(YamlError, match="malformed YAML"):
        list(documents("[" * 5000))


def test_a_key_given_twice_is_an_error_or_noted() -> None:
    text = "a: 1\nb: {c: 1,\n  c: 2}\n"
    with pytest.raises(YamlError, match="already set in line 2"):
        list(documents(text))
    (document,) = tolerant_documents(text)
    assert document.repeated == (Repeated(("b", "c"), 3, 2),)
    assert document.value == {"a": 1, "b": {"c": 2}}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc/\\😀", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("ab", min_size=1, max_size=2), JSON, min_size=1, max_size=3), st.booleans())
def test_json_is_read_as_json_even_with_tabs_escaped_slashes_and_surrogates(value: Any, tabs: bool) -> None:  # noqa: FBT001
    text = json.dumps(value, indent="\t" if tabs else 2).replace("/", "\\/")
    assert values(text) == [value]


def test_several_json_values_in_a_row_are_several_documents() -> None:
    assert values('{\n "a": 1\n}\n{\n "b": 2\n}\n') == [{"a": 1}, {"b": 2}]
