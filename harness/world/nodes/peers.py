"""Programs that get ready once they find others by the name of a Service, as their Pods say (`ready_when`).

A name leads to the Pods that the Service publishes: those that are ready, or with publishNotReadyAddresses all that
run, the one that asks among them. Left out on purpose: how long a name takes to follow, which a kubelet that looks
later covers, and answers that are kept.
"""

from __future__ import annotations

from functools import partial

from ....impl.api.core import Pod, Service
from ....impl.api.kinds import Object
from ....impl.api.meta import Ref
from ....impl.api.values.frozen import Strings
from ....impl.api.values.selectors import matches_map
from ....impl.kubelet.behaviour import ready_when
from ....model.machine import View
from ....model.world.store import Stored
from ....model.world.world import World


def waits_for(world: World, view: View, pod: Pod) -> str:
    """Name the first Service that a Pod's program waits for and that leads to nobody; "" where it waits for none.

    A Service that is not there is one of somebody else.
    """
    for name in ready_when(pod):
        service = Stored(view, world.layout).get(Ref("Service", pod.metadata.namespace, name))
        if isinstance(service, Service) and not _leads_somewhere(world, view, service):
            return name
    return ""


def _leads_somewhere(world: World, view: View, service: Service) -> bool:
    space, selector = service.metadata.namespace, service.spec.selector
    keep = partial(_is_published, space, selector, service.spec.publish_not_ready_addresses)
    return any(view.via(keep, place) for place in world.layout.pools["Pod"])


def _is_published(
    space: str,
    selector: Strings,
    unready: bool,  # noqa: FBT001 - bound by partial
    obj: Object | None,
) -> bool:
    if not isinstance(obj, Pod) or obj.metadata.namespace != space or obj.metadata.terminating:
        return False
    answers = obj.status.phase == "Running" if unready else obj.ready
    return answers and matches_map(selector, obj.metadata.labels)
