"""A page tells of each step what the run itself says: the objects, who acts, which way messages go, old views."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from immutabledict import immutabledict

from kubeproof.harness import face
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.values.frozen import freeze
from kubeproof.model.checker.semantics import write
from kubeproof.model.world.verbs import Verb
from kubeproof.traces.changes import OBJECTS, Change, plain
from kubeproof.traces.document import Document, Inputs, Moment, Seen
from kubeproof.traces.files import read
from kubeproof.traces.page.components import CODE, ROOT, controllers
from kubeproof.traces.page.diff import diff, written
from kubeproof.traces.page.scenes import put, state_of, steps_of, story, summary
from kubeproof.traces.replay import Replayed
from places import ROOT as REPOSITORY

CORPUS = sorted((REPOSITORY / "traces" / "corpus").glob("*-*.json"))
CHECKS = [path for path in CORPUS if not path.stem.startswith("run-")]
WEB = Ref("Pod", "default", "web")
POD = freeze({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "default"}})
BOUND = freeze({**POD, "spec": {"nodeName": "n1"}})
BINDS = Change("place", WEB, "spec", None, immutabledict(nodeName="n1"))
SLICE = freeze({"kind": "EndpointSlice", "metadata": {"name": "web", "namespace": "default"}})
NODE = freeze({"kind": "Node", "metadata": {"name": "n1"}})


def document(*steps: Moment, objects: tuple[object, ...] = (POD, NODE)) -> Document:
    return Document("check", "0", Inputs(), "", steps, objects=objects)


def moment(by: str = "scheduler", verb: Verb = Verb.SENDS, **more: object) -> Moment:
    return Moment("who: does", "does", "", by=by, verb=verb.value, **more)


@pytest.mark.parametrize("path", CHECKS, ids=lambda path: path.stem)
def test_the_objects_at_each_step_are_those_of_the_run(path: Path) -> None:
    recorded = read(path)
    replayed = face.replay_check(recorded)
    assert isinstance(replayed, Replayed)
    state, scenes = replayed.trace.initial, story(recorded).scenes
    placed = {one.kind for one in (ref_of(value) for value in state.values() if type(value) in OBJECTS)}
    for number, step in enumerate((None, *replayed.trace.steps)):
        for one in () if step is None else (step, *step.urgent):
            state = write(state, one.outcome, one.action)
        there = {ref_of(value): plain(value) for value in state.values() if type(value) in OBJECTS}
        assert {ref: value for ref, value in scenes[number].store.items() if ref.kind in placed} == there


def test_a_write_goes_over_the_api_server_to_etcd_and_news_come_from_there() -> None:
    sends, sees = story(document(moment(changes=(BINDS,)), moment(verb=Verb.SEES))).scenes[1:]
    assert sends.routes == (("scheduler", "kube-apiserver", "etcd"),)
    assert sees.routes == (("etcd", "kube-apiserver", "scheduler"),)
    assert (sends.tone, sees.tone) == ("", "")


def test_a_request_that_changes_nothing_comes_back_refused() -> None:
    (refused,) = story(document(moment())).scenes[1:]
    assert (refused.tone, refused.routes) == ("refused", (("scheduler", "kube-apiserver", "scheduler"),))


def test_a_kubelet_is_that_of_the_node_of_its_pod_and_works_on_what_runs_there() -> None:
    works = moment("kubelet", Verb.WORKS, on=WEB, changes=(Change("runtime", None, "", None, "running"),))
    told = story(document(works, objects=(BOUND, NODE)))
    assert (told.scenes[1].who, told.scenes[1].routes) == ("kubelet:n1", (("kubelet:n1", "pods:n1"),))
    assert told.nodes == ("n1",)


def test_a_fault_lights_up_whom_it_strikes_and_sends_nothing() -> None:
    dies = Moment("node n1: dies", "node n1 dies", "", verb=Verb.DIES.value, on="n1")
    crashes = moment("replicaset-controller", Verb.CRASHES)
    scenes = story(document(dies, crashes)).scenes[1:]
    assert [(one.who, one.tone, one.routes) for one in scenes] == [
        ("node:n1", "fault", ()),
        ("replicaset-controller", "fault", ()),
    ]


def test_who_acts_in_a_closer_look_is_called_as_the_action_says() -> None:
    told = story(document(Moment("load balancer: checks n1", "n1 is healthy", "")))
    assert told.scenes[1].who == "load balancer"
    assert "load balancer" in told.clients


def test_an_old_view_is_shown_with_what_has_changed_since_and_a_view_of_now_is_not() -> None:
    acts = moment("replicaset-controller", view=(Seen(("Pod",), 0),))
    old = story(document(moment(changes=(BINDS,)), acts)).scenes[2]
    assert [(view.of, view.step, [one.ref for one in view.since]) for view in old.views] == [(("Pod",), 0, [WEB])]
    assert old.notes["replicaset-controller"] == "view of the start"
    fresh = story(document(moment(changes=(BINDS,)), evolve(acts, view=(Seen(("Pod",), 1),)))).scenes[2]
    assert fresh.views == ()
    assert "replicaset-controller" not in fresh.notes
    other = story(document(moment(changes=(BINDS,)), evolve(acts, view=(Seen(("Node",), 0),)))).scenes[2]
    assert other.views == ()


def test_the_rules_of_a_proxy_are_as_old_as_its_last_sync() -> None:
    change = Change("place", Ref("EndpointSlice", "default", "web"), "addressType", None, "IPv4")
    syncs = moment("kube-proxy", Verb.SYNCS, on="n1")
    told = story(document(moment(changes=(change,)), syncs, objects=(SLICE, NODE)))
    assert [scene.notes.get("kube-proxy:n1") for scene in told.scenes] == [None, "rules of the start", None]
    assert told.scenes[2].routes == (("etcd", "kube-apiserver", "kube-proxy:n1"),)
    assert told.boxes == ("kubelet:n1", "kube-proxy:n1")


KEYS = st.one_of(st.sampled_from(["a", "spec", "nodeName"]), st.integers(0, 2), st.sampled_from(["a.b/c", "x-y"]))


@given(st.lists(KEYS, max_size=4).map(tuple))
def test_a_path_is_read_as_it_was_written(steps: tuple[str | int, ...]) -> None:
    path = ""
    for step in steps:
        plain_key = isinstance(step, str) and step.isidentifier()
        path += f".{step}" if plain_key and path else str(step) if plain_key else f"[{step}]"
    assert steps_of(path) == steps


def test_a_value_is_put_where_its_path_leads_and_taken_away_with_none() -> None:
    value = freeze({"spec": {"containers": [{"image": "a"}, {"image": "b"}]}})
    assert put(value, ("spec", "containers", 1, "image"), "c") == freeze(
        {"spec": {"containers": [{"image": "a"}, {"image": "c"}]}}
    )
    assert put(value, ("spec", "containers"), None) == freeze({"spec": {}})
    assert put(immutabledict(), ("metadata", "labels", "app"), "web") == freeze(
        {"metadata": {"labels": {"app": "web"}}}
    )


def test_a_difference_shows_the_lines_above_those_that_change() -> None:
    before = "kind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - image: a\n    name: app\n  nodeName: n1\n"
    assert diff(before, before.replace("image: a", "image: b")) == (
        ("~", ""),
        (" ", "spec:"),
        (" ", "  containers:"),
        ("-", "  - image: a"),
        ("+", "  - image: b"),
        (" ", "    name: app"),
        ("~", ""),
    )
    assert diff(before, before) == ()


def test_what_was_applied_is_not_written_out_a_second_time() -> None:
    note = {"kubectl.kubernetes.io/last-applied-configuration": "{...long...}", "mine": "kept"}
    shown = written(freeze({"metadata": {"annotations": note}}))
    assert "long" not in shown
    assert "mine: kept" in shown


READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "pending"),
        ({"status": READY}, "ready"),
        ({"status": {"phase": "Running"}}, "running"),
        ({"status": {"phase": "Failed"}}, "failed"),
        ({"status": READY, "metadata": {"deletionTimestamp": "1970-01-01T00:00:30Z"}}, "terminating"),
    ],
)
def test_a_pod_is_in_one_word(fields: dict[str, object], state: str) -> None:
    assert state_of(freeze({**POD, **fields})) == state


def test_what_matters_of_an_object_is_told_in_a_few_words() -> None:
    assert summary(BOUND) == "pending, on n1"
    assert summary(freeze({"kind": "ReplicaSet", "spec": {"replicas": 3}})) == "3 wanted"
    told = freeze({"kind": "ReplicaSet", "spec": {"replicas": 3}, "status": {"readyReplicas": 2}})
    assert summary(told) == "3 wanted, 2 ready"
    assert summary(freeze({"kind": "Node", "spec": {"unschedulable": True}})) == "cordoned"
    assert summary(SLICE) == ""


def test_every_component_has_its_code_and_says_what_it_does() -> None:
    assert [code for code in CODE.values() if not (ROOT / code).exists()] == []
    told = [*controllers()]
    assert {one.code for one in told} == {code for code in CODE.values() if "controllers" in code}
    assert all(one.title and one.does for one in told)
