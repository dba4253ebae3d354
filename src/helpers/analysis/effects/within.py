"""Regressions on indicators of cohort and month, from the same cells: leads, trends and two-way fixed effects."""

from collections.abc import Callable

import numpy as np

from helpers.analysis.effects.averages import sum_by
from helpers.analysis.effects.coding import BoolArray, FloatArray
from helpers.analysis.effects.solving import components, solve
from helpers.analysis.effects.sums import Cells

_SINGULAR = 1e-9
"""Share of a regressor's variation that month effects must leave for it to be identified."""

Design = Callable[[Cells, BoolArray], FloatArray]
"""Regressors of the cells, shape (C, T, q): value for the units of the cell in each month."""


def normal_equations(cells: Cells, columns: FloatArray, clusters: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Equations of the regressors with the month effects profiled out, whole (first) and without each region.

    Parameters
    ----------
    cells : Cells
        One stratum.
    columns : float array, shape (C, T, q)
        Regressors.
    clusters : int
        Number of regions.

    Returns
    -------
    tuple of float arrays, shapes (1 + G, q, q), (1 + G, q) and (1 + G, q)
        The last one holds the regressors' sums of squares before the month effects are taken out: what remains is
        judged against them.
    """
    q, steps = columns.shape[2], columns.shape[1]
    where = cells.cluster.astype(np.int64)
    product = cells.moment @ columns
    pieces = {
        "mm": cells.moment,
        "mx": product,
        "xx": np.swapaxes(columns, 1, 2) @ product,
        "my": cells.response,
        "xy": np.einsum("ctq,ct->cq", columns, cells.response),
    }
    stacked: dict[str, FloatArray] = {}
    for name, value in pieces.items():
        by_region = sum_by(where, value, clusters)
        total = by_region.sum(axis=0)
        stacked[name] = np.concatenate([total[None], total - by_region])
    label = components(stacked["mm"])
    right = np.concatenate([stacked["mx"], stacked["my"][..., None]], axis=2)
    solution = solve(stacked["mm"], right, label) if steps else right
    across = np.swapaxes(stacked["mx"], 1, 2)
    left = stacked["xx"] - across @ solution[..., :q]
    return left, stacked["xy"] - (across @ solution[..., q:])[..., 0], np.einsum("gqq->gq", stacked["xx"])


def solve_regressors(left: FloatArray, right: FloatArray, size: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coefficients, whole and without each region; NaN where they are not identified.

    Parameters
    ----------
    left, right, size : float arrays, shapes (1 + G, q, q), (1 + G, q) and (1 + G, q)
        From :func:`normal_equations`, added up over strata.

    Returns
    -------
    tuple of float arrays, shapes (q,) and (G, q)
    """
    scaled, safe = _scaled(left, size)
    ok = (np.linalg.eigvalsh(scaled)[:, 0] > _SINGULAR) & (size > 0).all(axis=1)
    beta = np.full(right.shape, np.nan)
    if ok.any():
        beta[ok] = np.linalg.solve(scaled[ok], (right / safe)[ok][..., None])[..., 0] / safe[ok]
    return beta[0], beta[1:]


def identified(left: FloatArray, size: FloatArray) -> bool:
    """Whether the whole sample identifies every regressor."""
    scaled, _ = _scaled(left[:1], size[:1])
    return bool((size[0] > 0).all() and np.linalg.eigvalsh(scaled)[0, 0] > _SINGULAR)


def _scaled(left: FloatArray, size: FloatArray) -> tuple[FloatArray, FloatArray]:
    safe = np.sqrt(np.where(size > 0, size, 1.0))
    return left / safe[:, :, None] / safe[:, None, :], safe
