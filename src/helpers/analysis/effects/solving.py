"""Month effects from their normal equations, which of them are linked at all, and the same without one region."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers.analysis.effects.coding import FloatArray, IntArray

_LINK = 1e-9
"""Off-diagonal sums smaller than this are rounding: a service with T untreated months adds at least 1/T."""


def components(moment: FloatArray) -> IntArray:
    """Which months are linked by services observed untreated in both.

    Parameters
    ----------
    moment : float array, shape (..., T, T)
        Normal equations; an entry off the diagonal is non-zero when some service links the two months.

    Returns
    -------
    int array, shape (..., T)
        Number of the first month of the component; months of different components cannot be compared.
    """
    steps = moment.shape[-1]
    linked = np.abs(moment) > _LINK
    linked |= np.eye(steps, dtype=bool)
    label = np.broadcast_to(np.arange(steps, dtype=np.int32), moment.shape[:-1])
    while True:
        spread = np.where(linked, label[..., None, :], steps).min(axis=-1).astype(np.int32)
        if np.array_equal(spread, label):
            return spread
        label = spread


def month_effects(moment: FloatArray, response: FloatArray, label: IntArray) -> FloatArray:
    """Solve for month effects, the first month of every component being zero.

    Parameters
    ----------
    moment, response : float arrays, shapes (..., T, T) and (..., T)
        Normal equations.
    label : int array, shape (..., T)
        Components, from :func:`components`.

    Returns
    -------
    float array, shape (..., T)
    """
    solution = solve(moment, response, label)
    return solution - np.take_along_axis(solution, label, axis=-1)


def solve(moment: FloatArray, response: FloatArray, label: IntArray) -> FloatArray:
    """Solve singular normal equations, the effects of every component adding up to zero.

    ``response`` may have a further last axis of several right-hand sides.
    """
    scale = np.maximum(np.trace(moment, axis1=-2, axis2=-1) / moment.shape[-1], 1.0)[..., None, None]
    same = label[..., :, None] == label[..., None, :]
    full = moment + scale * same
    several = response.ndim == moment.ndim
    right = response if several else response[..., None]
    solution = np.linalg.solve(full, right)
    return solution if several else solution[..., 0]


@dataclass(frozen=True)
class Solved:
    """Month effects of one stratum, whole and without each region.

    Attributes
    ----------
    label, effect : arrays, shape (T,)
        Components and month effects on the full sample.
    label_without, effect_without : arrays, shape (G, T)
        The same without each region.
    base_without : array, shape (G, R), optional
        Multiplicative model with few regions: imputed means of the stratum's rows without each region, exactly; then
        the effects play no part.
    """

    label: IntArray
    effect: FloatArray
    label_without: IntArray
    effect_without: FloatArray
    base_without: FloatArray | None = None


def leave_one_out(moment: FloatArray, response: FloatArray, cluster: IntArray, clusters: int) -> Solved:
    """Month effects of one stratum, whole and without each region.

    Parameters
    ----------
    moment, response : float arrays, shapes (C, T, T) and (C, T)
        Cells of the stratum.
    cluster : int array, shape (C,)
        Region of each cell, sorted.
    clusters : int
        Number of regions of the panel.

    Returns
    -------
    Solved
        Regions without a cell keep the full solution.
    """
    steps = moment.shape[-1]
    total, sum_ = moment.sum(axis=0), response.sum(axis=0)
    label = components(total)
    effect = month_effects(total, sum_, label)
    label_without = np.broadcast_to(label, (clusters, steps)).copy()
    effect_without = np.broadcast_to(effect, (clusters, steps)).copy()
    if len(cluster):
        starts = np.flatnonzero(np.append(True, cluster[1:] != cluster[:-1]))
        present = cluster[starts]
        less = total - np.add.reduceat(moment, starts, axis=0)
        less_response = sum_ - np.add.reduceat(response, starts, axis=0)
        label_without[present] = components(less)
        effect_without[present] = month_effects(less, less_response, label_without[present])
    return Solved(label, effect, label_without, effect_without)


def jackknife_variance(whole: FloatArray, without: FloatArray, contributing: npt.NDArray[np.bool_]) -> FloatArray:
    """CRV3 variance (G−1)/G Σ (θ without the region − θ)², of one value or of several at once.

    Parameters
    ----------
    whole : float array, shape (k,)
        Estimates on the full sample.
    without : float array, shape (G, k)
        Estimates without each region.
    contributing : bool array, shape (G,)
        Regions that have any observation in the estimate.

    Returns
    -------
    float array, shape (k, k)
        NaN where an estimate cannot be made without one of the regions.
    """
    moved = without[contributing] - whole
    regions = len(moved)
    if regions < 2:
        return np.full((len(whole), len(whole)), np.nan)
    return np.asarray((regions - 1) / regions * (moved.T @ moved))
