"""Ranks that say how sure they are: confidence sets, joint intervals, groups that cannot be told apart.

Grain in: one estimate per unit (region or body). Grain out: one unit per row, in the order given. Rank 1 is the
best; ties take the smaller rank. Nothing here knows what is ranked.

A full census of bodies has no sampling error. Then only :func:`rounding_ranks` (published precision) and the spread
over method choices apply, never an invented standard error.

References
----------
Mogstad, Romano, Shaikh, Wilhelm (2024), Inference for ranks with applications to mobility across neighbourhoods
and academic achievement across countries, Review of Economic Studies 91. Klein, Wright, Wieczorek (2020), A joint
confidence region for an overall ranking of populations, JRSS-C 69. Goldstein, Healy (1995), The graphical
presentation of a collection of means, JRSS-A 158.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.floating]
OVERLAP_BAR = 1.39  # bars of this many standard errors just touch when two units differ at 5 %; a picture, no test


def confidence_sets(
    estimates: pd.Series | Sequence[float],
    std_errors: pd.Series | Sequence[float],
    level: float = 0.95,
    kind: str = "marginal",
    best: str = "high",
    draws: int = 10_000,
    seed: int = 0,
    covariance: Floats | None = None,
) -> pd.DataFrame:
    """Confidence sets for ranks (Mogstad, Romano, Shaikh, Wilhelm).

    Parameters
    ----------
    estimates, std_errors
        One value per unit, the same order and unit of measurement; a Series keeps its index.
    level
        Coverage asked for.
    kind
        ``marginal``: each row alone holds with this coverage (a report of one region). ``simultaneous``: all rows
        hold together (a league table).
    best
        ``high`` if the largest estimate has rank 1, ``low`` if the smallest.
    draws, seed
        Size and seed of the simulation of critical values; bounds may move by one with another seed.
    covariance
        Covariance matrix of the estimates, units × units; its diagonal must be the squared standard errors.
        Without it the estimates are independent.

    Returns
    -------
    pandas.DataFrame
        Columns ``rank, rank_low, rank_high`` (integers), one row per unit.

    Raises
    ------
    ValueError
        For missing values, negative standard errors, a covariance that contradicts them, or unknown options.

    *Assumes* approximately normal estimates. With standard errors that are all zero the sets are the ranks.
    """
    x, s, index = _inputs(estimates, std_errors, level, best)
    better, worse = _counts(_pairs(x, s, draws, seed, covariance), level, kind)
    return pd.DataFrame({"rank": _ranks(x), "rank_low": 1 + better, "rank_high": len(x) - worse}, index=index)


def tau_best(
    estimates: pd.Series | Sequence[float],
    std_errors: pd.Series | Sequence[float],
    tau: int,
    level: float = 0.95,
    best: str = "high",
    draws: int = 10_000,
    seed: int = 0,
    covariance: Floats | None = None,
) -> pd.DataFrame:
    """Units that may be among the best ``tau``; together they contain all of the true best with this coverage.

    Returns
    -------
    pandas.DataFrame
        The rows of the simultaneous :func:`confidence_sets` with ``rank_low`` ≤ ``tau``, best first.

    Raises
    ------
    ValueError
        As :func:`confidence_sets`, and for a ``tau`` outside 1…n.
    """
    sets = confidence_sets(estimates, std_errors, level, "simultaneous", best, draws, seed, covariance)
    if not 1 <= tau <= len(sets):
        raise ValueError(f"tau must lie between 1 and {len(sets)}, got {tau}")
    return sets[sets["rank_low"] <= tau].sort_values("rank", kind="stable")


def joint_intervals(
    estimates: pd.Series | Sequence[float],
    std_errors: pd.Series | Sequence[float],
    level: float = 0.95,
    best: str = "high",
    correction: str = "independent",
    decimals: int | None = None,
) -> pd.DataFrame:
    """Joint confidence intervals and the ranks they allow (Klein, Wright, Wieczorek).

    In one sentence: all intervals hold together, and a unit is placed above another only if their intervals do not
    overlap. Conservative.

    Parameters
    ----------
    correction
        ``independent`` uses (1 + level^(1/n)) / 2, exact for independent estimates; ``bonferroni`` needs no
        independence.
    decimals
        Round the bounds first, as published tables do; touching bounds then count as separated.

    Returns
    -------
    pandas.DataFrame
        Columns ``estimate, low, high, rank, rank_low, rank_high``.

    Raises
    ------
    ValueError
        As :func:`confidence_sets`.
    """
    x, s, index = _inputs(estimates, std_errors, level, best)
    z = joint_multiplier(len(x), level, correction)
    low, high = x - z * s, x + z * s
    if decimals is not None:
        low, high = np.round(low, decimals), np.round(high, decimals)
    surely_worse = _separated(low, high)
    sign = 1.0 if best == "high" else -1.0
    ends = np.sort(np.stack([sign * low, sign * high]), axis=0)
    return pd.DataFrame(
        {
            "estimate": sign * x,
            "low": ends[0],
            "high": ends[1],
            "rank": _ranks(x),
            "rank_low": 1 + surely_worse.sum(axis=0),
            "rank_high": len(x) - surely_worse.sum(axis=1),
        },
        index=index,
    )


def joint_multiplier(n: int, level: float = 0.95, correction: str = "independent") -> float:
    """Number of standard errors that makes ``n`` intervals hold together.

    Raises
    ------
    ValueError
        For an unknown correction.
    """
    if correction == "independent":
        return float(stats.norm.ppf((1 + level ** (1 / n)) / 2))
    if correction == "bonferroni":
        return float(stats.norm.ppf(1 - (1 - level) / (2 * n)))
    raise ValueError(f"unknown correction {correction!r}; one of independent, bonferroni")


def indistinguishable_groups(
    estimates: pd.Series | Sequence[float],
    std_errors: pd.Series | Sequence[float],
    level: float = 0.95,
    best: str = "high",
    draws: int = 10_000,
    seed: int = 0,
    covariance: Floats | None = None,
) -> pd.DataFrame:
    """Tiers for a league table: from the best down, a new tier starts at the first unit surely below the tier's head.

    Returns
    -------
    pandas.DataFrame
        Columns of the simultaneous :func:`confidence_sets`, then ``indistinguishable_count`` (other units that are
        neither surely better nor surely worse) and ``tier`` (1 = top).

    Raises
    ------
    ValueError
        As :func:`confidence_sets`.

    *Assumes* readers know that neighbours across a tier border may still be alike; the count says how many.
    """
    x, s, index = _inputs(estimates, std_errors, level, best)
    worse = _step_down(_pairs(x, s, draws, seed, covariance), level)
    return pd.DataFrame(
        {
            "rank": _ranks(x),
            "rank_low": 1 + worse.sum(axis=0),
            "rank_high": len(x) - worse.sum(axis=1),
            "indistinguishable_count": len(x) - 1 - worse.sum(axis=0) - worse.sum(axis=1),
            "tier": _tiers(x, worse),
        },
        index=index,
    )


def rounding_ranks(
    low: pd.Series | Sequence[float],
    high: pd.Series | Sequence[float],
    value: pd.Series | Sequence[float] | None = None,
    best: str = "high",
) -> pd.DataFrame:
    """Ranks that published precision alone allows: 47 % and 47.4 % printed as 47 may tie.

    Parameters
    ----------
    low, high
        Ends of the printed interval; a missing end is open («more than 70» has no upper end). The upper end of a
        rounded figure is excluded, so 47 and 48 printed whole are in order.
    value
        Printed values that set the nominal rank; the middle of the interval where absent.
    best
        ``high`` or ``low``.

    Returns
    -------
    pandas.DataFrame
        Columns ``rank, rank_low, rank_high, indistinguishable_count, tier``; ``rank`` is missing where no value
        is printed.

    Raises
    ------
    ValueError
        If a lower end lies above its upper end.
    """
    index = low.index if isinstance(low, pd.Series) else pd.RangeIndex(len(low))
    lows = np.nan_to_num(np.asarray(low, dtype=float), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    highs = np.nan_to_num(np.asarray(high, dtype=float), nan=np.inf, posinf=np.inf, neginf=-np.inf)
    if (lows > highs).any():
        raise ValueError("a lower end lies above its upper end")
    middle = np.where(np.isfinite(lows) & np.isfinite(highs), (lows + highs) / 2, np.nan)
    nominal = middle if value is None else np.asarray(value, dtype=float)
    if _check_best(best) < 0:
        lows, highs, nominal = -highs, -lows, -nominal
    surely_worse = _separated(lows, highs)
    known = np.isfinite(nominal)
    rank = np.where(known, 1 + (nominal[:, None] < nominal[None, :]).sum(axis=1), np.nan)
    order = np.where(known, nominal, np.where(np.isfinite(lows), lows, highs))
    count = len(lows)
    return pd.DataFrame(
        {
            "rank": rank,
            "rank_low": 1 + surely_worse.sum(axis=0),
            "rank_high": count - surely_worse.sum(axis=1),
            "indistinguishable_count": count - 1 - surely_worse.sum(axis=0) - surely_worse.sum(axis=1),
            "tier": _tiers(order, surely_worse),
        },
        index=index,
    )


def overlap_bars(estimates: pd.Series, std_errors: pd.Series) -> pd.DataFrame:
    """Goldstein–Healy bars (±1.39 standard errors), columns ``low, high``: for pictures only, never a test."""
    return pd.DataFrame({"low": estimates - OVERLAP_BAR * std_errors, "high": estimates + OVERLAP_BAR * std_errors})


def _check_best(best: str) -> int:
    if best not in ("high", "low"):
        raise ValueError(f"best must be 'high' or 'low', got {best!r}")
    return 1 if best == "high" else -1


def _inputs(
    estimates: pd.Series | Sequence[float], std_errors: pd.Series | Sequence[float], level: float, best: str
) -> tuple[Floats, Floats, pd.Index]:
    """Estimates turned so that larger is better, standard errors, and the index of the result."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    index = estimates.index if isinstance(estimates, pd.Series) else pd.RangeIndex(len(estimates))
    if isinstance(estimates, pd.Series) and isinstance(std_errors, pd.Series) and not index.equals(std_errors.index):
        raise ValueError("estimates and std_errors have different indexes; align them first")
    x = np.asarray(estimates, dtype=float) * _check_best(best)
    s = np.asarray(std_errors, dtype=float)
    if x.ndim != 1 or x.shape != s.shape or len(x) < 2:
        raise ValueError(f"need two units or more, one standard error each; got {x.shape} and {s.shape}")
    if not (np.isfinite(x).all() and np.isfinite(s).all()):
        raise ValueError("estimates and std_errors must be finite; leave units without an estimate out")
    if (s < 0).any():
        raise ValueError("a standard error is negative")
    return x, s, index


