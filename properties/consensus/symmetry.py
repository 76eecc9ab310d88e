"""Members are alike: none of Raft's steps asks which one it is, so exchanging them changes names and nothing else.

What a member is about is in slots that bear its number, and only a vote names another. All members must be allowed to
stand. A fold costs more than it saves where the compiled engine does the rest: it is for larger worlds than are proved.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from ...model.components.control_plane.raft import of
from ...model.machine import Fact, Mention, Symmetry

MEMBER = "member"
OF_MEMBER = ("term", "role", "log", "commit")
OF_TERM_AND_MEMBER = ("ballot", "asks", "acks")


def alike(members: int, terms: int) -> Symmetry:
    """Return what can be exchanged: all members."""
    mentions = {me: (Mention(MEMBER, me),) for me in range(members)}
    slots = {of(what, me): (what, mentions[me]) for what in OF_MEMBER for me in mentions}
    for term in range(1, terms + 1):
        slots |= {
            of(what, term, me): (f"{what} {term}", mentions[me]) for what in OF_TERM_AND_MEMBER for me in mentions
        }
    return Symmetry({MEMBER: members}, slots, _facts, _rename)


def _names_one(template: str, value: Hashable) -> bool:
    return template.startswith("ballot") and isinstance(value, int) and value >= 0


def _facts(template: str, value: Hashable) -> tuple[Fact, ...]:
    if isinstance(value, int) and _names_one(template, value):
        return (("for", (Mention(MEMBER, value),)),)
    return ((value, ()),)


def _rename(template: str, value: Hashable, numbers: Mapping[Mention, int]) -> Hashable:
    if isinstance(value, int) and _names_one(template, value):
        return numbers[Mention(MEMBER, value)]
    return value
