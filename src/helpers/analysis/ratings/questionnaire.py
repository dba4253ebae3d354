"""Index from questionnaires: question → process → executive body → region.

Grain in: one accepted cell per row (``observations`` of ``b_region_process``), with the refused cells beside it,
because «не применимо» is not the same as missing. Grain out: one process of a body, one body, or one region per row
and period.

*Assumes* that bodies are a census: they add no sampling error. The standard error here is that of the instrument: the
questions of a process are taken as a sample of those that could be asked, and what is left after each question's
common difficulty is its noise.
"""

import re

import numpy as np
import pandas as pd

from helpers.analysis.composite import AVAILABILITY, weighted_mean

RATING = "b_region_process"
METHODS = ("equal_body", "size_weighted", "geometric")
_NAME = re.compile(r"process (?P<process>\S+) question (?P<question>\S+): (?P<what>points|max_points)")
_CELL = ["source_id", "file", "sheet", "row"]
_BODY = ["region_iso", "body", "period"]


def answers(observations: pd.DataFrame, rejects: pd.DataFrame | None = None) -> pd.DataFrame:
    """One question of one body per row.

    Parameters
    ----------
    observations
        Table ``observations``; rows of other ratings are ignored.
    rejects
        Table ``rejects``: a refused cell of the same sheet and row with the reason ``not_applicable`` makes the
        question not applicable. Without it every question without points counts as missing.

    Returns
    -------
    pandas.DataFrame
        Columns ``region_iso, body, period, process, question, points, max_points, status`` (*answered*,
        *not_applicable* or *missing*).

    Raises
    ------
    ValueError
        If a question of a body stands twice, or its points exceed the maximum.
    """
    own = observations[(observations["rating"] == RATING) & (observations["region_iso"] != "")]
    parts = own["indicator"].str.extract(_NAME)
    cells = pd.concat([own[["region_iso", "entity_id", "period", "value", *_CELL]], parts], axis=1).dropna(
        subset=["what"]
    )
    cells = cells.rename(columns={"entity_id": "body"})
    keys = [*_BODY, "process", "question"]
    repeated = cells[cells.duplicated([*keys, "what"])]
    if len(repeated):
        first = repeated.iloc[0]
        raise ValueError(f"{first['body']}, {first['period']}: question {first['question']} stands twice")
    table = cells.pivot_table(index=keys, columns="what", values="value", aggfunc="first")
    table = table.reindex(columns=["points", "max_points"])
    table["status"] = np.where(table["points"].notna(), "answered", "missing")
    table.loc[_not_applicable(cells, rejects, keys, table.index), "status"] = "not_applicable"
    if (table["points"] > table["max_points"]).any():
        worst = table[table["points"] > table["max_points"]].index[0]
        raise ValueError(f"points exceed the maximum: {', '.join(map(str, worst))}")
    return table.rename_axis(columns=None).reset_index()


def _not_applicable(
    cells: pd.DataFrame, rejects: pd.DataFrame | None, keys: list[str], index: pd.MultiIndex
) -> np.ndarray:
    if rejects is None or rejects.empty:
        return np.zeros(len(index), dtype=bool)
    refused = rejects.loc[rejects["reason"] == "not_applicable", _CELL].drop_duplicates()
    beside = cells.merge(refused, on=_CELL)[keys].drop_duplicates()
    return np.asarray(index.isin(pd.MultiIndex.from_frame(beside))) if len(beside) else np.zeros(len(index), bool)


