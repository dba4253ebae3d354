"""How large a hidden trend would have to be before the conclusion falls.

Parallel trends cannot be proved. ``honest_did`` gives the interval for the effect that stays valid when treated and
untreated services would have drifted apart anyway, by no more than a stated amount, and the amount at which the
interval first contains zero (the breakdown value).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from helpers.analysis.effects.coding import EffectsError
from helpers.analysis.effects.hidden_trends import Problem, smoothness_interval
from helpers.analysis.effects.relative_magnitude import excludes_zero, magnitude_interval, standard_draws

DELTAS = ("smoothness", "relative_magnitude")


@dataclass(frozen=True, eq=False)
class HonestDiD:
    """Intervals for the effect under growing violations of parallel trends.

    Attributes
    ----------
    table : DataFrame
        One row a bound: ``bound`` (M or M̄), ``low``, ``high`` (unit of β), ``excludes_zero``, ``is_open`` (the
        interval reaches the edge of what was searched).
    breakdown : float
        Largest bound whose interval excludes 0: 0.0 when even a bound of 0 does not, inf when none searched does.
    estimate, se : float
        The average of post-period coefficients asked for, and its standard error, trends taken as parallel.
    low, high : float
        Its ordinary interval.
    """

    delta: str
    table: pd.DataFrame
    breakdown: float
    estimate: float
    se: float
    low: float
    high: float
    n_pre: int
    n_post: int
    alpha: float


def honest_did(
    beta: npt.ArrayLike,
    cov: npt.ArrayLike,
    n_pre: int,
    delta: str = "smoothness",
    grid: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    alpha: float = 0.05,
    seed: int = 0,
) -> HonestDiD:
    """Intervals under bounded violations of parallel trends, and the breakdown value.

    Parameters
    ----------
    beta : array-like, shape (n_pre + n_post,)
        Event-study coefficients of ONE regression with one reference period, which is left out: first the ``n_pre``
        periods before it in order of time, then those after it.
    cov : array-like, square
        Their covariance.
    n_pre : int
        How many lie before the reference period.
    delta : {"smoothness", "relative_magnitude"}
        ΔSD: second differences of the hidden trend at most M (unit of β a period, squared). ΔRM: its steps after the
        reference at most M̄ times its largest step before.
    grid : array-like, optional
        Values of M or M̄; default 0 to 2 in steps of 0.5 (M̄), or the same in units of the standard error (M).
    weights : array-like, optional
        Average of post-periods asked for; default: the first one.
    alpha : float
        One minus the level.
    seed : int
        Draws of the first-stage critical value (ΔRM only).

    Returns
    -------
    HonestDiD

    Raises
    ------
    EffectsError
        Shapes that do not fit, no pre-period, missing values, an unknown ``delta``, a negative bound.

    *Assumes* coefficients normal around their truth with this covariance; periods equally spaced.

    References
    ----------
    Rambachan & Roth 2023, REStud 90; Andrews, Roth & Pakes 2023 (conditional test); Armstrong & Kolesár 2018.
    """
    problem = event_study_problem(beta, cov, n_pre, weights, alpha)
    if delta not in DELTAS:
        raise EffectsError(f"unknown delta {delta}: one of {', '.join(DELTAS)}")
    unit = problem.se if delta == "smoothness" else 1.0
    bounds = np.arange(0, 2.01, 0.5) * unit if grid is None else np.atleast_1d(np.asarray(grid, dtype=float))
    if not (bounds >= 0).all():
        raise EffectsError("a bound on the hidden trend cannot be negative")
    interval, excludes = _tools(problem, delta, seed)
    rows = []
    for bound in bounds:
        low, high, is_open = interval(float(bound))
        rows.append((float(bound), low, high, bool(low > 0 or high < 0), is_open))
    table = pd.DataFrame(rows, columns=["bound", "low", "high", "excludes_zero", "is_open"])
    half = float(stats.norm.ppf(1 - alpha / 2)) * problem.se
    return HonestDiD(
        delta, table, _breakdown(excludes, unit), problem.estimate, problem.se, problem.estimate - half,
        problem.estimate + half, n_pre, problem.n_post, alpha,
    )  # fmt: skip


def event_study_problem(beta: npt.ArrayLike, cov: npt.ArrayLike, n_pre: int, weights: Any, alpha: float) -> Problem:
    """Arguments of :func:`honest_did`, checked."""
    b, v = np.asarray(beta, dtype=float), np.asarray(cov, dtype=float)
    if b.ndim != 1 or v.shape != (len(b), len(b)):
        raise EffectsError(f"beta has shape {b.shape}, cov {v.shape}: they do not fit")
    if not (np.isfinite(b).all() and np.isfinite(v).all()):
        raise EffectsError("beta or cov has missing values")
    if not 1 <= n_pre < len(b):
        raise EffectsError(f"n_pre is {n_pre}: at least one period before and one after the reference are needed")
    n_post = len(b) - n_pre
    w = np.eye(n_post)[0] if weights is None else np.asarray(weights, dtype=float)
    if w.shape != (n_post,) or not np.any(w):
        raise EffectsError(f"weights must be {n_post} numbers, not all zero")
    return Problem(b, v, int(n_pre), w, alpha)


Interval = Callable[[float], tuple[float, float, bool]]
Excludes = Callable[[float], bool]


def _tools(problem: Problem, delta: str, seed: int) -> tuple[Interval, Excludes]:
    """For a bound: the interval (and whether it is open), and whether it excludes zero."""
    if delta == "smoothness":

        def smooth(bound: float) -> tuple[float, float, bool]:
            return (*smoothness_interval(problem, bound), False)

        def outside(bound: float) -> bool:
            low, high = smoothness_interval(problem, bound)
            return low > 0 or high < 0

        return smooth, outside
    draws = standard_draws(problem, seed)
    return partial(magnitude_interval, problem, draws=draws), partial(excludes_zero, problem, draws=draws)


def _breakdown(excludes: Excludes, unit: float) -> float:
    """Largest bound at which zero is excluded, to three digits; inf beyond 64 units."""
    if not excludes(0.0):
        return 0.0
    safe, failed = 0.0, 0.25 * unit
    while excludes(failed):
        safe, failed = failed, 2 * failed
        if failed > 64 * unit:
            return math.inf
    while failed - safe > 1e-3 * failed:
        middle = (safe + failed) / 2
        safe, failed = (middle, failed) if excludes(middle) else (safe, middle)
    return safe
