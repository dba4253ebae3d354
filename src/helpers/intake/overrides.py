"""Reviewed exceptions for single files: rows of ``column_overrides``, ``sheet_overrides`` and ``corrections``.

A row that cannot be used stops the file and says which row, what is wrong and what is nearest; a row that fits
nothing is listed by :mod:`helpers.intake.idle_rows`.
"""

import fnmatch
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from helpers.intake import override_rules
from helpers.intake.grids.model import Grid
from helpers.intake.override_rules import OverrideError
from helpers.intake.text import key_text
from helpers.tables import store

OF_RATING_TABLES = ("", "entity", "period", "not_kept")


class CorrectionError(OverrideError):
    """A correction no longer finds what it corrects: the publisher changed the file; review the row."""


@dataclass(frozen=True)
class SheetOverride:
    """``action`` skip or read; header rows 0-based inclusive; empty texts where the row does not say.

    ``is_named`` tells that the row names this very sheet and not a pattern: only such a row opens a hidden one.
    """

    action: str
    header: tuple[int, int] | None
    rating: str
    period: str
    entity: str
    reason: str
    row: int
    is_named: bool = False


@dataclass(frozen=True)
class ColumnOverride:
    """What a column is: a role (``entity``, ``period``, ``not_kept``) or an indicator, with its period."""

    role: str
    rating: str
    indicator: str
    period: str
    reason: str
    row: int


@dataclass(frozen=True)
class Overrides:
    """Exceptions that concern one file; column ``line`` is the row of the table, its header being row 1."""

    sheets: pd.DataFrame
    columns: pd.DataFrame
    corrections: pd.DataFrame

    def of_sheet(self, sheet: str) -> SheetOverride | None:
        """Exception for a sheet, if any; the first row that fits."""
        for row in self.sheets.to_dict("records"):
            if fnmatch.fnmatch(sheet, row["sheet_pattern"] or "*"):
                first, last = row["header_first_row"], row["header_last_row"] or row["header_first_row"]
                header = (int(first) - 1, int(last) - 1) if first else None
                return SheetOverride(
                    row["action"], header, row["rating"], row["period"], row["entity"], row["reason"], row["line"],
                    row["sheet_pattern"] == sheet,
                )  # fmt: skip
        return None

    def rating_of(self, sheet: str) -> str:
        """Rating that a reviewer set for a sheet; empty for none."""
        found = self.of_sheet(sheet)
        return found.rating if found else ""

    def of_column(self, sheet: str, label: str, column: int, rating: str) -> ColumnOverride | None:
        """Exception for a column of a rating's table, by its label or its 1-based number; the first row that fits."""
        for row in self._of_label(sheet, label, column):
            if row["role"] in OF_RATING_TABLES and row["rating"] in ("", rating):
                return ColumnOverride(
                    row["role"], row["rating"], row["indicator"], row["period"], row["reason"], row["line"]
                )
        return None

    def role_of(self, sheet: str, label: str, column: int) -> tuple[str, int] | None:
        """Column of a monthly file that a reviewer named for a label, and the row that says so."""
        for row in self._of_label(sheet, label, column):
            if row["role"] not in ("", "entity", "period"):
                return row["role"], row["line"]
        return None

    def _of_label(self, sheet: str, label: str, column: int) -> list[dict]:
        key = key_text(label)
        return [
            row
            for row in self.columns.to_dict("records")
            if fnmatch.fnmatch(sheet, row["sheet_pattern"] or "*")
            and (
                (row["column"] and int(row["column"]) == column)
                or (row["label_pattern"] and override_rules.pattern(row["label_pattern"]).search(key))
            )
        ]


def of_file(file: str) -> Overrides:
    """Exceptions whose file pattern fits a file name.

    Raises
    ------
    OverrideError
        If one of these rows cannot be used: no such action, role, rating, indicator, period, or no number where
        one is needed.
    """
    chosen = {name: _numbered(name) for name in override_rules.FILE_COLUMN}
    for name, column in override_rules.FILE_COLUMN.items():
        fits = [fnmatch.fnmatch(file, pattern) for pattern in chosen[name][column]]
        chosen[name] = chosen[name][fits]
        override_rules.check(name, chosen[name])
    return Overrides(chosen["sheet_overrides"], chosen["column_overrides"], chosen["corrections"])


def _numbered(name: str) -> pd.DataFrame:
    """A reference table with the row of each line, the header being row 1."""
    table = store.reference(name)
    override_rules.check_columns(name, table)
    return table.assign(line=np.arange(2, len(table) + 2))


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
    taken: dict[tuple[int, int, int], int] = {}
    for row in overrides.corrections.to_dict("records"):
        at_row, at_column = int(row["row"]) - 1, int(row["col"]) - 1
        place = _place_of(row, by_sheet, grids, file)
        first = taken.setdefault((place, at_row, at_column), row["line"])
        if first != row["line"]:
            raise CorrectionError(
                f"{_where(row, file)}: rows {first} and {row['line']} of data/reference/corrections.csv both correct"
                " this cell; keep one of them"
            )
        old = grids[place].texts[at_row, at_column]
        if _plain(old) != _plain(row["expected_old"]):
            raise CorrectionError(
                f"{_where(row, file)}: holds «{old}», not «{row['expected_old']}»; the publisher changed it. "
                f"Review row {row['correction_id']} of data/reference/corrections.csv"
            )
        grids[place] = _with_text(grids[place], at_row, at_column, row["new_value"])
        applied.append(
            {
                "correction_id": row["correction_id"], "file": file, "sheet": row["sheet"], "row": at_row + 1,
                "col": at_column + 1,
                "old_value": old, "new_value": row["new_value"], "reason": row["reason"],
            }
        )  # fmt: skip
    return grids, applied


def _plain(text: str) -> str:
    """Text of a cell for comparison: 81,7 and 81.7 are one number."""
    return text.strip().replace(",", ".")


def _where(row: dict, file: str) -> str:
    return f"{file}, sheet «{row['sheet']}», row {row['row']}, column {row['col']}"


def _place_of(row: dict, by_sheet: dict[str, int], grids: list[Grid], file: str) -> int:
    """Position of the grid that holds the cell of a correction."""
    review = f"review row {row['correction_id']} of data/reference/corrections.csv"
    if row["sheet"] not in by_sheet:
        sheets = ", ".join(f"«{sheet}»" for sheet in by_sheet)
        raise CorrectionError(f"{_where(row, file)}: no such cell, the file has the sheets {sheets}; {review}")
    place = by_sheet[row["sheet"]]
    rows, columns = grids[place].texts.shape
    if not (0 < int(row["row"]) <= rows and 0 < int(row["col"]) <= columns):
        raise CorrectionError(
            f"{_where(row, file)}: no such cell, the sheet has {rows} rows and {columns} columns; {review}"
        )
    return place


def _with_text(grid: Grid, row: int, column: int, text: str) -> Grid:
    texts = grid.texts.copy()
    texts[row, column] = text
    kinds = grid.kinds
    if kinds is not None:
        kinds = kinds.copy()
        kinds[row, column] = 0
    return replace(grid, texts=texts, kinds=kinds)
