"""Callaway–Sant'Anna, cell by cell: which months and cohorts are compared, and the sums that all cells come from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from helpers.analysis.effects.building import Drop
from helpers.analysis.effects.coding import NEVER, EffectsError, FloatArray, IntArray, month_label
from helpers.analysis.effects.group_time import GroupTime
from helpers.analysis.effects.panel import Panel

if TYPE_CHECKING:
    from helpers.analysis.effects.callaway_santanna import CallawaySantAnna


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Cohorts with a base month, by position in time; ``base[k, t]`` is −1 where the cell is not estimated."""

    cohorts: IntArray
    starts: IntArray
    base: IntArray
    code: IntArray
    sizes: IntArray
    drops: tuple[Drop, ...]
    reference: int | None


def compare(panel: Panel, estimator: "CallawaySantAnna") -> Comparisons:
    """Base month of every cohort and month; cohorts without one are dropped and counted."""
    in_sample = (panel.cohort != NEVER) & (panel.cohort <= panel.times[-1])
    cohorts = np.unique(panel.cohort[in_sample])
    starts = np.searchsorted(panel.times, cohorts).astype(np.int32)
    code = np.full(panel.n_units, len(cohorts), dtype=np.int32)  # never, or after the last month
    code[in_sample] = np.searchsorted(cohorts, panel.cohort[in_sample])
    first = _base_positions(panel, estimator, code, starts)
    drops, months = [], np.arange(panel.n_times)
    base = np.full((len(cohorts), panel.n_times), -1, dtype=np.int32)
    for k, start in enumerate(starts):
        if first[k] < 0:
            units = code == k
            drops.append(
                Drop(
                    f"cohort {month_label(int(cohorts[k]))}: no month before its audit window",
                    int(panel.observed[units].sum()),
                    int(units.sum()),
                )
            )
            continue
        base[k] = first[k]
        if estimator.base == "varying":
            early = months < start - estimator.anticipation
            base[k, early] = months[early] - 1
    used = first >= 0
    gaps = np.unique(first[used] - starts[used])
    same = estimator.base != "varying" and len(gaps) == 1
    sizes = np.bincount(code, minlength=len(cohorts) + 1).astype(np.int32)
    return Comparisons(cohorts, starts, base, code, sizes, tuple(drops), int(gaps[0]) if same else None)


def _base_positions(panel: Panel, estimator: "CallawaySantAnna", code: IntArray, starts: IntArray) -> IntArray:
    """Position of the base month of each cohort, negative when there is none."""
    last = starts - 1 - estimator.anticipation
    if estimator.base in ("g-1", "varying"):
        return last
    before = last.copy()
    for k in range(len(starts)):
        dates = panel.audit_code[(code == k) & (panel.audit_code >= 0)]
        if len(dates):  # audit windows after the start do not matter
            before[k] = min(before[k], int(dates.min()) - 1)
    if estimator.base == "universal":
        before = starts + (before - starts).min()
    return before


