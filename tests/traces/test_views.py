"""A trace says on which view each component acted: which kinds, as they were after which step."""

from __future__ import annotations

from kubeproof.impl.api.core import Node, Pod
from kubeproof.impl.api.meta import ObjectMeta, Ref
from kubeproof.model.checker.results import Step, Trace
from kubeproof.model.machine import Action, Memory, Outcome, State
from kubeproof.model.world.verbs import Verb
from kubeproof.traces.document import Inputs, Moment, Seen
from kubeproof.traces.files import read
from kubeproof.traces.replay import _moments, record
from places import ROOT

CORPUS = ROOT / "traces" / "corpus"
START = State.of({"pods": 0, "seen": 0, "turn": ()})


def told(*steps: tuple[str, dict[str, object]]) -> tuple[Moment, ...]:
    """Record steps of a controller that remembers what it has seen of Pods, and of somebody who remembers nothing."""
    actions = {
        "controller": Action(
            "controller", "", lambda _: (), by="c", remembers=(Memory("turn"), Memory("seen", ("Pod",)))
        ),
        "somebody": Action("somebody", "", lambda _: ()),
    }
    made = (Step.of(actions[who], Outcome(who, updates)) for who, updates in steps)
    return tuple(_moments(Trace(START, tuple(made))))


def test_a_run_in_which_nothing_is_an_object_says_nothing_of_any() -> None:
    pod = Pod(ObjectMeta(name="web"))
    nothing = record(Trace(START), version="0", inputs=Inputs(), beside=(pod, Node()))
    assert nothing.objects == ()
    held = record(Trace(State.of({"place": Node(), **START})), version="0", inputs=Inputs(), beside=(pod, Node()))
    assert [one["kind"] for one in held.objects] == ["Node", "Pod"]


def test_who_looks_at_the_state_as_it_is_has_no_view() -> None:
    assert told(("somebody", {"pods": 1}))[0].view == ()


def test_a_view_is_as_old_as_the_step_in_which_it_was_last_seen() -> None:
    moments = told(
        ("somebody", {"pods": 1}),
        ("controller", {"seen": 1}),
        ("somebody", {"pods": 2}),
        ("controller", {"pods": 3}),
    )
    assert [one.view for one in moments] == [(), (Seen(("Pod",), 0),), (), (Seen(("Pod",), 2),)]


def test_the_rest_of_a_turn_rests_on_the_view_it_began_with() -> None:
    moments = told(
        ("controller", {"turn": ("next",)}),
        ("controller", {"seen": 1}),
        ("controller", {"turn": ()}),
        ("controller", {"pods": 1}),
    )
    assert [one.view[0].step for one in moments] == [0, 0, 0, 2]


def test_in_the_deadlock_the_replicaset_controller_sends_on_what_it_saw_before() -> None:
    steps = read(CORPUS / "deadlock-convergence.json").steps
    web = Ref("ReplicaSet", "default", "web-5985d4d76c")
    assert (steps[6].by, steps[6].verb, steps[6].on) == ("replicaset-controller", Verb.SENDS.value, web)
    assert steps[6].view == (Seen(("ReplicaSet",), 5), Seen(("Pod",), 0))
    assert [one.view for one in steps if one.by == "kubectl"] == [()]
