"""The objects of a scenario as `kubectl apply` leaves them in the API server."""

from __future__ import annotations

from attrs import evolve

from ...impl.api.cache import Cache
from ...impl.api.core import Namespace, Node, Pod
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import ObjectMeta, Ref
from ...impl.api.quota import ResourceQuota
from ...impl.api.requests import Create, Response
from ...impl.apiserver.access.authentication import ADMIN
from ...impl.apiserver.handler import handle
from ...impl.apiserver.storage import Objects
from ...impl.apiserver.verbs.create import uid_of
from ...impl.kubectl.apply import apply
from ...impl.kubelet.static_pods import is_mirror, mirror
from ..input.assumed.surroundings import config_of, namespaces_of
from ..input.scenario import Scenario
from .controllers import (
    node_controllers,
    quotas,
)


class Refused(Exception):  # noqa: N818 - it says what happened
    """The API server refuses an object of the scenario."""

    def __init__(self, obj: Object, response: Response) -> None:
        super().__init__(f"{ref_of(obj)}: {response.message}")
        self.obj = obj
        self.response = response


def applied(scenario: Scenario) -> tuple[Object, ...]:
    """Return the objects of a scenario as `kubectl apply` leaves them in the API server: defaulted, validated, noted.

    The note is what was applied, so that a later apply takes away what its manifest has no more. A quota is counted at
    once: the controller needs milliseconds for that.

    Namespaces come first: where they do not, and the first apply is what is asked about, the input was refused.
    Webhooks are not asked: what they guard was there before them, or somebody tried again.

    Raises `Refused` for the first that is not accepted.
    """
    objects = Objects()
    config = evolve(config_of(scenario), webhooks=())
    for name in namespaces_of(scenario):
        objects = objects.commit(handle(objects, Create(Namespace(ObjectMeta(name))), user=ADMIN)[1])
    for given in sorted(scenario.objects, key=lambda one: not isinstance(one, Namespace)):
        obj = _as_made(given)
        asked = (Create(obj),) if isinstance(obj, Node) else apply(obj, Cache(objects.objects), scenario.namespace)
        for request in asked:
            response, transaction = handle(objects, request, user=ADMIN, config=config)
            if not response.ok:
                raise Refused(obj, response)
            objects = objects.commit(transaction)
        objects = quotas.counted(objects) if isinstance(obj, ResourceQuota) else objects
    there = tuple(objects.objects[ref] for ref in sorted(objects.objects))
    return node_controllers.at_rest(there)


def _as_made(obj: Object) -> Object:
    """Return an object as it is asked for: a mirror Pod, which no manifest makes, as the kubelet of its node does."""
    if not isinstance(obj, Pod) or not is_mirror(obj):
        return obj
    return mirror(obj, uid_of(Ref("Node", "", obj.spec.node_name)))
