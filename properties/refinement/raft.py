"""etcd's Raft is the model's: members and a network that loses, repeats and reorders, seen as the machine of the model.

The model has no network; what it needs of what was said is noted as it is said (`Said`). A cluster begins with a
snapshot at index and term 1, which the model does not have: both count one less there. A snapshot of the world keeps
the terms of the entries in it, so that the model's log, which forgets nothing, can be told.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ...impl.etcd.raft import Entry, Kind, Message, Node, Options, Role, bootstrap, compact, restart, step
from ...impl.etcd.raft.node import FIRST
from ...model.checker import Limits, explore, refinement
from ...model.components.control_plane import raft as model
from ...model.machine import Action, Fairness, Machine, Outcome, StepProperty, View
from ..proof import Answer

ROLES = {Role.CANDIDATE: model.CANDIDATE, Role.LEADER: model.LEADER}
TO, SAID = "to m{}", "said"


@frozen(cache_hash=True)
class Said:
    """What was said in each term, as the model wants to know it: by the names of its slots."""

    slots: immutabledict[str, Hashable] = field(factory=immutabledict)
    chosen: tuple[model.Log, int] = ((), 0)

    def noting(self, name: str, value: Hashable) -> Said:
        """Return it with one more thing said."""
        return self if self.slots.get(name) == value else evolve(self, slots=self.slots.set(name, value))

    def at_least(self, name: str, value: int) -> Said:
        """Return it with an index that only grows."""
        known = self.slots.get(name, 0)
        return self.noting(name, value) if isinstance(known, int) and value > known else self


def log_of(node: Node) -> model.Log:
    """Return the terms of all entries of a member, those in its snapshot, too."""
    kept = node.log.snapshot.data or ()
    assert isinstance(kept, tuple)  # noqa: S101 - this module makes the snapshots
    return (*kept, *(entry.term - FIRST for entry in node.log.entries))


def heard(said: Said, node: Node, sent: tuple[Message, ...]) -> Said:
    """Return what was said once a member has taken a step and sent its messages."""
    me, term = node.id - 1, node.term - FIRST
    for message in sent:
        of_term = message.term - FIRST
        match message.kind:
            case Kind.VOTE:
                asked = (message.log_term - FIRST, message.index - FIRST)
                said = said.noting(model.of("asks", of_term, me), asked).noting(model.of("ballot", of_term, me), me)
            case Kind.VOTED if not message.reject:
                said = said.noting(model.of("ballot", of_term, me), message.to - 1)
            case Kind.APPENDED if not message.reject:
                said = said.at_least(model.of("acks", of_term, me), message.index - FIRST)
    if node.role is Role.LEADER:
        log, commit = log_of(node), node.commit - FIRST
        said = said.noting(model.of("led", term), log).at_least(model.of("acks", term, me), len(log))
        said = said.at_least(model.of("sure", term), commit)
        if log[commit - 1 : commit] == (term,):
            said = evolve(said, chosen=max(said.chosen, (log[:commit], term), key=lambda one: len(one[0])))
    return said


def seen(view: View, nothing: Mapping[str, Hashable], members: int) -> Mapping[str, Hashable]:
    """Return the state of the model that members and what they have said stand for; `nothing`: where it begins."""
    said: Said = view[SAID]
    slots = {**nothing, **said.slots, "chosen": said.chosen}
    for me in range(members):
        node: Node = view[f"m{me}"]
        slots[model.of("term", me)] = node.term - FIRST
        slots[model.of("role", me)] = ROLES.get(node.role, model.FOLLOWER)
        slots[model.of("log", me)] = log_of(node)
        slots[model.of("commit", me)] = node.commit - FIRST
    return slots


@frozen
class Budget:
    """How often something befalls the members."""

    stands: int = 1
    proposals: int = 0
    crashes: int = 0
    beats: int = 0
    compactions: int = 0
    waits: int = 0
    transfers: int = 0


def world(options: Options, budget: Budget, members: int = 3) -> Machine:
    """Return members, every message of which may arrive at any time, again and again, or never."""
    initial: dict[str, Hashable] = {
        f"m{me}": bootstrap(me + 1, range(1, members + 1), options) for me in range(members)
    }
    left = {"stands": budget.stands, "proposals": budget.proposals, "crashes": budget.crashes, "beats": budget.beats}
    left |= {"compactions": budget.compactions, "waits": budget.waits, "transfers": budget.transfers}
    initial |= {TO.format(me): () for me in range(members)} | {SAID: Said(), **left}
    return Machine((initial,), tuple(action for me in range(members) for action in _actions(me, members)))


def _actions(me: int, members: int) -> Iterator[Action]:
    slot = f"m{me}"

    def stepped(view: View, message: Message, label: str) -> Iterator[Outcome]:
        node, sent = step(view[slot], message)
        news: dict[str, Hashable] = {slot: node, SAID: heard(view[SAID], node, sent)}
        for other in {said.to for said in sent} - {node.id}:
            known = view[TO.format(other - 1)]
            added = {said for said in sent if said.to == other} - set(known)
            news[TO.format(other - 1)] = tuple(sorted({*known, *added}, key=_order)) if added else known
        yield Outcome(label, news)

    def local(name: str, message: Message, allowed: object = None) -> Action:
        def does(view: View) -> Iterator[Outcome]:
            if view[name] and (allowed is None or view[slot].role is allowed):
                for outcome in stepped(view, message, name):
                    yield Outcome(outcome.label, {**outcome.updates, name: view[name] - 1})

        return Action(f"{slot}: {name} {message.sender or ''}", slot, does, Fairness.NONE)

    def changed(name: str, to: object) -> Action:
        def does(view: View) -> Iterator[Outcome]:
            if view[name]:
                yield Outcome(name, {slot: to(view[slot]), name: view[name] - 1})  # type: ignore[operator]

        return Action(f"{slot}: {name}", slot, does, Fairness.NONE)

    def receive(view: View) -> Iterator[Outcome]:
        for message in view[TO.format(me)]:
            yield from stepped(view, message, f"{message.kind.value} from m{message.sender - 1}")

    yield Action(f"{slot}: receives", slot, receive)
    yield local("stands", Message(Kind.HUP))
    yield local("proposals", Message(Kind.PROPOSE, entries=(Entry(0),)), Role.LEADER)
    yield local("beats", Message(Kind.BEAT), Role.LEADER)
    for other in range(members):
        if other != me:
            yield local("transfers", Message(Kind.TRANSFER, sender=other + 1), Role.LEADER)
    yield changed("crashes", lambda node: restart(node.id, node.disk, node.options))
    yield changed("waits", lambda node: evolve(node, election_elapsed=node.options.election_ticks))
    yield changed("compactions", lambda node: compact(node, log_of(node)[: node.applied - FIRST]))


def _order(message: Message) -> tuple[Hashable, ...]:
    """Return what messages for one member are sorted by, so that equal networks are equal states."""
    kind, what = (
        message.kind.value,
        (message.index, message.log_term, len(message.entries), message.hint, message.reject),
    )
    return (message.term, message.sender, kind, what, message.commit, repr(message.entries), repr(message.context))


def beside(options: Options, budget: Budget, terms: int, length: int, members: int = 3) -> tuple[Machine, StepProperty]:
    """Return members, and the claim that each of their steps is one of the model with so many terms and entries."""
    abstract = model.raft(members, terms, length)
    nothing = abstract.initial[0]
    return world(options, budget, members), refinement(abstract, lambda view: seen(view, nothing, members))


PLAIN = Options(pre_vote=False, check_quorum=False)
WORLDS: tuple[tuple[Options, Budget, int, int, int | None], ...] = (
    (PLAIN, Budget(1, proposals=1), 1, 2, None),
    (PLAIN, Budget(1, crashes=1), 1, 1, None),
    (PLAIN, Budget(1, beats=1), 1, 1, None),
    (PLAIN, Budget(1, compactions=1), 1, 1, None),
    (Options(), Budget(1, waits=1), 1, 1, None),
    (PLAIN, Budget(2), 2, 2, 8),
    (PLAIN, Budget(1, transfers=1), 2, 2, 11),
)
"""What befalls the members, with terms, entries, and how many steps (None: all that there are)."""


def raft_proof() -> Answer:
    """Search an election with a proposal, crash, beat, snapshot or pre-votes; 8 steps of two, 11 to hand over."""
    transitions = 0
    for options, budget, terms, length, most in WORLDS:
        machine, claim = beside(options, budget, terms, length)
        found = explore(machine, [claim], limits=Limits(max_depth=most))
        transitions += found.transitions
        (verdict,) = found.verdicts
        if verdict.trace is not None:
            return Answer(transitions, (*verdict.trace.lines(), *verdict.evidence))
        if not found.complete and most is None:
            return Answer(transitions, (found.why_incomplete,))
    return Answer(transitions)
