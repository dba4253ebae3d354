"""Views of a study for reading: what the panel holds, estimates in per cent, published changes and their limits."""

import numpy as np
import pandas as pd

from helpers.analysis.effects import doing_business
from helpers.analysis.effects.coding import EffectsError
from helpers.analysis.effects.study import make_panel
from helpers.tables import periods

LIMITS = {
    "no_comparison": "no services left as they were are shown beside: season, trend and luck are inside the number",
    "selected": "the publisher chose which services to name; those without improvement are not listed",
    "no_dates": "the dates of the two values are not printed",
}
"""What a published pair of values cannot tell, whatever it is."""


def until(panel: pd.DataFrame, period: str) -> pd.DataFrame:
    """Rows of the panel up to the last month of a release period; later months wait for their own release.

    Parameters
    ----------
    panel : DataFrame
        ``service_panel``.
    period : str
        ``2024``, ``2024-H1``, ``2024-Q3`` or ``2024-06``.
    """
    year, month = periods.parse(period).last_month
    return panel[panel["month"] <= f"{year}-{month:02d}"].reset_index(drop=True)


def overview(panel: pd.DataFrame, cluster: str = "region_iso", launched: int = 0) -> pd.DataFrame:
    """What the panel holds before any outcome is looked at; one line when it holds nothing.

    Parameters
    ----------
    panel : DataFrame
        Rows of ``service_panel``, those since the launch of a life situation left out.
    cluster : str
        Column of the clusters.
    launched : int
        How many rows that were.

    Returns
    -------
    DataFrame
        ``item, value, unit``.
    """
    if panel.empty:
        return pd.DataFrame([("service-months", 0.0, "service_month")], columns=["item", "value", "unit"])
    try:
        table = make_panel(panel, cluster).describe()
    except EffectsError as error:
        return pd.DataFrame([(f"not usable: {error}", np.nan, "")], columns=["item", "value", "unit"])
    days = panel["day_unit"].value_counts().sort_index()
    rows = [(f"months measured in {unit}s", float(n), "service_month") for unit, n in days.items()]
    rows.append(("left out: months since the launch of the service's life situation", float(launched), "service_month"))
    return pd.concat([table, pd.DataFrame(rows, columns=table.columns)], ignore_index=True)


def readable(table: pd.DataFrame, digits: int = 1) -> pd.DataFrame:
    """Estimates as a reader wants them: log points as changes in per cent, bound by bound.

    Parameters
    ----------
    table : DataFrame
        Rows of ``effects``, ``region_effects``, ``event_study`` or ``rtm``.
    digits : int
        Decimals.

    Returns
    -------
    DataFrame
        The same columns; ``unit`` says ``percent_change`` where log points stood. Parts of ``rtm`` add up in log
        points, as per cent they multiply: there the numbers stay as they are.
    """
    columns = [
        name
        for name in ("estimate", "ci_low", "ci_high", "simultaneous_low", "simultaneous_high", "raw", "shrunk")
        if name in table
    ]
    out = table.drop(columns=[name for name in ("is_synthetic", "std_error", "raw_se", "mde") if name in table]).copy()
    logs = (table["unit"] == "log_point").to_numpy()
    for name in columns:
        values = table[name].to_numpy(dtype=float)
        out[name] = np.where(logs, 100 * np.expm1(values), values).round(digits)
    out["unit"] = table["unit"].where(~logs, "percent_change").to_numpy()
    return out.reset_index(drop=True)


def published_changes(observations: pd.DataFrame) -> pd.DataFrame:
    """Pairs of values that a publisher printed as before and after, with what they cannot tell.

    Parameters
    ----------
    observations : DataFrame
        Table of that name.

    Returns
    -------
    DataFrame
        ``entity_name, indicator, period, value_before, value_after, unit, change, change_percent, observation_id,
        cannot_tell``. A change is a difference of two printed numbers, never an effect.
    """
    pairs = observations[observations["value_before"].notna() & observations["value_after"].notna()].copy()
    pairs["change"] = pairs["value_after"] - pairs["value_before"]
    # per cent of a percentage would be read as points
    base = pairs["value_before"].where((pairs["value_before"] != 0) & ~pairs["unit"].str.startswith("percent"))
    pairs["change_percent"] = 100 * (pairs["value_after"] / base - 1)
    limits = f"{LIMITS['no_comparison']}; {LIMITS['selected']}"
    pairs["cannot_tell"] = np.where(pairs["period"] == "", f"{limits}; {LIMITS['no_dates']}", limits)
    columns = [
        "entity_name", "indicator", "period", "value_before", "value_after", "unit", "change", "change_percent",
        "observation_id", "cannot_tell",
    ]  # fmt: skip
    return pairs[columns].sort_values(["indicator", "entity_name"], kind="stable").reset_index(drop=True)


def doing_business_tables(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The Doing Business section as tables; empty ones where the data are absent.

    Parameters
    ----------
    frame : DataFrame
        The series, or an empty frame.

    Returns
    -------
    dict
        ``reforms`` (effect of the first cut by topic), ``event_study``, ``per_step`` (association of one step),
        ``checks``, ``cities`` (Moscow and Saint Petersburg), ``left_out``.
    """
    names = ("reforms", "event_study", "per_step", "checks", "cities", "left_out")
    if frame.empty:
        return {name: pd.DataFrame() for name in names}
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in names}
    for steps in doing_business.TOPICS:
        for name, part in _reform_tables(doing_business.study(frame, steps)).items():
            parts[name].append(part.assign(steps=steps))
    parts["cities"].append(doing_business.russian_cities(frame))
    return {name: pd.concat(found, ignore_index=True) for name, found in parts.items()}


def outside_events(events: pd.DataFrame, steps: str) -> pd.DataFrame:
    """Event study of one kind of steps, in per cent, with the columns of ``event_study``; empty where it is absent."""
    if events.empty:
        return pd.DataFrame(columns=["event_time", "estimate"])
    names = {
        "att": "estimate", "lo": "ci_low", "hi": "ci_high", "lo_simultaneous": "simultaneous_low",
        "hi_simultaneous": "simultaneous_high",
    }  # fmt: skip
    rows = events[events["steps"] == steps].rename(columns=names)
    rows[list(names.values())] = 100 * np.expm1(rows[list(names.values())])
    return rows.reset_index(drop=True)


def _reform_tables(found: doing_business.Study) -> dict[str, pd.DataFrame]:
    """Tables of one kind of steps."""
    step = found.per_step
    low, high = step.conf_int().iloc[0]
    one = {"change_percent_per_step": step.estimate.iloc[0], "low": low, "high": high}
    test = found.fit.pretrend_test(leads=3)
    checks = {
        "pretrend_f": test.statistic,
        "p_value": test.p_value,
        "slope_low": test.slope_low,
        "slope_high": test.slope_high,
        "kept_share": found.fit.kept,
        "countries": found.fit.n_clusters,
    }
    per_step = {name: 100 * np.expm1(value) for name, value in one.items()} | {"n": step.n, "countries": step.clusters}
    return {
        "reforms": found.table,
        "event_study": found.fit.event_study(leads=4).drop(columns="kind"),
        "per_step": pd.DataFrame([per_step]),
        "checks": pd.DataFrame([checks]),
        "left_out": pd.DataFrame(list(found.left_out.items()), columns=["reason", "rows"]),
    }
