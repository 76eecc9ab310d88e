"""The answers of `kubeproof place` in words and as JSON."""

from __future__ import annotations

from typing import Any

from attrs import evolve, frozen

from ..impl.api.cache import Cache
from ..impl.api.core import Node
from ..impl.api.meta import Ref
from ..impl.scheduler import DEFAULT, Snapshot, decide
from ..properties.placement_groups import Answer, Fits, Group, Misfit
from ..properties.placement_problem import Reason, called
from .place import Loss, Smallest, Wanted, losses, smallest, solve

EVERY_NODE = evolve(DEFAULT, percentage_of_nodes_to_score=100)
SHOWN = 8
"""So many node names are printed in a row."""
FIELDS = {
    "must run": "spec.replicas",
    "room": "containers[0].resources.requests",
    "ports": "containers[0].ports",
    "taint": "tolerations",
    "node affinity": "nodeSelector",
    "node name": "nodeName",
    "affinity": "affinity.podAffinity",
    "anti-affinity": "affinity.podAntiAffinity",
    "spread": "topologySpreadConstraints",
}
"""Where a manifest says what a reason is about; below the Pod's spec, but for the first."""


@frozen
class Section:
    """One question with its answer: HOLDS, VIOLATED or UNKNOWN, a sentence, and lines of detail."""

    question: str
    status: str
    words: str
    lines: tuple[str, ...] = ()

    def text(self) -> str:
        """Give it as printed."""
        return "\n".join((f"{self.status}: {self.words}", *(f"  {line}" for line in self.lines), ""))


