"""Doing Business 2004–2020: what fewer documents or procedures did to days, on real data with known gaps.

The World Bank's series counts, for each economy, topic and year, the steps that the law and practice ask for and the
days they take, as experts report them for a standard case. It is no measurement of files processed, and it stopped in
2021 after irregularities were found; the economies concerned are left out here.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from helpers.analysis.effects.coding import EffectsError
from helpers.analysis.effects.fit import Fit
from helpers.analysis.effects.imputation import Imputation
from helpers.analysis.effects.inference import Coefficients, cluster_jackknife
from helpers.analysis.effects.panel import Panel

IRREGULAR = ("China", "Saudi Arabia", "United Arab Emirates", "Azerbaijan")
"""Economies whose figures the World Bank's review of 2020 found irregular; their cities as well."""
RUSSIAN_CITIES = ("Russian Federation Moscow", "Russian Federation Saint Petersburg")
TOPICS = {
    "documents": ("export", "import"),
    "procedures": ("construction_permits", "getting_electricity", "registering_property", "starting_a_business"),
}
"""Topics whose steps are documents, and those whose steps are procedures and whose time is days."""
AVERAGE, CITY = "population_weighted_average", "city"


@dataclass(frozen=True)
class Study:
    """Effects of the first reform that cut steps.

    Attributes
    ----------
    steps : str
        ``documents`` or ``procedures``.
    fit : Fit
        Imputation of log days by topic × year; clusters are countries.
    table : DataFrame
        By topic: removed steps at the first cut (mean), effect in per cent with its interval, reforms, countries.
    per_step : Coefficients
        Change of log days for one step more, years of change within topic × year: an association, not an effect.
    left_out : dict
        Rows left out, by reason.
    """

    steps: str
    fit: Fit
    table: pd.DataFrame
    per_step: Coefficients
    left_out: dict[str, int]


