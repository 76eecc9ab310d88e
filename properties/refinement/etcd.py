"""etcd's store is the model's: the map from one to the other, and both driven side by side.

The map keeps everything but leases. A compaction that has not happened yet is -1 in the store and 0 in the model.
"""

from __future__ import annotations

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ...impl.etcd import (
    Compact,
    Compacted,
    Compare,
    DeleteRange,
    Event,
    Failure,
    Operation,
    Put,
    Store,
    Txn,
    Watcher,
    apply,
    poll,
    watch,
)
from ...model.components.control_plane import etcd as model


@frozen
class Told:
    """A watcher of the store with what it has been told so far; `lost` when a compaction came first."""

    watcher: Watcher
    events: tuple[Event, ...] = ()
    lost: bool = False


def abstract(store: Store, told: tuple[Told, ...] = ()) -> model.State:
    """Return the state of the model that a store and its watchers stand for."""
    entries = {
        key.decode(): model.Entry(kv.value, kv.create_revision, kv.mod_revision, kv.version)
        for key, kv in store.keys.items()
    }
    watches = tuple(
        model.Watch(
            answer.watcher.key.decode(), answer.watcher.next_revision, tuple(map(_change, answer.events)), answer.lost
        )
        for answer in told
    )
    past = tuple(map(_change, store.since(0)))
    return model.State(
        immutabledict(sorted(entries.items())), past, store.revision, max(store.compact_revision, 0), watches
    )


def _change(event: Event) -> model.Change:
    return model.Change(event.kv.mod_revision, event.kv.key.decode(), None if event.deletes else event.kv.value)


def refines(before: model.State, after: model.State) -> bool:
    """Tell whether the model, too, can go from before to after, or stay."""
    return after == before or any(action.apply(before) == after for action in model.steps(before))


def operation_of(action: model.Set | model.Remove | model.Guarded | model.Forget) -> Operation:
    """Return the operation a client would send for an action of the model."""
    match action:
        case model.Set():
            return Put(action.key.encode(), action.value)
        case model.Remove():
            return DeleteRange(action.key.encode())
        case model.Forget():
            return Compact(action.revision)
        case model.Guarded():
            unchanged = Compare(action.key.encode(), "MOD", "EQUAL", action.known)
            return Txn((unchanged,), _branch(action.then), _branch(action.otherwise))


def _branch(wanted: model.Wanted) -> tuple[Put | DeleteRange, ...]:
    return tuple(DeleteRange(key.encode()) if value is None else Put(key.encode(), value) for key, value in wanted)


FIRST: immutabledict[int, immutabledict[str, str]] = immutabledict({1: immutabledict()})
"""What the empty store reads as, by revision."""


@frozen
class Pair:
    """The store and the model after the same actions, and every state the keys have been in, by revision."""

    store: Store = field(factory=Store)
    told: tuple[Told, ...] = ()
    state: model.State = field(factory=model.State)
    snapshots: immutabledict[int, immutabledict[str, str]] = FIRST


def drive(pair: Pair, action: model.Action) -> tuple[Pair, tuple[str, ...]]:
    """Do one action on both sides; the lines say where they then differ."""
    lines: list[str] = []
    match action:
        case model.Begin():
            began = Told(watch(pair.store, action.key.encode(), start_revision=action.revision))
            after = evolve(pair, told=(*pair.told, began))
        case model.Tell():
            after = evolve(pair, told=_tell(pair, action.watch))
        case _:
            store, result = apply(pair.store, operation_of(action))
            after = evolve(pair, store=store)
            if isinstance(result, Failure) == action.enabled(pair.state):
                lines.append(f"{action}: the store says {result}")
    allowed = action.enabled(pair.state)
    after = _remembering(evolve(after, state=action.apply(pair.state) if allowed else pair.state))
    found = abstract(after.store, after.told)
    if found != after.state:
        lines.append(f"{action}: the store is {found}, the model {after.state}")
    if not refines(pair.state, found) and not isinstance(action, model.Guarded):
        lines.append(f"{action}: no step of the model")
    return after, (*lines, *_misremembered(after))


def _tell(pair: Pair, index: int) -> tuple[Told, ...]:
    one = pair.told[index]
    watcher, seen = poll(pair.store, one.watcher)
    heard = evolve(one, lost=True) if isinstance(seen, Compacted) else Told(watcher, one.events + seen)
    return (*pair.told[:index], heard, *pair.told[index + 1 :])


def _remembering(pair: Pair) -> Pair:
    values = immutabledict({key: entry.value for key, entry in pair.state.entries.items()})
    return evolve(pair, snapshots=pair.snapshots.set(pair.state.revision, values))


def _misremembered(pair: Pair) -> tuple[str, ...]:
    """Read every revision: the old ones are as they were, the forgotten and the future ones are refused."""
    lines: list[str] = []
    for revision in range(1, pair.state.revision + 2):
        read = pair.store.at(revision)
        expected = pair.snapshots.get(revision) if revision >= pair.state.oldest else None
        given = None if isinstance(read, Failure) else {key.decode(): kv.value for key, kv in read.items()}
        if given != (None if expected is None else dict(expected)):
            lines.append(f"revision {revision} reads {given}, was {expected}")
    return tuple(lines)
