"""The way in: explore a machine, judge its properties, and say what was and what was not searched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from attrs import evolve

from ..machine import (
    Converges,
    Invariant,
    LeadsTo,
    Machine,
    Property,
    Recoverable,
    Sometimes,
    State,
    StepProperty,
    Symmetry,
)
from .book import Book, StopSearch
from .checkpoint import Checkpoint, Keeper
from .guard import Guard, peak_memory
from .layout import CODES, Layout
from .plain import Plain
from .profile import Stopwatch
from .results import INTERRUPTED, ActionStatistics, Exploration, Limits, Progress, Statistics, Status, Timing, Verdict
from .rows import Rows
from .semantics import StepError
from .symmetry import Folding
from .traces import rebuild, states, witness

FINGERPRINT_BITS = 64
NO_LIMITS = Limits()
LARGE = 50_000
"""With so many states a machine is a large one: what compiled loops cost to load is repaid."""

if TYPE_CHECKING:
    from .columns.columns import Columns  # Needs numba, an extra.

Engine: TypeAlias = "Plain | Rows | Columns"


def explore(
    machine: Machine,
    properties: Sequence[Property] = (),
    *,
    limits: Limits = NO_LIMITS,
    engine: Literal["rows", "plain", "columns", "auto"] = "rows",
    visited: Literal["exact", "fingerprint"] = "exact",
    urgent: bool = True,
    memo: bool = True,
    stop_at_first: bool = False,
    progress: Callable[[Progress], None] | None = None,
    collect: Callable[[State], None] | None = None,
    checkpoint: Path | Checkpoint | None = None,
    resume: bool = False,
    profile: bool = False,
    symmetry: Symmetry | None = None,
    threads: int = 1,
    notice: Callable[[str], None] | None = None,
) -> Exploration:
    """Search every reachable state, breadth-first, and judge the properties.

    `engine`: "rows" is fast; "plain" is the oracle, and always exact; "columns" is compiled, for large machines (the
    extra `fast`); "auto" begins with rows and changes to columns, where they can be had, when a machine
    turns out to be large (but with `symmetry`: orbits are folded in Python, and compiled loops wait for that).
    `visited`: "fingerprint" keeps 64 bits per state and reports a bound on having missed one.
    `urgent` False makes urgent actions ordinary weakly fair ones.
    `memo` False calls every function in every state. `stop_at_first` ends the search at the first breach, the other
    properties then are UNKNOWN. `progress` is told about once in a thousand states and at the end; `collect` is given
    every expanded state in order. Ctrl-C ends the search, not the program.

    `checkpoint`: the file the search is written to every half minute and when it ends, whatever ends it. `resume`
    takes it up from there, if the file exists: same counts and verdicts, time and memory limits count anew, and what
    was learnt of the machine's functions is learnt again (`situations` and `calls` are of the last run).

    `symmetry`: keep one state of each orbit (one thread; a checkpoint with rows only). `Converges` and `LeadsTo` are
    judged so only where no cycle comes into question; otherwise all is searched again for them, without symmetry.

    `threads`: how many expand states at the same time (columns only; same numbers, traces and verdicts).
    `notice` is told in a sentence what takes long before the search begins: compiled loops that are not yet there.

    `profile` measures the Python time of every action and property (`Statistics.profile`).

    Raises `CheckpointError` for a file that cannot be used, `MachineError` for a malformed machine, and its kinds
    `StepError` where a function of the machine raises and `AsymmetryError` where a symmetry turns out to be none.
    """
    for_all_states = engine
    if engine == "auto":
        plain_wishes = memo and collect is None and not profile and symmetry is None
        if plain_wishes and find_spec("numba") is not None:
            either = partial(explore, visited=visited, urgent=urgent, stop_at_first=stop_at_first, progress=progress)
            either = partial(either, machine, tuple(properties), checkpoint=checkpoint, resume=resume)
            either = partial(either, notice=notice)
            return _by_size(either, limits, threads, _file(checkpoint), resume=resume)
        engine, threads = "rows", 1
    if engine not in {"rows", "plain", "columns"} or visited not in {"exact", "fingerprint"}:
        raise ValueError(f"no engine {engine!r} with visited {visited!r}")
    if engine != "columns" and threads != 1:
        raise ValueError("only the engine of columns has threads")
    if engine == "plain" and visited == "fingerprint":
        raise ValueError("the plain engine is the exact one")
    watch = Stopwatch() if profile else None
    if watch is not None:
        machine, properties = watch.machine(machine), tuple(map(watch.property, properties))
    guard = Guard(limits, progress, notice)
    book = Book(machine, properties, urgent=urgent, stop_at_first=stop_at_first)
    search: Engine
    if engine == "plain":
        folding = None if symmetry is None else Folding(symmetry, Layout(machine.slots(), CODES[-1]))
        search = Plain(book, guard, collect, folding)
    elif engine == "columns":
        kept = _file(checkpoint)
        search = _columns(
            book,
            guard,
            collect,
            memo=memo,
            fingerprints=visited == "fingerprint",
            threads=threads if symmetry is None else 1,  # What folds rows asks Python all the time.
            folder=None if kept is None else kept.parent,
            symmetry=symmetry,
        )
    else:
        search = Rows(book, guard, collect, memo=memo, fingerprints=visited == "fingerprint", symmetry=symmetry)
    if symmetry is not None and checkpoint is not None and not isinstance(search, Rows):
        raise ValueError("of the engines only that of rows keeps a search by orbits")
    keeper = _keeper(checkpoint, search, book, guard, resume=resume)
    why = _run(search, book)
    if keeper is not None:
        if not why:
            keeper.mark = book.mark()
        keeper.save(book, guard.seconds)
    verdicts = tuple(_verdict(book, number, why) for number in range(len(book.properties)))
    guard.report(book)
    found = len(book.parent)
    result = Exploration(
        verdicts=verdicts,
        states=found,
        transitions=book.transitions,
        depth=book.depth(found - 1) if found else 0,
        complete=not why,
        why_incomplete=why,
        seconds=guard.seconds + (keeper.earlier if keeper else 0.0),
        statistics=statistics_of(search, book, () if watch is None else watch.timings()),
        missed_state_bound=found**2 / 2 ** (FINGERPRINT_BITS + 1) if visited == "fingerprint" else 0.0,
        symmetry="" if book.folding is None else "one state of each orbit",
    )
    again = [book.properties[number] for number in open_questions(book, verdicts)]
    if not again:
        return result
    search_again = partial(explore, machine, again, engine=for_all_states, visited=visited, urgent=urgent, memo=memo)
    return _joined(result, search_again(limits=_left(limits, guard), stop_at_first=stop_at_first, progress=progress))


def open_questions(book: Book, verdicts: Sequence[Verdict]) -> list[int]:
    """List the properties for which fairness would have to decide, which is not known of orbits."""
    if book.folding is None or not book.liveness:
        return []
    from . import symmetry_runs  # noqa: PLC0415 - only this needs numpy and scipy, which are slow to load

    return [
        number
        for number in book.liveness
        if verdicts[number].status is Status.HOLDS
        and not isinstance(book.properties[number], Recoverable)
        and not symmetry_runs.decides(book, number)
    ]


def _left(limits: Limits, guard: Guard) -> Limits:
    return limits if limits.timeout is None else evolve(limits, timeout=max(0.0, limits.timeout - guard.seconds))


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
    search: Callable[..., Exploration], limits: Limits, threads: int, kept: Path | None, *, resume: bool
) -> Exploration:
    """Search with rows as far as that is quick, and with columns if there is more: all anew, or from what is kept."""
    few = LARGE if limits.max_states is None else min(LARGE, limits.max_states)
    first = None
    if kept is None or not resume or not kept.exists():
        first = search(engine="rows", limits=evolve(limits, max_states=few))
        if few == limits.max_states or first.why_incomplete != f"the limit of {few:,} states was hit":
            return first
    left = limits
    if limits.timeout is not None and first is not None:
        left = evolve(limits, timeout=max(0.0, limits.timeout - first.seconds))
    return search(engine="columns", limits=left, threads=threads, resume=kept is not None)


def _file(checkpoint: Path | Checkpoint | None) -> Path | None:
    return checkpoint.path if isinstance(checkpoint, Checkpoint) else checkpoint


def _columns(
    book: Book,
    guard: Guard,
    collect: Callable[[State], None] | None,
    *,
    memo: bool,
    fingerprints: bool,
    threads: int,
    folder: Path | None,
    symmetry: Symmetry | None,
) -> Columns:
    if not memo:
        raise ValueError("the engine of columns cannot but remember")
    try:
        from .columns.columns import Columns  # noqa: PLC0415 - numba is an extra, and slow to load
    except ModuleNotFoundError as error:
        raise ValueError(f"the engine of columns needs {error.name}: pip install 'kubeproof[fast]'") from error
    return Columns(book, guard, collect, fingerprints=fingerprints, threads=threads, folder=folder, symmetry=symmetry)


def _keeper(
    checkpoint: Path | Checkpoint | None, search: Engine, book: Book, guard: Guard, *, resume: bool
) -> Keeper | None:
    """Set up what writes the search down, and give the search what it is to take up."""
    if checkpoint is None:
        if resume:
            raise ValueError("there is nothing to resume without a checkpoint")
        return None
    if not isinstance(search, Plain) and search.fingerprints:
        raise ValueError("fingerprints keep no states that a search could be resumed from")
    keeper = Keeper(checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint), book)
    keeper.engine = search
    if resume:
        search.saved = keeper.load(book)
    guard.at_tick = keeper.tick
    return keeper


def _run(search: Engine, book: Book) -> str:
    """Run a search; give the reason why it is incomplete, or the empty string."""
    try:
        search.run()
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


def _verdict(book: Book, number: int, why: str) -> Verdict:
    claim = book.properties[number]
    kind = kind_of(claim)
    finding = book.findings.get(number)
    if finding is not None:
        further = () if finding.step is None else (finding.step,)
        if book.folding is not None:
            trace, evidence = witness(book, claim, finding)
            return Verdict(claim.name, Status.VIOLATED, finding.kind, evidence, trace)
        trace = rebuild(book, finding.state, further)
        return Verdict(claim.name, Status.VIOLATED, finding.kind, finding.evidence, trace)
    if isinstance(claim, Sometimes) and number in book.reached:
        return Verdict(claim.name, Status.HOLDS, kind, trace=rebuild(book, book.reached[number]))
    if number in book.liveness and (verdict := _of_whole_runs(book, number)) is not None:
        return verdict
    vacuous = vacuous_without(book, number)
    if why:
        return Verdict(claim.name, Status.UNKNOWN, kind, vacuous=vacuous, reason=why)
    if isinstance(claim, Sometimes):
        return Verdict(claim.name, Status.VIOLATED, "never reached", ("true in no reachable state",))
    return Verdict(claim.name, Status.HOLDS, kind, vacuous=vacuous)


def _of_whole_runs(book: Book, number: int) -> Verdict | None:
    """Judge a property that only the whole graph tells; None where it is not breached."""
    from . import liveness, symmetry_runs  # noqa: PLC0415 - only this needs numpy and scipy, which are slow to load

    claim = book.properties[number]
    if book.folding is not None and not isinstance(claim, Recoverable) and not symmetry_runs.decides(book, number):
        return None
    if isinstance(claim, Recoverable):
        lost = liveness.unrecoverable(book, number, claim.actions)
        return None if lost is None else _run_verdict(book, claim, "unrecoverable", lost)
    if isinstance(claim, LeadsTo):
        run = liveness.unanswered(book, number)
        return None if run is None else _run_verdict(book, claim, "stuck", run.state, run.leg, run.cycle)
    assert isinstance(claim, Converges)  # noqa: S101 - of whole runs there are these three
    if book.folding is not None:
        return None  # No cycle comes into question.
    found = liveness.livelock(book, number)
    return None if found is None else _run_verdict(book, claim, "livelock", found.state, (), found.cycle)


Choices = Sequence[tuple[int, int]]


def _run_verdict(
    book: Book,
    claim: Converges | LeadsTo | Recoverable,
    kind: str,
    state: int,
    leg: Choices = (),
    cycle: Choices = (),
) -> Verdict:
    """Report a run: to a state, on by a leg, then round a cycle; the reasons are those where the cycle begins."""
    trace = rebuild(book, state, (*leg, *cycle))
    begin = len(trace.steps) - len(cycle)
    reasons = tuple(claim.goal(states(book.machine, trace)[begin]))
    if cycle:
        kind, trace = "livelock", evolve(trace, cycle_start=begin)
    return Verdict(claim.name, Status.VIOLATED, kind, reasons, trace)


def kind_of(claim: Property) -> str:
    """Give the word for a kind of property."""
    kinds = {
        Invariant: "invariant",
        StepProperty: "step",
        Sometimes: "sometimes",
        Converges: "converges",
        LeadsTo: "leads to",
        Recoverable: "recoverable",
    }
    return kinds[type(claim)]


def vacuous_without(book: Book, number: int) -> bool:
    """Tell whether a claim was about nothing: a step property also is when no step it watches was ever taken."""
    claim = book.properties[number]
    has_premise = claim.premise is not None if isinstance(claim, Invariant) else not isinstance(claim, Sometimes)
    return has_premise and number not in book.occurred


def statistics_of(search: Engine, book: Book, profile: tuple[Timing, ...]) -> Statistics:
    """Give what a search has cost."""
    costs = search.costs()
    looks = search.functions.looks if isinstance(search, Rows) else [called for _, called in costs]
    counts = zip(book.machine.actions, book.enabled, book.taken, book.new, costs, looks, strict=False)
    calls = search.total_calls()
    return Statistics(
        actions=tuple(
            ActionStatistics(
                action.name,
                enabled,
                taken,
                new,
                situations,
                called,
                action.group,
                looked,
                book.urgent and action.urgent,
            )
            for action, enabled, taken, new, (situations, called), looked in counts
        ),
        calls=calls,
        calls_per_transition=calls / book.transitions if book.transitions else float(calls),
        widest=search.widest(),
        depths=book.depths(),
        peak_memory=peak_memory(),
        profile=profile,
    )
