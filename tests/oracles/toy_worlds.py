"""Toy worlds: a few counters and processes that act by a table, for questions about views and about nothing else.

Three kinds with one counter each (a Node, a Service, a Namespace called a, b, c) and Pods without counters. A counter
only grows: a smaller or equal value is refused for ever, which is what resource versions do for real writes. A process
looks its table up with the values it has seen and gets the syncs it may perform, each a tuple of requests. The script
raises counters from outside, one step after the other, if it wants to.

Left out on purpose: deletions that take time, preconditions, keys that come and go.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import partial

from attrs import evolve, frozen
from immutabledict import immutabledict

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Namespace, Node, Pod, Service
from kubeproof.impl.api.kinds import Object, ref_of
from kubeproof.impl.api.meta import ObjectMeta, Ref
from kubeproof.impl.api.requests import Create, Delete, Request, Response, Update
from kubeproof.impl.api.values.frozen import strings
from kubeproof.model.machine import Action, Fairness, Machine, Outcome, View
from kubeproof.model.world import faults as world_faults
from kubeproof.model.world import steps as world_steps
from kubeproof.model.world import world as worlds
from kubeproof.model.world.store import Layout, Stored, pool
from kubeproof.model.world.turn import Requests
from kubeproof.model.world.world import Alternatives, Form, Process, Watch, Who, World, Writes

SCRIPT = "script"
COUNTERS: Mapping[str, type[Node | Service | Namespace]] = {"a": Node, "b": Service, "c": Namespace}
POD = "p"
"""Stands for all Pods: as a watch their number is seen."""

Table = immutabledict[tuple[int, ...], Alternatives]
"""What is seen of each watch to what may be done; nothing where it is not mentioned."""


def counter(name: str, value: int) -> Object:
    """Make a counter."""
    return COUNTERS[name](ObjectMeta(name=name, labels=strings({"v": str(value)})))


def raises(name: str, value: int) -> Request:
    """Ask for a counter to be raised."""
    return Update(counter(name, value), None)


CREATES: Request = Create(Pod(ObjectMeta(generate_name="toy-")))
DELETES: Request = Delete(Ref("Pod", "", "any"))
"""Stands in a table for any one of the Pods that are seen."""


def creates(name: str) -> Request:
    """Ask for a Pod of one's own naming."""
    return Create(Pod(ObjectMeta(name=name)))


def value_of(obj: Object | None) -> int:
    """Read a counter; 0 where there is none."""
    return 0 if obj is None else int(obj.metadata.labels["v"])


@frozen
class Reader:
    """One process: what it watches, a letter a kind, and its table."""

    name: str
    watches: str
    table: Table
    form: Form = Form.SNAPSHOT
    sees_own: str = "abcp"
    woken_by: str | None = None
    quiet: bool = False
    """Tell, where it is so, that a kind changes no more. Without, nothing is passed over."""
    always_quiet: bool = False
    """Say so though it is not: a shortcut that is wrong."""


@frozen
class Toy:
    """A toy world."""

    readers: tuple[Reader, ...]
    script: tuple[tuple[str, int], ...] = ()
    crash: int = 0
    lost: int = 0
    pods: int = 0

    def in_form(self, form: Form, *, quiet: bool = False, always_quiet: bool = False) -> Toy:
        """Return the world with every process in one form."""
        return evolve(
            self,
            readers=tuple(evolve(one, form=form, quiet=quiet, always_quiet=always_quiet) for one in self.readers),
        )


@frozen
class Built:
    """A toy world made into what both representations need."""

    world: World
    processes: tuple[Process, ...]
    others: tuple[Action, ...]
    slots: dict[str, Hashable]
    machine: Machine


