"""Cells of one column → values, units and reasons, parsed once per distinct text."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.intake.grids.model import DATE, EMPTY_FORMULA, ERROR, PERCENT
from helpers.intake.text import is_missing
from helpers.intake.values import (
    Parsed,
    parse_category,
    parse_count,
    parse_date,
    parse_grade,
    parse_percent,
    parse_points,
    parse_term,
    refuse,
)  # fmt: skip
from helpers.intake.vocabulary import Indicator, Vocabulary


@dataclass(frozen=True)
class ColumnCells:
    """Outcome for the rows of one column: ``codes`` points into the distinct outcomes.

    Attributes
    ----------
    codes : ndarray of int
        Per row, position in ``parsed`` and ``raws``.
    parsed : tuple of Parsed
        Distinct outcomes.
    raws : tuple of str
        The texts they came from.
    """

    codes: np.ndarray
    parsed: tuple[Parsed, ...]
    raws: tuple[str, ...]

    def take(self, name: str) -> np.ndarray:
        """One field of the outcomes, per row."""
        return np.array([getattr(one, name) for one in self.parsed], dtype=object)[self.codes]

    def numbers(self) -> np.ndarray:
        """Numeric values per row, NaN where refused or not a number."""
        distinct = np.array([one.value if isinstance(one.value, float) else np.nan for one in self.parsed], dtype=float)
        return distinct[self.codes] if len(distinct) else np.empty(0)

    def value_codes(self) -> np.ndarray:
        """Integer per row that is equal exactly where value, unit, comparison and reason are equal."""
        keys = [(one.value, one.unit, one.cmp, one.reason) for one in self.parsed]
        order = {key: place for place, key in enumerate(dict.fromkeys(keys))}
        return (
            np.array([order[key] for key in keys], dtype=np.int64)[self.codes] if keys else np.empty(0, dtype=np.int64)
        )


def parse_column(
    texts: np.ndarray, kinds: np.ndarray, rule: Indicator, label: str, legend: dict[str, str], words: Vocabulary
) -> ColumnCells:
    """Parse the cells of a column by the kind of its indicator.

    Parameters
    ----------
    texts, kinds : ndarray, shape (rows,)
        Spread texts and cell kinds.
    rule : Indicator
        What the column measures.
    label : str
        Label of the column; may hold the unit of a term.
    legend : dict
        Letters of the table's legend → levels; empty: the usual letters.
    words : Vocabulary
        Closed lists.
    """
    text_codes, distinct = pd.factorize(texts)
    pairs, codes = np.unique(text_codes.astype(np.int64) * 8 + kinds, return_inverse=True)
    read = reader(rule, label, legend, words)
    raws = tuple(str(distinct[pair // 8]) for pair in pairs)
    parsed = tuple(_parse(raw, int(pair % 8), read) for raw, pair in zip(raws, pairs, strict=True))
    return ColumnCells(codes, parsed, raws)


def _parse(raw: str, kind: int, read: Callable[[str, int], Parsed]) -> Parsed:
    if kind == EMPTY_FORMULA:
        return refuse("formula_without_value")
    if kind == ERROR:
        return refuse("missing_value")
    return read(raw, kind)


def reader(rule: Indicator, label: str, legend: dict[str, str], words: Vocabulary) -> Callable[[str, int], Parsed]:
    """The parser of an indicator's kind, ready for one text and its cell kind.

    Raises
    ------
    ValueError
        If ``indicators.csv`` names a kind that no parser serves.
    """
    no_dates = _without_dates
    if rule.kind == "percent":
        return no_dates(lambda text, kind: parse_percent(text, is_percent_cell=kind == PERCENT))
    if rule.kind == "points":
        low = 0.0 if rule.minimum is None else rule.minimum
        return no_dates(lambda text, kind: parse_points(text, minimum=low, maximum=rule.maximum))
    if rule.kind == "count":
        return no_dates(lambda text, kind: parse_count(text))
    if rule.kind == "term":
        return no_dates(lambda text, kind: parse_term(text, header=label))
    if rule.kind == "date":
        return lambda text, kind: parse_date(text, is_date_cell=kind == DATE)
    if rule.kind == "grade":
        return lambda text, kind: parse_grade(text)
    if rule.kind == "mark":
        return _mark_reader(rule, words)
    if rule.kind == "text":
        return lambda text, kind: refuse("missing_value") if is_missing(text) else Parsed(text.strip(), "text")
    if rule.kind in words.words:
        return _category_reader(rule.kind, legend, words)
    raise ValueError(
        f"indicators.csv: kind '{rule.kind}' of {rule.rating}/{rule.name} is served by no parser and "
        f"no list of words.csv"
    )


def _without_dates(read: Callable[[str, int], Parsed]) -> Callable[[str, int], Parsed]:
    """A cell that a workbook turned into a date holds no number any more."""
    return lambda text, kind: refuse("not_a_number") if kind == DATE else read(text, kind)


def _category_reader(kind: str, legend: dict[str, str], words: Vocabulary) -> Callable[[str, int], Parsed]:
    known = dict(words.words[kind])
    if kind == "level":
        known |= legend or words.words["level_letter"]
    reason = {"level": "bad_level", "stage": "bad_stage"}.get(kind, "bad_status")
    return lambda text, _: parse_category(text, known, reason)


def _mark_reader(rule: Indicator, words: Vocabulary) -> Callable[[str, int], Parsed]:
    """Marks 1–5: a number, a word of the scale, or the identifier of a value of the form."""
    known = {**words.words.get("mark", {}), **words.words.get(f"mark_{rule.name}", {})}

    def read(text: str, kind: int) -> Parsed:
        plain = re.sub(r"\s+", " ", text).strip().lower()
        if plain in known:
            return Parsed(float(known[plain]), "points", decimals=0)
        return parse_points(text, minimum=rule.minimum or 1.0, maximum=rule.maximum)

    return read
