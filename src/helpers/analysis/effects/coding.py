"""Columns to integer codes: units, months, first treated months and groups, the same for any row order."""

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

NEVER = -(2**31)
"""Code of a first treated month that never comes."""

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_MONTH = re.compile(r"^(\d{4})-(\d{2})(?:-\d{2})?$")
_NEAR = 65_536
"""Whole numbers within such a range are coded by a table however few they are."""

_BLANK = {"", "nan", "none", "nat", "<na>", "never", "inf"}


class EffectsError(ValueError):
    """Input from which no honest estimate can be made; the message says what is wrong and where."""


@dataclass(frozen=True)
class Coded:
    """A column as integer codes: ``labels[codes[row]]`` is the value, -1 a missing one."""

    codes: IntArray
    labels: npt.NDArray[Any]


def columns_of(column: str | Sequence[str]) -> list[str]:
    """Name of one column, or the names that together make a key, as a list."""
    return [column] if isinstance(column, str) else list(column)


def require(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse a frame without one of ``columns``.

    Raises
    ------
    EffectsError
        With the names that are missing and the names that are there.
    """
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise EffectsError(f"no column {', '.join(missing)}; the frame has {', '.join(map(str, frame.columns))}")


def code(frame: pd.DataFrame, column: str | Sequence[str]) -> Coded:
    """Code a column, or several columns as one key, by the sorted order of its values.

    Parameters
    ----------
    frame : DataFrame
        One row a service and month.
    column : str or sequence of str
        Several names make a joint key (region and service number, say).

    Returns
    -------
    Coded
        Codes depend on the set of values alone, never on the order of rows.
    """
    names = columns_of(column)
    coded = _code_one(frame[names[0]])
    for name in names[1:]:
        coded = _join(coded, _code_one(frame[name]))
    return coded


def _code_one(series: pd.Series) -> Coded:
    if isinstance(series.dtype, pd.CategoricalDtype):
        raw = np.asarray(series.cat.codes, dtype=np.int64)
        labels = np.asarray(series.cat.categories, dtype=object)
        used = np.unique(raw[raw >= 0])
        order = used[np.argsort(_sort_key(labels[used]), kind="stable")] if len(used) else used
        where = np.full(len(labels) + 1, -1, dtype=np.int32)
        where[order] = np.arange(len(order), dtype=np.int32)
        return Coded(where[raw], labels[order])
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "iu":
        dense = _code_whole(series.to_numpy())
        if dense is not None:
            return dense
    codes, uniques = pd.factorize(series, sort=False)
    labels = np.asarray(uniques, dtype=object if series.dtype.kind not in "iufb" else None)
    order = np.argsort(_sort_key(labels), kind="stable")
    where = np.full(len(labels) + 1, -1, dtype=np.int32)
    where[order] = np.arange(len(labels), dtype=np.int32)
    return Coded(where[codes], labels[order])


def _code_whole(values: npt.NDArray[Any]) -> Coded | None:
    """Whole numbers that lie close together, by a table of their range; None when the range is wide."""
    if not len(values):
        return None
    low, high = int(values.min()), int(values.max())
    if high - low > max(_NEAR, len(values)) or low < -(2**31) or high >= 2**31:
        return None
    offset = values.astype(np.int32) - np.int32(low)
    seen = np.zeros(high - low + 1, dtype=bool)
    seen[offset] = True
    labels = np.flatnonzero(seen)
    if len(labels) < len(seen):
        offset = (np.cumsum(seen, dtype=np.int32) - np.int32(1))[offset]
    return Coded(offset, (labels + low).astype(values.dtype))


def _sort_key(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return labels if labels.dtype.kind in "iufb" else np.asarray([str(x) for x in labels], dtype=str)


def _join(left: Coded, right: Coded) -> Coded:
    width = len(right.labels)
    joint = left.codes.astype(np.int64) * width + right.codes
    joint[(left.codes < 0) | (right.codes < 0)] = -1
    codes, uniques = pd.factorize(joint, sort=True, use_na_sentinel=True)
    offset = 1 if len(uniques) and uniques[0] == -1 else 0
    pairs = uniques[offset:]
    labels = np.empty(len(pairs), dtype=object)
    for position, pair in enumerate(pairs):
        head = left.labels[pair // width]
        labels[position] = (*(head if isinstance(head, tuple) else (head,)), right.labels[pair % width])
    return Coded((codes - offset).astype(np.int32), labels)


def period_number(value: Hashable) -> int:
    """Number of a month or of another step of time, so that neighbours differ by one.

    Whole numbers stay as they are; ``2024-06``, dates and pandas periods become year × 12 + month − 1 (a period of
    another frequency its ordinal). ``NEVER`` for 0, blanks, missing values and infinity is the caller's business.

    Raises
    ------
    EffectsError
        When the value is no step of time, or a negative one.
    """
    if isinstance(value, pd.Period):
        return int(value.year * 12 + value.month - 1) if value.freqstr.startswith("M") else int(value.ordinal)
    if isinstance(value, int | np.integer) or (isinstance(value, float | np.floating) and float(value).is_integer()):
        number = int(value)  # type: ignore[arg-type]
        if number < 0:
            raise EffectsError(
                f"negative time {number}: steps of time are whole numbers from 0 up, or months such as 2024-06"
            )
        return number
    if isinstance(value, str):
        match = _MONTH.match(value.strip())
        if match and 1 <= int(match[2]) <= 12:
            return int(match[1]) * 12 + int(match[2]) - 1
        if value.strip().isdigit():
            return int(value)
    elif hasattr(value, "year") and hasattr(value, "month"):
        return int(value.year * 12 + value.month - 1)
    raise EffectsError(f"{value!r} is no step of time: give whole numbers, dates, or months such as 2024-06")


def cohort_number(value: Hashable) -> int:
    """First treated step of time, or ``NEVER`` for 0, a blank, a missing value or infinity."""
    if value is None or value is pd.NaT or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return NEVER
    if isinstance(value, str) and value.strip().lower() in _BLANK:
        return NEVER
    if isinstance(value, int | float | np.integer | np.floating) and value == 0:
        return NEVER
    return period_number(value)


def month_label(number: int) -> str:
    """``2024-06`` for the number of a month after year 1000, else the number itself."""
    return f"{number // 12}-{number % 12 + 1:02d}" if number >= 12_000 else str(number)
