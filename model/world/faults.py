"""What may befall a process of a world: crashes, lost answers, expectations that expire, a second API server.

Each is limited by the budget in its slot. A fault that changes nothing is not worth a budget and is left out: with less
budget left the rest can only do less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ...impl.api.requests import Response
from ..machine import Action, Fairness, Outcome, View
from .steps import under_way
from .store import Full, Stored, Updates
from .turn import heads, writes
from .verbs import Verb
from .world import CRASHES, LAGGING, LOST, STALLED, Form, News, Process, World

NO_ANSWER = Response(504, "Timeout", "the answer is lost")
"""What a client makes of an answer that never arrives."""
Step = Callable[[World, Process, View], Iterator[Outcome]]


def crashes(world: World, process: Process, *, stale: bool = False) -> tuple[Action, ...]:
    """Return how a process may crash and restart; `stale`: also against an API server that stands still."""
    if not process.crashes:
        return ()
    restarts = (Verb.RESTARTS_STALE, _restarts_stale)
    return _befall(world, process, (Verb.CRASHES, _crashes), *([restarts] if stale else []))


def losses(world: World, process: Process) -> tuple[Action, ...]:
    """Return how the answer to a request of a process may be lost, and what it sees meanwhile."""
    begins = (Verb.BEGINS_UNSEEN, _begins)
    return _befall(world, process, (Verb.LOSES, _loses), *([] if process.form is Form.CURRENT else [begins]))


def expiries(world: World, process: Process, budget: str) -> tuple[Action, ...]:
    """Return how a process may act again before it sees what it wrote, as often as the slot `budget` says.

    Only where it keeps a view of each kind by itself: elsewhere what it sees is as new as what it has done.
    """
    if process.form is not Form.SNAPSHOT:
        return ()
    return _befall(world, process, (Verb.OUTWAITS, partial(_outwaits, budget)))


def _outwaits(budget: str, world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Commit a request whose effect the process does not see, though it would have waited for that."""
    left: int = view[budget]
    for requests, request in (
        ((some, head) for some in world.pending(view, process) for head in heads(some)) if left else ()
    ):
        try:
            response, updates = world.ask(view, process, request)
        except Full:
            continue
        if response.ok and any(writes(request, kind) for kind in process.sees_own):
            label = f"{world.describe(request, response)}, and does not see it for minutes"
            turn = world.after(Stored(view, world.layout, updates), process, requests, request, response)
            after = {process.turn: turn, **process.queued(there=True)}
            yield Outcome(label, {**updates, **after, budget: left - 1})


def _befall(world: World, process: Process, *found: tuple[Verb, Step]) -> tuple[Action, ...]:
    return tuple(
        Action(
            f"{process.name}: {verb.value}",
            f"fault {process.name}",
            partial(step, world, process),
            Fairness.NONE,
            by=process.user,
            verb=verb,
            on=process.key,
        )
        for verb, step in found
    )


def anew(world: World, process: Process, view: View) -> Updates:
    """Return what has to be written for a process that starts from a list: no turn, and everything as it is now."""
    if process.form is not Form.SNAPSHOT:
        return _listed(world, process, view, view)
    key = world.key(view, process)
    shown = {} if key is None else {process.seen(watch): News.DUE for watch in process.watches}
    return {process.turn: (), **shown, **process.queued(there=True)}


def _crashes(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Forget the turn and every view, and list anew. A crash that changes nothing is not worth a budget."""
    budget: int = view[CRASHES]
    if not budget:
        return
    if process.form is Form.SNAPSHOT:
        key = world.key(view, process)
        behind = key is not None and any(
            world.news(view, watch, key, view[process.seen(watch)]) for watch in process.watches
        )
        if view[process.turn] or behind:
            yield Outcome("crashes and restarts", {**anew(world, process, view), CRASHES: budget - 1})
        return
    listed = anew(world, process, view)
    if any(view[slot] != value for slot, value in listed.items()):
        yield Outcome("crashes and restarts", {**listed, CRASHES: budget - 1})


def _restarts_stale(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """List from an API server whose watch cache stands still: the process travels back in time."""
    budget: int = view[CRASHES]
    cache = view[STALLED]
    if not budget or cache is None:
        return
    past = Stored(view, world.layout, dict(zip(world.layout.slots(), cache, strict=True)))
    listed = _listed(world, process, view, past)
    if any(view[slot] != value for slot, value in listed.items()):
        yield Outcome("crashes and lists from apiserver-2", {**listed, CRASHES: budget - 1})


def _listed(world: World, process: Process, view: View, source: View) -> Updates:
    updates: Updates = {process.turn: ()}
    key = world.key(view, process)
    if process.form is Form.DECISION:
        updates[process.decided] = () if key is None else process.decide(key, world.now(source, process, key))
    elif process.form is Form.SNAPSHOT and key is not None:
        updates |= {process.seen(watch): world.look(source, watch, key) for watch in process.watches}
        updates |= process.queued(there=True)
    return updates


def _loses(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Commit a request whose answer never arrives: the sender has not seen its write and tries again."""
    budget: int = view[LOST]
    if not budget:
        return
    for requests, request in ((some, head) for some in world.pending(view, process) for head in heads(some)):
        try:
            response, updates = world.ask(view, process, request)
        except Full:
            continue
        if response.ok:
            label = f"{world.describe(request, response)}, and the answer is lost"
            unheard = world.after(Stored(view, world.layout, updates), process, requests, request, NO_ANSWER)
            left = {process.turn: unheard, **process.queued(there=True)}
            yield Outcome(label, {**updates, **left, LOST: budget - 1})


def _begins(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """See news while a sync is under way whose answer may be lost."""
    key = world.key(view, process)
    if not view[LOST] or key is None:
        return
    for watch in process.watches:
        for requests in under_way(world, process, view, watch, lost=True):
            news: Updates = {process.decided: world.fresh(view, process)}
            if process.form is Form.SNAPSHOT:
                news = {process.seen(watch): world.look(view, watch, key)}
            if any(view[slot] != value for slot, value in news.items()):
                yield Outcome(f"begins a sync and sees {watch.kind}", {**news, process.turn: requests})


def stalling(world: World) -> tuple[Action, ...]:
    """Let the second API server's watch cache stand still, and move on again."""

    def stalls(view: View) -> Iterator[Outcome]:
        if view[STALLED] is None and view[LAGGING]:
            content = tuple(view[slot] for slot in world.layout.slots())
            budget = view[LAGGING]
            yield Outcome("stands still", {STALLED: content, LAGGING: budget - 1})

    def follows(view: View) -> Iterator[Outcome]:
        if view[STALLED] is not None:
            yield Outcome("catches up", {STALLED: None})

    return (
        Action("apiserver-2: stands still", "fault apiserver-2", stalls, Fairness.NONE, verb=Verb.STANDS_STILL),
        Action("apiserver-2: catches up", "apiserver-2", follows, verb=Verb.CATCHES_UP),
    )
