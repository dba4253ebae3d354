"""Averages of effects by cohort and month, with the uncertainty of the cohort sizes they are weighted by."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.analysis.effects.coding import EffectsError, FloatArray
from helpers.analysis.effects.inference import interval
from helpers.analysis.effects.solving import jackknife_variance

KINDS = ("simple", "dynamic", "group", "calendar")
LongArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GroupTime:
    """Effects of K cells (cohort × month), whole and without each of G regions.

    Attributes
    ----------
    cohort, month, event : int arrays, shape (K,)
        Cohort and month by position, months since the start.
    att : array, shape (K,); without : array, shape (G, K)
        Effects, and the same with one region left out (NaN where it cannot be computed).
    sizes : array, shape (cohorts,); region_sizes : array, shape (G, cohorts)
        Units of each cohort, in all and in each region.
    n_units : int; region_units : array, shape (G,)
        All units, those never treated included.
    n_treated : int array, shape (K,)
        Treated units behind each cell.
    """

    cohort: LongArray
    month: LongArray
    event: LongArray
    att: FloatArray
    without: FloatArray
    sizes: FloatArray
    region_sizes: FloatArray
    n_units: int
    region_units: FloatArray
    n_treated: LongArray
    cohort_labels: tuple[str, ...]
    month_labels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Aggregate:
    """Averages of group-time effects.

    Attributes
    ----------
    kind : str
    att, se, df : float
        The overall value.
    table : DataFrame
        One row a group: its name (``event_time``, ``cohort`` or ``month``; none for "simple"), ``att``, ``se``,
        ``lo``, ``hi``, ``n`` (treated units behind it). Unit: that of the outcome.
    covariance : array
        Of the rows of the table.
    """

    kind: str
    att: float
    se: float
    df: float
    level: float
    table: pd.DataFrame
    covariance: FloatArray

    def conf_int(self, level: float | None = None) -> tuple[float, float]:
        """Interval of the overall value."""
        return interval(self.att, self.se, self.df, self.level if level is None else level)


@dataclass(frozen=True)
class _Group:
    label: Any
    cells: npt.NDArray[np.bool_]


def _groups(gt: GroupTime, kind: str) -> list[_Group]:
    after = gt.event >= 0
    if kind == "simple":
        return [_Group("all", after)]
    if kind == "dynamic":
        return [_Group(int(e), gt.event == e) for e in np.unique(gt.event)]
    if kind == "group":
        return [_Group(gt.cohort_labels[k], after & (gt.cohort == k)) for k in np.unique(gt.cohort[after])]
    return [_Group(gt.month_labels[m], after & (gt.month == m)) for m in np.unique(gt.month[after])]


def _averages(att: FloatArray, sizes: FloatArray, member: FloatArray, cohort: LongArray) -> FloatArray:
    """Averages weighted by cohort size, over the cells that exist; one line a replicate.

    Parameters
    ----------
    att : array, shape (lines, K); sizes : array, shape (lines, cohorts)
    member : array of 0 and 1, shape (groups, K)
    cohort : int array, shape (K,)

    Returns
    -------
    array, shape (lines, groups)
    """
    seen = np.isfinite(att)
    weights = np.where(seen, sizes[:, cohort], 0.0)
    total = weights @ member.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, (weights * np.where(seen, att, 0.0)) @ member.T / total, np.nan)


def _overall(values: FloatArray, sizes: FloatArray, kind: str, groups: list[_Group], cohorts: LongArray) -> FloatArray:
    """Average of the groups, by cohort size for cohorts; one line a replicate."""
    used = _overall_cells(kind, groups)
    weights = sizes[:, cohorts] if kind == "group" else np.ones((len(sizes), len(used)))
    return _averages(values[:, used], weights, np.ones((1, len(used))), np.arange(len(used)))


def _overall_cells(kind: str, groups: list[_Group]) -> npt.NDArray[np.int64]:
    """Positions of the groups that the overall value averages."""
    if kind == "dynamic":
        return np.flatnonzero([group.label >= 0 for group in groups])
    return np.arange(len(groups))


def aggregate_group_time(
    gt: GroupTime, influence: FloatArray | None, kind: str, df: float, level: float = 0.95
) -> Aggregate:
    """Averages by group and over all groups.

    Parameters
    ----------
    gt : GroupTime
    influence : array, shape (G, K), optional
        Influence values of the cells summed by region (their squares add up to the variance); None = jackknife, with
        no standard error where an average cannot be made without one of the regions.
    kind : {"simple", "dynamic", "group", "calendar"}
    df, level : float

    Raises
    ------
    EffectsError
        Unknown kind, or no treated cell.
    """
    if kind not in KINDS:
        raise EffectsError(f"unknown aggregate {kind!r}: one of {', '.join(KINDS)}")
    if not (gt.event >= 0).any():
        raise EffectsError("no treated cell can be compared with controls")
    groups = _groups(gt, kind)
    cohorts = np.unique(gt.cohort[gt.event >= 0])
    member = np.asarray([group.cells for group in groups], dtype=float)
    att, sizes = np.vstack([gt.att, gt.without]), np.vstack([gt.sizes, gt.sizes - gt.region_sizes])
    found = _averages(att, sizes, member, gt.cohort)
    found = np.column_stack([found, _overall(found, sizes, kind, groups, cohorts)])
    values, moved = found[0], found[1:]
    if influence is None:
        covariance = jackknife_variance(values, moved, np.ones(len(moved), dtype=bool))
    else:
        rows = _influence(gt, influence, kind, groups, values[:-1], cohorts)
        covariance = rows.T @ rows
    return _result(gt, kind, groups, values, covariance, df, level)


def _influence(
    gt: GroupTime,
    influence: FloatArray,
    kind: str,
    groups: list[_Group],
    att: FloatArray,
    cohorts: LongArray,
) -> FloatArray:
    """Influence of each region on every average, estimated cohort shares included."""
    columns = [_weighted_influence(gt, influence[:, g.cells], gt.att[g.cells], gt.cohort[g.cells]) for g in groups]
    stacked = np.column_stack(columns)
    if kind == "group":
        overall = _weighted_influence(gt, stacked, att, cohorts)
    else:
        overall = stacked[:, _overall_cells(kind, groups)].mean(axis=1)
    return np.column_stack([stacked, overall])


def _weighted_influence(gt: GroupTime, influence: FloatArray, att: FloatArray, cohort: LongArray) -> FloatArray:
    """Influence of Σ p(cohort) att / Σ p(cohort): of the effects, and of the shares p."""
    share = gt.sizes[cohort] / gt.n_units
    total = share.sum()
    moved = (gt.region_sizes[:, cohort] - gt.region_units[:, None] * share[None, :]) / gt.n_units
    by_share = moved @ att / total - moved.sum(axis=1) * (share @ att) / total**2
    return np.asarray(influence @ (share / total) + by_share)


def _result(
    gt: GroupTime, kind: str, groups: list[_Group], values: FloatArray, covariance: FloatArray, df: float, level: float
) -> Aggregate:
    se = np.sqrt(np.diag(covariance))
    half = interval(0.0, 1.0, df, level)[1] * se
    name = {"simple": "group", "dynamic": "event_time", "group": "cohort", "calendar": "month"}[kind]
    table = pd.DataFrame(
        {
            name: [group.label for group in groups], "att": values[:-1], "se": se[:-1],
            "lo": (values - half)[:-1], "hi": (values + half)[:-1],
            "n": [int(gt.n_treated[group.cells].sum()) for group in groups],
        }
    )  # fmt: skip
    return Aggregate(kind, float(values[-1]), float(se[-1]), df, level, table, covariance[:-1, :-1])
