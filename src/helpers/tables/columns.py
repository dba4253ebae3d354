"""Columns of tables: what one may hold, and those that several tables share."""

import re
from dataclasses import dataclass, field

from helpers.tables.periods import PATTERN

PERIOD = "(?:" + re.sub(r"\(\?P<\w+>", "(?:", PATTERN.pattern) + ")"
ENTITY_TYPES = (
    "region", "federal_agency", "regional_agency", "service", "roadmap_point", "country",
    "federal_district", "system", "life_situation",
)  # fmt: skip
INTERVAL_KINDS = ("sampling_95", "rounding", "method", "published_bound", "none")
DAY_UNITS = ("working_day", "calendar_day")
REJECT_REASONS = (
    "missing_id", "unknown_entity", "ambiguous_entity", "aggregate_entity", "federal_district",
    "bad_period", "unknown_indicator",
    "missing_value", "not_applicable", "not_a_number", "out_of_range", "censored_value", "range_value",
    "contradictory_number", "ambiguous_unit", "formula_without_value",
    "bad_date", "imprecise_date", "bad_term", "bad_grade", "bad_level", "bad_stage", "bad_status",
    "duplicate_exact", "duplicate_conflict", "inconsistent_total",
    "unreadable_file", "undecodable_text",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column: pandas type, meaning with unit, and what values it may take.

    Attributes
    ----------
    dtype : str
        ``str``, ``float``, ``int`` or ``bool``. Text is never null: absent text is the empty string.
    about : str
        Meaning and unit, as printed in the data dictionary.
    nullable : bool
        Whether a number may be missing.
    values : tuple of str
        Closed list of values, empty for any.
    low, high : float or None
        Inclusive range of a number.
    pattern : str
        Regular expression a non-empty text must match in full.
    """

    dtype: str
    about: str
    nullable: bool = False
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    pattern: str = ""


@dataclass(frozen=True)
class Table:
    """One table: what it holds, its grain (key columns) and its columns in order."""

    name: str
    about: str
    key: tuple[str, ...]
    columns: dict[str, Column] = field(default_factory=dict)


def text(about: str, *values: str, pattern: str = "") -> Column:
    """Text; a closed list of values, or a form it must have."""
    return Column("str", about, values=values, pattern=pattern)


def number(about: str, low: float | None = None, high: float | None = None, nullable: bool = True) -> Column:
    """A number, missing where there is none, within a range."""
    return Column("float", about, nullable=nullable, low=low, high=high)


def count(about: str) -> Column:
    """A whole number from 0."""
    return Column("int", about, low=0)


def flag(about: str) -> Column:
    """True or false."""
    return Column("bool", about)


SYNTHETIC = {"is_synthetic": flag("true for seeded demonstration data, which never meet real data")}
REGION = text("region, ISO 3166-2; empty where the row is not about one region", pattern=r"(RU|UA)-[A-Z0-9]{2,3}")
PERIOD_OF = text(
    "period: 2024, 2024-H1, 2024-Q3 or 2024-06; empty where the source does not say",
    pattern=PERIOD + r"|before|after|\d{4}-\d{2}(?:-\d{2})?/\d{4}-\d{2}(?:-\d{2})?|\d{4}-\d{2}-\d{2}",
)
MONTH = text("month, 2024-06", pattern=r"\d{4}-(0[1-9]|1[0-2])")
RATING = text(
    "rating or register that the figure belongs to, a row of data/reference/ratings.csv", pattern=r"[a-z][a-z0-9_]*"
)
ENTITY_TYPE = text("kind of entity", *ENTITY_TYPES)
KIND = text("what the interval means", *INTERVAL_KINDS)
PLACE = {
    "file": text("source file, relative to data/raw"),
    "sheet": text("sheet or table inside the file; empty for csv"),
    "row": count("1-based physical row, or csv record; 0 for the whole file"),
    "col": count("1-based physical column, or csv field; 0 for the whole row"),
}
