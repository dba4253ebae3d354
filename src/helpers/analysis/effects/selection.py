"""What to optimise next: services not yet optimised, by the gain that optimisation may be expected to bring.

Rule: gain = applications a year × level now × (1 − exp(effect)). The effect is the pooled effect of the service's
region, corrected for the service's grade, from months after the ramp; the level leaves audit months out and is pooled
with services of the same grade, so that a bad draw is not mistaken for room to improve.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.analysis.effects.building import LongArray
from helpers.analysis.effects.coding import NEVER, BoolArray, EffectsError, FloatArray
from helpers.analysis.effects.ordered import GRADES
from helpers.analysis.effects.panel import Panel
from helpers.analysis.effects.regions import RegionEffects, region_effects
from helpers.analysis.effects.shrinkage import shrink

RAMP = 3
"""Months after the start that do not show the full effect yet."""
YEAR = 12
DRAWS = 2_000
UNITS = {"days": "days_year", "documents": "documents_year", "visits": "visits_year"}


@dataclass(frozen=True, eq=False)
class NextServices:
    """Services not yet optimised, by expected gain.

    Attributes
    ----------
    table : DataFrame
        At most ``k`` services a region: ``region_iso, service_id, outcome, service_name, agency, grade, level_now,
        applications_year, expected_gain, gain_low, gain_high, unit, position, reason, is_uncertain`` (the interval
        covers 0), ``effect, effect_se`` (log points).
    candidates : DataFrame
        The same for every service that could be judged, ``position`` counted over the whole country.
    regions : RegionEffects
        Pooled effects after the ramp.
    grades : DataFrame
        ``grade, deviation, deviation_se``: pooled deviation of the grade's effect from the mean (log points).
    dropped : dict
        Services that could not be judged, by reason.
    rule : str
        The rule, in one sentence.
    """

    table: pd.DataFrame
    candidates: pd.DataFrame
    regions: RegionEffects
    grades: pd.DataFrame
    dropped: dict[str, int]
    rule: str


def next_services(
    fit: Any,
    panel: Panel,
    k: int = 10,
    seed: int = 0,
    ramp: int = RAMP,
    alpha: float = 0.05,
    eligible: BoolArray | None = None,
) -> NextServices:
    """Rank services not yet optimised by expected gain a year.

    Parameters
    ----------
    fit : Fit
        Imputation of the logarithm of days (column named ``log_…``), or Poisson imputation of documents or visits.
    panel : Panel
        With ``exposure`` = applications, and strata = grade before optimisation.
    k : int
        Services shown in each region.
    seed : int
        Of the draws behind the intervals.
    ramp : int
        Months after the start that are left out of the effect.
    alpha : float
        One minus the level of the intervals.
    eligible : array of bool, units, optional
        Services that whoever decides can change (a region cannot change a federal one); all by default. The others
        still inform effects and levels.

    Returns
    -------
    NextServices

    Raises
    ------
    EffectsError
        Without applications, without a service left to optimise, or with too few months after the ramp.

    *Assumes* that a service not yet optimised would gain like optimised ones of its region and grade; gains in days,
    documents and visits are never added up.
    """
    if panel.names["exposure"] is None:
        raise EffectsError("the gain needs applications: give the panel its exposure")
    if k < 1 or ramp < 0:
        raise EffectsError(f"k must be at least 1 and ramp at least 0, got {k} and {ramp}")
    waiting = (panel.cohort == NEVER) | (panel.cohort > panel.times[-1])
    allowed = np.ones(len(waiting), dtype=bool) if eligible is None else np.asarray(eligible, dtype=bool)
    waiting, others = waiting & allowed, waiting & ~allowed
    if not waiting.any():
        raise EffectsError("every service has been optimised: there is nothing to choose from")
    late = after_ramp(panel, ramp)
    found = fit.spec.fit(late, fit.outcome)
    regions = region_effects(found, late, same_region=False)
    levels = _levels(fit, panel)
    usable = waiting & np.isfinite(levels.value) & (levels.applications > 0)
    dropped = {
        "not for those who decide to change": int(others.sum()),
        "no month outside the audit in the last year": int((waiting & ~np.isfinite(levels.value)).sum()),
        "no applications": int((waiting & np.isfinite(levels.value) & ~(levels.applications > 0)).sum()),
    }
    chosen = np.flatnonzero(usable)
    effect, error, grades = _expected_effects(found, late, regions, panel, chosen)
    candidates = _gains(fit, panel, chosen, levels, effect, error, seed, alpha)
    ranked = candidates.groupby("region_iso")["expected_gain"].rank(method="first", ascending=False)
    table = candidates.assign(position=ranked.astype(int))[ranked <= k]
    table = table.sort_values(["region_iso", "position"], kind="stable").reset_index(drop=True)
    rule = (
        "largest expected gain first: applications a year × level now × (1 − exp(effect)), "
        "the effect pooled over regions and grades, the level without audit months"
    )
    return NextServices(table, candidates, regions, grades, dropped, rule)


def after_ramp(panel: Panel, ramp: int) -> Panel:
    """The same panel without the first ``ramp`` treated months of each service."""
    if ramp == 0:
        return panel
    early = panel.treated & (panel.event < ramp)
    flat = early.ravel()
    rows = flat if panel.position is None else (panel.position >= 0) & flat[np.maximum(panel.position, 0)]
    names = {role: name for role, name in panel.names.items() if name is not None}
    return Panel(panel.frame[~rows], **names)


# ------------------------------------------------------------------ effect


def _expected_effects(
    found: Any, late: Panel, regions: RegionEffects, panel: Panel, chosen: LongArray
) -> tuple[FloatArray, FloatArray, pd.DataFrame]:
    """Effect and its standard error for each chosen unit of ``panel``."""
    by_grade = found.by("pre_grade")
    names = [str(name) for name in by_grade["group"]]
    deviation, deviation_se = np.zeros(len(names)), np.zeros(len(names))
    if len(names) > 1:
        pooled = shrink(by_grade["att"] - found.att, by_grade["se"])
        # grades whose error cannot be measured keep the mean effect
        deviation = np.nan_to_num(pooled.shrunk - pooled.delta[0])
        deviation_se = np.nan_to_num(pooled.weight * pooled.se)
    grades = pd.DataFrame({"grade": names, "deviation": deviation, "deviation_se": deviation_se})
    every = [str(x) for x in panel.stratum_labels]
    of_grade, error_of_grade = _by_nearest_grade(grades, every)
    mix = _grade_mix(found, late, of_grade)
    rows = regions.estimates.set_index("region_iso")
    pooled = regions.pooled
    centre = float(pooled.delta[0])
    half = (pooled.high - pooled.low) / 2
    point = dict(zip(rows.index, pooled.shrunk - pooled.weight * mix.reindex(rows.index, fill_value=0.0), strict=True))
    # an interval that is robust on average is wider than 1.96 standard errors: its width is kept
    error = dict(zip(rows.index, half / 1.959964, strict=True))
    unknown = math.hypot(pooled.tau, float(pooled.delta_se[0]))
    region = [str(x) for x in panel.cluster_labels[panel.cluster_code[chosen]]]
    grade = [str(x) for x in panel.stratum_labels[panel.stratum_code[chosen]]]
    effect = np.asarray([point.get(r, centre) + of_grade.get(g, 0.0) for r, g in zip(region, grade, strict=True)])
    spread = np.asarray(
        [math.hypot(error.get(r, unknown), error_of_grade.get(g, 0.0)) for r, g in zip(region, grade, strict=True)]
    )
    return effect, spread, grades


def _by_nearest_grade(grades: pd.DataFrame, every: list[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Deviation and error of every grade; one never optimised takes after the nearest grade on the scale.

    Its error also holds the step between the two grades next to it, the only measure of how fast effects change.
    """
    value = {str(g): float(x) for g, x in zip(grades["grade"], grades["deviation"], strict=True)}
    error = {str(g): float(x) for g, x in zip(grades["grade"], grades["deviation_se"], strict=True)}
    scale = [g for g in GRADES if g in value]
    for grade in (g for g in every if g not in value and g in GRADES and scale):
        near = sorted(scale, key=lambda g: abs(GRADES.index(g) - GRADES.index(grade)))[:2]
        value[grade] = value[near[0]]
        step = value[near[0]] - value[near[-1]]
        error[grade] = math.hypot(error[near[0]], step)
    return value, error


