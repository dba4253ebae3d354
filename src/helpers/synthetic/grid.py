"""A raw file in the making: sheets of cells, and beside them what a careful reader must find or refuse there."""

import datetime as dt
from dataclasses import dataclass, field

import pandas as pd

BANNER = "ДЕМОНСТРАЦИОННЫЕ ДАННЫЕ. Все значения вымышлены и ничего не говорят о реальных органах и регионах"


@dataclass(frozen=True)
class Styled:
    """A number or date with the number format that a spreadsheet shows it in, for example ``0.0%``."""

    value: float | dt.date
    format: str


Cell = str | int | float | Styled | None
KEY_COLUMNS = (
    "file", "sheet", "row", "col", "rating", "entity_raw", "entity_id", "region_iso", "period", "indicator", "value",
    "unit", "cmp",
)  # fmt: skip
REFUSAL_COLUMNS = ("file", "sheet", "row", "col", "raw", "reason")


@dataclass
class Sheet:
    """Rows of cells in order; ``merges`` are 1-based (first row, first column, last row, last column)."""

    name: str
    rows: list[list[Cell]] = field(default_factory=list)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    heading: list[str] = field(default_factory=list)
    is_hidden: bool = False

    def add(self, *cells: Cell) -> int:
        """Append a row; its 1-based number."""
        self.rows.append(list(cells))
        return len(self.rows)

    def merge_down(self, col: int, first: int, last: int) -> None:
        """Merge one column over rows ``first`` to ``last``, if that is more than one row."""
        if last > first:
            self.merges.append((first, col, last, col))

    @property
    def width(self) -> int:
        """Number of columns."""
        return max((len(row) for row in self.rows), default=0)


@dataclass
class Draft:
    """One file: its sheets (tables for html and docx, one nameless sheet for csv) and the answers to it.

    Attributes
    ----------
    keys
        Accepted cells, columns of :data:`KEY_COLUMNS`.
    refusals
        Cells (or rows: empty ``col``) that must be refused, with the reason.
    """

    file: str
    sheets: list[Sheet] = field(default_factory=list)
    keys: list[tuple[object, ...]] = field(default_factory=list)
    refusals: list[tuple[object, ...]] = field(default_factory=list)

    def sheet(self, name: str, is_hidden: bool = False) -> Sheet:
        """Start a sheet."""
        self.sheets.append(Sheet(name, is_hidden=is_hidden))
        return self.sheets[-1]

    def accept(self, sheet: Sheet, row: int, col: int, entity: "Entity", period: str, measure: "Measure") -> None:
        """Note a cell that must be read."""
        self.keys.append(
            (self.file, sheet.name, row, col, entity.rating, entity.raw, entity.id, entity.region_iso, period,
             measure.indicator, measure.value, measure.unit, measure.cmp)
        )  # fmt: skip

    def refuse(self, sheet: Sheet, row: int, col: int | None, raw: str, reason: str) -> None:
        """Note a cell, or with ``col=None`` a row, that must be refused."""
        self.refusals.append((self.file, sheet.name, row, "" if col is None else col, raw, reason))

    def key_frame(self) -> pd.DataFrame:
        """Accepted cells as a table."""
        return pd.DataFrame(self.keys, columns=list(KEY_COLUMNS)).astype({"value": "str"})

    def refusal_frame(self) -> pd.DataFrame:
        """Refusals as a table."""
        return pd.DataFrame(self.refusals, columns=list(REFUSAL_COLUMNS))


@dataclass(frozen=True)
class Entity:
    """Whom a row is about, as printed and as coded."""

    rating: str
    raw: str
    id: str
    region_iso: str = ""


@dataclass(frozen=True)
class Measure:
    """What a cell says: ``value`` as text with a decimal point."""

    indicator: str
    value: str
    unit: str
    cmp: str = "="


def points(indicator: str, value: float, decimals: int = 1) -> Measure:
    """Points rounded as printed."""
    return Measure(indicator, f"{value:.{decimals}f}", "points")


def percent(indicator: str, value: float, decimals: int) -> Measure:
    """Per cent rounded as printed."""
    return Measure(indicator, f"{value:.{decimals}f}", "percent")


def category(indicator: str, value: str) -> Measure:
    """Grade, level, stage or status."""
    return Measure(indicator, value, "category")


def count(indicator: str, value: int) -> Measure:
    """Whole number."""
    return Measure(indicator, str(value), "count")
