"""Uncertainty: what is asked of regions as clusters, whatever the estimator."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from helpers.analysis.effects.coding import EffectsError, FloatArray

FEW = 10
"""Under so many regions an interval is shown with a warning."""


class FewClustersWarning(UserWarning):
    """Intervals from very few regions: they hold on average, but single regions weigh much."""


class Percent(NamedTuple):
    """Change in per cent of the level without optimisation, with its interval."""

    estimate: float
    low: float
    high: float


def warn_few(regions: int, treated: int | None = None) -> None:
    """Warn under ``FEW`` regions or when one region alone is treated; refuse one region.

    Raises
    ------
    EffectsError
        For one region.
    """
    if regions < 2:
        raise EffectsError("a single region (cluster) has observations: its uncertainty cannot be measured")
    if treated == 1:
        text = "all optimised services lie in one region: no standard error, see the permutation test"
        warnings.warn(text, FewClustersWarning, 3)
    elif regions < FEW:
        text = f"only {regions} regions: read the interval with the permutation test beside it"
        warnings.warn(text, FewClustersWarning, 3)


def reference_law(clusters: int | None) -> Any:
    """Law that an estimate over its standard error is judged by: t(G − 1) with clusters, else the normal one."""
    return stats.norm if clusters is None else stats.t(clusters - 1)


def interval(value: float, se: float, df: float, level: float) -> tuple[float, float]:
    """Two-sided t interval."""
    if not 0 < level < 1:
        raise EffectsError(f"a confidence level lies between 0 and 1, not at {level}")
    half = float(stats.t.ppf(0.5 + level / 2, df)) * se
    return value - half, value + half


def p_value(value: float, se: float, df: float) -> float:
    """Two-sided p value of no effect."""
    return float(2 * stats.t.sf(abs(value) / se, df)) if se > 0 else float("nan")


def simultaneous(deviation: FloatArray, se: FloatArray, df: float, level: float, seed: int, draws: int = 4999) -> float:
    """Critical value of a sup-t band from multiplier draws of region influence values.

    Parameters
    ----------
    deviation : float array, shape (G, k)
        Estimate without the region minus estimate.
    se : float array, shape (k,)
        Standard errors; entries that are NaN or zero are left out of the family.
    df : float
        Degrees of freedom, which widen the band as they widen a single interval.
    level, seed, draws
        Joint coverage, seed and number of the draws.

    Returns
    -------
    float
    """
    used = np.isfinite(se) & (se > 0) & np.isfinite(deviation).all(axis=0)
    single = float(stats.t.ppf(0.5 + level / 2, df))
    if used.sum() < 2:
        return single
    rng = np.random.default_rng(seed)
    scaled = deviation[:, used] * np.sqrt((len(deviation) - 1) / len(deviation)) / se[used]
    largest = np.abs(rng.standard_normal((draws, len(deviation))) @ scaled).max(axis=1)
    wide = float(np.quantile(largest, level)) * single / float(stats.norm.ppf(0.5 + level / 2))
    return max(wide, single)


@dataclass(frozen=True)
class Coefficients:
    """Regression coefficients with a cluster covariance.

    Attributes
    ----------
    estimate, se : Series
    cov : DataFrame
    df : float
        G − 1.
    clusters, n : int
    """

    estimate: pd.Series
    se: pd.Series
    cov: pd.DataFrame
    df: float
    clusters: int
    n: int

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Intervals, columns ``lo`` and ``hi``."""
        half = float(stats.t.ppf(0.5 + level / 2, self.df)) * self.se
        return pd.DataFrame({"lo": self.estimate - half, "hi": self.estimate + half})


@dataclass(frozen=True)
class _Blocks:
    """Cluster sufficient statistics of a regression."""

    y: FloatArray
    x: FloatArray
    names: list[str]
    code: npt.NDArray[np.int64]
    xx: FloatArray
    xy: FloatArray


