"""Ordered logit by statsmodels' ``OrderedModel`` on weighted cells, thresholds on their own scale, and its test."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse, special, stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from helpers.analysis.effects.building import LongArray
from helpers.analysis.effects.coding import EffectsError, FloatArray
from helpers.analysis.effects.inference import reference_law


class _Cells(OrderedModel):
    """statsmodels' ordered logit on weighted cells, with analytic derivatives.

    Its parameters are slopes, the first threshold, and logs of the increments of the others.
    """

    def __init__(self, endog: LongArray, exog: pd.DataFrame, weights: FloatArray) -> None:
        super().__init__(endog, exog, distr="logit")
        self.cell_weights = weights

    def loglikeobs(self, params: FloatArray) -> FloatArray:
        """Log-likelihood of each cell, times its weight."""
        return self.cell_weights * super().loglikeobs(params)

    def loglike(self, params: FloatArray) -> float:
        """Log-likelihood."""
        return float(self.loglikeobs(params).sum())

    def to_thresholds(self, params: FloatArray) -> FloatArray:
        """Derivative of (slopes, thresholds) by the parameters."""
        k, jacobian = self.k_vars, np.eye(len(params))
        block = np.tril(np.ones((len(params) - k,) * 2))
        block[:, 1:] *= np.exp(params[k + 1 :])[None, :]
        jacobian[k:, k:] = block
        return jacobian

    def unit_scores(self, params: FloatArray) -> FloatArray:
        """Gradient of one case of each cell by slopes and thresholds."""
        upper, lower, chance, (above, below) = self._edges(params)
        return np.asarray((_density(upper) / chance)[:, None] * above - (_density(lower) / chance)[:, None] * below)

    def score(self, params: FloatArray) -> FloatArray:
        """Gradient by the parameters."""
        return np.asarray(self.cell_weights @ self.unit_scores(params) @ self.to_thresholds(params))

    def hessian(self, params: FloatArray) -> FloatArray:
        """Second derivatives by the parameters."""
        upper, lower, chance, (above, below) = self._edges(params)
        w, rise, fall = self.cell_weights, _density(upper) / chance, _density(lower) / chance
        steep_up, steep_low = rise * (1 - 2 * special.expit(upper)), fall * (1 - 2 * special.expit(lower))
        cross = above.T @ ((w * rise * fall)[:, None] * below)
        plain = above.T @ ((w * (steep_up - rise**2))[:, None] * above)
        plain += below.T @ ((w * (-steep_low - fall**2))[:, None] * below) + cross + cross.T
        jacobian = self.to_thresholds(params)
        curved = jacobian.T @ plain @ jacobian
        logs = np.arange(self.k_vars + 1, len(params))
        curved[logs, logs] += self.score(params)[logs]  # the parameters enter as exponentials
        return np.asarray(curved)

    def _edges(self, params: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, tuple[FloatArray, FloatArray]]:
        """Upper and lower edge of each cell on the latent scale, its chance, and the edges' derivatives."""
        k = self.k_vars
        thresholds = self.transform_threshold_params(params)
        index = self.exog @ params[:k]
        upper, lower = thresholds[self.endog + 1] - index, thresholds[self.endog] - index
        cuts = np.eye(len(thresholds))[:, 1:-1]  # the outer thresholds are no parameters
        above = np.column_stack([-self.exog, cuts[self.endog + 1]])
        below = np.column_stack([-self.exog, cuts[self.endog]])
        chance = np.maximum(special.expit(upper) - special.expit(lower), 1e-300)
        return upper, lower, chance, (above, below)


def _density(x: FloatArray) -> FloatArray:
    p = special.expit(x)
    return np.asarray(p * (1 - p))


