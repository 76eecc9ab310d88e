"""Static Pods in a world: their mirrors come back, and what they take of their node they keep meanwhile.

A kubelet removes a mirror Pod that is to go and makes it anew, in two requests with everybody else's steps between
them: the scheduler may take the room for free, and the kubelet then refuses whom it sends (k/k#42433).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import evolve
from immutabledict import immutabledict

from ....impl.api.core import Node, Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.requests import Create, Delete
from ....impl.api.runtime import PodRuntime, Stage
from ....impl.kubelet.static_pods import is_mirror, mirror
from ....model.machine import Outcome, View
from ....model.world.store import Full, Stored, name_in
from ....model.world.world import World, too_small

Static = Mapping[Ref, Pod]
"""The static Pods of a world, each by the name of its mirror, as it was given."""


def static_pods(objects: Iterable[Object], namespace: str) -> Static:
    """Return the static Pods that mirrors among some objects tell of; `namespace` is that of those that name none."""
    mirrors = (obj for obj in objects if isinstance(obj, Pod) and is_mirror(obj))
    placed = (
        evolve(pod, metadata=evolve(pod.metadata, namespace=pod.metadata.namespace or namespace)) for pod in mirrors
    )
    return immutabledict((ref_of(pod), pod) for pod in placed)


def static_of(static: Static, pod: Pod | None, runtime: PodRuntime | None) -> Pod | None:
    """Return the static Pod that a Pod mirrors, or, where there is no object, that is running."""
    if not static:
        return None
    if pod is not None:
        return static.get(ref_of(pod))
    _, _, where = ("" if runtime is None else runtime.uid).partition("/")
    return static.get(Ref("Pod", where.partition("/")[0], name_in("" if runtime is None else runtime.uid)))


def goes_on(
    world: World, view: View, place: str, slot: str, static: Pod, shown: Pod | None, runtime: PodRuntime
) -> Iterator[Outcome]:
    """Remove a mirror that is to go, or make the one anew that is gone; `slot` says what runs."""
    stored = Stored(view, world.layout)
    name, node = static.metadata.name, stored.get(Ref("Node", "", static.spec.node_name))
    if not isinstance(node, Node):
        return
    if shown is not None:
        kept = runtime if runtime.uid else PodRuntime(Stage.STARTING, shown.metadata.uid)
        world.send(stored, ref_of(node), Delete(ref_of(shown), grace_period_seconds=0, uid=shown.metadata.uid))
        yield Outcome(f"{node.metadata.name}: removes the mirror Pod {name}", {**stored.updates, slot: kept})
        return
    try:
        made = world.send(stored, ref_of(node), Create(mirror(static, node.metadata.uid)))
    except Full as full:
        yield too_small(full.kind)
        return
    if made.ok and made.object is not None:
        (new,) = (at for at, obj in stored.updates.items() if isinstance(obj, Pod) and at != place)
        runs = evolve(runtime, uid=made.object.metadata.uid) if runtime.stage is Stage.RUNNING else None
        label = f"{node.metadata.name}: makes the mirror Pod {name} anew"
        yield Outcome(label, {**stored.updates, slot: None, f"runtime/{new.rpartition('/')[2]}": runs})
