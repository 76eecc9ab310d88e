"""What a machine is: slots with values, actions that read some slots and write some, properties to hold.

Nothing here knows Kubernetes. A state gives every slot (a name) one hashable value. An action is a pure function of
what it reads through a `View`: reads are recorded, so nobody declares them and none can be declared wrongly.

A search has no clock: any action that is enabled may be next. How long somebody waits stands beside the actions, in
timers, and decides afterwards whether a run that was found can happen (`checker.clock.timetable`).

Left out on purpose: probabilities, dynamic creation of slots (a pool of places is a fixed number of slots).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from enum import Enum
from fractions import Fraction
from typing import Any, Protocol

from attrs import field, frozen
from immutabledict import immutabledict


class View(Protocol):
    """What a function sees of a state. Every read is recorded; there is no other way to look."""

    def __getitem__(self, slot: str) -> Any:
        """Return the value of a slot; an unknown slot is a `MachineError`."""

    def via(self, transform: Callable[[Any], Hashable], slot: str) -> Any:
        """Return `transform(value)`; values that it maps to the same thing are one situation for the reader.

        The transform is pure. A lambda is known by its code and the values it closes over, which must be hashable.
        """


class MachineError(Exception):
    """A mistake in the machine itself: never a verdict about what it models."""


class Fairness(Enum):
    """What the scheduler of the steps promises to an action that is enabled."""

    WEAK = "weak"
    """Enabled for ever from some point on, then taken again and again."""
    STRONG = "strong"
    """Enabled again and again, then taken again and again."""
    NONE = "none"
    """Nothing: faults and the environment may never happen."""


def _frozen_mapping(updates: Mapping[str, Hashable]) -> immutabledict[str, Hashable]:
    return immutabledict(updates)


@frozen
class Outcome:
    """One way a step can end: what to call it, and the slots it writes."""

    label: str
    updates: Mapping[str, Hashable] = field(converter=_frozen_mapping, default=immutabledict[str, Hashable]())


@frozen
class Memory:
    """A slot in which somebody remembers: what was seen `of` some sorts of things, or (of none) what is still to do."""

    slot: str
    of: tuple[str, ...] = ()


@frozen
class Action:
    """One thing somebody may do.

    `step` is pure. Several outcomes are nondeterminism, none means not enabled, and outcomes that change nothing do
    not count: neither as a step nor as being enabled.
    """

    name: str
    """Unique, as reported: "replicaset-controller web-1: act"."""
    group: str
    """Fairness is promised to the group as a whole: "replicaset-controller web-1"."""
    step: Callable[[View], Iterable[Outcome]]
    fairness: Fairness = Fairness.WEAK
    urgent: bool = False
    """At most one outcome, commutes with everything: run to completion inside the step that enables it."""
    when_quiet: bool = False
    """Considered only where no fair action (but such as wait for quiet themselves) is enabled."""
    by: Hashable = None
    """Who acts: with `verb` and `on` what code compares; the name is for people."""
    verb: Hashable = None
    """What is done."""
    on: Hashable = None
    """On what."""
    remembers: tuple[Memory, ...] = ()
    """What who acts goes by, if that is not the state as it is."""


@frozen
class Wait:
    """Something that is waited for in a state, and the window in seconds after it began in which it is over.

    It runs out after more than `least` seconds, and is over, run out or not, after `most` (None: at any time).
    """

    what: Any
    """Hashable, and the same as long as it is the same wait: one that begins in the step that ends it is another."""
    told: str
    """What it is, for people: "the toleration of Pod web-p0"."""
    least: Fraction = Fraction(0)
    most: Fraction | None = None


@frozen
class Timer:
    """Waits of one kind: which of them a state has, and which steps let one run out.

    Those are steps of actions by `by`, with `verb` and, if it is given, `on` something, for which `over` is true of the
    states before and after. A wait that ends otherwise is cut short.
    """

    waits: Callable[[View], Iterable[Wait]]
    over: Callable[[View, View, Wait], bool]
    kind: str
    by: Hashable
    verb: Hashable
    on: Hashable = None

    def runs_out(self, action: Action, before: View, after: View, wait: Wait) -> bool:
        """Tell whether a wait runs out in a step."""
        acts = action.by == self.by and action.verb == self.verb and self.on in {None, action.on}
        return acts and self.over(before, after, wait)


@frozen
class Machine:
    """Initial states (all with the same slots) and actions, in the order in which they are tried and reported.

    `timers` say how long somebody waits for what; a search does not look at them.
    """

    initial: tuple[Mapping[str, Hashable], ...]
    actions: tuple[Action, ...]
    timers: tuple[Timer, ...] = ()

    def slots(self) -> tuple[str, ...]:
        """Return the names of the slots in the order of the first initial state; a malformed machine is an error."""
        if not self.initial:
            raise MachineError("a machine needs an initial state")
        slots = tuple(self.initial[0])
        for state in self.initial[1:]:
            if odd := sorted(set(slots) ^ set(state)):
                raise MachineError(f"initial states differ in their slots: {', '.join(odd)}")
        names = [action.name for action in self.actions]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise MachineError(f"two actions are called {twice[0]!r}")
        if both := [action.name for action in self.actions if action.urgent and action.when_quiet]:
            raise MachineError(f"{both[0]!r} cannot be urgent and wait for quiet")
        return slots


@frozen
class Mention:
    """A member that a value speaks of: its sort and its number. `tag`: see `Symmetry`."""

    sort: str
    number: int
    tag: Hashable = None


Fact = tuple[Hashable, tuple[Mention, ...]]
"""Something a value says, without the members' numbers, and the members it says it of, in a fixed order."""


