"""A sample of the mutants, which dies; and what the tables must be to be believed."""

from __future__ import annotations

import importlib
import inspect
from collections import Counter
from typing import Any

import pytest
from attrs import evolve

import mutants

SAMPLE = (
    "budget: one Pod less is enough",
    "convergence: a refused step is no failure",
    "placement: nodes have no taints",
    "answers: UDP is heard by TCP",
    "everybody goes",
    "no namespace controller",
    "what a step deletes is not noted",
    "a scheduler sees no labels of nodes",
    "nothing is noted of what was applied",
    "what is not modelled softens nothing",
)
"""Two of claims and input each at least, none that takes long."""

ALL: tuple[Any, ...] = mutants.mutants()
BY_NAME = {one.name: one for one in ALL}


def test_no_two_mutants_of_a_table_are_one() -> None:
    assert max(Counter((one.module, one.before, one.after) for one in ALL).values()) == 1
    assert max(Counter((one.table, one.name) for one in ALL).values()) == 1


def test_fifty_and_more_die_in_check() -> None:
    in_check = [one for one in ALL if one.table in mutants.IN_CHECK]
    assert len(in_check) >= 50
    assert {one.table for one in in_check} == set(mutants.IN_CHECK)
    assert not any(one.asks.partition("::")[0].endswith(".py") for one in in_check)
    assert all(one.without != one.planted for one in ALL)


@pytest.mark.parametrize("name", sorted({one.module for one in ALL}))
def test_every_wrong_line_has_its_place_in_the_code(name: str) -> None:
    source = inspect.getsource(importlib.import_module(f"kubeproof.{name}"))
    assert [one.name for one in ALL if one.module == name and source.count(one.before) != 1] == []


def test_every_small_world_is_asked() -> None:
    assert mutants.WORLDS.WORLDS.keys() <= {one.asks for one in ALL}


@pytest.mark.parametrize("name", SAMPLE)
def test_a_mutant_dies(name: str) -> None:
    ((_, without, after),) = mutants.judged([BY_NAME[name]])
    assert (without, after) == (BY_NAME[name].without, BY_NAME[name].planted)


def test_a_mutant_that_changes_nothing_lives(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    same = evolve(BY_NAME[SAMPLE[3]], after="if there and protocol not in there or False:")
    monkeypatch.setattr(mutants, "mutants", lambda: (same,))
    assert mutants.main(["--jobs", "1"]) == 1
    assert capsys.readouterr().out.startswith("LIVED claims: ")