def _grade_mix(found: Any, late: Panel, of_grade: dict[str, float]) -> pd.Series:
    """Mean grade deviation of the services behind each region's estimate: it would be counted twice otherwise."""
    units, weight, _ = found.unit_effects()
    deviation = [of_grade.get(str(x), 0.0) for x in late.stratum_labels[late.stratum_code[units]]]
    region = [str(x) for x in late.cluster_labels[late.cluster_code[units]]]
    frame = pd.DataFrame({"region": region, "weight": weight, "sum": weight * np.asarray(deviation)})
    sums = frame.groupby("region")[["weight", "sum"]].sum()
    return sums["sum"] / sums["weight"]


# ------------------------------------------------------------------ level


@dataclass(frozen=True, eq=False)
class _Levels:
    """Level now, its relative standard error, and applications a year; one entry a unit."""

    value: FloatArray
    error: FloatArray
    applications: FloatArray


def _levels(fit: Any, panel: Panel) -> _Levels:
    """Mean of the last year without audit months, pooled with services of the same grade on the log scale."""
    recent = panel.times > panel.times[-1] - YEAR
    y = panel.matrix(fit.outcome)
    if fit.unit == "log_point" and str(fit.outcome).startswith("log"):
        y = np.exp(y)
    applications = panel.weight_matrix()
    exposure = getattr(fit, "exposure", None)
    load = np.ones_like(y) if exposure is None else panel.weight_matrix(exposure)
    used = panel.observed & ~panel.audit & recent[None, :] & np.isfinite(y) & (load > 0)
    level = _ratio(y, load, used)
    seen = (panel.observed & recent[None, :]).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        yearly = np.where(recent[None, :], applications, 0.0).sum(axis=1) * YEAR / seen
    half = panel.times > panel.times[-1] - YEAR // 2
    with np.errstate(invalid="ignore", divide="ignore"):
        drift = np.log(_ratio(y, load, used & half)) - np.log(_ratio(y, load, used & ~half))
        log_level = np.log(level)
    both = np.isfinite(drift)
    moved = drift[both] - (np.median(drift[both]) if both.any() else 0.0)
    noise = math.sqrt(float(np.mean(moved**2)) / 4) if both.sum() > 1 else 0.0
    months = np.maximum(used.sum(axis=1), 1)
    error = noise * np.sqrt(YEAR / months)
    value = np.where(np.isfinite(log_level), level, np.nan)
    for stratum in np.unique(panel.stratum_code):
        mine = (panel.stratum_code == stratum) & np.isfinite(log_level)
        if noise > 0 and mine.sum() > 2:
            pooled = shrink(log_level[mine], error[mine])
            value[mine] = np.exp(pooled.shrunk)
            error[mine] = np.sqrt(pooled.weight) * error[mine]
    return _Levels(np.where(level == 0, 0.0, value), error, yearly)


