"""What another replica waits for before it takes the lead: that it has not seen the Lease change for its duration.

Upstream: client-go/tools/leaderelection (v1.32), `impl.leaderelection`. A leader may begin a sync until it gives up,
`retryPeriod` and `renewDeadline` after its last renewal; another one leads `leaseDuration` after that renewal at the
earliest. So between what the former leader decided last and the takeover lies what the one is longer than the other
two together, if answers to renewals are not late and nobody's clock is slow. Only of kube-controller-manager: a
kube-scheduler that stops gives the Lease back first, and is followed at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from ....impl.leaderelection.elector import Timings, margin
from ....model.machine import Timer, View, Wait
from ....model.world.turn import heads
from ....model.world.verbs import Verb
from ....model.world.world import Process, World
from ..faults.leader_change import BUDGET, former, led
from ..scheduling import USER as SCHEDULER
from .timing import Timing

MARGIN = Fraction(margin(Timings()))


def timers(timing: Timing) -> Iterator[Timer]:
    """Yield what is waited for before the lead of each controller changes."""
    for process in led(timing.elect):
        if process.user != SCHEDULER:
            waits = partial(_leads, timing.world, process)
            yield Timer(waits, partial(_is_followed, process), "lease", process.user, Verb.LOSES_LEAD, process.key)


def _leads(world: World, process: Process, view: View) -> Iterator[Wait]:
    if not view[BUDGET] or view[former(process)]:
        return
    for requests in world.pending(view, process):
        if requests and heads(requests):
            told = f"the Lease of kube-controller-manager, whose {process.name} is about to write,"
            yield Wait((process.name, requests), told, MARGIN)


def _is_followed(process: Process, before: View, after: View, wait: Wait) -> bool:
    return not before[former(process)] and after[former(process)] == wait.what[1]
