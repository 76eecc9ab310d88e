"""The kubelets in a world of connections, and the administrator."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from attrs import evolve

from .....impl.api.runtime import PodRuntime, Stage
from .....impl.kubelet.behaviour import WELL
from .....model.machine import Action, Fairness, Outcome, View
from .....model.world.component import Component, constantly
from .....model.world.store import name_in
from ...nodes import kubelets
from ...nodes.kubelets import runtime_slot
from .setup import SCRIPT, DataPath, request_slot

CLIENT = "client"
"""Who waits for the answer on a connection."""
OPEN, CUT, SERVED = "open", "cut off", "served"
"""What may become of a connection that was accepted."""


def works(path: DataPath) -> tuple[Action, ...]:
    """Return the work of the kubelets, Pod by Pod, step by step: the end of what runs cuts a connection off."""
    struck = path.setup.nodes if path.setup.node_losses else ()
    found = kubelets.actions(
        kubelets.Kubelets(path.world, path.places, WELL, fine=True, struck=struck, address=path.setup.pod_ip)
    )
    if path.setup.longest_request is None:
        return found
    return tuple(evolve(action, step=partial(_cutting, action)) for action in found)


def _cutting(action: Action, view: View) -> Iterator[Outcome]:
    place = str(action.on)
    for outcome in action.step(view):
        runtime = outcome.updates.get(runtime_slot(place))
        cuts = isinstance(runtime, PodRuntime) and runtime.stage is Stage.STOPPED and view[request_slot(place)] == OPEN
        yield Outcome(outcome.label, {**outcome.updates, request_slot(place): CUT}) if cuts else outcome


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
