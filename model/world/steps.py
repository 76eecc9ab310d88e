"""What a process of a world may do: decide, see something newer, send the next request of its turn, give up.

The argument for each of these steps is in the docstring of `world`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice, product
from typing import Any

from ...impl.api.kinds import Object
from ...impl.api.meta import Ref
from ...impl.api.requests import Request
from ..machine import Action, Outcome, View
from .store import Full, Stored, Updates
from .turn import Requests, beside, failure, heads, is_open, onward, spared, writes
from .verbs import Verb
from .world import Alternatives, Form, News, Process, Snapshot, Watch, World, too_small

SHOWN = ""
"""What is said of a process that is shown what the step before said that it sees: nothing."""


def actions(world: World, process: Process) -> tuple[Action, ...]:
    """Return everything one process may do, in a fixed order. Each of its watches delivers, whatever else goes on."""

    def action(verb: Verb, step: Callable[..., Iterator[Outcome]], kind: str = "", **more: Any) -> Action:
        does = f"{verb.value} {kind}".rstrip()
        group = f"{process.name} watches: {does}" if verb in {Verb.SEES, Verb.LOOKS_AGAIN} else process.name
        bound = partial(step, world, process, **more.pop("bound", {}))
        who: dict[str, Any] = {"by": process.user, "verb": verb, "on": process.key, "remembers": process.remembers}
        return Action(f"{process.name}: {does}", group, bound, process.fairness, **who, **more)

    found: list[Action] = []
    if process.form is Form.DECISION:
        found += [action(Verb.DECIDES, _decides, urgent=True), action(Verb.LOOKS_AGAIN, _looks_again)]
        found += [action(Verb.IS_TOO_LATE, _too_late, urgent=True)] if process.refusals_last else []
    if process.form is Form.SNAPSHOT:
        kinds = {watch.kind: {"watch": watch} for watch in process.watches}
        found += [action(Verb.IS_SHOWN, _is_shown, kind, bound=watched, urgent=True) for kind, watched in kinds.items()]
        found += [action(Verb.SEES, _sees, kind, bound=watched) for kind, watched in kinds.items()]
        if any(watch.quiet for watch in process.watches):
            found += [action(Verb.PASSES_OVER, _passes_over, urgent=True)]
        if process.woken_by is not None:
            found += [action(Verb.FINDS_NOTHING, _finds_nothing)]
    if process.narrow is not None:
        found.append(action(Verb.BEGINS_SYNC, _begins))
    sends = action(Verb.SENDS, _sends_promptly, urgent=True) if process.prompt else action(Verb.SENDS, _sends)
    abandons = [action(Verb.ABANDONS, _abandons, urgent=True)] if process.refusals_last else []
    return (*found, sends, *abandons)


def _sends(world: World, process: Process, view: View) -> Iterator[Outcome]:
    yield from _sent(world, process, view)
    if process.refused and view[process.turn]:
        yield Outcome("is refused and starts anew", {process.turn: ()})
    if process.before is None or view[process.turn]:
        return
    for updates in process.before(view):
        follows = tuple(_sent(world, process, Stored(view, world.layout, updates)))
        yield from (Outcome(outcome.label, {**updates, **outcome.updates}) for outcome in follows)
        if not follows:
            yield Outcome("has nothing to do", updates)


def _sent(world: World, process: Process, view: View) -> Iterator[Outcome]:
    for requests in world.pending(view, process):
        for request in heads(requests)[: 1 if process.in_one_go else None]:
            found = _commit(world, process, view, requests, request)
            yield from (_in_one_go(world, process, view, outcome) for outcome in found) if process.in_one_go else found
        if why := failure(requests):
            yield _fails(process, view, requests, why)


def _in_one_go(world: World, process: Process, view: View, begun: Outcome) -> Outcome:
    """Return the step that also writes what else of its kinds a sync writes at once."""
    while True:
        after = Stored(view, world.layout, dict(begun.updates))
        turn: Requests = after[process.turn]
        if not turn or not any(writes(request, kind) for request in heads(turn) for kind in process.in_one_go):
            return begun
        more = next(_commit(world, process, after, turn, heads(turn)[0]), None)
        if more is None or more.updates.get(process.turn) == turn:
            return begun
        begun = Outcome(f"{begun.label}, {more.label}", {**begun.updates, **more.updates})


def _fails(process: Process, view: View, requests: Requests, why: str) -> Outcome:
    """Return that a sync fails, or that one that has failed begins anew."""
    if view[process.turn]:
        return Outcome("starts anew", {process.turn: ()})
    return Outcome(f"fails: {why}", {process.turn: requests})


def _sends_promptly(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Send the first of what may be sent: the others are as they were after that."""
    yield from islice(_sends(world, process, view), 1)


