"""What a schema does to objects: prunes, fills in, refuses, in Kubernetes' words; and what is no structural schema."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.impl.apiserver.custom.structural import defaulted, pruned
from kubeproof.impl.apiserver.custom.values import broken
from scenes.definitions import DEFINITIONS, Cluster, definition, of_spec, version

FOOS = "/apis/example.com/v1/namespaces/default/foos"
PRESERVE = "x-kubernetes-preserve-unknown-fields"
Json = dict[str, Any]
ONLY_ONE = 'Invalid value: "": "it" must validate one and only one schema (oneOf).'


@pytest.mark.parametrize(
    ("value", "schema", "kept", "unknown"),
    [
        ({"a": 1, "b": 2}, {"properties": {"a": {}}}, {"a": 1}, ("b",)),
        ({"kind": "K", "metadata": {"x": 1}}, {}, {"kind": "K", "metadata": {"x": 1}}, ()),
        (
            {"a": [{"b": 1, "c": 2}]},
            {"properties": {"a": {"items": {"properties": {"b": {}}}}}},
            {"a": [{"b": 1}]},
            ("a[0].c",),
        ),
        (
            {"m": {"x": {"y": 1}}},
            {"properties": {"m": {"additionalProperties": {"properties": {}}}}},
            {"m": {"x": {}}},
            ("m.x.y",),
        ),
        (
            {"f": {"x": 1, "s": {"z": 1}}},
            {"properties": {"f": {PRESERVE: True, "properties": {"s": {}}}}},
            {"f": {"x": 1, "s": {}}},
            ("f.s.z",),
        ),
    ],
)
def test_fields_that_nobody_declares_are_dropped_and_named(value: Json, schema: Json, kept: Json, unknown: Any) -> None:
    assert pruned(value, schema) == (kept, unknown)


@pytest.mark.parametrize(
    ("value", "schema", "filled"),
    [
        ({}, {"properties": {"n": {"default": 3}}}, {"n": 3}),
        ({"n": None}, {"properties": {"n": {"default": 3}}}, {"n": 3}),
        ({"n": None}, {"properties": {"n": {"default": 3, "nullable": True}}}, {"n": None}),
        ({"n": None}, {"properties": {"n": {"type": "integer"}}}, {}),
        ({}, {"properties": {"o": {"default": {}, "properties": {"n": {"default": 1}}}}}, {"o": {"n": 1}}),
        ({"l": [{}]}, {"properties": {"l": {"items": {"properties": {"n": {"default": 1}}}}}}, {"l": [{"n": 1}]}),
        (
            {"m": {"a": {}}},
            {"properties": {"m": {"additionalProperties": {"properties": {"n": {"default": 1}}}}}},
            {"m": {"a": {"n": 1}}},
        ),
    ],
)
def test_defaults_are_filled_in_at_every_depth(value: Json, schema: Json, filled: Json) -> None:
    assert defaulted(value, schema) == filled
    assert defaulted(filled, schema) == filled


@pytest.mark.parametrize(
    ("value", "schema", "said"),
    [
        (5, {"type": "integer", "maximum": 4}, "Invalid value: 5: it in body should be less than or equal to 4"),
        (
            4,
            {"type": "integer", "maximum": 4, "exclusiveMaximum": True},
            "Invalid value: 4: it in body should be less than 4",
        ),
        (
            1,
            {"type": "integer", "minimum": 1, "exclusiveMinimum": True},
            "Invalid value: 1: it in body should be greater than 1",
        ),
        (5, {"type": "integer", "multipleOf": 2}, "Invalid value: 5: it in body should be a multiple of 2"),
        (True, {"type": "integer"}, 'Invalid value: "boolean": it in body must be of type integer: "boolean"'),
        (None, {"type": "string"}, 'Invalid value: "null": it in body must be of type string: "null"'),
        ("abc", {"type": "string", "maxLength": 2}, "Too long: may not be more than 2 bytes"),
        ("", {"type": "string", "minLength": 1}, 'Invalid value: "": it in body should be at least 1 chars long'),
        ("b", {"type": "string", "pattern": "^a$"}, "Invalid value: \"b\": it in body should match '^a$'"),
        (
            "x",
            {"type": "string", "format": "date-time"},
            'Invalid value: "x": it in body must be of type date-time: "x"',
        ),
        ([1, 2], {"type": "array", "maxItems": 1}, "Too many: 2: must have at most 1 items"),
        ([], {"type": "array", "minItems": 1}, "Invalid value: 0: it in body should have at least 1 items"),
        ({"a": 1}, {"type": "object", "maxProperties": 0}, "Too many: 1: must have at most 0 items"),
        ({}, {"type": "object", "required": ["a"]}, "Required value"),
        (3, {"enum": [1, 2]}, 'Unsupported value: 3: supported values: "1", "2"'),
        (
            1.5,
            {"x-kubernetes-int-or-string": True},
            'Invalid value: "number": it in body must be of type integer,string: "number"',
        ),
        ("s", {"not": {"enum": ["s"]}}, 'Invalid value: "": "it" must not validate the schema (not)'),
        (1, {"anyOf": [{"minimum": 2}]}, 'Invalid value: "": "it" must validate at least one schema (anyOf)'),
        (1, {"oneOf": [{}, {}]}, f"{ONLY_ONE} Found 2 valid alternatives"),
        (1, {"oneOf": [{"minimum": 2}]}, f"{ONLY_ONE} Found none valid"),
        (1, {"allOf": [{"minimum": 2}]}, 'Invalid value: "": "it" must validate all the schemas (allOf)'),
    ],
)
def test_a_value_that_breaks_its_schema_is_told_how(value: Any, schema: Json, said: str) -> None:
    assert next(broken(value, schema, "it")).message == said


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (1.0, {"type": "integer"}),
        (3, {"type": "number"}),
        ("25%", {"x-kubernetes-int-or-string": True}),
        (None, {"type": "string", "nullable": True}),
        ({"any": 1}, {PRESERVE: True}),
    ],
)
def test_a_value_that_keeps_its_schema_is_taken(value: Any, schema: Json) -> None:
    assert list(broken(value, schema, "it")) == []


def test_what_was_wrong_before_and_has_not_changed_is_let_be() -> None:
    schema = {"properties": {"a": {"minimum": 2}, "b": {"minimum": 2}}}
    errors = list(broken({"a": 1, "b": 1}, schema, "", {"a": 1, "b": 3}))
    assert [error.field for error in errors] == ["b"]


STRUCTURAL = "spec.validation.openAPIV3Schema"
IN_SPEC = f"{STRUCTURAL}.properties[spec].properties[a]"
TYPES = '"array", "boolean", "integer", "number", "object", "string"'


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({}, f"{STRUCTURAL}.type: Required value: must not be empty at the root"),
        (
            {"type": "array", "items": {"type": "string"}},
            f'{STRUCTURAL}.type: Invalid value: "array": must be object at the root',
        ),
        (of_spec({"a": {}}), f"{IN_SPEC}.type: Required value: must not be empty for specified object fields"),
        (of_spec({"a": {"type": "array"}}), f"{IN_SPEC}.items: Required value: must be specified"),
        (of_spec({"a": {"type": "strin"}}), f'{IN_SPEC}.type: Unsupported value: "strin": supported values: {TYPES}'),
        (
            of_spec({"a": {"type": "array", "items": {"type": "string"}, "uniqueItems": True}}),
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        ),
        (
            of_spec({}, anyOf=[{"type": "object"}]),
            f"{STRUCTURAL}.properties[spec].anyOf[0].type: Forbidden: must be empty to be structural",
        ),
        (of_spec({"a": {"type": "integer", "default": "x"}}), f'{IN_SPEC}.default: Invalid value: "string"'),
        (
            of_spec({"a": {"type": "object", "default": {"b": 1}}}),
            "default: Invalid value: {}: must not have unknown fields",
        ),
        (
            of_spec({"a": {"type": "object", "x-kubernetes-list-type": "set"}}),
            "must be array if x-kubernetes-list-type is specified",
        ),
        (
            of_spec({"a": {"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "map"}}),
            "x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map",
        ),
        (
            of_spec(
                {
                    "a": {
                        "type": "array",
                        "items": {"type": "object", "properties": {"k": {"type": "string"}}},
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["k"],
                    }
                }
            ),
            "so it must have a default or be a required property",
        ),
        (
            of_spec(
                {
                    "a": {
                        "type": "object",
                        "properties": {"b": {"type": "string"}},
                        "additionalProperties": {"type": "string"},
                    }
                }
            ),
            "additionalProperties and properties are mutual exclusive",
        ),
        (
            {
                "type": "object",
                "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}},
            },
            "must not specify anything other than name and generateName",
        ),
        (of_spec({"a": {"type": "string", "pattern": "("}}), "must be a valid regular expression"),
        (
            of_spec({"a": {"type": "string", "x-kubernetes-validations": [{"rule": ""}]}}),
            "rule: Required value: rule is not specified",
        ),
        (
            of_spec({"a": {"type": "string", "x-kubernetes-validations": [{"rule": "self =="}]}}),
            "compilation failed: ERROR: <input>: Syntax error",
        ),
        (
            of_spec({"a": {"type": "string", "x-kubernetes-validations": [{"rule": "isURL(self)"}]}}),
            "undeclared reference to 'isURL'",
        ),
    ],
)
def test_a_schema_that_is_not_structural_is_refused(schema: Json, said: str) -> None:
    answer = Cluster()("POST", DEFINITIONS, definition(version(schema)))
    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    assert said in answer.body["message"]


def test_an_integer_or_a_string_may_say_its_two_types() -> None:
    schema = of_spec({"a": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}})
    assert Cluster()("POST", DEFINITIONS, definition(version(schema))).code == 201


def test_two_versions_with_schemas_of_their_own_are_told_apart_in_errors() -> None:
    good, bad = of_spec({"a": {"type": "string"}}), of_spec({"a": {}})
    answer = Cluster()("POST", DEFINITIONS, definition(version(good), version(bad, "v2", storage=False)))
    assert (
        "spec.versions[1].schema.openAPIV3Schema.properties[spec].properties[a].type: Required"
        in answer.body["message"]
    )


NAMED = "!has(self.a__dash__b) || self.a__dash__b.startsWith('x')"
RULED = of_spec(
    {"n": {"type": "integer"}, "a-b": {"type": "string"}},
    **{
        "x-kubernetes-validations": [
            {"rule": "!has(self.n) || self.n < 10", "messageExpression": "'too big: ' + string(self.n)"},
            {"rule": "!has(oldSelf.n) || self.n >= oldSelf.n", "message": "only up", "reason": "FieldValueForbidden"},
            {"rule": NAMED, "fieldPath": ".a-b"},
        ]
    },
)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"n": 10}, 'spec: Invalid value: "object": too big: 10'),
        ({"n": 1}, "spec: Forbidden: only up"),
        ({"n": 5, "a-b": "y"}, f'spec.a-b: Invalid value: "object": failed rule: {NAMED}'),
        ({"n": 6, "a-b": "x"}, ""),
    ],
)
def test_rules_judge_a_value_and_what_it_was(spec: Json, said: str) -> None:
    cluster = Cluster()
    cluster.define(definition(version(RULED)))
    assert cluster("POST", FOOS, {"metadata": {"name": "f"}, "spec": {"n": 4}}).code == 201
    answer = cluster("PATCH", f"{FOOS}/f", {"spec": spec}, media="application/merge-patch+json")
    assert answer.code == (422 if said else 200), answer.body
    assert answer.body.get("message", "").removeprefix('Foo.example.com "f" is invalid: ') == said


@pytest.mark.parametrize(
    ("rule", "value", "holds"),
    [
        ("self.isSorted()", ["a", "b"], True),
        ("self.isSorted()", ["b", "a"], False),
        ("self.sum() == 3", [1, 2], True),
        ("self.max() - self.min() < 2", [1, 4], False),
        ("self.indexOf('b') == 1", ["a", "b"], True),
        ("self.split(',').join('-') == 'a-b'", "a,b", True),
        ("self.trim().lowerAscii().replace('a', 'b') == 'b'", " A ", True),
        ("self.substring(1, 2) == self.charAt(1)", "abc", True),
        ("self.find('x') == 'x'", "x", None),
    ],
)
def test_kubernetes_own_functions_are_known_or_refused(rule: str, value: Any, holds: Any) -> None:
    kind = {str: "string", list: "array"}[type(value)]
    items = {"items": {"type": "integer" if isinstance(value[0], int) else "string"}} if kind == "array" else {}
    schema = of_spec({"v": {"type": kind, **items, "x-kubernetes-validations": [{"rule": rule}]}})
    cluster = Cluster()
    created = cluster("POST", DEFINITIONS, definition(version(schema)))
    assert created.code == (422 if holds is None else 201), created.body
    if holds is not None:
        cluster.turn()
        assert cluster("POST", FOOS, {"metadata": {"name": "f"}, "spec": {"v": value}}).code == (201 if holds else 422)
