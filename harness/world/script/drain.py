"""`kubectl drain` in a world: the cordon, one look at what is there, then evictions until all that was listed is gone.

Upstream: staging/src/k8s.io/kubectl/pkg/cmd/drain, pkg/drain/{drain,filters}.go (v1.32). An eviction that a budget
refuses (429) is asked for again; any other refusal (500: two budgets for one Pod) is an error that the command ends
with once the other Pods are gone. A Pod that comes to the node after the list is nobody's concern: its like may run on
a cordoned node, and the drain is over. kubectl asks by name, and waits for the Pod that was evicted: who is made anew
under its name is evicted in its place, wherever he is, if nobody was before. Where a Pod may not be evicted (no
controller and no `--force`, ...) nothing is, but the node stays cordoned.

Left out on purpose: the order and the pace of the evictions, which kubectl asks for side by side: any of them may be
next, whenever it is; that a Pod which was evicted in the place of another is not waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from attrs import frozen

from ....impl.api.cache import Cache
from ....impl.api.core import Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.requests import Evict, Response
from ....impl.kubectl import script as kubectl
from ....impl.kubectl.script import Missing
from ....model.machine import Action, Outcome, View
from ....model.world.store import Stored
from ....model.world.verbs import Verb
from ....model.world.world import World
from ...input.scenario import NOBODY, Crowd
from .script_slots import BLOCKED, GONE, LISTED, REFUSED, SCRIPT, USER, draining, with_gone

RETRIED = frozenset({404, 409, 429})
"""Answers to an eviction after which kubectl goes on: the Pod is gone, or it asks again."""


@frozen
class Drain:
    """One drain of a script: its number, the command, and whether it is given up when nothing moves any more.

    Pods of a `crowd` may make it fail; that is no failure of this island's. `asked` is what manifests and script ask
    for by name.
    """

    world: World
    number: int
    step: kubectl.Drain
    gives_up: bool
    crowd: Crowd = NOBODY
    asked: frozenset[Ref] = frozenset()

    @property
    def under_way(self) -> int:
        """The value of the slot `SCRIPT` while the drain is under way."""
        return draining(self.number)


def actions(drain: Drain) -> tuple[Action, ...]:
    """Return what a drain does after the cordon: list, evict one Pod after the other in any order, end."""

    def action(verb: Verb, act: Callable[[Drain, View], Iterator[Outcome]], *, when_quiet: bool = False) -> Action:
        name = f"kubectl {drain.number + 1}: drain {drain.step.node} {verb.value}"
        group, does = f"drain {drain.number}", partial(act, drain)
        return Action(name, group, does, when_quiet=when_quiet, by=USER, verb=verb, on=drain.number)

    found = [action(Verb.LISTS, _lists), action(Verb.EVICTS, _evicts), action(Verb.ENDS, _ends)]
    if drain.gives_up:
        found.append(action(Verb.GIVES_UP, _gives_up, when_quiet=True))
    return tuple(found)


def begins(drain: Drain, view: View) -> Iterator[Outcome]:
    """Cordon the node."""
    if view[SCRIPT] != drain.number:
        return
    stored = Stored(view, drain.world.layout)
    cordon = kubectl.requests(kubectl.Cordon(drain.step.node), Cache.of(stored.list("Node", None)), "")
    if isinstance(cordon, Missing):
        refused = (*view[REFUSED], (drain.number, f"there is no {cordon.what}"))
        yield Outcome(f"kubectl finds nothing: {cordon.what}", {SCRIPT: drain.number + 1, REFUSED: refused})
        return
    for request in cordon:
        drain.world.send(stored, "admin", request)
    yield Outcome(f"drain {drain.step.node}: cordons", {**stored.updates, SCRIPT: drain.under_way})


def _lists(drain: Drain, view: View) -> Iterator[Outcome]:
    if view[SCRIPT] != drain.under_way or view[LISTED] is not None:
        return
    keep = partial(on_node, drain.step.node)
    pods = (view.via(keep, slot) for slot in drain.world.layout.pools["Pod"])
    cache = Cache.of(pod for pod in pods if pod is not None)
    if errors := kubectl.drain_errors(drain.step, cache):
        refused = (*view[REFUSED], (drain.number, "; ".join(errors)))
        names = ", ".join(sorted({pod.metadata.name for pods in errors.values() for pod in pods}))
        label = f"drain {drain.step.node}: is refused because of {names}"
        yield Outcome(label, {SCRIPT: drain.number + 1, REFUSED: refused})
        return
    others = drain.number in drain.crowd.refused or kubectl.drain_errors(drain.step, Cache.of(drain.crowd.placed))
    if others or drain.crowd.stops_drains:
        yield Outcome(f"drain {drain.step.node}: is refused because of other Pods", {SCRIPT: drain.number + 1})
        if others:
            return
    listed = sorted(kubectl.drain_targets(drain.step, cache), key=ref_of)
    names = ", ".join(pod.metadata.name for pod in listed)
    evictions = tuple((_evicted(pod) if pod.metadata.terminating else Evict(ref_of(pod)),) for pod in listed)
    yield Outcome(f"drain {drain.step.node}: lists {names or 'no Pods'}", {LISTED: evictions})


def on_node(node: str, obj: Object | None) -> Pod | None:
    """Keep a Pod on a node as a drain looks at it."""
    if not isinstance(obj, Pod) or obj.spec.node_name != node:
        return None
    spec = type(obj.spec)(node_name=node, extra=obj.spec.extra)
    return Pod(obj.metadata, spec=spec, status=type(obj.status)(phase=obj.status.phase))


def _evicted(pod: Pod) -> Evict:
    """Return how a Pod that is only waited for is remembered: by its uid."""
    return Evict(ref_of(pod), uid=pod.metadata.uid)


def _left(drain: Drain, view: View) -> dict[str, Evict]:
    """Return the places of the Pods that were listed and are still there, each with what is remembered of it."""
    listed = {eviction.pod: eviction for (eviction,) in view[LISTED]}
    found = ((slot, view.via(_identity, slot)) for slot in drain.world.layout.pools["Pod"])
    return {
        slot: listed[who[0]]
        for slot, who in found
        if who is not None and who[0] in listed and listed[who[0]].uid in {"", who[1]}
    }


def _identity(obj: Object | None) -> tuple[Ref, str] | None:
    return None if obj is None else (ref_of(obj), obj.metadata.uid)


def _evicts(drain: Drain, view: View) -> Iterator[Outcome]:
    if view[SCRIPT] != drain.under_way or view[LISTED] is None:
        return
    for slot, eviction in _left(drain, view).items():
        pod = view.via(_unless_terminating, slot)
        if pod is None or eviction.uid:
            continue
        response, updates = drain.world.commit(view, "admin", eviction)
        if response.ok:
            for_good = pod.metadata.controller is None or ref_of(pod) in drain.asked
            gone = {GONE: with_gone(view[GONE], ref_of(pod))} if for_good else {}
            told = tuple((_evicted(pod),) if listed[0].pod == eviction.pod else listed for listed in view[LISTED])
            yield Outcome(f"drain {drain.step.node}: evicts {pod.metadata.name}", {**updates, LISTED: told, **gone})
        elif response.code not in RETRIED:
            why = f"error when evicting a Pod: {response.message}"
            listed = tuple(listed for listed in view[LISTED] if listed[0].pod != ref_of(pod))
            label = f"drain {drain.step.node}: cannot evict {pod.metadata.name}"
            yield Outcome(label, {LISTED: listed, REFUSED: (*view[REFUSED], (drain.number, why))})


def _unless_terminating(obj: Object | None) -> Pod | None:
    """Keep who a Pod is and whose; nothing of one that is being deleted."""
    if not isinstance(obj, Pod) or obj.metadata.terminating:
        return None
    meta = obj.metadata
    kept = type(meta)(name=meta.name, namespace=meta.namespace, uid=meta.uid, owner_references=meta.owner_references)
    return Pod(kept)


def _ends(drain: Drain, view: View) -> Iterator[Outcome]:
    if view[SCRIPT] == drain.under_way and view[LISTED] is not None and not _left(drain, view):
        yield Outcome(f"drain {drain.step.node}: done", {SCRIPT: drain.number + 1, LISTED: None})


def _gives_up(drain: Drain, view: View) -> Iterator[Outcome]:
    if view[SCRIPT] == drain.under_way:
        updates = {SCRIPT: drain.number + 1, LISTED: None, BLOCKED: (*view[BLOCKED], drain.number)}
        yield Outcome(f"drain {drain.step.node}: gives up", updates)


def refused_evictions(
    world: World, script: tuple[kubectl.Step, ...], view: View
) -> Iterator[tuple[kubectl.Drain, Ref, Response]]:
    """Yield what the API server answers to the evictions that a drain under way, or given up, has still to make."""
    for number, step in enumerate(script):
        if not isinstance(step, kubectl.Drain):
            continue
        if view[SCRIPT] == draining(number):
            listed = tuple(eviction for (eviction,) in view[LISTED] or ())
        elif number in view[BLOCKED]:
            here = Cache.of(Stored(view, world.layout).list("Pod", None))
            listed = tuple(Evict(ref_of(pod)) for pod in kubectl.drain_targets(step, here))
        else:
            continue
        for eviction in listed:
            response, _ = world.commit(view, "admin", eviction)
            if not response.ok and response.code not in {404, 409}:
                yield step, eviction.pod, response
