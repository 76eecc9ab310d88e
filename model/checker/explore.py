"""The way in: explore a machine, judge its properties, and say what was and what was not searched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from attrs import evolve

from ..machine import Machine, Property, State, Symmetry
from .book import Book, StopSearch
from .checkpoint import Keeper, Saved
from .engine import Engine
from .guard import Guard, Patience
from .judge import open_questions, statistics_of, verdicts_of
from .options import OPTIONS, Options
from .partition.team import LostError, Partitioned
from .plain import Plain
from .profile import Stopwatch
from .results import INTERRUPTED, NO_LIMITS, Exploration, Limits, Progress
from .rows import Rows
from .semantics import StepError
from .traces import rebuild
from .trees.functions import Inherited

if TYPE_CHECKING:
    from .columns.columns import Columns  # Needs numba, an extra.

FINGERPRINT_BITS = 64
LARGE = 10_000
"""With so many states a machine is a large one: what compiled loops cost to load is repaid."""


def explore(
    machine: Machine,
    properties: Sequence[Property] = (),
    options: Options = OPTIONS,
    *,
    limits: Limits = NO_LIMITS,
    symmetry: Symmetry | None = None,
    progress: Callable[[Progress], None] | None = None,
    collect: Callable[[State], None] | None = None,
) -> Exploration:
    """Search every reachable state, breadth-first, and judge the properties.

    `progress` is told about once in a thousand states and at the end; `collect` is given every expanded state in
    order. Ctrl-C ends the search, not the program.

    `symmetry`: keep one state of each orbit (one thread; a checkpoint with rows only). `Converges` and `LeadsTo` are
    judged so only where no cycle comes into question; otherwise all is searched again for them, without symmetry.

    Raises `CheckpointError` for a file that cannot be used, `MachineError` for a malformed machine, and its kinds
    `StepError` where a function of the machine raises and `AsymmetryError` where a symmetry turns out to be none.
    """
    patience = Patience(limits)
    watched = machine if isinstance(options.engine, Partitioned) else patience.machine(machine)
    search = partial(
        _search, watched, properties, patience=patience, progress=progress, collect=collect, symmetry=symmetry
    )
    if options.engine == "auto":
        plain_wishes = options.memo and collect is None and not options.profile
        is_kept = symmetry is not None and options.checkpoint is not None
        if plain_wishes and not is_kept and find_spec("numba") is not None:
            engine, result = _by_size(search, options, limits)
        else:
            engine, result = search(evolve(options, engine="rows", threads=1), limits=limits)
    else:
        engine, result = search(options, limits=limits)
    again = [engine.book.properties[number] for number in open_questions(engine.book, result.verdicts)]
    if not again:
        return result
    for_all_states = evolve(options, checkpoint=None, resume=False, profile=False)
    return _joined(
        result, explore(machine, again, for_all_states, limits=_left(limits, result.seconds), progress=progress)
    )


def _search(
    machine: Machine,
    properties: Sequence[Property],
    options: Options,
    *,
    limits: Limits,
    patience: Patience,
    symmetry: Symmetry | None,
    progress: Callable[[Progress], None] | None,
    collect: Callable[[State], None] | None,
    inherited: Inherited | None = None,
) -> tuple[Engine, Exploration]:
    """Search with the engine that is asked for, from what is known already of the machine."""
    watch = Stopwatch() if options.profile else None
    if watch is not None:
        machine, properties = watch.machine(machine), tuple(map(watch.property, properties))
    guard = Guard(limits, progress)
    engine, keeper = _chosen(machine, properties, options, guard, collect, symmetry, inherited)
    result = _searched(engine, guard, patience, keeper, resume=options.resume)
    if options.visited == "fingerprint":
        result = evolve(result, missed_state_bound=result.states**2 / 2 ** (FINGERPRINT_BITS + 1))
    if watch is not None:
        result = evolve(result, statistics=evolve(result.statistics, profile=watch.timings()))
    return engine, result


def _chosen(
    machine: Machine,
    properties: Sequence[Property],
    options: Options,
    guard: Guard,
    collect: Callable[[State], None] | None,
    symmetry: Symmetry | None,
    inherited: Inherited | None,
) -> tuple[Engine, Keeper | None]:
    """Return the engine that is asked for, and what writes its search down, if that is wanted."""
    if isinstance(options.engine, Partitioned):
        if collect is not None or symmetry is not None:
            raise ValueError("a search over several processes collects no states and knows no symmetry")
        from .partition.conductor import Conductor  # noqa: PLC0415 - numba is an extra, and slow to load

        return Conductor(machine, properties, guard, options.engine, urgent=options.urgent, resume=options.resume), None
    book = Book(machine, properties, urgent=options.urgent, stop_at_first=options.stop_at_first)
    engine: Engine
    if options.engine == "columns":
        engine = _columns()(book, guard, options, collect, symmetry, inherited)
    else:
        engine = (Plain if options.engine == "plain" else Rows)(book, guard, options, collect, symmetry)
    if options.checkpoint is None:
        return engine, None
    if symmetry is not None and options.engine != "rows":
        raise ValueError("of the engines only that of rows keeps a search by orbits")
    return engine, Keeper(options.checkpoint, engine)


def _searched(engine: Engine, guard: Guard, patience: Patience, keeper: Keeper | None, *, resume: bool) -> Exploration:
    """Search with an engine, and judge what it has written down."""
    book = engine.book
    saved = None
    if keeper is not None:
        saved = keeper.load() if resume else None
        guard.at_tick = keeper.tick
    while True:
        why = run(engine, patience, saved)
        if keeper is not None:
            if not why:
                keeper.mark = book.mark()
            keeper.save(book, guard.seconds)
        try:
            verdicts = verdicts_of(book, why)
            statistics = statistics_of(book, engine.costs())
        except LostError:
            continue
        guard.report(book)
        return Exploration(
            verdicts=verdicts,
            states=book.states,
            transitions=book.transitions,
            depth=book.depth(book.states - 1) if book.states else 0,
            complete=not why,
            why_incomplete=why,
            seconds=guard.seconds + (keeper.earlier if keeper else 0.0),
            statistics=statistics,
            symmetry="" if book.folding is None else "one state of each orbit",
        )


def run(engine: Engine, patience: Patience, saved: Saved | None = None) -> str:
    """Run a search; return the reason why it is incomplete, or the empty string."""
    book = engine.book
    try:
        with patience.may_be_lost():
            engine.run(saved)
    except StopSearch as stop:
        why = str(stop)
    except KeyboardInterrupt:
        why = INTERRUPTED
    except MemoryError:
        why = "memory was exhausted"
    except StepError as error:
        book.trim()
        if book.roots:
            error.trace = rebuild(book, book.expanded)
            error.add_note("reached by: " + (" / ".join(error.trace.lines()) or "no step"))
        raise
    else:
        return ""
    book.trim()
    return why


def _left(limits: Limits, seconds: float) -> Limits:
    return limits if limits.timeout is None else evolve(limits, timeout=max(0.0, limits.timeout - seconds))


def _joined(result: Exploration, whole: Exploration) -> Exploration:
    """Take the verdicts of a second search, of all states, into those of a search by orbits."""
    better = {verdict.name: verdict for verdict in whole.verdicts}
    names = " and ".join(better)
    return evolve(
        result,
        verdicts=tuple(better.get(verdict.name, verdict) for verdict in result.verdicts),
        complete=whole.complete,
        why_incomplete=whole.why_incomplete,
        seconds=result.seconds + whole.seconds,
        symmetry=f"{result.symmetry}; {names} judged on all {whole.states:,} states, for the sake of fairness",
    )


def _by_size(
    search: Callable[..., tuple[Engine, Exploration]], options: Options, limits: Limits
) -> tuple[Engine, Exploration]:
    """Search with rows as far as that is quick, and with columns if there is more: all anew, or from what is kept.

    What the functions of the machine have answered until then is known: no situation is asked about twice.
    """
    few = LARGE if limits.max_states is None else min(LARGE, limits.max_states)
    kept, inherited = options.checkpoint, None
    if kept is None or not options.resume or not kept.path.exists():
        rows, found = search(evolve(options, engine="rows", threads=1), limits=evolve(limits, max_states=few))
        if few == limits.max_states or found.why_incomplete != f"the limit of {few:,} states was hit":
            return rows, found
        limits, inherited = _left(limits, found.seconds), rows.inherited if isinstance(rows, Rows) else None
    return search(evolve(options, engine="columns", resume=kept is not None), limits=limits, inherited=inherited)


def _columns() -> type[Columns]:
    try:
        from .columns.columns import Columns  # noqa: PLC0415 - numba is an extra, and slow to load
    except ModuleNotFoundError as error:
        raise ValueError(f"the engine of columns needs {error.name}: pip install 'kubeproof[fast]'") from error
    return Columns
