"""Bounded and ordered response: shares by Beta regression, stages by an ordered logit.

Gaps of the estimator that this module works around: no formula for the precision part and no offset, and
``get_distribution`` fails on new rows, so mean and precision are predicted and scipy's Beta is built from them.

References
----------
Ferrari, Cribari-Neto (2004), Beta regression for modelling rates and proportions, Journal of Applied Statistics 31.
Smithson, Verkuilen (2006), A better lemon squeezer?, Psychological Methods 11 (values at 0 and 1).
McCullagh (1980), Regression models for ordinal data, JRSS-B 42.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.othermod.betareg import BetaModel
from statsmodels.tools.sm_exceptions import ConvergenceWarning


@dataclass(frozen=True)
class BetaFit:
    """Beta regression with logit mean and constant precision.

    Attributes
    ----------
    coefficients
        One row per term of the mean: ``estimate, std_error, low, high`` in logits.
    precision
        φ: variance is μ(1 − μ)/(1 + φ).
    log_likelihood
        Maximised log-likelihood.
    n, n_squeezed
        Rows used, and values at exactly 0 or 1 that were moved inside by (y(n − 1) + 0.5)/n.
    """

    coefficients: pd.DataFrame
    precision: float
    log_likelihood: float
    n: int
    n_squeezed: int
    result: Any


def fit_shares(frame: pd.DataFrame, formula: str, clusters: str | None = None) -> BetaFit:
    """Fit a Beta regression of a share.

    Parameters
    ----------
    frame
        One observation per row; the response lies in [0, 1].
    formula
        Formula of the mean. Put region effects in it (``C(region)``): pooled slopes are attenuated.
    clusters
        Column whose groups share errors; gives clustered standard errors instead of region effects.

    Raises
    ------
    ValueError
        If the response leaves [0, 1] or the fit does not converge.
    """
    response = formula.split("~")[0].strip()
    shares = frame[response].astype(float)
    if shares.isna().any() or (shares < 0).any() or (shares > 1).any():
        raise ValueError(f"{response} must be known and lie between 0 and 1")
    at_ends = int(((shares == 0) | (shares == 1)).sum())
    data = frame.assign(**{response: squeeze(shares)}) if at_ends else frame
    covariance: dict[str, Any] = {}
    if clusters:
        covariance = {"cov_type": "cluster", "cov_kwds": {"groups": pd.factorize(data[clusters])[0]}}
    model = BetaModel.from_formula(formula, data)
    with warnings.catch_warnings():
        # A quasi-Newton run stops short when terms differ in scale; it only gives Newton's steps a start.
        warnings.simplefilter("ignore", ConvergenceWarning)
        start = model.fit(disp=0, maxiter=500).params
        result = model.fit(start_params=start, method="newton", maxiter=100, disp=0, **covariance)
    if not result.mle_retvals.get("converged", True):
        raise ValueError(f"Beta regression {formula!r} did not converge with {len(frame)} rows")
    return _beta_fit(result, len(frame), at_ends)


def _beta_fit(result: Any, count: int, at_ends: int) -> BetaFit:
    terms = [name for name in result.params.index if name != "precision"]
    bounds = result.conf_int().loc[terms]
    coefficients = pd.DataFrame(
        {
            "estimate": result.params[terms],
            "std_error": result.bse[terms],
            "low": bounds[0],
            "high": bounds[1],
        }
    )
    precision = float(np.exp(result.params["precision"]))
    return BetaFit(coefficients, precision, float(result.llf), count, at_ends, result)


def squeeze(shares: pd.Series) -> pd.Series:
    """(y(n − 1) + 0.5)/n: moves 0 and 1 inside the unit interval; say so beside the result."""
    count = len(shares)
    return (shares * (count - 1) + 0.5) / count


def predict_shares(fit: BetaFit, rows: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Mean and interval for a new value (not for the mean) on each row: ``mean, low, high`` in 0–1.

    *Assumes* the coefficients are known; with few rows the interval is a little too narrow.
    """
    mean = np.asarray(fit.result.predict(rows), dtype=float)
    beta = stats.beta(mean * fit.precision, (1 - mean) * fit.precision)
    tail = (1 - level) / 2
    return pd.DataFrame({"mean": mean, "low": beta.ppf(tail), "high": beta.ppf(1 - tail)}, index=rows.index)


