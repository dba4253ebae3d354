"""Files of records, one row a record with many columns: columns by label, cells by kind, refusals by row and cell.

Shared by the monthly file of services (`panel`) and the composition of life situations (`situations`); which column
is what stands in a reference table (``column, kind, pattern``), read by distinct texts.
"""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from helpers.intake.frames import constant, taken
from helpers.intake.headers import Header, Sheet, labels_of
from helpers.intake.overrides import Overrides
from helpers.intake.periods import parse_period
from helpers.intake.regions import judge_region
from helpers.intake.text import is_missing, key_text, normalise
from helpers.intake.values import Parsed, parse_category, parse_count, parse_grade, parse_number, parse_percent, refuse
from helpers.intake.vocabulary import Vocabulary
from helpers.tables import store

NUMERIC = {"count", "count_or_blank", "number", "share"}
SUGGESTIONS = {
    "ambiguous_unit": "0.78 may be 78 % or 0.78 %: neither label nor cells say per cent and no value is above 1; ask"
    " the publisher for a column in per cent",
}


def columns_of(sheet: Sheet, header: Header, reference: str, exceptions: Overrides) -> tuple[dict[str, int], set[int]]:
    """Column of the table → absolute index, and the rows of exceptions that named some.

    A reviewed exception names a column first, then the patterns of the reference table; each place is taken once.
    """
    labels = [label.raw for label in labels_of(sheet, header)]
    named = {
        header.left + place: role
        for place, label in enumerate(labels)
        if (role := exceptions.role_of(sheet.grid.sheet, label, header.left + place + 1))
    }
    found = {role: index for index, (role, _) in reversed(named.items()) if role != "not_kept"}
    for row in store.reference(reference).to_dict("records"):
        for place, label in enumerate(labels):
            index = header.left + place
            is_free = index not in named and index not in found.values()
            if label and is_free and re.search(row["pattern"], key_text(label)):
                found.setdefault(row["column"], index)
                break
    return found, {row for _, row in named.values()}


