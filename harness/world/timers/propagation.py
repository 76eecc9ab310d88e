"""How late kube-proxies may be, where a scenario says it, and how long the hooks take that give them the time.

`bounds.propagation` is a promise: so many seconds after a Pod's deletion nothing leads to it any more, neither slices,
nor proxies, nor what is on its way. The hook that counts is that of the first container a Service leads to; with `most`
one of unknown length has no end but that of the grace period, else it takes what it surely takes. A hook as long as the
bound is long enough: who sleeps so long sleeps a little longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from attrs import frozen

from ....impl.api.core import Pod, Service
from ....impl.api.runtime import PodRuntime, Stage
from ....impl.kubelet.timings import timings
from ....model.machine import Timer, View, Wait
from ....model.world.verbs import Verb
from ....properties.reachability.answers import targets
from ..nodes.kubelets import PROXY, USER, runtime_slot
from ..nodes.led import propagated

KINDS = frozenset({"hook", "propagation"})


@frozen
class Followed:
    """Within how many seconds proxies follow, in which slots somebody may still lead to a Pod, for which Services."""

    seconds: int
    slots: tuple[str, ...]
    services: tuple[Service, ...]
    most: bool


def timers(followed: Followed, places: tuple[str, ...]) -> Iterator[Timer]:
    """Yield for the Pod in each place what its hook waits for, and those who lead to it."""
    for place in places:
        hook, led = partial(_hook, followed, place), partial(_led, followed, place)
        yield Timer(hook, partial(_is_signalled, place), "hook", USER, Verb.WORKS, place)
        yield Timer(led, _follows, "propagation", PROXY, Verb.SYNCS)


def _hook(followed: Followed, place: str, view: View) -> Iterator[Wait]:
    pod, runtime = view[place], view[runtime_slot(place)]
    if isinstance(pod, Pod) and isinstance(runtime, PodRuntime) and runtime.stage is Stage.PRE_STOP:
        asked = targets(followed.services, pod.metadata.namespace, pod.metadata.labels.items(), pod.spec)
        least = Fraction(str(timings(pod, asked, most=followed.most).before_sigterm))
        yield Wait((pod.metadata.uid, "hook"), f"the preStop hook of Pod {pod.metadata.name}", least)


def _is_signalled(place: str, _before: View, after: View, _wait: Wait) -> bool:
    runtime = after[runtime_slot(place)]
    return not isinstance(runtime, PodRuntime) or runtime.stage is not Stage.PRE_STOP


def _led(followed: Followed, place: str, view: View) -> Iterator[Wait]:
    pod = view[place]
    if isinstance(pod, Pod) and pod.metadata.terminating and not propagated(followed.slots, view, pod):
        told = f"until nothing leads to Pod {pod.metadata.name} it"
        yield Wait((pod.metadata.uid, "led to"), told, most=Fraction(followed.seconds))


def _follows(_before: View, _after: View, _wait: Wait) -> bool:
    return True
