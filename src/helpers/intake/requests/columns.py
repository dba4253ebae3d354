"""Which column of a log is what, by the vocabulary of ``data/reference/request_columns.csv`` and overrides."""

import re
from dataclasses import dataclass
from typing import Any

from helpers.intake import overrides
from helpers.intake.override_rules import OverrideError
from helpers.intake.text import key_text
from helpers.tables import store


class LogError(ValueError):
    """A log cannot be read or understood; the message names the file, the place and the fix."""


@dataclass(frozen=True)
class ColumnMap:
    """Our column name → label in the file; unknown labels are listed, not guessed."""

    labels: dict[str, str]
    unknown: tuple[str, ...]


def recognise(labels: list[str], file_name: str) -> ColumnMap:
    """Assign labels to columns: a reviewer's exception for the file first, then the first pattern that fits.

    Parameters
    ----------
    labels : list of str
        Labels of the log; each names at most one of our columns.
    file_name : str
        Held against ``file_pattern`` of ``column_overrides.csv``, read as the cleaner reads it: by part of the label
        or by number of the column; ``role`` is one of our columns, or ``not_kept``.

    Raises
    ------
    LogError
        If a required column is not found, or two labels fit the same one, or an exception cannot be used.
    """
    known = list(store.reference("request_columns").itertuples())
    try:
        exceptions = overrides.of_file(file_name)
    except OverrideError as error:
        raise LogError(str(error)) from error
    columns = {row.column for row in known}
    found: dict[str, str] = {}
    unknown: list[str] = []
    for number, label in enumerate(labels, start=1):
        role = exceptions.role_of("", label, number)
        if role and role[0] == "not_kept":
            continue
        name = role[0] if role and role[0] in columns else _by_vocabulary(known, label)
        if not name:
            unknown.append(label)
        elif name in found:
            raise LogError(
                f"{file_name}: columns {found[name]!r} and {label!r} both look like '{name}'; add a row to"
                " data/reference/column_overrides.csv (file_pattern, label_pattern, role) that says which is which;"
                " role not_kept leaves a column out"
            )
        else:
            found[name] = label
    return ColumnMap(_complete(found, known, labels, file_name), tuple(unknown))


def _complete(found: dict[str, str], known: list[Any], labels: list[str], file_name: str) -> dict[str, str]:
    """Columns found; a service known by name only is identified by its name."""
    missing = [row.column for row in known if row.is_required == "1" and row.column not in found]
    if missing == ["service_id"] and "service_name" in found:
        return found | {"service_id": found["service_name"]}
    if missing:
        raise LogError(
            f"{file_name}: no column for {', '.join(missing)} among {labels}; add rows to"
            " data/reference/column_overrides.csv (file_pattern, label_pattern, role)"
        )
    return found


def _by_vocabulary(known: list[Any], label: str) -> str:
    text = key_text(label).replace("_", " ").strip()
    return next((row.column for row in known if _fits(row.pattern, text, label)), "")


def _fits(pattern: str, text: str, label: str) -> bool:
    return bool(re.search(pattern, text) or re.search(pattern, label.lower()))
