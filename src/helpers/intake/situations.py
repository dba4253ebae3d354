"""The composition of life situations → the table ``life_situations``: one document of one service of one situation in
one region, with the month in which the region launched it.

Columns are recognised by ``situation_columns.csv``. A row whose region, situation, service or launch cannot be read is
refused, and so is a document that the file gives twice with different marks. A situation of a region that lost a row
is kept but marked incomplete: a sum over some of its services would be wrong, not merely short.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.intake import rows as row_kinds
from helpers.intake.headers import Header, Sheet
from helpers.intake.overrides import Overrides
from helpers.intake.record_files import NUMERIC, columns_of, on_grid, read, refused_rows, region_codes, reject_frames
from helpers.intake.text import normalise
from helpers.intake.vocabulary import Vocabulary
from helpers.tables import store

REFERENCE = "situation_columns"
KEY = ("region_iso", "situation_id", "service_id", "document_id")
NEEDED = {"region_iso", "situation_id", "service_id", "launched"}
ROW_PARTS = (*KEY, "launched")
"""Columns without which a row says nothing: a cell refused there refuses the row."""


@dataclass(frozen=True)
class SituationResult:
    """Rows of the composition, refusals, and which cells were accepted and refused."""

    situations: pd.DataFrame
    rejects: list[pd.DataFrame]
    accepted: np.ndarray
    rejected: np.ndarray
    columns: dict[str, int]


def situation_columns(sheet: Sheet, header: Header, exceptions: Overrides) -> tuple[dict[str, int], set[int]]:
    """Column → absolute index, for a header that names enough of them, and the rows of exceptions that named some;
    both empty otherwise.
    """
    found, used = columns_of(sheet, header, REFERENCE, exceptions)
    return (found, used) if set(found) >= NEEDED else ({}, set())


def clean_situations(
    sheet: Sheet, header: Header, columns: dict[str, int], words: Vocabulary, file: str
) -> SituationResult:
    """Read the rows below the header of a composition.

    Parameters
    ----------
    sheet, header
        Prepared grid (merged cells spread) and its header.
    columns : dict
        From :func:`situation_columns`.
    words : Vocabulary
        Closed lists (flags).
    file : str
        Name of the file.
    """
    kinds = {row["column"]: row["kind"] for row in store.reference(REFERENCE).to_dict("records")}
    places = [columns[name] for name in ("region_iso", "situation_id", "service_id")]
    found = row_kinds.classify(sheet, header, sheet.rows, places, [], "region")
    rows = np.flatnonzero(found.kinds == row_kinds.DATA) + found.start
    values, reasons = {}, {}
    for name, index in columns.items():
        values[name], reasons[name] = read(sheet.texts[rows, index], kinds[name], words)
    _complete(values, reasons, kinds, len(rows))
    refused = _refused(values, reasons)
    rejects = reject_frames(sheet, rows, columns, reasons, refused, file)
    rejects = [frame.assign(region_iso=region_codes(sheet, columns, frame)) for frame in rejects]
    table = pd.DataFrame({name: array for name, array in values.items() if name in kinds})
    bad = (refused != "") & (refused != "duplicate_exact") | _any([reasons[name] != "" for name in columns])
    table["is_complete"] = ~_touched(table, bad)
    table["is_abolished"] = table["is_abolished"] == "1"
    keep = refused == ""
    accepted = np.column_stack([keep & (reasons[name] == "") for name in columns])
    marks = [on_grid(sheet, rows, columns, part) for part in (accepted, ~accepted)]
    kept = table.loc[keep].reset_index(drop=True)
    return SituationResult(kept, rejects, marks[0], marks[1], columns)


def _complete(values: dict[str, np.ndarray], reasons: dict[str, np.ndarray], kinds: dict[str, str], n: int) -> None:
    """Columns that the file lacks are empty; codes of documents are compared in one form."""
    for name, kind in kinds.items():
        if name not in values:
            values[name] = np.full(n, np.nan) if kind in NUMERIC else np.full(n, "", dtype=object)
            reasons[name] = np.full(n, "", dtype=object)
    values["document_id"] = np.array([normalise(str(code)).upper() for code in values["document_id"]], dtype=object)


def _refused(values: dict[str, np.ndarray], reasons: dict[str, np.ndarray]) -> np.ndarray:
    """Reason of every refused row; a situation with two launches in one region contradicts itself in every row."""
    refused = refused_rows(values, reasons, KEY)
    refused = np.where(refused == "", reasons["launched"], refused)
    frame = pd.DataFrame({name: values[name] for name in ("region_iso", "situation_id", "launched")})
    alive = frame[refused == ""]
    launches = alive.groupby(["region_iso", "situation_id"])["launched"].transform("nunique")
    refused[launches.index[launches > 1]] = "duplicate_conflict"
    return refused


def _any(marks: list[np.ndarray]) -> np.ndarray:
    return np.asarray(np.logical_or.reduce(marks))


def _touched(table: pd.DataFrame, bad: np.ndarray) -> np.ndarray:
    """Rows whose situation lost one; a lost row that names no situation touches all of its region."""
    lost = table[bad]
    whole = set(lost.loc[lost["situation_id"] == "", "region_iso"])
    pairs = pd.MultiIndex.from_frame(lost[["region_iso", "situation_id"]])
    own = pd.MultiIndex.from_frame(table[["region_iso", "situation_id"]])
    return np.asarray(own.isin(pairs) | table["region_iso"].isin(whole))
