"""A table of a report, twice: true numbers for machines, finished text for people; both made from the result object."""

from dataclasses import dataclass

from helpers.presentation import formats, wording
from helpers.presentation.results.estimates import Estimate

Value = str | int | float | None


@dataclass(frozen=True)
class Column:
    """One machine column: key, meaning, unit and kind (``text``, ``number`` or ``integer``)."""

    key: str
    about: str
    unit: str = ""
    kind: str = "text"


@dataclass(frozen=True)
class Table:
    """Machine rows with their columns, and the same rows as text under headers with units.

    Attributes
    ----------
    name : str
        File name without its ending, ASCII.
    head : tuple of str
        Headers of the shown columns, units included.
    cells : tuple of tuple of str
        Finished text, one tuple a row.
    numeric : tuple of int
        Positions of shown columns that are right-aligned.
    own : tuple of int
        Rows of the report's own region.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    head: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()
    own: tuple[int, ...] = ()


def estimate_columns(about: str, prefix: str = "") -> tuple[Column, ...]:
    """Seven machine columns of one estimate: value, low, high, interval_kind, n, unit, period."""
    return (
        Column(f"{prefix}value", about, "see unit", "number"),
        Column(f"{prefix}low", "lower end of the interval", "see unit", "number"),
        Column(f"{prefix}high", "upper end of the interval", "see unit", "number"),
        Column(
            f"{prefix}interval_kind", "what the interval means: sampling_95, rounding, method, published_bound, none"
        ),
        Column(f"{prefix}n", "number of items behind the value", "items", "integer"),
        Column(f"{prefix}unit", "unit of value, low and high"),
        Column(f"{prefix}period", "period of the value"),
    )


def estimate_values(estimate: Estimate | None) -> tuple[Value, ...]:
    """The values of `estimate_columns`."""
    if estimate is None:
        return (None,) * 3 + ("none", None, "", "")
    return (
        estimate.value,
        estimate.low,
        estimate.high,
        estimate.interval_kind,
        estimate.n,
        estimate.unit,
        estimate.period,
    )


def level_text(estimate: Estimate | None, lang: str) -> str:
    """Number of a level for a cell under a header with the unit; bounds keep their words."""
    if estimate is None:
        return formats.missing(lang)
    if estimate.interval_kind == "published_bound":
        return wording.level(estimate, lang)
    places = places_of(estimate)
    return formats.number(estimate.value, lang, places)


def interval_text(estimate: Estimate | None, lang: str) -> str:
    """Interval of a level for a cell, or «н/д»."""
    if estimate is None or not estimate.has_interval:
        return formats.missing(lang)
    places = places_of(estimate)
    if estimate.interval_kind == "rounding":
        places += 1
    return formats.span(estimate.low, estimate.high, lang, places)


def places_of(estimate: Estimate) -> int:
    """Decimals of a level: as printed for published figures, else by unit."""
    if estimate.interval_kind == "rounding":
        return formats.decimals_of(estimate.value)
    return formats.decimals_for(estimate.unit)


def change_text(estimate: Estimate | None, lang: str) -> str:
    """A change with its sign and unit."""
    if estimate is None:
        return formats.missing(lang)
    return formats.quantity(estimate.value, estimate.unit, lang, sign=True)


def change_interval(estimate: Estimate | None, lang: str) -> str:
    """Interval of a change."""
    if estimate is None or not estimate.has_interval:
        return formats.missing(lang)
    return formats.change_span(estimate.low, estimate.high, lang, formats.decimals_for(estimate.unit))


def whole_text(value: float | None, lang: str) -> str:
    """A count or a rank."""
    return formats.number(value, lang, 0)
