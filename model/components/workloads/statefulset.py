"""What the StatefulSet controller may do: Pods by number, made from the first on, let go from the last on.

A turn sees who is there, makes who is missing, lets go whom it must, and writes down how many it saw. In order (the
default) nobody is made before all in front of him are well, nobody is let go before all that there are to be are, and
one at a time; otherwise everybody at once. Who has the old template is replaced, the last first, one at a time, once
all behind him are new and well. Leaves out: adoption, claims, names of revisions, minReadySeconds.
"""

from __future__ import annotations

from attrs import evolve, field, frozen


@frozen
class Member:
    """One Pod: whether it is of the new template, has a node, is ready, has failed, is on its way out."""

    new: bool = True
    placed: bool = False
    ready: bool = False
    failed: bool = False
    going: bool = False

    @property
    def well(self) -> bool:
        """Ready, and here to stay."""
        return self.ready and not self.going


Members = tuple[Member | None, ...]


def _trimmed(members: Members) -> Members:
    """Leave out that nobody has the highest numbers."""
    while members and members[-1] is None:
        members = members[:-1]
    return members


@frozen
class State:
    """How many are wanted, how they are treated, and who has each number (None: nobody).

    `partition` is the first number whose Pod is replaced; below it Pods are made of the old template, if there is
    another one (`old`). `replaces` False: nobody is replaced.
    """

    wanted: int
    members: Members = field(converter=_trimmed)
    ordered: bool = True
    replaces: bool = True
    partition: int = 0
    old: bool = False
    written: tuple[int, int] = (0, 0)
    """How many there were, and how many of them ready, as was last written down."""

    def member(self, number: int) -> Member | None:
        """Return who has a number."""
        return self.members[number] if number < len(self.members) else None

    def well(self, number: int) -> bool:
        """Whether somebody has a number, and is well."""
        member = self.member(number)
        return member is not None and member.well

    @property
    def numbers(self) -> range:
        """The numbers that somebody has or is to have."""
        return range(max(self.wanted, len(self.members)))

    @property
    def there(self) -> list[int]:
        """The numbers that somebody has."""
        return [number for number in self.numbers if self.member(number) is not None]

    @property
    def surplus(self) -> list[int]:
        """The numbers of those who are too many."""
        return [number for number in self.there if number >= self.wanted]


def waits(state: State, number: int) -> bool:
    """In order each waits for all in front of him that there are to be."""
    return state.ordered and not all(state.well(before) for before in range(min(number, state.wanted)))


def to_be_made(state: State, number: int) -> bool:
    """He is wanted, missing, and waits for nobody."""
    return number < state.wanted and state.member(number) is None and not waits(state, number)


def has_failed(state: State, number: int) -> bool:
    """He is wanted and has failed: he must go, to be made anew."""
    member = state.member(number)
    return number < state.wanted and member is not None and member.failed and not waits(state, number)


def is_too_many(state: State, number: int) -> bool:
    """Nobody has a number that high: in order the last goes first, and well, unless he is the first who is not."""
    if number not in state.surplus:
        return False
    may = state.well(number) or all(state.well(other) for other in state.there if other < number)
    return not state.ordered or (not waits(state, number) and number == max(state.surplus) and may)


def to_be_replaced(state: State, number: int) -> bool:
    """He has the old template, and all behind him are new and well; in order all others must be well, too."""
    member = state.member(number)
    behind = [state.member(other) for other in range(number + 1, state.wanted)]
    return (
        state.replaces
        and state.partition <= number < state.wanted
        and member is not None
        and not member.new
        and all(other is not None and other.well and other.new for other in behind)
        and not (state.ordered and (state.surplus or waits(state, state.wanted)))
    )


def is_complete(state: State) -> bool:
    """All that there are to be are new and ready, and there are no others: the old template is forgotten."""
    members = [state.member(number) for number in state.there]
    new = [member for member in members if member is not None and member.new and not member.going]
    ready = [member for member in members if member is not None and member.ready]
    return state.replaces and len(members) == len(new) == len(ready) == state.wanted


@frozen
class Turn:
    """Make some, let some go, and write down what was seen."""

    made: frozenset[int]
    gone: frozenset[int]

    def enabled(self, state: State) -> bool:
        """All who are to be made, and all who must go and are not going; nobody else."""
        return self == turn(state)

    def apply(self, state: State) -> State:
        """Whoever is let go without a node is gone at once."""
        members = [state.member(number) for number in state.numbers]
        for number in self.made:
            members[number] = Member(new=not (state.old and number < state.partition))
        for number in self.gone:
            member = state.member(number)
            members[number] = evolve(member, going=True) if member is not None and member.placed else None
        ready = sum(member is not None and member.ready for member in state.members)
        old = state.old and not is_complete(state)
        return evolve(state, members=tuple(members), old=old, written=(len(state.there), ready))


def turn(state: State) -> Turn:
    """Return the turn that is taken: who is made and who must go follows from who is there."""
    reasons = (has_failed, is_too_many, to_be_replaced)
    gone = {
        number
        for number in state.numbers
        if (member := state.member(number)) is not None
        and not member.going
        and any(reason(state, number) for reason in reasons)
    }
    return Turn(frozenset(number for number in state.numbers if to_be_made(state, number)), frozenset(gone))


def steps(state: State) -> tuple[Turn, ...]:
    """List what may happen next: one turn."""
    return (turn(state),)
