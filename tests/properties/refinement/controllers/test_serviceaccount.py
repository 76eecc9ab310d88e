"""The service account controller makes the account that its model makes, whatever else is there."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Namespace
from kubeproof.impl.api.kinds import Object, Unstructured
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.controllers import serviceaccount
from kubeproof.model.components.resources.serviceaccount import steps
from kubeproof.properties.refinement.controllers.serviceaccount import KEY, World, abstract, sent
from planted import planted

SPACE = st.tuples(st.sampled_from(["shop", "other"]), st.booleans())
ACCOUNT = st.tuples(st.sampled_from(["shop", "other"]), st.sampled_from(["default", "robot"]))


def store_of(spaces: list[tuple[str, bool]], accounts: list[tuple[str, str]]) -> Cache:
    made: list[Object] = [
        Namespace(ObjectMeta(name, deletion_timestamp=0 if going else None)) for name, going in spaces
    ]
    made += [Unstructured(serviceaccount.KIND, ObjectMeta(name, namespace=space)) for space, name in accounts]
    return Cache.of(made)


@given(st.lists(SPACE, max_size=3), st.lists(ACCOUNT, max_size=3))
def test_a_sync_comes_to_what_the_model_comes_to(
    spaces: list[tuple[str, bool]], accounts: list[tuple[str, str]]
) -> None:
    store = store_of(spaces, accounts)
    before = abstract(store)
    after = sent(World(store, store)).live
    assert abstract(after) == next((action.apply(before) for action in steps(before)), before)
    assert sent(World(after, after)).live == after


def test_a_namespace_that_goes_gets_none() -> None:
    going = store_of([("shop", True)], [])
    assert serviceaccount.reconcile(going, KEY) == ()
    with planted("kubeproof.impl.controllers.serviceaccount", " or namespace.metadata.terminating", ""):
        assert serviceaccount.reconcile(going, KEY)
        assert sent(World(going, going)).live == evolve(World(going, going)).live
