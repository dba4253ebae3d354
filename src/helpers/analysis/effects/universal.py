"""One event study with one reference month and one covariance: leads and effects that may be judged together."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.analysis.effects.coding import NEVER, BoolArray, EffectsError, FloatArray
from helpers.analysis.effects.masks import Masks
from helpers.analysis.effects.solving import jackknife_variance
from helpers.analysis.effects.strata import LEVELS, Stratum
from helpers.analysis.effects.sums import LongArray

if TYPE_CHECKING:
    from helpers.analysis.effects.fit import Fit


@dataclass(frozen=True)
class UniversalStudy:
    """Coefficients relative to one reference event time, with their joint jackknife covariance.

    Attributes
    ----------
    events : int array, shape (k,)
        Event times, the reference left out.
    beta : float array, shape (k,)
    cov : float array, shape (k, k)
    reference : int
        Last event time before the audit (or before anticipation).
    n_pre : int
        Event times before the reference.
    weights : float array, shape (k − n_pre,)
        Weights of the judged mean over months since treatment; months between the reference and treatment have 0.
    table : DataFrame
        ``event_time, att, se, n``.
    """

    events: LongArray
    beta: FloatArray
    cov: FloatArray
    reference: int
    n_pre: int
    weights: FloatArray
    table: pd.DataFrame


def universal_event_study(fit: "Fit", leads: int = 4, lags: int | None = None) -> UniversalStudy:
    """Event study of a fit's strata with one reference month.

    Within each stratum a cohort is compared with services never treated (or not yet treated in both months), month by
    month against the reference; cohorts are weighted by services. Only event times seen for every cohort enter, so
    that no coefficient mixes other cohorts than the next.

    Parameters
    ----------
    fit : Fit
    leads : int
        Months before the reference.
    lags : int, optional
        Latest event time; default: all shared by the cohorts.

    Returns
    -------
    UniversalStudy

    Raises
    ------
    EffectsError
        Fewer than one lead or no shared month after treatment.
    """
    panel = fit._whole_panel()
    masks = fit.spec.masks(panel, fit.outcome, fit.shift)
    exposure = getattr(fit, "exposure", None)
    scale = np.ones(masks.y.shape) if exposure is None else panel.weight_matrix(exposure)
    reference = _reference(masks, panel.audit, panel.times, fit.spec.anticipation)
    events = _shared(masks, panel.times, reference, leads, lags)
    sums = _sums(fit, masks, scale, panel.times, reference, events)
    ratio = fit.estimator == "poisson_imputation"
    beta, count = _combine(sums.sum(axis=2), ratio)
    if not np.isfinite(beta).all():
        raise EffectsError("an event time has no comparison with the reference month in any stratum")
    without = np.stack([_combine(sums.sum(axis=2) - sums[:, :, region], ratio)[0] for region in range(sums.shape[2])])
    cov = jackknife_variance(beta, without, fit.contributing)
    n_pre = int((events < reference).sum())
    judged = np.where(events[n_pre:] >= 0, count[n_pre:], 0.0)
    table = pd.DataFrame({"event_time": events, "att": beta, "se": np.sqrt(np.diag(cov)), "n": count.astype(np.int64)})
    return UniversalStudy(events, beta, cov, reference, n_pre, judged / judged.sum(), table)


def _sums(
    fit: "Fit", masks: Masks, scale: FloatArray, times: LongArray, reference: int, events: LongArray
) -> FloatArray:
    """Σ Y, Σ exposure in the month and in the reference month, and pairs of months, of treated and controls.

    Shape (2, 5, G, comparisons, events): role; Y, x, reference Y, reference x, pairs.
    """
    clusters, ahead = len(fit.contributing), fit.spec.anticipation
    seen = (masks.treated | masks.clean) & (scale > 0)
    found = []
    for stratum in fit.plan.strata:
        member = members(stratum, masks)
        own = {pair for pair in zip(stratum.rows.stratum.tolist(), stratum.rows.audit.tolist(), strict=True)}
        pairs = zip(masks.keys.stratum.tolist(), masks.keys.audit.tolist(), strict=True)
        served = np.fromiter((pair in own for pair in pairs), dtype=bool, count=len(member))
        for wave in np.unique(stratum.rows.cohort):
            block = np.zeros((2, 5, clusters, len(events)))
            for position, event in enumerate(events):
                now, then = np.searchsorted(times, [wave + event, wave + reference])
                both = seen[:, now] & seen[:, then]
                late = max(times[now], times[then]) + ahead
                control = member & ((masks.cohort == NEVER) | (masks.cohort > late)) & (masks.cohort != wave)
                for role, who in enumerate((member & served & (masks.cohort == wave) & both, control & both)):
                    where = masks.keys.cluster[who]
                    values = (
                        masks.y[who, now],
                        scale[who, now],
                        masks.y[who, then],
                        scale[who, then],
                        np.ones(who.sum()),
                    )
                    for row, value in enumerate(values):
                        block[role, row, :, position] = np.bincount(where, weights=value, minlength=clusters)
            found.append(block)
    return np.stack(found, axis=3)


def members(stratum: Stratum, masks: Masks) -> BoolArray:
    """Services of a stratum."""
    keys = masks.keys
    member = np.ones(len(keys.cluster), dtype=bool)
    if stratum.level != LEVELS[-1]:
        member &= keys.stratum == stratum.key[0]
    if stratum.level == LEVELS[0]:
        member &= keys.audit == stratum.key[1]
    return member


def _combine(sums: FloatArray, ratio: bool) -> tuple[FloatArray, FloatArray]:
    """Coefficient of each event time: comparisons weighted by treated services; and their number."""
    with np.errstate(invalid="ignore", divide="ignore"):
        now, then = sums[:, 0] / sums[:, 1], sums[:, 2] / sums[:, 3]
        change = np.log(now) - np.log(then) if ratio else now - then
        gap = change[0] - change[1]
    weight = np.where(np.isfinite(gap) & (sums[1, 4] > 0.5), sums[0, 4], 0.0)
    total = weight.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (np.where(weight > 0, gap, 0.0) * weight).sum(axis=0) / total, total


def _reference(masks: Masks, audit: BoolArray, times: LongArray, anticipation: int) -> int:
    """Last event time before the audit of the treated services, or before anticipation."""
    treated = (masks.cohort != NEVER) & (masks.cohort <= times[-1])
    reference = -1 - anticipation
    event = times[None, :] - masks.cohort.astype(np.int64)[:, None]
    inside = audit & treated[:, None] & (event <= reference)
    for candidate in range(reference, reference - 12, -1):
        hit = (event == candidate) & inside
        if hit.sum() * 10 < max(1, ((event == candidate) & treated[:, None]).sum()):
            return candidate
    return reference


def _shared(masks: Masks, times: LongArray, reference: int, leads: int, lags: int | None) -> LongArray:
    """Event times that every cohort has within the panel."""
    waves = np.unique(masks.cohort[(masks.cohort != NEVER) & (masks.cohort <= times[-1])]).astype(np.int64)
    waves = waves[waves + reference >= times[0]]
    if not len(waves):
        raise EffectsError("no cohort has a month before the audit: HonestDiD needs one")
    low = max(reference - leads, int((times[0] - waves).max()))
    high = int((times[-1] - waves).min())
    high = high if lags is None else min(high, lags)
    events = np.arange(low, high + 1)
    events = events[events != reference]
    if not (events < reference).any() or not (events >= 0).any():
        raise EffectsError("the cohorts share no month before the reference or none after treatment")
    return events.astype(np.int64)
