"""Who did what, in the words of somebody who knows kubectl.

The names of actions tell apart what a machine can do, and number what has no name of its own ("kubelet 3: works"). A
person wants to know which kubelet, or of which ReplicaSet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..impl.api.meta import Ref
from ..model.world.verbs import Verb
from .changes import Change
from .document import Moment, said
from .gist import gist

KUBECTL, KUBELET = "kubectl", "kubelet"
ACTS = frozenset({Verb.SENDS.value, Verb.WORKS.value, Verb.PASSES_OVER.value, Verb.ABANDONS.value})
"""Of these the label says it all."""
NUMBERED = re.compile(r"(?P<who>.+) \d+")
ON_NODE = re.compile(r"\S+: ")
NOTHING = f"{KUBECTL} finds nothing: "
ADOPTS = "adopts or releases"
UPDATE = re.compile(rf"(?P<verb>updates|patches|{ADOPTS}) (?P<about>\w+ \S+)(?P<status> \(status\))?")
COMMAND = re.compile(r"kubectl \d+: (?P<words>.+)")


def told(moment: Moment) -> str:
    """Say who did what in a step, and of an update what it changed."""
    return who_did(moment.action, outcome(moment.label, moment.changes), moment.by, moment.verb, moment.on)


def outcome(label: str, changes: Iterable[Change]) -> str:
    """Say what came of a step: its label, and of an update the fields that it changed, from its structured changes.

    A label says so itself of replicas.
    """
    found = UPDATE.fullmatch(label)
    changed = gist(changes, found["about"]) if found else ""
    if not found or not changed:
        return label
    verb = "updates" if found["verb"] == ADOPTS else found["verb"]
    return f"{verb} {found['about']}{found['status'] or ''}: {changed}"


def who_did(action: str, label: str, by: str, verb: str, on: Ref | str) -> str:
    """Say who did what: `by`, `verb` and `on` are those of the action ("" of a machine that has none)."""
    if not by or not verb:
        return label if label == action.replace(": ", " ") else said(action, label)
    if by == KUBECTL and (command := COMMAND.fullmatch(action)):
        words = command["words"].removesuffix(f" {verb}")
        found = label.replace(NOTHING, "there is no ")
        return f"{KUBECTL} {label}" if label.startswith(words) else f"{KUBECTL} {words}: {found}"
    if by == KUBELET:
        return f"{KUBELET} {label}" if ON_NODE.match(label) else f"{KUBELET}: {label}"
    head, _, does = action.partition(": ")
    numbered = NUMBERED.fullmatch(head)
    who = f"{by} {on.name}" if numbered and numbered["who"] == by and isinstance(on, Ref) and on.kind != _OWN else head
    return f"{who}: {label}" if verb in ACTS or label.startswith(does) else f"{who}: {does}: {label}"


_OWN = "Scheduler"
"""Schedulers are no objects: their numbers are all there is to tell them apart."""
