"""The API server and its model, asked for the same, never differ: conflicts, grace, finalizers, binding, budgets."""

# ruff: noqa: D102, FBT001 - the names of the rules say what they do

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from kubeproof.model.components.control_plane import apiserver as model
from kubeproof.properties.refinement.apiserver import Pair, abstract, drive, refines, unversioned

names = st.sampled_from(model.NAMES)
small = st.integers(0, 1)


class Lockstep(RuleBasedStateMachine):
    """Clients, a scheduler, a kubelet and a disruption controller."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()

    def do(self, action: model.Action) -> None:
        self.pair, lines = drive(self.pair, action)
        assert lines == ()

    @rule(name=names, held=st.booleans())
    def create(self, name: str, held: bool) -> None:
        self.do(model.Create(name, held))

    @rule(data=st.data(), name=names, note=st.sampled_from(model.NOTES), release=st.booleans())
    def change(self, data: st.DataObject, name: str, note: str, release: bool) -> None:
        seen = sorted(version for one, version in self.pair.reads if one == name)
        if seen:
            self.do(model.Change(name, data.draw(st.sampled_from(seen[-3:])), note, release))

    @rule(name=names, node=st.sampled_from(model.NODES))
    def bind(self, name: str, node: str) -> None:
        self.do(model.Bind(name, node))

    @rule(name=names, report=st.sampled_from(model.REPORTS))
    def report(self, name: str, report: tuple[str, bool]) -> None:
        self.do(model.Report(name, *report))

    @rule(name=names, asked=st.sampled_from(model.GRACES))
    def delete(self, name: str, asked: int | None) -> None:
        self.do(model.Delete(name, asked))

    @rule(name=names)
    def evict(self, name: str) -> None:
        self.do(model.Evict(name))

    @rule(forgives=st.booleans())
    def protect(self, forgives: bool) -> None:
        self.do(model.Protect(forgives))

    @rule(allowed=small, healthy=small, desired=small)
    def count(self, allowed: int, healthy: int, desired: int) -> None:
        self.do(model.Count(allowed, healthy, desired))

    @rule()
    def amend(self) -> None:
        self.do(model.Amend())


TestLockstep = Lockstep.TestCase
TestLockstep.settings = settings(max_examples=50, stateful_step_count=30)


def after(*actions: model.Action) -> Pair:
    """Do the actions, on both sides alike."""
    pair = Pair()
    for action in actions:
        pair, lines = drive(pair, action)
        assert lines == ()
    return pair


def test_the_map_sees_the_whole_life_of_a_pod() -> None:
    pair = after(model.Create("p", held=True), model.Bind("p", "n"), model.Report("p", "Running", ready=True))
    assert abstract(pair.server).pods["p"] == model.Pod(0, held=True, node="n", phase="Running", ready=True)


def test_no_step_of_the_model_undoes_a_binding() -> None:
    bound = after(model.Create("p"), model.Bind("p", "n")).state
    assert not refines(bound, unversioned(after(model.Create("p"), model.Bind("p", "m")).state))


def test_an_eviction_takes_from_the_budget_and_the_next_one_is_refused() -> None:
    running = [model.Create("p"), model.Bind("p", "n"), model.Report("p", "Running", ready=True)]
    others = [model.Create("q"), model.Bind("q", "n"), model.Report("q", "Running", ready=True)]
    pair = after(*running, *others, model.Protect(), model.Count(1, 2, 1), model.Evict("p"))
    assert abstract(pair.server).budget == model.Budget(0, 2, 1, current=True, disrupted=("p",))
    assert not model.Evict("q").enabled(pair.state)
    assert drive(pair, model.Evict("q"))[1] == ()