def _frozen_sizes(sizes: Mapping[str, int]) -> immutabledict[str, int]:
    return immutabledict(sizes)


def _frozen_homes(
    slots: Mapping[str, tuple[str, tuple[Mention, ...]]],
) -> immutabledict[str, tuple[str, tuple[Mention, ...]]]:
    return immutabledict(slots)


def _says_itself(_template: str, value: Hashable) -> tuple[Fact, ...]:
    return ((value, ()),)


def _stays(_template: str, value: Hashable, _numbers: Mapping[Mention, int]) -> Hashable:
    return value


@frozen
class Symmetry:
    """What of a machine can be exchanged without anybody noticing: the members of some sorts, numbered from 0.

    A slot belongs to a template and to members: `rm1` to ("rm", (Mention("rm", 1),)); a slot that is not listed belongs
    to itself and nobody. Renumbering the members moves values from slot to slot, and changes values that speak of
    members. For those there are two pure functions: `facts` takes a value apart, `rename` gives it with other numbers.
    The facts of a value are those of its renamed value, up to their order, with the numbers changed; a value that has
    none says that its members are idle (a free place). By default values speak of nobody.

    The members of a sort may be exchanged in every way, unless `only` lists the renumberings that are allowed: per
    sort, the new number of each member. The list must be a group: with two renumberings, one after the other.

    A mention with a tag is of the member only if one of the member's own slots mentions it with the same tag: the Pod
    `web-x-p3` is what is in place 3 only if place 3 holds a Pod of that name. Otherwise it is a name left over, which
    gets a number of its own beyond those of members, and `rename` must be able to give it.
    """

    sizes: Mapping[str, int] = field(converter=_frozen_sizes)
    slots: Mapping[str, tuple[str, tuple[Mention, ...]]] = field(converter=_frozen_homes)
    facts: Callable[[str, Any], Iterable[Fact]] = _says_itself
    rename: Callable[[str, Any, Mapping[Mention, int]], Hashable] = _stays
    only: tuple[Mapping[str, tuple[int, ...]], ...] = ()


