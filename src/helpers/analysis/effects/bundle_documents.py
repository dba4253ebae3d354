"""Documents that a life situation asks for: each service anew before its launch, every distinct one once after it."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.analysis.effects.coding import require

KEY = ["life_situation", "region_iso"]


def asked(members: pd.DataFrame, before: pd.DataFrame, documents: pd.DataFrame | None) -> pd.DataFrame:
    """Documents of every situation and region, by code where the codes of all its services are known.

    Parameters
    ----------
    members : DataFrame
        One row a situation, region and service: ``life_situation, region_iso, service_id``.
    before : DataFrame
        Months of these services before the launch, with ``documents`` an application where known.
    documents : DataFrame or None
        One row a service and document: ``service_id, document, asked_before, asked_after``; with ``region_iso`` or
        ``life_situation`` the row holds there alone.

    Returns
    -------
    DataFrame
        One row a situation and region: ``kind`` (codes or counts), ``asked_before, distinct_before, distinct_after,
        duplicates, abolished, added, low_before, high_before, unit``. By counts alone only the bounds are known:
        max nᵢ ≤ distinct ≤ Σ nᵢ.
    """
    counts = _counts(before)
    lists = _lists(members, documents)
    rows = []
    for key, part in members.groupby(KEY, sort=True):
        known = lists.get(key)
        if known is not None and set(part["service_id"]) <= set(known["service_id"]):
            found = _distinct(known)
        else:
            wanted = pd.MultiIndex.from_frame(part[[*KEY, "service_id"]])
            found = _bounds(counts.reindex(wanted).to_numpy(dtype=float))
        rows.append(dict(zip(KEY, key, strict=True)) | found)
    return pd.DataFrame(rows)


def _counts(before: pd.DataFrame) -> pd.Series:
    """Mean number of documents of each service of each situation and region."""
    if "documents" not in before:
        empty = pd.MultiIndex.from_arrays([[], [], []], names=[*KEY, "service_id"])
        return pd.Series(dtype=float, index=empty)
    return before.groupby([*KEY, "service_id"])["documents"].mean()


def _lists(members: pd.DataFrame, documents: pd.DataFrame | None) -> dict[Any, pd.DataFrame]:
    if documents is None:
        return {}
    require(documents, ["service_id", "document", "asked_before", "asked_after"])
    on = ["service_id", *(name for name in KEY if name in documents)]
    both = members[[*KEY, "service_id"]].merge(documents, on=on)
    return dict(iter(both.groupby(KEY, sort=False)))


def _distinct(documents: pd.DataFrame) -> dict[str, Any]:
    before = documents[documents["asked_before"].astype(bool)]
    first, last = set(before["document"]), set(documents.loc[documents["asked_after"].astype(bool), "document"])
    total = len(before.drop_duplicates(["service_id", "document"]))
    return {
        "kind": "codes", "asked_before": float(total), "distinct_before": float(len(first)),
        "distinct_after": float(len(last)), "duplicates": float(total - len(first)),
        "abolished": float(len(first - last)), "added": float(len(last - first)), "low_before": float(len(first)),
        "high_before": float(len(first)), "unit": "documents",
    }  # fmt: skip


def _bounds(counts: npt.NDArray[np.float64]) -> dict[str, Any]:
    complete = bool(len(counts) and np.isfinite(counts).all())
    nan = float("nan")
    return {
        "kind": "counts", "asked_before": float(counts.sum()) if complete else nan, "distinct_before": nan,
        "distinct_after": nan, "duplicates": nan, "abolished": nan, "added": nan,
        "low_before": float(counts.max()) if complete else nan,
        "high_before": float(counts.sum()) if complete else nan, "unit": "documents",
    }  # fmt: skip
