"""What a kubelet waits for, Pod by Pod: that it gets ready, that its time is over, its hook, its end.

Upstream: pkg/kubelet/prober/worker.go, pkg/kubelet/active_deadline.go, pkg/kubelet/kuberuntime/kuberuntime_container.go
(v1.32). A wait begins with what everybody can see, the binding or the deletion, which is no later than when the
kubelet begins to count.

- **Ready.** No probe is asked before its `initialDelaySeconds`, counted from the start of its container, nor succeeds
  before its program has started up, where an annotation says how long that takes. A period or a
  `successThreshold` adds nothing that is sure: a worker is woken whenever the container is started anew. Where only
  some container was restarted, the shortest delay of all; none where a probe has failed since it was ready. No
  greatest length: a program takes what it takes.
- **Over.** `activeDeadlineSeconds` count from when the kubelet has admitted the Pod, which it says in whole seconds: so
  a second less is sure. It may be late.
- **Hook.** From the beginning of the hooks until the first SIGTERM: the shortest hook of all containers, as far as its
  length can be read off, and not more than the grace period.
- **End.** Containers end side by side, so the longest hook is waited for; one that uses its whole grace period that.
  Nothing is sure of containers that may crash, or end by themselves. They have stopped two minutes after the grace
  period, the time a kubelet gives its runtime beyond it for the request to stop one (`--runtime-request-timeout`); not
  so where the kubelet may restart, and then begins anew, or nothing is heard of its node. The same is said of the
  object, which the kubelet removes then: but only of Pods without finalizers, and whose volumes are all the kubelet's
  own, for it first takes volumes away, and some others let go when they like.

A wait of no length counts as well: it is one that might get a length while it is there, and then began before.

Left out on purpose: back-offs, for a world tries an image once and starts a container that crashed at once, or never;
liveness probes, which never fail by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import partial

from ....impl.api.core import Container, Node, Pod
from ....impl.api.runtime import PodRuntime, Stage
from ....impl.kubelet.starting import starts_in
from ....impl.kubelet.status import DEADLINE_EXCEEDED
from ....impl.kubelet.timings import hook_length, timings
from ....impl.scheduler.plugins.volumes.volume_claims import volumes
from ....model.machine import Timer, View, Wait
from ....model.world.verbs import Verb
from ..nodes import node_state
from ..nodes.kubelets import USER, runtime_slot
from .timing import Timing

STOPS_SECONDS = 120
"""--runtime-request-timeout of a kubelet: 2 minutes."""
KUBELETS_OWN = frozenset({"emptyDir", "configMap", "secret", "projected", "downwardAPI", "hostPath"})
"""The kinds of volumes that a kubelet makes itself."""
NOTHING = Fraction(0)
HELD = frozenset({Stage.STARTING, Stage.RUNNING, Stage.PRE_STOP, Stage.TERMINATING})
STARTED = frozenset({Stage.RUNNING, Stage.PRE_STOP, Stage.TERMINATING})


def timers(timing: Timing) -> Iterator[Timer]:
    """Yield what the kubelets of a world wait for."""
    for place in timing.world.layout.pools["Pod"]:
        if timing.behaviour.probes:
            yield Timer(partial(_readiness, place), partial(_is_ready, place), "readiness", USER, Verb.WORKS, place)
        yield Timer(partial(_deadline, place), partial(_is_given_up, place), "deadline", USER, Verb.WORKS, place)
        yield Timer(partial(_hook, timing, place), partial(_is_signalled, place), "hook", USER, Verb.WORKS, place)
        yield Timer(partial(_end, timing, place), partial(_has_ended, place), "end", USER, Verb.WORKS, place)


def _seen(place: str, view: View) -> tuple[Pod, PodRuntime] | None:
    """Return the Pod in a place that has a node, with what runs for it."""
    pod, runtime = view[place], view[runtime_slot(place)]
    if not isinstance(pod, Pod) or not pod.spec.node_name:
        return None
    runs = isinstance(runtime, PodRuntime) and runtime.uid == pod.metadata.uid
    return pod, runtime if runs else PodRuntime()


def _name(pod: Pod) -> str:
    return f"Pod {pod.metadata.namespace}/{pod.metadata.name}"


# --- a Pod that lives -------------------------------------------------------------------------------------------------


def _readiness(place: str, view: View) -> Iterator[Wait]:
    seen = _seen(place, view)
    if seen is None or seen[0].metadata.terminating:
        return
    pod, runtime = seen
    delays = [_delay(container, starts_in(pod)) for container in pod.spec.containers]
    least = 0 if runtime.failing else min(delays, default=0) if runtime.restarts else max(delays, default=0)
    if least and not runtime.ready and runtime.stage in {Stage.IDLE, Stage.STARTING, Stage.RUNNING}:
        what = (pod.metadata.uid, "ready", runtime.restarts)
        yield Wait(what, f"the initial delay of the probes of {_name(pod)}", Fraction(least))


def _delay(container: Container, needed: int) -> int:
    """Return the seconds before a container can be ready whose program needs so many to start up."""
    probes = (container.readiness_probe, container.startup_probe)
    delays = [probe.initial_delay_seconds for probe in probes if probe is not None]
    return max(*delays, needed) if delays else 0


def _is_ready(place: str, _before: View, after: View, wait: Wait) -> bool:
    runtime = after[runtime_slot(place)]
    return isinstance(runtime, PodRuntime) and runtime.ready and wait.what[0] == runtime.uid


def _deadline(place: str, view: View) -> Iterator[Wait]:
    seen = _seen(place, view)
    if seen is None:
        return
    pod, runtime = seen
    seconds = pod.spec.active_deadline_seconds or 1
    if runtime.stage in {Stage.IDLE, Stage.STARTING, Stage.RUNNING}:
        yield Wait((pod.metadata.uid, "deadline"), f"activeDeadlineSeconds of {_name(pod)}", Fraction(seconds - 1))


def _is_given_up(place: str, _before: View, after: View, _wait: Wait) -> bool:
    runtime = after[runtime_slot(place)]
    return isinstance(runtime, PodRuntime) and runtime.reason == DEADLINE_EXCEEDED


# --- a Pod that goes --------------------------------------------------------------------------------------------------


def _hooks(timing: Timing, pod: Pod) -> list[Fraction]:
    """Return what the hook of each container surely takes."""
    grace = timings(pod).grace_seconds
    if timing.containers_crash or timing.behaviour.of(pod).exits_with is not None:
        return [NOTHING]
    return [min(Fraction(str(hook_length(container).seconds)), Fraction(grace)) for container in pod.spec.containers]


def _hook(timing: Timing, place: str, view: View) -> Iterator[Wait]:
    seen = _seen(place, view)
    if seen is not None and seen[1].stage is Stage.PRE_STOP:
        least = min(_hooks(timing, seen[0]), default=NOTHING)
        yield Wait((seen[0].metadata.uid, "hook"), f"the preStop hook of {_name(seen[0])}", least)


def _is_signalled(place: str, _before: View, after: View, _wait: Wait) -> bool:
    seen = _seen(place, after)
    return seen is None or seen[1].stage is not Stage.PRE_STOP


def _end(timing: Timing, place: str, view: View) -> Iterator[Wait]:
    seen = _seen(place, view)
    if seen is None or not seen[0].metadata.terminating or seen[1].stage not in HELD:
        return
    pod, runtime = seen
    grace = timings(pod).grace_seconds
    least = NOTHING
    if runtime.stage in STARTED and not runtime.reason:
        least = max(_hooks(timing, pod), default=NOTHING)
        if timing.behaviour.of(pod).uses_whole_grace and not timing.containers_crash:
            least = Fraction(grace)
    lasting = timing.kubelets_crash or pod.metadata.finalizers or not _has_own_volumes(pod)
    most = None if lasting or not _is_heard(timing, view, pod.spec.node_name) else Fraction(grace + STOPS_SECONDS)
    hook = f"preStop hook of {float(least):g} s, " if least and least < grace else ""
    told = f"the end of {_name(pod)} ({hook}grace period of {grace} s)"
    yield Wait((pod.metadata.uid, "end"), told, least, most)


def _has_own_volumes(pod: Pod) -> bool:
    """Tell whether all volumes of a Pod are made by its kubelet, on its node."""
    return all(KUBELETS_OWN.intersection(volume) for volume in volumes(pod) if isinstance(volume, Mapping))


def _is_heard(timing: Timing, view: View, node: str) -> bool:
    """Tell whether a node is there, up and in touch."""
    if node in timing.struck and node_state.is_silent(view, node):
        return False
    layout = timing.world.layout
    placed = (view[slot] for slot in layout.pools.get("Node", ()))
    return any(isinstance(obj, Node) and obj.metadata.name == node for obj in (*layout.constants.values(), *placed))


def _has_ended(place: str, _before: View, after: View, wait: Wait) -> bool:
    seen = _seen(place, after)
    return seen is None or seen[0].metadata.uid != wait.what[0] or seen[1].stage not in HELD
