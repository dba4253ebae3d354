"""All tables of the ratings in one call: scores, ranks, groups, transitions, targets of one collection.

Grain in: ``observations`` (and ``rejects``, to know what did not apply) and reference tables. Grain out: one table of
the contract each. Real and synthetic rows are never given together.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from helpers.analysis import groups as movement
from helpers.analysis import targets as goals
from helpers.analysis.composite.uncertainty import RankUncertainty
from helpers.analysis.ratings import choices as ratings_choices
from helpers.analysis.ratings.questionnaire import RATING as QUESTIONNAIRES
from helpers.analysis.ratings.ranks import RANKED, calculated_ranks, printed_ranks
from helpers.analysis.ratings.scores import (
    KEY,
    Questionnaires,
    computed_scores,
    published_areas,
    published_scores,
    questionnaires,
    shown_names,
    with_changes,
)
from helpers.analysis.ratings.uncertainty import aggregation_of, method_ranks
from helpers.tables import periods, store

MFC = "c_mfc"
MFC_TOTALS = {"low": "mfc_regions_low", "medium": "mfc_regions_medium", "high": "mfc_regions_high"}
GROUP_INDICATORS = {"c_mfc": "level", "b_region_index": "stage"}
REFERENCES = ("regions", "series_breaks", "targets", "mfc_levels", "method_choices")


def tables(
    observations: pd.DataFrame,
    reference: Mapping[str, pd.DataFrame],
    rejects: pd.DataFrame | None = None,
    draws: int = 1_000,
    rank_draws: int = 10_000,
    seed: int = 0,
    normalisation: str = "goalposts",
    aggregation: str = "arithmetic",
    weights: str = "equal_body",
) -> dict[str, pd.DataFrame]:
    """Tables of the contract and what explains them.

    Parameters
    ----------
    observations
        Table ``observations`` of one collection.
    reference
        Reference tables by name: :data:`REFERENCES`.
    rejects
        Table ``rejects``; only the reason ``not_applicable`` is used.
    draws
        Draws over method choices, for each period with questionnaires.
    rank_draws
        Draws of the confidence sets of ranks.
    seed
        Of all draws.
    normalisation, aggregation, weights
        The nominal way to rank regions by questionnaires (``goalposts, min_max, z, rank``; ``arithmetic, geometric``;
        ``equal_body, size_weighted``); the rows of ``method_choices`` are its alternatives.
        Published values are not recalculated.

    Returns
    -------
    dict
        ``scores, ranks, groups, transitions, targets`` in the columns of the contract, and beside them:
        ``movers`` (entity × period pair); ``method_ranks`` (region × period: nominal, median, 5 and 95 per cent over
        choices); ``method_log`` (draw × period: every choice made); ``process_scores`` (body × process × period);
        ``weights`` (process × period: effective weight and correlation); ``dropped`` (rows left out, with the reason).

    Raises
    ------
    ValueError
        If real and synthetic rows are mixed, or a reference table is missing.
    """
    is_synthetic = _collection(observations, reference)
    observations, undated = _dated(observations)
    regions = reference["regions"].set_index("iso_3166_2")
    districts = regions["federal_district"].replace("", None).dropna()
    order = _order(reference["mfc_levels"])
    way, choices = aggregation_of(aggregation, weights), ratings_choices.read(reference["method_choices"])
    steps = questionnaires(observations, rejects)
    scores, dropped = _scores(observations, steps, regions, districts, reference["series_breaks"], is_synthetic)
    found = {
        period: method_ranks(part, draws, seed, None, normalisation, way, choices)
        for period, part in steps.processes.dropna(subset=["score"]).groupby("period")
        if len(part["region_iso"].unique()) > 1
    }
    groups = group_table(observations, regions["name_ru"])
    moved = movement.movers(groups, MFC, order, reference["series_breaks"])
    return {
        "scores": scores,
        "ranks": _ranks(observations, scores, steps, found, regions, rank_draws, seed),
        "groups": groups,
        "transitions": transition_table(observations, groups, moved, order, reference["series_breaks"], seed),
        "targets": target_table(observations, reference["targets"], is_synthetic, seed),
        "movers": moved,
        "method_ranks": _by_period({period: result.ranks for period, result in found.items()}),
        "method_log": _by_period({period: result.log for period, result in found.items()}),
        "process_scores": steps.processes,
        "weights": process_weights(steps),
        "dropped": pd.concat([dropped, undated], ignore_index=True) if len(undated) else dropped,
    }


def _dated(observations: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Observations of which every rated one has a period, and the rated ones that have none: no rating without one."""
    is_rated = observations["rating"].isin([*RANKED, QUESTIONNAIRES]).to_numpy()
    lost = is_rated & ~_mask(map(periods.is_period, observations["period"]))
    columns = ["rating", "entity_id", "period", "indicator", "source_id", "observation_id"]
    return observations[~lost], observations.loc[lost, columns].assign(reason="its source says no period")


