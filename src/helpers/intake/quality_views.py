"""Data-quality views of a collection: coverage, refusals by reason, what changed since the last run."""

import pandas as pd

from helpers.intake.similar import read_as
from helpers.tables import store

KEY = ["rating", "entity_id", "period", "indicator", "source_id"]
CONTENT = ["value", "category", "unit", "cmp"]


def coverage(quality: pd.DataFrame, by: str) -> pd.DataFrame:
    """Accepted and refused values by source, region or indicator, least covered first.

    Parameters
    ----------
    quality : DataFrame
        Table ``quality``.
    by : str
        ``source_id``, ``region_iso`` or ``indicator``.

    Returns
    -------
    DataFrame
        One row per value of ``by``: n_accepted, n_rejected, n_expected (counts of values), coverage (0–1).
    """
    counts = quality.groupby(by, observed=True)[["n_accepted", "n_rejected", "n_expected"]].sum()
    counts["coverage"] = (counts["n_accepted"] / counts["n_expected"].where(counts["n_expected"] > 0)).round(4)
    return counts.sort_values(["coverage", "n_expected"], ascending=[True, False], kind="stable").reset_index()


def refusals(rejects: pd.DataFrame) -> pd.DataFrame:
    """Refused values and rows by reason, with one example of each; most frequent first."""
    if rejects.empty:
        return pd.DataFrame({"reason": [], "n": [], "n_sources": [], "example": []})
    ordered = rejects.sort_values(["source_id", "sheet", "row", "col"], kind="stable")
    groups = ordered.groupby("reason", observed=True)
    table = groups.agg(n=("reason", "size"), n_sources=("source_id", "nunique"), example=("raw", "first")).reset_index()
    return table.sort_values(["n", "reason"], ascending=[False, True], kind="stable", ignore_index=True)


def guessed_names(observations: pd.DataFrame) -> pd.DataFrame:
    """Names that no list spells so and that were read as the nearest region, with the values that rest on each."""
    own = observations[observations["entity_type"].isin(["region", "regional_agency"])]
    counts = own.groupby(["source_id", "entity_name"], observed=True).agg(
        first_row=("row", "min"), n_values=("row", "size")
    )
    table = counts.reset_index()
    table["read_as"] = [read_as(text) for text in table["entity_name"]]
    return table[table["read_as"] != ""].reset_index(drop=True)


def last_run(collection: str) -> pd.DataFrame:
    """Observations that the last run saved; without rows before the first run."""
    if not store.table_path("observations", collection).exists():
        return store.empty("observations")
    return store.load("observations", collection)


def changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Observations that are new, gone or different since the last run, by source.

    Parameters
    ----------
    before, after : DataFrame
        Table ``observations``, then and now.

    Returns
    -------
    DataFrame
        One row per source with a difference: n_new, n_gone, n_changed.
    """
    old, new = (frame.set_index(KEY)[CONTENT].astype("string").fillna("") for frame in (before, after))
    both = old.index.intersection(new.index)
    is_changed = (old.loc[both] != new.loc[both]).any(axis=1).to_numpy()
    counts = {
        "n_new": new.index.difference(old.index),
        "n_gone": old.index.difference(new.index),
        "n_changed": both[is_changed],
    }
    table = pd.DataFrame({name: index.get_level_values("source_id").value_counts() for name, index in counts.items()})
    return table.fillna(0).astype(int).rename_axis("source_id").sort_index().reset_index()