@frozen
class Report:
    """Where each group can go alone, then the sections."""

    alone: tuple[str, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """The worst of the sections; what is not modelled and wants a place makes HOLDS UNKNOWN."""
        found = {section.status for section in self.sections}
        if "VIOLATED" in found:
            return "VIOLATED"
        return "UNKNOWN" if "UNKNOWN" in found or self.notes else "HOLDS"

    def text(self) -> str:
        """Give it as printed."""
        notes = [f"UNKNOWN: {note}" for note in self.notes]
        return "\n".join((*self.alone, "", *(section.text() for section in self.sections), *notes)).rstrip() + "\n"

    def to_json(self) -> dict[str, Any]:
        """Give it as plain JSON."""
        sections = [
            {"question": one.question, "status": one.status, "words": one.words, "lines": list(one.lines)}
            for one in self.sections
        ]
        return {"status": self.status, "alone": list(self.alone), "sections": sections, "notes": list(self.notes)}


def report(found: Wanted, *, survive: int = 0, pools: dict[str, Node] | None = None, milliseconds: int) -> Report:
    """Answer what is asked: all together, after `survive` losses, or on the smallest pool."""
    sections: list[Section] = []
    alone: tuple[str, ...] = ()
    if found.groups.nodes or not pools:
        alone = tuple(line for group in found.groups.groups for line in _alone(found, group))
    if pools:
        sections.append(_pool(found, pools, milliseconds))
    else:
        sections.append(_together(found, solve(found.groups, found.others, milliseconds=milliseconds)))
    if survive and sections[0].status == "HOLDS":
        sections.append(_survives(found, survive, milliseconds))
    return Report(alone, tuple(sections), found.unknown)


# --- each alone ---------------------------------------------------------------------------------------------------


def _alone(found: Wanted, group: Group) -> list[str]:
    """Say on which nodes one Pod of a group could go, and why not on the others; nodes with the same words together."""
    snapshot = Snapshot.of(Cache.of([*found.groups.nodes, *found.groups.bound, *found.others]))
    decision = decide(group.pod, snapshot, EVERY_NODE)
    head = f"{_title(found, called(group.pod))}: {_pods(group.count)}"
    if decision.skipped:
        return [head, f"  not tried: {decision.skipped}"]
    lines = [head, f"  can go to {len(decision.feasible)} of {len(snapshot.nodes)} nodes{_list(decision.feasible)}"]
    why: dict[str, list[str]] = {}
    for name, refusal in decision.refusals.items():
        plugin = f" ({refusal.plugin})" if refusal.plugin else ""
        why.setdefault(f"{', '.join(refusal.reasons)}{plugin}", []).append(name)
    lines += [f"  not to {_row(names)}: {words}" for words, names in why.items()]
    if decision.preemption.selections:
        lines.append(f"  evicting Pods of lower priority would make room on {_row(decision.preemption.selections)}")
    return lines


def _title(found: Wanted, group: str) -> str:
    ref = found.owners.get(group)
    if ref is None:
        return group
    source = found.manifests.sources.get(ref)
    where = f" ({source.file}:{source.line})" if source else ""
    return f"{ref.kind} {group}{where}"


def _pods(count: int) -> str:
    return "1 Pod" if count == 1 else f"{count} Pods"


def _list(names: tuple[str, ...]) -> str:
    return f": {_row(names)}" if names else ""


def _row(names: Any) -> str:
    shown = list(names)
    rest = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return f"{', '.join(shown[:SHOWN])}{rest}"


# --- all together -------------------------------------------------------------------------------------------------


def _together(found: Wanted, answer: Answer) -> Section:
    total = sum(group.count for group in found.groups.groups)
    nodes = len(found.groups.nodes)
    number = "1 node" if nodes == 1 else f"{nodes} nodes"
    if isinstance(answer, Fits):
        return Section("together", "HOLDS", f"{_pods(total)} on {number}: there is a place for all", _where(answer))
    if isinstance(answer, Misfit):
        words = f"{_pods(total)} on {number}: there is no place for all; without any one of these there would be"
        return Section("together", "VIOLATED", words, _core(found, answer))
    return Section("together", "UNKNOWN", f"{_pods(total)} on {number}: neither a place for all nor a proof against it")


def _where(answer: Fits) -> tuple[str, ...]:
    """Say what each node carries; nodes that carry the same together."""
    carried: dict[str, list[str]] = {}
    for name in answer.nodes:
        load = ", ".join(f"{spot.count} x {spot.group}" for spot in answer.spots if spot.node == name)
        carried.setdefault(load, []).append(name)
    return tuple(f"{_row(names)}: {load}" for load, names in carried.items())


def _core(found: Wanted, answer: Misfit) -> tuple[str, ...]:
    return tuple(f"{_place(found, reason)}{reason}" for reason in answer.core)


def _place(found: Wanted, reason: Reason) -> str:
    """Name file, line and field of the object a reason is about: the Pods' owner, or the node if it is about nodes."""
    owner = next((found.owners[name] for name in reason.pods if name in found.owners), None)
    if reason.kind in {"cordon", "room", "taint"} and reason.nodes:
        owner, field = Ref("Node", "", reason.nodes[0]), {"room": "status.allocatable"}.get(reason.kind, "spec.taints")
    elif owner is not None:
        inner = FIELDS.get(reason.kind, "")
        prefix = "spec" if owner.kind == "Pod" else "spec.template.spec"
        field = f"{prefix}.{inner}"
        if reason.kind == "must run":
            field = "metadata.name" if owner.kind == "Pod" else inner
    source = None if owner is None else found.manifests.sources.get(owner)
    if owner is None or source is None:
        return ""
    return f"{source.file}:{source.line_of(field)}: {owner.kind} {owner.name} {field}: "


# --- losses and pools ---------------------------------------------------------------------------------------------


def _survives(found: Wanted, number: int, milliseconds: int) -> Section:
    """Stop at the first loss that is not survived: it is the witness."""
    many = "any 1 node" if number == 1 else f"any {number} nodes"
    if number >= len(found.groups.nodes):
        return Section("survive", "VIOLATED", f"the loss of {number} nodes leaves none")
    undecided: list[Loss] = []
    checked = 0
    for loss in losses(found, number, milliseconds=milliseconds):
        checked += 1
        if isinstance(loss.answer, Misfit):
            words = f"without {_row(loss.nodes)} there is no place for all; without any one of these there would be"
            return Section("survive", "VIOLATED", words, _core(found, loss.answer))
        if not isinstance(loss.answer, Fits):
            undecided.append(loss)
    if undecided:
        words = f"the loss of {_row(undecided[0].nodes)}: neither a place for all nor a proof against it"
        return Section("survive", "UNKNOWN", words)
    kinds = "1 kind of loss" if checked == 1 else f"{checked} kinds of loss"
    words = f"after the loss of {many} there is a place for all ({kinds})"
    return Section("survive", "HOLDS", words)


def _pool(found: Wanted, pools: dict[str, Node], milliseconds: int) -> Section:
    answer = smallest(found, pools, milliseconds=milliseconds)
    names = ", ".join(pools)
    if isinstance(answer, Smallest):
        counts = ", ".join(f"{count} x {name}" for name, count in answer.counts.items())
        total = sum(answer.counts.values())
        proof = "fewer nodes are proved to be too few" if answer.proved else "that fewer would do is not excluded"
        beside = f" beside the {len(found.groups.nodes)} there are" if found.groups.nodes else ""
        status = "HOLDS" if answer.proved else "UNKNOWN"
        words = f"{total} nodes are enough{beside}: {counts}; {proof}"
        return Section("pool", status, words, _where(answer.fits))
    if isinstance(answer, Misfit):
        words = f"no number of nodes of {names} is enough; without any one of these some would be"
        return Section("pool", "VIOLATED", words, _core(found, answer))
    return Section("pool", "UNKNOWN", f"no number of nodes of {names} is found to be enough or proved not to be")
