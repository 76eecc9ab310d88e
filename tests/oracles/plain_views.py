"""The plainest representation of old views, as an oracle for the cheap ones of `model.world.world`.

A process has, per kind it watches, the queue of that kind's versions: in front what it has seen last, behind it the
events that are still to come. To act, it takes any number of events off each of its queues, decides on exactly what
is then in front and holds the requests; it sends them one at a time, others and crashes fall between; a refused
request ends the turn. A request it got an answer to is seen at once, where the process is one that sees its own
writes to the kind (`Process.sees_own`). Nothing is passed over, nothing is urgent, no decision is kept instead of a
view. Two versions that the process's transform makes equal are one event (Kubernetes' informers apply it, too): that
is the only economy. A process with `Process.woken_by` acts only while its key is in the queue: events of these kinds
put it there, and so do a refusal, a lost answer and a restart; a sync takes it out, also one that has nothing to do.

A process in the form DECISION that watches several kinds is meant to see them all up to the same moment, and each of
its own writes at once (a bound that the report states); it has one queue of versions of everything here.

It uses a world's own processes (`decide`, the watches' transforms) and API server (`World.commit`), so that only the
representation differs. What is compared is what others can see: the stores that are reached, and the stores at rest.

Left out on purpose: a second API server that lags, steps that wait for quiet, what a process of an object that is
gone may still do (`World.key` gives none; the cheap forms leave it out, too).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from itertools import compress, product
from typing import Any, Literal

from attrs import evolve, frozen

from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.kinds import Object
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.requests import Create, Request, Response
from kubeproof.model.checker.explore import explore
from kubeproof.model.checker.options import Options
from kubeproof.model.checker.results import Limits
from kubeproof.model.machine import Action, Fairness, Machine, State
from kubeproof.model.world.store import Full, Layout, Updates, names_in
from kubeproof.model.world.turn import Requests, beside, heads, without
from kubeproof.model.world.world import CRASHES, LOST, OVERFLOW, Form, Process, World, initial

REMEMBERED = "names that somebody remembers"

Store = tuple[int, ...]
"""The objects of a store by their numbers in `Shapes`, places forgotten."""


class TooBig(Exception):  # noqa: N818 - it says what is the matter
    """A search met more states than it was allowed to, or needed more places than the world has."""


class Numbers:
    """Numbers for values: equal values have equal numbers. Values met before are known by identity, which is quick."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[Hashable, int] = {}
        self._known: dict[int, tuple[object, int]] = {}

    def of(self, value: Hashable) -> int:
        """Return the number of a value."""
        known = self._known.get(id(value))
        if known is not None:
            return known[1]
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        self._known[id(value)] = (value, number)
        return number


class Shapes(Numbers):
    """Numbers for objects without the names that the world gave them by place."""

    def store(self, state: State, layout: Layout) -> Store:
        """Return the store of a state, names and places forgotten."""
        return tuple(sorted(self._shape(state[slot]) for slot in layout.slots() if state[slot] is not None))

    def _shape(self, obj: Object) -> int:
        known = self._known.get(id(obj))
        if known is not None:
            return known[1]
        number = self.of(_nameless(obj))
        self._known[id(obj)] = (obj, number)
        return number


def _nameless(obj: Object) -> Object:
    """Take a generated name away, and the address that goes by it."""
    meta = obj.metadata
    if not meta.generate_name or not meta.name.startswith(meta.generate_name):
        return obj
    if isinstance(obj, Pod) and obj.status.pod_ip:
        obj = evolve(obj, status=evolve(obj.status, pod_ip="given"))
    return evolve(obj, metadata=evolve(meta, name="", uid=""))


@frozen
class Reached:
    """What a search met: every store, those at rest, and how many states it took."""

    stores: frozenset[Store]
    rests: frozenset[Store]
    states: int


# --- the cheap side -------------------------------------------------------------------------------------------------


def reached(
    machine: Machine,
    layout: Layout,
    shapes: Shapes,
    *,
    engine: Literal["rows", "plain"] = "rows",
    urgent: bool = True,
    memo: bool = True,
    limit: int = 200_000,
) -> Reached:
    """Explore a machine of a world. Raises `TooBig` where it has more states than `limit`, or too few places."""
    met: list[State] = []
    limits = Limits(max_states=limit)
    found = explore(machine, options=Options(engine, urgent=urgent, memo=memo), limits=limits, collect=met.append)
    if not found.complete or any(OVERFLOW in state and state[OVERFLOW] for state in met):
        raise TooBig(found.why_incomplete or "too few places")
    fair = [one for one in machine.actions if one.fairness is not Fairness.NONE]
    rests = frozenset(shapes.store(state, layout) for state in met if not any(_moves(one, state) for one in fair))
    return Reached(frozenset(shapes.store(state, layout) for state in met), rests, len(met))


