"""What the TTL-after-finished controller may do: let go of a Job that has been over for as long as it says.

It looks at a Job as it is, and then lets go of the very one that it has looked at. Between the two anything may happen
to the Job: who asks for more time too late is not heard, but a Job that was made anew under its name is another one.
Leaves out: why a Job is over, its Pods, which go before it, and how late the controller may be.
"""

from __future__ import annotations

from attrs import evolve, frozen


@frozen(order=True)
class Job:
    """A Job, by its name and its `uid`: since when it is `over`, and how long it `stays` then (None: for good)."""

    name: str
    uid: str
    over: int | None = None
    stays: int | None = None
    going: bool = False


@frozen
class State:
    """What time it is, the Jobs that there are, and which were found to be due and not asked for yet."""

    now: int = 0
    jobs: tuple[Job, ...] = ()
    found: frozenset[tuple[str, str]] = frozenset()


def is_due(job: Job, now: int) -> bool:
    """Tell whether a Job has been over for as long as it stays."""
    return not job.going and job.over is not None and job.stays is not None and job.over + job.stays <= now


@frozen
class Find:
    """Look at a Job, and find that its time has come."""

    name: str

    def enabled(self, state: State) -> bool:
        """Only one that has been over for as long as it stays and is not going yet, while nothing else is in hand."""
        return not state.found and any(job.name == self.name and is_due(job, state.now) for job in state.jobs)

    def apply(self, state: State) -> State:
        """Remember which Job that was."""
        return evolve(state, found=frozenset((job.name, job.uid) for job in state.jobs if job.name == self.name))


@frozen
class LetGo:
    """Ask for the deletion of the Job that was found."""

    def enabled(self, state: State) -> bool:
        """Only if one was found."""
        return bool(state.found)

    def apply(self, state: State) -> State:
        """Mark it as going if it is still there; one that only bears its name stays."""
        jobs = tuple(evolve(job, going=True) if (job.name, job.uid) in state.found else job for job in state.jobs)
        return evolve(state, jobs=jobs, found=frozenset())


Action = Find | LetGo


def steps(state: State) -> tuple[Action, ...]:
    """List what may happen next, Jobs by name."""
    actions: tuple[Action, ...] = (*(Find(job.name) for job in state.jobs), LetGo())
    return tuple(action for action in actions if action.enabled(state))
