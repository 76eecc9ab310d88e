"""etcd as a machine: keys with their past, one number that counts the changes, and watchers that are told all of them.

May do: change one key or several at one revision, forget the past before a revision, tell a watcher any part of what
it has not been told yet, in order. Watchers lag as they like; nothing says how many changes come at once.
Left out: leases, ranges of keys, values that are compared (a transaction compares revisions, as an API server does).
"""

from __future__ import annotations

from attrs import evolve, field, frozen
from immutabledict import immutabledict

KEYS = ("a", "b")
VALUES = ("0", "1")


@frozen
class Entry:
    """A key that is there: its value, the revisions of its first and last change, and how many changes it has seen."""

    value: str
    created: int
    modified: int
    version: int


@frozen
class Change:
    """A key got a value, or lost it (None), at a revision."""

    revision: int
    key: str
    value: str | None


@frozen
class Watch:
    """Someone who watches one key: told of everything before `due`, in order; `lost` when it came too late."""

    key: str
    due: int
    told: tuple[Change, ...] = ()
    lost: bool = False


@frozen(cache_hash=True)
class State:
    """The keys, the changes that are remembered, the last revision, the first one remembered, and the watchers."""

    entries: immutabledict[str, Entry] = field(factory=immutabledict)
    past: tuple[Change, ...] = ()
    revision: int = 1
    oldest: int = 0
    watches: tuple[Watch, ...] = ()


Wanted = tuple[tuple[str, str | None], ...]
"""Keys with the values they shall have, None for no value."""


def changed(state: State, wanted: Wanted) -> State:
    """Make changes at one new revision; taking away what is not there is no change, and no change takes no revision."""
    effective = [(key, value) for key, value in wanted if value is not None or key in state.entries]
    if not effective:
        return state
    revision, entries = state.revision + 1, dict(state.entries)
    for key, value in effective:
        before = entries.pop(key, None)
        if value is not None:
            created = revision if before is None else before.created
            entries[key] = Entry(value, created, revision, 1 if before is None else before.version + 1)
    past = (*state.past, *(Change(revision, key, value) for key, value in effective))
    return evolve(state, entries=immutabledict(sorted(entries.items())), past=past, revision=revision)


@frozen
class Set:
    """A client gives a key a value."""

    key: str
    value: str

    def enabled(self, _state: State) -> bool:
        """Whenever it likes."""
        return True

    def apply(self, state: State) -> State:
        """One more revision, even if the value is the same."""
        return changed(state, ((self.key, self.value),))


@frozen
class Remove:
    """A client takes a key away."""

    key: str

    def enabled(self, _state: State) -> bool:
        """Whenever it likes, also where it has no effect."""
        return True

    def apply(self, state: State) -> State:
        """Remember that it is gone."""
        return changed(state, ((self.key, None),))


@frozen
class Guarded:
    """A client changes keys if one of them was last changed at the revision it knows (0: is not there), else others."""

    key: str
    known: int
    then: Wanted
    otherwise: Wanted = ()

    def enabled(self, _state: State) -> bool:
        """Whenever it likes: the condition decides what happens, not whether."""
        return True

    def apply(self, state: State) -> State:
        """Make all changes of one side at once."""
        entry = state.entries.get(self.key)
        return changed(state, self.then if self.known == (entry.modified if entry else 0) else self.otherwise)


@frozen
class Forget:
    """The past before a revision is compacted."""

    revision: int

    def enabled(self, state: State) -> bool:
        """Only once, and not the future."""
        return state.oldest < self.revision <= state.revision

    def apply(self, state: State) -> State:
        """Keep what is there, lose how it came to be."""
        kept = tuple(change for change in state.past if change.revision >= self.revision)
        return evolve(state, past=kept, oldest=self.revision)


@frozen
class Begin:
    """Someone begins to watch a key from a revision on."""

    key: str
    revision: int

    def enabled(self, _state: State) -> bool:
        """Whenever it likes; whether it is too late shows when it is told something."""
        return True

    def apply(self, state: State) -> State:
        """Nothing has been told yet."""
        return evolve(state, watches=(*state.watches, Watch(self.key, self.revision)))


@frozen
class Tell:
    """A watcher is told what has happened up to a revision."""

    watch: int
    upto: int

    def enabled(self, state: State) -> bool:
        """Something may have happened since it was last told, and it has not given up."""
        return self.watch < len(state.watches) and self.upto <= state.revision and not state.watches[self.watch].lost

    def apply(self, state: State) -> State:
        """Each change once and in order; or the news that some are forgotten."""
        watch = state.watches[self.watch]
        if watch.due < state.oldest:
            told = evolve(watch, lost=True)
        else:
            news = (
                change for change in state.past if change.key == watch.key and watch.due <= change.revision <= self.upto
            )
            told = evolve(watch, told=(*watch.told, *news), due=max(watch.due, self.upto + 1))
        return evolve(state, watches=(*state.watches[: self.watch], told, *state.watches[self.watch + 1 :]))


Action = Set | Remove | Guarded | Forget | Begin | Tell


def steps(state: State) -> tuple[Action, ...]:
    """Return what may happen next in a small world, always in this order."""
    revisions = range(1, state.revision + 1)
    writes: list[Action] = [Set(key, value) for key in KEYS for value in VALUES]
    writes += [Remove(key) for key in KEYS]
    pairs = [((KEYS[0], value), (KEYS[1], other)) for value in (*VALUES, None) for other in (*VALUES, None)]
    writes += [Guarded(KEYS[0], known, pair) for known in (0, *revisions) for pair in pairs]
    reads: list[Action] = [Forget(revision) for revision in revisions]
    reads += [Begin(key, revision) for key in KEYS for revision in (*revisions, state.revision + 1)]
    reads += [Tell(index, upto) for index in range(len(state.watches)) for upto in revisions]
    return tuple(action for action in (*writes, *reads) if action.enabled(state))
