"""Symmetry: states that differ only in which member is which are one; the search keeps one of each orbit.

Why nothing is lost. Let g renumber the members. Where every action commutes with g (the successors of g(s) are the
images under g of the successors of s, up to renumbering again), the relation "is an image of" is a bisimulation. So
what can be reached from s and from its image is the same up to renumbering, and every property that says the same of a
state and of its image can be judged on one state of each orbit: invariants, properties of single steps, what is
sometimes true, states where nothing fair can happen any more, and "from everywhere a way leads to" (CTL* without
fairness is preserved by bisimulation). It does not matter which state stands for its orbit; one that stands for it
badly (two for one orbit) only costs time.

Fairness is another matter: it is promised to named actions, and an orbit forgets which member took its turn. What can
still be said: a run that never comes to the goal projects to a path of orbits. If no cycle of orbits (steps that stay
in an orbit are cycles, too) goes through the states in question, every such run is finite, whatever is fair, and then
"stuck" above is all there is to look for. Otherwise `explore` searches again without symmetry. See `runs`.

A name left over (a tagged mention that nobody bears any more) gets a number beyond those of members: all that can be
done with it is to find that nothing has that name. That is no renumbering of members, but a bisimulation all the same,
but for one thing: a place of that number is not kept free for its sake. Where places run out a machine that does so
stops a step earlier than the search by orbits, which goes on with one more place.

None of this is taken on trust: in the first states and then once in so many, the steps, the breaches and what
properties observe are compared between a state and an image of it (`Audit`); a difference is an `AsymmetryError`.

Traces are of the machine itself: they start in an initial state, and each step is one that leads into the next orbit.

How the state that stands for an orbit is found: what the values say of the members, their facts, are a coloured
hypergraph. Colours are refined until they tell nothing more apart; members that still look alike but are entangled with
others are told apart one after the other, in every way that makes a difference, and the least row wins (McKay's
canonical labelling, with its automorphisms, without its invariants of nodes).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice, product
from typing import Any

from attrs import field, frozen

from ...machine import MachineError, Mention, State, Symmetry
from ..layout import Layout

PATIENCE = 500
"""So many labellings of one state are tried at most; then the least so far stands for it."""

Numbers = dict[int, int]
"""New numbers by token."""
Met = tuple[int, tuple[int, ...]]
"""A fact on tokens: its kind, and of whom it is."""
Ids = tuple[int, ...]
Places = tuple[tuple[int, int], ...]
"""Slots by their numbers, in their order, and the id that each has."""
Image = Callable[[Numbers], Places]


class AsymmetryError(MachineError):
    """What was given as a symmetry of the machine is none."""


@frozen
class Said:
    """What a value in a slot says. `tokens`: the members of the slot itself, then those mentioned, each once."""

    place: int
    number: int
    """The slot and the id of the value."""
    facts: tuple[Met, ...]
    """Of the slot's own members and of tokens that are not borne out by them."""
    tokens: tuple[int, ...]
    binds: tuple[int, ...]
    """Tagged mentions that are borne out: by the slot's own member."""
    images: dict[tuple[int, ...], tuple[int, int]] = field(factory=dict)
    """By the new numbers of the tokens: where the value goes, and its id there."""


@frozen
class Learnt:
    """The numbers of kinds of facts, and the names left over, in the order in which they were met."""

    kinds: Mapping[Hashable, int]
    mentions: tuple[Mention, ...]


