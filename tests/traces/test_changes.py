"""What a step changed is told as values: which object, which field, before and after."""

from __future__ import annotations

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.impl.api.apps import ReplicaSet
from kubeproof.impl.api.core import Pod, PodCondition, PodSpec, PodStatus
from kubeproof.impl.api.meta import ObjectMeta, Ref
from kubeproof.impl.api.requests import Bind, Create
from kubeproof.impl.api.runtime import PodRuntime, Stage
from kubeproof.traces.changes import Change, changes, lines

WEB = Ref("Pod", "default", "web-1")


def pod(name: str = "web-1", node: str = "", **labels: str) -> Pod:
    return Pod(ObjectMeta(name=name, namespace="default", labels=immutabledict(labels)), PodSpec(node_name=node))


def conditioned(**statuses: str) -> Pod:
    conditions = tuple(PodCondition(name, status) for name, status in statuses.items())
    return evolve(pod(), status=PodStatus(conditions=conditions))


def test_a_field_of_an_object_goes_by_the_name_it_has_in_a_manifest() -> None:
    assert changes({"place": pod()}, {"place": pod(node="n1")}) == (Change("place", WEB, "spec.nodeName", None, "n1"),)


def test_what_comes_and_goes_is_told_whole() -> None:
    (came,) = changes({"place": None}, {"place": pod(node="n1")})
    assert (came.object, came.field, came.before) == (WEB, "", None)
    assert came.after["spec"]["nodeName"] == "n1"
    (gone,) = changes({"place": pod(node="n1")}, {"place": None})
    assert (gone.object, gone.before, gone.after) == (WEB, came.after, None)


def test_one_object_in_the_place_of_another_is_one_that_goes_and_one_that_comes() -> None:
    found = changes({"place": pod("a")}, {"place": pod("b")})
    assert [(one.object.name, one.before is None, one.after is None) for one in found] == [
        ("a", False, True),
        ("b", True, False),
    ]


def test_what_stays_is_not_told() -> None:
    assert changes({"a": pod(), "b": 1}, {"a": pod(), "b": 1}) == ()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (pod(), pod(node="n1"), ('Pod default/web-1 spec.nodeName: nothing -> "n1"',)),
        (pod(), pod(**{"a.b/c": "x"}), ('Pod default/web-1 metadata.labels: nothing -> {"a.b/c": "x"}',)),
        (
            pod(**{"a.b/c": "x"}),
            pod(**{"a.b/c": "y"}),
            ('Pod default/web-1 metadata.labels[a.b/c]: "x" -> "y"',),
        ),
        (None, pod(), ("Pod default/web-1: nothing -> there",)),
        (pod(), None, ("Pod default/web-1: there -> nothing",)),
        ((1, 2), (1, 3), ("p[1]: 2 -> 3",)),
        (0, 1, ("p: 0 -> 1",)),
        ((), (Create(Pod(ObjectMeta(generate_name="a"))), pod()), ('p: nothing -> ["Create Pod a...", "Pod web-1"]',)),
        ((1,), (1, 2), ("p: [1] -> [1, 2]",)),
        (((Create(pod("a")),),), ((Bind(WEB, "n1"),),), ('p[0][0]: "Create Pod a" -> "Bind Pod default/web-1"',)),
        (Create(pod("a")), Create(pod("b", "n")), ('p: "Create Pod a" -> "Create Pod b"',)),
        ((pod(),), (pod(node="n1"),), ('p[0].spec.nodeName: "" -> "n1"',)),
        (immutabledict(a=1), immutabledict(b=2), ("p.a: 1 -> nothing", "p.b: nothing -> 2")),
        (None, PodRuntime(Stage.RUNNING, ready=True), ('p: nothing -> {"ready": true, "stage": "running"}',)),
        (PodRuntime(Stage.RUNNING), PodRuntime(Stage.STOPPED), ('p.stage: "running" -> "stopped"',)),
        (frozenset({"b", "a"}), frozenset(), ('p: ["a", "b"] -> nothing',)),
        ("x" * 90, "y", (f'p: "{"x" * 56}... -> "y"',)),
        (
            tuple(range(9)),
            tuple(range(1, 10)),
            (*(f"p[{i}]: {i} -> {i + 1}" for i in range(6)), "p: and 3 more fields"),
        ),
    ],
    ids=[
        "a field", "a map that was empty", "a key with dots", "appears", "goes", "an item", "a number", "requests",
        "a length",
        "a request for another", "another object", "an object inside", "keys", "what runs", "how it runs", "a set",
        "a long one", "many",
    ],
)  # fmt: skip
def test_each_change_is_told_in_a_line(before: object, after: object, told: tuple[str, ...]) -> None:
    assert tuple(lines(changes({"p": before, "q": 1}, {"p": after, "q": 1}))) == told


def test_objects_of_two_kinds_with_one_name_are_not_one() -> None:
    replicas = ReplicaSet(ObjectMeta(name="web-1", namespace="default"))
    assert [one.object.kind for one in changes({"p": pod()}, {"p": replicas})] == ["Pod", "ReplicaSet"]


def test_of_conditions_those_that_change_are_told() -> None:
    before = conditioned(Ready="True", Scheduled="True")
    after = conditioned(Ready="False", Scheduled="True", Disrupted="True")
    (line,) = lines(changes({"p": before}, {"p": after}))
    told = '{"Disrupted": null, "Ready": "True"} -> {"Disrupted": "True", "Ready": "False"}'
    assert line == f"Pod default/web-1 status.conditions: {told}"


def test_an_empty_list_and_nothing_are_no_change_for_a_reader() -> None:
    assert tuple(lines(changes({"p": ()}, {"p": None}))) == ()
    assert tuple(lines(changes({"p": 0}, {"p": None}))) == ("p: 0 -> nothing",)