def _ratio(y: FloatArray, load: FloatArray, used: BoolArray) -> FloatArray:
    total = np.where(used, load, 0.0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(used, y, 0.0).sum(axis=1) / np.where(total > 0, total, np.nan))


# ------------------------------------------------------------------ gain


def _gains(
    fit: Any,
    panel: Panel,
    chosen: LongArray,
    levels: _Levels,
    effect: FloatArray,
    error: FloatArray,
    seed: int,
    alpha: float,
) -> pd.DataFrame:
    """Table of the candidates, largest expected gain first."""
    level, applications = levels.value[chosen], levels.applications[chosen]
    gain = applications * level * -np.expm1(effect)
    low, high = _gain_intervals(chosen, levels, effect, error, seed, alpha)
    kind = str(fit.outcome).removeprefix("log_")
    frame = pd.DataFrame(
        {
            "region_iso": [str(x) for x in panel.cluster_labels[panel.cluster_code[chosen]]],
            "service_id": [_service(x) for x in panel.units[chosen]],
            "outcome": fit.outcome,
            "service_name": _names(panel, "service_name", chosen),
            "agency": _names(panel, "agency", chosen),
            "grade": [str(x) for x in panel.stratum_labels[panel.stratum_code[chosen]]],
            "level_now": level,
            "applications_year": applications,
            "expected_gain": gain,
            "gain_low": low,
            "gain_high": high,
            "unit": UNITS.get(kind, f"{kind}_year"),
            "reason": _reasons(level, applications, -np.expm1(effect)),
            "is_uncertain": (low <= 0) & (high >= 0),
            "effect": effect,
            "effect_se": error,
        }
    )
    order = np.argsort(-gain, kind="stable")
    position = np.empty(len(order), dtype=int)
    position[order] = np.arange(1, len(order) + 1)
    return frame.assign(position=position).iloc[order].reset_index(drop=True)


