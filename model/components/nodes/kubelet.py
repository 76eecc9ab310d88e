"""One Pod's life on its node: what a kubelet may do with it, and what the rest of the cluster may do to it.

It may start the containers of a live Pod or reject it; see them become ready or end; once the Pod is being deleted, run
the preStop hook if there is one, then send SIGTERM, then see the containers end; report what is so at any time; and
remove the object, but only when the end of the containers has been reported. A finished Pod is never revived.
Upstream: pkg/kubelet/pod_workers.go (v1.32). Left out: single containers, several Pods at once, all durations.
"""

from __future__ import annotations

from attrs import evolve, frozen

FINISHED = frozenset({"Succeeded", "Failed"})
HELD = frozenset({"up", "hook", "closing"})
"""Containers that run."""


@frozen
class State:
    """The Pod object ("live", "deleting" or "gone"), what it says, and what is so on the node.

    `containers`: "none" yet, "waiting" for an image, "up", in the "hook", "closing" after SIGTERM, or "down" for good.
    """

    object: str = "live"
    phase: str = "Pending"
    shown_ready: bool = False
    containers: str = "none"
    ready: bool = False
    failed: bool = False
    has_hook: bool = False


@frozen
class Start:
    """Admit the Pod: its containers run, or wait for their image. Ready at once if nothing probes them."""

    containers: str
    ready: bool = False

    def enabled(self, state: State) -> bool:
        """Only a live, unfinished Pod that has not been started; only containers that run can be ready."""
        fresh = state.object == "live" and state.phase not in FINISHED and state.containers == "none"
        return fresh and (self.containers == "up" or not self.ready)

    def apply(self, state: State) -> State:
        """Let them run or wait."""
        return evolve(state, containers=self.containers, ready=self.ready)


@frozen
class Reject:
    """Refuse the Pod: it never runs here."""

    def enabled(self, state: State) -> bool:
        """Only before it starts, and not once it is over; a Pod that is going need not be started at all."""
        wanted = state.object == "live" and state.phase not in FINISHED
        return state.containers == "none" and (wanted or state.object == "deleting")

    def apply(self, state: State) -> State:
        """Let it have failed without having run."""
        return evolve(state, containers="down", failed=True)


@frozen
class BecomeReady:
    """The probes succeed."""

    def enabled(self, state: State) -> bool:
        """Only where something runs and is left to run."""
        return state.containers == "up" and not state.ready

    def apply(self, state: State) -> State:
        """Tell nobody yet."""
        return evolve(state, ready=True)


@frozen
class Unready:
    """A probe fails, or a container crashes and is started again."""

    def enabled(self, state: State) -> bool:
        """Only what runs can fail."""
        return state.containers == "up" and state.ready

    def apply(self, state: State) -> State:
        """Tell nobody yet."""
        return evolve(state, ready=False)


@frozen
class Exit:
    """The containers end by themselves, or a Pod that only waited for its image is given up."""

    failed: bool

    def enabled(self, state: State) -> bool:
        """While they run undisturbed; while they wait, only if nobody wants the Pod any more."""
        return state.containers == "up" or (state.containers == "waiting" and _unwanted(state) and self.failed)

    def apply(self, state: State) -> State:
        """Let them be down for good."""
        return evolve(state, containers="down", ready=False, failed=self.failed)


@frozen
class BeginStop:
    """Notice that the Pod is to go: the hook comes first if there is one."""

    def enabled(self, state: State) -> bool:
        """Only what runs can be stopped, and only if nobody wants the Pod any more."""
        return state.containers == "up" and _unwanted(state)

    def apply(self, state: State) -> State:
        """Run the hook, or send SIGTERM at once; for an object that is gone nobody waits for hooks."""
        return evolve(state, containers="hook" if state.has_hook and state.object != "gone" else "closing")


@frozen
class Terminate:
    """The hook is over, or nobody waits for it: SIGTERM."""

    def enabled(self, state: State) -> bool:
        """Only after the hook began."""
        return state.containers == "hook"

    def apply(self, state: State) -> State:
        """Let them end at any time from now on."""
        return evolve(state, containers="closing")


@frozen
class Stop:
    """The containers have ended after SIGTERM, of themselves or by SIGKILL."""

    failed: bool

    def enabled(self, state: State) -> bool:
        """Only after SIGTERM."""
        return state.containers == "closing"

    def apply(self, state: State) -> State:
        """Let them be down for good; one that has failed stays so."""
        return evolve(state, containers="down", ready=False, failed=self.failed or state.failed)


@frozen
class Report:
    """Write what is so into the Pod's status."""

    def enabled(self, state: State) -> bool:
        """Only while there is a Pod to write to, and something to say of it."""
        return state.object != "gone" and state.containers != "none" and self.apply(state) != state

    def apply(self, state: State) -> State:
        """Keep a final phase; a Pod with one is not ready."""
        phase = state.phase if state.phase in FINISHED else _phase(state)
        return evolve(state, phase=phase, shown_ready=state.ready and phase not in FINISHED)


@frozen
class Remove:
    """Take the object away: the last of a deletion's three instants."""

    def enabled(self, state: State) -> bool:
        """Only a Pod that is being deleted, whose containers are down, and that says so."""
        return state.object == "deleting" and state.containers == "down" and state.phase in FINISHED

    def apply(self, state: State) -> State:
        """Let the object be gone."""
        return evolve(state, object="gone", phase="Pending", shown_ready=False)


@frozen
class Forget:
    """Drop what is known of a Pod that is gone."""

    def enabled(self, state: State) -> bool:
        """Only when nothing of it runs."""
        return state.object == "gone" and state.containers not in HELD and state.containers != "none"

    def apply(self, state: State) -> State:
        """Be as if it had never been."""
        return State(object="gone", has_hook=state.has_hook)


Action = Start | Reject | BecomeReady | Unready | Exit | BeginStop | Terminate | Stop | Report | Remove | Forget

ACTIONS: tuple[Action, ...] = (
    Start("up"),
    Start("up", ready=True),
    Start("waiting"),
    Reject(),
    BecomeReady(),
    Unready(),
    Exit(failed=False),
    Exit(failed=True),
    BeginStop(),
    Terminate(),
    Stop(failed=False),
    Stop(failed=True),
    Report(),
    Remove(),
    Forget(),
)


def steps(state: State) -> tuple[Action, ...]:
    """Return what may happen next, in a fixed order."""
    return tuple(action for action in ACTIONS if action.enabled(state))


def _unwanted(state: State) -> bool:
    """Tell whether the Pod should no longer run: being deleted, gone, or declared finished by somebody."""
    return state.object != "live" or state.phase in FINISHED


def _phase(state: State) -> str:
    if state.containers == "down":
        return "Failed" if state.failed else "Succeeded"
    return "Pending" if state.containers == "waiting" else "Running"
