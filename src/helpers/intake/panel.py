"""The monthly file of services → the table ``service_panel``: one service of one region in one month, parsed by
distinct texts.

Columns are recognised by ``panel_columns.csv``. A cell that cannot be read is missing in the panel and listed
with its reason; a row
without region, service or month is refused, and so is every row of a key that the file gives twice with
different figures.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

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

KEY = ("region_iso", "service_id", "month")
NEEDED = {*KEY, "applications"}
MIN_COLUMNS = 8
_ROW_REASONS = {"region_iso": "unknown_entity", "service_id": "missing_id", "month": "bad_period"}
_NUMERIC = {"count", "number", "share"}
SUGGESTIONS = {
    "ambiguous_unit": "0.78 may be 78 % or 0.78 %: neither label nor cells say per cent and no value is above 1;"
    " ask the publisher for a column in per cent",
}


@dataclass(frozen=True)
class PanelResult:
    """Panel rows, refusals, the number of accepted and refused cells."""

    panel: pd.DataFrame
    rejects: list[pd.DataFrame]
    accepted: np.ndarray
    rejected: np.ndarray
    columns: dict[str, int]


def panel_columns(sheet: Sheet, header: Header, exceptions: Overrides) -> tuple[dict[str, int], set[int]]:
    """Panel column → absolute index, for a header that names enough of them, and the rows of exceptions that named
    some; both empty otherwise.
    """
    labels = [label.raw for label in labels_of(sheet, header)]
    named = {
        header.left + place: role
        for place, label in enumerate(labels)
        if (role := exceptions.role_of(sheet.grid.sheet, label, header.left + place + 1))
    }
    found = {role: index for index, (role, _) in reversed(named.items()) if role != "not_kept"}
    for row in store.reference("panel_columns").to_dict("records"):
        for place, label in enumerate(labels):
            index = header.left + place
            is_free = index not in named and index not in found.values()
            if label and is_free and re.search(row["pattern"], key_text(label)):
                found.setdefault(row["column"], index)
                break
    if not (set(found) >= NEEDED and len(found) >= MIN_COLUMNS):
        return {}, set()
    return found, {row for _, row in named.values()}


def clean_panel(sheet: Sheet, header: Header, columns: dict[str, int], words: Vocabulary, file: str) -> PanelResult:
    """Read the rows below the header of a monthly file.

    Parameters
    ----------
    sheet, header
        Prepared grid and its header.
    columns : dict
        From :func:`panel_columns`.
    words : Vocabulary
        Closed lists (levels of services, units of days, flags).
    file : str
        Name of the file.
    """
    kinds = {row["column"]: row["kind"] for row in store.reference("panel_columns").to_dict("records")}
    start = header.last + 1
    texts = sheet.texts[start:]
    is_row = (texts[:, [columns[name] for name in KEY]] != "").any(axis=1)
    rows = np.flatnonzero(is_row)
    values: dict[str, np.ndarray] = {}
    reasons: dict[str, np.ndarray] = {}
    for name, index in columns.items():
        values[name], reasons[name] = _read(texts[rows, index], kinds[name], words)
        label = " ".join(sheet.texts[header.first : start, index])
        if kinds[name] == "share" and _is_unit_unknown(label, texts[rows, index], values[name]):
            reasons[name] = np.where(reasons[name] == "", "ambiguous_unit", reasons[name])
            values[name] = np.full(len(rows), np.nan)
    refused = _refused(values, reasons)
    rejects = _reject_frames(sheet, rows + start, columns, reasons, refused, file)
    rejects = [frame.assign(region_iso=_region_codes(sheet, columns, frame)) for frame in rejects]
    keep = refused == ""
    accepted, rejected = (np.zeros((len(rows), len(columns)), dtype=bool) for _ in range(2))
    for place, name in enumerate(columns):
        accepted[:, place] = keep & (reasons[name] == "")
        rejected[:, place] = ~accepted[:, place]
    panel = pd.DataFrame({name: array[keep] for name, array in values.items()})
    heap_rows = rows + start
    return PanelResult(
        _complete(panel, kinds),
        rejects,
        _on_grid(sheet, heap_rows, columns, accepted),
        _on_grid(sheet, heap_rows, columns, rejected),
        columns,
    )


def _read(texts: np.ndarray, kind: str, words: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    codes, distinct = pd.factorize(texts)
    read = _reader(kind, words)
    parsed = [read(text) for text in distinct]
    empty: object = np.nan if kind in _NUMERIC else ""
    dtype = float if kind in _NUMERIC else object
    values = np.array([empty if one.value is None else one.value for one in parsed], dtype=dtype)
    reasons = np.array([one.reason for one in parsed], dtype=object)
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


def _is_unit_unknown(label: str, texts: np.ndarray, values: np.ndarray) -> bool:
    """Neither label nor cells say per cent, and no value tells: 0.78 may be 78 % or 0.78 %."""
    says = "%" in label or "проц" in label.lower() or any("%" in text for text in pd.unique(texts))
    known = values[~np.isnan(values)]
    return not says and known.size > 0 and bool((known <= 0.01).all()) and bool((known > 0).any())


def _refused(values: dict[str, np.ndarray], reasons: dict[str, np.ndarray]) -> np.ndarray:
    refused = np.full(len(values["month"]), "", dtype=object)
    for name in KEY:
        refused = np.where(refused == "", reasons[name], refused)
    frame = pd.DataFrame({name: values[name].astype(str) for name in values})
    alive = refused == ""
    again = frame[alive].duplicated(list(KEY), keep=False)
    if again.any():
        group = frame[alive][again]
        exact = group.duplicated(keep="first")
        sizes = group.drop_duplicates().groupby(list(KEY)).size()
        conflict = pd.MultiIndex.from_frame(group[list(KEY)]).map(sizes).to_numpy() > 1
        refused[group.index[conflict]] = "duplicate_conflict"
        refused[group.index[exact.to_numpy() & ~conflict]] = "duplicate_exact"
    return refused


def _reject_frames(
    sheet: Sheet,
    rows: np.ndarray,
    columns: dict[str, int],
    reasons: dict[str, np.ndarray],
    refused: np.ndarray,
    file: str,
) -> list[pd.DataFrame]:
    frames = [_frame(sheet, rows[refused != ""], columns["service_id"], refused[refused != ""], 0, file)]
    for name, index in columns.items():
        bad = (refused == "") & (reasons[name] != "")
        frames.append(_frame(sheet, rows[bad], index, reasons[name][bad], index + 1, file))
    return frames


def _region_codes(sheet: Sheet, columns: dict[str, int], frame: pd.DataFrame) -> pd.Categorical:
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


def _complete(panel: pd.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    """All columns of the table; those that the file lacks are empty."""
    for name, kind in kinds.items():
        if name not in panel:
            panel[name] = np.nan if kind in _NUMERIC else ""
    panel["is_audit_window"] = panel["is_audit_window"] == "1"
    return panel[list(kinds)]


def _on_grid(sheet: Sheet, rows: np.ndarray, columns: dict[str, int], marks: np.ndarray) -> np.ndarray:
    grid = np.zeros(sheet.texts.shape, dtype=bool)
    for place, index in enumerate(columns.values()):
        grid[rows, index] = marks[:, place]
    return grid
