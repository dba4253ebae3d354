"""Frames of cells and refusals, held as categories: a million rows of few distinct texts stay small."""

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

TIDY_COLUMNS = (
    "file", "sheet", "row", "col", "rating", "entity_raw", "entity_id", "region_iso", "period", "indicator", "value", "unit", "cmp",
)  # fmt: skip
CELL_COLUMNS = (*TIDY_COLUMNS, "decimals", "entity_type", "raw")
REJECT_COLUMNS = ("file", "sheet", "row", "col", "raw", "reason", "suggestion")
_NUMBERS = {"row": "int64", "col": "int64", "decimals": "int64"}


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
            result[name] = np.concatenate(parts) if parts else np.empty(0, dtype=_NUMBERS[name])
        else:
            parts = [pd.Categorical(frame[name]) for frame in frames]
            result[name] = (
                union_categoricals(parts) if parts else pd.Categorical([], categories=pd.Index([], dtype=object))
            )
    return pd.DataFrame(result)
