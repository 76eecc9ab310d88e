"""One wrong line in how users' controllers take part, and a verdict about an operator is another one."""

from __future__ import annotations

from functools import cache
from types import ModuleType

import pytest

from kubeproof.harness import face
from kubeproof.model.machine import MachineError
from places import EXAMPLES, load
from planted import planted

SYNCS = "kubeproof.harness.own.syncs"
PROPERTIES = "kubeproof.harness.own.properties"
CLUSTER = "kubeproof.harness.world.api_server"
WORLD = "kubeproof.model.world.world"

STALE = ("stale-restart", "datacenters", ("live_data_stays", "it_has_its_claim"))
FINALIZER = ("finalizer", "buckets", ("deleted_buckets_go",))
TWICE = ("twice", "fleets", ("no_pod_too_many", "the_fleet_runs"))
Operator = tuple[str, str, tuple[str, ...]]

FAULTS = [
    (
        "a refusal is not raised",
        SYNCS,
        "            if answer.ok:\n",
        "            if answer.code != 1:\n",
        FINALIZER,
        "reconcile",
    ),
    (
        "an uncaught refusal is no end",
        WORLD,
        "        return () if given_up(left) else left\n",
        "        return left\n",
        STALE,
        "repaired",
    ),
    (
        "one who is made again is the same",
        CLUSTER,
        "(isinstance(made, Pod | PersistentVolumeClaim) or ref_of(made).kind in own):",
        "isinstance(made, Pod):",
        STALE,
        "repaired",
    ),
    (
        "a read is answered from the view",
        SYNCS,
        "            answer = answers.pop()\n",
        "            answer = evolve(answers.pop(), object=talk.seen.objects.get(getattr(request, 'ref', talk.key)))\n",
        STALE,
        "repaired",
    ),
    (
        "what an object refers to is not who it is",
        PROPERTIES,
        "there = (view[slot] for slot in layout.pools.get(kind.name, ()))",
        "there = (view[slot] for slot in layout.pools.get(kind.name, ())[:1])",
        TWICE,
        "reconcile",
    ),
]


@cache
def operator(folder: str, name: str) -> ModuleType:
    return load(EXAMPLES / "operators" / folder / f"{name}.py")


def verdicts(one: Operator, function: str) -> dict[str, str]:
    folder, name, properties = one
    module = operator(folder, name)
    result = face.check(
        EXAMPLES / "operators" / folder,
        controllers=[getattr(module, function)],
        properties=[getattr(module, each) for each in properties],
    )
    return {claim.name: claim.status.value for claim in result.outcome.claims}


def notices(one: Operator, function: str) -> bool:
    try:
        return verdicts(one, function) != right(one, function)
    except MachineError:
        return True


@cache
def right(one: Operator, function: str) -> dict[str, str]:
    return verdicts(one, function)


@pytest.mark.parametrize(
    ("module", "before", "after", "one", "function"), [fault[1:] for fault in FAULTS], ids=[one[0] for one in FAULTS]
)
def test_the_fault_is_noticed(module: str, before: str, after: str, one: Operator, function: str) -> None:
    assert "VIOLATED" in right(one, function).values() if function == "reconcile" else right(one, function)
    with planted(module, before, after):
        assert notices(one, function)
