"""What those wait for who put a cluster in order when nodes fall silent or are tainted.

Upstream: pkg/controller/nodelifecycle/node_lifecycle_controller.go and config/v1alpha1/defaults.go,
pkg/controller/tainteviction/taint_eviction.go (v1.32). Both may be late, so there is no greatest length.

- **Silence.** A node is not ready when nothing was heard of it for `--node-monitor-grace-period`, 50 seconds since
  v1.32 (kubernetes/kubernetes#126287). What was heard last may be as old as a lease, which is renewed every 10 seconds.
- **Toleration.** A Pod stays as long as the shortest of its `tolerationSeconds` for the taints of its node, counted
  from when its controller first saw one of them beside the Pod: no earlier than when both are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from ....impl.api.cache import Cache
from ....impl.api.core import Node, Pod
from ....impl.controllers import tainteviction
from ....model.machine import Timer, View, Wait
from ....model.world.verbs import Verb
from ..controllers import taint_eviction
from ..controllers.node_controllers import LIFECYCLE
from ..nodes.node_state import is_silent
from .timing import Timing


def timers(timing: Timing) -> Iterator[Timer]:
    """Yield what the node lifecycle and the taint eviction controller of a world wait for."""
    layout = timing.world.layout
    for place in layout.pools.get("Node", ()) if timing.struck else ():
        silence = partial(_silence, timing, place)
        yield Timer(silence, partial(_is_unknown, place), "silence", LIFECYCLE, Verb.HEARS_NOTHING, place)
    for place in layout.pools["Pod"] if "Node" in layout.pools else ():
        stays = partial(_stays, layout.pools["Node"], place)
        yield Timer(stays, partial(_is_evicted, place), "toleration", taint_eviction.USER, Verb.SENDS)


def _silence(timing: Timing, place: str, view: View) -> Iterator[Wait]:
    node = view[place]
    if not isinstance(node, Node) or node.metadata.name not in timing.struck or _unknown(node):
        return
    if is_silent(view, node.metadata.name):
        told = f"the node controller's patience with {node.metadata.name}, of which nothing is heard,"
        yield Wait(node.metadata.name, told, *timing.silence)


def _unknown(node: Node) -> bool:
    ready = node.status.condition("Ready")
    return ready is not None and ready.status == "Unknown"


def _is_unknown(place: str, _before: View, after: View, _wait: Wait) -> bool:
    return isinstance(after[place], Node) and _unknown(after[place])


def _stays(nodes: tuple[str, ...], place: str, view: View) -> Iterator[Wait]:
    pod = view[place]
    if not isinstance(pod, Pod) or pod.metadata.terminating or not pod.spec.node_name:
        return
    there = (view[slot] for slot in nodes)
    here = [obj for obj in there if isinstance(obj, Node) and obj.metadata.name == pod.spec.node_name]
    seconds = tainteviction.delay(Cache.of((pod, *here)), pod)
    if seconds is not None:
        told = f"the toleration of Pod {pod.metadata.namespace}/{pod.metadata.name} on {pod.spec.node_name}"
        yield Wait(pod.metadata.uid, told, Fraction(seconds))


def _is_evicted(place: str, _before: View, after: View, wait: Wait) -> bool:
    pod = after[place]
    return not isinstance(pod, Pod) or pod.metadata.uid != wait.what or pod.metadata.terminating