class ChangeSums:
    """Sums of changes since a base month, and their counts, by region × cohort × month.

    Units seen in every month need their sums once: a change since any month is a difference of two sums. The others
    take one pass a base month.
    """

    def __init__(self, panel: Panel, y: FloatArray, plan: Comparisons) -> None:
        width = len(plan.cohorts) + 1
        self.shape = (panel.n_clusters, width, panel.n_times)
        self.cell = panel.cluster_code.astype(np.int64) * width + plan.code
        whole = np.isfinite(y @ np.ones(panel.n_times))
        self.level = self._add(whole, y if whole.all() else y[whole])
        self.size = np.bincount(self.cell[whole], minlength=self.shape[0] * width).reshape(*self.shape[:2], 1)
        self.rest = ~whole
        self.y = y[self.rest]
        self.cache: dict[int, tuple[FloatArray, FloatArray]] = {}

    def _add(self, units: npt.NDArray[np.bool_], values: FloatArray) -> FloatArray:
        """Sum values, one line each of ``units``, by region × cohort."""
        lines = np.arange(len(values))
        size = (self.shape[0] * self.shape[1], len(lines))
        adder = sparse.csr_array((np.ones(len(lines)), (self.cell[units], lines)), shape=size)
        return np.asarray(adder @ values).reshape(self.shape)

    def since(self, base: int) -> tuple[FloatArray, FloatArray]:
        """Sums and counts of Y − Y in month ``base``; base −1: of first differences."""
        if base not in self.cache:
            total = self.level - self._earlier(self.level, base)
            count = np.repeat(self.size.astype(np.float64), self.shape[2], axis=2)
            if base < 0:
                total[..., 0] = count[..., 0] = 0.0
            if len(self.y):
                change = self.y - self._earlier(self.y, base)
                if base < 0:
                    change[:, 0] = np.nan
                seen = np.isfinite(change)
                total += self._add(self.rest, np.where(seen, change, 0.0))
                count += self._add(self.rest, seen.astype(np.float64))
            self.cache[base] = total, count
        return self.cache[base]

    @staticmethod
    def _earlier(values: FloatArray, base: int) -> FloatArray:
        return values[..., [base]] if base >= 0 else np.roll(values, 1, axis=-1)

    def of_cohort(self, base: IntArray, step_by_step: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
        """The same for one cohort: months of ``step_by_step`` since the month before, others since their base."""
        total, count = self.since(int(base[~step_by_step][0]) if not step_by_step.all() else -1)
        if step_by_step.any() and not step_by_step.all():
            steps, counts = self.since(-1)
            total, count = np.where(step_by_step, steps, total), np.where(step_by_step, counts, count)
        return total, count


def _controls(plan: Comparisons, k: int, estimator: "CallawaySantAnna") -> FloatArray:
    """Which cohorts serve as controls of cohort ``k`` in each month, as 0 and 1; shape (T, cohorts + 1).

    The last column are services never optimised.
    """
    months = np.arange(plan.base.shape[1])
    chosen = np.zeros((len(months), len(plan.cohorts) + 1))
    chosen[:, -1] = 1.0
    if estimator.control == "not_yet_treated":
        latest = np.maximum(months, plan.base[k]) + estimator.anticipation
        chosen[:, :-1] = plan.starts[None, :] > latest[:, None]
        chosen[:, k] = 0.0
    return chosen


@dataclass(frozen=True)
class _Cells:
    """One entry a cell: cohort, month, base, counts, estimate; and without each region, or influence by region."""

    key: IntArray
    count: FloatArray
    att: FloatArray
    without: FloatArray
    influence: FloatArray | None


def _cohort_cells(plan: Comparisons, sums: ChangeSums, k: int, estimator: "CallawaySantAnna") -> _Cells:
    """All months of one cohort at once."""
    base = plan.base[k]
    months = np.arange(len(base))
    early = (base == months - 1) & (estimator.base == "varying")
    total, count = sums.of_cohort(base, early)
    chosen = _controls(plan, k, estimator)
    top1, low1 = total[:, k], count[:, k]
    top0, low0 = np.einsum("gct,tc->gt", total, chosen), np.einsum("gct,tc->gt", count, chosen)
    size = np.stack([low1.sum(axis=0), low0.sum(axis=0)], axis=1)
    kept = np.flatnonzero((base >= 0) & (size > 0.5).all(axis=1))
    top1, low1, top0, low0, size = top1[:, kept], low1[:, kept], top0[:, kept], low0[:, kept], size[kept]
    mean1, mean0 = top1.sum(axis=0) / size[:, 0], top0.sum(axis=0) / size[:, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        without = (top1.sum(axis=0) - top1) / (size[:, 0] - low1) - (top0.sum(axis=0) - top0) / (size[:, 1] - low0)
    influence = None
    if estimator.vcov == "analytic":
        influence = (top1 - low1 * mean1) / size[:, 0] - (top0 - low0 * mean0) / size[:, 1]
    key = np.stack([np.full(len(kept), k), kept, base[kept]], axis=1).astype(np.int32)
    return _Cells(key, size, mean1 - mean0, without, influence)


def estimate(
    panel: Panel, plan: Comparisons, sums: ChangeSums, estimator: "CallawaySantAnna"
) -> tuple[pd.DataFrame, GroupTime, FloatArray | None]:
    """Effects of all cohorts in all months: as a table, with their replicates, and their influence by region.

    Raises
    ------
    EffectsError
        No cohort with a base month and controls.
    """
    parts = [_cohort_cells(plan, sums, k, estimator) for k in range(len(plan.base)) if plan.base[k].max() >= 0]
    if not sum(len(part.att) for part in parts):
        raise EffectsError("no cohort has a base month, a later month and controls in both")
    cohort, month, base = np.concatenate([part.key for part in parts]).astype(np.int64).T
    size = np.concatenate([part.count for part in parts]).astype(np.int64)
    event = (panel.times[month] - plan.cohorts[cohort]).astype(np.int64)
    width = len(plan.cohorts) + 1
    region_sizes = np.bincount(sums.cell, minlength=panel.n_clusters * width).reshape(-1, width).astype(np.float64)
    group_time = GroupTime(
        cohort, month, event, np.concatenate([part.att for part in parts]),
        np.concatenate([part.without for part in parts], axis=1), plan.sizes[:-1].astype(float), region_sizes[:, :-1],
        panel.n_units, region_sizes.sum(axis=1), size[:, 0], tuple(month_label(int(g)) for g in plan.cohorts),
        tuple(panel.time_labels),
    )  # fmt: skip
    influences = [part.influence for part in parts if part.influence is not None]
    months = np.asarray(group_time.month_labels, dtype=object)
    cells = pd.DataFrame(
        {
            "cohort": np.asarray(group_time.cohort_labels, dtype=object)[cohort], "month": months[month],
            "base": months[base], "event_time": event, "att": group_time.att, "n_treated": size[:, 0],
            "n_control": size[:, 1],
        }
    )  # fmt: skip
    return cells, group_time, np.concatenate(influences, axis=1) if influences else None