def _begins(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Begin a sync before anything of it is committed: what the store says now of a choice may be otherwise then."""
    if view[process.turn]:
        return
    found = world.alternatives(view, process)
    if len(found) == 1 and not is_open(found[0]):
        return
    for requests in world.pending(view, process):
        yield Outcome("begins a sync", {process.turn: requests})


def _commit(world: World, process: Process, view: View, requests: Requests, request: Request) -> Iterator[Outcome]:
    """Commit a request that may be the next of some; the rest is the turn. A refused one changes nothing else.

    What only reads is read in the same moment as what is read next, and is no step if there is nothing to do then.
    Where admission refuses what is to be created, the status that was counted is still written.
    """
    try:
        response, updates = world.ask(view, process, request)
    except Full as full:
        yield too_small(full.kind, {process.turn: ()})
        return
    after = Stored(view, world.layout, updates)
    left = world.after(after, process, requests, request, response)
    if not response.ok:
        others = beside(requests, request)
        if view[process.turn] or left != others:
            goes_on = "goes on" if onward(requests) is not None else "tells how things are"
            how = "starts anew" if left == others else goes_on
            yield Outcome(f"is refused and {how}", {process.turn: left, **process.queued(there=True)})
        return
    label = world.describe(request, response)
    begun = {} if view[process.turn] else process.queued(there=False)
    yield Outcome(label, {**updates, **_seen_own(world, process, after, updates), process.turn: left, **begun})


def _seen_own(world: World, process: Process, after: Stored, updates: Updates) -> Updates:
    """Show a process the kinds it has just written, where it must have seen its own writes.

    And that its object is gone, or on its way: on an old view of it a process acts once, not again and again.
    """
    own = [
        watch
        for watch in process.watches
        if watch.kind in process.sees_own and any(slot in updates for slot in world.layout.pools[watch.kind])
    ]
    if process.form is Form.DECISION:
        return {process.decided: ()} if own or not process.alone else {}
    key = world.key(after, process)
    if process.form is Form.CURRENT or key is None:
        return {}
    there = after.get(key)
    gone = [watch for watch in process.watches if watch.kind == key.kind and (there is None or _leaves(there))]
    return {process.seen(watch): News.DUE for watch in (*own, *gone)}


def _leaves(obj: Object) -> bool:
    return obj.metadata.terminating


def _abandons(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Drop what can only fail, and what was to follow it: the key goes back to the queue."""
    turn: Requests = view[process.turn]
    left = spared(turn, partial(world.hopeless, view, process)) if turn else turn
    if left != turn:
        yield Outcome("is refused and starts anew", {process.turn: left, **process.queued(there=True)})


def _decides(world: World, process: Process, view: View) -> Iterator[Outcome]:
    if view[process.decided] or (view[process.turn] and not process.alone):
        return
    if decision := world.fresh(view, process):
        yield Outcome("decides", {process.decided: decision})


def _looks_again(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Replace a decision by what is decided now; with one kind, a sync on the old one may be under way from here on."""
    decided: Alternatives = view[process.decided]
    if not decided:
        return
    decision = world.fresh(view, process)
    if decision == decided:
        return
    yield Outcome("looks again", {process.decided: decision})
    for requests in under_way(world, process, view, process.watches[0]) if process.alone else ():
        yield Outcome("begins a sync and looks again", {process.decided: decision, process.turn: requests})


def _too_late(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Drop a decision that can only be refused; one just made is kept, or it would be made again at once."""
    decided: Alternatives = view[process.decided]
    if decided and world.doomed(view, process, decided):
        decision = world.fresh(view, process)
        if decision != decided:
            yield Outcome("is refused and looks again", {process.decided: decision})


def _is_shown(world: World, process: Process, view: View, watch: Watch) -> Iterator[Outcome]:
    """Show a process a kind as it is, within the step after which it knows it.

    A step that gave the new snapshot itself would be run anew for each pair of what was seen and what there is.
    """
    if view[process.seen(watch)] is News.DUE and (key := world.key(view, process)) is not None:
        yield Outcome(SHOWN, {process.seen(watch): world.look(view, watch, key)})


def _sees(world: World, process: Process, view: View, watch: Watch) -> Iterator[Outcome]:
    key = world.key(view, process)
    if key is not None and world.news(view, watch, key, view[process.seen(watch)]):
        woken = process.queued(there=True) if process.wakes(watch) else {}
        yield Outcome(f"sees {watch.kind}", {process.seen(watch): News.DUE, **woken})
        for requests in under_way(world, process, view, watch):
            label = f"begins a sync and sees {watch.kind}"
            begun = process.queued(there=process.wakes(watch))
            yield Outcome(label, {process.seen(watch): News.DUE, process.turn: requests, **begun})


def _finds_nothing(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Take the key out of the queue by a sync that, on what has been seen so far, has nothing to do."""
    key = world.key(view, process)
    if key is None or view[process.turn] or not view[process.queue]:
        return
    seen = tuple(view[process.seen(watch)] for watch in process.watches)
    if News.DUE not in seen and not process.decide(key, seen):
        yield Outcome("finds nothing to do", process.queued(there=False))


def under_way(world: World, process: Process, view: View, watch: Watch, *, lost: bool = False) -> Iterator[Requests]:
    """Yield the syncs that may be under way while the process sees news of a kind.

    Where its first write shows the process that kind anyway, only a lost answer makes a difference.
    """
    if view[process.turn]:
        return
    for requests in world.pending(view, process):
        if failure(requests):
            continue
        own = watch.kind in process.sees_own and all(writes(request, watch.kind) for request in heads(requests))
        if own is lost and not world.doomed(view, process, (requests,)):
            yield requests


def _passes_over(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Pass over a view that leads to nothing, whatever of the other kinds may yet be seen.

    That can be told where every other kind changes no more: it will be seen as it was seen last, or as it is.
    """
    key = world.key(view, process)
    if key is None or view[process.turn]:
        return
    seen = tuple(view[process.seen(watch)] for watch in process.watches)
    if News.DUE in seen:
        return
    lively = [place for place, watch in enumerate(process.watches) if watch.quiet is None or not watch.quiet(view)]
    if len(lively) > 1:
        return
    new = [at for at in lively or range(len(seen)) if world.news(view, process.watches[at], key, seen[at])]
    if not new or not world.doomed(view, process, process.decide(key, seen)):
        return  # The news are asked for first: to tell what is doomed costs much.
    for place in new:
        if _leads_to_nothing(world, process, view, key, seen, place):
            yield Outcome(f"sees {process.watches[place].kind}", {process.seen(process.watches[place]): News.DUE})
            return


def _leads_to_nothing(
    world: World, process: Process, view: View, key: Ref, seen: tuple[Snapshot, ...], place: int
) -> bool:
    """Tell whether an old view of one kind gives nothing to do with any view of the others that is still to come."""
    others = (
        (old,) if number == place else dict.fromkeys((old, world.look(view, watch, key)))
        for number, (old, watch) in enumerate(zip(seen, process.watches, strict=True))
    )
    return all(world.doomed(view, process, process.decide(key, views)) for views in product(*others))