def _gain_intervals(
    chosen: LongArray, levels: _Levels, effect: FloatArray, error: FloatArray, seed: int, alpha: float
) -> tuple[FloatArray, FloatArray]:
    """Quantiles of the gain over draws of effect and level."""
    rng = np.random.default_rng(seed)
    low, high = np.empty(len(chosen)), np.empty(len(chosen))
    for i, unit in enumerate(chosen):
        moved = effect[i] + error[i] * rng.standard_normal(DRAWS)
        room = levels.value[unit] * np.exp(levels.error[unit] * rng.standard_normal(DRAWS))
        low[i], high[i] = np.quantile(levels.applications[unit] * room * -np.expm1(moved), [alpha / 2, 1 - alpha / 2])
    return low, high


def _service(unit: Any) -> str:
    return str(unit[-1]) if isinstance(unit, tuple) else str(unit)


def _names(panel: Panel, column: str, chosen: LongArray) -> list[str]:
    if column not in panel.frame.columns:
        return [""] * len(chosen)
    return [str(x) for x in panel.unit_values(column).to_numpy()[chosen]]


def _reasons(level: FloatArray, applications: FloatArray, effect: FloatArray) -> list[str]:
    """Main reason of each place: the factor that lies furthest above its median, as a ratio."""
    factors = np.column_stack([applications, level, np.maximum(effect, 1e-9)])
    middle = np.maximum(np.median(factors, axis=0), 1e-300)
    with np.errstate(divide="ignore"):
        ahead = np.log(np.maximum(factors, 1e-300) / middle)
    return [("share", "level", "effect")[i] for i in ahead.argmax(axis=1)]


# ------------------------------------------------------------------ judging a rule


def regret(chosen: npt.ArrayLike, true_gain: npt.ArrayLike) -> float:
    """Share of the attainable gain that a choice misses: 1 − gain of the chosen / gain of the best of the same number.

    Parameters
    ----------
    chosen : array-like of bool or positions
        The choice.
    true_gain : array-like
        True gain of every candidate.

    Raises
    ------
    EffectsError
        An empty choice, or no gain to be had.
    """
    gain = np.asarray(true_gain, dtype=float)
    picked = gain[np.asarray(chosen)]
    best = np.sort(gain)[::-1][: len(picked)].sum()
    if not len(picked) or best <= 0:
        raise EffectsError("regret needs a choice and a gain to be had")
    return float(1 - picked.sum() / best)
