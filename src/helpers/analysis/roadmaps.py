"""Road maps and life situations: what was done in time, late, not at all; shares with intervals for small counts.

Grain in: one control point per row, or one published count. Grain out: one body (or date) per row.
"""

import numpy as np
import pandas as pd
from scipy import stats

from helpers.tables import periods

STATUSES = ("done", "done_late", "overdue", "not_due")
INTERVALS = ("jeffreys", "wilson")


def share_interval(
    successes: pd.Series | np.ndarray | int,
    trials: pd.Series | np.ndarray | int,
    level: float = 0.95,
    method: str = "jeffreys",
) -> pd.DataFrame:
    """Share with an interval that stays sensible for small counts and for 0 and 100 %.

    Parameters
    ----------
    successes, trials
        Counts, one per row.
    method
        ``jeffreys`` (Beta quantiles with half a pseudo-count; the end is 0 or 1 where all or none succeeded) or
        ``wilson`` (score interval).

    Returns
    -------
    pandas.DataFrame
        Columns ``share, low, high`` (0–1) and ``n``; missing where there were no trials.

    Raises
    ------
    ValueError
        For counts below zero, more successes than trials, or an unknown method.

    *Assumes* trials are exchangeable. For a complete register the interval says how far such a share would
    vary by chance, not an error of counting.

    References
    ----------
    Brown, Cai, DasGupta (2001), Interval estimation for a binomial proportion, Statistical Science 16.
    """
    index = successes.index if isinstance(successes, pd.Series) else None
    k, n = np.atleast_1d(np.asarray(successes, float)), np.atleast_1d(np.asarray(trials, float))
    if (k < 0).any() or (k > n).any():
        raise ValueError("successes must lie between 0 and the number of trials")
    if method not in INTERVALS:
        raise ValueError(f"unknown method {method!r}; one of {', '.join(INTERVALS)}")
    with np.errstate(divide="ignore", invalid="ignore"):
        share = k / n
        low, high = _jeffreys(k, n, level) if method == "jeffreys" else _wilson(share, n, level)
    known = n > 0
    table = {name: np.where(known, x, np.nan) for name, x in (("share", share), ("low", low), ("high", high))}
    return pd.DataFrame({**table, "n": n.astype(int)}, index=index)


