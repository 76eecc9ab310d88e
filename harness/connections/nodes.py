"""The kubelets in a world of connections, and the administrator."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

from attrs import frozen

from ...impl.api.core import Node, Pod
from ...impl.api.meta import Ref
from ...impl.api.requests import Request
from ...impl.api.runtime import IDLE, PodRuntime, Stage
from ...impl.kubelet import worker
from ...impl.kubelet.behaviour import WELL
from ...impl.kubelet.runtime import KubeletStep, Work
from ...model.machine import Action, Fairness, Outcome, View
from ...model.world.component import Component, constantly
from ...model.world.store import Stored, Updates, name_in
from ...model.world.world import Who
from ..world.nodes.kubelets import runtime_slot
from .clock import WHENEVER, Timer, Window
from .setup import SCRIPT, DataPath, Delays, request_slot

OPEN, CUT, SERVED = "open", "cut off", "served"
"""What may become of a connection that was accepted."""


def send_all(path: DataPath, view: View, user: Who, requests: tuple[Request, ...]) -> Updates:
    """Send requests one after another until one is refused, and give what they change."""
    stored = Stored(view, path.world.layout)
    for request in requests:
        if not path.world.send(stored, user, request).ok:
            break
    return stored.updates


# --- kubelets -------------------------------------------------------------------------------------------------------


@frozen
class _Kubelet:
    """A kubelet's work on the Pod in one place."""

    path: DataPath
    place: str

    @property
    def timer(self) -> Timer:
        return Timer(f"timer/kubelet/{self.place}", self.window)

    def window(self, view: View) -> Window | None:
        """Return the window of the step that changes what runs; reports may happen whenever they can."""
        local = [step for step in self.steps(view) if step.request is None]
        return self._window(view, local[0]) if local else None

    def _window(self, view: View, step: KubeletStep) -> Window:
        delays = self.path.setup.delays or Delays()
        if step.work is Work.NOTICE_DELETION:
            return Window(*delays.notice)
        if step.work is Work.STOP and self.path.setup.longest_request is not None:
            # A program that serves a connection ends by itself when it is done; SIGKILL does not wait.
            killed = math.ceil(step.delay.seconds) if step.delay else 0
            return Window(killed, killed) if view[request_slot(self.place)] == OPEN else WHENEVER
        if step.delay is None or not step.delay.exact:
            return WHENEVER
        return Window(math.ceil(step.delay.seconds), math.ceil(step.delay.seconds))

    def steps(self, view: View) -> tuple[KubeletStep, ...]:
        """Return what the kubelet may do next, whenever that may be."""
        pod: Pod | None = view[self.place]
        runtime: PodRuntime = view[runtime_slot(self.place)] or IDLE
        if pod is None and runtime is IDLE:
            return ()
        node = _node_of(self.path, view, pod)
        if node is None or (pod is not None and not self.path.is_up(view, node.metadata.name)):
            return ()
        name = pod.metadata.name if pod is not None else name_in(runtime.uid)
        possible = worker.steps(pod, runtime, node, (), WELL, address=self.path.setup.pod_ip(name))
        return possible if self._is_found(view, name) else tuple(step for step in possible if not _gets_ready(step))

    def _is_found(self, view: View, name: str) -> bool:
        """Tell whether the name of the Service leads to a Pod, as far as its program cares."""
        address = self.path.setup.pod_ip(name)
        slices = (view[slot] for slot in self.path.world.layout.pools["EndpointSlice"])
        return not self.path.setup.joins or any(
            address in endpoint.addresses and endpoint.conditions.ready
            for piece in slices
            if piece is not None
            for endpoint in piece.endpoints
        )

    def works(self, view: View) -> Iterator[Outcome]:
        """Take any step that is possible now."""
        ripe = not self.path.timed or self.timer.ripe(view)
        for step in self.steps(view):
            if step.request is not None or ripe:
                updates = self._updates(view, step)
                if updates:
                    name = step.runtime.uid or view[runtime_slot(self.place)].uid
                    yield Outcome(f"{step.label} ({name_in(name)})", updates)

    def _updates(self, view: View, step: KubeletStep) -> Updates:
        slot = runtime_slot(self.place)
        if step.request is not None:
            pod: Pod = view[self.place]
            updates = send_all(self.path, view, Ref("Node", "", pod.spec.node_name), (step.request,))
            gone = self.place in updates and updates[self.place] is None
            return updates | ({slot: None} if gone else {})
        updates = {slot: None if step.runtime == IDLE else step.runtime}
        if self.path.timed:
            updates[self.timer.slot] = 0
        open_one = self.path.setup.longest_request is not None and view[request_slot(self.place)] == OPEN
        if open_one and step.runtime.stage is Stage.STOPPED:
            updates[request_slot(self.place)] = CUT
        return updates


def _gets_ready(step: KubeletStep) -> bool:
    return step.work is Work.BECOME_READY


def kubelets(path: DataPath) -> tuple[Action, ...]:
    """Return the work of the kubelets, Pod by Pod."""
    return tuple(
        Action(f"kubelet {place.rpartition('/')[2]}: works", f"kubelet {place}", _Kubelet(path, place).works)
        for place in path.places
    )


def kubelet_timers(path: DataPath) -> tuple[Timer, ...]:
    """Return the timers of what runs: they wait for everything that is due, see `clock`."""
    return tuple(_Kubelet(path, place).timer for place in path.places)


def _node_of(path: DataPath, view: View, pod: Pod | None) -> Node | None:
    if pod is None:
        return Node()
    found = Stored(view, path.world.layout).get(Ref("Node", "", pod.spec.node_name))
    return found if isinstance(found, Node) else None


# --- the administrator ----------------------------------------------------------------------------------------------


def administrator(path: DataPath) -> Component[DataPath]:
    """Return who sends the requests of the script, one after another, each at any time."""
    acts = (Action("admin: asks", "admin", partial(_asks, path), Fairness.NONE, when_quiet=path.setup.waits),)
    return Component("admin", lambda _path: acts if path.setup.script else (), constantly({SCRIPT: 0}))


def _asks(path: DataPath, view: View) -> Iterator[Outcome]:
    done: int = view[SCRIPT]
    if done < len(path.setup.script):
        request = path.setup.script[done]
        response, updates = path.world.commit(view, "admin", request)
        if response.ok:
            yield Outcome(path.world.describe(request, response), {**updates, SCRIPT: done + 1})


def accepts(runtime: PodRuntime | None) -> str:
    """Name the Pod that takes new connections, "" if what runs takes none: none from the SIGTERM on."""
    listening = runtime is not None and runtime.stage in {Stage.RUNNING, Stage.PRE_STOP} and not runtime.reason
    return name_in(runtime.uid) if runtime is not None and listening else ""