def _blocks(y: npt.ArrayLike, x: pd.DataFrame | npt.ArrayLike, cluster: npt.ArrayLike) -> _Blocks:
    frame = x if isinstance(x, pd.DataFrame) else pd.DataFrame(np.asarray(x, dtype=np.float64))
    names = [str(name) for name in frame.columns]
    left, right = np.asarray(y, dtype=np.float64), frame.to_numpy(dtype=np.float64)
    group = np.asarray(cluster)
    if not len(left) == len(right) == len(group):
        raise EffectsError(f"y, X and cluster differ in length: {len(left)}, {len(right)}, {len(group)}")
    if not (np.isfinite(left).all() and np.isfinite(right).all()) or pd.isna(group).any():
        raise EffectsError("missing or infinite values: leave such rows out and say how many")
    code, labels = pd.factorize(group, sort=True)
    warn_few(len(labels))
    order = np.argsort(code, kind="stable")
    left, right, code = left[order], right[order], code[order].astype(np.int64)
    edges = np.append(np.flatnonzero(np.append(True, code[1:] != code[:-1])), len(code))
    parts = [slice(edges[i], edges[i + 1]) for i in range(len(labels))]
    xx = np.stack([right[part].T @ right[part] for part in parts])
    xy = np.stack([right[part].T @ left[part] for part in parts])
    return _Blocks(left, right, names, code, xx, xy)


def cluster_jackknife(y: npt.ArrayLike, X: pd.DataFrame | npt.ArrayLike, cluster: npt.ArrayLike) -> Coefficients:
    """OLS with the leave-one-cluster-out jackknife (CRV3).

    Parameters
    ----------
    y : array, shape (n,)
    X : DataFrame or array, shape (n, k)
        Regressors, the constant included by the caller.
    cluster : array, shape (n,)

    Returns
    -------
    Coefficients
        V = (G−1)/G Σ (β without g − β)(…)′, t(G−1). Where a coefficient is lost with a cluster the minimum-norm
        solution is used.

    Raises
    ------
    EffectsError
        Missing values, unequal lengths, a single cluster.

    References
    ----------
    MacKinnon, Nielsen & Webb (2023), Journal of Econometrics; Stata Journal.
    """
    blocks = _blocks(y, X, cluster)
    total, sum_ = blocks.xx.sum(axis=0), blocks.xy.sum(axis=0)
    beta = np.linalg.lstsq(total, sum_, rcond=None)[0]
    without = np.stack(
        [np.linalg.lstsq(total - xx, sum_ - xy, rcond=None)[0] for xx, xy in zip(blocks.xx, blocks.xy, strict=True)]
    )
    moved, regions = without - beta, len(without)
    return _coefficients(blocks, beta, (regions - 1) / regions * moved.T @ moved)


def _coefficients(blocks: _Blocks, beta: FloatArray, cov: FloatArray) -> Coefficients:
    names, regions = blocks.names, len(blocks.xx)
    return Coefficients(
        pd.Series(beta, index=names),
        pd.Series(np.sqrt(np.diag(cov)), index=names),
        pd.DataFrame(cov, index=names, columns=names),
        regions - 1,
        regions,
        len(blocks.y),
    )


def cluster_robust(y: npt.ArrayLike, X: pd.DataFrame | npt.ArrayLike, cluster: npt.ArrayLike) -> Coefficients:
    """OLS with the usual cluster covariance (CRV1), factor G/(G−1)·(n−1)/(n−k).

    For comparison with other software; with few regions its intervals are too short.
    """
    blocks = _blocks(y, X, cluster)
    bread = np.linalg.pinv(blocks.xx.sum(axis=0))
    beta = bread @ blocks.xy.sum(axis=0)
    score = blocks.xy - blocks.xx @ beta
    n, k, regions = len(blocks.y), blocks.x.shape[1], len(blocks.xx)
    factor = regions / (regions - 1) * (n - 1) / (n - k)
    return _coefficients(blocks, beta, factor * bread @ (score.T @ score) @ bread)


@dataclass(frozen=True)
class WildBootstrap:
    """Restricted wild cluster bootstrap of one coefficient.

    Attributes
    ----------
    estimate, t : float
        Coefficient and its CRV1 t statistic under the hypothesis.
    p_value : float
        Two-sided, symmetric.
    conf_int : tuple of float
        Interval by inversion of the test; infinite where the test never rejects.
    clusters, reps : int
        Clusters, and draws (or patterns) used.
    weights : str
        ``rademacher`` (all sign patterns when few enough) or ``webb``.
    """

    estimate: float
    t: float
    p_value: float
    conf_int: tuple[float, float]
    clusters: int
    reps: int
    weights: str


