"""The answers of `kubeproof place` in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...impl.api.cache import Cache
from ...impl.api.core import Node
from ...impl.api.releases import NEWEST, Change
from ...impl.api.well_known import ZONE
from ...impl.scheduler import Snapshot, decide
from ...impl.scheduler.profile import default_profile
from ...properties.placement.groups import Answer, Fits, Group, Misfit, Undecided
from ...properties.placement.problem import called
from .advice import by_scheduling, capacity, changes
from .losses import Loss, losses, zone_losses
from .place import Wanted, solve
from .pool import Smallest, smallest
from .words import Section, core, pods, row, where

TELLING = NEWEST.with_change(Change.TAINTS_UNNAMED, done=False)
"""Whoever asks wants to know which taint it is."""
EVERY_NODE = evolve(default_profile(TELLING), percentage_of_nodes_to_score=100)


@frozen
class Report:
    """Where each group can go alone, then the sections."""

    alone: tuple[str, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """The worst of the sections; what is not modelled and wants a place makes HOLDS UNKNOWN."""
        found = {section.status for section in self.sections}
        if "VIOLATED" in found:
            return "VIOLATED"
        return "UNKNOWN" if "UNKNOWN" in found or self.notes else "HOLDS"

    def text(self) -> str:
        """Return it as printed."""
        notes = [f"UNKNOWN: {note}" for note in self.notes]
        sections = (section.text() for section in self.sections)
        return "\n".join((*self.alone, "", *sections, *notes, *self.remarks)).rstrip() + "\n"

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        sections = [
            {
                "question": section.question,
                "status": section.status,
                "words": section.words,
                "lines": list(section.lines),
            }
            for section in self.sections
        ]
        return {
            "status": self.status,
            "alone": list(self.alone),
            "sections": sections,
            "notes": list(self.notes),
            "remarks": list(self.remarks),
        }


@frozen
class Asked:
    """What is asked beyond a place for all."""

    survive: int = 0
    survive_zones: int = 0
    minimise: str = ""
    """ "nodes" of the pools, "changes" or "capacity"."""
    pools: Mapping[str, Node] = immutabledict()
    milliseconds: int = 10_000


def report(found: Wanted, asked: Asked) -> Report:
    """Answer what is asked: all together, after losses, with least changes, or on the smallest pool."""
    sections: list[Section] = []
    alone: tuple[str, ...] = ()
    if found.groups.nodes or not asked.pools:
        there = Snapshot.of(Cache.of([*found.groups.nodes, *found.groups.bound, *found.others]))
        alone = tuple(line for group in found.groups.groups for line in _alone(found, there, group))
    if asked.pools:
        sections.append(_pool(found, dict(asked.pools), asked.milliseconds))
    else:
        sections.append(_together(found, solve(found.groups, found.others, milliseconds=asked.milliseconds)))
    if asked.minimise == "changes":
        sections.append(changes(found, asked.milliseconds))
    if asked.minimise == "capacity":
        sections.append(capacity(found, asked.milliseconds))
    if sections[0].status == "HOLDS":
        sections += _losses(found, asked)
    return Report(alone, tuple(sections), found.unknown, found.remarks)


# --- each alone ---------------------------------------------------------------------------------------------------


def _alone(found: Wanted, snapshot: Snapshot, group: Group) -> list[str]:
    """Say on which nodes one Pod of a group could go, and why not on the others; nodes with the same words together."""
    decision = decide(group.pod, snapshot, EVERY_NODE)
    head = f"{_title(found, called(group.pod))}: {pods(group.count)}"
    if decision.skipped:
        return [head, f"  not tried: {decision.skipped}"]
    lines = [head, f"  can go to {len(decision.feasible)} of {len(snapshot.nodes)} nodes{_list(decision.feasible)}"]
    why: dict[str, list[str]] = {}
    for name, refusal in decision.refusals.items():
        plugin = f" ({refusal.plugin})" if refusal.plugin else ""
        why.setdefault(f"{', '.join(refusal.reasons)}{plugin}", []).append(name)
    lines += [f"  not to {row(names)}: {words}" for words, names in why.items()]
    if decision.preemption.selections:
        lines.append(f"  evicting Pods of lower priority would make room on {row(decision.preemption.selections)}")
    return lines


def _title(found: Wanted, group: str) -> str:
    ref = found.owners.get(group)
    if ref is None:
        return group
    source = found.manifests.sources.get(ref)
    where = f" ({source.file}:{source.line})" if source else ""
    return f"{ref.kind} {group}{where}"


def _list(names: tuple[str, ...]) -> str:
    return f": {row(names)}" if names else ""


# --- all together -------------------------------------------------------------------------------------------------


def _why(answer: Misfit) -> str:
    if answer.minimal:
        return "without any one of these there would be"
    return "these together are why (in the time given it was not found out whether all are needed)"


def _together(found: Wanted, answer: Answer) -> Section:
    total = sum(group.count for group in found.groups.groups)
    nodes = len(found.groups.nodes)
    number = "1 node" if nodes == 1 else f"{nodes} nodes"
    if isinstance(answer, Fits):
        lines = (*where(answer), *by_scheduling(found, answer))
        return Section("together", "HOLDS", f"{pods(total)} on {number}: there is a place for all", lines)
    if isinstance(answer, Misfit):
        words = f"{pods(total)} on {number}: there is no place for all; {_why(answer)}"
        return Section("together", "VIOLATED", words, core(found, answer))
    words = f"{pods(total)} on {number}: neither a place for all nor a proof against it: {answer.why}"
    return Section("together", "UNKNOWN", words)


# --- losses and pools ---------------------------------------------------------------------------------------------


def _losses(found: Wanted, asked: Asked) -> Iterator[Section]:
    """Answer for the loss of nodes and of zones."""
    nodes, time = len(found.groups.nodes), asked.milliseconds
    if number := asked.survive:
        if number >= nodes:
            yield Section("survive", "VIOLATED", f"the loss of {number} nodes leaves none")
        else:
            yield _survives("node", number, losses(found, number, milliseconds=time), found)
    if number := asked.survive_zones:
        lost = list(zone_losses(found, number, milliseconds=time))
        if lost:
            yield _survives("zone", number, iter(lost), found)
        else:
            yield Section("survive", "UNKNOWN", f"fewer than {number} nodes have different labels {ZONE}")


def _survives(what: str, number: int, lost: Iterator[Loss], found: Wanted) -> Section:
    """Stop at the first loss that is not survived: it is the witness."""
    undecided: list[tuple[Loss, str]] = []
    checked = 0
    for loss in lost:
        checked += 1
        if isinstance(loss.answer, Misfit):
            words = f"without {row(loss.names)} there is no place for all; {_why(loss.answer)}"
            return Section("survive", "VIOLATED", words, core(found, loss.answer))
        if isinstance(loss.answer, Undecided):
            undecided.append((loss, loss.answer.why))
    if undecided:
        loss, why = undecided[0]
        words = f"the loss of {row(loss.names)}: neither a place for all nor a proof against it: {why}"
        return Section("survive", "UNKNOWN", words)
    kinds = "1 kind of loss" if checked == 1 else f"{checked} kinds of loss"
    many = f"any 1 {what}" if number == 1 else f"any {number} {what}s"
    return Section("survive", "HOLDS", f"after the loss of {many} there is a place for all ({kinds})")


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
        return Section("pool", status, words, where(answer.fits))
    if isinstance(answer, Misfit):
        words = f"no number of nodes of {names} is enough; without any one of these some would be"
        return Section("pool", "VIOLATED", words, core(found, answer))
    return Section("pool", "UNKNOWN", f"no number of nodes of {names} is found to be enough or proved not to be")
