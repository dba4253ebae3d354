"""Frames of cells and refusals, held as categories: a million rows of few distinct texts stay small."""

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

TIDY_COLUMNS = (
    "file", "sheet", "row", "col", "rating", "entity_raw", "entity_id", "region_iso", "period", "indicator",
    "value", "unit", "cmp",
)  # fmt: skip
CELL_COLUMNS = (*TIDY_COLUMNS, "decimals", "entity_type", "raw")
REJECT_COLUMNS = ("file", "sheet", "row", "col", "raw", "reason", "suggestion")
REFUSAL_COLUMNS = (*REJECT_COLUMNS, "region_iso", "rating", "indicator")
_PLACES = 5
_NUMBERS = {"row": "int32", "col": "int32", "decimals": "int8"}


def constant(value: str, count: int) -> pd.Categorical:
    """The same text in every row."""
    return pd.Categorical.from_codes(np.zeros(count, dtype=np.int8), categories=pd.Index([value], dtype=object))


def taken(distinct: list[str], codes: np.ndarray) -> pd.Categorical:
    """Texts by position; equal texts share a category."""
    order = {text: place for place, text in enumerate(dict.fromkeys(distinct))}
    remap = np.array([order[text] for text in distinct], dtype=np.int64)
    return pd.Categorical.from_codes(
        remap[codes] if len(distinct) else codes, categories=pd.Index(list(order), dtype=object)
    )


def joined(frames: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    """Frames one below the other; categories are united, numbers stay numbers, an empty list gives an empty frame."""
    frames = [frame for frame in frames if len(frame)]
    result = {}
    for name in columns:
        if name in _NUMBERS:
            parts = [frame[name].to_numpy() for frame in frames]
            result[name] = (
                np.concatenate(parts).astype(_NUMBERS[name], copy=False) if parts else np.empty(0, dtype=_NUMBERS[name])
            )
        else:
            parts = [pd.Categorical(frame[name]) if name in frame else constant("", len(frame)) for frame in frames]
            result[name] = (
                union_categoricals(parts) if parts else pd.Categorical([], categories=pd.Index([], dtype=object))
            )
    return pd.DataFrame(result)


def refuse_repeats(cells: pd.DataFrame, refusals: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """One value per rating, entity, period and indicator of a file, whichever sheets or blocks it stands in.

    Returns
    -------
    tuple
        Cells without repeats (an equal one stays once, contradicting ones not at all), refusals with them, and
        their number.
    """
    key = ["rating", "entity_id", "period", "indicator"]
    codes = [cells[name].cat.codes.to_numpy().astype(np.int64) for name in key]
    joint = np.zeros(len(cells), dtype=np.int64)
    for name, code in zip(key, codes, strict=True):
        joint = joint * (len(cells[name].cat.categories) + 1) + code
    series = pd.Series(joint)
    again = series.duplicated(keep=False).to_numpy()
    if not again.any():
        return cells, refusals, 0
    group = cells[again].assign(joint=joint[again])
    values = [group[name].astype(str) for name in ("value", "unit", "cmp")]
    outcome = values[0] + "|" + values[1] + "|" + values[2]
    is_conflict = (outcome.groupby(group["joint"]).transform("nunique") > 1).to_numpy()
    is_later = group["joint"].duplicated().to_numpy()
    bad = is_conflict | is_later
    reason = np.where(is_conflict, "duplicate_conflict", "duplicate_exact")[bad]
    gone = group[bad]
    extra = gone.assign(reason=pd.Categorical(reason), suggestion=pd.Categorical(_elsewhere(group)[bad]))
    left = cells.drop(index=gone.index).reset_index(drop=True)
    return left, joined([refusals, extra], REFUSAL_COLUMNS), len(gone)


def _elsewhere(group: pd.DataFrame) -> np.ndarray:
    """For each repeated cell, where the file gives its value: the record and its first few places."""
    sheets = group["sheet"].astype(str).map(lambda name: f"sheet «{name}», " if name else "")
    places = sheets + "row " + group["row"].astype(str) + " «" + group["entity_raw"].astype(str) + "»"
    found: dict[int, dict[str, None]] = {}
    for joint, place in zip(group["joint"], places, strict=True):
        found.setdefault(joint, {})[place] = None
    named = {joint: "; ".join(list(texts)[:_PLACES]) for joint, texts in found.items()}
    records = zip(group["entity_id"].astype(str), group["joint"], strict=True)
    return np.array(
        [f"the file gives {entity} elsewhere too: {named[joint]}" for entity, joint in records], dtype=object
    )
