"""Refinement: every step of one machine is a step of a simpler one, or looks like no step at all.

A mapping reads a state of the concrete machine and says which state of the abstract one it stands for. Then whatever
the abstract machine never does, the concrete one never does either, as far as the mapping shows it. It is a property
like others, so it is searched as fast and broken by a shortest trace.

Left out on purpose: one concrete step for several abstract ones, mappings that need the past or the future (put history
into a slot), and what fairness promises: that the abstract machine comes to its goal says nothing of the concrete one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

from attrs import evolve

from ..machine import Machine, MachineError, Property, Sometimes, State, StepProperty, View
from .explore import explore
from .options import OPTIONS, Options
from .results import NO_LIMITS, Exploration, Limits, Status, Trace, Verdict
from .semantics import Move, initial_states, moves

Mapped = Callable[[View], Mapping[str, Hashable]]
"""Gives every slot of the abstract machine a value."""
NAMED = 8
"""So many of the steps that would have been possible are named."""


class Abstract:
    """The abstract machine as seen through a mapping. Its steps are worked out once per state that occurs."""

    def __init__(self, machine: Machine, mapping: Mapped) -> None:
        self.machine = machine
        self._mapping = mapping
        self._slots = machine.slots()
        self.initial = (*initial_states(machine, urgent=False), *initial_states(machine, urgent=True))
        """Where it begins; what is urgent may have been done already."""
        self._moves: dict[State, tuple[Move, ...]] = {}

    def image(self, view: View) -> State:
        """Return the abstract state; a mapping that names other slots is a `MachineError`."""
        values = self._mapping(view)
        if odd := sorted(set(values) ^ set(self._slots)):
            raise MachineError(f"the mapping and the abstract machine differ in their slots: {', '.join(odd)}")
        return State.of({slot: values[slot] for slot in self._slots})

    def check(self, before: View, after: View, _label: str) -> Iterator[str]:
        """Say why a concrete step is no abstract one, if it is none."""
        source, target = self.image(before), self.image(after)
        if source == target:
            return
        if source not in self._moves:
            self._moves[source] = moves(self.machine, source, urgent=False)
        possible = self._moves[source]
        if any(move.after == target for move in possible):
            return
        changes = (f"{slot}: {source[slot]!r} -> {target[slot]!r}" for slot in source if source[slot] != target[slot])
        yield f"no step of the abstract machine: {', '.join(changes)}"
        names = [f"{move.step.action}: {move.step.label}" for move in possible]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield f"possible there: {', '.join(names[:NAMED]) or 'nothing'}{more}"

    def has_moved(self, view: View) -> bool:
        """Tell whether a state stands for more than a beginning."""
        return self.image(view) not in self.initial


def refinement(abstract: Machine, mapping: Mapped, name: str = "refines") -> StepProperty:
    """Return the claim that every step is one of the abstract machine or a stutter (urgent steps each by itself).

    It says nothing of the initial states; `refines` does.
    """
    return StepProperty(
        name,
        "Every step is a step of the abstract machine or changes nothing there.",
        Abstract(abstract, mapping).check,
    )


def refines(
    concrete: Machine,
    abstract: Machine,
    mapping: Mapped,
    properties: Sequence[Property] = (),
    options: Options = OPTIONS,
    *,
    name: str = "refines",
    limits: Limits = NO_LIMITS,
) -> Exploration:
    """Search the concrete machine for a step, or an initial state, that the abstract machine does not have.

    The verdict called `name` comes first, those of further properties after it. It is
    vacuous where the concrete machine never leaves what the abstract one begins with. The kind of a breach is "step",
    or "initial".
    """
    shown = Abstract(abstract, mapping)
    moving = Sometimes(f"{name} (moves)", "Something happens.", shown.has_moved)
    found = explore(concrete, (refinement(abstract, mapping, name), moving, *properties), options, limits=limits)
    first, moved, *others = found.verdicts
    first = evolve(first, vacuous=moved.status is Status.VIOLATED)
    return evolve(found, verdicts=(_beginning(concrete, shown, first, urgent=options.urgent), *others))


def _beginning(concrete: Machine, shown: Abstract, verdict: Verdict, *, urgent: bool) -> Verdict:
    for state in initial_states(concrete, urgent=urgent):
        image = shown.image(state)
        if image not in shown.initial:
            values = ", ".join(f"{slot}={value!r}" for slot, value in image.items())
            lines = (f"the abstract machine does not begin with {values}",)
            return Verdict(verdict.name, Status.VIOLATED, "initial", lines, Trace(state))
    return verdict
