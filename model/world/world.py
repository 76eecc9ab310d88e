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
  brings one kind up to date. Stopping at an intermediate version is having made that step earlier. Steps after which
  a kind is seen as it is only mark it (`News.DUE`); an urgent step then shows it, so that the new snapshot is worked
  out once for each content of the store and not once for each pair of that and what was seen before. A snapshot is
  never passed over unless every other kind can change no more (`Watch.quiet`) and neither as it was seen nor as it is
  does it make the snapshot lead to anything; then the process is back in the case above.

Views go on while a sync is under way: what a process sees after it began a sync and before it commits it may have to
be kept for the next one. So it may begin a sync (its requests become the turn) in the moment in which it sees
something newer; where the sync's first write shows it that kind anyway this makes no difference and is left out,
unless the answer may be lost. Two syncs may thus rest on views that both are old when the first commits; a third in a
row may not (the one bound of these forms; `tests/oracles/plain_views.py` has none, and docs/old-views.md shows the
smallest run that is lost).

What the process wrote itself: after a commit to a kind in `sees_own` the process does not act before it has seen that
write (a ReplicaSet's expectations, the scheduler's assumed Pods, the EndpointSlice tracker); for an object that it
alone watches and writes with a precondition, an older view only gives conflicts, so it may as well be seen at once. A
refused request ends the turn, but for what was sent beside it, and for the status where admission refuses (see `turn`).
A lost answer does so, too, and shows the process nothing.

A process is level-triggered: what it has seen decides whether there is something to do. One with `woken_by` is not, in
SNAPSHOT form: only news of these kinds, or a sync that failed, put its key in the queue, and a sync takes it out, on
whatever has been seen of all kinds by then. So what it does not know of when it syncs it may never correct. Left out:
an own write that is written over before it is seen, which would wake it once more.

Views are transformed (client-go's SetTransform): a component gets only the fields that it looks at, so a change of
others is no news to it. Left out on purpose: watch bookmarks, re-lists other than after a crash, priorities between
keys.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from enum import Enum
from functools import lru_cache, partial
from typing import Any

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ...impl.api.cache import Cache
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ...impl.api.requests import Get, Request, Response, Update
from ..machine import Fairness, Memory, Outcome, State, View
from .store import Full, Layout, Stored, Updates, reference
from .turn import Onward, Requests, beside, given_up, heads, onward, reported, without

Alternatives = tuple[Requests, ...]
"""The syncs a process may perform on one view; empty when there is nothing to do."""

Writes = tuple[tuple[Ref, Object | None], ...]
Who = str | Ref
"""Who asks: a component or a person by the name of its account, a kubelet by its Node."""
Serve = Callable[[Stored, Who, Request, str], tuple[Response, Writes]]
"""The API server: store, who asks, request, suffix for a generated name; the answer and what is committed."""

Snapshot = tuple[Object | None, ...]
Transform = Callable[[str, Object | None], Object | None]
"""What a process keeps of an object; the first argument is the uid of the process's own key."""

CRASHES = "fault/crash"
LOST = "fault/lost-response"
OVERFLOW = "world/overflow"
LAGGING = "fault/lagging-apiserver"
STALLED = "apiserver-2/cache"

CONFLICT = 409
FORBIDDEN = 403
"""The answer to what admission does not let in: later it may be let in."""
PERMANENT = frozenset({404, 409, 410, 422})
"""Answers that the same request gets again however long it waits (409 AlreadyExists apart).

A conflict is one of them up to an object that changed there and back again, see `store`.
"""


class News(Enum):
    """What stands for a snapshot within a step, until the world shows the process the kind as it is."""

    DUE = "due"


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
    keep: Callable[[str], Callable[[Object | None], Object | None]] = field(init=False, eq=False, repr=False)
    """The transform for a process's key, by its uid: one object for each, so that views know it again at once."""

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "keep", lru_cache(maxsize=None)(partial(partial, self.transform)))


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
    woken_by: frozenset[str] | None = None
    """The kinds whose news put the key in the queue, without `sees_own`; None: whatever has been seen decides."""
    go_on: Callable[[Onward, Response], Requests] | None = None
    """What a sync that hears the answers asks next, after one more of them."""
    refusals_last: bool = True
    """Whether what is refused now is refused later, too, but for `AlreadyExists`, and may be given up at once.

    So it is with a component that names objects by uid or version. A name alone may be another's by then.
    """
    narrow: Callable[[View, Alternatives], Alternatives] | None = None
    """Which alternatives the store leaves, as it is when a sync begins; where there is a choice, it may begin early."""
    prompt: bool = False
    """It sends as soon as it can, the first of what it may: that is an argument of whoever says so. In CURRENT form."""
    in_one_go: frozenset[str] = frozenset()
    """What it writes of these kinds a sync writes in the step in which it begins: likewise. In CURRENT form."""
    refused: bool = False
    """What is left of a turn may be refused at any time: for a write that is left out, says whoever says so."""
    tries_again: frozenset[str] = frozenset()
    """The kinds whose status it writes once more, on the object as it is then, where it has changed since it was read.

    What it has counted is written then, and the rest is as others have left it.
    """
    before: Callable[[View], Iterator[Updates]] | None = None
    """What may happen right before a sync begins, and at no other time: likewise. In CURRENT form."""
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
    def queue(self) -> str:
        """The slot that says whether the key is in the queue, of a process with `woken_by` in SNAPSHOT form."""
        return f"queued/{self.name}"

    def queued(self, *, there: bool) -> Updates:
        """Return the update that puts the key in the queue, or takes it out; none of a process without `woken_by`."""
        return {} if self.woken_by is None or self.form is not Form.SNAPSHOT else {self.queue: there}

    def wakes(self, watch: Watch) -> bool:
        """Tell whether news of a kind put the key in the queue."""
        return self.woken_by is None or watch.kind in self.woken_by

    @property
    def alone(self) -> bool:
        """Tell whether just one kind is watched, so that a decision stands for the whole view."""
        return len(self.watches) == 1

    def seen(self, watch: Watch) -> str:
        """Name the slot with the cache of a kind, in SNAPSHOT form."""
        return f"seen/{self.name}/{watch.kind}"

    @property
    def remembers(self) -> tuple[Memory, ...]:
        """Return what the process remembers: the requests it has yet to send, and what it has seen or decided on."""
        kinds = tuple(watch.kind for watch in self.watches)
        seen = {
            Form.CURRENT: (),
            Form.DECISION: (Memory(self.decided, kinds),),
            Form.SNAPSHOT: tuple(Memory(self.seen(watch), (watch.kind,)) for watch in self.watches),
        }
        return (Memory(self.turn), *seen[self.form])

    def memories(self) -> tuple[str, ...]:
        """Return the slots in which the process remembers objects."""
        return tuple(memory.slot for memory in self.remembers)


