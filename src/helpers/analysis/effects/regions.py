"""Effects by region: partial pooling with intervals that hold, and no ranking that the data do not carry."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from helpers.analysis.effects.coding import BoolArray, EffectsError, FloatArray
from helpers.analysis.effects.imputation import Imputation
from helpers.analysis.effects.multiplicity import fdr
from helpers.analysis.effects.panel import Panel
from helpers.analysis.effects.power import mde
from helpers.analysis.effects.shrinkage import Shrunk, shrink

FEWEST = 5
"""Regions with fewer optimised services show the pooled estimate only."""
PLACEBO_SHIFT = 4
"""Months by which placebo dates lie early."""


@dataclass(frozen=True, eq=False)
class RegionEffects:
    """Effects by region.

    Attributes
    ----------
    table : DataFrame
        One row a region with an optimised service that was kept: ``region_iso, outcome, raw, raw_se`` (NaN where
        suppressed), ``shrunk, ci_low, ci_high, n_services_optimised, n_services, mde, p_value, is_significant``
        (Benjamini–Hochberg at 10 %), ``same_region, same_region_se, differs`` (same-region controls, and whether
        they disagree by more than their standard error), ``indistinguishable`` (regions whose interval overlaps this
        one's), ``is_suppressed, unit``.
    estimates : DataFrame
        What the pooling started from, nothing withheld: ``region_iso, raw, raw_se, k, weight``.
    pooled : Shrunk
        The pooling itself: centre, spread, weights.
    service_sd : float
        Standard deviation of single services' effects within regions, in the unit of the table.
    placebo_excess : float
        Variance that placebo dates show beyond the noise of services: shocks common to a region.
    dropped : dict
        Regions left out, by reason.
    """

    table: pd.DataFrame
    estimates: pd.DataFrame
    pooled: Shrunk
    service_sd: float
    placebo_excess: float
    dropped: dict[str, int]

    def distinguishable(self, one: str, other: str) -> bool:
        """Whether the intervals of two regions do not overlap; otherwise they cannot be told apart.

        Raises
        ------
        EffectsError
            A region without an estimate.
        """
        rows = self.table.set_index("region_iso")
        for name in (one, other):
            if name not in rows.index:
                raise EffectsError(f"region {name} has no estimate")
        first, second = rows.loc[one], rows.loc[other]
        return bool(first["ci_low"] > second["ci_high"] or first["ci_high"] < second["ci_low"])


def pooled_variance(k: FloatArray, own_se: FloatArray) -> float:
    """Variance of single services' effects, s² = Σ (k−1) k se² / Σ (k−1), over regions with two services or more."""
    used = (k > 1) & np.isfinite(own_se)
    if not used.any():
        return float("nan")
    return float(np.sum((k[used] - 1) * k[used] * own_se[used] ** 2) / np.sum(k[used] - 1))


def placebo_excess(fit: Any, shift: int = PLACEBO_SHIFT) -> float:
    """Variance by which regional placebo effects exceed the noise of their services.

    Parameters
    ----------
    fit : Fit
        Imputation of one outcome.
    shift : int
        Months by which the placebo dates lie early.

    Returns
    -------
    float
        max(0, Σ k (placebo² − s²/k) / Σ k); NaN where placebo dates leave nothing to estimate.
    """
    try:
        early = fit.placebo(shift).by("region")
    except EffectsError:
        return float("nan")
    k = early["services"].to_numpy(dtype=float)
    att, own = early["att"].to_numpy(dtype=float), early["se"].to_numpy(dtype=float)
    noise = pooled_variance(k, own)
    used = np.isfinite(att) & (k > 0)
    if not used.any() or not np.isfinite(noise):
        return float("nan")
    return max(0.0, float(np.sum(k[used] * (att[used] ** 2 - noise / k[used])) / np.sum(k[used])))


def region_effects(
    fit: Any,
    panel: Panel,
    alpha: float = 0.05,
    covariates: pd.DataFrame | None = None,
    same_region: bool = True,
    fewest: int = FEWEST,
) -> RegionEffects:
    """Raw and partially pooled effect of each region.

    Parameters
    ----------
    fit : Fit
        National imputation of one outcome on ``panel``.
    panel : Panel
    alpha : float
        One minus the level of the intervals, which cover on average over regions; with few regions they are widened
        by Student's quantile.
    covariates : DataFrame, optional
        Known properties of the regions, index = region.
    same_region : bool
        Also compare with services of the same region alone, where it has two optimised and two others.
    fewest : int
        Below so many optimised services the raw estimate is withheld.

    Returns
    -------
    RegionEffects

    Raises
    ------
    EffectsError
        Fewer than two regions with an estimate, or no region with two optimised services.

    *Assumes* what the fit assumes; regional deviations unrelated to how many services a region optimised.

    References
    ----------
    Armstrong, Kolesár & Plagborg-Møller 2022; Paule & Mandel 1982.
    """
    raw = fit.by("region")
    k = raw["services"].to_numpy(dtype=float)
    variance = pooled_variance(k, raw["se"].to_numpy(dtype=float))
    if not np.isfinite(variance):
        raise EffectsError("no region has two optimised services: the noise of single services cannot be measured")
    excess = placebo_excess(fit)
    common = 0.0 if np.isnan(excess) else excess
    se = np.sqrt(variance / np.maximum(k, 1) + common)
    att = raw["att"].to_numpy(dtype=float)
    names = [str(name) for name in raw["group"]]
    extra = None if covariates is None else covariates.reindex(names).to_numpy(dtype=float)
    pooled = _widened(shrink(att, se, alpha=alpha, covariates=extra))
    estimates = pd.DataFrame(
        {"region_iso": names, "raw": att, "raw_se": se, "k": k.astype(int), "weight": pooled.weight}
    )
    table = _table(fit, panel, estimates, pooled, fewest)
    if same_region:
        table = _with_same_region(table, fit, panel)
    dropped = {
        "no optimised service kept a comparison": _treated_regions(panel) - len(names),
        "estimate or covariate missing": pooled.dropped,
    }
    return RegionEffects(table, estimates, pooled, float(np.sqrt(variance)), excess, dropped)


def _widened(pooled: Shrunk) -> Shrunk:
    """Intervals with Student's quantile: with few regions their centre and spread are uncertain themselves."""
    df = max(pooled.n - len(pooled.delta), 1)
    factor = float(stats.t.ppf(1 - pooled.alpha / 2, df) / stats.norm.ppf(1 - pooled.alpha / 2))
    low = pooled.shrunk - factor * (pooled.shrunk - pooled.low)
    return replace(pooled, low=low, high=pooled.shrunk + factor * (pooled.high - pooled.shrunk))


def _treated_regions(panel: Panel) -> int:
    return len(np.unique(panel.cluster_code[(panel.treated & panel.observed).any(axis=1)]))


def _table(fit: Any, panel: Panel, estimates: pd.DataFrame, pooled: Shrunk, fewest: int) -> pd.DataFrame:
    k = estimates["k"].to_numpy()
    se, att = estimates["raw_se"].to_numpy(dtype=float), estimates["raw"].to_numpy(dtype=float)
    few = k < fewest
    df = np.maximum(k - 1, 1).astype(float)
    p = np.where(k > 1, 2 * stats.t.sf(np.abs(att / se), df), np.nan)
    services = pd.Series(panel.cluster_labels[panel.cluster_code]).astype(str).value_counts()
    overlap = (pooled.low[:, None] <= pooled.high[None, :]) & (pooled.high[:, None] >= pooled.low[None, :])
    return pd.DataFrame(
        {
            "region_iso": estimates["region_iso"],
            "outcome": fit.outcome,
            "raw": np.where(few, np.nan, att),
            "raw_se": np.where(few, np.nan, se),
            "shrunk": pooled.shrunk,
            "ci_low": pooled.low,
            "ci_high": pooled.high,
            "n_services_optimised": k,
            "n_services": services.reindex(estimates["region_iso"]).to_numpy(),
            "mde": [mde(s, float(d)) if n > 1 else np.nan for s, d, n in zip(se, df, k, strict=True)],
            "p_value": np.where(few, np.nan, p),
            "is_significant": fdr(np.where(few, np.nan, p), 0.10).rejected,
            "indistinguishable": overlap.sum(axis=1) - 1,
            "is_suppressed": few,
            "unit": fit.unit,
        }
    )


def _with_same_region(table: pd.DataFrame, fit: Any, panel: Panel) -> pd.DataFrame:
    """Add the estimate from services of the same region alone: region × month effects."""
    empty = table.assign(same_region=np.nan, same_region_se=np.nan, differs=False)
    enough = {str(panel.cluster_labels[code]) for code in np.flatnonzero(_comparable(panel))}
    if not enough:
        return empty
    names = {role: name for role, name in panel.names.items() if name is not None and role != "strata"}
    inner = Panel(panel.frame, **names, strata=panel.names["cluster"])
    spec = _same_settings(fit.spec)
    try:
        own = spec.fit(inner, fit.outcome).by("region")
    except EffectsError:
        return empty
    own = own.assign(group=own["group"].astype(str)).set_index("group")
    own = own[own.index.isin(enough) & (own["services"] > 1)]
    value = own["att"].reindex(table["region_iso"]).to_numpy(dtype=float)
    error = own["se"].reindex(table["region_iso"]).to_numpy(dtype=float)
    with np.errstate(invalid="ignore"):
        differs = np.abs(value - table["raw"].to_numpy(dtype=float)) > error
    few = table["is_suppressed"].to_numpy(dtype=bool)
    return table.assign(
        same_region=np.where(few, np.nan, value),
        same_region_se=np.where(few, np.nan, error),
        differs=differs & ~few,
    )


def _comparable(panel: Panel) -> BoolArray:
    """Regions with two optimised services and two others, shape (G,)."""
    started = (panel.treated & panel.observed).any(axis=1)
    ever = np.bincount(panel.cluster_code, weights=started, minlength=panel.n_clusters)
    never = np.bincount(panel.cluster_code, weights=~started, minlength=panel.n_clusters)
    return np.asarray((ever >= 2) & (never >= 2))


def _same_settings(spec: Imputation) -> Imputation:
    return replace(spec, effects="month:strata", fallback=(), min_share=0.0, vcov="jackknife")


def overlap_groups(low: npt.ArrayLike, high: npt.ArrayLike) -> FloatArray:
    """Group number of each interval when overlapping ones are linked: inside a group nobody can be told apart by rank.

    Parameters
    ----------
    low, high : array-like
        Ends of the intervals.

    Returns
    -------
    array
        Numbers from 1, lowest intervals first; NaN for a missing interval.
    """
    a, b = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    out = np.full(len(a), np.nan)
    order = [i for i in np.argsort(a, kind="stable") if np.isfinite(a[i]) and np.isfinite(b[i])]
    group, reach = 0, -np.inf
    for i in order:
        if a[i] > reach:
            group += 1
        reach = max(reach, b[i])
        out[i] = group
    return out
