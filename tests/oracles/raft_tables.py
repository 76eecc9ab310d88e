"""The tables of etcd's raft library (tests/vectors/etcd-raft), held against quorums and changes of members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any, Literal

from attrs import frozen
from immutabledict import immutabledict

from kubeproof.impl.etcd.raft.membership import (
    Change,
    Configuration,
    Members,
    RefusedChange,
    enter_joint,
    leave_joint,
    simple,
)
from kubeproof.impl.etcd.raft.quorum import joint_committed, joint_vote, majority_committed, majority_vote

Json = Mapping[str, Any]
SPELLED: dict[str, Literal["voter", "learner", "removed", "update"]] = {
    "v": "voter",
    "l": "learner",
    "r": "removed",
    "u": "update",
}


@frozen
class Disagreement:
    """A row, or a step of one, that is decided differently here."""

    subject: str
    recorded: Any
    given: Any


def judge_quorum(record: Json) -> tuple[Disagreement, ...]:
    """Decide one row. Whatever a joint quorum comes to, it comes to with its halves exchanged."""
    said = {int(voter): value for voter, value in record["said"].items()}
    voters, outgoing = frozenset(record["voters"]), frozenset(record["outgoing"] or ())
    given: list[Any] = [
        joint_committed(one, other, said) if record["op"] == "committed" else joint_vote(one, other, said).value
        for one, other in ((voters, outgoing), (outgoing, voters))
    ]
    if record["outgoing"] is None:
        single: Any = majority_committed(voters, said) if record["op"] == "committed" else majority_vote(voters, said)
        given.append(single if record["op"] == "committed" else single.value)
    recorded = inf if record["result"] is None else record["result"]
    return tuple(Disagreement(record["id"], recorded, one) for one in given if one != recorded)


def judge_confchange(record: Json) -> tuple[Disagreement, ...]:
    """Make the changes of one file one after the other."""
    return tuple(_differing(record))


def _differing(record: Json) -> Iterator[Disagreement]:
    members: Members = (Configuration(), immutabledict())
    for last, step in enumerate(record["steps"]):
        recorded: Any = step.get("error") or (step["config"], step["progress"])
        given: Any
        try:
            members = _changed(members, step, last)
            given = _shown(members)
        except RefusedChange as refused:
            given = str(refused)
        if given != recorded:
            yield Disagreement(f"{record['id']} step {last} {step['op']}", recorded, given)


def _changed(members: Members, step: Json, last: int) -> Members:
    changes = [Change(SPELLED[word[0]], int(word[1:])) for word in step["changes"]]
    if step["op"] == "simple":
        return simple(members, changes, last)
    if step["op"] == "enter-joint":
        return enter_joint(members, changes, last, auto_leave=step["autoLeave"])
    return leave_joint(members)


def _shown(members: Members) -> tuple[Json, Json]:
    config, known = members
    shown = {
        "voters": sorted(config.voters),
        "outgoing": sorted(config.outgoing),
        "learners": sorted(config.learners),
        "learnersNext": sorted(config.learners_next),
        "autoLeave": config.auto_leave,
    }
    progress = {
        str(member): {"state": one.pace.value, "match": one.match, "next": one.next, "learner": one.learner}
        for member, one in sorted(known.items())
    }
    return shown, progress