class Folding:
    """Finds the state that stands for an orbit, on rows of ids."""

    def __init__(self, symmetry: Symmetry, layout: Layout, look: Callable[[], None] = lambda: None) -> None:
        self.symmetry = symmetry
        self.layout = layout
        self.look = look
        """Asked whether there is time: members that are alike are told apart by trying, which may take long."""
        self.sorts = tuple(sorted(symmetry.sizes))
        self.members = tuple(Mention(sort, number) for sort in self.sorts for number in range(symmetry.sizes[sort]))
        self.token_of: dict[Mention, int] = {member: token for token, member in enumerate(self.members)}
        """Members first; tagged mentions as they are met."""
        self.of_sort = {
            sort: [self.token_of[member] for member in self.members if member.sort == sort] for sort in self.sorts
        }
        self.mentions = list(self.members)
        self.bearer = list(range(len(self.members)))
        """The member a token is of, if it is borne out."""
        self.homes = [self._home(slot) for slot in layout.places]
        self.place_of = {home: place for place, home in enumerate(self.homes)}
        self.said: list[dict[int, Said | None]] = [{} for _ in layout.places]
        self.kinds: dict[Hashable, int] = {}
        self.least: dict[tuple[int, ...], Places] = {}
        """By what the values of a row say (`Said` by identity): where those stand in the row that stands for it."""
        self.listed = [self._listed(numbers) for numbers in symmetry.only]
        self._check()

    def _home(self, slot: str) -> tuple[str, tuple[int, ...]]:
        template, owners = self.symmetry.slots.get(slot, (slot, ()))
        try:
            return template, tuple(self.token_of[owner] for owner in owners)
        except KeyError as error:
            raise AsymmetryError(f"slot {slot!r} belongs to {error}, which is no member of a sort") from None

    def _check(self) -> None:
        """Make sure that every renumbering takes every slot to a slot."""
        if len(self.place_of) < len(self.homes):
            raise AsymmetryError("two slots belong to the same members under the same template")
        for numbers in (*self.generators(), *self.listed):
            for template, owners in self.homes:
                moved = tuple(self._member(owner, numbers.get(owner)) for owner in owners)
                if (template, moved) not in self.place_of:
                    raise AsymmetryError(f"{self.named(numbers)} takes {template!r} to no slot")
        listed = {tuple(numbers.items()) for numbers in self.listed}
        for numbers, other in product(self.listed, repeat=2):
            both = {token: other[self._member(token, number)] for token, number in numbers.items()}
            if tuple(both.items()) not in listed:
                raise AsymmetryError(f"{self.named(numbers)} and then {self.named(other)} is not among those allowed")

    def _member(self, token: int, number: int | None) -> int:
        sort = self.mentions[token].sort
        return token if number is None else self.token_of[Mention(sort, number)]

    def _listed(self, renumbering: Mapping[str, tuple[int, ...]]) -> Numbers:
        for sort, numbers in renumbering.items():
            if sorted(numbers) != list(range(self.symmetry.sizes.get(sort, 0))):
                raise AsymmetryError(f"{numbers} does not renumber the members of {sort!r}")
        return {
            token: renumbering[member.sort][member.number] if member.sort in renumbering else member.number
            for token, member in enumerate(self.members)
        }

    def generators(self) -> tuple[Numbers, ...]:
        """Return renumberings that all others are made of: neighbours exchanged, or the list that is allowed."""
        if self.listed:
            return tuple(
                numbers
                for numbers in self.listed
                if any(self.members[token].number != to for token, to in numbers.items())
            )
        pairs = zip(self.members, self.members[1:], strict=False)
        return tuple(
            {self.token_of[mention]: other.number, self.token_of[other]: mention.number}
            for mention, other in pairs
            if mention.sort == other.sort
        )

    def named(self, numbers: Numbers) -> str:
        """Say a renumbering in words."""
        moved = [(self.mentions[token], to) for token, to in numbers.items() if self.mentions[token].number != to]
        return ", ".join(f"{mention.sort} {mention.number} -> {to}" for mention, to in moved)

    # --- what was learnt ------------------------------------------------------------------------------------------

    def learnt(self) -> Learnt:
        """Return what the choice of the states that stand for orbits rests on, besides the numbers of values."""
        return Learnt(dict(self.kinds), tuple(self.mentions[len(self.members) :]))

    def learn(self, learnt: Learnt) -> None:
        """Go on from what another search has learnt, so that the same states stand for the same orbits."""
        self.kinds.update(learnt.kinds)
        for mention in learnt.mentions:
            self._token(mention)

    # --- what values say ------------------------------------------------------------------------------------------

    def say(self, place: int, number: int) -> Said | None:
        """Return what a value says; None if that has nothing to do with members."""
        known = self.said[place]
        if number in known:
            return known[number]
        template, owners = self.homes[place]
        bearer, plain = self.bearer, len(self.members)
        facts: list[Met] = []
        mentioned: list[int] = []
        for shape, mentions in self.symmetry.facts(template, self.layout.tables[place][number]):
            tokens = [self._token(mention) for mention in mentions]
            mentioned.extend(tokens)
            if owners or tokens:
                kind = self.kinds.setdefault((template, shape), len(self.kinds))
                whom = (*owners, *(bearer[token] if bearer[token] in owners else token for token in tokens))
                facts.append(self.once(kind, whom))
        everybody = tuple(dict.fromkeys((*owners, *mentioned)))
        binds = tuple(token for token in everybody if token >= plain and bearer[token] in owners)
        known[number] = Said(place, number, tuple(facts), everybody, binds) if everybody else None
        return known[number]

    def _token(self, mention: Mention) -> int:
        token = self.token_of.get(mention)
        if token is None:
            member = Mention(mention.sort, mention.number)
            token = self.token_of[mention] = len(self.mentions)
            self.mentions.append(mention)
            # A number that no member has is borne by nobody.
            self.bearer.append(self.token_of.get(member, token))
        return token

    def once(self, kind: int, whom: tuple[int, ...]) -> Met:
        """Return a fact with every token named once; what it says twice of one becomes part of its kind."""
        if len(set(whom)) == len(whom):
            return kind, whom
        pattern = tuple(whom.index(token) for token in whom)
        return self.kinds.setdefault((kind, pattern), len(self.kinds)), tuple(dict.fromkeys(whom))

    # --- the representative ---------------------------------------------------------------------------------------

    def fold(self, ids: Sequence[int]) -> Ids:
        """Return the row that stands for the orbit of a row.

        Which one that is hangs on those values alone that have to do with members, of which there are far fewer
        combinations than rows: all others stay where they are under any renumbering.
        """
        return _written(ids, self.places(ids))

    def places(self, ids: Sequence[int]) -> Places:
        """Return what the row that stands for the orbit of a row has where values say anything of members."""
        said = self.all_said(ids)
        key = tuple(map(id, said))
        least = self.least.get(key)
        if least is None:
            self.look()
            least = self.least[key] = self._least(said)
        return least

    def _least(self, said: list[Said]) -> Places:
        if self.listed:
            return min(self.image(said, self._with_loose(said, numbers)) for numbers in self.listed)
        return min(islice(Labels(self, said).rows(partial(self.image, said)), PATIENCE))

    def all_said(self, ids: Sequence[int]) -> list[Said]:
        """Return what the values of a row say, but for those that have nothing to do with members."""
        found = [
            known[number] if number in known else self.say(place, number)
            for place, (known, number) in enumerate(zip(self.said, ids, strict=True))
        ]
        return [said for said in found if said is not None]

    def image(self, said: Iterable[Said], numbers: Numbers) -> Places:
        """Return what a row has, in the order of its places, with new numbers for every token that occurs in it.

        Where values say anything is the same for all rows of an orbit: what belongs to a member always does.
        """
        found = []
        for saying in said:
            key = tuple([numbers[token] for token in saying.tokens])
            target = saying.images.get(key)
            if target is None:
                target = saying.images[key] = self._renamed(saying, numbers)
            found.append(target)
        return tuple(sorted(found))

    def _renamed(self, said: Said, numbers: Numbers) -> tuple[int, int]:
        template, owners = self.homes[said.place]
        at = self.place_of[template, tuple(self._member(owner, numbers[owner]) for owner in owners)]
        wanted = {self.mentions[token]: numbers[token] for token in said.tokens}
        value = self.symmetry.rename(template, self.layout.tables[said.place][said.number], wanted)
        return at, self.layout.intern(at, value)

    def _with_loose(self, said: Iterable[Said], numbers: Numbers) -> Numbers:
        """Extend a renumbering of members to tagged mentions: each follows its number."""
        full = dict(numbers)
        for saying in said:
            for token in saying.tokens:
                if token not in full:
                    full[token] = numbers.get(self.bearer[token], self.mentions[token].number)
        return full

    # --- on states ------------------------------------------------------------------------------------------------

    def ids_of(self, state: State) -> Ids:
        """Return the ids of a state's values."""
        return self.layout.ids(state.values_in_order)

    def state_of(self, ids: Sequence[int]) -> State:
        """Return the state of some ids."""
        values = tuple(table[at] for table, at in zip(self.layout.tables, ids, strict=True))
        return State(self.layout.places, values)

    def representative(self, state: State) -> State:
        """Return the state that stands for the orbit of a state."""
        return self.state_of(self.fold(self.ids_of(state)))

    def renumbered(self, state: State, numbers: Numbers) -> State:
        """Return the image of a state under a generator."""
        ids = self.ids_of(state)
        said = self.all_said(ids)
        identity = {token: self.members[token].number for token in range(len(self.members))}
        return self.state_of(_written(ids, self.image(said, self._with_loose(said, identity | numbers))))


