"""Properties that users write: short functions of what the store holds.

    @always
    def one_volume_each(view):
        "A database has one volume."
        return all(len(view.owned("PersistentVolumeClaim", db)) <= 1 for db in view.list("example.com/v1/Database"))

A function says True where it holds, or gives lines that say what is wrong, none where it holds; its docstring is the
sentence of the report. `eventually` and `leads_to` speak of fair runs: nobody who can act for ever waits for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from inspect import getdoc
from typing import TYPE_CHECKING, Any

from attrs import frozen

from ...impl.api.kinds import Kind, Object, kind_of
from ...model.machine import Converges, Invariant, LeadsTo, Property, StepProperty, View
from ...model.world.store import Full
from ...model.world.turn import Requests, failure, given_up, heads, onward, without
from ...model.world.world import Process, World
from ..claims.moments import script_over
from .controllers import Own
from .objects import Objects
from .processes import USER
from .syncs import told

if TYPE_CHECKING:
    from ..world.cluster import Cluster

Check = Callable[..., Any]


class PropertyError(Exception):
    """A property's function raised an error: it says neither that it holds nor that it does not."""


@frozen(eq=False)
class Said:
    """A property as its author states it: its name, its sentence, what is asked of which states, and the functions."""

    name: str
    sentence: str
    sort: str
    check: Check
    when: Check | None = None

    def __call__(self, *views: Objects) -> tuple[str, ...]:
        """Return what is wrong with some objects."""
        return tuple(_lines(self, self.check, views))


def _said(sort: str, check: Check, when: Check | None = None, name: str = "") -> Said:
    called = name or check.__name__.replace("_", "-")
    return Said(
        called, (getdoc(check) or f"{sort} {called}").partition("\n\n")[0].replace("\n", " "), sort, check, when
    )


def always(check: Check) -> Said:
    """Claim that something holds in every state."""
    return _said("always", check)


def never(check: Check) -> Said:
    """Claim that something is true in no state."""
    return _said("never", check)


def eventually(check: Check) -> Said:
    """Claim that every fair run, once script and faults are over, comes to where something holds, and stays there."""
    return _said("eventually", check)


def leads_to(when: Check, goal: Check, *, name: str = "") -> Said:
    """Claim that on every fair run each state in which `when` is true is followed by one in which `goal` is."""
    return _said("leads-to", goal, when, name)


def step(check: Check) -> Said:
    """Claim that something holds of every step: a function of what the store held before and after it."""
    return _said("step", check)


ERRORS = "errors"
NO_ERRORS = "No controller of yours raises an error."
DONE = "done"
ALL_DONE = "After the script and the faults, every fair run comes to where your controllers have nothing left to do."


def properties(cluster: Cluster) -> Iterator[Property]:
    """Yield the properties of users, as ones of a cluster's machine, and that no controller of theirs fails."""
    own = tuple(process for process in cluster.processes if process.user.startswith(USER))
    if cluster.scenario.own.controllers:
        yield Invariant(ERRORS, NO_ERRORS, partial(_failures, tuple(process.turn for process in own)))
        yield Converges(DONE, ALL_DONE, partial(_undone, cluster.world, own), partial(script_over, cluster))
    yield from (_property(cluster, prop) for prop in cluster.scenario.own.properties)


def sentences(own: Own) -> dict[str, str]:
    """Return the claims about what users have written, by name, each with its sentence."""
    controllers = {ERRORS: NO_ERRORS, DONE: ALL_DONE} if own.controllers else {}
    return {**controllers, **{prop.name: prop.sentence for prop in own.properties}}


def _failures(turns: tuple[str, ...], view: View) -> Iterator[str]:
    yield from (why for turn in turns if (why := view.via(failure, turn)))


def _undone(world: World, processes: tuple[Process, ...], view: View) -> Iterator[str]:
    """Say what controllers would still do on the store as it is, or what is refused them for ever."""
    for process in processes:
        yield from (why for turn in world.fresh(view, process) if (why := _left(world, process, view, turn)))


def _left(world: World, process: Process, view: View, turn: Requests) -> str:
    """Take a sync as far as it changes nothing, and say what comes then; "" at its end."""
    while turn:
        if why := failure(turn):
            return f"{process.name} fails: {why}"
        if why := given_up(turn):
            return f"{process.name} is refused: {why}"
        request, talk = heads(turn)[0], onward(turn)
        try:
            answer, updates = world.commit(view, process.user, request)
        except Full:
            return f"{process.name} is not done"
        if updates:
            return f"{process.name} is not done: it {world.describe(request, answer)}"
        if talk is None and not answer.ok:
            return f"{process.name} is refused: {answer.message}"
        turn = without(turn, request) if talk is None or process.go_on is None else process.go_on(talk, answer)
    return ""


def _property(cluster: Cluster, said: Said) -> Property:
    check = partial(_of_state, cluster, said, said.check)
    match said.sort:
        case "always" | "never":
            return Invariant(said.name, said.sentence, check)
        case "eventually":
            return Converges(said.name, said.sentence, check, partial(script_over, cluster))
        case "leads-to" if said.when is not None:
            return LeadsTo(said.name, said.sentence, partial(_is_so, cluster, said, said.when), check)
        case _:
            return StepProperty(said.name, said.sentence, partial(_of_step, cluster, said), by_label=False)


def _of_state(cluster: Cluster, said: Said, check: Check, view: View) -> Iterator[str]:
    return _lines(said, check, (_objects(cluster, view),))


def _of_step(cluster: Cluster, said: Said, before: View, after: View, _label: str) -> Iterator[str]:
    return _lines(said, said.check, (_objects(cluster, before), _objects(cluster, after)))


def _is_so(cluster: Cluster, said: Said, when: Check, view: View) -> bool:
    return not tuple(_lines(said, when, (_objects(cluster, view),)))


def _objects(cluster: Cluster, view: View) -> Objects:
    return Objects(partial(_stored, cluster, view))


def _stored(cluster: Cluster, view: View, kind: Kind) -> Iterator[Object]:
    layout = cluster.world.layout
    yield from (constant for ref, constant in layout.constants.items() if ref.kind == kind.name)
    there = (view[slot] for slot in layout.pools.get(kind.name, ()))
    yield from (obj for obj in there if obj is not None and kind_of(obj) == kind)


def _lines(said: Said, check: Check, views: tuple[Objects, ...]) -> Iterator[str]:
    """Yield what is wrong, as a function says it: by False, by a line, or by several."""
    try:
        found = check(*views)
        found = tuple(found) if isinstance(found, Iterable) and not isinstance(found, str) else found
    except Exception as error:
        raise PropertyError(f"the property {said.name} cannot be judged: {told(error)}") from error
    if isinstance(found, bool):
        if found is (said.sort == "never"):
            yield f"{'it is so' if found else 'it is not so'}: {said.sentence}"
    elif isinstance(found, str):
        yield from ((found,) if found else ())
    elif found is not None:
        yield from map(str, found)
