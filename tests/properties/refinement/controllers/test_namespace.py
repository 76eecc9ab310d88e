"""The namespace controller empties a namespace as its model does, through the API server, and stops where it stops."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Namespace, Service
from kubeproof.impl.api.meta import ObjectMeta, Ref
from kubeproof.impl.api.requests import Create, Delete, Request
from kubeproof.impl.apiserver.access.authentication import ADMIN, controller
from kubeproof.impl.apiserver.handler import handle
from kubeproof.impl.apiserver.storage import Objects
from kubeproof.impl.controllers import namespace
from kubeproof.model.components.resources.namespace import steps
from kubeproof.properties.refinement.controllers.namespace import abstract, refines

KEY = Ref("Namespace", "", "shop")
THING = st.tuples(st.sampled_from(["shop", "other"]), st.booleans(), st.booleans())


def sent(store: Objects, request: Request, *, admin: bool = False) -> Objects:
    """Let the API server handle a request that it must grant."""
    user = ADMIN if admin else controller("namespace-controller")
    response, transaction = handle(store, request, user=user)
    assert response.ok, response.message
    return store.commit(transaction)


def store_of(things: list[tuple[str, bool, bool]]) -> Objects:
    """Make two namespaces with Services in them, some held by a finalizer, some being deleted."""
    store = Objects()
    for name in ("shop", "other"):
        store = sent(store, Create(Namespace(ObjectMeta(name))), admin=True)
    for number, (where, held, going) in enumerate(things):
        meta = ObjectMeta(f"s{number}", namespace=where, finalizers=("example.com/hold",) if held else ())
        service = Service(meta)
        service = evolve(service, spec=evolve(service.spec, cluster_ip="None", selector=service.spec.selector))
        store = sent(store, Create(service), admin=True)
        if going:
            store = sent(store, Delete(Ref("Service", where, f"s{number}")), admin=True)
    return store


@settings(max_examples=60)
@given(st.lists(THING, max_size=4), st.booleans())
def test_it_does_what_the_model_does(things: list[tuple[str, bool, bool]], deleted: bool) -> None:  # noqa: FBT001
    store = store_of(things)
    if deleted:
        store = sent(store, Delete(KEY), admin=True)
    for _ in range(3):
        before = abstract(Cache.of(store.objects.values()), "shop")
        requests = namespace.reconcile(Cache.of(store.objects.values()), KEY)
        assert bool(requests) == bool(steps(before))
        for request in requests:
            now = abstract(Cache.of(store.objects.values()), "shop")
            store = sent(store, request)
            assert refines(now, abstract(Cache.of(store.objects.values()), "shop"))
    rest = abstract(Cache.of(store.objects.values()), "shop")
    assert steps(rest) == ()
    assert rest.there == (not deleted or any(where == "shop" and held for where, held, _ in things))
    others = [one for one in store.objects.values() if one.metadata.namespace == "other"]
    assert len(others) == sum(where == "other" and (held or not going) for where, held, going in things)


def test_what_is_kept_is_enough_to_decide_on() -> None:
    store = sent(store_of([("shop", True, False), ("shop", False, False)]), Delete(KEY), admin=True)
    whole = namespace.reconcile(Cache.of(store.objects.values()), KEY)
    kept = (namespace.TRANSFORM[ref.kind](one) for ref, one in store.objects.items())
    assert namespace.reconcile(Cache.of(one for one in kept if one is not None), KEY) == whole
