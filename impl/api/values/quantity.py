"""Quantities: "500m" of a CPU, "64Mi" of memory.

Upstream: staging/src/k8s.io/apimachinery/pkg/api/resource/{quantity,amount,suffix}.go (v1.32).
A number is held as Kubernetes holds it, because what `value()` answers at the edges depends on it: as an int64 times a
power of ten when it is short enough, else as a big decimal of nine places. The spelling is kept where Kubernetes keeps
it.
Left out on purpose: multiplication, rounding in place and approximate floats, which no modelled component uses.
"""

from __future__ import annotations

import re
from fractions import Fraction

from attrs import evolve, frozen

from . import int64

DECIMAL_SI = "DecimalSI"
BINARY_SI = "BinarySI"
DECIMAL_EXPONENT = "DecimalExponent"

NANO = 9
MAX_DIGITS = 18
DECIMAL_SUFFIXES = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
BINARY_SUFFIXES = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
DECIMAL_NAMES = {exponent: suffix for suffix, exponent in DECIMAL_SUFFIXES.items()}
BINARY_NAMES = {0: ""} | {exponent: suffix for suffix, exponent in BINARY_SUFFIXES.items()}

SHAPE = re.compile(r"([+-]?)(0*)([0-9]*)(\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII)
EXPONENT = re.compile(r"[eE]([-+]?[0-9]+)", re.ASCII)
PATTERN = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
WRONG_SHAPE = f"quantities must match the regular expression '{PATTERN}'"
WRONG_SUFFIX = "unable to parse quantity's suffix"
LARGEST_EXPONENT = 1000
"""Beyond it a number is refused here: writing it out, as Kubernetes tries to, would not end."""


class QuantityError(ValueError):
    """Text that is no quantity; the message is Kubernetes' own."""


@frozen(cache_hash=True)
class Quantity:
    """A number, `unscaled * 10**exponent`, and how it is written.

    Two quantities are equal (==) when they hold and print the same; `<` and its kin, and `same_amount`, compare the
    numbers alone, as Kubernetes' Cmp does. `text` is the spelling to keep, "" for the canonical one. `big` tells that
    the number is held as a big decimal.
    """

    unscaled: int = 0
    exponent: int = 0
    format: str = DECIMAL_SI
    text: str = ""
    big: bool = False

    @classmethod
    def of(cls, value: int, form: str = DECIMAL_SI) -> Quantity:
        """Make a quantity of a whole number."""
        return cls(value, 0, form)

    @property
    def number(self) -> Fraction:
        """The exact number."""
        return Fraction(self.unscaled) * Fraction(10) ** self.exponent

    @property
    def sign(self) -> int:
        """-1, 0 or 1."""
        return (self.unscaled > 0) - (self.unscaled < 0)

    def value(self) -> int:
        """Return the number rounded up, as Kubernetes' Value: an int64, which overflows silently."""
        return self.scaled_value(0)

    def milli_value(self) -> int:
        """Return the number of thousandths rounded up, as Kubernetes' MilliValue: an int64 that overflows silently."""
        return self.scaled_value(-3)

    def scaled_value(self, scale: int) -> int:
        """Return the number of units of `10**scale` rounded up: an int64, which overflows silently."""
        if self.big:
            return int64.rescale(self.unscaled, -self.exponent, -scale)
        if self.exponent < scale:
            return int64.scale_down(self.unscaled, scale - self.exponent)
        return int64.scale_up(self.unscaled, self.exponent - scale)[0]

    def same_amount(self, other: Quantity) -> bool:
        """Tell whether two quantities are the same number, however they are written."""
        return _aligned(self, other)[0] == _aligned(self, other)[1]

    def __lt__(self, other: Quantity) -> bool:
        mine, others, _ = _aligned(self, other)
        return mine < others

    def __le__(self, other: Quantity) -> bool:
        return not other < self

    def __gt__(self, other: Quantity) -> bool:
        return other < self

    def __ge__(self, other: Quantity) -> bool:
        return not self < other

    def __add__(self, other: Quantity) -> Quantity:
        return _sum(self, other)

    def __sub__(self, other: Quantity) -> Quantity:
        return _sum(self, -other)

    def __neg__(self) -> Quantity:
        return evolve(self, unscaled=-self.unscaled, text="", big=self.big or self.unscaled == int64.MIN)

    def __str__(self) -> str:
        return self.text or _canonical(self)


ZERO = Quantity()


def parse_quantity(text: str) -> Quantity:
    """Read a quantity; raise QuantityError, in Kubernetes' words, on anything else."""
    if not text:
        raise QuantityError(WRONG_SHAPE)
    shape = SHAPE.fullmatch(text)
    if shape is None:
        raise QuantityError(WRONG_SHAPE)
    sign, _, whole, _, places, suffix = (part or "" for part in shape.groups())
    base, exponent, form = _suffix(suffix)
    negative = sign == "-"
    short = _short(whole or "0", places, exponent, form)
    if short is None:
        return _long(int(f"{whole or '0'}{places}"), len(places), (base, exponent), form, negative=negative)
    number, scale, plain = short
    return Quantity(-number if negative else number, scale, form, text if plain else "")


def _suffix(suffix: str) -> tuple[int, int, str]:
    """Return base, exponent and format of a suffix."""
    if suffix in DECIMAL_SUFFIXES:
        return 10, DECIMAL_SUFFIXES[suffix], DECIMAL_SI
    if suffix in BINARY_SUFFIXES:
        return 2, BINARY_SUFFIXES[suffix], BINARY_SI
    power = EXPONENT.fullmatch(suffix)
    if power is None or not int64.fits(int(power[1])):
        raise QuantityError(WRONG_SUFFIX)
    exponent = (int(power[1]) + 2**31) % 2**32 - 2**31
    if abs(exponent) > LARGEST_EXPONENT:
        raise QuantityError(f"the exponent {exponent} is out of range: at most {LARGEST_EXPONENT}")
    return 10, exponent, DECIMAL_EXPONENT


def _short(whole: str, places: str, exponent: int, form: str) -> tuple[int, int, bool] | None:
    """Return int64, scale and whether the spelling is canonical enough to keep; None if it takes a big decimal."""
    digits = whole + places
    binary = form == BINARY_SI
    binary_room = -1 if places else 15 - len(whole) - int(exponent * 3 / 10) - 1
    room = binary_room if binary else MAX_DIGITS - len(digits)
    scale = (0 if binary else exponent) - len(places)
    number = int(digits) << (exponent if binary else 0)
    if room < 0 or scale < -NANO or not int64.fits(number):
        return None
    if binary:
        return number, scale, int(digits) & 7 != 0
    return number, scale, scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"


def _long(digits: int, places: int, suffix: tuple[int, int], form: str, *, negative: bool) -> Quantity:
    """Hold a number as a big decimal of nine places, rounded away from zero; cap a binary one at the largest int64."""
    base, exponent = suffix
    places -= exponent if base == 10 else 0
    unscaled = digits << (exponent if base == 2 else 0)
    if unscaled:
        unscaled = int64.scale_down(unscaled, places - NANO) if places > NANO else unscaled * 10 ** (NANO - places)
        places = NANO
    one = 10 ** max(places, 0)
    if form == BINARY_SI and unscaled > int64.MAX * one:
        unscaled, places = int64.MAX, 0
    elif form == BINARY_SI and 0 < unscaled < one:
        form = DECIMAL_SI
    return Quantity(-unscaled if negative else unscaled, -places, form, big=True)


def _aligned(one: Quantity, other: Quantity) -> tuple[int, int, int]:
    """Bring two numbers to the smaller exponent of the two."""
    exponent = min(one.exponent, other.exponent)
    return (
        one.unscaled * 10 ** (one.exponent - exponent),
        other.unscaled * 10 ** (other.exponent - exponent),
        exponent,
    )


def _sum(one: Quantity, other: Quantity) -> Quantity:
    """Add; a zero takes over the other's format, and a sum that is no int64 becomes a big decimal."""
    form = one.format if one.unscaled else other.format
    big = one.big or other.big
    if not big and not other.unscaled:
        return evolve(one, format=form, text="")
    if not big and not one.unscaled:
        return evolve(other, text="")
    mine, others, exponent = _aligned(one, other)
    fits = int64.fits(mine) and int64.fits(others) and int64.fits(mine + others)
    return Quantity(mine + others, exponent, form, big=big or not fits)


def _canonical(quantity: Quantity) -> str:
    """Write a number without fraction and with the largest suffix that loses nothing."""
    if not quantity.unscaled:
        return "0"
    number = quantity.number
    if quantity.format == BINARY_SI and abs(number) >= 1024 and number.denominator == 1:
        mantissa, power = _without_factors(number.numerator, 1024)
        return f"{mantissa}{BINARY_NAMES.get(power * 10, '')}"
    mantissa, power = _without_factors(quantity.unscaled, 10)
    power += quantity.exponent
    mantissa *= 10 ** (power % 3)
    power -= power % 3
    if quantity.format == DECIMAL_EXPONENT:
        return f"{mantissa}e{power}" if power else f"{mantissa}"
    return f"{mantissa}{DECIMAL_NAMES.get(power, '')}"  # beyond E this release drops the exponent


def _without_factors(number: int, base: int) -> tuple[int, int]:
    """Divide by a base as often as it goes; give what is left and how often."""
    times = 0
    while number % base == 0:
        number //= base
        times += 1
    return number, times