class Labels:
    """The facts of one row as a coloured hypergraph, and the labellings of its members that are to be tried."""

    def __init__(self, folding: Folding, said: Sequence[Said]) -> None:
        self.folding = folding
        self.plain = plain = len(folding.members)
        self.bound = {token for saying in said for token in saying.binds}
        alone: dict[int, list[int]] = {}
        self.shared: list[Met] = []
        for saying in said:
            for fact in saying.facts:
                kind, whom = self._borne_out(fact) if max(fact[1]) >= plain else fact
                if len(whom) == 1:
                    alone.setdefault(whom[0], []).append(kind)
                else:
                    self.shared.append((kind, whom))
        self.entangled = {token for _, whom in self.shared for token in whom}
        self.start = _ranks({token: self._looks(token, alone) for token in self.entangled | alone.keys()})
        self.twin = self._twins() if len(self.entangled) > 1 else {}

    def _borne_out(self, fact: Met) -> Met:
        """Return a fact of the members who bear the names in it."""
        kind, whom = fact
        bearer, bound = self.folding.bearer, self.bound
        return self.folding.once(kind, tuple([bearer[token] if token in bound else token for token in whom]))

    def _looks(self, token: int, alone: Mapping[int, list[int]]) -> tuple[str, bool, tuple[int, ...]]:
        return self.folding.mentions[token].sort, token >= self.plain, tuple(sorted(alone.get(token, ())))

    def _twins(self) -> dict[int, int]:
        """Return for each entangled member the first of those that everybody is entangled with in the same way.

        Those of them that look alike can be exchanged, and nothing is any different: all that is said of one is said of
        the other. So one of them may come before another without a try, and their cells need not be opened.
        """
        company: dict[int, list[tuple[int, tuple[int, ...]]]] = {token: [] for token in self.entangled}
        for kind, whom in self.shared:
            for token in whom:
                company[token].append((kind, tuple([-1 if other == token else other for other in whom])))
        first: dict[tuple[tuple[int, tuple[int, ...]], ...], int] = {}
        return {token: first.setdefault(tuple(sorted(company[token])), token) for token in sorted(company)}

    def rows(self, image: Image) -> Iterator[Places]:
        """Return the images among which the least is to be chosen."""
        yield from self._explore(self._parted(self._refined(self.start)), image, [])

    def _refined(self, colours: Mapping[int, int]) -> dict[int, int]:
        """Tell members apart by the company they keep, until that tells nothing more."""
        found = dict(colours)
        count = len(set(found.values()))
        while self.shared and count < len(found):
            company: dict[int, list[tuple[int, int, tuple[int, ...]]]] = {token: [] for token in self.entangled}
            for kind, whom in self.shared:
                seen = tuple([found[token] for token in whom])
                for position, token in enumerate(whom):
                    company[token].append((kind, position, seen))
            found = _ranks({token: (colour, tuple(sorted(company.get(token, ())))) for token, colour in found.items()})
            before, count = count, len(set(found.values()))
            if before == count:
                break
        return found

    def _explore(
        self, colours: dict[int, int], image: Image, automorphisms: list[dict[int, int]]
    ) -> Generator[Places, None, Numbers]:
        """Tell the members of the first open cell apart, each as the first one in turn, and return the first labelling.

        Two labellings under which the facts are the same are taken to each other by an automorphism that fixes who was
        told apart before the ways to them part. Of a cell only one of each orbit of those automorphisms is tried: the
        others lead to the same images (McKay). Those found below the first fix even more, so it is gone into first.
        """
        cell = self._open_cell(colours)
        if not cell:
            numbers = self._numbers(colours)
            yield image(numbers)
            return numbers
        used = len(automorphisms)
        orbits = self._twins_of(cell)
        begun: dict[tuple[Met, ...], Numbers] = {}
        tried: list[int] = []
        first = None
        for token in cell:
            for taken in automorphisms[used:]:
                for other in cell:
                    orbits.join((other, taken[other]))
            used = len(automorphisms)
            if orbits.of(token) in map(orbits.of, tried):
                continue
            tried.append(token)
            further = self._apart(token, colours)
            if first is None:
                first = yield from self._explore(further, image, automorphisms)
                begun[self._facts(first)] = first
                continue
            last = self._descended(further)
            numbers = self._numbers(last)
            facts = self._facts(numbers)
            if facts in begun:
                automorphisms.append(self._taking(numbers, begun[facts]))
                continue
            begun[facts] = numbers
            if last is further:
                yield image(numbers)
            else:
                yield from self._explore(further, image, automorphisms)
        assert first is not None  # noqa: S101 - an open cell has members
        return first

    def _facts(self, numbers: Numbers) -> tuple[Met, ...]:
        """Return what is said of several members, by their numbers; what is said of each alone made its colour."""
        return tuple(sorted([(kind, tuple([numbers[token] for token in whom])) for kind, whom in self.shared]))

    def _taking(self, numbers: Numbers, others: Numbers) -> dict[int, int]:
        """Return who takes the place of whom where two labellings give the same."""
        mentions = self.folding.mentions
        who = {(mentions[token].sort, others[token]): token for token in self.entangled}
        return {token: who[mentions[token].sort, numbers[token]] for token in self.entangled}

    def _twins_of(self, cell: Sequence[int]) -> UnionFind:
        """Return a cell with its twins in one orbit each."""
        orbits, first = UnionFind(cell), dict[int, int]()
        for token in cell:
            orbits.join((first.setdefault(self.twin[token], token), token))
        return orbits

    def _descended(self, colours: dict[int, int]) -> dict[int, int]:
        """Choose the first of every open cell."""
        while cell := self._open_cell(colours):
            colours = self._apart(cell[0], colours)
        return colours

    def _apart(self, token: int, colours: Mapping[int, int]) -> dict[int, int]:
        """Put a member before all that look like it, and tell apart whom that tells apart."""
        return self._parted(self._refined(_first(token, colours)))

    def _parted(self, colours: dict[int, int]) -> dict[int, int]:
        """Put groups of members in an order that have nothing to do with each other, and are the same inside.

        A group is entangled with nobody outside it but with those whom their colour names. Where all in it who look
        alike are twins, colours that tell nothing more apart (`_refined`) say all of it: who has to do with one has to
        do with all of its twins, so it is the same as any such group with one of its colours, and exchanging the two
        changes nothing. Any order of them gives the same image: theirs is that of their members. A row of n nodes with
        a Pod each takes one step so, and not as many as there are pairs of nodes.
        """
        alike = Counter(colours[token] for token in self.entangled)
        groups = UnionFind(token for token in self.entangled if alike[colours[token]] > 1)
        for _, whom in self.shared:
            groups.join([token for token in whom if token in groups.first])
        order: dict[int, int] = {}
        for number, members in enumerate(groups.all(), 1):
            kinds = {(colours[token], self.twin[token]) for token in members}
            if len(kinds) == len({colour for colour, _ in kinds}):
                order |= dict.fromkeys(members, number)
        return _ranks({token: (colour, order.get(token, 0)) for token, colour in colours.items()})

    def _open_cell(self, colours: Mapping[int, int]) -> list[int]:
        """Return the first entangled members that still look alike, and are not all twins."""
        cells: dict[int, list[int]] = {}
        for token in sorted(self.entangled):
            cells.setdefault(colours[token], []).append(token)
        twin = self.twin
        return next(
            (
                cells[colour]
                for colour in sorted(cells)
                if len(cells[colour]) > 1 and len({twin[token] for token in cells[colour]}) > 1
            ),
            [],
        )

    def _numbers(self, colours: Mapping[int, int]) -> Numbers:
        """Hand out numbers in the order of the colours, to members first, to names left over; the idle get the rest."""
        folding, plain = self.folding, self.plain
        used = dict.fromkeys(folding.sorts, 0)
        beyond = dict(folding.symmetry.sizes)
        numbers: Numbers = {}
        for token in sorted(colours, key=lambda one: (colours[one], one)):
            count = used if token < plain else beyond
            sort = folding.mentions[token].sort
            numbers[token] = count[sort]
            count[sort] += 1
        for token in self.bound:
            numbers[token] = numbers[folding.bearer[token]]
        for sort, tokens in folding.of_sort.items():
            idle = [token for token in tokens if token not in numbers]
            numbers.update(zip(idle, range(used[sort], len(tokens)), strict=True))
        return numbers


