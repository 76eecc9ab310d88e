"""How a namespace looks to the page resources/namespace, and the obligation of every committed request."""

from __future__ import annotations

from ....impl.api.cache import Cache
from ....impl.api.core import Namespace
from ....impl.api.meta import Ref
from ....model.components.resources.namespace import State, Thing, steps


def abstract(store: Cache, name: str) -> State:
    """Keep whether the namespace is there and leaving, and of its content whether it is held and going."""
    namespace = store.get(Namespace, Ref("Namespace", "", name))
    things = (
        Thing(f"{ref.kind}/{ref.name}", bool(obj.metadata.finalizers), obj.metadata.deletion_timestamp is not None)
        for ref, obj in store.objects.items()
        if obj.metadata.namespace == name
    )
    leaving = namespace is not None and namespace.metadata.deletion_timestamp is not None
    return State(namespace is not None, leaving, tuple(sorted(things, key=lambda one: one.name)))


def refines(before: State, after: State) -> bool:
    """Every request is a step of the model."""
    return after == before or any(action.apply(before) == after for action in steps(before))
