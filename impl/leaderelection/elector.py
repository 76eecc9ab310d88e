"""One replica's side of a leader election: whether it writes the Lease that it has read, what, and how long it leads.

Upstream: staging/src/k8s.io/client-go/tools/leaderelection/leaderelection.go (v1.32); of its defaults,
component-base/config/v1alpha1/defaults.go. A Lease is a lock that is written with the version it was read at, so of two
who write the same one the later is refused. What others wrote as times is compared with no clock: only whether the
Lease has changed counts, and since when it has not by one's own clock.
Time comes in from outside, in one unit throughout: a Lease has whole microseconds, and `leaseDurationSeconds`.
Left out on purpose: the requests (`read` and `write` are whoever runs this), events and metrics, jitter, coordinated
leader election (KEP-4355), the Lease that is written once more by its name and version as last seen, unread.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from ..api.meta import Time

JITTER_FACTOR = 1.2
"""By so much a replica that waits may wait longer than `retryPeriod`."""


@frozen
class LeaseSpec:
    """What a Lease of coordination.k8s.io/v1 says of who leads; `holderIdentity` "": nobody does."""

    holder_identity: str = ""
    lease_duration: Time = 0
    acquire_time: Time = 0
    renew_time: Time = 0
    lease_transitions: int = 0


@frozen
class Timings:
    """`--leader-elect-lease-duration`, `--leader-elect-renew-deadline`, `--leader-elect-retry-period`."""

    lease_duration: Time = 15
    renew_deadline: Time = 10
    retry_period: Time = 2

    def problems(self) -> Iterator[str]:
        """Yield why a program with these would not start."""
        if self.lease_duration <= self.renew_deadline:
            yield "leaseDuration must be greater than renewDeadline"
        if self.renew_deadline <= JITTER_FACTOR * self.retry_period:
            yield "renewDeadline must be greater than retryPeriod*JitterFactor"
        for name in ("lease_duration", "renew_deadline", "retry_period"):
            if getattr(self, name) < 1:
                first, *others = name.split("_")
                yield f"{first}{''.join(map(str.title, others))} must be greater than zero"


def leads_for(timings: Timings) -> Time:
    """Return how long a leader goes on after it has heard last that the Lease is its own.

    It tries again after the period, and gives up when it has tried for the deadline.
    """
    return timings.retry_period + timings.renew_deadline


def margin(timings: Timings) -> Time:
    """Return how long after a leader has stopped another one leads at the earliest, if nothing else is late."""
    return timings.lease_duration - leads_for(timings)


@frozen
class Elector:
    """A replica: who it is, the Lease as it has seen it last, and when that was new to it by its own clock."""

    identity: str
    timings: Timings = Timings()
    observed: LeaseSpec | None = None
    observed_at: Time = 0

    @property
    def holds(self) -> bool:
        """Whether the Lease was its own when it saw it last."""
        return self.observed is not None and self.observed.holder_identity == self.identity


def read(elector: Elector, lease: LeaseSpec | None, now: Time) -> Elector:
    """Return the replica once it has read the Lease (None: there is none): what has changed counts from now."""
    if lease is None or lease == elector.observed:
        return elector
    return evolve(elector, observed=lease, observed_at=now)


def write(elector: Elector, lease: LeaseSpec | None, now: Time) -> LeaseSpec | None:
    """Return what a replica writes that has just read the Lease (`read`); None if it leaves it to who has it."""
    timings = elector.timings
    mine = LeaseSpec(elector.identity, timings.lease_duration, acquire_time=now, renew_time=now)
    if lease is None:
        return mine
    if elector.holds:
        return evolve(mine, acquire_time=lease.acquire_time, lease_transitions=lease.lease_transitions)
    if lease.holder_identity and elector.observed_at + lease.lease_duration > now:
        return None
    return evolve(mine, lease_transitions=lease.lease_transitions + 1)


def granted(elector: Elector, written: LeaseSpec, now: Time) -> Elector:
    """Return the replica once it hears that its write was granted: it leads."""
    return evolve(elector, observed=written, observed_at=now)


def gives_up(timings: Timings, heard: Time, now: Time) -> bool:
    """Tell whether a leader stops that heard at a time, and not since, that its write was granted."""
    return now - heard >= leads_for(timings)


def released(elector: Elector, now: Time) -> LeaseSpec | None:
    """Return what a leader writes that gives the Lease back; None if it has it not.

    kube-scheduler does so when it stops, before what it has begun is over; kube-controller-manager does not.
    """
    if elector.observed is None or not elector.holds:
        return None
    return LeaseSpec("", 1, now, now, elector.observed.lease_transitions)
