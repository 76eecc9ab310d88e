"""Documented failures that are folders are found, and gone with their repair; `kubeproof zoo` tells of all."""

from __future__ import annotations

from functools import partial

import pytest
import yaml
from attrs import evolve

from kubeproof.harness.cli import main
from kubeproof.harness.zoo import command, folders, registry
from kubeproof.harness.zoo.catalogue import Found, Pair, as_documented
from kubeproof.model.checker.results import Status

PAIRS = [pair for topic in registry.TOPICS for pair in folders.pairs(topic)]
ALONE = {"cronjob-gives-up-after-an-outage", "operator-restarts-into-the-past", "rejected-pod-takes-room"}
"""What nothing else tests of which these are about."""
SAMPLE = [pair for number, pair in enumerate(PAIRS) if number % 3 == 0 or pair.name in ALONE]
"""Every third, and those; `make zoo` runs all."""
ONE = "room-reported-free-too-early"


@pytest.mark.parametrize("pair", SAMPLE, ids=lambda pair: pair.name)
def test_the_failure_is_found_and_its_repair_proved(pair: Pair) -> None:
    faulty, repaired = pair.faulty(), pair.repaired()
    assert as_documented(faulty, repaired)
    assert pair.folder is not None
    assert any(folders.written(pair.folder).shows in line for line in faulty.lines)
    assert faulty.claim == repaired.claim


def test_every_folder_is_a_failure_of_a_known_topic_and_expects_what_is_documented() -> None:
    assert sorted(pair.name for pair in PAIRS) == sorted(path.name for path in folders.FAILURES.iterdir())
    for pair in PAIRS:
        assert pair.folder is not None
        words = folders.written(pair.folder)
        claim = words.claim
        if words.properties:
            assert claim == words.properties[0].replace("_", "-")
            continue
        for twin, verdict in (("faulty", "VIOLATED"), ("repaired", "HOLDS")):
            scenario = yaml.safe_load((pair.folder / twin / "scenario.yaml").read_text())
            assert scenario["expect"][claim] == verdict


def test_names_sources_and_words_are_given_once_each() -> None:
    every = [pair for _, pair in registry.chosen(())]
    assert len({pair.name for pair in every}) == len({pair.what for pair in every}) == len(every) >= 76
    assert all(pair.sources and pair.repair for pair in every)


def test_a_failure_that_is_not_as_documented_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    (pair,) = (pair for pair in PAIRS if pair.name == ONE)
    healthy = partial(Found, Status.HOLDS, "convergence", 1, 0.0)
    monkeypatch.setattr(registry, "topics", lambda: {"placement": (evolve(pair, faulty=healthy),)})
    (ran,) = command.run([ONE], trace=False)
    assert not ran.right
    assert ran.text.startswith(f"ODD  placement/{ONE}")
    assert "(vacuous)" not in ran.text
    empty = partial(Found, Status.HOLDS, "convergence", 1, 0.0, (), vacuous=True)
    monkeypatch.setattr(registry, "topics", lambda: {"placement": (evolve(pair, faulty=healthy, repaired=empty),)})
    (ran,) = command.run([ONE], trace=False)
    assert not ran.right
    assert "repaired:  convergence: HOLDS (vacuous)" in ran.text


def test_what_takes_long_is_named_at_the_end() -> None:
    quick, slow = command.Ran("quick", True, "", (1.0, 2.0)), command.Ran("slow", False, "", (1.0, 12.5))  # noqa: FBT003
    words = "documented failures are found, and gone with their repairs"
    assert command.summed_up([quick, slow]) == f"1 of 2 {words} (16 CPU s, longer than 10 s: slow repaired)\n"
    assert command.summed_up([quick]) == f"1 of 1 {words} (3 CPU s, none longer than 10 s)\n"


def test_the_command_lists_runs_and_shows(capsys: pytest.CaptureFixture[str]) -> None:
    def said(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["zoo", *words])
        out = capsys.readouterr()
        return int(ended.value.code or 0), out.out, out.err

    code, every, _ = said()
    assert (code, every) == (0, said("list")[1])
    assert all(pair.name in every for _, pair in registry.chosen(()))
    headings = [line for line in every.splitlines() if line and not line.startswith(" ")]
    assert headings == list(dict.fromkeys(topic for topic, _ in registry.chosen(())))
    code, ran, _ = said("run", ONE, "--trace")
    assert code == 0
    assert "1 of 1 documented failures are found, and gone with their repairs" in ran
    assert "reject OutOfcpu" in ran
    code, shown, _ = said("show", ONE)
    assert code == 0
    assert "- switches: {podStatus: before-1.27}" in shown
    assert "without manifests" in said("show", "victim-never-terminates")[1]
    code, _, complaint = said("run", "placment")
    assert code == 2
    assert "did you mean placement?" in complaint
