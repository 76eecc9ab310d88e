"""The environment of a world: the script, step by step, as the commands somebody types.

A command is one step of the world however many requests it sends (a drain is the exception, see `drain`). One that
finds nothing, or that the API server refuses, fails: the script goes on, and what failed is remembered. Left out on
purpose: commands that run side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from attrs import frozen

from ....impl.api.cache import Cache
from ....impl.api.core import Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.requests import Create, Delete, Request
from ....impl.api.workloads import BY_KIND
from ....impl.apiserver.admission.serviceaccount import missing, named, runs_as_default
from ....impl.kubectl import script as kubectl
from ....impl.kubectl.script import Kept, Missing, Step
from ....model.machine import Action, Fairness, Outcome, View
from ....model.world.component import Component, constantly
from ....model.world.store import Full, Stored
from ....model.world.verbs import Verb
from ....model.world.world import World, too_small
from ...input.scenario import NOBODY, Crowd, Scenario
from ..nodes.static_pods import static_pods
from . import drain as draining
from .script_slots import GONE, LISTED, REFUSED, SCRIPT, USER, account, done_steps, initial, with_gone


@frozen
class Environment:
    """A script in a world; `wait`: each step waits until the cluster is quiet, and a stuck drain is given up.

    `asked` is what manifests and script ask for by name: a Pod that a controller has adopted nobody makes again. A
    static Pod's mirror its kubelet does.
    """

    world: World
    steps: tuple[Step, ...]
    namespace: str
    wait: bool = False
    crowd: Crowd = NOBODY
    asked: frozenset[Ref] = frozenset()
    new: tuple[str, ...] = ()
    """The namespaces that the script makes, and whose accounts come later."""


def component(scenario: Scenario) -> Component[World]:
    """Return who works at the cluster, as the scenario has it."""

    def acts(world: World) -> tuple[Action, ...]:
        wait = scenario.wait_between_steps
        mirrors = static_pods(scenario.objects, scenario.namespace)
        asked = frozenset(ref for ref, _ in scenario.asked_for if ref not in mirrors)
        return actions(
            Environment(
                world, scenario.script, scenario.namespace, wait, scenario.crowd, asked, scenario.without_accounts
            )
        )

    return Component("script", acts, constantly(initial()), (LISTED,))


def past(index: int, view: View) -> bool:
    """Tell whether the script steps before `index` are done, a drain that is under way not among them."""
    done: bool = view.via(partial(_at_least, index), SCRIPT)
    return done


def _at_least(index: int, done: int) -> bool:
    return done_steps(done) >= index


def command(number: int, step: Step) -> str:
    """Return the name of the action that begins a step, counted from 0."""
    return f"kubectl {number + 1}: {step}"


def actions(environment: Environment) -> tuple[Action, ...]:
    """Return the script as actions: nothing promises that a step is ever taken."""
    found: list[Action] = []
    quiet = environment.wait
    for number, step in enumerate(environment.steps):
        drain = None
        if isinstance(step, kubectl.Drain):
            drain = draining.Drain(environment.world, number, step, quiet, environment.crowd, environment.asked)
        begins = partial(draining.begins, drain) if drain else partial(_runs, environment, number, step)
        name = command(number, step)
        found.append(Action(name, USER, begins, Fairness.NONE, when_quiet=quiet, by=USER, verb=Verb.BEGINS, on=number))
        found += draining.actions(drain) if drain else ()
    return tuple(found)


# --- what a command sees and sends ----------------------------------------------------------------------------------


def _live(environment: Environment, stored: Stored, step: Step) -> Cache:
    """Return the live objects a command asks for."""
    layout = environment.world.layout
    objects: list[Object] = [obj for obj in layout.constants.values() if ref_of(obj).kind in step.reads]
    for kind in step.reads:
        if kind in layout.pools:
            objects += stored.list(kind, None)
    return Cache.of(objects)


def refusal(environment: Environment, stored: Stored, requests: tuple[Request, ...]) -> str:
    """Send some requests one after the other; say why one is refused, "" if none is."""
    for request in requests:
        answer = environment.world.send(stored, "admin", request)
        if not answer.ok:
            return answer.message
    return ""


def _lacks_account(environment: Environment, view: View, requests: tuple[Request, ...]) -> str:
    """Say that a Pod by itself is refused, for its namespace is new and has no account `default` yet; "" if it has."""
    for request in requests:
        pod = request.object if isinstance(request, Create) else None
        if not isinstance(pod, Pod) or pod.metadata.namespace not in environment.new or not runs_as_default(pod):
            continue
        if not view[account(pod.metadata.namespace)]:
            return missing(named(pod)).message
    return ""


def _runs(environment: Environment, number: int, step: Step, view: View) -> Iterator[Outcome]:
    if view[SCRIPT] != number:
        return
    live = _live(environment, Stored(view, environment.world.layout), step)
    for requests in _choices(step, live, environment.namespace):
        if isinstance(requests, Missing):
            failed = {} if _may_find_nothing(step) else {REFUSED: (*view[REFUSED], (number, requests.why))}
            kept = isinstance(requests, Kept)
            told = f"{step} is refused" if kept else f"kubectl finds nothing: {requests.what}"
            yield Outcome(told, {SCRIPT: number + 1, **failed})
            return
        after = Stored(view, environment.world.layout)
        try:
            why = _lacks_account(environment, view, requests) or refusal(environment, after, requests)
        except Full as full:
            yield too_small(full.kind, {SCRIPT: number + 1})
            continue
        if why:
            yield Outcome(f"{step} is refused", {SCRIPT: number + 1, REFUSED: (*view[REFUSED], (number, why))})
        else:
            gone = _remembered(environment, view, live, requests)
            yield Outcome(_told(step, requests), {**after.updates, **gone, SCRIPT: number + 1})


def _may_find_nothing(step: Step) -> bool:
    """Tell whether a step is about whatever there is of something, so that nothing is no failure."""
    return isinstance(step, kubectl.DeletePod) and not step.name


def _remembered(
    environment: Environment, view: View, live: Cache, requests: tuple[Request, ...]
) -> dict[str, tuple[Ref, ...]]:
    """Return what the script has deleted for good once some requests are granted: what nobody else makes again."""
    gone: tuple[Ref, ...] = view[GONE]
    deleted = (request.ref for request in requests if isinstance(request, Delete))
    made = {ref_of(request.object) for request in requests if isinstance(request, Create)}
    for_good = (ref for ref in deleted if live.objects[ref].metadata.controller is None or ref in environment.asked)
    after = with_gone(gone, *for_good)
    kept = tuple(ref for ref in after if ref not in made)
    return {} if kept == gone else {GONE: kept}


def _choices(step: Step, live: Cache, namespace: str) -> Iterator[tuple[Request, ...] | Missing]:
    """Yield what a command may send. Names of Pods are random, so any Pod of a workload may be the first of them.

    Unless the workload names its Pods itself.
    """
    found = kubectl.requests(step, live, namespace)
    yield found
    kind = BY_KIND.get(step.workload.partition("/")[0]) if isinstance(step, kubectl.DeletePod) else None
    named = kind is not None and kind.named
    while isinstance(step, kubectl.DeletePod) and not (step.name or named or isinstance(found, Missing)):
        gone = {request.ref for request in found if isinstance(request, Delete)}
        live = Cache.of(obj for ref, obj in live.objects.items() if ref not in gone)
        found = kubectl.requests(step, live, namespace)
        if not isinstance(found, Missing):
            yield found


def _told(step: Step, requests: tuple[Request, ...]) -> str:
    """Say a command as it was given, with the Pod it found where it left that open."""
    names = [request.ref.name for request in requests if isinstance(request, Delete)]
    return f"{step}: {names[0]}" if isinstance(step, kubectl.DeletePod) and not step.name and names else str(step)
