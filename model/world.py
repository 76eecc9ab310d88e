"""How components make a cluster: processes that act on old views of one store, one request at a time, with faults.

A *process* is one key of one component's work queue. It decides on what it has seen and sends the requests of that
decision one by one; others and crashes fall between. What "has seen" means is the whole difficulty, because a view is
a prefix of each watched kind's history. Three forms represent it:

- CURRENT: the process acts on the store as it is (linearizable reads).
- DECISION, for a process with one kind that lags. The state holds no view but what the process decided on it: it
  decides as soon as there is something to do, keeps that decision however the store moves on, and may look again at
  any time. Nothing is lost: acting on the view of moment p and committing at t is deciding at p and committing at t.
  A view on which nothing is to be done can be passed over, since it is only replaced by newer ones. Choices (which of
  several equal victims, which of several equal nodes) stay open until the commit, for nobody sees them earlier. For a
  process with several kinds the form means more than it says: it sees them all up to the same moment, its own writes
  included.
- SNAPSHOT, for a process with two or more kinds that lag: an informer's cache per kind, as a value, and a step that
  brings one kind up to date. Stopping at an intermediate version is having made that step earlier. A snapshot is
  never passed over unless every other kind can change no more (`Watch.quiet`) and neither as it was seen nor as it is
  does it make the snapshot lead to anything; then the process is back in the case above.

Views go on while a sync is under way: what a process sees after it began a sync and before it commits it may have to
be kept for the next one. So it may begin a sync (its requests become the turn) in the moment in which it sees
something newer; where the sync's first write shows it that kind anyway this makes no difference and is left out,
unless the answer may be lost. Two syncs may thus rest on views that both are old when the first commits; a third in a
row may not (the one bound of these forms; `properties.plain_views` has none, and docs/old-views.md shows the smallest
run that is lost).

What the process wrote itself: after a commit to a kind in `sees_own` the process does not act before it has seen that
write (a ReplicaSet's expectations, the scheduler's assumed Pods, the EndpointSlice tracker); for an object that it
alone watches and writes with a precondition, an older view only gives conflicts, so it may as well be seen at once. A
refused request ends the turn. A lost answer ends it, too, and shows the process nothing.

Views are transformed (client-go's SetTransform): a component gets only the fields that it looks at, so a change of
others is no news to it. Left out on purpose: watch bookmarks, re-lists other than after a crash, priorities between
keys.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from enum import Enum
from functools import lru_cache, partial
from itertools import product
from typing import Any

from attrs import field, frozen

from ..impl.api.cache import Cache
from ..impl.api.kinds import Object, ref_of
from ..impl.api.meta import Ref
from ..impl.api.requests import Bind, Create, Delete, Evict, PatchMetadata, PatchStatus, Request, Response, Update
from .machine import Action, Fairness, Outcome, State, View
from .store import Full, Layout, Stored, Updates, reference

Requests = tuple[Request, ...]
Alternatives = tuple[Requests, ...]
"""The syncs a process may perform on one view; empty when there is nothing to do."""

Writes = tuple[tuple[Ref, Object | None], ...]
Serve = Callable[[Stored, str, Request, str], tuple[Response, Writes]]
"""The API server: store, who asks, request, suffix for a generated name; the answer and what is committed."""

Snapshot = tuple[Object | None, ...]
Transform = Callable[[str, Object | None], Object | None]
"""What a process keeps of an object; the first argument is the uid of the process's own key."""

CRASHES = "fault/crash"
LOST = "fault/lost-response"
OVERFLOW = "world/overflow"
STALLED = "apiserver-2/cache"

PERMANENT = frozenset({404, 409, 410, 422})
"""Answers that the same request gets again however long it waits (409 AlreadyExists apart).

A conflict is one of them up to an object that changed there and back again, see `store`.
"""


class Form(Enum):
    """How a process's old views are represented."""

    CURRENT = "current"
    DECISION = "decision"
    SNAPSHOT = "snapshot"


