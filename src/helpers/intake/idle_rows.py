"""Rows of the reviewed exceptions that changed nothing, each with what it was probably meant for.

A misspelt sheet, label or file name in ``column_overrides``, ``sheet_overrides`` or ``corrections`` would
otherwise look like a decision that is in force.
"""

import difflib
import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass

from helpers.intake import override_rules
from helpers.intake.overrides import OF_RATING_TABLES, Overrides
from helpers.intake.text import key_text
from helpers.tables import store

_CLOSE = 0.5


@dataclass(frozen=True)
class Seen:
    """A column that was met: its sheet, its label as printed, its 1-based number, the rating of its table."""

    sheet: str
    label: str
    number: int
    rating: str


def of_file(exceptions: Overrides, sheets: list[str], columns: list[Seen], used: set[int]) -> list[str]:
    """Sentences about exceptions of one file that matched nothing.

    Parameters
    ----------
    exceptions : Overrides
        Rows whose file pattern fits the file.
    sheets : list of str
        All sheets of the file, hidden ones too.
    columns : list of Seen
        Columns of every table that was read.
    used : set of int
        Rows of ``column_overrides.csv`` that named a column.
    """
    found = []
    taken: dict[str, int] = {}
    for row in exceptions.sheets.to_dict("records"):
        fitting = [sheet for sheet in sheets if fnmatch.fnmatch(sheet, row["sheet_pattern"] or "*")]
        fresh = [sheet for sheet in fitting if sheet not in taken]
        if not fresh:
            first = f"row {taken[fitting[0]]} of the table comes first" if fitting else _no_sheet(row, sheets)
            found.append(_sentence("sheet_overrides", row, first))
        taken |= {sheet: row["line"] for sheet in fresh}
    found += [
        _sentence("column_overrides", row, _why_not(row, sheets, columns))
        for row in exceptions.columns.to_dict("records")
        if row["line"] not in used and not _is_for_logs(row)
    ]
    return found


def orphans(names: Iterable[str]) -> list[str]:
    """Sentences about exceptions whose file pattern fits none of the files.

    Parameters
    ----------
    names : iterable of str
        Names, without folders, of all registered files and of those at hand.
    """
    files, found = sorted(set(names)), []
    for name, column in override_rules.FILE_COLUMN.items():
        for line, row in enumerate(store.reference(name).to_dict("records"), start=2):
            is_log = name == "column_overrides" and _is_for_logs(row)
            if is_log or any(fnmatch.fnmatch(file, row[column]) for file in files):
                continue
            near = difflib.get_close_matches(row[column], files, n=1, cutoff=_CLOSE)
            hint = f"; nearest: {near[0]}" if near else ""
            found.append(_sentence(name, row | {"line": line}, f"no registered file «{row[column]}»{hint}"))
    return found


def _sentence(name: str, row: dict, why: str) -> str:
    return f"row {row['line']} of data/reference/{name}.csv matched nothing: {why}"


def _is_for_logs(row: dict) -> bool:
    """Does the row name a column that only request logs have?"""
    return row["role"] in override_rules.log_roles() - override_rules.panel_roles()


def _no_sheet(row: dict, sheets: list[str]) -> str:
    near = difflib.get_close_matches(row["sheet_pattern"], sheets, n=1, cutoff=0.0)
    return f"no sheet «{row['sheet_pattern']}»" + (f"; nearest: «{near[0]}»" if near else "")


def _why_not(row: dict, sheets: list[str], columns: list[Seen]) -> str:
    if row["sheet_pattern"] and not any(fnmatch.fnmatch(sheet, row["sheet_pattern"]) for sheet in sheets):
        return _no_sheet(row, sheets)
    here = [one for one in columns if fnmatch.fnmatch(one.sheet, row["sheet_pattern"] or "*")]
    if not here:
        return "no table with labels was found; name its header row in sheet_overrides.csv"
    named = [one for one in here if _names(row, one)]
    if not named:
        return _no_column(row, here)
    ratings = {one.rating or "no known rating" for one in named}
    if row["rating"] and row["rating"] not in ratings:
        return f"the table was read as {', '.join(sorted(ratings))}; set the rating in sheet_overrides.csv"
    if row["role"] not in OF_RATING_TABLES and not {"service_panel", "life_situations"} & ratings:
        return f"role «{row['role']}» belongs to monthly files; here write entity, period, not_kept or an indicator"
    if ratings == {"no known rating"}:
        return "the rating of the table is unknown; set it in sheet_overrides.csv"
    return "an earlier row of the table names this column"


def _names(row: dict, one: Seen) -> bool:
    by_label = row["label_pattern"] and override_rules.pattern(row["label_pattern"]).search(key_text(one.label))
    return bool(by_label) or (row["column"] != "" and int(row["column"]) == one.number)


def _no_column(row: dict, here: list[Seen]) -> str:
    if not row["label_pattern"]:
        numbers = [one.number for one in here]
        return f"no column {row['column']}; the table has columns {min(numbers)}–{max(numbers)}"
    wanted = key_text(row["label_pattern"]).strip("^$.*")
    best = max(here, key=lambda one: _likeness(wanted, key_text(one.label)))
    if _likeness(wanted, key_text(best.label)) < _CLOSE:
        labels = ", ".join(f"«{one.label}»" for one in here if one.label)
        return f"no label with «{row['label_pattern']}»; labels: {labels}"
    return (
        f"no label with «{row['label_pattern']}»; nearest: «{key_text(best.label)}», column {best.number}"
        " (write a part of it)"
    )


def _likeness(wanted: str, label: str) -> float:
    """How much of the wanted text stands in a label, in order, 0–1."""
    blocks = difflib.SequenceMatcher(None, wanted, label, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks if block.size > 2) / max(len(wanted), 1)
