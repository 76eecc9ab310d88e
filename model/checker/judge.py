"""What is made of the book of a search that has ended: verdicts with their traces, and numbers."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from ..machine import Converges, Invariant, LeadsTo, Property, Recoverable, Sometimes, StepProperty
from .book import Book
from .engine import Costs
from .results import ActionStatistics, Statistics, Status, Verdict
from .traces import evidence_of, rebuild, states, witness


def verdicts_of(book: Book, why: str) -> tuple[Verdict, ...]:
    """Judge every property; `why` says why the search is incomplete, "" where it is not."""
    book.gather()
    return tuple(_verdict(book, number, why) for number in range(len(book.properties)))


def _verdict(book: Book, number: int, why: str) -> Verdict:
    claim = book.properties[number]
    kind = kind_of(claim)
    finding = book.findings.get(number)
    if reason := book.unjudged(number):
        evidence = () if finding is None else finding.evidence
        return Verdict(claim.name, Status.UNKNOWN, kind, evidence, vacuous=vacuous_without(book, number), reason=reason)
    if finding is not None:
        further = () if finding.step is None else (finding.step,)
        if book.folding is not None:
            trace, evidence = witness(book, claim, finding)
            return Verdict(claim.name, Status.VIOLATED, finding.kind, evidence, trace)
        trace = rebuild(book, finding.state, further)
        return Verdict(claim.name, Status.VIOLATED, finding.kind, evidence_of(book, claim, finding, trace), trace)
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
    from . import liveness  # noqa: PLC0415 - only this needs numpy, which is slow to load
    from .symmetry import runs  # noqa: PLC0415 - likewise

    claim = book.properties[number]
    if book.folding is not None and not isinstance(claim, Recoverable) and not runs.decides(book, number):
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
    """Return the word for a kind of property."""
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


def statistics_of(book: Book, costs: Costs) -> Statistics:
    """Return what a search has cost and covered."""
    counts = zip(book.machine.actions, book.enabled, book.taken, book.new, costs.actions, strict=False)
    actions = (
        ActionStatistics(count.name, enabled, taken, new, met, calls, count.group, looks, book.urgent and count.urgent)
        for count, enabled, taken, new, (met, calls, looks) in counts
    )
    per_step = costs.calls / (book.transitions or 1)
    return Statistics(tuple(actions), costs.calls, per_step, costs.widest, book.depths(), costs.peak)


def open_questions(book: Book, verdicts: Sequence[Verdict]) -> list[int]:
    """List the properties for which fairness would have to decide, which is not known of orbits."""
    if book.folding is None or not book.liveness:
        return []
    from .symmetry import runs  # noqa: PLC0415 - only this needs numpy, which is slow to load

    return [
        number
        for number in book.liveness
        if verdicts[number].status is Status.HOLDS
        and not isinstance(book.properties[number], Recoverable)
        and not runs.decides(book, number)
    ]