def _moves(action: Action, state: State) -> bool:
    return any(state[slot] != value for one in action.step(state) for slot, value in one.updates.items())


# --- the plain side -------------------------------------------------------------------------------------------------

Queue = tuple[int, ...]
Mind = tuple[Requests, tuple[Queue, ...], bool]
"""A process: the requests it still has to send, per watch what it has seen last and what is to come, and whether its
key is in the queue (always so without `Process.woken_by`)."""
Shared = int
"""What is shared (the store, the script, budgets), by its number."""
Whole = tuple[Shared, tuple[Mind, ...]]


def plainly(
    world: World,
    processes: tuple[Process, ...],
    others: Iterable[Action],
    slots: dict[str, Hashable],
    shapes: Shapes,
    *,
    limit: int = 200_000,
) -> Reached:
    """Search a world with plain views; `others` is what else happens, `slots` all but the slots of the processes.

    Raises `TooBig` where it has more states than `limit`, or too few places.
    """
    search = _Plain(world, processes, tuple(others), slots)
    begin = search.begin()
    seen = {begin}
    queue = deque(seen)
    stores: dict[Shared, Store] = {}
    rests: set[Store] = set()
    while queue:
        whole = queue.popleft()
        shared, minds = whole
        if shared not in stores:
            stores[shared] = shapes.store(search.view(shared), world.layout)
        if not any(turn for turn, _, _ in minds) and search.at_rest(shared) and not search.awake(whole):
            rests.add(stores[shared])
        for after in search.after(whole):
            if after not in seen:
                seen.add(after)
                queue.append(after)
        if len(seen) > limit:
            raise TooBig(f"more than {limit} states")
    return Reached(frozenset(stores.values()), frozenset(rests), len(seen))


