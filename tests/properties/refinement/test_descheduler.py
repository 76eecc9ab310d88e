"""The descheduler asks whom its model asks, look by look, until there is nobody left to be asked."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.descheduler.policy import Policy
from kubeproof.model.components.scheduling.descheduler import Look, Node, Pod, State, steps
from kubeproof.properties.refinement.descheduler import NAMES, compared, node, pod

NODE = st.fixed_dictionaries(
    {
        "tainted": st.booleans(),
        "cordoned": st.booleans(),
        "ready": st.sampled_from(["True", "True", "True", "False"]),
        "room": st.integers(1, 4),
    }
)
POD = st.tuples(
    st.sampled_from(NAMES), st.sampled_from(["ReplicaSet", "ReplicaSet", "StatefulSet", "DaemonSet", ""]), st.booleans()
)
POLICY = st.builds(Policy, taints=st.booleans(), duplicates=st.booleans(), node_fit=st.booleans())


@settings(max_examples=150)
@given(st.lists(NODE, min_size=3, max_size=3), st.lists(POD, max_size=6), POLICY)
def test_each_look_is_the_models(
    kinds: list[dict[str, Any]], pods: list[tuple[str, str, bool]], policy: Policy
) -> None:
    tolerating = {owner: tolerates for _, owner, tolerates in pods}
    store = Cache.of(
        (
            *(node(name, **kind) for name, kind in zip(NAMES, kinds, strict=True)),
            *(pod(n, place, owner, tolerates=tolerating[owner]) for n, (place, owner, _) in enumerate(pods)),
        )
    )
    for _ in pods:
        found = list(compared(store, policy))
        assert [one.wrong for one in found if one.wrong] == []
        if not found:
            return
        store, _ = found[0].world  # type: ignore[misc]


def test_who_stays_is_anybodys_choice_and_no_node_keeps_more_than_its_share() -> None:
    may = frozenset({"a", "b"})
    pods = tuple(Pod(name, "web", "a", may=may) for name in "xyz")
    state = State((Node("a"), Node("b")), pods, duplicates=True)
    assert {look.leave for look in steps(state)} == {frozenset("x"), frozenset("y"), frozenset("z")}
    assert not Look(frozenset("xy")).enabled(state)
    assert [one.leaving for one in Look(frozenset("x")).apply(state).pods] == [True, False, False]
