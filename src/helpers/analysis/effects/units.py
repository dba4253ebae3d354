"""Effects of single services, and the analytic variance built from them."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from helpers.analysis.effects.coding import FloatArray
from helpers.analysis.effects.fit import Fit
from helpers.analysis.effects.imputation import Imputation
from helpers.analysis.effects.masks import Masks
from helpers.analysis.effects.solving import Solved, components, solve
from helpers.analysis.effects.strata import LEVELS, Plan, Stratum
from helpers.analysis.effects.sums import LongArray


def _served(
    spec: Imputation, plan: Plan, solutions: tuple[Solved, ...], masks: Masks
) -> Iterator[tuple[Stratum, Solved, LongArray, npt.NDArray[np.bool_]]]:
    """Stratum, its month effects, positions of its served services, and the baseline mask that it used."""
    keys = masks.keys
    for stratum, solved in zip(plan.strata, solutions, strict=True):
        drop = True if stratum.level != spec.effects else spec.drop_audit
        base = masks.untreated(drop)
        pairs = np.unique(np.column_stack([stratum.rows.stratum, stratum.rows.audit]), axis=0)
        mine = np.zeros(len(keys.cluster), dtype=bool)
        for grade, audit in pairs:
            mine |= (keys.stratum == grade) & (keys.audit == audit)
        mine &= masks.treated.any(axis=1) & base.any(axis=1)
        yield stratum, solved, np.flatnonzero(mine), base


def _effects(masks: Masks, solved: Solved, units: LongArray, base: npt.NDArray[np.bool_]) -> FloatArray:
    """τ of each treated service-month that is linked to its baseline, NaN elsewhere; shape (units, T)."""
    mask, hit = base[units], masks.treated[units]
    fitted = masks.y[units] - solved.effect
    own = np.where(mask, fitted, 0.0).sum(axis=1) / mask.sum(axis=1)
    first = mask.argmax(axis=1)
    linked = solved.label[None, :] == solved.label[first][:, None]
    return np.where(hit & linked, fitted - own[:, None], np.nan)


def kept_months(spec: Imputation, plan: Plan, solutions: tuple[Solved, ...], masks: Masks) -> npt.NDArray[np.bool_]:
    """Treated service-months that have an identified comparison, shape (N, T)."""
    kept = np.zeros(masks.treated.shape, dtype=bool)
    for _, solved, units, base in _served(spec, plan, solutions, masks):
        kept[units] = ~np.isnan(_effects(masks, solved, units, base))
    return kept


def unit_effects(fit: Fit) -> tuple[LongArray, FloatArray, FloatArray]:
    """Position, weight and mean effect of each service that was kept.

    Parameters
    ----------
    fit : Fit

    Returns
    -------
    tuple of arrays
        Positions in the panel's units, Σ of the weights of treated months, weighted mean effect.
    """
    masks = fit.spec.masks(fit._whole_panel(), fit.outcome, fit.shift)
    positions, weights, effects = [], [], []
    for _, solved, units, base in _served(fit.spec, fit.plan, fit.solved, masks):
        tau = _effects(masks, solved, units, base)
        weight = np.where(np.isnan(tau), 0.0, 1.0 if masks.weights is None else masks.weights[units])
        total = weight.sum(axis=1)
        kept = total > 0
        positions.append(units[kept])
        weights.append(total[kept])
        effects.append(np.nansum(tau * weight, axis=1)[kept] / total[kept])
    order = np.argsort(np.concatenate(positions), kind="stable")
    weight, effect = np.concatenate(weights)[order], np.concatenate(effects)[order]
    return np.concatenate(positions)[order], weight, effect


def analytic_se(fit: Fit, masks: Masks) -> float:
    """Standard error of Borusyak, Jaravel & Spiess: residual means by cohort × event time, clustered.

    Parameters
    ----------
    fit : Fit
    masks : Masks
        Of the same outcome and settings.

    Returns
    -------
    float
        Conservative for the sample; too short with few regions.
    """
    total = sum(float(s.rows.weight.sum()) for s in fit.plan.strata)
    score = np.zeros(len(masks.keys.cluster))
    cells: list[tuple[LongArray, FloatArray, FloatArray]] = []
    for stratum, solved, units, base in _served(fit.spec, fit.plan, fit.solved, masks):
        tau = _effects(masks, solved, units, base)
        weight = np.where(np.isnan(tau), 0.0, 1.0 if masks.weights is None else masks.weights[units])
        cells.append((units, np.nan_to_num(tau), weight))
        moment = stratum.cells.moment.sum(axis=0)
        kappa = solve(moment, stratum.rows.slope.sum(axis=0), components(moment))
        score -= _baseline_score(stratum, solved, masks, base, kappa)
    units, tau, weight = (np.concatenate([part[i] for part in cells]) for i in range(3))
    score[units] += (weight * (tau - _cell_means(masks.cohort[units], tau, weight))).sum(axis=1)
    by_cluster = np.bincount(masks.keys.cluster, weights=score)
    return float(np.sqrt((by_cluster**2).sum()) / total)


def _baseline_score(
    stratum: Stratum, solved: Solved, masks: Masks, base: npt.NDArray[np.bool_], kappa: FloatArray
) -> FloatArray:
    """Σ over untreated months of a service's weight in the month effects times its residual, for all services."""
    keys = masks.keys
    mine = base.any(axis=1)
    if stratum.level != LEVELS[-1]:
        mine &= keys.stratum == stratum.key[0]
    if stratum.level == LEVELS[0]:
        mine &= keys.audit == stratum.key[1]
    mask = base & np.asarray(mine)[:, None]
    fitted = np.where(mask, masks.y - solved.effect, 0.0)
    mean = fitted.sum(axis=1, keepdims=True) / np.maximum(mask.sum(axis=1, keepdims=True), 1)
    return np.asarray((np.where(mask, fitted - mean, 0.0) * kappa).sum(axis=1))


def _cell_means(cohort: npt.NDArray[np.int32], tau: FloatArray, weight: FloatArray) -> FloatArray:
    """Mean effect of each cohort × month (= event time), weighted by squared weights."""
    means = np.zeros_like(tau)
    for wave in np.unique(cohort):
        mine = cohort == wave
        square = weight[mine] ** 2
        total = square.sum(axis=0)
        means[mine] = np.where(total > 0, (square * tau[mine]).sum(axis=0) / np.maximum(total, 1e-300), 0.0)
    return means