def read(texts: np.ndarray, kind: str, words: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """Values of a column and the reason of each cell that cannot be read; text and months absent are empty."""
    codes, distinct = pd.factorize(texts)
    one = _reader(kind, words)
    parsed = [one(text) for text in distinct]
    empty: object = np.nan if kind in NUMERIC else ""
    dtype = float if kind in NUMERIC else object
    values = np.array([empty if cell.value is None else cell.value for cell in parsed], dtype=dtype)
    reasons = np.array([cell.reason for cell in parsed], dtype=object)
    return values[codes], reasons[codes]


def _reader(kind: str, words: Vocabulary) -> Callable[[str], Parsed]:
    if kind in words.words:
        known, reason = words.words[kind], {"panel_level": "bad_level", "day_unit": "bad_term"}.get(kind, "bad_status")
        if kind == "flag":
            return lambda text: Parsed("0") if is_missing(text) else parse_category(text, known, reason)
        # Abbreviations end in a point, which the general category parser drops.
        known = {**known, **{word.rstrip("."): value for word, value in known.items()}}
        return lambda text: parse_category(text, known, reason)
    readers: dict[str, Callable[[str], Parsed]] = {
        "region": _region, "id": lambda text: refuse("missing_id") if is_missing(text) else Parsed(normalise(text)),
        "month": _month, "month_or_blank": lambda text: Parsed("") if is_missing(text) else _month(text),
        "text": lambda text: Parsed("" if is_missing(text) else normalise(text)),
        "grade_or_blank": lambda text: Parsed("") if is_missing(text) else parse_grade(text),
        "id_or_blank": lambda text: Parsed("") if is_missing(text) else Parsed(normalise(text)),
        "count_or_blank": lambda text: Parsed(None) if is_missing(text) else parse_count(text),
        "count": parse_count, "number": _not_negative, "share": _share,
    }  # fmt: skip
    return readers[kind]


def _region(text: str) -> Parsed:
    match = judge_region(text)
    reasons = {
        "ambiguous": "ambiguous_entity",
        "federal_district": "federal_district",
        "aggregate_of_subjects": "aggregate_entity",
    }
    return Parsed(match.code) if match.code else refuse(reasons.get(match.reason, "unknown_entity"))


def _month(text: str) -> Parsed:
    """A month; a workbook may have turned it into the date of its first day."""
    day = re.fullmatch(r"(20\d\d-\d\d)-01|01\.(\d\d)\.(20\d\d)", text.strip())
    if day:
        return Parsed(day.group(1) or f"{day.group(3)}-{day.group(2)}")
    mention = parse_period(text)
    is_month = mention is not None and mention.kind == "month" and mention.is_valid and mention.year
    return Parsed(mention.text()) if mention and is_month else refuse("bad_period")


def _not_negative(text: str) -> Parsed:
    parsed = parse_number(text)
    return refuse("out_of_range") if isinstance(parsed.value, float) and parsed.value < 0 else parsed


def _share(text: str) -> Parsed:
    """A share as 0–1; printed in per cent."""
    parsed = parse_percent(text, column_has_percents=False)
    return Parsed(parsed.value / 100) if isinstance(parsed.value, float) else parsed


def refused_rows(values: dict[str, np.ndarray], reasons: dict[str, np.ndarray], key: tuple[str, ...]) -> np.ndarray:
    """Reason of every refused row: a part of its key that cannot be read, or the key again (equal rows: the later
    ones; different ones: all of them).
    """
    refused = np.full(len(values[key[0]]), "", dtype=object)
    for name in key:
        refused = np.where(refused == "", reasons[name], refused)
    frame = pd.DataFrame({name: values[name].astype(str) for name in values})
    alive = refused == ""
    again = frame[alive].duplicated(list(key), keep=False)
    if again.any():
        group = frame[alive][again]
        exact = group.duplicated(keep="first")
        sizes = group.drop_duplicates().groupby(list(key)).size()
        conflict = pd.MultiIndex.from_frame(group[list(key)]).map(sizes).to_numpy() > 1
        refused[group.index[conflict]] = "duplicate_conflict"
        refused[group.index[exact.to_numpy() & ~conflict]] = "duplicate_exact"
    return refused


def reject_frames(
    sheet: Sheet,
    rows: np.ndarray,
    columns: dict[str, int],
    reasons: dict[str, np.ndarray],
    refused: np.ndarray,
    file: str,
) -> list[pd.DataFrame]:
    """Refusals of rows (without a column) and of single cells; ``rows`` are 0-based places on the sheet."""
    frames = [_frame(sheet, rows[refused != ""], columns["service_id"], refused[refused != ""], 0, file)]
    for name, index in columns.items():
        bad = (refused == "") & (reasons[name] != "")
        frames.append(_frame(sheet, rows[bad], index, reasons[name][bad], index + 1, file))
    return frames


def region_codes(sheet: Sheet, columns: dict[str, int], frame: pd.DataFrame) -> pd.Categorical:
    """Region of each refusal, empty where its name is none."""
    codes, distinct = pd.factorize(sheet.texts[frame["row"].to_numpy() - 1, columns["region_iso"]])
    return taken([judge_region(text).code or "" for text in distinct], codes)


def _frame(
    sheet: Sheet, rows: np.ndarray, column: int, reasons: np.ndarray, printed_column: int, file: str
) -> pd.DataFrame:
    count = len(rows)
    raw_codes, raws = pd.factorize(sheet.texts[rows, column])
    codes, distinct = pd.factorize(reasons)
    return pd.DataFrame(
        {
            "file": constant(file, count),
            "sheet": constant(sheet.grid.sheet, count),
            "row": (rows + 1).astype(np.int64),
            "col": np.full(count, printed_column, dtype=np.int64),
            "raw": taken(list(raws), raw_codes),
            "reason": taken(list(distinct), codes),
            "suggestion": taken([SUGGESTIONS.get(reason, "") for reason in distinct], codes),
        }
    )


def on_grid(sheet: Sheet, rows: np.ndarray, columns: dict[str, int], marks: np.ndarray) -> np.ndarray:
    """Marks of rows × columns on the grid of the sheet."""
    grid = np.zeros(sheet.texts.shape, dtype=bool)
    for place, index in enumerate(columns.values()):
        grid[rows, index] = marks[:, place]
    return grid
