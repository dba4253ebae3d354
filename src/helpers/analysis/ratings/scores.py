"""Table ``scores``: published values with the interval of their print, and the index computed from questionnaires.

Grain out: rating × entity × period × level × group × method, as the schema says; synthetic rows keep their mark.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.analysis.groups import crosses_break
from helpers.analysis.ratings import questionnaire
from helpers.tables import periods

Z = 1.959963984540054
LEVEL_OF_TYPE = {"region": "region", "regional_agency": "body", "federal_agency": "body", "country": "country"}
PUBLISHED = {
    ("a_fed_index", "index"): "percent",
    ("a_fed_index", "index_mean"): "percent",
    ("b_region_index", "index"): "percent",
    ("c_mfc", "total"): "points",
}
KEY = ["rating", "entity_id", "period", "level", "group", "method"]
_BOUNDS = (">", ">=", "<", "<=")


@dataclass(frozen=True)
class Questionnaires:
    """All steps of the questionnaire index, each a table; empty tables where there are no questionnaires."""

    answers: pd.DataFrame
    processes: pd.DataFrame
    bodies: pd.DataFrame
    regions: pd.DataFrame

    @property
    def is_empty(self) -> bool:
        """Whether there is any answer."""
        return self.answers.empty


def questionnaires(
    observations: pd.DataFrame, rejects: pd.DataFrame | None = None, weights: pd.Series | None = None
) -> Questionnaires:
    """Questionnaire index from the table ``observations`` (see `questionnaire`)."""
    table = questionnaire.answers(observations, rejects)
    if table.empty:
        processes = pd.DataFrame(columns=["region_iso", "body", "period", "process", "score", "std_error"])
        empty = pd.DataFrame(columns=["region_iso", "period", "method", "score", "std_error", "n_items", "n_bodies"])
        return Questionnaires(table, processes, pd.DataFrame(), empty)
    processes = questionnaire.process_scores(table)
    bodies = questionnaire.body_scores(processes, weights)
    return Questionnaires(table, processes, bodies, questionnaire.region_scores(bodies, weights))


def shown_names(rows: pd.DataFrame, names: pd.Series) -> pd.Series:
    """Name as shown: the register's for a region, the identifier for a body; never the spelling of one file.

    Parameters
    ----------
    rows
        ``entity_id, entity_name, entity_type`` of observations.
    names
        Region → name.
    """
    known = rows["entity_id"].map(names.to_dict()).astype("str")
    is_named_by_id = rows["entity_type"].isin(["federal_agency", "regional_agency"])
    return known.fillna(rows["entity_id"].where(is_named_by_id, rows["entity_name"]))


def published_scores(observations: pd.DataFrame, names: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Published index values and points (grain: entity × period), and rows dropped because a second source says more.

    ``names`` gives the name of a region. Where two sources print one quantity, the narrower interval stays, then the
    first source in order of name.
    """
    wanted = pd.Series(list(zip(observations["rating"], observations["indicator"], strict=True)), observations.index)
    rows = observations[wanted.isin(PUBLISHED) & observations["entity_type"].isin(LEVEL_OF_TYPE)]
    width = (rows["value_high"] - rows["value_low"]).fillna(np.inf)
    rows = rows.assign(_width=width).sort_values(["rating", "entity_id", "period", "_width", "source_id"])
    repeated = rows.duplicated(["rating", "entity_id", "period", "indicator"])
    dropped = rows[repeated][["rating", "entity_id", "period", "indicator", "source_id", "observation_id"]]
    rows = rows[~repeated]
    table = pd.DataFrame(
        {
            "rating": rows["rating"],
            "entity_type": rows["entity_type"],
            "entity_id": np.where(rows["entity_type"] == "country", "RU", rows["entity_id"]),
            "entity_name": shown_names(rows, names),
            "period": rows["period"],
            "level": rows["entity_type"].map(LEVEL_OF_TYPE),
            "group": "total",
            "method": "published",
            "region_iso": rows["region_iso"],
            "score": rows["value"].where(~rows["cmp"].isin(_BOUNDS)),
            "score_low": rows["value_low"],
            "score_high": rows["value_high"],
            "interval_kind": _published_kind(rows),
            "std_error": np.nan,
            "n_items": 0,
            "effective_weight": np.nan,
            "unit": [PUBLISHED[pair] for pair in zip(rows["rating"], rows["indicator"], strict=True)],
            "is_synthetic": rows["is_synthetic"],
        }
    )
    return table.reset_index(drop=True), dropped.assign(reason="another source prints it more precisely")


