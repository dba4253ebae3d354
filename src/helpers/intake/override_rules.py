"""What a row of the reviewed exceptions may say; another row is refused with the nearest valid word."""

import difflib
import functools
import re
from collections.abc import Iterable

import pandas as pd

from helpers.intake import vocabulary
from helpers.tables import periods, store

FILE_COLUMN = {"sheet_overrides": "file_pattern", "column_overrides": "file_pattern", "corrections": "file"}
COLUMNS = {
    "sheet_overrides": (
        "file_pattern", "sheet_pattern", "action", "header_first_row", "header_last_row", "rating", "period", "entity",
        "reason",
    ),
    "column_overrides": (
        "file_pattern", "sheet_pattern", "label_pattern", "column", "role", "rating", "indicator", "period", "reason",
    ),
    "corrections": ("correction_id", "file", "sheet", "row", "col", "expected_old", "new_value", "reason"),
}  # fmt: skip
ACTIONS = ("read", "skip")
ROLES = ("entity", "period", "not_kept")
STATES = ("before", "after")
_WHOLE_NUMBERS = {
    "sheet_overrides": ("header_first_row", "header_last_row"), "column_overrides": ("column",),
    "corrections": ("row", "col"),
}  # fmt: skip


class OverrideError(Exception):
    """A row of the reviewed exceptions cannot be used; the message names the row and what it may say."""


def check_columns(name: str, table: pd.DataFrame) -> None:
    """Refuse a table whose header was changed.

    Raises
    ------
    OverrideError
        Naming the columns that are missing.
    """
    missing = [column for column in COLUMNS[name] if column not in table]
    if missing:
        raise OverrideError(
            f"data/reference/{name}.csv: no column {', '.join(missing)}; its header is {','.join(COLUMNS[name])}"
        )


def check(name: str, rows: pd.DataFrame) -> None:
    """Refuse rows that can never mean anything.

    Parameters
    ----------
    name : str
        ``sheet_overrides``, ``column_overrides`` or ``corrections``.
    rows : DataFrame
        Rows of that table that concern a file, with ``line``, their place in it.

    Raises
    ------
    OverrideError
        Naming the first such row, what is wrong, and what is nearest.
    """
    for row in rows.to_dict("records"):
        wrong = _numbers(name, row) or {
            "sheet_overrides": _sheet, "column_overrides": _column, "corrections": lambda row: "",
        }[name](row)  # fmt: skip
        wrong = wrong or ("" if row["reason"].strip() else "reason is empty; say who decided it and why")
        if wrong:
            raise OverrideError(f"row {row['line']} of data/reference/{name}.csv: {wrong}")


@functools.lru_cache(maxsize=1024)
def pattern(text: str) -> re.Pattern[str]:
    """A part of a label as a reviewer wrote it: case and ё do not matter, as in the labels it is held against."""
    return re.compile(text.replace("ё", "е").replace("Ё", "Е"), re.IGNORECASE)


def log_roles() -> set[str]:
    """Columns of request logs, which ``reports panel`` reads."""
    return set(store.reference("request_columns")["column"])


def panel_roles() -> set[str]:
    """Columns of monthly files and of compositions of life situations."""
    return {*store.reference("panel_columns")["column"], *store.reference("situation_columns")["column"]}


def nearest(word: str, known: Iterable[str]) -> str:
    """What the word was probably meant to be, or the first words that there are."""
    words = sorted(filter(None, known))
    found = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    return f"nearest: {found[0]}" if found else f"there is: {', '.join(words[:12])}"


def _numbers(name: str, row: dict) -> str:
    for column in _WHOLE_NUMBERS[name]:
        text = row[column]
        is_needed = name == "corrections"
        if (text or is_needed) and not (text.isdigit() and int(text) > 0):
            return f"{column} is «{text}»; write a number counted from 1"
    return ""


def _sheet(row: dict) -> str:
    if row["action"] not in ACTIONS:
        return f"action is «{row['action']}»; write read or skip"
    first, last = row["header_first_row"], row["header_last_row"]
    if last and not first:
        return f"header_last_row is {last} without a header_first_row"
    if first and last and int(last) < int(first):
        return f"the header ends in row {last}, before its first row {first}"
    return _rating(row["rating"]) or _period(row["period"])


def _column(row: dict) -> str:
    if not row["column"] and not row["label_pattern"]:
        return "neither label_pattern nor column says which column is meant"
    try:
        pattern(row["label_pattern"])
    except re.error as error:
        return f"label_pattern «{row['label_pattern']}» is no regular expression ({error}); write a part of the label"
    known = {*ROLES, *panel_roles(), *log_roles()}
    if row["role"] and row["role"] not in known:
        return f"no role «{row['role']}»; {nearest(row['role'], known)}"
    if not row["role"] and not row["indicator"]:
        return "says neither indicator nor role; write the indicator, or role = not_kept"
    return _rating(row["rating"]) or _indicator(row["rating"], row["indicator"]) or _period(row["period"])


def _rating(code: str) -> str:
    known = [rating.code for rating in vocabulary.load().ratings]
    return f"no rating «{code}»; {nearest(code, known)}" if code and code not in known else ""


def _indicator(rating: str, name: str) -> str:
    indicators = vocabulary.load().indicators
    chosen = [indicators.get(rating, ())] if rating else list(indicators.values())
    known = {rule.name for rules in chosen for rule in rules}
    if not name or name in known:
        return ""
    return f"no indicator «{name}»{f' of {rating}' if rating else ''} in indicators.csv; {nearest(name, known)}"


def _period(text: str) -> str:
    try:
        if text and text not in STATES:
            periods.parse(text)
    except ValueError as error:
        return str(error)
    return ""