def usable(frame: pd.DataFrame, steps: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows that can be studied, and how many were left out and why.

    Parameters
    ----------
    frame : DataFrame
        ``economy, report_year, topic, steps, time, is_city_or_average``; one row an economy, topic and year.
    steps : str
        ``documents`` or ``procedures``.

    Returns
    -------
    tuple
        Rows with ``country``, ``unit``, ``log_time`` and ``first_cut`` (first year with at least one step less than
        the year before; 0 = never); counts by reason.

    Raises
    ------
    EffectsError
        An unknown kind of steps.
    """
    if steps not in TOPICS:
        raise EffectsError(f"unknown steps {steps!r}; there are {', '.join(TOPICS)}")
    rows = frame[frame["topic"].isin(TOPICS[steps])].copy()
    rows["country"] = country(rows)
    left_out: dict[str, int] = {}
    for reason, bad in (
        ("average of cities that are in the data themselves", rows["is_city_or_average"] == AVERAGE),
        ("economy with irregular figures", rows["country"].isin(IRREGULAR)),
        ("no positive number of days or steps", ~(rows["time"] > 0) | ~(rows["steps"] > 0)),
    ):
        left_out[reason] = int((bad & rows["country"].notna()).sum())
        rows.loc[bad, "country"] = None
    rows = rows[rows["country"].notna()].sort_values(["economy", "topic", "report_year"])
    rows["unit"] = rows["economy"] + " / " + rows["topic"]
    rows["log_time"] = np.log(rows["time"])
    step = rows.groupby("unit")["steps"].diff()
    consecutive = rows.groupby("unit")["report_year"].diff() == 1
    cut = rows["report_year"].where((step <= -1) & consecutive)
    rows["first_cut"] = cut.groupby(rows["unit"]).transform("min").fillna(0).astype(int)
    return rows, left_out


def country(frame: pd.DataFrame) -> pd.Series:
    """Country of an economy: a city's name without the city."""
    averages = frame.loc[frame["is_city_or_average"] == AVERAGE, "economy"].unique()
    found = frame["economy"].astype(object).copy()
    for name in averages:
        found[frame["economy"].str.startswith(f"{name} ") & (frame["is_city_or_average"] == CITY)] = name
    return found


def study(frame: pd.DataFrame, steps: str, anticipation: int = 0) -> Study:
    """Days after the first reform that cut steps, against economies without one in the same topic and year.

    Parameters
    ----------
    frame : DataFrame
        See :func:`usable`.
    steps : str
        ``documents`` or ``procedures``.
    anticipation : int
        Years before the first cut in which days may have moved already.

    Returns
    -------
    Study

    Notes
    -----
    *Assumes* parallel trends of log days within topic. A reform seldom cuts steps alone: what is estimated is the
    whole reform, not the piece of paper.
    """
    rows, left_out = usable(frame, steps)
    panel = Panel(rows, unit="unit", time="report_year", cohort="first_cut", cluster="country", strata="topic")
    fit = Imputation(effects="month:strata", fallback=("month",), anticipation=anticipation).fit(panel, "log_time")
    by_topic = fit.by("topic")
    removed = rows.assign(removed=-rows.groupby("unit")["steps"].diff())
    removed = removed[removed["report_year"] == removed["first_cut"]].groupby("topic")["removed"].agg(["mean", "size"])
    table = pd.DataFrame(
        {
            "topic": by_topic["group"],
            "steps_removed": removed["mean"].reindex(by_topic["group"]).to_numpy(),
            "reforms": removed["size"].reindex(by_topic["group"]).to_numpy(),
            "change_percent": 100 * np.expm1(by_topic["att"]),
            "low": 100 * np.expm1(by_topic["lo"]),
            "high": 100 * np.expm1(by_topic["hi"]),
            "n_years": by_topic["n"],
            "countries": by_topic["regions"],
        }
    )
    return Study(steps, fit, table, _per_step(rows), left_out)


def _per_step(rows: pd.DataFrame) -> Coefficients:
    """Yearly change of log days on yearly change of steps, within topic × year, by country."""
    both = rows.assign(
        d_time=rows.groupby("unit")["log_time"].diff(),
        d_steps=rows.groupby("unit")["steps"].diff(),
        gap=rows.groupby("unit")["report_year"].diff(),
    )
    both = both[(both["gap"] == 1) & both["d_time"].notna()]
    cell = both["topic"] + both["report_year"].astype(str)
    y = both["d_time"] - both["d_time"].groupby(cell).transform("mean")
    x = both["d_steps"] - both["d_steps"].groupby(cell).transform("mean")
    return cluster_jackknife(y, pd.DataFrame({"step": x}), both["country"])


def russian_cities(frame: pd.DataFrame, first: int = 2014, last: int = 2020) -> pd.DataFrame:
    """Moscow and Saint Petersburg beside the other cities that the series covers.

    Parameters
    ----------
    frame : DataFrame
        See :func:`usable`.
    first, last : int
        Years compared; Saint Petersburg is covered from 2014.

    Returns
    -------
    DataFrame
        One row a topic and city: ``change_percent`` of days from first to last, the mean change of the other cities,
        the difference in per cent with the 95 % prediction interval of a single city, ``n_cities`` and ``countries``.
        With two cities and few others this is a comparison with its range, not an effect.
    """
    topics = TOPICS["procedures"]
    rows = frame[(frame["is_city_or_average"] == CITY) & frame["topic"].isin(topics) & (frame["time"] > 0)]
    averages = frame[frame["is_city_or_average"] == AVERAGE]
    rows = rows.assign(country=country(pd.concat([rows, averages])).loc[rows.index])
    wide = rows.pivot_table(index=["topic", "country", "economy"], columns="report_year", values="time")
    moves = (np.log(wide[last]) - np.log(wide[first])).dropna().rename("move").reset_index()
    lines = []
    for topic, part in moves.groupby("topic"):
        others = part[~part["economy"].isin(RUSSIAN_CITIES) & ~part["country"].isin(IRREGULAR)]
        # cities of a country move together: the country is the unit
        means = others.groupby("country")["move"].mean()
        n = len(means)
        half = float(stats.t.ppf(0.975, n - 1) * means.std(ddof=1) * np.sqrt(1 + 1 / n)) if n > 2 else float("nan")
        for city in RUSSIAN_CITIES:
            mine = part.loc[part["economy"] == city, "move"]
            if mine.empty:
                continue
            gap = float(mine.iloc[0] - means.mean())
            lines.append(
                {
                    "topic": topic,
                    "city": city.removeprefix("Russian Federation "),
                    "change_percent": float(100 * np.expm1(mine.iloc[0])),
                    "others_percent": float(100 * np.expm1(means.mean())),
                    "difference_percent": float(100 * np.expm1(gap)),
                    "low": float(100 * np.expm1(gap - half)),
                    "high": float(100 * np.expm1(gap + half)),
                    "n_cities": len(others),
                    "countries": n,
                }
            )
    return pd.DataFrame(lines)