@dataclass(frozen=True)
class OrderedFit:
    """Ordered logit: ``coefficients`` (log odds of a higher category), ``thresholds`` between categories."""

    coefficients: pd.Series
    thresholds: pd.Series
    deviance: float
    categories: tuple[str, ...]
    result: Any


def fit_ordered(
    frame: pd.DataFrame,
    response: str,
    terms: Sequence[str],
    order: Sequence[str],
    levels: Mapping[str, Sequence[str]] | None = None,
    weights: str | None = None,
) -> OrderedFit:
    """Fit an ordered logit without a constant.

    Parameters
    ----------
    frame
        One observation per row, or one group of equal observations with its count in ``weights``.
    response, order
        Ordered category and its values, lowest first.
    terms
        Numeric columns, or text columns that become indicators against the first of their ``levels``.
    weights
        Column of whole frequency weights; rows are repeated, as the estimator knows no weights.

    Raises
    ------
    ValueError
        For a category that ``order`` lacks, fractional weights, or a fit that does not converge.
    """
    unknown = set(frame[response]) - set(order)
    if unknown:
        raise ValueError(f"categories {sorted(unknown)} are not among {list(order)}")
    counts = frame[weights] if weights else pd.Series(1, index=frame.index)
    if (counts % 1 != 0).any() or (counts < 0).any():
        raise ValueError("frequency weights must be whole and not negative")
    expanded = frame.loc[frame.index.repeat(counts.astype(int))].reset_index(drop=True)
    design = pd.concat([_design(expanded[term], (levels or {}).get(term)) for term in terms], axis=1)
    outcome = pd.Series(pd.Categorical(expanded[response], order, ordered=True))
    model = OrderedModel(outcome, design, distr="logit")
    result = model.fit(method="bfgs", disp=0, maxiter=1_000)
    if not result.mle_retvals["converged"]:
        raise ValueError(f"ordered logit of {response} did not converge with {len(expanded)} rows")
    count = design.shape[1]
    cuts = model.transform_threshold_params(np.asarray(result.params))[1:-1]
    names = [f"{low}|{high}" for low, high in pairwise(order)]
    return OrderedFit(
        result.params.iloc[:count],
        pd.Series(cuts, index=names),
        float(-2 * result.llf),
        tuple(order),
        result,
    )


def _design(column: pd.Series, levels: Sequence[str] | None) -> pd.DataFrame:
    if levels is None and pd.api.types.is_numeric_dtype(column):
        return column.astype(float).to_frame()
    known = list(levels) if levels is not None else sorted(column.unique())
    indicators = {f"{column.name}{level}": column.eq(level).astype(float) for level in known[1:]}
    return pd.DataFrame(indicators)


def stage_probabilities(fit: OrderedFit, index_values: Sequence[float]) -> pd.DataFrame:
    """P(stage) at given values of the only term, with ``distance``: to the nearest threshold, in the term's unit.

    Raises
    ------
    ValueError
        If the model has more than one term.
    """
    if len(fit.coefficients) != 1:
        raise ValueError("stage probabilities need a model with the index as the only term")
    slope = float(fit.coefficients.iloc[0])
    eta = slope * np.asarray(index_values, dtype=float)
    below = stats.logistic.cdf(fit.thresholds.to_numpy()[None, :] - eta[:, None])
    edges = np.hstack([np.zeros((len(eta), 1)), below, np.ones((len(eta), 1))])
    table = pd.DataFrame(np.diff(edges, axis=1), columns=list(fit.categories))
    bounds = fit.thresholds.to_numpy() / slope
    distance = np.abs(np.asarray(index_values, float)[:, None] - bounds[None, :]).min(axis=1)
    return table.assign(distance=distance, index_value=np.asarray(index_values, dtype=float))
