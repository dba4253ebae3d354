"""Reviewed exceptions for single files: rows of ``column_overrides``, ``sheet_overrides`` and ``corrections``."""

import fnmatch
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.intake.grids.model import Grid
from helpers.intake.text import key_text
from helpers.tables import store


class CorrectionError(Exception):
    """A correction no longer finds what it corrects: the publisher changed the file; review the row."""


@dataclass(frozen=True)
class SheetOverride:
    """``action`` skip or read; header rows 0-based inclusive; empty texts where the row does not say."""

    action: str
    header: tuple[int, int] | None
    rating: str
    period: str
    entity: str
    reason: str


@dataclass(frozen=True)
class ColumnOverride:
    """What a column is: a role (``entity``, ``period``, ``not_kept``) or an indicator, with its period."""

    role: str
    rating: str
    indicator: str
    period: str
    reason: str


@dataclass(frozen=True)
class Overrides:
    """Exceptions that concern one file."""

    sheets: pd.DataFrame
    columns: pd.DataFrame
    corrections: pd.DataFrame

    def of_sheet(self, sheet: str) -> SheetOverride | None:
        """Exception for a sheet, if any."""
        for row in self.sheets.to_dict("records"):
            if fnmatch.fnmatch(sheet, row["sheet_pattern"] or "*"):
                first, last = row["header_first_row"], row["header_last_row"] or row["header_first_row"]
                header = (int(first) - 1, int(last) - 1) if first else None
                return SheetOverride(row["action"], header, row["rating"], row["period"], row["entity"], row["reason"])
        return None

    def rating_of(self, sheet: str) -> str:
        """Rating that a reviewer set for a sheet; empty for none."""
        found = self.of_sheet(sheet)
        return found.rating if found else ""

    def of_column(self, sheet: str, label: str, column: int) -> ColumnOverride | None:
        """Exception for a column by its label or its 1-based number."""
        for row in self.columns.to_dict("records"):
            if not fnmatch.fnmatch(sheet, row["sheet_pattern"] or "*"):
                continue
            by_number = row["column"] and int(row["column"]) == column
            by_label = row["label_pattern"] and re.search(row["label_pattern"], key_text(label))
            if by_number or by_label:
                return ColumnOverride(row["role"], row["rating"], row["indicator"], row["period"], row["reason"])
        return None


def of_file(file: str) -> Overrides:
    """Exceptions whose file pattern fits a file name."""

    def chosen(name: str, column: str) -> pd.DataFrame:
        table = store.reference(name)
        return table[[fnmatch.fnmatch(file, pattern) for pattern in table[column]]]

    return Overrides(
        chosen("sheet_overrides", "file_pattern"),
        chosen("column_overrides", "file_pattern"),
        chosen("corrections", "file"),
    )


def correct(grids: list[Grid], overrides: Overrides, file: str) -> tuple[list[Grid], list[dict]]:
    """Grids with known source errors corrected, and one row per correction applied.

    Raises
    ------
    CorrectionError
        If the sheet, the cell or the expected old text is not there.
    """
    applied = []
    by_sheet = {grid.sheet: place for place, grid in enumerate(grids)}
    grids = list(grids)
    for row in overrides.corrections.to_dict("records"):
        at_row, at_column = int(row["row"]) - 1, int(row["col"]) - 1
        place = by_sheet.get(row["sheet"])
        texts = grids[place].texts if place is not None else np.empty((0, 0), dtype=object)
        where = f"{file}, sheet «{row['sheet']}», row {row['row']}, column {row['col']}"
        if at_row >= texts.shape[0] or at_column >= texts.shape[1] or place is None:
            raise CorrectionError(
                f"{where}: no such cell; review row {row['correction_id']} of data/reference/corrections.csv"
            )
        old = texts[at_row, at_column]
        if old.strip() != row["expected_old"].strip():
            raise CorrectionError(
                f"{where}: holds «{old}», not «{row['expected_old']}»; the publisher changed it. "
                f"Review row {row['correction_id']}"
                " of data/reference/corrections.csv"
            )
        changed = texts.copy()
        changed[at_row, at_column] = row["new_value"]
        kinds = grids[place].kinds
        if kinds is not None:
            kinds = kinds.copy()
            kinds[at_row, at_column] = 0
        grids[place] = _with_texts(grids[place], changed, kinds)
        applied.append(
            {
                "correction_id": row["correction_id"], "file": file, "sheet": row["sheet"], "row": at_row + 1,
                "col": at_column + 1,
                "old_value": old, "new_value": row["new_value"], "reason": row["reason"],
            }
        )  # fmt: skip
    return grids, applied


def _with_texts(grid: Grid, texts: np.ndarray, kinds: np.ndarray | None) -> Grid:
    return Grid(
        grid.sheet, texts, kinds, grid.spans, grid.is_hidden, grid.hidden_rows, grid.hidden_columns, grid.titles,
        grid.general_numbers,
        grid.notes, grid.is_flat,
    )  # fmt: skip