def process_scores(table: pd.DataFrame, availability: float = AVAILABILITY) -> pd.DataFrame:
    """Process = 100 · Σ points / Σ maxima over applicable questions (grain: body × period × process).

    Parameters
    ----------
    table
        Result of :func:`answers`.
    availability
        Smallest share of applicable questions with an answer; below it there is no score.

    Returns
    -------
    pandas.DataFrame
        ``region_iso, body, period, process, score`` (per cent), ``std_error, n_items`` (answered),
        ``n_applicable, n_not_applicable, availability, size`` (Σ maxima of the answered questions).
    """
    group = [*_BODY, "process"]
    is_answered = (table["status"] == "answered") & table["max_points"].gt(0)
    answered = table[is_answered]
    sums = answered.groupby(group)[["points", "max_points"]].sum()
    counts = (
        table.assign(
            n_items=is_answered,
            n_applicable=table["status"] != "not_applicable",
            n_not_applicable=table["status"] == "not_applicable",
        )
        .groupby(group)[["n_items", "n_applicable", "n_not_applicable"]]
        .sum()
    )
    result = counts.join(sums)
    result["availability"] = result["n_items"] / result["n_applicable"].where(result["n_applicable"] > 0)
    enough = result["availability"] >= availability - 1e-12
    result["score"] = (100 * result["points"] / result["max_points"]).where(enough)
    result["std_error"] = _question_errors(answered, group).reindex(result.index).where(enough)
    result["size"] = result["max_points"].fillna(0.0)
    order = ["score", "std_error", "n_items", "n_applicable", "n_not_applicable", "availability", "size"]
    return result[order].reset_index()


def _question_errors(answered: pd.DataFrame, group: list[str]) -> pd.Series:
    """Standard error of a process score (points of per cent), pooled over the bodies that answer the same process.

    Shares of the maximum are cleared of the body's and of the question's own level; the pooled variance of what is left
    is the noise of one question, and a score weighs questions by their maxima.
    """
    data = answered.assign(share=answered["points"] / answered["max_points"])
    same = ["period", "process"]
    by_question = data.groupby([*same, "question"])["share"].transform("mean")
    by_body = data.groupby(group)["share"].transform("mean")
    overall = data.groupby(same)["share"].transform("mean")
    data["square"] = (data["share"] - by_question - by_body + overall) ** 2
    pooled = data.groupby(same).agg(total=("square", "sum"), n=("share", "size"))
    pooled["questions"] = data.groupby(same)["question"].nunique()
    pooled["bodies"] = data.drop_duplicates(group).groupby(same).size()
    freedom = pooled["n"] - pooled["questions"] - pooled["bodies"] + 1
    variance = (pooled["total"] / freedom.where(freedom > 0)).rename("variance")
    squares = data.assign(square_weight=data["max_points"] ** 2).groupby(group)
    spread = np.sqrt(squares["square_weight"].sum()) / squares["max_points"].sum()
    joined = spread.rename("spread").reset_index().join(variance, on=same)
    return (100 * joined["spread"] * np.sqrt(joined["variance"])).set_axis(spread.index)


def body_scores(
    processes: pd.DataFrame, weights: pd.Series | None = None, availability: float = AVAILABILITY
) -> pd.DataFrame:
    """Body = weighted mean of its processes (grain: body × period).

    Parameters
    ----------
    processes
        Result of :func:`process_scores`.
    weights
        Weights keyed by (level, code), here ("process", code); equal where absent.

    Returns
    -------
    pandas.DataFrame
        ``region_iso, body, period, score, geometric, std_error, n_items`` (answered questions), ``n_processes, size``.
    """
    wide = processes.pivot_table(index=_BODY, columns="process", values="score", dropna=False)
    errors = processes.pivot_table(index=_BODY, columns="process", values="std_error", dropna=False)
    present = processes[_BODY].drop_duplicates()
    wide = wide.reindex(pd.MultiIndex.from_frame(present)).sort_index()
    share = pd.Series({code: _weight(weights, "process", code) for code in wide.columns})
    sums = processes.groupby(_BODY)[["n_items", "size"]].sum()
    table = pd.DataFrame(
        {
            "score": weighted_mean(wide, share, availability=availability),
            "geometric": weighted_mean(1 + 0.99 * wide, share, "geometric", availability),
            "std_error": _combined_error(wide, errors.reindex(wide.index), share),
            "n_processes": wide.notna().sum(axis=1),
        }
    ).join(sums)
    return table.reset_index()