def _published_kind(rows: pd.DataFrame) -> np.ndarray:
    is_bound = rows["cmp"].isin(_BOUNDS) | rows["value_low"].isna() | rows["value_high"].isna()
    return np.where(is_bound, "published_bound", np.where(rows["value_low"] < rows["value_high"], "rounding", "none"))


def computed_scores(tables: Questionnaires, names: pd.Series, districts: pd.Series, is_synthetic: bool) -> pd.DataFrame:
    """Scores from questionnaires: regions three ways, their processes, bodies, districts and the country.

    Parameters
    ----------
    names, districts
        Region → name, and region → federal district.
    """
    if tables.is_empty:
        return pd.DataFrame()
    regions = tables.regions
    sizes = districts.value_counts()
    country = questionnaire.area_scores(regions, _country(names), pd.Series({"RU": len(names)}))
    district = questionnaire.area_scores(regions, districts, sizes)
    processes = _region_processes(tables.processes)
    process_districts = questionnaire.area_scores(processes.rename(columns={"process": "method"}), districts, sizes)
    parts = [
        _rows(regions, "b_region_index", "region", "region", regions["region_iso"], names),
        _rows(district, "b_region_index", "federal_district", "district", district["area"], None),
        _rows(country, "b_region_index", "country", "country", country["area"], None),
        _rows(_body_rows(tables.bodies), questionnaire.RATING, "regional_agency", "body", tables.bodies["body"], None),
        _rows(
            processes.assign(method="equal_body", group="process " + processes["process"]),
            questionnaire.RATING, "region", "region", processes["region_iso"], names,
        ),
        _rows(
            process_districts.assign(group="process " + process_districts["method"], method="equal_body"),
            questionnaire.RATING, "federal_district", "district", process_districts["area"], None,
        ),
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True).assign(is_synthetic=is_synthetic)


def _country(names: pd.Series) -> pd.Series:
    """Region → country, for every region: also those without a federal district."""
    return pd.Series("RU", index=names.index)


def _body_rows(bodies: pd.DataFrame) -> pd.DataFrame:
    counts = bodies.groupby(["region_iso", "period"])["score"].transform("count")
    return bodies.assign(method="equal_body", effective_weight=(1 / counts).where(bodies["score"].notna()))


def _region_processes(processes: pd.DataFrame) -> pd.DataFrame:
    """Mean of a process over the bodies of a region (grain: region × period × process)."""
    groups = processes.dropna(subset=["score"]).groupby(["region_iso", "period", "process"])
    table = groups["score"].agg(["mean", "size"]).rename(columns={"mean": "score", "size": "n_items"})
    table["std_error"] = np.sqrt(groups["std_error"].apply(lambda s: (s**2).sum(skipna=False))) / table["n_items"]
    counts = table.groupby(["region_iso", "period"])["score"].transform("size")
    return table.assign(effective_weight=1 / counts).reset_index()


def _rows(
    source: pd.DataFrame, rating: str, entity_type: str, level: str, entity_id: pd.Series, names: pd.Series | None
) -> pd.DataFrame:
    error = source["std_error"]
    has_error = error.notna() & source["score"].notna()
    one = pd.Series(1.0, index=source.index)
    ids = entity_id.astype(str)
    return pd.DataFrame(
        {
            "rating": rating,
            "entity_type": entity_type,
            "entity_id": ids,
            "entity_name": ids if names is None else ids.map(names).fillna(ids),
            "period": source["period"],
            "level": level,
            "group": source.get("group", "total"),
            "method": source["method"],
            "region_iso": source.get("region_iso", ""),
            "score": source["score"],
            "score_low": (source["score"] - Z * error).clip(0, 100),
            "score_high": (source["score"] + Z * error).clip(0, 100),
            "interval_kind": np.where(has_error, "sampling_95", "none"),
            "std_error": error,
            "n_items": source["n_items"].astype(int),
            "effective_weight": source.get("effective_weight", one),
            "unit": "percent",
        }
    )