def _positions(y: npt.ArrayLike, categories: Sequence[str]) -> LongArray:
    """Position of each value in the list of categories, −1 when it is not there."""
    return np.asarray(pd.Index(list(categories)).get_indexer(pd.Index(np.asarray(y, dtype=object))), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class OrderedLogit:
    """Fitted ordered logit.

    Attributes
    ----------
    table : DataFrame
        Index: regressors, then thresholds as ``Low|Medium``; columns ``estimate``, ``std_error`` (delta method for
        the thresholds), ``p_value``.
    covariance : array
        Of the table's rows, thresholds themselves and not their increments.
    deviance : float
        Minus twice the log-likelihood.
    n : float
        Sum of weights; ``n_clusters``: clusters of the covariance, None = model-based.
    """

    table: pd.DataFrame
    covariance: FloatArray = field(repr=False)
    categories: tuple[str, ...]
    deviance: float
    n: float
    n_clusters: int | None

    @property
    def n_slopes(self) -> int:
        """Number of regressors."""
        return len(self.table) - len(self.categories) + 1

    def probabilities(self, X: pd.DataFrame | npt.ArrayLike, params: FloatArray | None = None) -> FloatArray:
        """Chance of each category for each row of X, shape (rows, categories)."""
        values = self.table["estimate"].to_numpy(dtype=float) if params is None else params
        k = self.n_slopes
        index = np.atleast_2d(np.asarray(X, dtype=float)) @ values[:k]
        below = special.expit(values[k:][None, :] - index[:, None])
        return np.diff(np.column_stack([np.zeros(len(index)), below, np.ones(len(index))]), axis=1)


def ordered_logit(
    y: npt.ArrayLike,
    X: pd.DataFrame,
    categories: Sequence[str],
    weights: npt.ArrayLike | None = None,
    cluster: npt.ArrayLike | None = None,
) -> OrderedLogit:
    """Proportional-odds regression by statsmodels' ``OrderedModel``, thresholds on their own scale.

    Parameters
    ----------
    y : array-like
        Category of each row.
    X : DataFrame
        Regressors without a constant.
    categories : sequence of str
        All categories, worst first.
    weights : array-like, optional
        Number of cases a row stands for.
    cluster : array-like, optional
        Sandwich covariance by cluster, with the factor G/(G − 1); p values by t(G − 1).

    Raises
    ------
    EffectsError
        A category that never occurs, a value outside the list, collinear regressors, or no convergence.
    """
    codes = _positions(y, categories)
    if (codes < 0).any():
        raise EffectsError(f"{int((codes < 0).sum())} rows have a category outside {', '.join(categories)}")
    counts = np.bincount(codes, minlength=len(categories))
    if (counts == 0).any():
        absent = [name for name, count in zip(categories, counts, strict=True) if count == 0]
        raise EffectsError(f"no case in category {', '.join(absent)}: merge it with its neighbour")
    design = X.astype(float).reset_index(drop=True)
    design.columns = [str(name) for name in design.columns]
    w = np.ones(len(design)) if weights is None else np.asarray(weights, dtype=float)
    cells = _Collapsed.of(codes, design, w, cluster)
    if _is_collinear(cells.design.to_numpy()):
        raise EffectsError("regressors are collinear with one another or with the thresholds")
    model = _Cells(cells.codes, cells.design, cells.weights)
    stuck = EffectsError("the ordered logit did not converge: a category that one regressor predicts perfectly?")
    try:
        result = model.fit(_start(codes, w, design.shape[1], len(categories)), method="newton", maxiter=100, disp=0)
    except np.linalg.LinAlgError as singular:
        raise stuck from singular
    params = np.asarray(result.params)
    if not result.mle_retvals["converged"] or np.abs(model.score(params)).max() > 1e-6 * w.sum():
        raise stuck
    return _ordered_result(model, params, list(design.columns), categories, cells)


@dataclass(frozen=True, eq=False)
class _Collapsed:
    """Rows with the same regressors and category as one cell; ``by_cluster`` (clusters × cells) keeps their weights."""

    codes: LongArray
    design: pd.DataFrame
    weights: FloatArray
    by_cluster: sparse.csr_array | None

    @classmethod
    def of(cls, codes: LongArray, design: pd.DataFrame, w: FloatArray, cluster: Any) -> "_Collapsed":
        table = np.ascontiguousarray(np.column_stack([codes, design.to_numpy()]))
        rows = table.view(np.dtype((np.void, table.dtype.itemsize * table.shape[1]))).ravel()
        _, first, where = np.unique(rows, return_index=True, return_inverse=True)
        weights = np.bincount(where, weights=w).astype(np.float64)
        kept = design.iloc[first].reset_index(drop=True)
        if cluster is None:
            return cls(codes[first], kept, weights, None)
        group, labels = pd.factorize(np.asarray(cluster), sort=True)
        if len(labels) < 2:
            raise EffectsError("a single cluster: its uncertainty cannot be measured")
        shape = (len(labels), len(first))
        return cls(codes[first], kept, weights, sparse.csr_array((w, (group, where)), shape=shape))


def _is_collinear(design: FloatArray) -> bool:
    """Whether the columns, with a constant, are linearly dependent: by their scaled cross-products, which are small."""
    full = np.column_stack([np.ones(len(design)), design])
    norm = np.sqrt((full**2).sum(axis=0))
    scaled = full / np.where(norm > 0, norm, 1.0)
    return bool(np.linalg.eigvalsh(scaled.T @ scaled)[0] < 1e-11)


def _start(codes: LongArray, w: FloatArray, slopes: int, n_categories: int) -> FloatArray:
    below = np.cumsum(np.bincount(codes, weights=w, minlength=n_categories))[:-1] / w.sum()
    cuts = special.logit(below)
    return np.concatenate([np.zeros(slopes), cuts[:1], np.log(np.diff(cuts))])


def _ordered_result(
    model: _Cells, params: FloatArray, names: list[str], categories: Sequence[str], cells: _Collapsed
) -> OrderedLogit:
    # delta method: a threshold is the first one plus a sum of exponentials
    jacobian = model.to_thresholds(params)
    covariance = jacobian @ np.linalg.inv(-model.hessian(params)) @ jacobian.T
    clusters = None
    if cells.by_cluster is not None:
        sums = cells.by_cluster @ model.unit_scores(params)
        clusters = len(sums)
        covariance = covariance @ (sums.T @ sums * clusters / (clusters - 1)) @ covariance
    k = len(names)
    estimate = np.concatenate([params[:k], np.asarray(model.transform_threshold_params(params))[1:-1]])
    error = np.sqrt(np.diag(covariance))
    table = pd.DataFrame(
        {"estimate": estimate, "std_error": error, "p_value": 2 * reference_law(clusters).sf(np.abs(estimate / error))},
        index=pd.Index([*names, *(f"{a}|{b}" for a, b in pairwise(categories))], name="term"),
    )
    n = float(cells.weights.sum())
    return OrderedLogit(table, covariance, tuple(categories), -2 * model.loglike(params), n, clusters)


@dataclass(frozen=True)
class ProportionalOdds:
    """Wald test that one slope serves all cuts: statistic, degrees of freedom, p value, and the slope at each cut."""

    statistic: float
    df: int
    p_value: float
    slopes: pd.DataFrame


def proportional_odds_test(
    y: npt.ArrayLike,
    X: pd.DataFrame,
    categories: Sequence[str],
    weights: npt.ArrayLike | None = None,
    cluster: npt.ArrayLike | None = None,
    columns: Sequence[str] | None = None,
) -> ProportionalOdds:
    """Wald test of proportional odds: binary logits at every cut, their slopes compared.

    Parameters
    ----------
    y, X, categories, weights, cluster
        As for :func:`ordered_logit`.
    columns : sequence of str, optional
        Slopes to compare; default all.

    Raises
    ------
    EffectsError
        When a cut separates perfectly, so that a slope is infinite.

    References
    ----------
    Brant 1990, Biometrics 46.
    """
    codes = _positions(y, categories)
    names = [str(c) for c in X.columns]
    wanted = [names.index(c) + 1 for c in (columns or names)]
    w = np.ones(len(codes)) if weights is None else np.asarray(weights, dtype=float)
    cells = _Collapsed.of(codes, X.astype(float).reset_index(drop=True), w, cluster)
    design = np.column_stack([np.ones(len(cells.codes)), cells.design.to_numpy()])
    slopes, influences = [], []
    for cut in range(1, len(categories)):
        beta, influence = _binary_logit((cells.codes >= cut).astype(float), design, cells.weights)
        slopes.append(beta[wanted])
        influences.append(influence[:, wanted])
    unit = np.column_stack(influences)
    if cells.by_cluster is None:  # every case for itself
        covariance = unit.T @ (cells.weights[:, None] * unit)
    else:
        sums = cells.by_cluster @ unit
        covariance = sums.T @ sums
    k = len(wanted)
    contrast = np.kron(np.column_stack([-np.ones(len(slopes) - 1), np.eye(len(slopes) - 1)]), np.eye(k))
    difference = contrast @ np.concatenate(slopes)
    spread = contrast @ covariance @ contrast.T
    df = int(np.linalg.matrix_rank(spread))
    statistic = float(difference @ np.linalg.pinv(spread) @ difference)
    table = pd.DataFrame(slopes, index=[f"≥ {c}" for c in categories[1:]], columns=[names[i - 1] for i in wanted])
    return ProportionalOdds(statistic, df, float(stats.chi2.sf(statistic, df)), table)


def _binary_logit(y: FloatArray, design: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coefficients by Newton steps, and the influence of one case of each row on them."""
    beta = np.zeros(design.shape[1])
    for _ in range(60):
        p = special.expit(design @ beta)
        information = design.T @ ((w * p * (1 - p))[:, None] * design)
        if not np.isfinite(information).all():
            break
        inverse = np.linalg.pinv(information, hermitian=True)
        step = inverse @ (design.T @ (w * (y - p)))
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            return beta, (y - p)[:, None] * design @ inverse
        if not np.abs(beta).max() < 50:
            break
    raise EffectsError("a cut is predicted perfectly by the regressors: the slope there is not finite")
