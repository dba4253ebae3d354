"""Partial pooling of many noisy estimates, with intervals that keep their coverage whatever the effects' distribution.

``shrink`` pulls each region's estimate towards the centre of all regions by as much as its noise deserves; its
intervals cover on average over regions for *any* distribution of the true effects with the estimated variance (and
kurtosis, where given), see ``critical_values``.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from helpers.analysis.effects.coding import BoolArray, EffectsError, FloatArray
from helpers.analysis.effects.critical_values import critical_values

METHODS = ("ebci", "moments", "james_stein", "pooled")


@dataclass(frozen=True, eq=False)
class Shrunk:
    """Estimates pulled towards their centre; arrays have one entry an estimate, NaN where it was left out.

    Attributes
    ----------
    estimate, se : arrays
        As given.
    shrunk, low, high : arrays
        Pooled estimates and their intervals at level ``1 - alpha``.
    weight : array
        Share kept of the own deviation (1 = no pooling, 0 = centre only).
    half_unshrunk : array
        Half-length of the ordinary interval of the raw estimate.
    centre : array
        Fitted centre of each estimate (one value repeated unless there are covariates).
    delta : array
        Coefficients of the centre: constant, then covariates.
    delta_se : array
        Their standard errors.
    tau : float
        Standard deviation of the true effects that is used (with the floor).
    tau_moment : float
        The moment estimate itself, truncated at zero, without the floor.
    kappa : float
        Kurtosis bound in use (inf: the second moment alone).
    q : float
        Heterogeneity: sum of squared standardised deviations from the precision-weighted centre.
    n, dropped : int
        Estimates used; left out for a missing value or a standard error that is not positive.
    """

    estimate: FloatArray
    se: FloatArray
    shrunk: FloatArray
    low: FloatArray
    high: FloatArray
    weight: FloatArray
    half_unshrunk: FloatArray
    centre: FloatArray
    delta: FloatArray
    delta_se: FloatArray
    tau: float
    tau_moment: float
    kappa: float
    q: float
    alpha: float
    method: str
    n: int
    dropped: int


@dataclass(frozen=True, eq=False)
class _Prior:
    """Centre and spread of the true effects."""

    delta: FloatArray
    covariance: FloatArray
    tau2: float
    tau2_moment: float
    q: float


def _weighted(y: FloatArray, x: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    information = np.linalg.pinv(x.T @ (w[:, None] * x))
    return np.asarray(information @ (x.T @ (w * y)), dtype=float), np.asarray(information, dtype=float)


def paule_mandel(y: FloatArray, variance: FloatArray, x: FloatArray) -> float:
    """Variance of the true effects at which the weighted sum of squares equals its degrees of freedom; 0 if none."""
    freedom = len(y) - np.linalg.matrix_rank(x)

    def excess(tau2: float) -> float:
        w = 1 / (variance + tau2)
        delta, _ = _weighted(y, x, w)
        return float(np.sum(w * (y - x @ delta) ** 2)) - freedom

    if freedom <= 0 or excess(0.0) <= 0:
        return 0.0
    high = float(np.var(y) * len(y) / freedom + variance.max())
    while excess(high) > 0:
        high *= 2
    return float(optimize.brentq(excess, 0.0, high, xtol=1e-14, rtol=1e-12))


def _prior(y: FloatArray, se: FloatArray, x: FloatArray, method: str, floor: bool) -> _Prior:
    variance = se**2
    precise, _ = _weighted(y, x, 1 / variance)
    q = float(np.sum((y - x @ precise) ** 2 / variance))
    if method == "moments":
        delta, information = _weighted(y, x, np.ones(len(y)))
        residual = y - x @ delta
        moment = max(float(np.mean(residual**2 - variance)), 0.0)
        least = 2 * float(np.mean(variance**2)) / (len(y) * float(np.mean(variance)))
        tau2 = max(moment, least) if floor else moment
        meat = x.T @ ((tau2 + variance)[:, None] * x)
        return _Prior(delta, information @ meat @ information, tau2, moment, q)
    if method == "pooled":
        tau2 = moment = 0.0
    else:
        moment = paule_mandel(y, variance, x)
        tau2 = max(moment, 2 / float(np.sum(1 / variance))) if floor else moment
    delta, information = _weighted(y, x, 1 / (variance + tau2))
    return _Prior(delta, information, tau2, moment, q)


def _kurtosis(y: FloatArray, se: FloatArray, x: FloatArray, prior: _Prior) -> float:
    """Moment estimate of the kurtosis of the true effects around the centre, at least 1."""
    if prior.tau2 <= 0:
        return math.inf
    e2, s2 = (y - x @ prior.delta) ** 2, se**2
    return max(float(np.mean(e2**2 - 6 * s2 * e2 + 3 * s2**2)) / prior.tau2**2, 1.0)


def _design(estimate: FloatArray, covariates: npt.ArrayLike | None) -> FloatArray:
    n = len(estimate)
    if covariates is None:
        return np.ones((n, 1))
    extra = np.asarray(covariates, dtype=float)
    extra = extra.reshape(n, -1) if extra.size else np.empty((n, 0))
    return np.column_stack([np.ones(n), extra])


# ------------------------------------------------------------------ public


def shrink(
    estimate: npt.ArrayLike,
    se: npt.ArrayLike,
    method: str = "ebci",
    alpha: float = 0.05,
    kappa: float | str | None = None,
    covariates: npt.ArrayLike | None = None,
    floor: bool = True,
) -> Shrunk:
    """Empirical-Bayes estimates with robust intervals.

    Parameters
    ----------
    estimate, se : array-like, one entry a region
        Raw estimates and standard errors, same unit.
    method : {"ebci", "moments", "james_stein", "pooled"}
        "ebci": Paule–Mandel spread, precision weights (the default of this project). "moments": unweighted moments as
        in Armstrong et al. "james_stein": weight 1 − (n − 3)/Q of Efron and Morris (equal standard errors).
        "pooled": one common value.
    alpha : float
        One minus the level of the intervals.
    kappa : float, "estimate" or None
        Kurtosis bound; None = infinite, since an estimated one is noisy with few regions.
    covariates : array-like, optional
        Known properties of the regions in the centre, shape (n, k).
    floor : bool
        Keep the spread above 2/Σ(1/se²), so that intervals do not collapse when the moment estimate is zero.

    Returns
    -------
    Shrunk

    Raises
    ------
    EffectsError
        Unknown method, unequal lengths, fewer than two usable estimates.

    *Assumes* estimates independent over regions, normal around their truth with the given standard errors, and
    the size of the true effects unrelated to the standard errors once covariates are in.

    References
    ----------
    Armstrong, Kolesár & Plagborg-Møller 2022; Paule & Mandel 1982; Efron & Morris 1975.
    """
    raw, error, design, used = _checked(estimate, se, covariates, method)
    y, s, x = raw[used], error[used], design[used]
    prior = _prior(y, s, x, method, floor)
    bound = _kurtosis(y, s, x, prior) if kappa == "estimate" else math.inf if kappa is None else float(kappa)
    if method == "james_stein":
        weight = np.full(len(y), max(1 - (len(y) - 3) / prior.q, 0.0) if prior.q > 0 else 0.0)
    else:
        weight = prior.tau2 / (prior.tau2 + s**2)
    half = _half_lengths(s, x, weight, prior, bound, alpha)
    point = x @ prior.delta + weight * (y - x @ prior.delta)

    def spread(values: FloatArray) -> FloatArray:
        out = np.full(len(raw), np.nan)
        out[used] = values
        return out

    return Shrunk(
        estimate=raw, se=error, shrunk=spread(point), low=spread(point - half), high=spread(point + half),
        weight=spread(weight), half_unshrunk=spread(stats.norm.ppf(1 - alpha / 2) * s),
        centre=spread(x @ prior.delta), delta=prior.delta, delta_se=np.sqrt(np.diag(prior.covariance)),
        tau=math.sqrt(prior.tau2), tau_moment=math.sqrt(prior.tau2_moment), kappa=bound, q=prior.q, alpha=alpha,
        method=method, n=len(y), dropped=len(raw) - len(y),
    )  # fmt: skip


def _checked(
    estimate: npt.ArrayLike, se: npt.ArrayLike, covariates: npt.ArrayLike | None, method: str
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Estimates, standard errors and design as arrays, and which of them can be used."""
    if method not in METHODS:
        raise EffectsError(f"unknown method {method}: one of {', '.join(METHODS)}")
    raw, error = np.asarray(estimate, dtype=float), np.asarray(se, dtype=float)
    if raw.ndim != 1 or raw.shape != error.shape:
        raise EffectsError(f"estimate and se differ in length: {raw.shape}, {error.shape}")
    design = _design(raw, covariates)
    used = np.isfinite(raw) & np.isfinite(error) & (error > 0) & np.isfinite(design).all(axis=1)
    if used.sum() < 2:
        raise EffectsError(f"{used.sum()} usable estimates of {len(raw)}: pooling needs at least two")
    return raw, error, design, np.asarray(used)


def _half_lengths(
    s: FloatArray, x: FloatArray, weight: FloatArray, prior: _Prior, kappa: float, alpha: float
) -> FloatArray:
    """Robust half-length: bias of pooling by ``cva``, and the noise of the centre itself."""
    centre = np.sqrt(np.einsum("ij,jk,ik->i", x, prior.covariance, x))
    noise = stats.norm.ppf(1 - alpha / 2) * (1 - weight) * centre
    own = np.zeros(len(s))
    some = weight > 0
    if some.any():
        # bias of the pooled estimate over its noise: (1/b - 1) x deviation / se, second moment as estimated
        m2 = (1 / weight[some] - 1) ** 2 * prior.tau2 / s[some] ** 2
        own[some] = critical_values(m2, kappa, alpha) * weight[some] * s[some]
    return np.asarray(np.hypot(own, noise))