@frozen
class Watch:
    """One kind a process watches: the places it looks at, what it keeps, whether it lags and when it is settled."""

    kind: str
    slots: tuple[str, ...]
    transform: Transform
    quiet: Callable[[View], bool] | None = None
    """Tells that nobody but the process itself will change this kind any more."""


@frozen
class Process:
    """One key of one component."""

    name: str
    group: str
    user: str
    key: Ref | str
    """A fixed object, or the slot whose object is the key."""
    watches: tuple[Watch, ...]
    constants: tuple[Object, ...]
    """Watched objects that never change, transformed."""
    act: Callable[[Cache, Ref], Alternatives]
    form: Form
    sees_own: frozenset[str] = frozenset()
    fairness: Fairness = Fairness.WEAK
    crashes: bool = True
    decide: Callable[[Ref, tuple[Snapshot, ...]], Alternatives] = field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "decide", lru_cache(maxsize=None)(partial(_decide, self)))

    @property
    def turn(self) -> str:
        """The slot with the requests of the sync under way that are still to be sent."""
        return f"turn/{self.name}"

    @property
    def decided(self) -> str:
        """The slot with the decision of a process in DECISION form."""
        return f"decided/{self.name}"

    @property
    def alone(self) -> bool:
        """Tell whether just one kind is watched, so that a decision stands for the whole view."""
        return len(self.watches) == 1

    def seen(self, watch: Watch) -> str:
        """Name the slot with the cache of a kind, in SNAPSHOT form."""
        return f"seen/{self.name}/{watch.kind}"

    def memories(self) -> tuple[str, ...]:
        """Give the slots in which the process remembers objects."""
        if self.form is Form.SNAPSHOT:
            return (self.turn, *(self.seen(watch) for watch in self.watches))
        return (self.turn, self.decided) if self.form is Form.DECISION else (self.turn,)


def _decide(process: Process, key: Ref, seen: tuple[Snapshot, ...]) -> Alternatives:
    objects = [one for snapshot in seen for one in snapshot if one is not None]
    found = process.act(Cache.of((*process.constants, *objects)), key)
    return tuple(dict.fromkeys(one for one in found if one))


@frozen
class World:
    """What all processes share: the layout of the store and the API server in front of it."""

    layout: Layout
    serve: Serve
    describe: Callable[[Request, Response], str]

    def commit(self, view: View, user: str, request: Request) -> tuple[Response, Updates]:
        """Send one request: the answer, and the slots it changes (none when it was refused)."""
        stored = Stored(view, self.layout)
        return self.send(stored, user, request), stored.updates

    def send(self, stored: Stored, user: str, request: Request) -> Response:
        """Send one request to a store in which earlier requests of the same step already show."""
        free, suffix = self._place_for(stored, request)
        response, writes = self.serve(stored, user, request, suffix)
        for ref, obj in writes:
            stored.write(ref, obj, free)
        return response

    def _place_for(self, stored: Stored, request: Request) -> tuple[str | None, str]:
        new = getattr(request, "object", None)
        if type(request).__name__ != "Create" or new is None:
            return None, ""
        ref = ref_of(new)
        if ref.kind not in self.layout.pools or (ref.name and stored.get(ref) is not None):
            return None, ""
        return stored.free_place(ref.kind, "" if ref.name else new.metadata.generate_name)

    # --- looking ---------------------------------------------------------------------------------------------------

    def key(self, view: View, process: Process) -> Ref | None:
        """Give the object a process is about, as it is now."""
        found: Ref | None = view.via(reference, process.key) if isinstance(process.key, str) else process.key
        return found

    def look(self, view: View, watch: Watch, key: Ref) -> Snapshot:
        """Give what a process would see of a kind if it looked now."""
        keep = partial(watch.transform, _uid(key))
        return tuple(view.via(keep, slot) for slot in watch.slots)

    def now(self, view: View, process: Process, key: Ref) -> tuple[Snapshot, ...]:
        """Give what a process would see of all its kinds if it looked now."""
        return tuple(self.look(view, watch, key) for watch in process.watches)

    def fresh(self, view: View, process: Process) -> Alternatives:
        """Give what a process would decide if it looked now."""
        key = self.key(view, process)
        return () if key is None else process.decide(key, self.now(view, process, key))

    def pending(self, view: View, process: Process) -> Alternatives:
        """Give what a process may send next, on what it has seen."""
        turn: Requests = view[process.turn]
        if turn:
            return (turn,)
        match process.form:
            case Form.CURRENT:
                return self.fresh(view, process)
            case Form.DECISION:
                decided: Alternatives = view[process.decided]
                return decided
            case Form.SNAPSHOT:
                key = self.key(view, process)
                if key is None:
                    return ()
                return process.decide(key, tuple(view[process.seen(watch)] for watch in process.watches))

    def doomed(self, view: View, process: Process, alternatives: Alternatives) -> bool:
        """Tell whether every one of the alternatives would be refused now and for ever."""
        return all(self._hopeless(view, process.user, one[0]) for one in alternatives)

    def _hopeless(self, view: View, user: str, request: Request) -> bool:
        try:
            response, _ = self.commit(view, user, request)
        except Full:
            return False
        return response.code in PERMANENT and response.reason != "AlreadyExists"


