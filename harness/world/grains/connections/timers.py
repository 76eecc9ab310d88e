"""What those wait for who take part in a world of connections, where its setup says how long things take (`Delays`).

Kubelets and node controllers wait as everywhere (`harness.world.timers`). What is added has a greatest length, which is
what a setup promises: slices, proxies, load balancers and the answers of programs follow within so many seconds. A
node's Pods are marked in the moment in which the node is given up, for one sync does both. Who works on a node that is
down is waited for by nobody, or time would stand still.

What takes no time still comes before what a kubelet begins then (`MOMENT`).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from .....impl.api.core import Pod
from .....impl.api.runtime import PodRuntime, Stage
from .....impl.kubelet.behaviour import WELL
from .....impl.kubelet.timings import timings
from .....model.machine import Timer, View, Wait
from .....model.world.verbs import Verb
from .....model.world.world import Process
from ...controllers import endpointslice
from ...controllers.node_controllers import LIFECYCLE, is_unmarked
from ...nodes.kubelets import PROXY, USER, runtime_slot
from ...nodes.node_state import is_silent
from ...timers import kubelet, node_controllers
from ...timers.timing import Timing
from .controllers import OBSERVER, over_slot
from .nodes import CLIENT, OPEN
from .setup import DataPath, Delays, Span, request_slot
from .traffic import BALANCER, answers_otherwise, is_current

MOMENT = Fraction(1, 1000)
"""Seconds: shorter than anything a setup tells apart."""


def timers(path: DataPath) -> Iterator[Timer]:
    """Yield everything that is waited for; nothing where a setup does not say how long things take."""
    delays, losses = path.setup.delays, path.setup.node_losses
    if delays is None:
        return
    least, most = delays.silence
    struck = path.setup.nodes if losses else ()
    timing = Timing(path.world, struck, WELL, silence=(Fraction(least), Fraction(most)))
    yield from (*kubelet.timers(timing), *(node_controllers.timers(timing) if losses else ()))
    yield from (*_of_pods(path, delays), *_of_nodes(path, delays))
    for process in path.processes:
        if process.user == endpointslice.USER:
            waits, over = partial(_slices, path, process, delays.endpoints), partial(_has_synced, path, process)
            yield Timer(waits, over, "slices", process.user, Verb.SENDS, process.key)


def _of_pods(path: DataPath, delays: Delays) -> Iterator[Timer]:
    for place in path.places:
        yield Timer(partial(_notice, delays, place), partial(_has_noticed, place), "notice", USER, Verb.WORKS, place)
        if path.setup.longest_request is not None:
            yield Timer(partial(_kill, place), partial(_is_killed, place), "kill", USER, Verb.WORKS, place)
            answer = partial(_answer, path.setup.longest_request, place)
            yield Timer(answer, _always, "request", CLIENT, Verb.IS_SERVED, place)


def _of_nodes(path: DataPath, delays: Delays) -> Iterator[Timer]:
    for node in dict.fromkeys(path.setup.nodes):
        yield Timer(partial(_proxy, path, delays, node), _always, "proxies", PROXY, Verb.SYNCS, node)
        if path.setup.balancer is not None:
            yield Timer(partial(_check, path, delays, node), _always, "checks", BALANCER, Verb.CHECKS, node)
        if path.setup.within is not None:
            lost = partial(_lost, path.setup.within, node)
            yield Timer(lost, _always, "time", OBSERVER, Verb.COMES_DUE, node)
    for place in path.world.layout.pools["Node"] if path.setup.node_losses else ():
        yield Timer(partial(_marks, path, place), partial(_are_marked, path, place), "marks", LIFECYCLE, Verb.SENDS)


def _always(_before: View, _after: View, _wait: Wait) -> bool:
    return True


def _window(span: Span) -> tuple[Fraction, Fraction]:
    return Fraction(span[0]), Fraction(span[1])


# --- what follows -----------------------------------------------------------------------------------------------------


def _slices(path: DataPath, process: Process, span: Span, view: View) -> Iterator[Wait]:
    if _is_behind(path, process, view):
        yield Wait(process.key, f"the {process.name}", *_window(span))


def _has_synced(path: DataPath, process: Process, _before: View, after: View, _wait: Wait) -> bool:
    return not _is_behind(path, process, after)


def _is_behind(path: DataPath, process: Process, view: View) -> bool:
    return any(path.world.pending(view, process))


def _proxy(path: DataPath, delays: Delays, node: str, view: View) -> Iterator[Wait]:
    if not is_current(path, view, node):
        yield Wait(node, f"the kube-proxy of {node}", *_window(delays.proxies))


def _check(path: DataPath, delays: Delays, node: str, view: View) -> Iterator[Wait]:
    if answers_otherwise(path, node, view):
        yield Wait(node, f"the load balancer, which checks {node},", *_window(delays.checks))


# --- Pods -------------------------------------------------------------------------------------------------------------


def _runtime(place: str, view: View) -> PodRuntime:
    runtime: PodRuntime | None = view[runtime_slot(place)]
    return runtime or PodRuntime()


def _notice(delays: Delays, place: str, view: View) -> Iterator[Wait]:
    pod = view[place]
    if isinstance(pod, Pod) and pod.metadata.terminating and not _has_noticed(place, view, view, None):
        least = max(Fraction(delays.notice[0]), MOMENT)
        yield Wait(pod.metadata.uid, f"the kubelet, which sees that Pod {pod.metadata.name} is deleted,", least)


def _has_noticed(place: str, _before: View, after: View, _wait: Wait | None) -> bool:
    return _runtime(place, after).stage not in {Stage.STARTING, Stage.RUNNING}


def _kill(place: str, view: View) -> Iterator[Wait]:
    pod = view[place]
    if isinstance(pod, Pod) and view[request_slot(place)] == OPEN and _runtime(place, view).stage is Stage.TERMINATING:
        least = Fraction(str(timings(pod).after_sigterm))
        yield Wait(pod.metadata.uid, f"the grace period of Pod {pod.metadata.name} after its SIGTERM", least)


def _is_killed(place: str, _before: View, after: View, _wait: Wait) -> bool:
    return _runtime(place, after).stage is not Stage.TERMINATING


def _answer(seconds: int, place: str, view: View) -> Iterator[Wait]:
    if view[request_slot(place)] == OPEN:
        yield Wait(place, "an answer", most=Fraction(seconds))


# --- nodes that die ---------------------------------------------------------------------------------------------------


def _marks(path: DataPath, place: str, view: View) -> Iterator[Wait]:
    if is_unmarked(path.world, place, view):
        yield Wait(place, "the node controller's sync", most=Fraction(0))


def _are_marked(path: DataPath, place: str, _before: View, after: View, _wait: Wait) -> bool:
    return not is_unmarked(path.world, place, after)


def _lost(seconds: int, node: str, view: View) -> Iterator[Wait]:
    if is_silent(view, node) and not view[over_slot(node)]:
        yield Wait(node, f"the time since {node} died that is looked at", Fraction(seconds))
