"""Averages over treated cells, whole and without each region, for any grouping of the cells."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers.analysis.effects.coding import FloatArray, IntArray
from helpers.analysis.effects.solving import Solved
from helpers.analysis.effects.strata import Stratum
from helpers.analysis.effects.sums import LongArray, Rows, event_of

Grouping = Callable[[Rows], IntArray]
"""Group number of every row, −1 for rows outside."""


@dataclass(frozen=True)
class Totals:
    """Sums over treated cells by group.

    Attributes
    ----------
    level, base, shift, weight : float arrays, shape (groups,) or (G, groups)
        Σ level, Σ base, Σ slope @ month effects, Σ weight of the rows.
    """

    level: FloatArray
    base: FloatArray
    shift: FloatArray
    weight: FloatArray


@dataclass(frozen=True)
class Averages:
    """Effects by group.

    Attributes
    ----------
    value : float array, shape (groups,)
    without : float array, shape (G, groups)
        The same without each region.
    count, services : int arrays, shape (groups,)
        Treated service-months and services.
    regions : int array, shape (groups,)
        Regions with a treated cell in the group.
    """

    value: FloatArray
    without: FloatArray
    count: LongArray
    services: LongArray
    regions: LongArray


def everything(rows: Rows) -> IntArray:
    """All rows in one group."""
    return np.zeros(len(rows.month), dtype=np.int32)


def by_event(times: LongArray, events: LongArray) -> Grouping:
    """Rows by steps since treatment."""

    def group(rows: Rows) -> IntArray:
        return _position(event_of(rows.cohort, rows.month, times), events)

    return group


def by_code(name: str, codes: LongArray) -> Grouping:
    """Rows by a code they carry: cluster, stratum, cohort or month."""

    def group(rows: Rows) -> IntArray:
        return _position(getattr(rows, name), codes)

    return group


def _position(values: IntArray, codes: LongArray) -> IntArray:
    where = np.searchsorted(codes, values).clip(0, max(len(codes) - 1, 0))
    return np.where(codes[where] == values, where, -1).astype(np.int32)


def sum_by(group: LongArray, values: npt.NDArray[np.generic], size: int) -> FloatArray:
    """Sum values (first axis) by group number."""
    out = np.zeros((size, *values.shape[1:]))
    if len(group):
        order = np.argsort(group, kind="stable")
        ordered = group[order]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        out[ordered[starts]] = np.add.reduceat(values[order], starts, axis=0)
    return out


def totals(
    strata: tuple[Stratum, ...], solved: tuple[Solved, ...], grouping: Grouping, groups: int, clusters: int
) -> tuple[Totals, Totals]:
    """Sums by group on the full sample, and without each region.

    Parameters
    ----------
    strata, solved : tuples
        Treated cells and month effects, stratum by stratum.
    grouping : callable
        Group of every row.
    groups, clusters : int
        Number of groups and of regions.

    Returns
    -------
    tuple of Totals
        Shapes (groups,) and (G, groups). A treated month that leaves its services' component when a region is left
        out is left out too.
    """
    names = ("level", "base", "shift", "weight")
    whole = {name: np.zeros(groups) for name in names}
    without = {name: np.zeros((clusters, groups)) for name in names}
    for stratum, effects in zip(strata, solved, strict=True):
        group = grouping(stratum.rows)
        used = np.flatnonzero(group >= 0)
        rows, codes = stratum.rows.take(used), group[used].astype(np.int64)
        key = rows.cluster.astype(np.int64) * groups + codes
        part = {
            name: sum_by(key, getattr(rows, name), clusters * groups).reshape(clusters, groups)
            for name in ("level", "base", "weight")
        }
        for name, value in part.items():
            total = value.sum(axis=0)
            whole[name] += total
            without[name] += total - value
        if effects.base_without is None:
            slope = sum_by(key, rows.slope, clusters * groups).reshape(clusters, groups, -1)
            total_slope = slope.sum(axis=0)
            whole["shift"] += total_slope @ effects.effect
            without["shift"] += effects.effect_without @ total_slope.T
            without["shift"] -= np.einsum("rgt,rt->rg", slope, effects.effect_without)
        else:
            without["shift"] += _exact_shift(rows, codes, effects.base_without[:, used], groups)
        _drop_unlinked(rows, codes, effects, used, without)
    return Totals(**whole), Totals(**without)


def _exact_shift(rows: Rows, group: LongArray, base: FloatArray, groups: int) -> FloatArray:
    """Change of the imputed means of the other regions when a region is left out."""
    moved = (base - rows.base) * (np.arange(len(base))[:, None] != rows.cluster[None, :])
    return np.stack([np.bincount(group, weights=line, minlength=groups) for line in moved])


def _drop_unlinked(
    rows: Rows, group: LongArray, effects: Solved, used: LongArray, without: dict[str, FloatArray]
) -> None:
    """Take out of each replicate the rows that its remaining services no longer link to their baseline."""
    for region in np.flatnonzero((effects.label_without != effects.label).any(axis=1)):
        label = effects.label_without[region]
        lost = (rows.cluster != region) & (label[rows.month] != label[rows.first])
        if not lost.any():
            continue
        groups = without["level"].shape[1]
        shift = rows.slope[lost] @ effects.effect_without[region]
        if effects.base_without is not None:
            shift = effects.base_without[region, used[lost]] - rows.base[lost]
        for name, value in (
            ("level", rows.level[lost]),
            ("base", rows.base[lost]),
            ("weight", rows.weight[lost]),
            ("shift", shift),
        ):
            without[name][region] -= np.bincount(group[lost], weights=value, minlength=groups)


def counts(strata: tuple[Stratum, ...], grouping: Grouping, groups: int) -> tuple[LongArray, LongArray, LongArray]:
    """Treated service-months, services and regions by group."""
    months = np.zeros(groups, dtype=np.int64)
    services = np.zeros(groups, dtype=np.int64)
    regions: list[LongArray] = []
    for stratum in strata:
        rows = stratum.rows
        group = grouping(rows).astype(np.int64)
        used = group >= 0
        months += np.bincount(group[used], weights=rows.count[used], minlength=groups).astype(np.int64)
        once = np.unique(group[used] * (len(rows.cell_units) + 1) + rows.cell[used])
        of_group, cell = np.divmod(once, len(rows.cell_units) + 1)
        services += np.bincount(of_group, weights=rows.cell_units[cell], minlength=groups).astype(np.int64)
        regions.append(np.unique(rows.cluster[used].astype(np.int64) * groups + group[used]))
    distinct = np.unique(np.concatenate(regions)) % groups if regions else np.zeros(0, dtype=np.int64)
    return months, services, np.bincount(distinct, minlength=groups).astype(np.int64)