def _ranks(x: Floats) -> NDArray[np.int_]:
    return stats.rankdata(-x, method="min").astype(int)


def _separated(low: Floats, high: Floats) -> NDArray[np.bool_]:
    """Cell [better, worse]: does the better interval lie wholly above the worse one (whose upper end is excluded)?"""
    above = low[:, None] >= high[None, :]
    # Two exact equal figures touch at a point that both hold: a tie.
    is_point = (low == high)[None, :] & np.ones_like(above)
    return np.where(is_point, low[:, None] > high[None, :], above)


def _tiers(x: Floats, worse: NDArray[np.bool_]) -> NDArray[np.int_]:
    tier = np.zeros(len(x), dtype=int)
    head, current = -1, 0
    for unit in np.argsort(-x, kind="stable"):
        if head < 0 or worse[head, unit]:
            head, current = unit, current + 1
        tier[unit] = current
    return tier


@dataclass(frozen=True)
class _Pairs:
    """Standardised differences of all pairs and simulated noise: t and scale are units × units, noise units × draws."""

    t: Floats
    scale: Floats
    noise: Floats


def _pairs(x: Floats, s: Floats, draws: int, seed: int, covariance: Floats | None) -> _Pairs:
    if draws < 1:
        raise ValueError(f"draws must be positive, got {draws}")
    standard = np.random.default_rng(seed).standard_normal((len(s), draws), dtype=np.float32)
    if covariance is None:
        variance = np.add.outer(s**2, s**2)
        noise = standard * s[:, None].astype(np.float32)
    else:
        matrix = _checked_covariance(np.asarray(covariance, dtype=float), s)
        values, vectors = np.linalg.eigh(matrix)  # an estimated matrix may be singular, so no Cholesky factor
        root = vectors * np.sqrt(np.clip(values, 0, None))
        noise = root.astype(np.float32) @ standard
        variance = np.add.outer(s**2, s**2) - 2 * matrix
    np.fill_diagonal(variance, 0.0)
    sigma = np.sqrt(np.clip(variance, 0, None))
    difference = x[:, None] - x[None, :]
    exact = np.select([difference > 0, difference < 0], [np.inf, -np.inf], 0.0)  # no noise: a fact
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(sigma > 0, difference / sigma, exact)
        scale = np.where(sigma > 0, 1 / sigma, 0.0).astype(np.float32)
    return _Pairs(t, scale, noise)


