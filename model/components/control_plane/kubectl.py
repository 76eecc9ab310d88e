"""What a person means by a command: the change to the cluster, and nothing beside it.

It may change images, the number of replicas, cordons, taints and labels of nodes, and take objects away. A command
whose object is not there changes nothing, nor does one that would replace a taint or a label unasked. A drain ends
with the node cordoned and empty but for what has to stay.
Upstream: the documentation of kubectl (v1.32). Left out: apply (its merge has laws of its own), rollout undo, budgets.
"""

from __future__ import annotations

from attrs import evolve, field, frozen
from immutabledict import immutabledict


@frozen
class Workload:
    """Replicas wanted, and the image of each container."""

    replicas: int
    images: immutabledict[str, str]


@frozen
class Host:
    """A node: closed to new Pods or not, tainted how ((key, effect) to value), labelled how."""

    cordoned: bool = False
    taints: immutabledict[tuple[str, str], str] = field(factory=immutabledict)
    labels: immutabledict[str, str] = field(factory=immutabledict)


@frozen
class Place:
    """A Pod: on which node, and whether a drain leaves it there."""

    node: str
    stays: bool = False


@frozen
class State:
    """The cluster as far as commands reach, by name."""

    workloads: immutabledict[str, Workload] = field(factory=immutabledict)
    hosts: immutabledict[str, Host] = field(factory=immutabledict)
    pods: immutabledict[str, Place] = field(factory=immutabledict)


@frozen
class SetImage:
    """One container of a workload gets an image."""

    workload: str
    container: str
    image: str

    def enabled(self, state: State) -> bool:
        """Only a container there is."""
        return self.workload in state.workloads and self.container in state.workloads[self.workload].images

    def apply(self, state: State) -> State:
        """Leave the other containers theirs."""
        old = state.workloads[self.workload]
        changed = evolve(old, images=old.images.set(self.container, self.image))
        return evolve(state, workloads=state.workloads.set(self.workload, changed))


@frozen
class Scale:
    """A workload gets a number of replicas."""

    workload: str
    replicas: int

    def enabled(self, state: State) -> bool:
        """Only a workload there is."""
        return self.workload in state.workloads

    def apply(self, state: State) -> State:
        """Change nothing else."""
        changed = evolve(state.workloads[self.workload], replicas=self.replicas)
        return evolve(state, workloads=state.workloads.set(self.workload, changed))


@frozen
class SetCordon:
    """A node is closed to new Pods, or opened."""

    host: str
    closed: bool

    def enabled(self, state: State) -> bool:
        """Only a node there is."""
        return self.host in state.hosts

    def apply(self, state: State) -> State:
        """Leave its Pods."""
        return _with_host(state, self.host, evolve(state.hosts[self.host], cordoned=self.closed))


@frozen
class SetTaint:
    """A node gets a taint (value None: loses it)."""

    host: str
    key: str
    effect: str
    value: str | None
    overwrite: bool = False

    def enabled(self, state: State) -> bool:
        """Only a node there is; a taint there is can be taken away, and replaced where that is asked for."""
        if self.host not in state.hosts:
            return False
        there = (self.key, self.effect) in state.hosts[self.host].taints
        return there if self.value is None else self.overwrite or not there

    def apply(self, state: State) -> State:
        """Keep one value for a key and effect."""
        old, name = state.hosts[self.host], (self.key, self.effect)
        kept = old.taints.delete(name) if name in old.taints else old.taints
        return _with_host(
            state, self.host, evolve(old, taints=kept if self.value is None else kept.set(name, self.value))
        )


@frozen
class SetLabels:
    """A node gets labels, all or none (value None: loses that one)."""

    host: str
    labels: immutabledict[str, str | None]
    overwrite: bool = False

    def enabled(self, state: State) -> bool:
        """Only a node there is, and another value for a label only where that is asked for."""
        if self.host not in state.hosts:
            return False
        old = state.hosts[self.host].labels
        return self.overwrite or all(value in {None, old.get(key, value)} for key, value in self.labels.items())

    def apply(self, state: State) -> State:
        """Leave the other labels."""
        old = state.hosts[self.host]
        merged = {**old.labels, **self.labels}
        kept = {key: value for key, value in merged.items() if value is not None}
        return _with_host(state, self.host, evolve(old, labels=immutabledict(kept)))


@frozen
class RemovePod:
    """A Pod is deleted."""

    pod: str

    def enabled(self, state: State) -> bool:
        """Only a Pod there is."""
        return self.pod in state.pods

    def apply(self, state: State) -> State:
        """Leave the others."""
        return evolve(state, pods=state.pods.delete(self.pod))


@frozen
class Empty:
    """A node is drained, with all evictions granted."""

    host: str

    def enabled(self, state: State) -> bool:
        """Only a node there is."""
        return self.host in state.hosts

    def apply(self, state: State) -> State:
        """Close it, and let its Pods go but for those that stay."""
        left = {name: pod for name, pod in state.pods.items() if pod.node != self.host or pod.stays}
        return evolve(SetCordon(self.host, closed=True).apply(state), pods=immutabledict(left))


Action = SetImage | Scale | SetCordon | SetTaint | SetLabels | RemovePod | Empty


def after(state: State, action: Action) -> State:
    """Return what a command leaves: its change, or everything as it was where it is not possible."""
    return action.apply(state) if action.enabled(state) else state


def steps(state: State) -> tuple[Action, ...]:
    """Return the possible commands without a free argument: to close, open and empty nodes, to remove Pods."""
    doors = tuple(SetCordon(host, closed=closed) for host in sorted(state.hosts) for closed in (True, False))
    gone = tuple(RemovePod(pod) for pod in sorted(state.pods))
    return (*doors, *(Empty(host) for host in sorted(state.hosts)), *gone)


def _with_host(state: State, name: str, host: Host) -> State:
    return evolve(state, hosts=state.hosts.set(name, host))
