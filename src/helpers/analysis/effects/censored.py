"""Times of which some are not over yet: open applications, or times cut at the legal limit."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from statsmodels.base.model import GenericLikelihoodModel

from helpers.analysis.effects.coding import BoolArray, EffectsError, FloatArray
from helpers.analysis.effects.inference import reference_law, warn_few

FEW_CENSORED = 0.02
"""Below this share of open cases times may be treated as observed, with a word that they are."""


class _LogNormal(GenericLikelihoodModel):
    """Log of time normal around Xβ; of a censored time only "longer than" is known. Last parameter: log σ."""

    def __init__(self, endog: FloatArray, exog: pd.DataFrame, censored: BoolArray) -> None:
        super().__init__(endog, exog, extra_params_names=["log sigma"])
        self.censored = censored

    def loglikeobs(self, params: FloatArray) -> FloatArray:
        """Log-likelihood of each case."""
        z, _ = self._standardised(params)
        return np.where(self.censored, stats.norm.logsf(z), stats.norm.logpdf(z) - params[-1])

    def score_obs(self, params: FloatArray) -> FloatArray:
        """Gradient of each case."""
        z, hazard = self._standardised(params)
        pull = np.where(self.censored, hazard, z)
        scale = np.where(self.censored, hazard * z, z**2 - 1)
        return np.column_stack([pull[:, None] * self.exog / math.exp(params[-1]), scale])

    def score(self, params: FloatArray) -> FloatArray:
        """Gradient."""
        return np.asarray(self.score_obs(params).sum(axis=0))

    def hessian(self, params: FloatArray) -> FloatArray:
        """Second derivatives."""
        z, hazard = self._standardised(params)
        sigma = math.exp(params[-1])
        slope = np.where(self.censored, hazard * (hazard - z), 1.0)  # derivative of the pull in z
        pull = np.where(self.censored, hazard, z)
        by_beta = -(self.exog * slope[:, None]).T @ self.exog / sigma**2
        cross = -((slope * z + pull)[:, None] * self.exog).sum(axis=0) / sigma
        by_scale = -np.sum(np.where(self.censored, z * (slope * z + hazard), 2 * z**2))
        return np.block([[by_beta, cross[:, None]], [cross[None, :], np.asarray([[by_scale]])]])

    def _standardised(self, params: FloatArray) -> tuple[FloatArray, FloatArray]:
        z = (self.endog - self.exog @ params[:-1]) / math.exp(params[-1])
        return z, np.exp(stats.norm.logpdf(z) - stats.norm.logsf(z))


@dataclass(frozen=True, eq=False)
class CensoredFit:
    """Fitted censored log-normal regression.

    Attributes
    ----------
    table : DataFrame
        Index: terms; columns ``estimate``, ``std_error``, ``ci_low``, ``ci_high``, ``p_value`` (log points of time).
    sigma, sigma_se : float
        Standard deviation of log time, and its error by the delta method.
    n, n_censored, dropped : int
        Cases used; open among them; left out for a missing value or a time that is not positive.
    n_clusters : int or None
        Clusters of the covariance; None = model-based.
    reading : str
        What the share of open cases means for the simpler estimates.
    """

    table: pd.DataFrame
    sigma: float
    sigma_se: float
    log_likelihood: float
    covariance: FloatArray
    n: int
    n_censored: int
    dropped: int
    n_clusters: int | None
    reading: str

    @property
    def beta(self) -> FloatArray:
        """Coefficients in the order of the table."""
        return np.asarray(self.table["estimate"].to_numpy(dtype=float))

    def median(self, X: pd.DataFrame | npt.ArrayLike) -> FloatArray:
        """Median time for each row of X, in the unit of y."""
        return np.exp(np.asarray(X, dtype=float) @ self.beta)

    def share_within(self, term: float, X: pd.DataFrame | npt.ArrayLike, alpha: float = 0.05) -> pd.DataFrame:
        """Share finished within ``term`` for each row of X.

        Parameters
        ----------
        term : float
            Legal term, in the unit of y.
        X : DataFrame or array
            Rows to predict for, columns as in the fit.
        alpha : float
            One minus the level; delta method on the index.

        Returns
        -------
        DataFrame
            ``share``, ``low``, ``high``.
        """
        rows = np.atleast_2d(np.asarray(X, dtype=float))
        z = (math.log(term) - rows @ self.beta) / self.sigma
        gradient = np.column_stack([-rows / self.sigma, -z])
        error = np.sqrt(np.einsum("ij,jk,ik->i", gradient, self.covariance, gradient))
        width = reference_law(self.n_clusters).ppf(1 - alpha / 2) * error
        return pd.DataFrame(
            {"share": stats.norm.cdf(z), "low": stats.norm.cdf(z - width), "high": stats.norm.cdf(z + width)}
        )


@dataclass(frozen=True, eq=False)
class CensoredLogNormal:
    """Regression of log time on X when some times are only known to be longer.

    Parameters
    ----------
    y : array-like
        Times (days), positive: finished, or elapsed so far where ``censored``.
    X : DataFrame or array
        Regressors, with the constant, cohort and month dummies wanted.
    censored : array-like of bool
        True where the case is still open.
    cluster : array-like, optional
        Region of the case: sandwich covariance by cluster, t(G − 1).

    Notes
    -----
    *Assumes* log-normal times and an end of observation unrelated to how long the case would have taken.

    References
    ----------
    Chung, Schmidt & Witte 1991; Wooldridge, Introductory Econometrics, section 17.4.
    """

    y: Any
    X: Any
    censored: Any
    cluster: Any = None

    def fit(self) -> CensoredFit:
        """Maximum likelihood.

        Raises
        ------
        EffectsError
            No usable finished case, unequal lengths, collinear regressors, or no convergence.
        """
        y, design, censored, cluster, dropped = self._clean()
        if np.linalg.matrix_rank(design.to_numpy()) < design.shape[1]:
            raise EffectsError("regressors are collinear: leave out one category of each set of dummies")
        log_y = np.log(y)
        start, *_ = np.linalg.lstsq(design.to_numpy(), log_y, rcond=None)
        spread = float(np.std(log_y - design.to_numpy() @ start)) or 1.0
        model = _LogNormal(log_y, design, censored)
        kwds = {} if cluster is None else {"cov_type": "cluster", "cov_kwds": {"groups": cluster}}
        first = np.append(start, math.log(spread))
        result = model.fit(first, method="newton", maxiter=60, disp=0, warn_convergence=False, **kwds)
        # a dummy whose cases are all open drifts off, ever slower: likelihood and other terms have settled
        if not np.abs(model.score(np.asarray(result.params))).max() < 1e-6 * len(y):
            raise EffectsError("the censored regression did not converge: too few finished cases in a category?")
        return _summary(result, design, censored, cluster, dropped)

    def _clean(self) -> tuple[FloatArray, pd.DataFrame, BoolArray, Any, int]:
        y = np.asarray(self.y, dtype=float)
        frame = self.X if isinstance(self.X, pd.DataFrame) else pd.DataFrame(np.asarray(self.X, dtype=float))
        design = frame.astype(float).reset_index(drop=True)
        design.columns = [str(name) for name in design.columns]
        censored = np.asarray(self.censored).astype(bool)
        if not len(y) == len(design) == len(censored):
            raise EffectsError(f"lengths differ: {len(y)} times, {len(design)} rows, {len(censored)} marks")
        used = np.isfinite(y) & (y > 0) & np.isfinite(design.to_numpy()).all(axis=1)
        if not (used & ~censored).any():
            raise EffectsError("no finished case with a positive time: nothing can be estimated")
        codes = None if self.cluster is None else pd.factorize(np.asarray(self.cluster))[0][used]
        if codes is not None:
            warn_few(len(np.unique(codes)))
        return y[used], design[used], censored[used], codes, int((~used).sum())


def _summary(result: Any, design: pd.DataFrame, censored: BoolArray, cluster: Any, dropped: int) -> CensoredFit:
    covariance = np.asarray(result.cov_params())
    estimate, error = np.asarray(result.params), np.sqrt(np.diag(covariance))
    sigma = math.exp(estimate[-1])
    clusters = None if cluster is None else len(np.unique(cluster))
    law = reference_law(clusters)
    half = law.ppf(0.975) * error[:-1]
    table = pd.DataFrame(
        {
            "estimate": estimate[:-1], "std_error": error[:-1], "ci_low": estimate[:-1] - half,
            "ci_high": estimate[:-1] + half, "p_value": 2 * law.sf(np.abs(estimate[:-1] / error[:-1])),
        },
        index=pd.Index(design.columns, name="term"),
    )  # fmt: skip
    return CensoredFit(
        table, sigma, sigma * error[-1], float(result.llf), covariance, len(censored), int(censored.sum()), dropped,
        clusters, reading_of(float(censored.mean())),
    )  # fmt: skip


def reading_of(share: float) -> str:
    """What a share of open cases means for estimates that take times as observed."""
    if share < FEW_CENSORED:
        return (
            f"{100 * share:.1f} % of cases are open: below {100 * FEW_CENSORED:.0f} %, times may be treated as observed"
        )
    return f"{100 * share:.1f} % of cases are open: leaving them out would keep the fast ones; read shares and bounds"


@dataclass(frozen=True)
class ShareInTerm:
    """Share of cases finished within the term, with what is certain when some are still open within it.

    ``low`` counts every case that is open with less than the term elapsed as late, ``high`` as in time; where both
    agree the share is known. ``median_low`` and ``median_high`` bound the median time the same way (nan = beyond).
    """

    low: float
    high: float
    median_low: float
    median_high: float
    n: int
    n_open: int
    n_undecided: int
    unit: str = "share"


def share_in_term(days: npt.ArrayLike, censored: npt.ArrayLike, term: float) -> ShareInTerm:
    """Share finished within ``term``, with bounds for open cases whose fate is not known yet.

    Parameters
    ----------
    days : array-like
        Time of finished cases, time elapsed of open ones.
    censored : array-like of bool
        True where open.
    term : float
        Legal term in the unit of ``days``.

    Raises
    ------
    EffectsError
        No case, or a missing time.
    """
    time, open_ = np.asarray(days, dtype=float), np.asarray(censored).astype(bool)
    if not len(time) or time.shape != open_.shape or not np.isfinite(time).all():
        raise EffectsError("share_in_term needs at least one case, a time and an open mark for each")
    in_time = ~open_ & (time <= term)
    undecided = open_ & (time < term)
    n = len(time)
    late_as_possible = np.where(open_, np.inf, time)
    high = float(np.median(late_as_possible))
    return ShareInTerm(
        low=float(in_time.mean()),
        high=float((in_time | undecided).mean()),
        median_low=float(np.median(time)),
        median_high=high if math.isfinite(high) else math.nan,
        n=n,
        n_open=int(open_.sum()),
        n_undecided=int(undecided.sum()),
    )
