"""How kubectl's commands are seen as its model: the live objects are a state, a script step is an action."""

from __future__ import annotations

from immutabledict import immutabledict

from ...impl.api.apps import Deployment, Sized
from ...impl.api.cache import Cache
from ...impl.api.core import Node, Pod
from ...impl.api.kinds import ref_of
from ...impl.api.requests import Create, Delete, Evict, Request, Update
from ...impl.api.well_known import MIRROR
from ...impl.api.workloads import with_size
from ...impl.kubectl import script
from ...model.components.control_plane import kubectl as model


def abstract(cache: Cache) -> model.State:
    """See the live objects as a state of the model."""
    return model.State(
        workloads=immutabledict(
            (deployment.metadata.name, model.Workload(deployment.spec.wanted, _images(deployment)))
            for deployment in cache.list(Deployment)
        ),
        hosts=immutabledict((node.metadata.name, _host(node)) for node in cache.list(Node)),
        pods=immutabledict((pod.metadata.name, _place(pod)) for pod in cache.list(Pod)),
    )


def _images(deployment: Deployment) -> immutabledict[str, str]:
    return immutabledict((container.name, container.image) for container in deployment.spec.template.spec.containers)


def _host(node: Node) -> model.Host:
    taints = immutabledict(((taint.key, taint.effect), taint.value) for taint in node.spec.taints)
    return model.Host(node.spec.unschedulable, taints, immutabledict(node.metadata.labels))


def _place(pod: Pod) -> model.Place:
    owners = {owner.kind for owner in pod.metadata.owner_references if owner.controller}
    mirror = MIRROR in pod.metadata.annotations
    return model.Place(pod.spec.node_name, stays=mirror or ("DaemonSet" in owners and not pod.finished))


def action(step: script.Step) -> tuple[model.Action, ...]:
    """Return what a step means; no action for a kind of step the model leaves out."""
    match step:
        case script.SetImage(_, name, image, container):
            return (model.SetImage(name, container, image),)
        case script.Scale(_, name, replicas):
            return (model.Scale(name, replicas),)
        case script.Cordon(node) | script.Uncordon(node):
            return (model.SetCordon(node, closed=isinstance(step, script.Cordon)),)
        case script.Taint(node, key, value, effect, overwrite):
            return (model.SetTaint(node, key, effect, value, overwrite),)
        case script.Untaint(node, key, effect):
            return (model.SetTaint(node, key, effect, None),)
        case script.LabelNode(node, labels, overwrite):
            return (model.SetLabels(node, immutabledict(labels), overwrite),)
        case script.DeletePod(name):
            return (model.RemovePod(name),)
        case script.Drain(node):
            return (model.Empty(node),)
    return ()


def granted(cache: Cache, request: Request) -> Cache:
    """Return the objects once a request is granted, deletions finished at once; only the fields it may write change."""
    objects = cache.objects
    match request:
        case Create(object=created):
            return Cache.of((*objects.values(), created))
        case Update(object=updated, subresource="scale"):
            old = objects[ref_of(updated)]
            if isinstance(old, Sized) and isinstance(updated, Sized):
                updated = with_size(old, updated.spec.replicas)
            return Cache(objects.set(ref_of(updated), updated))
        case Update(object=updated):
            return Cache(objects.set(ref_of(updated), updated))
        case Delete(ref=gone) | Evict(pod=gone):
            return Cache(objects.delete(gone))
    return cache


def run(step: script.Step, cache: Cache, namespace: str) -> Cache:
    """Return the objects after a command, everything granted; a drain is repeated until it is over."""
    wanted = script.requests(step, cache, namespace)
    for request in () if isinstance(wanted, script.Missing) else wanted:
        cache = granted(cache, request)
    return cache
