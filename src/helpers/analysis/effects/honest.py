"""How large a hidden trend would have to be before the conclusion falls.

Parallel trends cannot be proved. ``honest_did`` gives the interval for the effect that stays valid when treated and
untreated services would have drifted apart anyway, by no more than a stated amount, and the amount at which the
interval first contains zero (the breakdown value).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, special, stats

from helpers.analysis.effects.coding import EffectsError, FloatArray

DELTAS = ("smoothness", "relative_magnitude")
FIRST_STAGE = 0.1
"""Share of the error allowed to the least-favourable first stage of the relative-magnitude test."""
GRID_POINTS = 1001
HALF_WIDTH = 20.0
"""The relative-magnitude test is inverted within this many standard errors of the estimate."""


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


@dataclass(frozen=True, eq=False)
class _Problem:
    """Event-study coefficients (periods before, then after the reference) and the average that is asked for."""

    beta: FloatArray
    cov: FloatArray
    n_pre: int
    weights: FloatArray
    alpha: float

    @property
    def n_post(self) -> int:
        return len(self.weights)

    @property
    def target(self) -> FloatArray:
        """The average as a vector over all coefficients."""
        return np.concatenate([np.zeros(self.n_pre), self.weights])

    @property
    def estimate(self) -> float:
        return float(self.target @ self.beta)

    @property
    def se(self) -> float:
        return float(math.sqrt(self.target @ self.cov @ self.target))


# ------------------------------------------------------------------ smoothness


def folded_quantile(bias: float, alpha: float) -> float:
    """Quantile ``1 - alpha`` of |N(bias, 1)|."""

    def excess(q: float) -> float:
        return float(special.ndtr(q - bias) - special.ndtr(-q - bias)) - (1 - alpha)

    return float(optimize.brentq(excess, 0.0, abs(bias) + 10.0, xtol=1e-13))


def _half_length(bias: float, sd: float, alpha: float) -> float:
    return sd * folded_quantile(bias / sd, alpha)


def _affine_family(problem: _Problem) -> tuple[FloatArray, FloatArray, float]:
    """Estimators that no linear trend biases, as ``base + directions @ c``.

    A hidden trend that is 0 in the reference period is a slope plus second differences. With ``c_s`` the coefficient
    of the second difference at pre-period s < 0, the worst bias is M (fixed + Σ|c_s|): those centred at the reference
    period and later have coefficients given by the weights alone.
    """
    k, n_post, w = problem.n_pre, problem.n_post, problem.weights
    ahead = np.arange(1, n_post + 1)
    fixed = sum(abs(float(np.sum(np.maximum(ahead - s, 0) * w))) for s in range(n_post))
    base = problem.target
    base[k - 1] = float(ahead @ w)  # β at −1 takes the slope out
    directions = np.zeros((k + n_post, max(k - 1, 0)))
    for j in range(k - 1):
        s = -1 - j  # one second difference, centred at s, seen through β at s-1, s, s+1
        directions[k + s - 1, j] += 1.0
        directions[k + s, j] -= 2.0
        if s + 1 <= -1:
            directions[k + s + 1, j] += 1.0
    return base, directions, float(fixed)


def smoothness_interval(problem: _Problem, bound: float) -> tuple[float, float]:
    """Shortest fixed-length interval when second differences of the hidden trend are at most ``bound``."""
    base, directions, fixed = _affine_family(problem)
    n = directions.shape[1]
    scale = problem.se  # optimise in standard errors
    root = np.linalg.cholesky(_positive(problem.cov)).T / scale
    origin, moves = root @ base, root @ directions
    m = bound / scale

    def objective(pq: FloatArray) -> tuple[float, FloatArray]:
        positive, negative = pq[:n], pq[n:]
        vector = origin + moves @ (positive - negative)
        sd = float(np.linalg.norm(vector))
        bias = m * (fixed + float(pq.sum()))
        q = folded_quantile(bias / sd, problem.alpha)
        up, down = stats.norm.pdf(q - bias / sd), stats.norm.pdf(q + bias / sd)
        by_bias = float((up - down) / (up + down))
        by_sd = q - bias / sd * by_bias
        slope = by_sd * (moves.T @ vector) / sd
        return sd * q, np.concatenate([slope + by_bias * m, -slope + by_bias * m])

    start = np.zeros(2 * n)
    if n:
        least, *_ = np.linalg.lstsq(moves, -origin, rcond=None)
        full = np.concatenate([np.maximum(least, 0), np.maximum(-least, 0)])
        start = min((start, full, full / 2), key=lambda x: objective(x)[0])
        found = optimize.minimize(
            objective, start, jac=True, method="SLSQP", bounds=[(0, None)] * (2 * n),
            options={"ftol": 1e-13, "maxiter": 1000},
        )  # fmt: skip
        start = found.x if objective(found.x)[0] <= objective(start)[0] else start
    vector = base + directions @ (start[:n] - start[n:])
    centre = float(vector @ problem.beta)
    half = objective(start)[0] * scale
    return centre - half, centre + half


def _positive(cov: FloatArray) -> FloatArray:
    """The covariance, with a relative ridge of 1e-12 so that a singular one can be factorised."""
    return np.asarray(cov + 1e-12 * np.trace(cov) / len(cov) * np.eye(len(cov)))


# ------------------------------------------------------------------ relative magnitudes


@dataclass(frozen=True, eq=False)
class _Vertices:
    """The test statistic for one reference step as a maximum of ``values - theta * slopes``, scaled to unit moments."""

    linear: FloatArray
    slopes: FloatArray
    cov: FloatArray


def _steps(problem: _Problem) -> tuple[FloatArray, FloatArray]:
    """Steps between neighbouring periods as vectors over the coefficients: before, and after the reference."""
    k, total = problem.n_pre, len(problem.beta)
    level = np.insert(np.eye(total), k, 0.0, axis=0)  # the reference period is 0
    steps = np.diff(level, axis=0)
    return steps[:k], steps[k:]


def _vertices(problem: _Problem, step: FloatArray, after: FloatArray, bound: float) -> _Vertices:
    """Vertices of the dual of: every later step of the hidden trend is at most ``bound`` × one given earlier step.

    The effects are free but for their average theta, so multipliers of the upper and lower moment of a step differ by
    a common multiple of that step's weight in theta. That leaves two vertices on theta and one for each step alone.
    """
    tail = np.cumsum(problem.weights[::-1])[::-1]  # weight of each later step in the average
    upper, lower = after - bound * step, -after - bound * step
    sd_up = np.sqrt(np.einsum("ij,jk,ik->i", upper, problem.cov, upper))
    sd_low = np.sqrt(np.einsum("ij,jk,ik->i", lower, problem.cov, lower))
    used = np.abs(tail) > 1e-12
    rows, slopes = [], []
    for sign in (1.0, -1.0):
        first = np.where((sign * tail > 0)[:, None], upper, lower)
        sd = np.where(sign * tail > 0, sd_up, sd_low)
        size = np.abs(tail)
        norm = float(np.sum(size[used] * sd[used]))
        rows.append((size[used, None] * first[used]).sum(axis=0) / norm)
        slopes.append(sign / norm)
    alone = ~used if used.sum() == 1 else np.ones(len(tail), dtype=bool)
    for t in np.flatnonzero(alone):
        rows.append((upper[t] + lower[t]) / (sd_up[t] + sd_low[t]))
        slopes.append(0.0)
    linear = np.asarray(rows)
    return _Vertices(linear, np.asarray(slopes), linear @ problem.cov @ linear.T)


def _first_stage(vertices: _Vertices, size: float, draws: FloatArray) -> float:
    """Least-favourable critical value: quantile of the statistic when every moment binds."""
    values, vectors = np.linalg.eigh(vertices.cov)
    root = vectors * np.sqrt(np.maximum(values, 0))
    return float(np.quantile((draws[:, : len(values)] @ root.T).max(axis=1), 1 - size))


def _accepted(problem: _Problem, vertices: _Vertices, theta: FloatArray, critical: float) -> npt.NDArray[np.bool_]:
    """Conditional test with the first stage, at each theta; True where it does not reject."""
    values = (vertices.linear @ problem.beta)[None, :] - theta[:, None] * vertices.slopes[None, :]
    best = values.argmax(axis=1)
    eta = values[np.arange(len(theta)), best]
    variance = np.diag(vertices.cov)[best]
    noiseless = variance < 1e-20
    safe = np.where(noiseless, 1.0, variance)
    share = vertices.cov[best] / safe[:, None]  # regression of each vertex on the largest
    rest = values - share * eta[:, None]
    gap = 1.0 - share
    with np.errstate(divide="ignore", invalid="ignore"):
        edge = rest / gap
    low = np.where(gap > 1e-9, edge, -np.inf).max(axis=1)
    high = np.minimum(np.where(gap < -1e-9, edge, np.inf).min(axis=1), critical)
    sd = np.sqrt(safe)
    level = 1 - (problem.alpha * (1 - FIRST_STAGE)) / (1 - problem.alpha * FIRST_STAGE)
    quantile = _truncated_quantile(level, low / sd, high / sd) * sd
    reject = (eta > critical) | (eta > np.maximum(quantile, 0.0))
    return np.where(noiseless, eta <= 1e-12, ~reject)


def _truncated_quantile(p: float, low: FloatArray, high: FloatArray) -> FloatArray:
    """Quantile of a standard normal between ``low`` and ``high``, accurate far out in the upper tail."""
    high = np.maximum(high, low)
    upper_low, upper_high = stats.norm.sf(low), stats.norm.sf(high)
    tail = upper_low - p * (upper_low - upper_high)
    body = stats.norm.isf(tail)
    far = tail < 1e-280  # beyond doubles: next to the lower end
    return np.clip(np.where(far, low, body), low, high)


def magnitude_interval(problem: _Problem, bound: float, draws: FloatArray) -> tuple[float, float, bool]:
    """Values not rejected when later steps of the hidden trend are at most ``bound`` × the largest earlier step."""
    before, after = _steps(problem)
    tests = []
    for step in before:
        for sign in (1.0, -1.0):
            vertices = _vertices(problem, sign * step, after, bound)
            tests.append((vertices, _first_stage(vertices, FIRST_STAGE * problem.alpha, draws)))

    def inside(theta: FloatArray) -> npt.NDArray[np.bool_]:
        return np.any([_accepted(problem, v, theta, c) for v, c in tests], axis=0)

    reach = HALF_WIDTH * problem.se
    grid = problem.estimate + np.linspace(-reach, reach, GRID_POINTS)
    accepted = np.flatnonzero(inside(grid))
    if not len(accepted):
        return math.nan, math.nan, False
    first, last = int(accepted[0]), int(accepted[-1])
    is_open = first == 0 or last == GRID_POINTS - 1
    low = grid[0] if first == 0 else _refine(inside, grid[first], grid[first - 1])
    high = grid[-1] if last == GRID_POINTS - 1 else _refine(inside, grid[last], grid[last + 1])
    return float(low), float(high), is_open


def _refine(inside: Any, accepted: float, rejected: float) -> float:
    for _ in range(30):
        middle = (accepted + rejected) / 2
        if inside(np.asarray([middle]))[0]:
            accepted = middle
        else:
            rejected = middle
    return accepted


# ------------------------------------------------------------------ public


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
    problem = _problem(beta, cov, n_pre, weights, alpha)
    if delta not in DELTAS:
        raise EffectsError(f"unknown delta {delta}: one of {', '.join(DELTAS)}")
    unit = problem.se if delta == "smoothness" else 1.0
    bounds = np.arange(0, 2.01, 0.5) * unit if grid is None else np.atleast_1d(np.asarray(grid, dtype=float))
    if not (bounds >= 0).all():
        raise EffectsError("a bound on the hidden trend cannot be negative")
    draws = np.random.default_rng(seed).standard_normal((20_000, problem.n_post + 2))

    def interval(bound: float) -> tuple[float, float, bool]:
        if delta == "smoothness":
            return (*smoothness_interval(problem, bound), False)
        return magnitude_interval(problem, bound, draws)

    rows = []
    for bound in bounds:
        low, high, is_open = interval(float(bound))
        rows.append((float(bound), low, high, bool(low > 0 or high < 0), is_open))
    table = pd.DataFrame(rows, columns=["bound", "low", "high", "excludes_zero", "is_open"])
    half = float(stats.norm.ppf(1 - alpha / 2)) * problem.se
    return HonestDiD(
        delta, table, _breakdown(interval, unit), problem.estimate, problem.se, problem.estimate - half,
        problem.estimate + half, n_pre, problem.n_post, alpha,
    )  # fmt: skip


def _problem(beta: npt.ArrayLike, cov: npt.ArrayLike, n_pre: int, weights: Any, alpha: float) -> _Problem:
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
    return _Problem(b, v, int(n_pre), w, alpha)


def _breakdown(interval: Any, unit: float) -> float:
    """Largest bound at which zero is excluded, to three digits; inf beyond 64 units."""

    def excludes(bound: float) -> bool:
        low, high, _ = interval(bound)
        return bool(low > 0 or high < 0)

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
