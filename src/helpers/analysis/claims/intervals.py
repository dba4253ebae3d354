"""A printed figure as an interval: what «47 %», «more than 400» or «about 1 600» allow the truth to be.

Grain in and out: one figure. Ends know whether they belong to the interval: «more than 400» excludes 400.
"""

import math
from dataclasses import dataclass

KINDS = ("exact", "rounded", "over", "atleast", "under", "atmost", "about")
ABOUT_RELATIVE = 0.05  # «about» without a number: five per cent either way, as the audit's table says
FLOAT_NOISE = 1e-9  # sums of printed decimals differ in the last binary digit


@dataclass(frozen=True)
class Interval:
    """All values from ``low`` to ``high``; an open end is excluded."""

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False

    def __post_init__(self) -> None:
        if math.isnan(self.low) or math.isnan(self.high) or self.low > self.high:
            raise ValueError(f"not an interval: {self.low}…{self.high}")

    def __add__(self, other: "Interval") -> "Interval":
        return Interval(
            self.low + other.low,
            self.high + other.high,
            self.low_open or other.low_open,
            self.high_open or other.high_open,
        )

    def __neg__(self) -> "Interval":
        return Interval(-self.high, -self.low, self.high_open, self.low_open)

    def __sub__(self, other: "Interval") -> "Interval":
        return self + (-other)

    def __truediv__(self, other: "Interval") -> "Interval":
        """Quotient; unbounded where the divisor may be zero."""
        if other.low <= 0 <= other.high and not (other.low == 0 and other.low_open):
            return Interval(-math.inf, math.inf)
        ends = [
            (_quotient(a, b), a_open or b_open)
            for a, a_open in ((self.low, self.low_open), (self.high, self.high_open))
            for b, b_open in ((other.low, other.low_open), (other.high, other.high_open))
        ]
        low, high = min(value for value, _ in ends), max(value for value, _ in ends)
        return Interval(
            low,
            high,
            all(is_open for value, is_open in ends if value == low),
            all(is_open for value, is_open in ends if value == high),
        )

    def within(self, other: "Interval") -> bool:
        """Is every value of this interval also in the other one?"""
        return _reaches(other.low, other.low_open, self.low, self.low_open) and _reaches(
            -other.high, other.high_open, -self.high, self.high_open
        )

    def misses(self, other: "Interval") -> bool:
        """Do the two intervals have no value in common?"""
        return _ends_before(self, other) or _ends_before(other, self)

    def text(self) -> str:
        """Decimal point, no unit: ``17.035…18.045``, one number where the ends are equal."""
        if self.low == self.high:
            return number(self.low)
        return f"{number(self.low)}…{number(self.high)}"


def number(value: float) -> str:
    """Shortest text of a number, at most six significant decimals; infinity is ``∞``."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.replace("-", "−")


def fact(kind: str, value: float, parameter: float | None = None) -> Interval:
    """Interval of one printed figure.

    Parameters
    ----------
    kind
        One of :data:`KINDS`.
    value
        The figure as printed.
    parameter
        ``rounded``: the printed step (1 for whole numbers, 0.01 for 64.54); ``about``: relative half-width.

    Raises
    ------
    ValueError
        For an unknown kind, a missing value, or ``rounded`` without its step.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of fact {kind!r}; one of {', '.join(KINDS)}")
    if kind == "rounded":
        if parameter is None or parameter <= 0:
            raise ValueError("a rounded fact needs the printed step, such as 1 or 0.01")
        return Interval(value - parameter / 2, value + parameter / 2, high_open=True)
    if kind == "about":
        half = abs(value) * (ABOUT_RELATIVE if parameter is None else parameter)
        return Interval(value - half, value + half)
    bounds = {
        "exact": (value, value, False, False),
        "over": (value, math.inf, True, False),
        "atleast": (value, math.inf, False, False),
        "under": (-math.inf, value, False, True),
        "atmost": (-math.inf, value, False, False),
    }
    return Interval(*bounds[kind])


def _quotient(a: float, b: float) -> float:
    if math.isinf(b):
        return 0.0 if not math.isinf(a) else math.copysign(math.inf, a * b)
    return a / b if b else math.copysign(math.inf, a) if a else 0.0


def _noise(value: float) -> float:
    return FLOAT_NOISE * max(1.0, abs(value)) if math.isfinite(value) else 0.0


def _reaches(outer: float, outer_open: bool, inner: float, inner_open: bool) -> bool:
    """Does the outer lower end lie at or below the inner lower end?"""
    if outer == inner or abs(outer - inner) <= _noise(outer):
        return inner_open or not outer_open or math.isinf(outer)
    return outer < inner


def _ends_before(first: Interval, second: Interval) -> bool:
    if first.high == second.low or abs(first.high - second.low) <= _noise(first.high):
        return first.high_open or second.low_open
    return first.high < second.low
