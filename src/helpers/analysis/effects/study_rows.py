"""Rows of the tables of effects from fits, in the units that the tables declare."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from helpers.analysis.effects.coding import FloatArray
from helpers.analysis.effects.fit import Fit
from helpers.analysis.effects.inference import interval, p_value
from helpers.analysis.effects.masks import make_masks
from helpers.analysis.effects.panel import Panel
from helpers.analysis.effects.poisson import PoissonFit
from helpers.tables import store
from helpers.tables.schemas import TABLES

COLUMNS = {
    "effects": [
        "outcome", "estimator", "estimand", "group", "estimate", "std_error", "ci_low", "ci_high", "unit", "df",
        "n_obs", "n_services", "n_clusters", "p_value", "is_contrast", "is_synthetic",
    ],
    "event_study": [
        "outcome", "estimator", "event_time", "estimate", "std_error", "ci_low", "ci_high", "simultaneous_low",
        "simultaneous_high", "n", "unit", "is_synthetic",
    ],
    "region_effects": [
        "region_iso", "outcome", "raw", "raw_se", "shrunk", "ci_low", "ci_high", "n_services_optimised", "n_services",
        "mde", "is_suppressed", "unit", "is_synthetic",
    ],
    "rtm": [
        "outcome", "group", "naive", "naive_se", "trend", "trend_se", "regression_to_mean", "regression_to_mean_se",
        "effect", "effect_se", "unit", "n_services", "is_synthetic",
    ],
    "next_services": [
        "region_iso", "service_id", "outcome", "service_name", "agency", "grade", "level_now", "applications_year",
        "expected_gain", "gain_low", "gain_high", "unit", "position", "reason", "is_synthetic",
    ],
    "diagnostics": ["outcome", "check", "statistic", "p_value", "reading", "passed", "is_synthetic"],
    "situation_totals": list(TABLES["situation_totals"].columns),
}  # fmt: skip
"""Columns of each table, in the order of its schema."""


def stack(*parts: pd.DataFrame) -> pd.DataFrame:
    """Parts one under another, empty ones left out."""
    found = [part for part in parts if len(part)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def gather(name: str, parts: list[pd.DataFrame], synthetic: bool) -> pd.DataFrame:
    """One table from its parts, sorted by its key."""
    found = stack(*parts)
    if found.empty:
        return store.empty(name)[COLUMNS[name]]
    table = found.assign(is_synthetic=synthetic)[COLUMNS[name]]
    keys = {
        "effects": ["outcome", "estimator", "estimand", "group"],
        "event_study": ["outcome", "estimator", "event_time"],
        "region_effects": ["region_iso", "outcome"],
        "rtm": ["outcome", "group"],
        "next_services": ["region_iso", "outcome", "position", "service_id"],
        "diagnostics": ["outcome", "check"],
        "situation_totals": ["region_iso", "situation_id"],
    }[name]
    return table.sort_values(keys, kind="stable").reset_index(drop=True)


def unit_of(fit: Any) -> str:
    """Unit of an additive fit: log points of log columns, percentage points otherwise."""
    return "log_point" if fit.unit == "log_point" else "percentage_point"


def fit_row(outcome: str, fit: Fit, estimand: str) -> pd.DataFrame:
    """One estimate; counts in per cent of the imputed mean."""
    row: dict[str, Any] = {"outcome": outcome, "estimator": fit.estimator, "estimand": estimand, "group": "all"}
    if isinstance(fit, PoissonFit):
        change = fit.percent()
        row |= {
            "estimand": estimand.replace("att", "att_pct", 1),
            "estimate": change.estimate,
            "std_error": fit.se_pct,
            "ci_low": change.low,
            "ci_high": change.high,
            "unit": "percent_change",
        }
    else:
        low, high = fit.conf_int()
        row |= {"estimate": fit.att, "std_error": fit.se, "ci_low": low, "ci_high": high, "unit": unit_of(fit)}
    row |= {"df": fit.df, "n_obs": fit.n_obs, "n_services": fit.n_services, "n_clusters": fit.n_clusters}
    return pd.DataFrame([row | {"p_value": fit.p_value, "is_contrast": False}])


def group_rows(outcome: str, fit: Fit, group: str) -> pd.DataFrame:
    """Averages by grade before or by cohort."""
    table = fit.by(group)
    value, low, high, se = (table[name].to_numpy(dtype=float) for name in ("att", "lo", "hi", "se"))
    unit = unit_of(fit)
    estimand = f"att_{group}"
    if isinstance(fit, PoissonFit):
        se = 100 * np.exp(value) * se
        value, low, high = (100 * np.expm1(x) for x in (value, low, high))
        unit, estimand = "percent_change", f"att_pct_{group}"
    return pd.DataFrame(
        {
            "outcome": outcome,
            "estimator": fit.estimator,
            "estimand": estimand,
            "group": [f"{group}:{name}" for name in table["group"]],
            "estimate": value,
            "std_error": se,
            "ci_low": low,
            "ci_high": high,
            "unit": unit,
            "df": table["df"].to_numpy(dtype=float),
            "n_obs": table["n"].to_numpy(),
            "n_services": table["services"].to_numpy(),
            "n_clusters": table["regions"].to_numpy(),
            "p_value": _p(table["att"].to_numpy(dtype=float), table["se"].to_numpy(dtype=float), fit.df),
            "is_contrast": False,
        }
    )


def _p(value: FloatArray, se: FloatArray, df: float) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(2 * stats.t.sf(np.abs(value / se), df))


def contrast_row(outcome: str, name: str, fit: Any, unit: str) -> pd.DataFrame:
    """A contrast, marked as no effect."""
    low, high = fit.conf_int()
    row = {
        "outcome": outcome, "estimator": name, "estimand": "change", "group": "all", "estimate": fit.att,
        "std_error": fit.se, "ci_low": low, "ci_high": high, "unit": unit, "df": fit.df, "n_obs": fit.n_obs,
        "n_services": fit.n_services, "n_clusters": fit.n_clusters, "p_value": fit.p_value, "is_contrast": True,
    }  # fmt: skip
    return pd.DataFrame([row])


def count_contrast(panel: Panel, outcome: str, column: str, exposure: str | None) -> pd.DataFrame:
    """Before/after of a count: mean after over mean before of the same services, per cent, jackknife over regions."""
    masks = make_masks(panel, column)
    scale = np.ones(masks.y.shape) if exposure is None else panel.weight_matrix(exposure)
    both = np.asarray(masks.treated.any(axis=1) & masks.clean.any(axis=1))
    parts = []
    for months in (masks.treated, masks.clean):
        used = months & both[:, None]
        units = np.where(used, masks.y, 0.0).sum(axis=1), np.where(used, scale, 0.0).sum(axis=1)
        parts.append([np.bincount(panel.cluster_code, weights=v, minlength=panel.n_clusters) for v in units])
    (after, after_x), (before, before_x) = parts
    used_regions = (after_x > 0) | (before_x > 0)
    regions = int(used_regions.sum())
    if regions < 2:
        return pd.DataFrame()

    def change(mask: Any) -> float:
        top = after[mask].sum() / after_x[mask].sum()
        return float(np.log(top) - np.log(before[mask].sum() / before_x[mask].sum()))

    everywhere = np.ones(panel.n_clusters, dtype=bool)
    whole = change(everywhere)
    moved = np.asarray([change(np.arange(panel.n_clusters) != r) for r in np.flatnonzero(used_regions)]) - whole
    se = float(np.sqrt((regions - 1) / regions * (moved**2).sum()))
    low, high = interval(whole, se, regions - 1, 0.95)
    row = {
        "outcome": outcome, "estimator": "before_after", "estimand": "change", "group": "all",
        "estimate": 100 * np.expm1(whole), "std_error": 100 * np.exp(whole) * se, "ci_low": 100 * np.expm1(low),
        "ci_high": 100 * np.expm1(high), "unit": "percent_change", "df": regions - 1,
        "n_obs": int((masks.treated & both[:, None]).sum()), "n_services": int(both.sum()), "n_clusters": regions,
        "p_value": p_value(whole, se, regions - 1), "is_contrast": True,
    }  # fmt: skip
    return pd.DataFrame([row])


def second_row(outcome: str, simple: Any, unit: str, panel: Panel, regions: int) -> pd.DataFrame:
    """Callaway–Sant'Anna's simple average beside the estimate."""
    low, high = simple.conf_int()
    treated = panel.treated & panel.observed
    row = {
        "outcome": outcome, "estimator": "callaway_santanna", "estimand": "att", "group": "all", "estimate": simple.att,
        "std_error": simple.se, "ci_low": low, "ci_high": high, "unit": unit, "df": simple.df,
        "n_obs": int(treated.sum()), "n_services": int(treated.any(axis=1).sum()), "n_clusters": regions,
        "p_value": float(_p(np.asarray([simple.att]), np.asarray([simple.se]), simple.df)[0]), "is_contrast": False,
    }  # fmt: skip
    return pd.DataFrame([row])


def event_rows(outcome: str, fit: Fit, seed: int) -> pd.DataFrame:
    """Leads and effects by months since optimisation, log points or percentage points."""
    table = fit.event_study(leads=4, seed=seed)
    names = {
        "att": "estimate", "se": "std_error", "lo": "ci_low", "hi": "ci_high", "lo_simultaneous": "simultaneous_low",
        "hi_simultaneous": "simultaneous_high",
    }  # fmt: skip
    table = table.rename(columns=names).drop(columns="kind")
    return table.assign(outcome=outcome, estimator=fit.estimator, unit=unit_of(fit))