class _Plain:
    """One search: the step relation on plain states, every pure answer computed once."""

    def __init__(
        self, world: World, processes: tuple[Process, ...], others: tuple[Action, ...], slots: dict[str, Hashable]
    ) -> None:
        self.world = evolve(world, layout=evolve(world.layout, memories=(REMEMBERED,)))
        self.processes = processes
        self.others = others
        self.slots = slots
        self.numbers = Numbers()
        self.places = {slot: place for place, slot in enumerate((*slots, REMEMBERED))}
        self.answers: dict[Hashable, Any] = {}
        self.names: dict[Hashable, frozenset[str]] = {}
        self.shared: list[tuple[int, ...]] = []
        self.found: dict[tuple[int, ...], Shared] = {}

    def begin(self) -> Whole:
        """Return the initial state: everybody has just listed."""
        shared = self.put(tuple(self.numbers.of(value) for value in self.slots.values()))
        return shared, tuple(((), self.listed(shared, one), self.has_work(shared, one)) for one in self.processes)

    def has_work(self, shared: Shared, process: Process) -> bool:
        """Tell whether a process that has just listed has its key in the queue."""
        front = tuple(queue[0] for queue in self.listed(shared, process))
        return process.woken_by is None or bool(self.decide(shared, process, front))

    def put(self, values: tuple[int, ...]) -> Shared:
        """Return the number of what is shared."""
        number = self.found.setdefault(values, len(self.shared))
        if number == len(self.shared):
            self.shared.append(values)
        return number

    def changed(self, shared: Shared, updates: Updates) -> Shared:
        """Return what is shared after some slots were written."""
        values = list(self.shared[shared])
        for slot, value in updates.items():
            values[self.places[slot]] = self.numbers.of(value)
        return self.put(tuple(values))

    def view(self, shared: Shared, remembered: tuple[Ref, ...] = ()) -> State:
        """Return what is shared as a state that can be read."""
        values = self.numbers.values
        return State(self.places, (*(values[number] for number in self.shared[shared]), remembered))

    def listed(self, shared: Shared, process: Process) -> tuple[Queue, ...]:
        """Return the queues of a process that has just listed."""
        if found := self.look(shared, process):
            return found
        nothing: tuple[Hashable, ...] = tuple(tuple(None for _ in one.slots) for one in process.watches)
        return tuple((self.numbers.of(one),) for one in ((nothing,) if self.consistent(process) else nothing))

    def consistent(self, process: Process) -> bool:
        """Tell whether a process has one queue for all kinds: so a DECISION over several kinds is meant."""
        return process.form is Form.DECISION and not process.alone

    def look(self, shared: Shared, process: Process) -> tuple[Queue, ...]:
        """Return what a process would see now, a version per watch; nothing where its object is not there."""
        key = ("look", process.name, shared)
        if key not in self.answers:
            view = self.view(shared)
            ref = self.world.key(view, process)
            now: tuple[Hashable, ...] = () if ref is None else self.world.now(view, process, ref)
            if now and self.consistent(process):
                now = (now,)
            self.answers[key] = tuple((self.numbers.of(one),) for one in now)
        found: tuple[Queue, ...] = self.answers[key]
        return found

    def owner(self, shared: Shared, process: Process) -> Ref | None:
        """Return the object a process is about."""
        key = ("key", process.name, shared)
        if key not in self.answers:
            self.answers[key] = self.world.key(self.view(shared), process)
        found: Ref | None = self.answers[key]
        return found

    def decide(self, shared: Shared, process: Process, front: tuple[int, ...]) -> tuple[Requests, ...]:
        """Return what a process may do on what it has in front."""
        ref = self.owner(shared, process)
        key = ("decide", process.name, ref, front)
        if key not in self.answers:
            seen = tuple(self.numbers.values[one] for one in front)
            seen = seen[0] if self.consistent(process) else seen
            self.answers[key] = () if ref is None else process.decide(ref, seen)
        found: tuple[Requests, ...] = self.answers[key]
        return found

    def commit(self, whole: Whole, process: Process, request: Request) -> tuple[Response, Updates, Shared]:
        """Send one request to the API server: its answer, what it wrote, and what is shared then."""
        remembered = self.remembered(whole[1]) if isinstance(request, Create) else ()
        key = ("commit", process.user, process.tries_again, whole[0], self.numbers.of(request), remembered)
        if key not in self.answers:
            try:
                response, updates = self.world.ask(self.view(whole[0], remembered), process, request)
            except Full as full:
                raise TooBig(f"too few places for a {full.kind}") from full
            self.answers[key] = response, updates, self.changed(whole[0], updates)
        found: tuple[Response, Updates, Shared] = self.answers[key]
        return found

    def remembered(self, minds: tuple[Mind, ...]) -> tuple[Ref, ...]:
        """Return every name that a turn or a version in a queue mentions."""
        names: set[str] = set()
        for turn, queues, _ in minds:
            names |= self.named(turn)
            for number in {number for queue in queues for number in queue}:
                names |= self.named(number)
        return tuple(Ref("", "", name) for name in sorted(names))

    def named(self, what: int | Requests) -> frozenset[str]:
        """Return the names in a version (by its number) or a turn."""
        if what not in self.names:
            self.names[what] = names_in(self.numbers.values[what] if isinstance(what, int) else what)
        return self.names[what]

    def after(self, whole: Whole) -> Iterator[Whole]:
        """Yield every state one step further."""
        shared, minds = whole
        for number, process in enumerate(self.processes):
            turn, queues, queued = minds[number]
            if turn:
                yield from self.sends(whole, number)
            else:
                yield from (_with(whole, number, mind) for mind in self.acts(shared, process, queues, queued=queued))
            if process.crashes:
                yield from self.crashes(whole, number)
        for number, _ in enumerate(self.others):
            for then in self.happens(shared, number):
                yield self.moved(whole, then)

    def acts(self, shared: Shared, process: Process, queues: tuple[Queue, ...], *, queued: bool) -> tuple[Mind, ...]:
        """Take any number of events off each queue and decide on what is then in front."""
        key = ("acts", process.name, self.owner(shared, process), queues, queued, process.narrow and shared)
        if key not in self.answers:
            self.answers[key] = tuple(dict.fromkeys(self.may_act(shared, process, queues, queued=queued)))
        found: tuple[Mind, ...] = self.answers[key]
        return found

    def may_act(self, shared: Shared, process: Process, queues: tuple[Queue, ...], *, queued: bool) -> Iterator[Mind]:
        """Yield each state of mind after one act."""
        for taken in product(*(range(len(queue)) for queue in queues)):
            rest = tuple(queue[count:] for queue, count in zip(queues, taken, strict=True))
            always = process.woken_by is None
            woken = queued or any(map(process.wakes, compress(process.watches, taken)))
            if not always:
                yield (), rest, woken
            if not woken:
                continue
            found = self.decide(shared, process, tuple(queue[0] for queue in rest))
            for requests in process.narrow(self.view(shared), found) if process.narrow else found:
                yield requests, rest, always
            if not always and not found:
                yield (), rest, False

    def sends(self, whole: Whole, number: int) -> Iterator[Whole]:
        """Send the next request of a turn; refused, it ends the turn; with the answer lost, it does, too."""
        for request in heads(whole[1][number][0]):
            yield from self.sends_one(whole, number, request)

    def sends_one(self, whole: Whole, number: int, request: Request) -> Iterator[Whole]:
        """Send one request that may be the next."""
        process = self.processes[number]
        turn, queues, queued = whole[1][number]
        response, updates, then = self.commit(whole, process, request)
        if not response.ok:
            yield _with(whole, number, (beside(turn, request), queues, True))
            return
        after = self.moved(whole, then)
        queues = after[1][number][1]
        if self.consistent(process):
            seen: tuple[Queue, ...] = (queues[0][-1:],)
        else:
            seen = tuple(
                queue[-1:] if watch.kind in process.sees_own and self.touches(watch.kind, updates) else queue
                for watch, queue in zip(process.watches, queues, strict=True)
            )
        yield _with(after, number, (without(turn, request), seen, queued))
        if budget := self.value(whole[0], LOST):
            yield self.spent(_with(after, number, (beside(turn, request), queues, True)), LOST, budget)

    def touches(self, kind: str, updates: Updates) -> bool:
        """Tell whether a commit wrote an object of a kind."""
        return any(slot in updates for slot in self.world.layout.pools[kind])

    def crashes(self, whole: Whole, number: int) -> Iterator[Whole]:
        """Forget the turn and the queues, and list."""
        if budget := self.value(whole[0], CRASHES):
            mind: Mind = ((), self.listed(whole[0], self.processes[number]), True)
            yield self.spent(_with(whole, number, mind), CRASHES, budget)

    def value(self, shared: Shared, slot: str) -> int:
        """Return what is left of a budget."""
        return int(self.numbers.values[self.shared[shared][self.places[slot]]]) if slot in self.slots else 0

    def spent(self, whole: Whole, slot: str, budget: int) -> Whole:
        """Return a state with one less of a budget."""
        return self.moved(whole, self.changed(whole[0], {slot: budget - 1}))

    def happens(self, shared: Shared, number: int) -> tuple[Shared, ...]:
        """Return what is shared after each thing that one of the others may do."""
        key = ("happens", number, shared)
        if key not in self.answers:
            outcomes = self.others[number].step(self.view(shared))
            self.answers[key] = tuple(self.changed(shared, dict(one.updates)) for one in outcomes)
        found: tuple[Shared, ...] = self.answers[key]
        return found

    def moved(self, whole: Whole, shared: Shared) -> Whole:
        """Return a state with something else shared; every process has the news coming."""
        if shared == whole[0]:
            return whole
        news = (self.look(shared, process) for process in self.processes)
        return shared, tuple(
            (turn, tuple(map(_appended, queues, new)) if new else queues, queued)
            for (turn, queues, queued), new in zip(whole[1], news, strict=True)
        )

    def at_rest(self, shared: Shared) -> bool:
        """Tell whether nothing more happens once everybody is up to date (faults and the script apart)."""
        key = ("rest", shared)
        if key not in self.answers:
            whole: Whole = (shared, tuple(((), self.listed(shared, one), True) for one in self.processes))
            fair = (number for number, one in enumerate(self.others) if one.fairness is not Fairness.NONE)
            self.answers[key] = not any(
                then != shared for number in fair for then in self.happens(shared, number)
            ) and not any(self.effective(whole, one) for one in self.processes if one.woken_by is None)
        return bool(self.answers[key])

    def awake(self, whole: Whole) -> bool:
        """Tell whether a process with `woken_by` has news coming, or is in the queue with anything that is granted."""
        for process, (_, queues, queued) in zip(self.processes, whole[1], strict=True):
            front = tuple(queue[0] for queue in queues)
            if process.woken_by is not None and (
                any(len(queue) > 1 for queue in queues)
                or (queued and (not self.decide(whole[0], process, front) or self.granted(whole, process, front)))
            ):
                return True
        return False

    def effective(self, whole: Whole, process: Process) -> bool:
        """Tell whether a process has something to do that is granted and changes something."""
        return self.granted(whole, process, tuple(queue[0] for queue in self.listed(whole[0], process)))

    def granted(self, whole: Whole, process: Process, front: tuple[int, ...]) -> bool:
        """Tell whether anything that a process would do on a view is granted and changes something, or is not all."""
        for requests in self.decide(whole[0], process, front):
            for request in heads(requests):
                response, _, then = self.commit(whole, process, request)
                if response.ok and (without(requests, request) or then != whole[0]):
                    return True
        return False


def _appended(queue: Queue, new: Queue) -> Queue:
    return queue if queue[-1] == new[0] else (*queue, new[0])


def _with(whole: Whole, number: int, mind: Mind) -> Whole:
    """Return a state with another mind of one process."""
    return whole[0], (*whole[1][:number], mind, *whole[1][number + 1 :])


def own_slots(world: World, processes: tuple[Process, ...], slots: dict[str, Hashable]) -> dict[str, Hashable]:
    """Add to the shared slots those of the processes, in the forms they have, to begin with."""
    found = dict(slots)
    for process in processes:
        found |= initial(world, process, slots)
    return found
