"""One pass over the panel: everything that imputation needs, as sums by region, stratum and cohort.

Month effects are never estimated from a matrix with a column for each service. Services are conditioned out one by
one, and what remains is added up in *cells* (region × stratum × audit date × cohort). Cells are additive, so a panel
may come in pieces, and leaving one region out is a subtraction.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from helpers.analysis.effects.coding import NEVER, FloatArray, IntArray

LongArray = npt.NDArray[np.int64]

BLOCK = 8_192
"""Units taken at a time: bounds the working memory, changes no result beyond rounding."""


@dataclass(frozen=True)
class Cells:
    """Normal equations of the month effects by region × stratum × audit date × cohort.

    Attributes
    ----------
    cluster, stratum, audit, cohort : int arrays, shape (C,)
        Key of the cell; ``audit`` is the position of the audit date, ``cohort`` a number of time.
    moment : float array, shape (C, T, T)
        Σ diag(U) − UU'/n over the units of the cell.
    response : float array, shape (C, T)
        Σ U∘(Y − mean of Y over U).
    units : int array, shape (C,)
        Units with at least one untreated month.
    months : int array, shape (C, T)
        Untreated service-months by month.
    """

    cluster: IntArray
    stratum: IntArray
    audit: IntArray
    cohort: IntArray
    moment: FloatArray
    response: FloatArray
    units: LongArray
    months: LongArray

    def take(self, chosen: LongArray) -> "Cells":
        """The chosen cells."""
        names = ("cluster", "stratum", "audit", "cohort", "moment", "response", "units", "months")
        return Cells(**{name: getattr(self, name)[chosen] for name in names})


@dataclass(frozen=True)
class Rows:
    """Treated cells by month: what is averaged into an effect.

    A row belongs to the units of one region × stratum × audit date × cohort × first untreated month, in one treated
    month. Its sum of effects is ``level − slope @ month_effects``.

    Attributes
    ----------
    cell : int array, shape (R,)
        Which units the row belongs to (index into ``cell_units``).
    cluster, stratum, audit, cohort, first, month : int arrays, shape (R,)
        Key; ``first`` and ``month`` are positions in time.
    level : float array, shape (R,)
        Σ P(Y − mean of Y over U); in the multiplicative model Σ PY.
    base : float array, shape (R,)
        In the multiplicative model Σ of the imputed mean, else zero.
    slope : float array, shape (R, T)
        Σ diag(P) − P U'/n, the row of the month.
    weight : float array, shape (R,)
        Σ P, weighted.
    count : int array, shape (R,)
        Treated service-months.
    cell_units : int array
        Units of each ``cell``.
    """

    cell: IntArray
    cluster: IntArray
    stratum: IntArray
    audit: IntArray
    cohort: IntArray
    first: IntArray
    month: IntArray
    level: FloatArray
    base: FloatArray
    slope: FloatArray
    weight: FloatArray
    count: LongArray
    cell_units: LongArray

    def take(self, chosen: npt.NDArray[np.bool_] | IntArray | LongArray) -> "Rows":
        """The chosen rows."""
        values = {name: getattr(self, name)[chosen] for name in self.__dataclass_fields__ if name != "cell_units"}
        return Rows(**values, cell_units=self.cell_units)


@dataclass(frozen=True)
class Keys:
    """Codes of the units, one entry a unit."""

    cluster: IntArray
    stratum: IntArray
    audit: IntArray
    cohort: IntArray


@dataclass(frozen=True)
class _Groups:
    """Units in the order of their group, with the key of each group and where it starts."""

    order: LongArray
    starts: LongArray
    key: LongArray

    def blocks(self) -> Iterator[tuple[int, int]]:
        """First and last group of each block of about ``BLOCK`` units."""
        begin = 0
        while begin < len(self.starts) - 1:
            end = int(np.searchsorted(self.starts, self.starts[begin] + BLOCK, side="right")) - 1
            end = max(end, begin + 1)
            yield begin, end
            begin = end


def _group(columns: list[npt.NDArray[np.integer]], chosen: LongArray) -> _Groups:
    """Units of ``chosen`` grouped by several codes, groups in the order of the codes."""
    order = chosen
    if len(chosen):
        order = chosen[np.lexsort([column[chosen] for column in reversed(columns)])]
    table = np.column_stack([column[order].astype(np.int64) for column in columns])
    new = np.ones(len(order), dtype=bool)
    if len(order):
        new[1:] = (table[1:] != table[:-1]).any(axis=1)
    starts = np.append(np.flatnonzero(new), len(order)).astype(np.int64)
    return _Groups(order, starts, table[starts[:-1]])


def cell_sums(y: FloatArray, untreated: npt.NDArray[np.bool_], keys: Keys) -> Cells:
    """Normal equations of the month effects, by cell.

    Parameters
    ----------
    y : float array, shape (N, T)
        Outcome; read where ``untreated`` only.
    untreated : bool array, shape (N, T)
        U: months that inform the month effects.
    keys : Keys
        Codes of the units.

    Returns
    -------
    Cells
    """
    steps = y.shape[1]
    usable = np.flatnonzero(untreated.any(axis=1))
    groups = _group([keys.cluster, keys.stratum, keys.audit, keys.cohort], usable)
    cells = len(groups.key)
    moment = np.zeros((cells, steps, steps))
    response = np.zeros((cells, steps))
    months = np.zeros((cells, steps), dtype=np.int64)
    for begin, end in groups.blocks():
        begins = groups.starts[begin : end + 1]
        units = groups.order[begins[0] : begins[-1]]
        local = begins - begins[0]
        mask = untreated[units]
        share = mask / mask.sum(axis=1, keepdims=True)
        centred = np.where(mask, y[units], 0.0)
        centred -= mask * centred.sum(axis=1, keepdims=True) / mask.sum(axis=1, keepdims=True)
        response[begin:end] = np.add.reduceat(centred, local[:-1], axis=0)
        totals = np.add.reduceat(mask, local[:-1], axis=0, dtype=np.int64)
        months[begin:end] = totals
        real = mask.astype(np.float64)
        for group in range(begin, end):
            part = slice(local[group - begin], local[group - begin + 1])
            moment[group] -= share[part].T @ real[part]
            moment[group].flat[:: steps + 1] += totals[group - begin]
    key = groups.key.astype(np.int32)
    return Cells(key[:, 0], key[:, 1], key[:, 2], key[:, 3], moment, response, np.diff(groups.starts), months)


def treated_rows(
    keys: Keys,
    treated: npt.NDArray[np.bool_],
    baseline: npt.NDArray[np.bool_],
    y: FloatArray,
    weights: FloatArray | None = None,
) -> Rows:
    """Sums over treated months against each unit's own baseline, by cell and month.

    Parameters
    ----------
    keys : Keys
        Codes of the units.
    treated : bool array, shape (N, T)
        P; units without a baseline month must have none.
    baseline : bool array, shape (N, T)
        U, or the months of a before/after comparison.
    y : float array, shape (N, T)
        Outcome.
    weights : float array, shape (N, T), optional
        Weights of the treated months; default 1.

    Returns
    -------
    Rows
    """
    first = baseline.argmax(axis=1).astype(np.int32)
    chosen = np.flatnonzero(treated.any(axis=1))

    def piece(units: LongArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        base, hit = baseline[units], treated[units]
        share = base / base.sum(axis=1, keepdims=True)
        mean = (np.where(base, y[units], 0.0)).sum(axis=1, keepdims=True) / base.sum(axis=1, keepdims=True)
        weight = hit.astype(np.float64) if weights is None else np.where(hit, weights[units], 0.0)
        return weight, share, weight * (np.where(hit, y[units], 0.0) - mean)

    return rows_from(keys, first, chosen, treated, piece)


Piece = Callable[[LongArray], tuple[FloatArray, FloatArray, FloatArray]]
"""For some units: weight of each treated month, share of each baseline month, level of each treated month."""


def rows_from(
    keys: Keys,
    first: IntArray,
    chosen: LongArray,
    count: npt.NDArray[np.generic],
    piece: Piece,
    size: LongArray | None = None,
) -> Rows:
    """Rows from a function of units.

    Parameters
    ----------
    keys, first
        Codes of the units and their first baseline month.
    chosen : int array
        Units with a treated month.
    count : bool or int array, shape (N, T)
        Treated service-months.
    piece : callable
        Weight, baseline share and level of some units.
    size : int array, shape (N,), optional
        Services that a unit stands for; then ``base`` of the rows is their weight (the multiplicative model).
    """
    steps = count.shape[1]
    groups = _group([keys.cluster, keys.stratum, keys.audit, keys.cohort, first], chosen)
    whole: list[tuple[LongArray, ...]] = []
    real: list[tuple[FloatArray, ...]] = []
    for begin, end in groups.blocks():
        begins = groups.starts[begin : end + 1]
        units = groups.order[begins[0] : begins[-1]]
        local = begins - begins[0]
        weight, share, level = piece(units)
        counts = np.add.reduceat(count[units], local[:-1], axis=0, dtype=np.int64)
        weights = np.add.reduceat(weight, local[:-1], axis=0)
        levels = np.add.reduceat(level, local[:-1], axis=0)
        for group in range(begin, end):
            part = slice(local[group - begin], local[group - begin + 1])
            months = np.flatnonzero(counts[group - begin])
            slope = -(weight[part][:, months].T @ share[part])
            slope[np.arange(len(months)), months] += weights[group - begin, months]
            whole.append((np.full(len(months), group), months, counts[group - begin, months]))
            real.append((levels[group - begin, months], slope, weights[group - begin, months]))
    cell, month, count_ = (_join([part[i] for part in whole], np.zeros(0, dtype=np.int64)) for i in range(3))
    empty = (np.zeros(0), np.zeros((0, steps)), np.zeros(0))
    level, slope, weight = (_join([part[i] for part in real], empty[i]) for i in range(3))
    key = groups.key.astype(np.int32).reshape(-1, 5)[cell]
    base = np.zeros(len(cell)) if size is None else weight
    units_of = np.diff(groups.starts)
    if size is not None and len(groups.order):
        units_of = np.add.reduceat(size[groups.order], groups.starts[:-1])
    return Rows(
        cell.astype(np.int32), key[:, 0], key[:, 1], key[:, 2], key[:, 3], key[:, 4], month.astype(np.int32),
        level, base, slope, weight, count_, units_of,
    )  # fmt: skip


def _join(parts: list[npt.NDArray[Any]], empty: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else empty


def event_of(cohort: IntArray, month: IntArray, times: LongArray) -> IntArray:
    """Steps since the first treated one, for positions in time."""
    return np.where(cohort == NEVER, NEVER, times[month] - cohort).astype(np.int32)
