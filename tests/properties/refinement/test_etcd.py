"""etcd's store and its model, driven by the same actions, never differ."""

# ruff: noqa: D102 - the names of the rules say what they do

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from kubeproof.model.components.control_plane import etcd as model
from kubeproof.properties.refinement.etcd import Pair, drive, refines

keys = st.sampled_from(model.KEYS)
values = st.sampled_from(model.VALUES)
maybe = st.sampled_from((*model.VALUES, None))


class Lockstep(RuleBasedStateMachine):
    """A client, a compactor and watchers."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()

    def do(self, action: model.Action) -> None:
        self.pair, lines = drive(self.pair, action)
        assert lines == ()

    @rule(key=keys, value=values)
    def put(self, key: str, value: str) -> None:
        self.do(model.Set(key, value))

    @rule(key=keys)
    def delete(self, key: str) -> None:
        self.do(model.Remove(key))

    @rule(data=st.data(), key=keys, one=maybe, other=maybe, third=maybe)
    def transact(self, data: st.DataObject, key: str, one: str | None, other: str | None, third: str | None) -> None:
        known = data.draw(st.integers(0, self.pair.state.revision))
        self.do(model.Guarded(key, known, (("a", one), ("b", other)), (("b", third),)))

    @rule(data=st.data())
    def compact(self, data: st.DataObject) -> None:
        self.do(model.Forget(data.draw(st.integers(1, self.pair.state.revision + 1))))

    @precondition(lambda self: len(self.pair.told) < 3)
    @rule(data=st.data(), key=keys)
    def begin(self, data: st.DataObject, key: str) -> None:
        self.do(model.Begin(key, data.draw(st.integers(1, self.pair.state.revision + 1))))

    @precondition(lambda self: any(not one.lost for one in self.pair.told))
    @rule(data=st.data())
    def tell(self, data: st.DataObject) -> None:
        live = [index for index, one in enumerate(self.pair.told) if not one.lost]
        self.do(model.Tell(data.draw(st.sampled_from(live)), self.pair.state.revision))


TestLockstep = Lockstep.TestCase
TestLockstep.settings = settings(max_examples=60, stateful_step_count=25)


def test_the_model_makes_no_step_from_nothing_to_a_key_that_was_changed_twice() -> None:
    before = model.State()
    once = model.Set("a", "0").apply(before)
    assert refines(before, once)
    assert not refines(before, model.Set("a", "1").apply(once))


def test_a_watcher_is_told_no_change_twice_and_none_out_of_order() -> None:
    pair = Pair()
    for action in (model.Begin("a", 1), model.Set("a", "0"), model.Tell(0, 2), model.Remove("a"), model.Tell(0, 3)):
        pair, lines = drive(pair, action)
        assert lines == ()
    assert pair.state.watches[0].told == (model.Change(2, "a", "0"), model.Change(3, "a", None))