def _checked_covariance(matrix: Floats, s: Floats) -> Floats:
    if matrix.shape != (len(s), len(s)) or not np.allclose(matrix, matrix.T):
        raise ValueError(f"covariance must be a symmetric {len(s)} × {len(s)} matrix")
    if not np.allclose(np.diag(matrix), s**2):
        raise ValueError("the diagonal of the covariance is not the squared standard errors")
    return matrix


def _counts(pairs: _Pairs, level: float, kind: str) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Per unit: how many are significantly better, how many significantly worse."""
    if kind == "simultaneous":
        worse = _step_down(pairs, level)
        return worse.sum(axis=0), worse.sum(axis=1)
    if kind != "marginal":
        raise ValueError(f"kind must be 'marginal' or 'simultaneous', got {kind!r}")
    own = [_step_down(pairs, level, unit) for unit in range(len(pairs.t))]
    better = [rejected[:, unit].sum() for unit, rejected in enumerate(own)]
    return np.array(better), np.array([rejected[unit].sum() for unit, rejected in enumerate(own)])


def _step_down(pairs: _Pairs, level: float, centre: int | None = None) -> NDArray[np.bool_]:
    """Cell [a, b]: is a significantly better than b? All ordered pairs, or only those that involve ``centre``."""
    count = len(pairs.t)
    active = ~np.eye(count, dtype=bool)
    if centre is not None:
        involved = np.arange(count) == centre
        active &= involved[:, None] | involved[None, :]
    rejected = np.zeros_like(active)
    while active.any():
        critical = np.quantile(_largest(pairs, active, centre), level)
        newly = active & (pairs.t > critical)
        if not newly.any():
            break
        rejected |= newly
        active &= ~newly
    return rejected


def _largest(pairs: _Pairs, active: NDArray[np.bool_], centre: int | None) -> Floats:
    """Per draw, the largest simulated statistic over the active hypotheses."""
    count = len(pairs.t)
    largest = np.full(pairs.noise.shape[1], -np.inf, dtype=np.float32)
    for a in range(count) if centre is None else [centre]:
        others = np.arange(count) != a if centre is not None else np.arange(count) > a
        forward, backward = active[a] & others, active[:, a] & others
        for chosen, fold in (
            (forward & backward, np.abs),
            (forward & ~backward, np.positive),
            (backward & ~forward, np.negative),
        ):
            if chosen.any():
                statistic = (pairs.noise[a] - pairs.noise[chosen]) * pairs.scale[a, chosen, None]
                np.maximum(largest, fold(statistic, out=statistic).max(axis=0), out=largest)
    return largest