def _uid(key: Ref) -> str:
    return f"{key.kind}/{key.namespace}/{key.name}"


# --- the actions of one process -------------------------------------------------------------------------------------


def actions(world: World, process: Process) -> tuple[Action, ...]:
    """Give everything one process may do, in a fixed order. Each of its watches delivers, whatever else is going on."""

    def action(verb: str, step: Callable[..., Iterator[Outcome]], **kind: Any) -> Action:
        group = f"{process.name} watches: {verb}" if step in {_sees, _looks_again} else process.name
        bound = partial(step, world, process, **kind.pop("bound", {}))
        return Action(f"{process.name}: {verb}", group, bound, process.fairness, **kind)

    found: list[Action] = []
    if process.form is Form.DECISION:
        found += [action("decides", _decides, urgent=True), action("looks again", _looks_again)]
        found += [action("sees it is too late", _too_late, urgent=True)]
    if process.form is Form.SNAPSHOT:
        found += [action(f"sees {one.kind}", _sees, bound={"watch": one}) for one in process.watches]
        if any(one.quiet for one in process.watches):
            found += [action("passes over", _passes_over, urgent=True)]
    return (*found, action("sends", _sends), action("abandons", _abandons, urgent=True))


def faults(world: World, process: Process, *, crash: bool, lost: bool, lagging: bool) -> tuple[Action, ...]:
    """Give what may befall a process, each limited by the budget in its slot."""
    found: list[tuple[str, Callable[[World, Process, View], Iterator[Outcome]]]] = []
    if crash and process.crashes:
        found.append(("crashes and restarts", _crashes))
    if crash and process.crashes and lagging:
        found.append(("restarts against apiserver-2", _restarts_stale))
    if lost:
        found.append(("loses the answer", _loses))
    if lost and process.form is not Form.CURRENT:
        found.append(("sees more before its answer is lost", _begins))
    return tuple(
        Action(f"{process.name}: {verb}", f"fault {process.name}", partial(step, world, process), Fairness.NONE)
        for verb, step in found
    )


def _sends(world: World, process: Process, view: View) -> Iterator[Outcome]:
    for requests in world.pending(view, process):
        yield from _commit(world, process, view, requests)


