"""Progress and the single copy: proved of small worlds, and refuted where a rule is broken."""

# ruff: noqa: E501 - rows of a table

from __future__ import annotations

from itertools import product

import pytest

from kubeproof.model.components.control_plane import etcd
from kubeproof.properties.consensus import proofs
from kubeproof.properties.consensus.progress import Bounds
from kubeproof.properties.consensus.single_copy import applied
from planted import planted


@pytest.mark.parametrize("name", proofs.QUICK)
def test_what_is_quick_is_proved(name: str) -> None:
    answer = proofs.PROOFS[name].run()
    assert answer.proved, answer.refuted


def test_logs_that_differ_leave_stores_that_differ() -> None:
    assert applied((1, 2)) == etcd.Set("b", "2").apply(etcd.Set("a", "1").apply(etcd.State()))
    logs = [log for length in range(4) for log in product((1, 2, 3), repeat=length)]
    assert len({applied(log) for log in logs}) == len(logs)


STUCK = [
    ("nobody stands for those who are behind", "consensus.progress", "if not led and votes > members // 2:", "if not led and votes >= members:"),
    ("nobody tells a later term", "consensus.progress", 'if view[of("term", me)] < newest:', "if False:"),
    ("nobody tells what is committed", "components.control_plane.raft", "for told in range(sure + 1):", "for told in range(1):"),
    ("a leader begins without an entry", "components.control_plane.raft", 'begins = {of("role", me): LEADER, of("sure", term): view[of("commit", me)]}\n            yield Outcome(f"leads term {term}", {**begins, **_appended(view, me, term)})', 'yield Outcome(f"leads term {term}", {of("role", me): LEADER, of("led", term): view[of("log", me)]})'),
]  # fmt: skip


@pytest.mark.parametrize(("module", "before", "after"), [row[1:] for row in STUCK], ids=[row[0] for row in STUCK])
def test_a_broken_rule_stops_progress(module: str, before: str, after: str) -> None:
    room = "model" if module.startswith("components") else "properties"
    with planted(f"kubeproof.{room}.{module}", before, after):
        answer = proofs.keeps_on(Bounds(2, 1, 2, 1))
    assert answer.refuted is not None
    assert answer.refuted[0] == "progress"


STALE = [
    ("a read is answered without a quorum", "read_index", "and len(read.followers) > members // 2", ""),
    ("a leader is asked before it has committed", "read_index", "[:index][-1:] == (term,)", "[:index][-1:] != (0,)"),
    ("a follower of a later term still says that it follows", "read_index", ' or view[of("term", me)] > read.term', ""),
    ("a minority commits", "raft", "having > members // 2", "having >= members // 2"),
    ("who votes does not look at the log", "raft", 'asked >= last(view[of("log", me)])', "True"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "before", "after"), [row[1:] for row in STALE], ids=[row[0] for row in STALE])
def test_a_broken_rule_makes_two_copies(module: str, before: str, after: str) -> None:
    with planted(f"kubeproof.model.components.control_plane.{module}", before, after):
        answer = proofs.one_copy(2, 2)
    assert answer.refuted is not None
    assert answer.refuted[0] == "refines"
