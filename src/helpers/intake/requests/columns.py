"""Which column of a log is what, by the vocabulary of ``data/reference/request_columns.csv`` and overrides."""

import fnmatch
import re
from dataclasses import dataclass

import pandas as pd

from helpers.intake.text import key_text


class LogError(ValueError):
    """A log cannot be read or understood; the message names the file, the place and the fix."""


@dataclass(frozen=True)
class ColumnMap:
    """Our column name → label in the file; unknown labels are listed, not guessed."""

    labels: dict[str, str]
    unknown: tuple[str, ...]


def recognise(labels: list[str], vocabulary: pd.DataFrame, overrides: pd.DataFrame, file_name: str) -> ColumnMap:
    """Assign labels to columns: an override by file first, then the first pattern that fits, one label each.

    Parameters
    ----------
    vocabulary : DataFrame
        ``column, pattern, is_required`` in order of trial.
    overrides : DataFrame
        Reference table ``column_overrides``: ``file_pattern`` with ``*``, ``label_pattern`` a regular expression,
        ``role`` is the name of our column.

    Raises
    ------
    LogError
        If a required column is not found, or two labels fit the same one.
    """
    found: dict[str, str] = {}
    unknown: list[str] = []
    known = list(vocabulary.itertuples())
    for label in labels:
        text = key_text(label).replace("_", " ").strip()
        name = _override(overrides, file_name, label) or next(
            (r.column for r in known if _fits(r.pattern, text, label)), ""
        )
        if not name:
            unknown.append(label)
        elif name in found:
            raise LogError(
                f"{file_name}: columns {found[name]!r} and {label!r} both look like '{name}'; add a row to"
                " data/reference/column_overrides.csv (file_pattern, label_pattern, role) that says which is which"
            )
        else:
            found[name] = label
    missing = [r.column for r in known if r.is_required == "1" and r.column not in found]
    if missing == ["service_id"] and "service_name" in found:
        found["service_id"] = found["service_name"]
        missing = []
    if missing:
        raise LogError(
            f"{file_name}: no column for {', '.join(missing)} among {labels}; add rows to"
            " data/reference/column_overrides.csv (file_pattern, label_pattern, role)"
        )
    return ColumnMap(found, tuple(unknown))


def _fits(pattern: str, text: str, label: str) -> bool:
    return bool(re.search(pattern, text) or re.search(pattern, label.lower()))


def _override(overrides: pd.DataFrame, file_name: str, label: str) -> str:
    """Our column for a label by the first override row that fits file and label; empty for none."""
    for row in overrides.to_dict("records"):
        fits_file = fnmatch.fnmatch(file_name, row["file_pattern"] or "*")
        if fits_file and row["label_pattern"] and re.search(row["label_pattern"].replace("ё", "е"), key_text(label)):
            return str(row["role"])
    return ""