class UnionFind:
    """Members that have to do with each other, directly or by others, as disjoint groups."""

    def __init__(self, members: Iterable[int]) -> None:
        self.first = {token: token for token in sorted(members)}

    def of(self, token: int) -> int:
        """Return the first member of a group."""
        first = self.first
        while first[token] != token:
            token = first[token]
        return token

    def join(self, some: Sequence[int]) -> None:
        """Let some members be of one group."""
        for token in some[1:]:
            low, high = sorted((self.of(some[0]), self.of(token)))
            self.first[high] = low

    def all(self) -> Iterable[list[int]]:
        """Return the groups, by their first members."""
        found: dict[int, list[int]] = {}
        for token in self.first:
            found.setdefault(self.of(token), []).append(token)
        return found.values()


def _written(ids: Sequence[int], places: Places) -> Ids:
    """Return a row with other ids in some places."""
    row = list(ids)
    for place, number in places:
        row[place] = number
    return tuple(row)


def _first(token: int, colours: Mapping[int, int]) -> dict[int, int]:
    """Put a member before all that look like it."""
    return _ranks({other: (colour, other != token) for other, colour in colours.items()})


def _ranks(keys: Mapping[int, Any]) -> dict[int, int]:
    """Return for each key its place in their order."""
    order = {key: rank for rank, key in enumerate(sorted(set(keys.values())))}
    return {token: order[key] for token, key in keys.items()}