def _collection(observations: pd.DataFrame, reference: Mapping[str, pd.DataFrame]) -> bool:
    missing = [name for name in REFERENCES if name not in reference]
    if missing:
        raise ValueError(f"reference tables are missing: {', '.join(missing)}")
    marks = observations["is_synthetic"].unique()
    if len(marks) > 1:
        raise ValueError("real and synthetic observations never meet in one table")
    return bool(len(marks) and marks[0])


def _order(levels: pd.DataFrame) -> list[str]:
    own = levels[levels["scale"] == MFC]
    return list(own.assign(position=own["position"].astype(int)).sort_values("position")["level"])


def _scores(
    observations: pd.DataFrame,
    steps: Questionnaires,
    regions: pd.DataFrame,
    districts: pd.Series,
    breaks: pd.DataFrame,
    is_synthetic: bool,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = regions["name_ru"]
    published, dropped = published_scores(observations, names)
    parts = [
        published,
        published_areas(published, districts, names, is_synthetic),
        computed_scores(steps, names, districts, is_synthetic),
    ]
    present = [part for part in parts if len(part)]
    if not present:
        return store.empty("scores"), dropped
    table = pd.concat(present, ignore_index=True)
    # A mean that a source prints stands first and keeps its place before the mean calculated here.
    return with_changes(table[~table.duplicated(KEY)], breaks), dropped


def _ranks(
    observations: pd.DataFrame,
    scores: pd.DataFrame,
    steps: Questionnaires,
    found: dict[str, RankUncertainty],
    regions: pd.DataFrame,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    districts = regions["federal_district"].replace("", None).dropna()
    errors = steps.regions
    errors = errors[errors["method"] == "equal_body"][["region_iso", "period", "std_error"]]
    calculated = calculated_ranks(scores, errors, found, draws=draws, seed=seed)
    printed = printed_ranks(observations, regions["name_ru"], districts, calculated)
    parts = [part for part in (calculated, printed) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else calculated


def group_table(observations: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """Published levels and stages of regions (grain: rating × entity × period × source)."""
    wanted = [
        GROUP_INDICATORS.get(rating) == indicator
        for rating, indicator in zip(observations["rating"], observations["indicator"], strict=True)
    ]
    rows = observations[_mask(wanted) & (observations["entity_type"] == "region").to_numpy()]
    columns = ["rating", "entity_id", "entity_name", "period", "region_iso", "category", "source_id", "is_synthetic"]
    shown = rows.assign(entity_name=shown_names(rows, names))
    return shown[columns].rename(columns={"category": "group"}).reset_index(drop=True)


def published_totals(observations: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Published numbers of regions by MFC group (period → group → regions); a group not printed is absent.

    Where sources disagree on a number, the group is left out for that period: nothing is chosen in silence.
    """
    result: dict[str, dict[str, float]] = {}
    for group, indicator in MFC_TOTALS.items():
        rows = observations[(observations["indicator"] == indicator) & observations["value"].notna()]
        for period, part in rows.groupby("period"):
            if len(part["value"].unique()) == 1 and periods.is_period(str(period)):
                result.setdefault(str(period), {})[group] = float(part["value"].iloc[0])
    return result


def participants(observations: pd.DataFrame) -> dict[str, float]:
    """Published number of regions rated, by period or year; a number on which sources disagree is left out."""
    rows = observations[(observations["indicator"] == "regions_rated") & observations["value"].notna()]
    counts = rows.groupby("period")["value"].agg(["first", "min", "max"])
    return {str(period): float(row["first"]) for period, row in counts.iterrows() if row["min"] == row["max"]}


def transition_table(
    observations: pd.DataFrame,
    groups: pd.DataFrame,
    moved: pd.DataFrame,
    order: Sequence[str],
    breaks: pd.DataFrame,
    seed: int = 0,
) -> pd.DataFrame:
    """Table ``transitions``: observed moves, and bounds where only totals are published.

    A pair of periods that has both keeps the observed moves of thirty entities or more, otherwise the bounds, narrowed
    by the named moves.
    """
    mark = bool(observations["is_synthetic"].iloc[0]) if len(observations) else False
    observed = movement.observed_transitions(groups, MFC, order, breaks, seed)
    pair = ["period_from", "period_to"]
    named = moved.groupby([*pair, "group_from", "group_to"]).size().to_dict() if len(moved) else {}
    bounded = movement.bounded_transitions(published_totals(observations), MFC, order, breaks, named)
    is_full = observed["interval_kind"] == "sampling_95"
    full = set(map(tuple, observed.loc[is_full, pair].to_numpy()))
    kept = bounded[_mask(key not in full for key in map(tuple, bounded[pair].to_numpy()))]
    has_bounds = set(map(tuple, kept[pair].to_numpy()))
    rest = observed[_mask(key not in has_bounds for key in map(tuple, observed[pair].to_numpy()))]
    parts = [part for part in (rest, kept) if len(part)]
    table = pd.concat(parts, ignore_index=True) if parts else observed
    return table.assign(is_synthetic=mark)


def target_table(
    observations: pd.DataFrame, reference: pd.DataFrame, is_synthetic: bool, seed: int = 0
) -> pd.DataFrame:
    """Table ``targets``: the country for every target, and regions that have values of their own."""
    rows = []
    ratings = dict(zip(reference["target_id"], reference["rating"], strict=True))
    for target in goals.read_targets(reference):
        own = observations[
            (observations["rating"] == ratings[target.target_id]) & (observations["indicator"] == target.indicator)
        ]
        country = own[own["entity_type"] == "country"]
        if country.empty:
            country = _country_share(observations, ratings[target.target_id], target.indicator)
        rows.append(goals.assess(target, _series(country), "RU", seed))
        for region, part in own[own["entity_type"] == "region"].groupby("region_iso"):
            rows.append(goals.assess(target, _series(part), str(region), seed))
    return pd.DataFrame(rows, columns=goals.COLUMNS).assign(is_synthetic=is_synthetic)


def _series(rows: pd.DataFrame) -> pd.DataFrame:
    """One value per period; bare bounds carry no value."""
    is_bound = rows["cmp"].isin([">", ">=", "<", "<="])
    table = rows.assign(value=rows["value"].where(~is_bound))
    table = table[_mask(periods.is_period(period) for period in table["period"])]
    return table.drop_duplicates("period")[["period", "value", "value_low", "value_high"]]


def _mask(conditions: Iterable[bool]) -> np.ndarray:
    """Conditions as a row filter; a bare empty list would select columns instead."""
    return np.array(list(conditions), dtype=bool)


def _country_share(observations: pd.DataFrame, rating: str, indicator: str) -> pd.DataFrame:
    """Share of services with a curator over all regions: Σ with / Σ all, where both counts are known."""
    columns = ["period", "value", "value_low", "value_high", "cmp"]
    if (rating, indicator) != ("g_curators", "curator_share"):
        return pd.DataFrame(columns=columns)
    own = observations[(observations["rating"] == rating) & (observations["entity_type"] == "region")]
    wide = own.pivot_table(index=["period", "region_iso"], columns="indicator", values="value", aggfunc="first")
    wide = wide.reindex(columns=["services_with_curator", "services_total"]).dropna()
    sums = wide.groupby("period").sum()
    share = 100 * sums["services_with_curator"] / sums["services_total"]
    return pd.DataFrame({"period": sums.index, "value": share.to_numpy()}).assign(
        value_low=np.nan, value_high=np.nan, cmp="="
    )


def process_weights(steps: Questionnaires) -> pd.DataFrame:
    """Effective weight of each process in a body beside its correlation with the region's index (process × period)."""
    columns = ["period", "process", "effective_weight", "correlation", "n"]
    if steps.is_empty:
        return pd.DataFrame(columns=columns)
    mean = steps.processes.groupby(["period", "process", "region_iso"])["score"].mean()
    index = steps.regions[steps.regions["method"] == "equal_body"].set_index(["period", "region_iso"])["score"]
    rows = []
    for period, part in mean.groupby(level="period"):
        wide = part.droplevel("period").unstack("process")  # noqa: PD010
        correlation = wide.corrwith(index.loc[period])
        rows += [(period, code, 1 / wide.shape[1], correlation[code], wide[code].count()) for code in wide]
    return pd.DataFrame(rows, columns=columns)


def _by_period(found: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Tables of several periods under one another, the index as ``region_iso`` where it names regions."""
    parts = []
    for period, table in found.items():
        has_regions = table.index.dtype.kind != "i"
        named = table.rename_axis("region_iso").reset_index() if has_regions else table
        parts.append(named.assign(period=period))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["period"])
