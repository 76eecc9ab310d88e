"""What a kube-apiserver v1.36.2 made of requests that admission, budgets and finalizers decide about, and what we do.

1,100 requests at random (tests/vectors/1.36/apiserver/admission.jsonl.xz), each to a namespace of its own, with nothing
else running: what was there (`note.before`), the answer with its warnings, and every object that it changed (`after`,
`gone`). A record agrees where code, reason, message, causes, warnings, the whole object that is shown, the owners of
its fields, and every object that is changed are the same. The second half (`2/`) was kept unseen while the first was
mended.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter
from typing import Any

import pytest

from kubeproof.impl.api.releases import RELEASES
from oracles.apiserver import Answered, answers, is_same
from places import VECTORS
from planted import planted

FILE = VECTORS / "1.36" / "apiserver" / "admission.jsonl.xz"
AGREEING = {
    "account": (80, 80),
    "apply": (117, 120),
    "deletion": (115, 120),
    "eviction": (118, 120),
    "limits": (88, 90),
    "namespaces": (55, 59),
    "podsecurity": (106, 120),
    "priority": (71, 80),
    "quota": (130, 140),
    "runtime": (59, 60),
    "subs": (40, 50),
    "tolerations": (50, 50),
}
"""How many records of each family agree, of how many. Others are about rules of Pods that are not modelled (Windows,
the diff in the message about a Pod's change, statuses) or about the owners of fields that the server filled in."""


def records(*families: str) -> list[dict[str, Any]]:
    with lzma.open(FILE, "rt") as lines:
        every = [json.loads(line) for line in lines]
    return [one for one in every if not families or one["name"].partition(" ")[0] in families]


def answered(*families: str) -> list[Answered]:
    return [next(answers([one], RELEASES["1.36"])) for one in records(*families)]


@pytest.fixture(scope="module")
def found() -> dict[str, tuple[int, int]]:
    judged = [one for one in answered() if one.ours is not None]
    every = Counter(one.name.partition(" ")[0] for one in judged)
    same = Counter(one.name.partition(" ")[0] for one in judged if is_same(one))
    return {family: (same[family], every[family]) for family in every}


def test_as_many_agree_as_ever_did(found: dict[str, tuple[int, int]]) -> None:
    assert found == AGREEING


ADMISSION = "kubeproof.impl.apiserver.admission"
EVICTION, UPDATE = (f"kubeproof.impl.apiserver.verbs.{verb}" for verb in ("eviction", "update"))


@pytest.mark.parametrize(
    ("family", "module", "before", "after"),
    [
        ("eviction", EVICTION, "return refused, paid", "return refused, ()"),
        ("eviction", EVICTION, 'evolve(request, version="")', "request"),
        ("quota", f"{ADMISSION}.quota", "return is_bounded(new) != is_bounded(old)", "return False"),
        ("quota", f"{ADMISSION}.quota", "and not _asks_as_a_whole(obj, release)", ""),
        ("podsecurity", f"{ADMISSION}.pod_security", "if mode == WARN and", "if not mode and"),
        ("podsecurity", f"{ADMISSION}.pod_standards", '"; ".join(told)', '", ".join(told)'),
        ("account", f"{ADMISSION}.serviceaccount", 'if not spec.extra.get("imagePullSecrets") and', "if not spec and"),
        ("runtime", f"{ADMISSION}.runtimeclass", "if pod.spec.overhead and not defined else", "if False else"),
        ("runtime", f"{ADMISSION}.runtimeclass", "mine.get(key, value) != value", "False"),
        ("namespaces", UPDATE, "with_name_label(_with_history(new, stored))", "_with_history(new, stored)"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_a_difference(
    found: dict[str, tuple[int, int]], family: str, module: str, before: str, after: str
) -> None:
    with planted(module, before, after):
        same = sum(one.ours is not None and is_same(one) for one in answered(family))
    assert same < found[family][0]
