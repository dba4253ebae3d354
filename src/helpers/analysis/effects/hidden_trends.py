"""Intervals that stay valid while a hidden trend bends by no more than a stated amount (ΔSD)."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from helpers.analysis.effects.coding import FloatArray


@dataclass(frozen=True, eq=False)
class Problem:
    """Event-study coefficients (periods before, then after the reference) and the average that is asked for."""

    beta: FloatArray
    cov: FloatArray
    n_pre: int
    weights: FloatArray
    alpha: float

    @property
    def n_post(self) -> int:
        """Number of periods after the reference."""
        return len(self.weights)

    @property
    def target(self) -> FloatArray:
        """The average as a vector over all coefficients."""
        return np.concatenate([np.zeros(self.n_pre), self.weights])

    @property
    def estimate(self) -> float:
        """The average, trends taken as parallel."""
        return float(self.target @ self.beta)

    @property
    def se(self) -> float:
        """Its standard error."""
        return float(math.sqrt(self.target @ self.cov @ self.target))


def folded_quantile(bias: float, alpha: float) -> float:
    """Quantile ``1 - alpha`` of |N(bias, 1)|."""

    def excess(q: float) -> float:
        return float(special.ndtr(q - bias) - special.ndtr(-q - bias)) - (1 - alpha)

    return float(optimize.brentq(excess, 0.0, abs(bias) + 10.0, xtol=1e-13))


def _half_length(bias: float, sd: float, alpha: float) -> float:
    return sd * folded_quantile(bias / sd, alpha)


def _affine_family(problem: Problem) -> tuple[FloatArray, FloatArray, float]:
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


def smoothness_interval(problem: Problem, bound: float) -> tuple[float, float]:
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
        # densities of N(0, 1), their common factor left out
        up, down = math.exp(-((q - bias / sd) ** 2) / 2), math.exp(-((q + bias / sd) ** 2) / 2)
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
