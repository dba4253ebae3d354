"""The multiplicative model of one stratum: services conditioned out, Newton steps in the month effects alone."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from helpers.analysis.effects.averages import sum_by
from helpers.analysis.effects.coding import BoolArray, EffectsError, FloatArray
from helpers.analysis.effects.solving import Solved, components, solve
from helpers.analysis.effects.sums import BLOCK, Cells, Keys, LongArray, Rows, rows_from

_STEPS = 60
_TOLERANCE = 1e-11


Lines = slice | LongArray
"""Some lines."""


@dataclass(frozen=True)
class Counts:
    """Services of one stratum, or groups of services with the same months when exposure does not differ.

    Attributes
    ----------
    keys : Keys
        Codes; sorted by region first.
    scale : float array, shape (n, T)
        Exposure in baseline months, 0 elsewhere.
    base : float array, shape (n, T)
        Counts in baseline months.
    total : float array, shape (n,)
        Σ of ``base``.
    hit : float array, shape (n, T)
        Exposure × weight in treated months served here, 0 elsewhere.
    level : float array, shape (n, T)
        Counts × weight in treated months.
    count : bool or int array, shape (n, T)
        Treated service-months.
    size : int array, shape (n,)
        Services that the line stands for.
    """

    keys: Keys
    scale: FloatArray
    base: FloatArray
    total: FloatArray
    hit: FloatArray
    level: FloatArray
    count: npt.NDArray[Any]
    size: LongArray


def compress(counts: Counts) -> Counts:
    """Add up services of the same cell with the same baseline and treated months; the likelihood is unchanged.

    *Assumes* exposure and weights of one, so that such services share all their month shares.
    """
    patterns = np.packbits(np.concatenate([counts.scale > 0, counts.hit > 0], axis=1), axis=1)
    code = np.column_stack(
        [counts.keys.cluster, counts.keys.stratum, counts.keys.audit, counts.keys.cohort, patterns.astype(np.int64)]
    )
    order = np.lexsort(code.T[::-1])
    new = np.append(True, (code[order][1:] != code[order][:-1]).any(axis=1))
    starts = np.flatnonzero(new)
    first = order[starts]

    def add(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        dtype = np.int64 if values.dtype.kind == "b" else None
        return np.asarray(np.add.reduceat(values[order], starts, axis=0, dtype=dtype))

    keys = Keys(*(column[first] for column in _columns(counts.keys)))
    return Counts(
        keys, counts.scale[first], add(counts.base), add(counts.total), counts.hit[first], add(counts.level),
        add(counts.count), add(counts.size),
    )  # fmt: skip


def _columns(keys: Keys) -> tuple[npt.NDArray[np.int32], ...]:
    return keys.cluster, keys.stratum, keys.audit, keys.cohort


def shares(counts: Counts, effect: FloatArray, lines: Lines = slice(None)) -> tuple[FloatArray, FloatArray]:
    """Share of each baseline month in the expected counts of some lines, and Σ exposure × exp(effect).

    ``effect`` has shape (T,), or (n, T) when lines differ by more than their exposure.
    """
    mean = counts.scale[lines] * np.exp(effect if effect.ndim == 1 else effect[lines])
    total = mean.sum(axis=1)
    mean /= total[:, None]
    return mean, total


def _moments(counts: Counts, effect: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Σ log of the expected sums, expected counts by month, and Hessian, block by block."""
    steps = counts.base.shape[1]
    logs, expected, hessian = 0.0, np.zeros(steps), np.zeros((steps, steps))
    for begin in range(0, len(counts.total), BLOCK):
        block = slice(begin, begin + BLOCK)
        pi, total = shares(counts, effect, block)
        weighted = pi * counts.total[block, None]
        logs += float(counts.total[block] @ np.log(total))
        expected += weighted.sum(axis=0)
        hessian -= weighted.T @ pi
    return logs, expected, hessian + np.diag(expected)


def without_empty_months(counts: Counts) -> Counts:
    """Take baseline months without a single count out of the baseline: no ratio can be taken to them."""
    empty = ~(counts.base.sum(axis=0) > 0)
    if not (empty & (counts.scale > 0).any(axis=0)).any():
        return counts
    return replace(counts, scale=np.where(empty, 0.0, counts.scale))


def newton(counts: Counts, label: npt.NDArray[np.int32]) -> tuple[FloatArray, int]:
    """Month effects that maximise the conditional Poisson likelihood, first month of a component zero.

    Returns
    -------
    tuple
        Effects, shape (T,), and the number of steps.

    Raises
    ------
    EffectsError
        When the steps do not converge.
    """
    effect = np.zeros(counts.base.shape[1])
    observed = counts.base.sum(axis=0)
    best = -np.inf
    step = np.zeros_like(effect)
    for number in range(1, _STEPS + 1):
        logs, expected, hessian = _moments(counts, effect)
        value = float(observed @ effect) - logs
        if value < best - 1e-9 * abs(best):
            step /= 2
            effect = effect - step
            continue
        best = value
        score = observed - expected
        step = solve(hessian, score, label)
        step = np.clip(step, -5, 5)
        effect = effect + step
        if float(np.abs(step).max()) < _TOLERANCE * max(1.0, float(np.abs(effect).max())):
            return effect - effect[label], number
    raise EffectsError("the month effects of the counts do not converge: are nearly all counts zero?")


