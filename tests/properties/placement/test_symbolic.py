"""Running a function on symbolic values gives what running it on each value gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeproof.properties.placement.symbolic import WORD, Constants, Trial, Unfaithful, differ, every_path, summary

small = st.integers(-3, 3)


def biggest_and_counts(x: Any, y: Any, z: Any) -> bool:
    """Use what plain code uses: max, sum, chained comparison, sorted, sets, remainders, truth of a number."""
    total = sum([x, y, z]) - min(x, y)
    distinct = len({x, y, z})
    middle = sorted([x, y, z])[1]
    shifted = (x + 4) % 8 - 4
    return bool((0 <= total < 3 and distinct > 1) or (max(x, y) == z and z) or (middle - 1 == -y) or shifted != x)


def of_numbers(program: Callable[..., Any]) -> Any:
    return summary(lambda trial: program(*(trial.number(name, -3, 3) for name in "xyz")))


NUMBERS = of_numbers(biggest_and_counts)


@settings(max_examples=120)
@given(small, small, small)
def test_a_program_of_numbers_is_summed_up_exactly(x: int, y: int, z: int) -> None:
    values = [(z3.Int(name), z3.IntVal(value)) for name, value in zip("xyz", (x, y, z), strict=True)]
    said = z3.simplify(z3.substitute(NUMBERS.true, *values))
    assert z3.is_true(said) == biggest_and_counts(x, y, z)
    assert z3.is_true(z3.simplify(z3.substitute(NUMBERS.inputs, *values)))


CONSTANTS = Constants(("", "a"), ("", "a"))


def among_words(x: Any, y: Any, z: Any) -> bool:
    """Use words as keys, in sets and tuples, and for their truth."""
    counts = {x: 1}
    counts[y] = counts.get(y, 0) + 1
    return bool(z in {"", x} or counts.get(z, 0) == 2 or ("a", x) == (z, y) or (x or "a") == y)


WORDS = summary(lambda trial: among_words(*map(trial.word, "xyz")), CONSTANTS)


@settings(max_examples=120)
@given(*[st.sampled_from(["", "a", "b", "c", "d"])] * 3)
def test_a_program_of_words_is_summed_up_exactly(x: str, y: str, z: str) -> None:
    terms = {text: z3.Const(repr(text), WORD) for text in ("", "a", "b", "c", "d")}
    solver = z3.Solver()
    solver.add(z3.Distinct(list(terms.values())))
    solver.add([z3.Const(name, WORD) == terms[text] for name, text in zip("xyz", (x, y, z), strict=True)])
    solver.add(WORDS.true != z3.BoolVal(val=among_words(x, y, z)))
    assert solver.check() == z3.unsat


def test_two_programs_that_differ_for_one_input_are_told_apart_by_it() -> None:
    one, other = of_numbers(lambda x, y, z: x + y > z), of_numbers(lambda x, y, z: x + y > z or x * 9 == y * 9 + 54)
    found = differ(one, other)
    assert found is not None
    assert set(found) >= {"x = 3", "y = -3"}
    assert differ(one, one) is None


def test_inputs_that_a_program_was_not_run_on_are_a_difference() -> None:
    whole = summary(lambda trial: trial.number("x", 0, 3) >= 0)
    half = summary(lambda trial: trial.number("x", 0, 3) >= 0)
    missing = type(half)(half.paths, half.true, z3.And(half.inputs, z3.Int("x") != 2), half.granted)
    assert differ(whole, missing) == ("x = 2",)


def test_each_path_is_run_once_and_impossible_ones_not_at_all() -> None:
    def three_ways(trial: Trial) -> str:
        x = trial.number("x", 0, 9)
        if x > 5:
            return "unreachable" if x < 3 else "large"
        return trial.pick("word", ["one", "two"])

    assert sorted(path.value for path in every_path(three_ways)) == ["large", "one", "two"]


def test_two_words_are_never_the_same() -> None:
    def both(trial: Trial) -> tuple[bool, bool]:
        word = trial.word("x")
        return bool(word == "a"), bool(word == "")

    found = [path.value for path in every_path(both, CONSTANTS)]
    assert sorted(found) == [(False, False), (False, True), (True, False)]


def test_a_claim_about_a_path_is_refuted_by_its_inputs_only() -> None:
    paths = every_path(lambda trial: (x := trial.number("x", 0, 9), bool(x > 4)))
    refuted = [(path.value[1], path.refutes(path.value[0] != 7)) for path in paths]
    assert sorted(refuted, key=str) == [(False, None), (True, ("x = 7",))]


@pytest.mark.parametrize(
    ("program", "why"),
    [
        pytest.param(lambda trial: trial.word("x") == "undeclared", "not among the constants", id="another constant"),
        pytest.param(lambda trial: trial.number("x", 0, 3) % -2, "remainder", id="a remainder by less than nothing"),
        pytest.param(lambda trial: trial.number("x", 3, 2), "excluded", id="an empty range"),
    ],
)
def test_what_would_not_be_faithful_raises(program: Callable[[Trial], Any], why: str) -> None:
    with pytest.raises(Unfaithful, match=why):
        list(every_path(program, Constants(("",))))


@pytest.mark.parametrize("program", [str.upper, lambda word: word < "a", len], ids=["upper", "order", "length"])
def test_a_word_can_only_be_compared(program: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        list(every_path(lambda trial: program(trial.word("x")), CONSTANTS))
