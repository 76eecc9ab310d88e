"""What a fault is to a world: what it does, and what is assumed of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from attrs import frozen

from ....impl.api.core import Pod
from ....impl.api.runtime import PodRuntime
from ....model.machine import Action, Outcome, View
from ....model.world.verbs import Verb
from ....model.world.world import Process, World
from ...input.scenario import Scenario
from ..nodes.kubelets import Kubelets, fault_at, runtime_slot


@frozen
class Struck:
    """What faults strike: a world that is being put together."""

    scenario: Scenario
    world: World
    processes: tuple[Process, ...]
    works: Kubelets

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes that may be struck, those that join later among them."""
        return self.works.struck


def nothing(_struck: Struck) -> tuple[Action, ...]:
    """Do nothing: a fault that only a closer look knows."""
    return ()


@frozen
class Fault:
    """One fault; asked for what it does only where its budget is not 0."""

    told: str
    """What it is, in a report: "node crash"."""
    actions: Callable[[Struck], tuple[Action, ...]] = nothing
    strikes_nodes: bool = False
    """A node falls silent: its kubelet is not heard for a while, or for ever."""
    comes_back: bool = False
    """A node that fell silent is heard again."""
    assumed: tuple[str, ...] = ()
    """What a report says is assumed where it may strike."""


Befall = Callable[[Pod, PodRuntime], PodRuntime]
"""What becomes of what runs for a Pod."""


def of_pods(name: str, verb: Verb, befall: Befall, told: str) -> Callable[[Struck], tuple[Action, ...]]:
    """Return what does something to what runs for one Pod, as often as the budget of a name says."""
    return partial(_at_each_place, name, verb, befall, told)


def _at_each_place(name: str, verb: Verb, befall: Befall, told: str, struck: Struck) -> tuple[Action, ...]:
    return tuple(fault_at(place, verb, partial(_strikes, name, befall, told, place)) for place in struck.works.places)


def _strikes(name: str, befall: Befall, told: str, place: str, view: View) -> Iterator[Outcome]:
    left: int = view[budget(name)]
    pod, runtime = view[place], view[runtime_slot(place)]
    if left and isinstance(pod, Pod) and runtime is not None:
        after = befall(pod, runtime)
        if after != runtime:
            label = told.format(pod.metadata.name)
            yield Outcome(label, {runtime_slot(place): after, budget(name): left - 1})


def budget(name: str) -> str:
    """Name the slot that says how often a fault may still strike, by its field in `Faults`."""
    return f"fault/{name.replace('_', '-')}"


LOSES_TAINTS = "a node that is heard again loses its taints before the tolerations of them end"
"""What is assumed where nodes come back."""
