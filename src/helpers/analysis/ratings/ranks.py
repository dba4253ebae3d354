"""Table ``ranks``: no rank without its uncertainty.

Grain out: rating × entity × period × indicator. Three kinds of rank: calculated where most participants have a value,
with the spread over method choices and rounding, and a confidence set where standard errors exist; as printed, where
only a place was published; nothing at all where a handful of leaders was printed.
"""

import math

import numpy as np
import pandas as pd

from helpers.analysis import ranks as inference
from helpers.analysis.composite.uncertainty import RankUncertainty
from helpers.analysis.ratings.scores import shown_names

MIN_RANKED = 10  # fewer printed values are a selection of leaders, not a league
RANKED = {"b_region_index": "region", "a_fed_index": "body", "c_mfc": "region"}
PRINTED = {"rank": "rank", "rank_in_district": "rank_in_district"}
COLUMNS = [
    "rating",
    "entity_id",
    "entity_name",
    "period",
    "indicator",
    "region_iso",
    "value",
    "rank",
    "rank_low",
    "rank_high",
    "rank_ci_low",
    "rank_ci_high",
    "interval_kind",
    "units_ranked",
    "indistinguishable_count",
    "tier",
    "is_synthetic",
]


def calculated_ranks(
    scores: pd.DataFrame,
    errors: pd.DataFrame,
    uncertainty: dict[str, RankUncertainty],
    level: float = 0.95,
    draws: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Ranks of published totals by rating and period, at least ten entities each.

    Parameters
    ----------
    scores
        Table ``scores``: rows with the method *published*.
    errors
        Standard errors of the regional index, columns ``region_iso, period, std_error``. Used for a period only if
        every ranked region has one: a set from part of the errors would be wrong for all.
    uncertainty
        Period → ranks of regions over method choices.
    level, draws, seed
        Of the confidence sets.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`COLUMNS`. ``rank_low`` and ``rank_high`` join rounding and, where there are questionnaires, the
        5th and 95th percentile over choices; ``interval_kind`` names the wider source.
    """
    rows = scores[(scores["method"] == "published") & (scores["group"] == "total") & scores["score"].notna()]
    parts = []
    for rating, wanted in RANKED.items():
        own = rows[(rows["rating"] == rating) & (rows["level"] == wanted)]
        own = own[own["entity_type"].isin(["region", "federal_agency"])]
        for period, part in own.groupby("period"):
            if len(part) >= MIN_RANKED:
                found = uncertainty.get(str(period)) if rating == "b_region_index" else None
                se = _errors_of(part, errors, str(period)) if rating == "b_region_index" else None
                parts.append(_one_league(part, se, found, level, draws, seed))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def _errors_of(part: pd.DataFrame, errors: pd.DataFrame, period: str) -> pd.Series | None:
    own = errors[errors["period"] == period].set_index("region_iso")["std_error"]
    aligned = part["region_iso"].map(own)
    return None if aligned.isna().any() else aligned


def _one_league(
    part: pd.DataFrame,
    errors: pd.Series | None,
    found: RankUncertainty | None,
    level: float,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    rounded = inference.rounding_ranks(part["score_low"], part["score_high"], part["score"])
    low, high, kind = rounded["rank_low"].astype(float), rounded["rank_high"].astype(float), "rounding"
    if found is not None:
        spread = found.ranks.reindex(part["region_iso"]).set_axis(part.index)
        low = pd.concat([low, np.floor(spread["low"])], axis=1).min(axis=1)
        high = pd.concat([high, np.ceil(spread["high"])], axis=1).max(axis=1)
        kind = "method"
    alike, tier = rounded["indistinguishable_count"], rounded["tier"]
    ci_low = ci_high = pd.Series(np.nan, index=part.index)
    if errors is not None:
        marginal = inference.confidence_sets(part["score"], errors, level, draws=draws, seed=seed)
        together = inference.indistinguishable_groups(part["score"], errors, level, draws=draws, seed=seed)
        ci_low, ci_high, tier = marginal["rank_low"], marginal["rank_high"], together["tier"]
        alike = ci_high - ci_low  # of this region's own set: the count and the place are read side by side
    return pd.DataFrame(
        {
            "rating": part["rating"],
            "entity_id": part["entity_id"],
            "entity_name": part["entity_name"],
            "period": part["period"],
            "indicator": "total" if part["rating"].iloc[0] == "c_mfc" else "index",
            "region_iso": part["region_iso"],
            "value": part["score"],
            "rank": rounded["rank"],
            "rank_low": low,
            "rank_high": high,
            "rank_ci_low": ci_low,
            "rank_ci_high": ci_high,
            "interval_kind": kind,
            "units_ranked": len(part),
            "indistinguishable_count": alike,
            "tier": tier.astype(int).astype(str),
            "is_synthetic": part["is_synthetic"],
        }
    )[COLUMNS]


def printed_ranks(
    observations: pd.DataFrame, names: pd.Series, districts: pd.Series, calculated: pd.DataFrame
) -> pd.DataFrame:
    """Places as printed, where no rank was calculated for the rating and period.

    A printed bound («among the ten») stays a bound without a rank. ``rank_low`` and ``rank_high`` are the printed
    place, widened by ties of the printed values among the entities named with it. ``units_ranked`` is the number of
    regions of the federal district for a place in the district, and 0 where the number of participants is not
    published.
    """
    rows = observations[observations["rating"].isin(RANKED) & observations["indicator"].isin(PRINTED)]
    rows = rows.assign(entity_name=shown_names(rows, names))
    done = set(zip(calculated["rating"], calculated["period"], strict=True))
    sizes = districts.value_counts()
    values = _values(observations)
    found = []
    for row in rows.sort_values(["rating", "period", "entity_id", "indicator", "source_id"]).to_dict("records"):
        if (row["rating"], row["period"]) in done:
            continue
        value = values.get((row["rating"], row["entity_id"], row["period"]), math.nan)
        in_district = row["indicator"] == "rank_in_district"
        units = int(sizes.get(districts.get(row["region_iso"]), 0)) if in_district else 0
        is_exact = row["cmp"] == "=" and not math.isnan(row["value"])
        found.append(
            {
                "rating": row["rating"],
                "entity_id": row["entity_id"],
                "entity_name": row["entity_name"],
                "period": row["period"],
                "indicator": row["indicator"],
                "region_iso": row["region_iso"],
                "value": value,
                "rank": row["value"] if is_exact else math.nan,
                "rank_low": row["value"] if is_exact else np.nanmax([1.0, row["value_low"]]),
                "rank_high": row["value"] if is_exact else row["value_high"],
                "rank_ci_low": math.nan,
                "rank_ci_high": math.nan,
                "interval_kind": "rounding" if is_exact else "published_bound",
                "units_ranked": units,
                "indistinguishable_count": math.nan,
                "tier": "",
                "is_synthetic": row["is_synthetic"],
            }
        )
    table = pd.DataFrame(found, columns=COLUMNS)
    return _widened(table.drop_duplicates(["rating", "entity_id", "period", "indicator"]), observations)


def _values(observations: pd.DataFrame) -> dict[tuple[str, str, str], float]:
    rows = observations[observations["rating"].isin(RANKED) & observations["indicator"].isin(["index", "total"])]
    return {
        (row["rating"], row["entity_id"], row["period"]): row["value"]
        for row in rows[~rows["cmp"].isin([">", ">=", "<", "<="])].to_dict("records")
    }


def _widened(table: pd.DataFrame, observations: pd.DataFrame) -> pd.DataFrame:
    """Printed places of one list whose printed values may tie share the places of the tie."""
    bounds = observations[observations["indicator"].isin(["index", "total"])].drop_duplicates(
        ["rating", "entity_id", "period"]
    )
    keys = ["rating", "entity_id", "period"]
    joined = table.merge(bounds[[*keys, "value_low", "value_high"]], on=keys, how="left").set_axis(table.index)
    result = table.copy()
    for _, part in joined.dropna(subset=["rank", "value_low", "value_high"]).groupby(["rating", "period", "indicator"]):
        if len(part) < 2:
            continue
        spread = inference.rounding_ranks(part["value_low"], part["value_high"])
        # Only ties inside the printed list move a place; the rest of the participants stay where they were printed.
        low = part["rank"] - (spread["rank"] - spread["rank_low"])
        high = part["rank"] + (spread["rank_high"] - spread["rank"])
        result.loc[part.index, "rank_low"] = np.minimum(low, part["rank"]).clip(lower=1)
        result.loc[part.index, "rank_high"] = np.maximum(high, part["rank"])
    return result