class State(Mapping[str, Hashable]):
    """A whole state: a mapping from slots to values that is also a `View` (one that records nothing)."""

    __slots__ = ("places", "values_in_order")

    def __init__(self, places: Mapping[str, int], values_in_order: tuple[Hashable, ...]) -> None:
        self.places = places
        self.values_in_order = values_in_order

    @classmethod
    def of(cls, slots: Mapping[str, Hashable]) -> State:
        """Make a state of a plain mapping, in its order."""
        return cls({slot: place for place, slot in enumerate(slots)}, tuple(slots.values()))

    def with_values(self, values_in_order: tuple[Hashable, ...]) -> State:
        """Return the state with the same slots and these values."""
        return State(self.places, values_in_order)

    def __getitem__(self, slot: str) -> Any:
        try:
            return self.values_in_order[self.places[slot]]
        except KeyError:
            raise MachineError(f"no slot is called {slot!r}") from None

    def __contains__(self, slot: object) -> bool:
        return slot in self.places

    def via(self, transform: Callable[[Any], Hashable], slot: str) -> Any:
        """Return `transform(value)`."""
        return transform(self[slot])

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, State) and self.places == other.places:
            return self.values_in_order == other.values_in_order
        return Mapping.__eq__(self, other)

    def __hash__(self) -> int:
        return hash(frozenset(self.items()))  # The order of the slots is no part of a mapping.

    def __repr__(self) -> str:
        return f"State({', '.join(f'{slot}={value!r}' for slot, value in self.items())})"


@frozen
class Invariant:
    """Holds in every reachable state. `check` yields one line per breach, none where it holds.

    `premise`: where the claim says anything at all; a premise that is true nowhere is reported as vacuous.
    """

    name: str
    doc: str
    check: Callable[[View], Iterable[str]]
    premise: Callable[[View], bool] | None = None


@frozen
class StepProperty:
    """Holds of every step. `check(before, after, label)` yields one line per breach.

    `actions` picks the watched actions by name (None: all). An urgent step is a step of its own here.
    `by_label` False: whether there is a breach does not hang on the label, which is only told in the lines. Then what
    was found of one step is known of all between the same states, however they are labelled.
    """

    name: str
    doc: str
    check: Callable[[View, View, str], Iterable[str]]
    actions: Callable[[str], bool] | None = None
    premise: Callable[[View], bool] | None = None
    by_label: bool = True

    def told_apart(self, label: str) -> str:
        """Return the label as far as steps are told apart by it."""
        return label if self.by_label else ""


@frozen
class Sometimes:
    """Is true in at least one reachable state: the guard against claims about nothing."""

    name: str
    doc: str
    check: Callable[[View], bool]


@frozen
class Converges:
    """Every fair run on which `when` stays true reaches a goal state and stays in goal states.

    `goal` yields the reasons why a state is not yet a goal; none where it is. `when` None means always.
    """

    name: str
    doc: str
    goal: Callable[[View], Iterable[str]]
    when: Callable[[View], bool] | None = None


@frozen
class LeadsTo:
    """On every fair run each state where `when` is true is followed by a goal state, or is one itself.

    `goal` yields the reasons why a state is not a goal; none where it is. Unlike `Converges`, `when` need not stay true
    and the run need not stay in the goal: a request is answered, again and again.
    """

    name: str
    doc: str
    when: Callable[[View], bool]
    goal: Callable[[View], Iterable[str]]


@frozen
class Recoverable:
    """From every reachable state (where `when` is true) some run leads to a goal state: nothing is lost for good.

    No fairness is asked for: it says that a way exists, not that it is taken. `actions` picks by name the actions that
    may help (None: all); leave out the environment and it says that the system recovers by itself.
    """

    name: str
    doc: str
    goal: Callable[[View], Iterable[str]]
    when: Callable[[View], bool] | None = None
    actions: Callable[[str], bool] | None = None


Property = Invariant | StepProperty | Sometimes | Converges | LeadsTo | Recoverable
