"""What a study found, on one page: every headline outcome with its naive number, its checks and what may be said."""

import numpy as np
import pandas as pd

from helpers.analysis.effects.study_views import readable

PRIMARY = ("imputation", "poisson_imputation")
NAIVE = ("before_after_audit", "before_after")
"""What a report usually prints, in order of preference: against the audit months, else against all months before."""
CAUSAL = "an effect, under the assumptions"
ASSOCIATION = "a difference from comparable ones; a check of the design failed"
UNKNOWN = "cannot tell: the interval covers zero"


def headline(tables: dict[str, pd.DataFrame], prefix: str = "") -> pd.DataFrame:
    """One row an outcome: naive change, estimate with interval, sample, checks, and what may be said.

    Parameters
    ----------
    tables : dict
        Of :func:`helpers.analysis.effects.study.run`.
    prefix : str
        Outcomes that begin with it; without one those about single services.

    Returns
    -------
    DataFrame
        ``outcome, unit, not_an_effect, estimate, ci_low, ci_high, p_holm, n_services, n_obs, n_regions, checks,
        reading``; log points as per cent.
    """
    effects = readable(tables["effects"])
    rows = effects[(effects["group"] == "all") & _wanted(effects, prefix)]
    main = rows[rows["estimator"].isin(PRIMARY) & rows["estimand"].isin(["att", "att_pct"])].copy()
    main["not_an_effect"] = [_naive(rows[rows["outcome"] == outcome]) for outcome in main["outcome"]]
    checks = tables["diagnostics"]
    main["p_holm"] = [_holm(checks[checks["outcome"] == outcome]) for outcome in main["outcome"]]
    passed = checks.groupby("outcome")["passed"].agg(["sum", "size"])
    main["checks"] = [f"{passed['sum'].get(o, 0)} of {passed['size'].get(o, 0)}" for o in main["outcome"]]
    main["reading"] = [_reading(row, passed) for row in main.to_dict("records")]
    columns = [
        "outcome", "unit", "not_an_effect", "estimate", "ci_low", "ci_high", "p_holm", "n_services", "n_obs",
        "n_clusters", "checks", "reading",
    ]  # fmt: skip
    return main[columns].rename(columns={"n_clusters": "n_regions"}).reset_index(drop=True)


def _wanted(effects: pd.DataFrame, prefix: str) -> pd.Series:
    """Rows of outcomes with the prefix; without one those about single services."""
    about = effects["outcome"].str.startswith(prefix or "situation_")
    return about if prefix else ~about


def _naive(rows: pd.DataFrame) -> float:
    known = rows.set_index("estimator")["estimate"]
    return next((float(known[name]) for name in NAIVE if name in known.index), float("nan"))


def _holm(checks: pd.DataFrame) -> float:
    found = checks.loc[checks["check"] == "holm", "p_value"]
    return float(found.iloc[0]) if len(found) else float("nan")


def _reading(row: dict, passed: pd.DataFrame) -> str:
    if np.isnan(row["ci_low"]) or row["ci_low"] <= 0 <= row["ci_high"]:
        return UNKNOWN
    counts = passed.loc[row["outcome"]] if row["outcome"] in passed.index else None
    return CAUSAL if counts is not None and counts["sum"] == counts["size"] else ASSOCIATION


def contrasts(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every difference that is no effect beside the estimate of the same outcome, and how far it lies from it.

    Returns
    -------
    DataFrame
        ``outcome, contrast, change, ci_low, ci_high, estimate, overstates_by, unit, n_services, n_obs, n_regions``;
        ``overstates_by`` is positive where the contrast is further from zero.
    """
    effects = readable(tables["effects"])
    rows = effects[effects["is_contrast"] & _wanted(effects, "")]
    main = headline(tables).set_index("outcome")["estimate"]
    estimate = rows["outcome"].map(main).astype(float)
    out = rows.assign(estimate_=estimate, overstates_by=(rows["estimate"].abs() - estimate.abs()).round(1))
    out = out.rename(columns={"estimate": "change", "estimator": "contrast", "n_clusters": "n_regions"})
    out = out.rename(columns={"estimate_": "estimate"})
    columns = ["outcome", "contrast", "change", "ci_low", "ci_high", "estimate", "overstates_by", "unit"]
    return out[[*columns, "n_services", "n_obs", "n_regions"]].reset_index(drop=True)


def situations(totals: pd.DataFrame) -> pd.DataFrame:
    """Life situations over their regions: documents, and before and after where it was launched. A description.

    Parameters
    ----------
    totals : DataFrame
        Table ``situation_totals``.

    Returns
    -------
    DataFrame
        One row a situation: regions that have it and that launched it, services, documents asked, distinct before and
        after; days (bounds) and visits before and after as means over the regions with months on both sides
        (``n_both``), with the situation-months behind them, those missing (``n_missing``), and the regions whose
        composition lost a row (``n_refused``).
    """
    groups = totals.groupby(["situation_id", "situation"], sort=True)
    rows = [_situation(str(code), str(name), part) for (code, name), part in groups]
    return pd.DataFrame(rows, columns=list(_situation("", "", totals)))


def _situation(code: str, name: str, part: pd.DataFrame) -> dict[str, object]:
    both = part[(part["n_before"] > 0) & (part["n_after"] > 0)]
    row: dict[str, object] = {"situation_id": code, "situation": name, "n_regions": len(part)}
    row["n_launched"] = int(part["launched"].ne("").sum())
    row["n_refused"] = int((part["documents_kind"] == "").sum())
    for column in ("n_services", "asked_before", "distinct_before", "distinct_after"):
        row[column] = part[column].mean()
    for measure in ("days_low", "days_high", "visits"):
        for when in ("before", "after"):
            row[f"{measure}_{when}"] = both[f"{measure}_{when}"].mean()
    row |= {"n_both": len(both), "n_before": int(both["n_before"].sum()), "n_after": int(both["n_after"].sum())}
    return row | {"n_missing": int(part["n_missing"].sum())}