def wild_cluster_bootstrap(
    y: npt.ArrayLike,
    X: pd.DataFrame | npt.ArrayLike,
    cluster: npt.ArrayLike,
    column: str | int,
    reps: int = 9_999,
    seed: int = 0,
    null: float = 0.0,
    level: float = 0.95,
) -> WildBootstrap:
    """Restricted wild cluster bootstrap-t on cluster sufficient statistics.

    Rademacher weights, all 2^G patterns when they are fewer than ``reps``; Webb's six points when G < 12.

    Parameters
    ----------
    y, X, cluster
        As in :func:`cluster_jackknife`.
    column : str or int
        Coefficient under test.
    reps, seed : int
    null : float
        Hypothesis.
    level : float
        Level of the interval, which is found by inverting the test.

    Returns
    -------
    WildBootstrap

    References
    ----------
    Cameron, Gelbach & Miller (2008), REStat; Roodman, MacKinnon, Nielsen & Webb (2019), Stata Journal.
    """
    blocks = _blocks(y, X, cluster)
    position = column if isinstance(column, int) else blocks.names.index(column)
    found = wild_from_sums(blocks.xx, blocks.xy, position, reps, seed, null, level)
    n, k, regions = len(blocks.y), blocks.x.shape[1], len(blocks.xx)
    return replace(found, t=found.t / float(np.sqrt(regions / (regions - 1) * (n - 1) / (n - k))))


def multipliers(regions: int, reps: int, seed: int) -> tuple[FloatArray, str]:
    """Bootstrap weights by region, shape (reps, G), and their name; every sign pattern once where reps suffice."""
    rng = np.random.default_rng(seed)
    if regions >= 12 and 2**regions <= reps:
        patterns = (np.arange(2**regions)[:, None] >> np.arange(regions)) & 1
        return np.where(patterns == 1, -1.0, 1.0), "rademacher"
    if regions < 12:
        points = np.sqrt([0.5, 1.0, 1.5])
        return rng.choice(np.concatenate([-points, points]), size=(reps, regions)), "webb"
    return rng.choice(np.array([-1.0, 1.0]), size=(reps, regions)), "rademacher"


def wild_from_sums(
    xx: FloatArray, xy: FloatArray, position: int, reps: int, seed: int, null: float = 0.0, level: float = 0.95
) -> WildBootstrap:
    """The same from X′X and X′y by cluster, shapes (G, k, k) and (G, k).

    With b the restricted residual score of each cluster, every draw needs only its weighted sum.
    """
    regions = len(xx)
    weights, kind = multipliers(regions, reps, seed)
    bread = np.linalg.pinv(xx.sum(axis=0))
    beta = bread @ xy.sum(axis=0)
    others = [i for i in range(xx.shape[1]) if i != position]
    inner = np.linalg.pinv(xx.sum(axis=0)[np.ix_(others, others)])

    def draw(hypothesis: float) -> tuple[float, FloatArray]:
        restricted = np.zeros(len(beta))
        restricted[position] = hypothesis
        target = (xy.sum(axis=0) - xx.sum(axis=0) @ restricted)[others]
        restricted[others] = inner @ target
        score = xy - xx @ restricted
        row = bread[position]
        observed = beta[position] - hypothesis
        spread = (xy - xx @ beta) @ row
        t = observed / np.sqrt((spread**2).sum())
        moves = weights @ score @ bread
        star = moves[:, position]
        projected = score @ row
        fitted = np.einsum("gkl,k->gl", xx, row)
        each = weights * projected[None, :] - moves @ fitted.T
        return float(t), star / np.sqrt((each**2).sum(axis=1))

    def p_of(hypothesis: float) -> float:
        t, drawn = draw(hypothesis)
        return float((np.abs(drawn) >= abs(t) - 1e-12).mean())

    t, drawn = draw(null)
    p = float((np.abs(drawn) >= abs(t) - 1e-12).mean())
    spread = float(np.sqrt((((xy - xx @ beta) @ bread[position]) ** 2).sum()))
    low, high = (_invert(p_of, float(beta[position]), sign * spread, 1 - level) for sign in (-1, 1))
    return WildBootstrap(float(beta[position]), t, p, (low, high), regions, len(weights), kind)


def _invert(p_of: Callable[[float], float], centre: float, step: float, alpha: float) -> float:
    """Hypothesis on one side of the estimate at which the p value falls to ``alpha``."""
    far = 2.0
    while p_of(centre + far * step) > alpha:
        far *= 2
        if far > 64:
            return float(np.sign(step) * np.inf)
    near = 0.0
    for _ in range(20):
        middle = (near + far) / 2
        near, far = (middle, far) if p_of(centre + middle * step) > alpha else (near, middle)
    return centre + far * step