def _jeffreys(k: np.ndarray, n: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    tail = (1 - level) / 2
    low = np.where(k > 0, stats.beta.ppf(tail, k + 0.5, n - k + 0.5), 0.0)
    return low, np.where(k < n, stats.beta.ppf(1 - tail, k + 0.5, n - k + 0.5), 1.0)


def _wilson(share: np.ndarray, n: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    z = stats.norm.ppf((1 + level) / 2)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def classify(points: pd.DataFrame, as_of: str) -> pd.DataFrame:
    """Status of every control point on a date.

    Parameters
    ----------
    points
        Columns ``body, point, plan_date, fact_date``: ISO dates as text, an empty fact for a point not yet done.
    as_of
        ISO date; a fact after it has not happened yet.

    Returns
    -------
    pandas.DataFrame
        The rows with ``status`` (one of :data:`STATUSES`) and ``days_late`` (calendar days, of points done late or
        overdue; missing otherwise). Points without a planned date are left out; see :func:`fulfilment`.
    """
    plan = pd.to_datetime(points["plan_date"].replace("", None))
    fact = pd.to_datetime(points["fact_date"].replace("", None))
    today = pd.Timestamp(as_of)
    fact = fact.where(fact <= today)
    status = np.select(
        [fact.notna() & (fact <= plan), fact.notna(), plan < today], ["done", "done_late", "overdue"], "not_due"
    )
    late = (fact.fillna(today) - plan).dt.days
    return points.assign(status=status, days_late=late.where(np.isin(status, ["done_late", "overdue"])))[plan.notna()]


def fulfilment(points: pd.DataFrame, as_of: str, by: str = "body", method: str = "jeffreys") -> pd.DataFrame:
    """Fulfilment of road maps on a date (grain: body, then the row ``all``).

    Returns
    -------
    pandas.DataFrame
        Counts ``done, done_late, overdue, not_due``, ``due`` (all but not due), ``without_plan`` (points left out for
        want of a planned date), and of the due points ``share`` done by the date with ``low, high, n``, and
        ``median_days_late`` over late and overdue points (calendar days).
    """
    classified = classify(points, as_of)
    counts = pd.crosstab(classified[by], classified["status"]).reindex(columns=list(STATUSES), fill_value=0)
    counts = counts.reindex(sorted(points[by].unique()), fill_value=0)
    counts["without_plan"] = points.loc[points["plan_date"].eq(""), by].value_counts()
    counts["without_plan"] = counts["without_plan"].fillna(0).astype(int)
    counts.loc["all"] = counts.sum()
    counts["due"] = counts[["done", "done_late", "overdue"]].sum(axis=1)
    shares = share_interval(counts["done"] + counts["done_late"], counts["due"], method=method)
    late = classified.groupby(by)["days_late"].median()
    late.loc["all"] = classified["days_late"].median()
    return counts.join(shares).assign(median_days_late=late).rename_axis(by).reset_index()


def over_time(points: pd.DataFrame, dates: list[str], method: str = "jeffreys") -> pd.DataFrame:
    """Total fulfilment on several dates (grain: date), columns of :func:`fulfilment` without the body."""
    rows = [fulfilment(points, date, method=method).tail(1).assign(as_of=date) for date in dates]
    return pd.concat(rows, ignore_index=True).drop(columns="body")


def points_of(observations: pd.DataFrame) -> pd.DataFrame:
    """Control points from the table ``observations`` (grain: body × point): ``body, point, plan_date, fact_date``.

    The number of a point stands after the last `` / `` of its identifier. A point in two files keeps the later file's
    dates (by period).
    """
    is_date = observations["indicator"].isin(["plan_date", "fact_date"])
    own = observations[(observations["rating"] == "e_roadmap") & is_date]
    if own.empty:
        return pd.DataFrame(columns=["body", "point", "plan_date", "fact_date"])
    parts = own["entity_id"].str.rsplit(" / ", n=1, expand=True).reindex(columns=[0, 1])
    cells = own.assign(body=parts[0], point=own["period"] + " " + parts[1].fillna(""))
    wide = cells.pivot_table(index=["body", "point"], columns="indicator", values="category", aggfunc="last")
    return wide.reindex(columns=["plan_date", "fact_date"]).fillna("").rename_axis(columns=None).reset_index()


def published_overdue(observations: pd.DataFrame) -> pd.DataFrame:
    """Share of due control points reported unfulfilled, from published counts (grain: period).

    Returns
    -------
    pandas.DataFrame
        ``period, unfulfilled, due, due_low, due_high, share, low, high``: the bounds hold all that the printed
        «about» of the denominator allows; a published register has no sampling error.
    """
    columns = ["period", "unfulfilled", "due", "due_low", "due_high", "share", "low", "high"]
    names = {"roadmap_control_points_unfulfilled": "unfulfilled", "roadmap_control_points_due": "due"}
    rows = observations[observations["indicator"].isin(names)]
    if set(rows["indicator"]) != set(names):
        return pd.DataFrame(columns=columns)
    wide = rows.pivot_table(index="period", columns="indicator", values=["value", "value_low", "value_high"])
    table = pd.DataFrame(
        {
            "unfulfilled": wide["value", "roadmap_control_points_unfulfilled"],
            "due": wide["value", "roadmap_control_points_due"],
            "due_low": wide["value_low", "roadmap_control_points_due"],
            "due_high": wide["value_high", "roadmap_control_points_due"],
        }
    ).dropna(subset=["unfulfilled", "due"])
    table["share"] = table["unfulfilled"] / table["due"]
    table["low"], table["high"] = table["unfulfilled"] / table["due_high"], table["unfulfilled"] / table["due_low"]
    return table.reset_index()[columns]


def published_life_situations(observations: pd.DataFrame) -> pd.DataFrame:
    """Published counts of life situations by year: ``period, launched, planned`` and the columns below.

    ``planned`` is the number of prototypes of the year. See :func:`launched_against_planned`.
    """
    names = {"life_situations_launched": "launched", "life_situation_prototypes": "planned"}
    rows = observations[observations["indicator"].isin(names)].drop_duplicates(["period", "indicator"])
    wide = rows.pivot_table(index="period", columns="indicator", values="value").rename(columns=names)
    wide = wide.reindex(columns=["launched", "planned"]).dropna()
    return launched_against_planned(wide.reset_index().rename_axis(columns=None))


def period_end(period: str) -> str:
    """Last day of a period as an ISO date, the date on which road maps are looked at."""
    year, month = periods.parse(period).last_month
    return str((pd.Timestamp(year, month, 1) + pd.offsets.MonthEnd(0)).date())


def launched_against_planned(
    counts: pd.DataFrame, launched: str = "launched", planned: str = "planned"
) -> pd.DataFrame:
    """Life situations launched of those planned (grain as given), with ``share, low, high, n``.

    More launched than planned is possible (the plan was raised later): the share is then missing and
    ``is_over_plan`` true.
    """
    over = counts[launched] > counts[planned]
    shares = share_interval(counts[launched].where(~over, 0), counts[planned])
    shares.loc[over, ["share", "low", "high"]] = np.nan
    return counts.join(shares).assign(is_over_plan=over)