def region_scores(
    bodies: pd.DataFrame, weights: pd.Series | None = None, availability: float = AVAILABILITY
) -> pd.DataFrame:
    """Region = mean of its bodies, three ways (grain: region × period × method).

    ``equal_body``: every body weighs the same (or as ``weights``, keyed ("body", name), say); ``size_weighted``: a body
    weighs by the maxima of its answered questions; ``geometric``: geometric means of processes and bodies on 1–100.
    The first two side by side are the largest single choice: one may rank two regions against the other.

    Returns
    -------
    pandas.DataFrame
        ``region_iso, period, method, score, std_error, n_items`` (bodies with a score), ``n_bodies``.
    """
    given = pd.Series([_weight(weights, "body", body) for body in bodies["body"]], index=bodies.index)
    parts = []
    for method, column, weight in (
        ("equal_body", "score", given),
        ("size_weighted", "score", bodies["size"]),
        ("geometric", "geometric", given),
    ):
        parts.append(_mean_by(bodies, ["region_iso", "period"], column, weight, method, availability))
    return pd.concat(parts, ignore_index=True)


def _mean_by(
    rows: pd.DataFrame, group: list[str], column: str, weight: pd.Series, method: str, availability: float
) -> pd.DataFrame:
    """Weighted mean of a column by group, with the error of independent parts; too few known parts, no mean."""
    is_geometric = method == "geometric"
    values = np.log(rows[column]) if is_geometric else rows[column]
    error = rows["std_error"] / rows[column] if is_geometric else rows["std_error"]  # of the logarithm: delta method
    known = values.notna()
    used = weight.where(known, 0.0)
    work = rows[group].assign(
        w=used, wx=(used * values).fillna(0.0), we=((used * error) ** 2).where(known, 0.0), known=known
    )
    sums = work.groupby(group).agg(
        w=("w", "sum"), wx=("wx", "sum"), n_items=("known", "sum"), n_bodies=("known", "size")
    )
    enough = (sums["n_items"] >= availability * sums["n_bodies"] - 1e-12) & sums["w"].gt(0)
    mean = (sums["wx"] / sums["w"]).where(enough)
    squares = work.groupby(group)["we"].sum(min_count=1, skipna=False)
    spread = (np.sqrt(squares) / sums["w"]).where(enough)
    sums["score"] = np.exp(mean) if is_geometric else mean
    sums["std_error"] = spread * sums["score"] if is_geometric else spread
    result = sums.assign(method=method).reset_index()
    return result[[*group, "method", "score", "std_error", "n_items", "n_bodies"]]


def area_scores(
    regions: pd.DataFrame, districts: pd.Series, participants: pd.Series, availability: float = AVAILABILITY
) -> pd.DataFrame:
    """Plain mean of regions by area (grain: area × period × method).

    Parameters
    ----------
    regions
        ``region_iso, period, method, score, std_error``.
    districts
        Region → area; regions without one are left out.
    participants
        Area → number of regions it has; an area with less than ``availability`` of them known has no mean.

    Returns
    -------
    pandas.DataFrame
        ``area, period, method, score, std_error, n_items`` (regions).
    """
    rows = regions.assign(area=regions["region_iso"].map(districts)).dropna(subset=["area", "score"])
    groups = rows.groupby(["area", "period", "method"])
    table = groups["score"].agg(["mean", "size"]).rename(columns={"mean": "score", "size": "n_items"})
    table["std_error"] = np.sqrt(groups["std_error"].apply(lambda s: (s**2).sum(skipna=False))) / table["n_items"]
    table = table.reset_index()
    whole = participants.reindex(table["area"]).to_numpy(dtype=float)
    return table[(table["n_items"] >= availability * whole - 1e-12).to_numpy()]


def _weight(weights: pd.Series | None, level: str, code: str) -> float:
    if weights is None or (level, code) not in weights.index:
        return 1.0
    return float(weights[level, code])


def _combined_error(values: pd.DataFrame, errors: pd.DataFrame, weights: pd.Series) -> pd.Series:
    known = values.notna()
    used = known.mul(weights, axis=1)
    total = used.sum(axis=1)
    squared = ((errors.reindex(columns=values.columns) * used) ** 2).where(known, 0.0)
    return np.sqrt(squared.sum(axis=1, skipna=False)) / total.where(total > 0)
