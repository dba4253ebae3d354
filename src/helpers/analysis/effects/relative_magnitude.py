"""Values not rejected while a hidden trend moves by no more than M̄ times its largest step before (ΔRM).

The conditional test of Andrews, Roth and Pakes with a least-favourable first stage, for every step before the
reference and both signs at once; the interval holds what any of these tests accepts.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from helpers.analysis.effects.coding import BoolArray, FloatArray
from helpers.analysis.effects.hidden_trends import Problem

FIRST_STAGE = 0.1
"""Share of the error allowed to the least-favourable first stage."""
DRAWS = 20_000
GRID_POINTS = 1001
HALF_WIDTH = 20.0
"""The test is inverted within this many standard errors of the estimate."""
SECTIONS, ROUNDS = 32, 6
"""An end of the interval is located by cutting a grid step into 32 parts six times."""


@dataclass(frozen=True, eq=False)
class Vertices:
    """The test statistic as a maximum of ``linear @ beta - theta * slopes``, scaled to unit moments.

    Attributes
    ----------
    linear : array, shape (..., V, coefficients); slopes : array, shape (..., V); cov : array, shape (..., V, V)
        With a leading axis: one test a step and sign.
    """

    linear: FloatArray
    slopes: FloatArray
    cov: FloatArray


def steps(problem: Problem) -> tuple[FloatArray, FloatArray]:
    """Steps between neighbouring periods as vectors over the coefficients: before, and after the reference."""
    k, total = problem.n_pre, len(problem.beta)
    level = np.insert(np.eye(total), k, 0.0, axis=0)  # the reference period is 0
    steps = np.diff(level, axis=0)
    return steps[:k], steps[k:]


def vertices(problem: Problem, step: FloatArray, after: FloatArray, bound: float) -> Vertices:
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
    return Vertices(linear, np.asarray(slopes), linear @ problem.cov @ linear.T)


@dataclass(frozen=True, eq=False)
class Tests:
    """All tests of one bound: their vertices, the statistic at theta 0, and the first-stage critical values."""

    vertices: Vertices
    at_zero: FloatArray
    critical: FloatArray
    alpha: float

    @classmethod
    def of(cls, problem: Problem, bound: float, draws: FloatArray) -> "Tests":
        """Tests of steps of the hidden trend at most ``bound`` × the largest earlier one."""
        before, after = steps(problem)
        each = [vertices(problem, sign * step, after, bound) for step in before for sign in (1.0, -1.0)]
        joint = Vertices(*(np.stack([getattr(v, name) for v in each]) for name in ("linear", "slopes", "cov")))
        critical = first_stage(joint.cov, FIRST_STAGE * problem.alpha, draws)
        return cls(joint, joint.linear @ problem.beta, critical, problem.alpha)

    def accept(self, theta: FloatArray) -> BoolArray:
        """Whether some test does not reject, at each theta."""
        values = self.at_zero[:, None, :] - theta[None, :, None] * self.vertices.slopes[:, None, :]
        best = values.argmax(axis=2)
        eta = np.take_along_axis(values, best[..., None], axis=2)[..., 0]
        row = np.arange(len(best))[:, None]
        variance = np.einsum("jvv->jv", self.vertices.cov)[row, best]
        noiseless = variance < 1e-20
        safe = np.where(noiseless, 1.0, variance)
        share = self.vertices.cov[row, best] / safe[..., None]  # regression of each vertex on the largest
        gap = 1.0 - share
        with np.errstate(divide="ignore", invalid="ignore"):
            edge = (values - share * eta[..., None]) / gap
        critical = self.critical[:, None]
        low = np.where(gap > 1e-9, edge, -np.inf).max(axis=2)
        high = np.minimum(np.where(gap < -1e-9, edge, np.inf).min(axis=2), critical)
        sd = np.sqrt(safe)
        level = 1 - (self.alpha * (1 - FIRST_STAGE)) / (1 - self.alpha * FIRST_STAGE)
        quantile = truncated_quantile(level, low / sd, high / sd) * sd
        reject = (eta > critical) | (eta > np.maximum(quantile, 0.0))
        return np.asarray(np.where(noiseless, eta <= 1e-12, ~reject).any(axis=0))


def first_stage(cov: FloatArray, size: float, draws: FloatArray) -> FloatArray:
    """Least-favourable critical values: quantile of each statistic when every moment binds.

    Parameters
    ----------
    cov : array, shape (tests, V, V)
    size : float
    draws : array, shape (V or more, n)
        Standard normal draws.
    """
    values, vectors = np.linalg.eigh(cov)
    roots = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
    largest = np.stack([(root @ draws[: len(root)]).max(axis=0) for root in roots])
    return np.asarray(np.quantile(largest, 1 - size, axis=1))


def truncated_quantile(p: float, low: FloatArray, high: FloatArray) -> FloatArray:
    """Quantile of a standard normal between ``low`` and ``high``, accurate far out in the upper tail."""
    high = np.maximum(high, low)
    upper_low, upper_high = special.ndtr(-low), special.ndtr(-high)
    tail = upper_low - p * (upper_low - upper_high)
    far = tail < 1e-280  # beyond doubles: next to the lower end
    return np.clip(np.where(far, low, -special.ndtri(tail)), low, high)


def standard_draws(problem: Problem, seed: int) -> FloatArray:
    """Draws behind the first stage, one line a vertex."""
    drawn = np.random.default_rng(seed).standard_normal((DRAWS, problem.n_post + 2))
    return np.ascontiguousarray(drawn.T)


@dataclass(frozen=True)
class _Accepted:
    """Grid of values, and the first and last position that is not rejected; None when all are."""

    grid: FloatArray
    ends: tuple[int, int] | None
    tests: Tests


def _accepted(problem: Problem, bound: float, draws: FloatArray) -> _Accepted:
    tests = Tests.of(problem, bound, draws)
    reach = HALF_WIDTH * problem.se
    grid = problem.estimate + np.linspace(-reach, reach, GRID_POINTS)
    inside = np.flatnonzero(tests.accept(grid))
    return _Accepted(grid, (int(inside[0]), int(inside[-1])) if len(inside) else None, tests)


def magnitude_interval(problem: Problem, bound: float, draws: FloatArray) -> tuple[float, float, bool]:
    """Values not rejected when later steps of the hidden trend are at most ``bound`` × the largest earlier step.

    Returns
    -------
    tuple
        Low, high (NaN when everything is rejected), and whether an end lies beyond what was searched.
    """
    found = _accepted(problem, bound, draws)
    if found.ends is None:
        return float("nan"), float("nan"), False
    first, last = found.ends
    grid, inside = found.grid, found.tests.accept
    is_open = first == 0 or last == GRID_POINTS - 1
    low = grid[0] if first == 0 else _refine(inside, grid[first], grid[first - 1])
    high = grid[-1] if last == GRID_POINTS - 1 else _refine(inside, grid[last], grid[last + 1])
    return float(low), float(high), is_open


def excludes_zero(problem: Problem, bound: float, draws: FloatArray) -> bool:
    """Whether zero lies outside the interval; its ends are located only where zero is next to one."""
    found = _accepted(problem, bound, draws)
    if found.ends is None:
        return False
    grid, inside = found.grid, found.tests.accept
    for end, sign in ((found.ends[0], 1.0), (found.ends[1], -1.0)):
        outer = end - int(sign)
        if sign * grid[end] > 0 and (
            not 0 <= outer < GRID_POINTS or sign * grid[outer] > 0 or sign * _refine(inside, grid[end], grid[outer]) > 0
        ):
            return True
    return False


def _refine(inside: Callable[[FloatArray], npt.NDArray[np.bool_]], accepted: float, rejected: float) -> float:
    """Last accepted value on the way to a rejected one."""
    for _ in range(ROUNDS):
        points = np.linspace(accepted, rejected, SECTIONS + 1)
        stop = int(np.argmin(np.append(inside(points[1:-1]), False))) + 1
        accepted, rejected = float(points[stop - 1]), float(points[stop])
    return accepted
