"""Critical values for estimates with a random bias of known size: what robust intervals of pooled effects need."""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import interpolate, optimize, special, stats

from helpers.analysis.effects.coding import EffectsError, FloatArray

GRID_STEP = 0.1
"""Step of log m2 between tabulated critical values."""
_ROOT = math.sqrt(2 * math.pi)


def _miss(t: npt.ArrayLike, chi: float) -> FloatArray:
    """Chance that |N(√t, 1)| exceeds ``chi``."""
    b = np.sqrt(np.asarray(t, dtype=float))
    return np.asarray(special.ndtr(-chi - b) + special.ndtr(b - chi))


def _miss_slope(t: float, chi: float) -> float:
    b = math.sqrt(t)
    if b < 1e-8:
        return chi * _density(chi)
    return (_density(b - chi) - _density(b + chi)) / (2 * b)


def _density(x: float) -> float:
    """Standard normal density."""
    return math.exp(-x * x / 2) / _ROOT


@lru_cache(maxsize=4096)
def _tangency(chi: float) -> float:
    """Where the line from (0, miss(0)) touches the miss rate as a function of t = b²; 0 where it is concave."""
    if chi < math.sqrt(3):
        return 0.0

    def gap(t: float) -> float:
        return float(_miss(t, chi) - _miss(0.0, chi)) - t * _miss_slope(t, chi)

    high = (chi + 6.0) ** 2
    # far out the miss rate at 0 underflows, but the touching point lies beyond b = chi - 3
    low = (chi - 3.0) ** 2 if chi > 6 else 1e-6 * high
    return float(optimize.brentq(gap, low, high)) if gap(low) < 0 else 0.0


def _worst_second(m2: float, chi: float) -> tuple[float, float]:
    """Largest average miss rate under E b² = m2, and the far support point that attains it."""
    touch = _tangency(chi)
    if m2 >= touch:
        return float(_miss(m2, chi)), m2
    base = float(_miss(0.0, chi))
    return base + m2 / touch * (float(_miss(touch, chi)) - base), touch


def _worst_fourth(m2: float, kappa: float, chi: float) -> float:
    """The same under E b⁴ ≤ kappa m2² too: the least favourable distribution has two points."""
    second, far = _worst_second(m2, chi)
    if far <= kappa * m2:
        return second
    spread = math.sqrt(kappa - 1) * m2

    def average(logit: npt.ArrayLike) -> FloatArray:
        p = special.expit(np.asarray(logit, dtype=float))  # chance of the near point
        near = np.maximum(m2 - spread * np.sqrt((1 - p) / p), 0.0)
        return np.asarray(p * _miss(near, chi) + (1 - p) * _miss(m2 + spread * np.sqrt(p / (1 - p)), chi))

    # the near point may not be negative: p ≥ 1 - 1/kappa
    lowest = math.log(kappa - 1)
    grid = lowest + np.linspace(0.0, 18.0, 361)
    values = average(grid)
    best = int(values.argmax())
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    refined = optimize.minimize_scalar(
        lambda x: -float(average(x)), bounds=(low, high), method="bounded", options={"xatol": 1e-10}
    )
    return max(float(values[best]), -float(refined.fun))


def cva(m2: float, kappa: float = math.inf, alpha: float = 0.05) -> float:
    """Critical value for a normal estimate with random bias.

    The smallest c such that |Z + b| > c happens on average at most with chance ``alpha`` for every distribution of
    the bias b with E b² = ``m2`` and E b⁴ ≤ ``kappa`` m2².

    Parameters
    ----------
    m2 : float
        Second moment of bias / standard error, ≥ 0.
    kappa : float
        Kurtosis bound, ≥ 1; inf = second moment alone.
    alpha : float
        Allowed average miss rate.

    Raises
    ------
    EffectsError
        For arguments outside these ranges.

    References
    ----------
    Armstrong, Kolesár & Plagborg-Møller 2022, Econometrica 90.
    """
    if not (m2 >= 0 and kappa >= 1 and 0 < alpha < 1):
        raise EffectsError(f"cva needs m2 ≥ 0, kappa ≥ 1, 0 < alpha < 1; got {m2}, {kappa}, {alpha}")
    if m2 == 0:
        return float(stats.norm.ppf(1 - alpha / 2))
    if math.isinf(m2):
        return math.inf

    def excess(chi: float) -> float:
        if kappa == 1:
            return float(_miss(m2, chi)) - alpha
        worst = _worst_second(m2, chi)[0] if math.isinf(kappa) else _worst_fourth(m2, kappa, chi)
        return worst - alpha

    high = math.sqrt((1 + m2) / alpha)  # Chebyshev
    return float(optimize.brentq(excess, 0.0, high + 1e-9, xtol=1e-10))


def critical_values(m2: FloatArray, kappa: float, alpha: float) -> FloatArray:
    """``cva`` at each m2: exact for a few, otherwise interpolated on a fixed grid of log m2 (relative error < 1e-5)."""
    if len(m2) <= 20:
        return np.asarray([cva(float(value), kappa, alpha) for value in m2])
    log_m2 = np.log(np.maximum(m2, 1e-6))
    first, last = math.floor(log_m2.min() / GRID_STEP) - 1, math.ceil(log_m2.max() / GRID_STEP) + 1
    grid = GRID_STEP * np.arange(first, last + 1)
    table = np.log([_cva_at(round(float(point), 6), kappa, alpha) for point in grid])
    return np.asarray(np.exp(interpolate.PchipInterpolator(grid, table)(log_m2)))


@lru_cache(maxsize=4096)
def _cva_at(log_m2: float, kappa: float, alpha: float) -> float:
    return cva(math.exp(log_m2), kappa, alpha)