def _decide(process: Process, key: Ref, seen: tuple[Snapshot, ...]) -> Alternatives:
    objects = [obj for snapshot in seen for obj in snapshot if obj is not None]
    found = process.act(Cache.of((*process.constants, *objects)), key)
    return tuple(dict.fromkeys(turn for turn in found if turn))


NOTHING_ELSE: immutabledict[str, Hashable] = immutabledict()


def too_small(kind: str, others: Mapping[str, Hashable] = NOTHING_ELSE) -> Outcome:
    """Return the step into a state that says that a kind has no free place; `others` are more slots that it changes."""
    return Outcome(f"needs one more place for a {kind}", {OVERFLOW: kind, **others})


@frozen
class World:
    """What all processes share: the layout of the store and the API server in front of it."""

    layout: Layout
    serve: Serve
    describe: Callable[[Request, Response], str]

    def commit(self, view: View, user: Who, request: Request) -> tuple[Response, Updates]:
        """Send one request: the answer, and the slots it changes (none when it was refused)."""
        stored = Stored(view, self.layout)
        return self.send(stored, user, request), stored.updates

    def ask(self, view: View, process: Process, request: Request) -> tuple[Response, Updates]:
        """Send a request of a process: after a conflict a status once more, if it tries again (`Process.tries_again`).

        It is written into the object as it is then. Between reading that and writing it nothing happens: where
        something does, that is refused as the first was.
        """
        response, updates = self.commit(view, process.user, request)
        if response.code != CONFLICT or not isinstance(request, Update) or request.subresource != "status":
            return response, updates
        ref, wanted = ref_of(request.object), request.object
        there = Stored(view, self.layout).get(ref) if ref.kind in process.tries_again else None
        if there is None or there.metadata.uid != wanted.metadata.uid:
            return response, updates
        again = Update(_with_status(there, wanted), there, "status")
        return self.commit(view, process.user, again)

    def send(self, stored: Stored, user: Who, request: Request) -> Response:
        """Send one request to a store in which earlier requests of the same step already show."""
        free, suffix = self._place_for(stored, request)
        response, writes = self.serve(stored, user, request, suffix)
        for ref, obj in writes:
            stored.write(ref, obj, free)
        return response

    def at_once(
        self, view: View, user: Who, requests: Iterable[Request], told: Callable[[tuple[Response, ...], Stored], str]
    ) -> Iterator[Outcome]:
        """Yield the one step in which several requests are granted, or that the world is too small for them.

        `told` says what they did, by the answers and the store after them; where one is refused there is no step.
        """
        stored = Stored(view, self.layout)
        try:
            answers = tuple(self.send(stored, user, request) for request in requests)
        except Full as full:
            yield too_small(full.kind)
            return
        if answers and all(answer.ok for answer in answers):
            yield Outcome(told(answers, stored), stored.updates)

    def _place_for(self, stored: Stored, request: Request) -> tuple[str | None, str]:
        new = getattr(request, "object", None)
        if type(request).__name__ != "Create" or new is None:
            return None, ""
        ref = ref_of(new)
        if ref.kind not in self.layout.pools or (ref.name and stored.get(ref) is not None):
            return None, ""
        return stored.free_place(ref, "" if ref.name else new.metadata.generate_name)

    # --- looking ---------------------------------------------------------------------------------------------------

    def key(self, view: View, process: Process) -> Ref | None:
        """Return the object a process is about, as it is now."""
        found: Ref | None = view.via(reference, process.key) if isinstance(process.key, str) else process.key
        return found

    def look(self, view: View, watch: Watch, key: Ref) -> Snapshot:
        """Return what a process would see of a kind if it looked now."""
        keep = watch.keep(_uid(key))
        return tuple(view.via(keep, slot) for slot in watch.slots)

    def news(self, view: View, watch: Watch, key: Ref, seen: Snapshot | News) -> bool:
        """Tell whether a process would see something else of a kind if it looked now; reads no more than it must."""
        keep = watch.keep(_uid(key))
        if seen is News.DUE:
            return False
        return any(_differ(view.via(keep, slot), old) for slot, old in zip(watch.slots, seen, strict=True))

    def now(self, view: View, process: Process, key: Ref) -> tuple[Snapshot, ...]:
        """Return what a process would see of all its kinds if it looked now."""
        return tuple(self.look(view, watch, key) for watch in process.watches)

    def fresh(self, view: View, process: Process) -> Alternatives:
        """Return what a process would decide if it looked now."""
        key = self.key(view, process)
        return () if key is None else process.decide(key, self.now(view, process, key))

    def pending(self, view: View, process: Process) -> Alternatives:
        """Return what a process may send next, on what it has seen."""
        turn: Requests = view[process.turn]
        if turn:
            return (turn,)
        found = self.alternatives(view, process)
        return found if process.narrow is None or not found else process.narrow(view, found)

    def alternatives(self, view: View, process: Process) -> Alternatives:
        """Return the syncs a process may begin, on what it has seen, whatever the store says of them."""
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
                if process.woken_by is not None and not view[process.queue]:
                    return ()
                seen = tuple(view[process.seen(watch)] for watch in process.watches)
                return () if News.DUE in seen else process.decide(key, seen)

    def doomed(self, view: View, process: Process, alternatives: Alternatives) -> bool:
        """Tell whether every one of the alternatives would be refused now and for ever."""
        return process.refusals_last and all(
            self.hopeless(view, process, request) for requests in alternatives for request in heads(requests)
        )

    def after(self, view: View, process: Process, requests: Requests, request: Request, answer: Response) -> Requests:
        """Return what is left of a turn when one of its heads is answered.

        Who hears that asks on; what it only reads is read in the same moment.
        """
        talk = onward(requests)
        if talk is None or process.go_on is None:
            if answer.code == FORBIDDEN:
                return reported(requests, request)
            return without(requests, request) if answer.ok else beside(requests, request)
        left = process.go_on(talk, answer)
        while (onwards := onward(left)) is not None and isinstance(left[0], Get):
            left = process.go_on(onwards, self.commit(view, process.user, left[0])[0])
        return () if given_up(left) else left

    def hopeless(self, view: View, process: Process, request: Request) -> bool:
        """Tell whether a request would be refused now and for ever."""
        try:
            response, _ = self.ask(view, process, request)
        except Full:
            return False
        return response.code in PERMANENT and response.reason != "AlreadyExists"


def _with_status(obj: Any, other: Any) -> Any:
    return evolve(obj, status=other.status)


def _differ(one: Object | None, other: Object | None) -> bool:
    """Compare objects; the same object is equal to itself, which is no news to anybody but costs attrs a while."""
    return one is not other and one != other


def _uid(key: Ref) -> str:
    return f"{key.kind}/{key.namespace}/{key.name}"


def initial(world: World, process: Process, store: dict[str, Hashable]) -> dict[str, Hashable]:
    """Return the slots of a process that has just listed the store."""
    state = State.of(store)
    slots: dict[str, Hashable] = {process.turn: ()}
    if process.form is Form.DECISION:
        slots[process.decided] = ()
    if process.form is Form.SNAPSHOT:
        key = world.key(state, process)
        for watch in process.watches:
            empty = tuple(None for _ in watch.slots)
            slots[process.seen(watch)] = empty if key is None else world.look(state, watch, key)
        slots |= process.queued(there=bool(world.fresh(state, process)))
    return slots
