"""What scenario.yaml says of how Kubernetes does things: the release, its switches, and what is looked at closely."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from attrs import evolve

from ....impl.api.releases import NEWEST, RELEASES, Change, Release
from ..scenario import Consistency, Detail, Faults, Switch
from .located import Located
from .reader import Reader

Word = TypeVar("Word")
SWITCHES: Mapping[tuple[str, str], Switch | Change] = {
    **{(switch.key, switch.value_of_key): switch for switch in Switch},
    **{(change.key, value): change for change in Change for value in (change.before, change.after)},
}
"""What may stand in `switches`, by field and value: what was done once, and changes between the releases."""
DETAILS: Mapping[tuple[str, str], Detail] = {(detail.key, detail.value_of_key): detail for detail in Detail}
NEEDS: Mapping[object, Detail] = {
    "lostEvent": Detail.QUEUE,
    "apiServerRestart": Detail.QUEUE,
    **{(switch.key, switch.value_of_key): switch.of for switch in Switch if switch.of is not None},
}
"""Faults, and switches with their values, that are seen only where something is looked at more closely."""


def read_release(reader: Reader, at: Located | None, switches: Located | None) -> Release:
    """Read a release, the newest where none is named, and give it with what of it is switched."""
    release = NEWEST
    if at is not None and (name := reader.text(at)):
        if name not in RELEASES:
            reader.blame(at, f"release {name!r} is not modelled", f"known are {', '.join(RELEASES)}")
        release = RELEASES.get(name, NEWEST)
    given = switches.value if switches is not None and isinstance(switches.value, dict) else {}
    for change in (change for change in Change if change.key in given):
        release = release.with_change(change, done=given[change.key].value == change.after)
    return release


def read_switches(reader: Reader, at: Located | None) -> frozenset[Switch]:
    """Read what is done as Kubernetes did it once; changes between the releases are the release's business."""
    return frozenset(word for word in _words(reader, at, SWITCHES) if isinstance(word, Switch))


def read_details(reader: Reader, fields: Mapping[str, Located]) -> frozenset[Detail]:
    """Read what is looked at more closely; what is seen only so asks for it."""
    detail = _words(reader, fields.get("detail"), DETAILS)
    for field in ("faults", "switches"):
        given = fields[field].value if field in fields else {}
        for name, item in given.items() if isinstance(given, dict) else ():
            needed = NEEDS.get(name) or NEEDS.get((name, str(item.value)))
            if item.value and needed is not None and needed not in detail:
                reader.blame(item, "nobody would see it", f"write detail: {{{needed.key}: {needed.value_of_key}}}")
    return detail


def read_consistency(reader: Reader, at: Located | None, detail: frozenset[Detail]) -> Consistency:
    """Read how old views may be: behind a balancer they may go back when a component restarts."""
    given = Consistency.SESSION if at is None else reader.choice(at, Consistency)
    if Detail.APISERVERS not in detail:
        return given
    if at is not None and given is not Consistency.RESETTABLE:
        reader.blame(at, "behind several API servers views may go back", "leave it out, or write resettable")
    return Consistency.RESETTABLE


def with_leader_changes(faults: Faults, detail: frozenset[Detail]) -> Faults:
    """Return the faults with one change of etcd's leader, where it has one and no answer is lost otherwise."""
    return evolve(faults, lost_response=max(1, faults.lost_response)) if Detail.RAFT in detail else faults


def _words(reader: Reader, at: Located | None, known: Mapping[tuple[str, str], Word]) -> frozenset[Word]:
    """Read fields that each have one of a few values."""
    found = {} if at is None else reader.fields(at, list(dict.fromkeys(key for key, _ in known)))
    said = {key: str(item.value) if isinstance(item.value, int) else reader.text(item) for key, item in found.items()}
    for key, item in found.items():
        if (key, said[key]) not in known:
            values = ", ".join(value for name, value in known if name == key)
            reader.blame(item, f"{item.value!r} is not known of {key}", f"known are {values}")
    return frozenset(known[key, said[key]] for key in found if (key, said[key]) in known)
