"""Selectors mean the same as objects and as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.impl.api.meta import LabelSelector, LabelSelectorRequirement
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.api.values.label_names import key_errors, value_errors
from kubeproof.impl.api.values.selector_text import SelectorError, parse_field_selector, parse_label_selector
from kubeproof.impl.api.values.selectors import Labelled, matches_map, matches_requirement, selects

KEYS = st.sampled_from(["a", "b", "in"])
VALUES = st.sampled_from(["", "x", "y", "7"])
LABELS = st.dictionaries(KEYS, VALUES, max_size=3)
SETS = st.lists(VALUES, min_size=1, max_size=3, unique=True).map(tuple)


@given(LABELS)
def test_no_selector_selects_nothing_and_an_empty_one_everything(labels: dict[str, str]) -> None:
    assert not selects(None, labels)
    assert selects(LabelSelector(), labels)


@given(KEYS, SETS, LABELS)
def test_not_in_is_the_opposite_of_in_and_does_not_exist_of_exists(
    key: str, values: tuple[str, ...], labels: dict[str, str]
) -> None:
    for yes, no in (("In", "NotIn"), ("Exists", "DoesNotExist")):
        positive = matches_requirement(LabelSelectorRequirement(key, yes, values), labels)
        assert matches_requirement(LabelSelectorRequirement(key, no, values), labels) != positive
    assert matches_requirement(LabelSelectorRequirement(key, "In", values), labels) == (labels.get(key) in values)


@given(LABELS, LABELS, KEYS)
def test_every_part_of_a_selector_must_hold(wanted: dict[str, str], labels: dict[str, str], key: str) -> None:
    exists = LabelSelectorRequirement(key, "Exists")
    selector = LabelSelector(strings(wanted), (exists,))
    assert selects(selector, labels) == (matches_map(wanted, labels) and key in labels)
    assert matches_map(wanted, labels) == (wanted.items() <= labels.items())


@pytest.mark.parametrize(
    ("operator", "bound", "value", "matches"),
    [
        ("Gt", "5", "6", True),
        ("Gt", "5", "5", False),
        ("Lt", "5", "4", True),
        ("Lt", "5", "5", False),
        ("Gt", "5", "six", False),
        ("Gt", "five", "6", False),
        ("Lt", "5", "-1", True),
        ("Lt", "5", str(-(2**63) - 1), False),
    ],
)
def test_gt_and_lt_compare_integers(operator: str, bound: str, value: str, *, matches: bool) -> None:
    assert matches_requirement(LabelSelectorRequirement("a", operator, (bound,)), {"a": value}) == matches


def test_gt_needs_the_label_and_exactly_one_bound_and_an_unknown_operator_matches_nothing() -> None:
    assert not matches_requirement(LabelSelectorRequirement("a", "Gt", ("5",)), {})
    assert not matches_requirement(LabelSelectorRequirement("a", "Gt", ("5", "6")), {"a": "9"})
    assert not matches_requirement(LabelSelectorRequirement("a", "Near", ("5",)), {"a": "5"})


@given(KEYS, st.sampled_from(["in", "notin"]), SETS, LABELS)
def test_text_means_what_the_object_means(
    key: str, operator: str, values: tuple[str, ...], labels: dict[str, str]
) -> None:
    parsed = parse_label_selector(f" {key} {operator}  ( {' , '.join(values)} ) ")
    as_object = LabelSelectorRequirement(key, {"in": "In", "notin": "NotIn"}[operator], values)
    assert parsed.matches(labels) == matches_requirement(as_object, labels)


@given(st.lists(st.builds("{}{}{}".format, KEYS, st.sampled_from(["=", "==", "!="]), VALUES), max_size=4), LABELS)
def test_the_canonical_text_means_the_same_and_is_its_own(parts: list[str], labels: dict[str, str]) -> None:
    selector = parse_label_selector(",".join(parts))
    again = parse_label_selector(str(selector))
    assert str(again) == str(selector)
    assert again.matches(labels) == selector.matches(labels)
    assert [one.key for one in selector.requirements] == sorted(one.key for one in selector.requirements)


@pytest.mark.parametrize(
    "text", ["a,", ",", "=", "a in b", "a in (b", "!a=b", "a>x", "-a", "a=-", "a notin (b c)", "a==="]
)
def test_text_that_is_no_label_selector_is_refused(text: str) -> None:
    with pytest.raises(SelectorError):
        parse_label_selector(text)


@given(st.text("a\\,=!", max_size=6), st.booleans())
def test_any_value_of_a_field_can_be_selected_once_it_is_escaped(value: str, negated: bool) -> None:  # noqa: FBT001
    escaped = "".join(f"\\{one}" if one in "\\,=" else one for one in value)
    selector = parse_field_selector(f"f{'!=' if negated else '='}{escaped}")
    assert selector.matches({"f": value}) != negated
    assert selector.matches({"f": f"{value}."}) == negated
    assert parse_field_selector(str(selector)) == selector


def test_an_absent_field_counts_as_empty() -> None:
    assert parse_field_selector("f=").matches({})
    assert not parse_field_selector("f!=").matches({})


@pytest.mark.parametrize("text", ["a", "a=b=c", "a=\\x", "a=b\\"])
def test_text_that_is_no_field_selector_is_refused(text: str) -> None:
    with pytest.raises(SelectorError):
        parse_field_selector(text)


@pytest.mark.parametrize("key", ["a", "A.b_c-d", "example.com/a", "a" * 63, f"{'b' * 63}.example/a"])
def test_a_qualified_name_may_be_a_key(key: str) -> None:
    assert key_errors(key) == ()


@pytest.mark.parametrize("key", ["", "-a", "a.", "a/b/c", "/a", "a/", "UPPER/a", "a" * 64, f"{'b' * 254}/a", "a:b"])
def test_anything_else_may_not(key: str) -> None:
    assert key_errors(key) != ()


def test_a_value_is_empty_or_a_name_of_at_most_63_characters() -> None:
    assert value_errors("") == value_errors("a" * 63) == value_errors("A_b.c") == ()
    assert value_errors("a" * 64) == ("must be no more than 63 characters",)
    assert value_errors("a ") != ()


def test_who_bears_all_pairs_is_among_those_who_bear_the_rarest() -> None:
    things = {"a": {"app": "web", "tier": "front"}, "b": {"app": "web"}, "c": {"app": "db", "tier": "front"}}
    known = Labelled.of((name, labels.items()) for name, labels in things.items())
    for wanted in ({}, {"app": "web"}, {"tier": "front"}, {"app": "web", "tier": "front"}, {"app": "none"}):
        found = known.bearing(wanted)
        bearing = [name for name, labels in things.items() if matches_map(wanted, labels)]
        assert [name for name in found if matches_map(wanted, things[name])] == bearing
    assert known.bearing({"app": "db"}) == ("c",)
    assert known.bearing({"app": "db", "tier": "none"}) == ()