def pieces(counts: Counts, effect: FloatArray) -> Cells:
    """Hessian and score by cell at given effects, in the shape of the additive model's cells."""
    code = np.column_stack(_columns(counts.keys)).astype(np.int64)
    if len(code) > 1 and (np.lexsort(code.T[::-1]) != np.arange(len(code))).any():
        raise ValueError("lines must stand in the order of their cells")
    starts = np.append(np.flatnonzero(np.append(True, (code[1:] != code[:-1]).any(axis=1))), len(code))
    total, steps = counts.total, counts.base.shape[1]
    size = len(starts) - 1
    moment, response = np.zeros((size, steps, steps)), np.zeros((size, steps))
    for cell in range(size):
        part = slice(starts[cell], starts[cell + 1])
        pi, _ = shares(counts, effect, part)
        expected = pi * total[part, None]
        moment[cell] -= expected.T @ pi
        moment[cell].flat[:: steps + 1] += expected.sum(axis=0)
        response[cell] = counts.base[part].sum(axis=0) - expected.sum(axis=0)
    key = code[starts[:-1]].astype(np.int32)
    months = np.add.reduceat((counts.scale > 0) * counts.size[:, None], starts[:-1], axis=0)
    units = np.add.reduceat(counts.size, starts[:-1])
    return Cells(key[:, 0], key[:, 1], key[:, 2], key[:, 3], moment, response, units, months)


def predicted_rows(counts: Counts, effect: FloatArray) -> Rows:
    """Treated cells with their imputed means (``base``) and the derivative by the month effects (``slope``)."""
    first = (counts.scale > 0).argmax(axis=1).astype(np.int32)
    chosen = np.flatnonzero(counts.count.any(axis=1))
    growth = np.exp(effect)

    def piece(units: LongArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        pi, total = shares(counts, effect, units)
        mean = counts.hit[units] * growth * (counts.total[units] / total)[:, None]
        return mean, pi, counts.level[units]

    return rows_from(counts.keys, first, chosen, counts.count, piece, counts.size)


def without_each(
    counts: Counts, effect: FloatArray, label: npt.NDArray[np.int32], clusters: int, exact: bool
) -> Solved:
    """Change of the month effects when each region is left out.

    Parameters
    ----------
    counts : Counts
    effect, label : arrays, shape (T,)
        Solution and components on the full sample.
    clusters : int
        Number of regions.
    exact : bool
        Iterate every replicate to the end and impute its means anew; otherwise one Newton step.

    Returns
    -------
    Solved
        ``effect`` is zero and ``effect_without`` the change.
    """
    cells = pieces(counts, effect)
    steps = len(effect)
    label_without = np.broadcast_to(label, (clusters, steps)).copy()
    change = np.zeros((clusters, steps))
    starts = np.flatnonzero(np.append(True, cells.cluster[1:] != cells.cluster[:-1]))
    present = cells.cluster[starts]
    less = cells.moment.sum(axis=0) - np.add.reduceat(cells.moment, starts, axis=0)
    score = cells.response.sum(axis=0) - np.add.reduceat(cells.response, starts, axis=0)
    # months in which the other regions have no count at all cannot be compared without the region
    observed = sum_by(counts.keys.cluster.astype(np.int64), counts.base, clusters)
    some = observed.sum(axis=0) - observed[present] > 1e-9
    label_without[present] = components(np.where(some[:, :, None] & some[:, None, :], less, 0.0))
    step = solve(less, score, label_without[present])
    change[present] = np.clip(step - np.take_along_axis(step, label_without[present], axis=1), -5, 5)
    if not exact:
        return Solved(label, np.zeros(steps), label_without, change)
    rows = predicted_rows(counts, effect)
    base = np.tile(rows.base, (clusters, 1))
    for region in present:
        kept = without_empty_months(_subset(counts, counts.keys.cluster != region))
        if len(kept.total):
            moved, _ = newton(kept, label_without[region])
            base[region] = predicted_rows(counts, moved).base
    return Solved(label, np.zeros(steps), label_without, change, base)


def _subset(counts: Counts, chosen: BoolArray) -> Counts:
    keys = Keys(*(column[chosen] for column in _columns(counts.keys)))
    rest = {name: getattr(counts, name)[chosen] for name in Counts.__dataclass_fields__ if name != "keys"}
    return Counts(keys, **rest)


def links(counts: Counts) -> npt.NDArray[np.int32]:
    """Months linked by services observed untreated in both; months without a single count stand alone."""
    mask = (without_empty_months(counts).scale > 0).astype(np.float64)
    return components(mask.T @ mask)
