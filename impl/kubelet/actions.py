"""What one sync of a Pod decides: which containers start, which are killed, whether the Pod ends.

Upstream: computePodActions and computeInitContainerActions in pkg/kubelet/kuberuntime/kuberuntime_manager.go,
PodSandboxChanged in pkg/kubelet/kuberuntime/util/util.go, ShouldContainerBeRestarted in
pkg/kubelet/container/helpers.go (v1.32, v1.36). Left out on purpose: probes (`prober`), back-off, ephemeral containers
and resizing in place.
"""

from __future__ import annotations

from enum import Enum

from attrs import evolve, frozen

from ..api.releases import NEWEST, Change, Release


class State(Enum):
    """What the runtime knows of a container."""

    NONE = "none"
    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"
    UNKNOWN = "unknown"


class Sandbox(Enum):
    """What the runtime knows of a Pod's sandbox: nothing, one that is ready, or one that is not any more."""

    NONE = "none"
    READY = "ready"
    NOT_READY = "notready"


@frozen
class Found:
    """A container as the runtime has it; `changed`: it was started of another spec."""

    state: State = State.NONE
    exit_code: int = 0
    changed: bool = False
    sidecar: bool = False

    @property
    def failed(self) -> bool:
        """Whether an init container counts as failed: it ended badly, or nobody knows how."""
        return self.state is State.UNKNOWN or (self.state is State.EXITED and self.exit_code != 0)


@frozen
class Decided:
    """What is to be done: containers by their indexes. Those that are killed are init containers, and others."""

    kill_pod: bool = False
    create_sandbox: bool = False
    attempt: int = 0
    start_init: tuple[int, ...] = ()
    start: tuple[int, ...] = ()
    kill_init: tuple[int, ...] = ()
    kill: tuple[int, ...] = ()


def restarts(policy: str, exit_code: int) -> bool:
    """Tell whether a container that has ended is started again."""
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


@frozen
class Sync:
    """A Pod as its kubelet finds it at a sync."""

    policy: str
    sandbox: Sandbox
    init: tuple[Found, ...]
    containers: tuple[Found, ...]
    deleted: bool = False
    release: Release = NEWEST

    def decide(self) -> Decided:
        """Return what the sync decides."""
        if self.sandbox is not Sandbox.READY:
            return self._anew()
        initialized, decided = self._one_path() if self._has_one_path else self._one_by_one()
        return self._regular(decided) if initialized else decided

    @property
    def _has_one_path(self) -> bool:
        """Whether init containers are treated as those of Pods with sidecars always were."""
        return Change.ONE_PATH_OF_INIT in self.release or any(container.sidecar for container in self.init)

    def _anew(self) -> Decided:
        """Begin from the start in another sandbox, unless nothing is left to run."""
        attempt = int(self.sandbox is Sandbox.NOT_READY)
        ended = Decided(kill_pod=True, attempt=attempt)
        known = any(container.state is not State.NONE for container in (*self.init, *self.containers))
        if self.policy == "Never" and attempt and known:
            return ended
        well = self.policy == "OnFailure"
        left = tuple(
            index
            for index, container in enumerate(self.containers)
            if not (well and container.state is State.EXITED and container.exit_code == 0)
        )
        if not left and (self._has_one_path or self._one_by_one()[0]):
            return ended
        begun = evolve(ended, create_sandbox=True)
        return evolve(begun, start_init=(0,)) if self.init else evolve(begun, start=left)

    def _one_by_one(self) -> tuple[bool, Decided]:
        """Tell whether initialization is over, and what is to be done for it: the next init container, never two."""
        if not self.init or any(container.state is State.RUNNING for container in self.containers):
            return True, Decided()
        found = list(enumerate(self.init))[::-1]
        for index, container in found:
            if container.failed:
                if self.policy == "Never":
                    return False, Decided(kill_pod=True)
                return False, Decided(
                    start_init=(index,), kill_init=(index,) if container.state is State.UNKNOWN else ()
                )
        for index, container in found:
            if container.state is State.RUNNING:
                return False, Decided()
            if container.state is State.EXITED:
                last = index == len(self.init) - 1
                return last, Decided() if last else Decided(start_init=(index + 1,))
        return False, Decided(start_init=(0,))

    def _one_path(self) -> tuple[bool, Decided]:
        """Likewise, from the last init container that is known of; of a Pod that ran before, only sidecars matter."""
        if not self.init:
            return True, Decided()
        ran = initialized = any(container.state in {State.CREATED, State.RUNNING} for container in self.containers)
        start: list[int] = []
        kill: list[int] = []
        for index, container in list(enumerate(self.init))[::-1]:
            if ran and not container.sidecar:
                continue
            if container.state is State.NONE:
                start += [index] if ran else []
                continue
            if container.failed and not container.sidecar and self._stays_failed(container):
                return False, Decided(kill_pod=True)
            kill += [index] if container.state is State.UNKNOWN else []
            again = container.state is not State.RUNNING and (
                container.sidecar or container.failed or container.state is State.CREATED
            )
            start += [index] if again else []
            if container.sidecar and container.state is State.RUNNING and container.changed:
                kill.append(index)
                start.append(index)
            done = not again and (container.sidecar or container.state is State.EXITED)
            if done and index == len(self.init) - 1:
                initialized = True
            elif done and not ran:
                start.append(index + 1)
            ran = True  # What comes before one that is known of was over once.
        if not ran:
            start.append(0)
        return initialized, Decided(start_init=tuple(sorted(start)), kill_init=tuple(kill))

    def _stays_failed(self, one: Found) -> bool:
        if self.policy == "Never":
            return True
        return self.deleted and one.state is State.EXITED and Change.RESTART_RULES in self.release

    def _regular(self, decided: Decided) -> Decided:
        """Start what does not run and should; a Pod of which nothing runs, nor will, ends."""
        start = tuple(index for index, container in enumerate(self.containers) if self._starts(container))
        kill = tuple(index for index, container in enumerate(self.containers) if self._killed(container))
        keeps = any(container.state is State.RUNNING and not container.changed for container in self.containers)
        if not keeps and not start:
            return evolve(decided, kill_pod=True, start_init=(), kill=kill)
        return evolve(decided, start=start, kill=kill)

    def _starts(self, one: Found) -> bool:
        if one.state is State.RUNNING:
            return one.changed
        return not self.deleted and (one.state is not State.EXITED or restarts(self.policy, one.exit_code))

    def _killed(self, one: Found) -> bool:
        if one.state is State.RUNNING:
            return one.changed
        return one.state is State.UNKNOWN and self._starts(one)