def _commit(world: World, process: Process, view: View, requests: Requests) -> Iterator[Outcome]:
    """Commit the first of some requests; the rest is the turn. A refused one ends the turn and changes nothing else."""
    try:
        response, updates = world.commit(view, process.user, requests[0])
    except Full as full:
        yield Outcome(f"needs one more place for a {full.kind}", {OVERFLOW: full.kind, process.turn: ()})
        return
    if not response.ok:
        if view[process.turn]:
            yield Outcome("is refused and starts anew", {process.turn: ()})
        return
    label = world.describe(requests[0], response)
    after = Stored(view, world.layout, updates)
    yield Outcome(label, {**updates, **_seen_own(world, process, after, updates), process.turn: requests[1:]})


def _seen_own(world: World, process: Process, after: Stored, updates: Updates) -> Updates:
    """Show a process the kinds it has just written, where it must have seen its own writes."""
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
    return {process.seen(watch): world.look(after, watch, key) for watch in own}


def _abandons(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Give up the rest of a turn whose next request can only fail: the key goes back to the queue."""
    turn: Requests = view[process.turn]
    if turn and world.doomed(view, process, (turn,)):
        yield Outcome("is refused and starts anew", {process.turn: ()})


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
    for requests in _under_way(world, process, view, process.watches[0]) if process.alone else ():
        yield Outcome("begins a sync and looks again", {process.decided: decision, process.turn: requests})


def _too_late(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Drop a decision that can only be refused; one just made is kept, or it would be made again at once."""
    decided: Alternatives = view[process.decided]
    if decided and world.doomed(view, process, decided):
        decision = world.fresh(view, process)
        if decision != decided:
            yield Outcome("is refused and looks again", {process.decided: decision})


def _sees(world: World, process: Process, view: View, watch: Watch) -> Iterator[Outcome]:
    key = world.key(view, process)
    if key is not None:
        current = world.look(view, watch, key)
        if current != view[process.seen(watch)]:
            yield Outcome(f"sees {watch.kind}", {process.seen(watch): current})
            for requests in _under_way(world, process, view, watch):
                label = f"begins a sync and sees {watch.kind}"
                yield Outcome(label, {process.seen(watch): current, process.turn: requests})


def _under_way(world: World, process: Process, view: View, watch: Watch, *, lost: bool = False) -> Iterator[Requests]:
    """Give the syncs that may be under way while the process sees news of a kind.

    Where its first write shows the process that kind anyway, only a lost answer makes a difference.
    """
    if view[process.turn]:
        return
    for requests in world.pending(view, process):
        own = watch.kind in process.sees_own and _kind(requests[0]) == watch.kind
        if own is lost and not world.doomed(view, process, (requests,)):
            yield requests


def _kind(request: Request) -> str:
    """Name the kind a request writes."""
    match request:
        case Create(obj) | Update(obj) | PatchStatus(obj):
            return ref_of(obj).kind
        case Delete(ref) | PatchMetadata(ref):
            return ref.kind
        case Bind() | Evict():
            return "Pod"


def _passes_over(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Pass over a view that leads to nothing, whatever of the other kinds may yet be seen.

    That can be told where every other kind changes no more: it will be seen as it was seen last, or as it is.
    """
    key = world.key(view, process)
    if key is None or view[process.turn]:
        return
    seen = [view[process.seen(watch)] for watch in process.watches]
    now = [world.look(view, watch, key) for watch in process.watches]
    lively = [place for place, watch in enumerate(process.watches) if watch.quiet is None or not watch.quiet(view)]
    if len(lively) > 1:
        return
    for place in lively or range(len(seen)):
        if now[place] != seen[place] and _leads_to_nothing(world, process, view, key, seen, now, place):
            watch = process.watches[place]
            yield Outcome(f"sees {watch.kind}", {process.seen(watch): now[place]})
            return


def _leads_to_nothing(
    world: World, process: Process, view: View, key: Ref, seen: list[Snapshot], now: list[Snapshot], place: int
) -> bool:
    """Tell whether an old view of one kind gives nothing to do with any view of the others that is still to come."""
    others = (
        (old,) if number == place or old == new else (old, new)
        for number, (old, new) in enumerate(zip(seen, now, strict=True))
    )
    return all(world.doomed(view, process, process.decide(key, views)) for views in product(*others))


# --- faults ---------------------------------------------------------------------------------------------------------


def _crashes(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Forget the turn and every view, and list anew. A crash that changes nothing is not worth a budget."""
    budget: int = view[CRASHES]
    if not budget:
        return
    anew = _listed(world, process, view, view)
    if any(view[slot] != value for slot, value in anew.items()):
        yield Outcome("crashes and restarts", {**anew, CRASHES: budget - 1})


def _restarts_stale(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """List from an API server whose watch cache stands still: the process travels back in time."""
    budget: int = view[CRASHES]
    cache = view[STALLED]
    if not budget or cache is None:
        return
    past = Stored(view, world.layout, dict(zip(world.layout.slots(), cache, strict=True)))
    anew = _listed(world, process, view, past)
    if any(view[slot] != value for slot, value in anew.items()):
        yield Outcome("crashes and lists from apiserver-2", {**anew, CRASHES: budget - 1})


def _listed(world: World, process: Process, view: View, source: View) -> Updates:
    updates: Updates = {process.turn: ()}
    key = world.key(view, process)
    if process.form is Form.DECISION:
        updates[process.decided] = () if key is None else process.decide(key, world.now(source, process, key))
    elif process.form is Form.SNAPSHOT and key is not None:
        updates |= {process.seen(one): world.look(source, one, key) for one in process.watches}
    return updates


def _loses(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Commit a request whose answer never arrives: the sender has not seen its write and tries again."""
    budget: int = view[LOST]
    if not budget:
        return
    for requests in world.pending(view, process):
        try:
            response, updates = world.commit(view, process.user, requests[0])
        except Full:
            continue
        if response.ok:
            label = f"{world.describe(requests[0], response)}, and the answer is lost"
            yield Outcome(label, {**updates, process.turn: (), LOST: budget - 1})


def _begins(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """See news while a sync is under way whose answer may be lost."""
    key = world.key(view, process)
    if not view[LOST] or key is None:
        return
    for watch in process.watches:
        for requests in _under_way(world, process, view, watch, lost=True):
            news: Updates = {process.decided: world.fresh(view, process)}
            if process.form is Form.SNAPSHOT:
                news = {process.seen(watch): world.look(view, watch, key)}
            if any(view[slot] != value for slot, value in news.items()):
                yield Outcome(f"begins a sync and sees {watch.kind}", {**news, process.turn: requests})


def initial(world: World, process: Process, store: dict[str, Hashable]) -> dict[str, Hashable]:
    """Give the slots of a process that has just listed the store."""
    state = State.of(store)
    slots: dict[str, Hashable] = {process.turn: ()}
    if process.form is Form.DECISION:
        slots[process.decided] = ()
    if process.form is Form.SNAPSHOT:
        key = world.key(state, process)
        for one in process.watches:
            empty = tuple(None for _ in one.slots)
            slots[process.seen(one)] = empty if key is None else world.look(state, one, key)
    return slots


def stalling(world: World) -> tuple[Action, ...]:
    """Let the second API server's watch cache stand still, and move on again."""

    def stalls(view: View) -> Iterator[Outcome]:
        if view[STALLED] is None and view["fault/lagging-apiserver"]:
            content = tuple(view[slot] for slot in world.layout.slots())
            budget = view["fault/lagging-apiserver"]
            yield Outcome("stands still", {STALLED: content, "fault/lagging-apiserver": budget - 1})

    def follows(view: View) -> Iterator[Outcome]:
        if view[STALLED] is not None:
            yield Outcome("catches up", {STALLED: None})

    return (
        Action("apiserver-2: stands still", "fault apiserver-2", stalls, Fairness.NONE),
        Action("apiserver-2: catches up", "apiserver-2", follows),
    )