def published_areas(scores: pd.DataFrame, districts: pd.Series, names: pd.Series, is_synthetic: bool) -> pd.DataFrame:
    """Plain means of published regional indices by district and for the country, where two thirds are known.

    The interval is the mean of the printed intervals. A mean of districts is not the national mean; both are means of
    regions, the national one also of regions that belong to no federal district.

    Parameters
    ----------
    districts, names
        Region → federal district (regions without one left out), and region → name (every region).
    """
    rows = scores[(scores["rating"] == "b_region_index") & (scores["level"] == "region") & scores["score"].notna()]
    parts = []
    for level, area, kind in (
        ("district", districts, "federal_district"),
        ("country", _country(names), "country"),
    ):
        work = rows.assign(area=rows["region_iso"].map(area)).dropna(subset=["area"])
        means = work.groupby(["area", "period"])[["score", "score_low", "score_high"]].mean()
        means["n_items"] = work.groupby(["area", "period"]).size()
        means = means.reset_index()
        participants = area.value_counts().reindex(means["area"]).to_numpy(dtype=float)
        means = means[(means["n_items"] >= questionnaire.AVAILABILITY * participants - 1e-12).to_numpy()]
        parts.append(means.assign(level=level, entity_type=kind, entity_id=means["area"]))
    table = pd.concat(parts, ignore_index=True)
    return table.drop(columns="area").assign(
        rating="b_region_index",
        entity_name=table["entity_id"].map(names).fillna(table["entity_id"]),
        group="total",
        method="published",
        region_iso="",
        interval_kind="rounding",
        std_error=np.nan,
        effective_weight=1.0,
        unit="percent",
        is_synthetic=is_synthetic,
    )


def with_changes(scores: pd.DataFrame, breaks: pd.DataFrame) -> pd.DataFrame:
    """Scores with the change from the same period a year before, or else from the nearest earlier period.

    ``is_comparable`` only if both periods are of one kind, a year apart, and no series break lies between. The
    interval combines sampling errors where both ends have them, otherwise the printed intervals.
    """
    table = scores.reset_index(drop=True)
    identity = [column for column in KEY if column != "period"]
    table["_position"] = table.index
    previous = np.full(len(table), -1)
    for _, part in table.groupby(identity, sort=False):
        by_period = dict(zip(part["period"], part["_position"], strict=True))
        ordered = sorted(by_period, key=periods.sort_key)
        for place, period in enumerate(ordered):
            year_ago = periods.year_earlier(period)
            earlier = year_ago if year_ago in by_period else ordered[place - 1] if place else None
            if earlier is not None:
                previous[by_period[period]] = by_period[earlier]
    return _changes(table.drop(columns="_position"), previous, breaks)


def _changes(table: pd.DataFrame, previous: np.ndarray, breaks: pd.DataFrame) -> pd.DataFrame:
    has = previous >= 0
    before = table.iloc[np.where(has, previous, 0)].reset_index(drop=True)
    steps = list(zip(table["rating"], before["period"], table["period"], strict=True))
    allowed = {step: _is_comparable(breaks, *step) for step in set(steps)}
    comparable = [bool(known) and allowed[step] for known, step in zip(has, steps, strict=True)]
    change = (table["score"] - before["score"]).where(has)
    half = Z * np.sqrt(table["std_error"] ** 2 + before["std_error"] ** 2)
    low = (change - half).fillna(table["score_low"] - before["score_high"]).where(has & change.notna())
    high = (change + half).fillna(table["score_high"] - before["score_low"]).where(has & change.notna())
    return table.assign(score_change=change, change_low=low, change_high=high, is_comparable=comparable)


def _is_comparable(breaks: pd.DataFrame, rating: str, earlier: str, later: str) -> bool:
    series = "b_region_index" if rating.startswith("b_") else rating  # questionnaires break with the index they feed
    return periods.is_comparable(earlier, later) and not crosses_break(breaks, series, earlier, later)
