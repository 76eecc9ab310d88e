"""Quantities are exact numbers until they are asked for as an int64, and print in one way only."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kubeproof.impl.api.values import int64
from kubeproof.impl.api.values.int_or_percent import IntOrPercentError, scaled_value
from kubeproof.impl.api.values.quantity import BINARY_SI, ZERO, Quantity, QuantityError, parse_quantity

SUFFIX = st.sampled_from(["n", "u", "m", "", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E-2", "e0"])
NUMBER = st.one_of(
    st.integers(-5, 5).map(str),
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(-3000, 3000, places=3).map(str),
    st.sampled_from(["1024", "1000", "-1000", "0", "1.", ".5", "+2", "007", "0.000"]),
)
SPELLINGS = st.builds("{}{}".format, NUMBER, SUFFIX)


@given(SPELLINGS)
def test_the_printed_form_is_the_same_number_and_prints_itself(text: str) -> None:
    quantity = parse_quantity(text)
    assume(abs(quantity.number) < 10**21)  # Beyond it no suffix is known, and none is printed.
    again = parse_quantity(str(quantity))
    assert again.same_amount(quantity)
    assert str(again) == str(quantity)


@given(SPELLINGS, SPELLINGS)
def test_the_order_is_the_order_of_the_numbers(one: str, other: str) -> None:
    mine, others = parse_quantity(one), parse_quantity(other)
    assert (mine < others) == (mine.number < others.number)
    assert (mine <= others) == (mine.number <= others.number)
    assert (mine > others) == (mine.number > others.number)
    assert (mine >= others) == (mine.number >= others.number)
    assert mine.same_amount(others) == (mine.number == others.number)


@given(SPELLINGS, SPELLINGS)
def test_sums_and_differences_are_exact(one: str, other: str) -> None:
    mine, others = parse_quantity(one), parse_quantity(other)
    assert (mine + others).number == mine.number + others.number
    assert (mine - others).number == mine.number - others.number
    assert (-mine).number == -mine.number


@given(SPELLINGS)
def test_a_value_is_rounded_away_from_zero_while_the_number_is_short(text: str) -> None:
    quantity = parse_quantity(text)
    if quantity.big or not int64.fits(quantity.number.__ceil__() * 1000):
        return
    magnitude = abs(quantity.number)
    assert quantity.value() == quantity.sign * magnitude.__ceil__()
    assert quantity.milli_value() == quantity.sign * (magnitude * 1000).__ceil__()


def test_zero_takes_over_the_format_of_what_is_added() -> None:
    assert str(ZERO + parse_quantity("1Gi") + parse_quantity("1Gi")) == "2Gi"
    assert str(parse_quantity("1") + parse_quantity("1Gi")) == "1073741825"


def test_a_negative_big_decimal_is_rounded_up_past_zero_as_kubernetes_does() -> None:
    assert parse_quantity("-77547.4300u").value() == 1


def test_a_sum_with_a_big_decimal_is_one() -> None:
    big, short = parse_quantity("-77547.4300u"), parse_quantity("-1")
    assert ((big + short).value(), (short + big).value()) == (0, 0)
    assert not (short + short).big
    assert (Quantity.of(int64.MAX) + Quantity.of(1)).big


def test_a_number_of_more_than_18_digits_is_a_big_decimal() -> None:
    assert not parse_quantity("123456789012345678").big
    assert parse_quantity("1234567890123456789").big


def test_a_fraction_of_a_byte_is_written_in_decimal() -> None:
    assert str(parse_quantity("0.0001Ki")) == "102400u"


@pytest.mark.parametrize(
    ("text", "value", "milli"),
    [
        ("9223372036854775808", int64.MIN, 0),
        ("1Ei", 2**60, int64.MIN),
        ("100E", 0, 0),
        ("8Ei", int64.MAX, (2**63 - 1) * 1000),
        ("100P", 10**17, 0),
        ("395655566303G", 395655566303 * 10**9 - 21 * 2**64, 0),
    ],
    ids=[
        "2^63 wraps",
        "millis wrap",
        "a loop that overflows gives 0",
        "a binary one is capped",
        "millis of 100P",
        "a short cut wraps",
    ],
)
def test_an_int64_overflows_silently(text: str, value: int, milli: int) -> None:
    quantity = parse_quantity(text)
    assert quantity.value() == value
    assert quantity.milli_value() == int64.wrap(milli)


@pytest.mark.parametrize("text", ["", " 1", "1 ", "fast", "1.2.3", "1Kii", "1e", "1e3Ki", "--1", "1_000", "٣"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(QuantityError):
        parse_quantity(text)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("0.5", "500m"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1000m", "1"),
        ("+1", "+1"),
        ("1e3", "1e3"),
        ("2.5", "2500m"),
    ],
)
def test_the_canonical_form_has_no_fraction_and_the_largest_suffix(text: str, printed: str) -> None:
    assert str(parse_quantity(text)) == printed


def test_quantities_are_made_of_numbers() -> None:
    assert str(Quantity.of(2048, BINARY_SI)) == "2Ki"


@given(st.integers(), st.integers(0, 30))
def test_an_int64_multiplied_by_a_power_of_ten_is_exact_whenever_it_fits(number: int, power: int) -> None:
    number = int64.wrap(number)
    product, fitted = int64.scale_up(number, power)
    if int64.fits(number * 10**power) and number != int64.MIN:
        assert (product, fitted) == (number * 10**power, True)
    else:
        assert not fitted or power == 0


@pytest.mark.parametrize(
    ("value", "total", "up", "down"),
    [(3, 10, 3, 3), ("25%", 10, 3, 2), ("100%", 7, 7, 7), ("0%", 7, 0, 0), ("150%", 3, 5, 4), ("-50%", 5, -2, -3)],
)
def test_a_percentage_is_rounded_as_asked(value: int | str, total: int, up: int, down: int) -> None:
    assert scaled_value(value, total, round_up=True) == up
    assert scaled_value(value, total, round_up=False) == down


@pytest.mark.parametrize("text", ["5", "1.5%", "%", "100%%", "abc", "99999999999999999999%"])
def test_text_that_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(IntOrPercentError):
        scaled_value(text, 10, round_up=True)
