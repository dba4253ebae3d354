"""Many tests at once: which findings survive the number of questions asked."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from statsmodels.stats.multitest import multipletests

from helpers.analysis.effects.coding import BoolArray, EffectsError, FloatArray


@dataclass(frozen=True, eq=False)
class Adjusted:
    """P values corrected for their number, in the order given; a missing p value stays missing and is no test."""

    p: FloatArray
    adjusted: FloatArray
    rejected: BoolArray
    level: float
    method: str
    n_tests: int
    n_missing: int

    @property
    def n_rejected(self) -> int:
        """Number of findings that survive."""
        return int(self.rejected.sum())


def _adjust(p: npt.ArrayLike, level: float, method: str) -> Adjusted:
    values = np.atleast_1d(np.asarray(p, dtype=float))
    if values.ndim != 1:
        raise EffectsError("p values must be one-dimensional")
    if not 0 < level < 1:
        raise EffectsError(f"level must lie between 0 and 1, got {level}")
    present = np.isfinite(values)
    if ((values[present] < 0) | (values[present] > 1)).any():
        raise EffectsError("a p value lies outside 0 … 1")
    adjusted = np.full(len(values), np.nan)
    rejected = np.zeros(len(values), dtype=bool)
    if present.any():
        rejected[present], adjusted[present], _, _ = multipletests(values[present], alpha=level, method=method)
    return Adjusted(values, adjusted, rejected, level, method, int(present.sum()), int((~present).sum()))


def fdr(p: npt.ArrayLike, q: float = 0.10) -> Adjusted:
    """Benjamini–Hochberg: among the findings kept, on average at most a share ``q`` is false.

    Parameters
    ----------
    p : array-like
        One p value a question (a region, say); NaN is no test.
    q : float
        Share of false findings allowed.

    Raises
    ------
    EffectsError
        P values outside 0 … 1, or a level outside it.

    *Assumes* independent or positively dependent tests.

    References
    ----------
    Benjamini & Hochberg 1995.
    """
    return _adjust(p, q, "fdr_bh")


def holm(p: npt.ArrayLike, alpha: float = 0.05) -> Adjusted:
    """Holm: the chance of even one false finding is at most ``alpha``, whatever the dependence.

    Parameters
    ----------
    p : array-like
        One p value a headline outcome; NaN is no test.
    alpha : float
        Chance allowed.

    Raises
    ------
    EffectsError
        P values outside 0 … 1, or a level outside it.
    """
    return _adjust(p, alpha, "holm")


def romano_wolf(
    estimates: npt.ArrayLike, replicates: npt.ArrayLike, se: npt.ArrayLike, alpha: float = 0.05
) -> Adjusted:
    """Romano–Wolf step-down p values from joint replicates of a region bootstrap: uses how outcomes move together.

    Parameters
    ----------
    estimates, se : array-like, shape (k,)
        One estimate an outcome, and its standard error.
    replicates : array-like, shape (reps, k)
        Bootstrap estimates of the same outcomes, drawn jointly.
    alpha : float
        Chance of even one false finding.

    Raises
    ------
    EffectsError
        Shapes that do not fit, or a standard error that is not positive.

    References
    ----------
    Romano & Wolf 2005.
    """
    theta, error = np.asarray(estimates, dtype=float), np.asarray(se, dtype=float)
    draws = np.asarray(replicates, dtype=float)
    if draws.ndim != 2 or draws.shape[1] != len(theta) or error.shape != theta.shape or not (error > 0).all():
        raise EffectsError("replicates must be reps × outcomes, with a positive standard error for each outcome")
    observed = np.abs(theta / error)
    null = np.abs((draws - theta) / error)
    order = np.argsort(-observed, kind="stable")
    adjusted = np.empty(len(theta))
    previous = 0.0
    for step, outcome in enumerate(order):
        highest = null[:, order[step:]].max(axis=1)
        previous = max(previous, (1 + int((highest >= observed[outcome]).sum())) / (len(draws) + 1))
        adjusted[outcome] = previous
    return Adjusted(np.full(len(theta), np.nan), adjusted, adjusted <= alpha, alpha, "romano_wolf", len(theta), 0)
