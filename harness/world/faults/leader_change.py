"""Another replica takes the lead, and the former leader still sends what it was about to send.

kube-controller-manager and kube-scheduler run as several replicas, of which the one that holds a Lease acts
(client-go/tools/leaderelection, v1.32). Nothing that it writes says so: the API server takes a request from whom it
allows, so the Lease fences nobody. A leader gives up when it could not renew for `renewDeadline` (10 s, begun
`retryPeriod`, 2 s, after it heard of its last renewal), another one takes over after `leaseDuration` (15 s) without
news by its own clock. So no two begin syncs at a time while answers, clocks and pauses are less than 3 s off together
(`properties.consensus.election`); of kube-controller-manager, for a kube-scheduler gives the Lease back before it has
stopped. But who is paused, or whose request is under way, writes afterwards what it has decided on before (k/k#89466,
k/k#125761, k/k#23731). When the lead changes at the earliest a clock says (`harness.world.timers.leader_election`).

So: at any time a controller, or the scheduler, begins anew from a list, as after a crash, and the requests of one sync,
which may have been under way or about to begin, are left to the former leader. It sends them in their order, each at
any time, others and the new leader between them, until one is refused or it notices that it does not lead any more:
then what is left is never sent. What preconditions a request has it still has: a version or a uid that is no longer so
refuses it, and a name that is taken does.

Left out: what else the former leader would decide on before it notices, which another change of leaders gives; that
all controllers of one program change together: what one of them had in mind is looked at at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ....impl.leaderelection.elector import Timings, margin
from ....model.machine import Action, Fairness, Outcome, View
from ....model.world.component import Component, constantly
from ....model.world.faults import anew
from ....model.world.store import Full, Stored
from ....model.world.turn import Requests, heads
from ....model.world.verbs import Verb
from ....model.world.world import Process, World, too_small
from .fault import Fault, Struck, budget

BUDGET = budget("leader_change")
TIMES = Timings()


def former(process: Process) -> str:
    """Name the slot with what the former leader still sends of a process."""
    return f"former/{process.name}"


def component(processes: tuple[Process, ...]) -> Component[World]:
    """Return the former leaders of some processes, who have nothing in mind at first."""
    slots = tuple(map(former, led(processes)))
    return Component("former leaders", slots=constantly(dict.fromkeys(slots, ())), memories=slots)


def led(processes: tuple[Process, ...]) -> tuple[Process, ...]:
    """Return the processes of programs that elect a leader: all that crash as programs of the control plane do."""
    return tuple(process for process in processes if process.crashes)


def _actions(struck: Struck) -> tuple[Action, ...]:
    return tuple(action for process in led(struck.processes) for action in _of(struck.world, process))


def _of(world: World, process: Process) -> Iterator[Action]:
    """Yield what changes leaders, and what a former one does: it sends as leaders do, so claims look at it alike."""
    for verb, step in ((Verb.LOSES_LEAD, _loses), (Verb.SENDS, _sends)):
        name = f"{process.name}: {'is late' if verb is Verb.SENDS else verb.value}"
        does = partial(step, world, process)
        group = f"former {process.name}"
        yield Action(name, group, does, Fairness.NONE, by=process.user, verb=verb, on=process.key)


def _loses(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Begin anew, and leave to the former leader what is under way or may be about to begin."""
    left: int = view[BUDGET]
    if not left or view[former(process)]:
        return
    for requests in world.pending(view, process):
        if requests and heads(requests):
            yield Outcome(
                "loses the lead while it is about to write",
                {**anew(world, process, view), former(process): requests, BUDGET: left - 1},
            )


def _sends(world: World, process: Process, view: View) -> Iterator[Outcome]:
    """Commit the next of what is left; what is refused ends it."""
    requests: Requests = view[former(process)]
    for request in heads(requests) if requests else ():
        try:
            response, updates = world.ask(view, process, request)
        except Full as full:
            yield too_small(full.kind, {former(process): ()})
            continue
        if not response.ok:
            yield Outcome("is refused", {former(process): ()})
            continue
        left = world.after(Stored(view, world.layout, updates), process, requests, request, response)
        label = f"{world.describe(request, response)}, though it does not lead any more"
        yield Outcome(label, {**updates, former(process): left})


ONE_LEADS = (
    "a former leader begins no sync beside its successor: with LeaseDuration {duration} s, RenewDeadline {deadline} s "
    "and RetryPeriod {retry} s, late answers to renewals, slow clocks and pauses come to less than {margin} s together"
)
FAULT = Fault(
    "change of leaders",
    _actions,
    assumed=(
        "a former leader sends, at any time until it notices, what one controller or the scheduler was about to send",
        ONE_LEADS.format(
            duration=TIMES.lease_duration,
            deadline=TIMES.renew_deadline,
            retry=TIMES.retry_period,
            margin=margin(TIMES),
        ),
    ),
)
