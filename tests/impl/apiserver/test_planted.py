"""Faults that one line can make in the API server, and the lockstep run that notices each."""

from __future__ import annotations

import random

import pytest

from kubeproof.model.components.control_plane import apiserver as model
from kubeproof.properties.refinement.apiserver import Pair, drive
from planted import planted

RUNS = 100
STEPS = 25
OPENINGS: list[list[model.Action]] = [
    [],
    [model.Create("p", held=True), model.Bind("p", "n")],
    [model.Create("p"), model.Bind("p", "n"), model.Report("p", "Succeeded", ready=False)],
    [model.Protect(), model.Create("p"), model.Bind("p", "n"), model.Report("p", "Running", ready=True)],
]


def any_action(choose: random.Random, pair: Pair) -> model.Action:
    """Choose among all kinds of requests; half of the changes build on an old version."""
    name = choose.choice(model.NAMES)
    options: list[model.Action] = [
        model.Create(name, choose.random() < 0.5),
        model.Bind(name, choose.choice(model.NODES)),
        model.Report(name, "Running", choose.random() < 0.5),
        model.Report(name, *choose.choice(model.REPORTS)),
        model.Delete(name, choose.choice(model.GRACES)),
        model.Evict(name),
        model.Protect(choose.random() < 0.3),
        model.Count(choose.randint(0, 1), choose.randint(0, 2), choose.randint(0, 1)),
        model.Amend(),
    ]
    seen = sorted(version for one, version in pair.reads if one == name)
    if seen:
        options.append(model.Change(name, choose.choice(seen[-2:]), choose.choice(model.NOTES), choose.random() < 0.5))
    return choose.choice(options)


def breaches(runs: int = RUNS) -> list[str]:
    """Drive server and model together from several seeds; give the first lines that differ."""
    for seed in range(runs):
        choose, pair = random.Random(seed), Pair()  # noqa: S311 - repeatable, not secret
        opening = OPENINGS[seed % len(OPENINGS)]
        for number in range(STEPS):
            action = opening[number] if number < len(opening) else any_action(choose, pair)
            pair, lines = drive(pair, action)
            if lines:
                return list(lines)
    return []


FAULTS = [
    (
        "no conflict is noticed",
        "verbs.update",
        "request.base is not None and has_changed",
        "request.base is None and has_changed",
    ),
    ("a change of nothing takes a version", "verbs.update", "if final == stored:", "if final is stored:"),
    (
        "the last finalizer takes nothing away",
        "verbs.update",
        "Write(ref, None) if _ended(final) else put(final)",
        "put(final)",
    ),
    (
        "a grace period can be lengthened",
        "verbs.delete",
        "if shorter is None or shorter >= left:",
        "if shorter is None:",
    ),
    (
        "a shorter grace moves the deadline later",
        "verbs.delete",
        "deletion_timestamp - left + shorter",
        "deletion_timestamp + shorter",
    ),
    ("a finalizer holds nothing", "verbs.delete", "if marked.metadata.finalizers or marked", "if marked"),
    (
        "a finished Pod gets its grace",
        "verbs.delete",
        "if not pod.spec.node_name or pod.finished:",
        "if not pod.spec.node_name:",
    ),
    ("a Pod is bound twice", "verbs.binding", "if pod.spec.node_name:", "if pod.finished:"),
    ("a Pod on its way out is bound", "verbs.binding", "if pod.metadata.terminating:", "if pod.finished:"),
    (
        "an eviction ignores the budget",
        "verbs.eviction",
        "if status.disruptions_allowed == 0:",
        "if status.disruptions_allowed == -1:",
    ),
    ("an eviction costs nothing", "verbs.eviction", "status.disruptions_allowed - 1", "status.disruptions_allowed"),
    (
        "a stale count is believed",
        "verbs.eviction",
        "status.observed_generation < budget",
        "status.observed_generation > budget",
    ),
    (
        "an unready Pod always goes free",
        "verbs.eviction",
        "status.current_healthy >= status.desired_healthy > 0",
        "True",
    ),
    (
        "a terminating Pod needs a budget",
        "verbs.eviction",
        ' == "Pending" or pod.metadata.terminating',
        ' == "Pending"',
    ),
    (
        "an evicted Pod is not noted",
        "verbs.eviction",
        "{**status.disrupted_pods, pod: now}",
        "{**status.disrupted_pods}",
    ),
    ("a wish changes and nobody counts", "strategy", "1 if _wish_changed(new, old) else 0", "0"),
    (
        "a deleted key is seen as changed",
        "server",
        "told(None if event.deletes else",
        "told(event.prev if event.deletes else",
    ),
]


@pytest.mark.parametrize(("module", "before", "after"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_the_lockstep_run_notices(module: str, before: str, after: str) -> None:
    with planted(f"kubeproof.impl.apiserver.{module}", before, after):
        assert breaches() != []


def test_the_lockstep_run_finds_nothing_without_a_fault() -> None:
    assert breaches() == []