def build(toy: Toy) -> Built:
    """Make a toy world."""
    pools = {cls.__name__: pool(cls.__name__, 1) for cls in COUNTERS.values()} | {"Pod": pool("Pod", toy.pods)}
    processes = tuple(_process(toy, one, pools) for one in toy.readers)
    memories = tuple(slot for one in processes for slot in one.memories())
    layout = Layout(immutabledict(), immutabledict(pools), memories)
    world = World(layout, serve, lambda request, _: type(request).__name__)
    slots: dict[str, Hashable] = {pools[cls.__name__][0]: counter(name, 0) for name, cls in COUNTERS.items()}
    slots |= dict.fromkeys(pools["Pod"])
    slots |= {SCRIPT: 0, worlds.OVERFLOW: "", worlds.CRASHES: toy.crash, worlds.LOST: toy.lost}
    others = tuple(
        Action(f"script {number}", "script", partial(_raised, world, number, *step), Fairness.NONE)
        for number, step in enumerate(toy.script)
    )
    acts = list(others)
    whole = dict(slots)
    for one in processes:
        acts += world_steps.actions(world, one)
        acts += world_faults.crashes(world, one) if toy.crash else ()
        acts += world_faults.losses(world, one) if toy.lost else ()
        whole |= worlds.initial(world, one, slots)
    return Built(world, processes, others, slots, Machine((whole,), tuple(acts)))


def serve(stored: Stored, _user: Who, request: Request, suffix: str) -> tuple[Response, Writes]:
    """Stand for the API server: counters grow, Pods are made and go at once."""
    match request:
        case Update(obj):
            grows = value_of(obj) > value_of(stored.get(ref_of(obj)))
            return (Response(200), ((ref_of(obj), obj),)) if grows else (Response(422, "Invalid"), ())
        case Create(obj):
            meta = obj.metadata
            made = evolve(obj, metadata=evolve(meta, name=meta.name or f"{meta.generate_name}{suffix}"))
            if stored.get(ref_of(made)) is not None:
                return Response(409, "AlreadyExists"), ()
            return Response(201), ((ref_of(made), made),)
        case Delete(ref):
            found = stored.get(ref)
            return (Response(404, "NotFound"), ()) if found is None else (Response(200), ((ref, None),))
    raise TypeError(f"a toy asks for {type(request).__name__}")


# --- processes ------------------------------------------------------------------------------------------------------


def _process(toy: Toy, reader: Reader, pools: dict[str, tuple[str, ...]]) -> Process:
    watches = tuple(Watch(_kind(one), pools[_kind(one)], _kept, _quiet(toy, reader, one)) for one in reader.watches)
    return Process(
        name=reader.name,
        group="toy",
        user=reader.name,
        key=Ref("Toy", "", reader.name),
        watches=watches,
        constants=(),
        act=partial(_act, reader),
        form=reader.form,
        sees_own=frozenset(_kind(one) for one in reader.sees_own),
        woken_by=None if reader.woken_by is None else frozenset(_kind(one) for one in reader.woken_by),
    )


def _kind(letter: str) -> str:
    return "Pod" if letter == POD else COUNTERS[letter].__name__


def _kept(_uid: str, obj: Object | None) -> Object | None:
    return obj


def _act(reader: Reader, cache: Cache, _key: Ref) -> Alternatives:
    pods = cache.list(Pod)
    seen = tuple(
        len(pods) if one == POD else value_of(cache.objects.get(Ref(COUNTERS[one].__name__, "", one)))
        for one in reader.watches
    )
    return tuple(sync for row in reader.table.get(seen, ()) for sync in _meant(row, pods))


def _meant(row: Requests, pods: tuple[Pod, ...]) -> Iterator[Requests]:
    """Yield a sync as it is, or one for each Pod that its DELETES may mean."""
    if DELETES not in row:
        yield row
        return
    for pod in pods:
        yield tuple(Delete(ref_of(pod)) if one == DELETES else one for one in row)


def _quiet(toy: Toy, reader: Reader, letter: str) -> Callable[[View], bool] | None:
    if reader.always_quiet:
        return _always
    written = any(_writes(one, letter) for one in toy.readers if one is not reader)
    if not reader.quiet or written:
        return None
    last = max((number + 1 for number, (name, _) in enumerate(toy.script) if name == letter), default=0)
    return partial(_done, last)


def _always(_view: View) -> bool:
    return True


def _done(last: int, view: View) -> bool:
    done: int = view[SCRIPT]
    return done >= last


def _writes(reader: Reader, letter: str) -> bool:
    if letter == POD:
        return True
    requests = (one for syncs in reader.table.values() for sync in syncs for one in sync)
    return any(isinstance(one, Update) and one.object.metadata.name == letter for one in requests)


def _raised(world: World, number: int, name: str, value: int, view: View) -> Iterator[Outcome]:
    if view[SCRIPT] == number:
        _, updates = world.commit(view, "script", raises(name, value))
        yield Outcome(f"{name} = {value}", {**updates, SCRIPT: number + 1})
