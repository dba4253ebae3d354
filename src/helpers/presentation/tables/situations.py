"""Table of the block on life situations from the result object."""

from helpers.presentation import formats
from helpers.presentation.results import RegionalResult, Result
from helpers.presentation.results.estimates import Estimate
from helpers.presentation.situation_parts import SituationRow
from helpers.presentation.tables.build import words
from helpers.presentation.tables.parts import Column, Table, Value, estimate_columns, estimate_values
from helpers.presentation.wording.terms import pick

ARROW = "\u00a0→ "
_MEASURES = (
    ("services", "services"),
    ("asked", "documents asked before, each service anew"),
    ("distinct_before", "distinct documents before"),
    ("distinct_after", "distinct documents once launched"),
    ("days_before", "total time before: all at once (low) to one after another (high); value along a known order"),
    ("days_after", "total time after the launch, likewise"),
    ("visits_before", "visits of one applicant before"),
    ("visits_after", "visits of one applicant after the launch"),
)
COLUMNS = (
    Column("situation_id", "life situation, code"),
    Column("situation", "life situation"),
    Column("launched", "month of the launch; empty: not yet, or several regions"),
    Column("n_regions", "regions that have the situation", "regions", "integer"),
    Column("n_launched", "regions that launched it", "regions", "integer"),
    *(column for name, about in _MEASURES for column in estimate_columns(about, f"{name}_")),
)


def situations(result: Result) -> Table | None:
    """One row a life situation; before → after in one cell, days as a range."""
    block = result.situations
    if block is None:
        return None
    lang = result.lang
    is_region = isinstance(result, RegionalResult)
    unit = next((row.days_before.unit for row in block.rows if row.days_before), "day")
    head = words(
        result,
        ("Ситуация", "Situation"),
        ("Услуг", "Services"),
        ("Запуск", "Launch") if is_region else ("Запуск, регионов", "Launched, regions"),
        ("Документы", "Documents"),
        ("Визиты", "Visits"),
        (f"До, {formats.unit_name(unit, 'ru')}", f"Before, {formats.unit_name(unit, 'en')}"),
        (f"После, {formats.unit_name(unit, 'ru')}", f"After, {formats.unit_name(unit, 'en')}"),
    )
    rows = tuple(_values(row) for row in block.rows)
    cells = tuple(_cells(row, is_region, lang) for row in block.rows)
    return Table("situations", block.caption, COLUMNS, rows, head, cells, (1, 3, 4, 5, 6))


def _values(row: SituationRow) -> tuple[Value, ...]:
    known = (row.situation_id, row.name, row.launched, row.n_regions, row.n_launched)
    return (*known, *(value for name, _ in _MEASURES for value in estimate_values(getattr(row, name))))


def _cells(row: SituationRow, is_region: bool, lang: str) -> tuple[str, ...]:
    launch = f"{row.n_launched} {pick(('из', 'of'), lang)} {row.n_regions}"
    if is_region:
        launch = formats.period(row.launched, lang) if row.launched else pick(("ещё нет", "not yet"), lang)
    return (
        row.name,
        _text(row.services, lang, 0),
        launch,
        f"{_text(row.asked, lang, 0)}{ARROW}{_text(row.distinct_after or row.distinct_before, lang, 0)}",
        f"{_text(row.visits_before, lang, 1)}{ARROW}{_text(row.visits_after, lang, 1)}",
        _text(row.days_before, lang, 1),
        _text(row.days_after, lang, 1),
    )


def _text(estimate: Estimate | None, lang: str, places: int) -> str:
    """A number, or its bounds where there are two."""
    if estimate is None:
        return formats.missing(lang)
    if estimate.low is not None and estimate.high is not None:
        return formats.span(estimate.low, estimate.high, lang, places)
    return formats.number(estimate.value, lang, places)
