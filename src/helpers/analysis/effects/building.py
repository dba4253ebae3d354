"""Reads the columns of one frame into the arrays of a panel, and refuses what no estimator could use."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.analysis.effects.coding import (
    NEVER,
    BoolArray,
    EffectsError,
    IntArray,
    code,
    cohort_number,
    constant_by_unit,
    month_label,
    period_number,
)

LongArray = npt.NDArray[np.int64]
Group = tuple[IntArray, npt.NDArray[Any]]


@dataclass(frozen=True)
class Drop:
    """Rows left out, how many, of how many units, and why."""

    reason: str
    rows: int
    units: int


class Builder:
    """Codes the columns of one frame in the order in which their mistakes are best explained."""

    def __init__(self, df: pd.DataFrame, names: dict[str, Any]) -> None:
        self.df, self.names = df, names
        self.drops: list[Drop] = []

    def run(self) -> dict[str, Any]:
        """Arrays of the panel by name of its attribute."""
        df, names = self.df, self.names
        unit, time = code(df, names["unit"]), code(df, names["time"])
        for what, coded in (("unit", unit), ("time", time)):
            if (coded.codes < 0).any():
                raise EffectsError(f"{what} is missing in {int((coded.codes < 0).sum())} rows")
        times, time_code = self._times(time.labels, time.codes)
        shape = (len(unit.labels), len(times))
        position = unit.codes.astype(np.int64) * shape[1] + time_code
        observed = self._observed(position, shape, unit.labels, times)
        first = np.zeros(shape[0], dtype=np.int64)
        first[unit.codes[::-1]] = np.arange(len(df) - 1, -1, -1)
        cohort = self._cohort(unit.codes, first, shape[0], position, times)
        keep = self._not_always_treated(cohort, times, observed)
        cluster = self._constant("cluster", unit.codes, first, shape[0])
        stratum = self._constant("strata", unit.codes, first, shape[0])
        audit = self._audit(position, shape)
        kept_units = np.flatnonzero(keep)
        if not keep.all():
            where = np.full(shape[0], -1, dtype=np.int64)
            where[kept_units] = np.arange(len(kept_units))
            position = np.where(where[unit.codes] >= 0, where[unit.codes] * shape[1] + time_code, -1)
        in_order = len(df) == shape[0] * shape[1] and keep.all() and bool((np.diff(position) == 1).all())
        cluster_code, cluster_labels = self._groups(cluster, keep, shape[0], unit.labels)
        stratum_code, stratum_labels = self._groups(stratum, keep, shape[0], None)
        audit, observed = audit[kept_units], observed[kept_units]
        return {
            "frame": df, "names": names, "times": times, "units": unit.labels[kept_units], "cohort": cohort[kept_units],
            "cluster_code": cluster_code, "cluster_labels": cluster_labels, "stratum_code": stratum_code,
            "stratum_labels": stratum_labels, "audit": audit, "audit_code": audit_dates(audit, observed),
            "observed": observed, "left_out": unit.labels[~keep], "drops": tuple(self.drops),
            "position": None if in_order else position,
        }  # fmt: skip

    def _times(self, labels: npt.NDArray[Any], codes: IntArray) -> tuple[LongArray, IntArray]:
        numbers = np.asarray([period_number(label) for label in labels], dtype=np.int64)
        times, where = np.unique(numbers, return_inverse=True)
        return times, where.astype(np.int32)[codes]

    def _observed(self, position: LongArray, shape: tuple[int, int], units: Any, times: Any) -> BoolArray:
        flat = np.zeros(shape[0] * shape[1], dtype=bool)
        flat[position] = True
        if int(flat.sum()) != len(position):
            counts = np.bincount(position, minlength=len(flat))
            worst = int(np.flatnonzero(counts > 1)[0])
            raise EffectsError(
                f"{int((counts > 1).sum())} service-months occur more than once, the first: "
                f"{units[worst // shape[1]]} in {month_label(int(times[worst % shape[1]]))}; "
                "one row a service and month is needed"
            )
        return flat.reshape(shape)

    def _cohort(
        self,
        unit: IntArray,
        first: LongArray,
        units: int,
        position: LongArray,
        times: LongArray,
    ) -> IntArray:
        why = "treatment must be absorbing, with one first treated month for each unit"
        if self.names["cohort"] is not None:
            coded = code(self.df, self.names["cohort"])
            numbers = np.asarray([cohort_number(label) for label in coded.labels] + [NEVER], dtype=np.int64)
            return constant_by_unit(numbers[coded.codes].astype(np.int32), unit, units, first, "cohort", why)
        status = pd.to_numeric(self.df[self.names["treatment"]]).to_numpy(dtype=np.float64, na_value=np.nan)
        if not np.isin(status[~np.isnan(status)], (0.0, 1.0)).all():
            raise EffectsError(f"column {self.names['treatment']} must be 0 or 1")
        flat = np.full(units * len(times), np.nan)
        flat[position] = status
        table = flat.reshape(units, len(times))
        ever = (table == 1).any(axis=1)
        start = np.where(ever, (table == 1).argmax(axis=1), len(times))
        back = (table == 0) & (np.arange(len(times))[None, :] > start[:, None])
        if back.any():
            raise EffectsError(f"treatment goes back to 0 in {int(back.any(axis=1).sum())} of {units} units: {why}")
        return np.where(ever, times[np.minimum(start, len(times) - 1)], NEVER).astype(np.int32)

    def _not_always_treated(self, cohort: IntArray, times: LongArray, observed: BoolArray) -> BoolArray:
        treated = (cohort != NEVER)[:, None] & (times[None, :] >= cohort[:, None])
        always = ~(observed & ~treated).any(axis=1)
        if always.any():
            self.drops.append(Drop("no untreated month of the service", int(observed[always].sum()), int(always.sum())))
        return ~always

    def _constant(self, role: str, unit: IntArray, first: LongArray, units: int) -> Group | None:
        if self.names[role] is None:
            return None
        coded = code(self.df, self.names[role])
        if role == "cluster" and (coded.codes < 0).any():
            raise EffectsError(f"the cluster is missing in {int((coded.codes < 0).sum())} rows")
        why = "it must be known before treatment and stay" if role == "strata" else "a unit belongs to one cluster"
        return constant_by_unit(coded.codes, unit, units, first, role, why), coded.labels

    def _groups(
        self,
        group: Group | None,
        keep: BoolArray,
        units: int,
        default: npt.NDArray[Any] | None,
    ) -> tuple[IntArray, npt.NDArray[Any]]:
        """Codes of the kept units without gaps; a missing stratum is a stratum of its own."""
        if group is None:
            if default is None:
                return np.zeros(int(keep.sum()), dtype=np.int32), np.asarray(["all"], dtype=object)
            return np.arange(int(keep.sum()), dtype=np.int32), default[keep]
        codes = group[0][keep]
        labels = np.asarray([*group[1], "(missing)"], dtype=object)
        used, where = np.unique(np.where(codes < 0, len(labels) - 1, codes), return_inverse=True)
        return where.astype(np.int32), labels[used]

    def _audit(self, position: LongArray, shape: tuple[int, int]) -> BoolArray:
        if self.names["audit"] is None:
            return np.zeros(shape, dtype=bool)
        series = self.df[self.names["audit"]]
        numeric = pd.to_numeric(series, errors="coerce") if series.dtype.kind not in "iufb" else series
        values = np.asarray(numeric.to_numpy(dtype=np.float64, na_value=np.nan))
        if not np.isin(values[~np.isnan(values)], (0.0, 1.0)).all() or (np.isnan(values).all() and len(values)):
            raise EffectsError(f"column {self.names['audit']} must be true or false (is it an audit month?)")
        flat = np.zeros(shape[0] * shape[1], dtype=bool)
        flat[position] = values == 1
        return flat.reshape(shape)


def audit_dates(audit: BoolArray, observed: BoolArray) -> IntArray:
    """Position of the first audit month of each unit, −1 when it has none.

    A unit without a row beside its audit months may have been audited longer than it seems. Its window is read off
    the windows of units that are observed on both sides: the longest one that agrees with all its months.
    """
    steps = audit.shape[1]
    has = np.asarray(audit.any(axis=1))
    first = np.where(has, audit.argmax(axis=1), -1).astype(np.int32)
    last = np.where(has, steps - 1 - audit[:, ::-1].argmax(axis=1), -1)
    rows = np.arange(len(audit))
    before = (first <= 0) | observed[rows, np.maximum(first - 1, 0)]
    after = (last >= steps - 1) | observed[rows, np.minimum(last + 1, steps - 1)]
    sure = has & before & after
    unsure = np.flatnonzero(has & ~sure)
    if not len(unsure) or not sure.any():
        return first
    windows = np.unique(np.column_stack([first[sure], last[sure]]), axis=0)
    windows = windows[np.lexsort((windows[:, 0], windows[:, 0] - windows[:, 1]))]
    start, stop = first[unsure][:, None], last[unsure][:, None]
    months, open_ = np.arange(steps), np.ones(len(unsure), dtype=bool)
    for begin, end in windows:
        added = (months >= begin) & (months <= end) & ((months < start) | (months > stop))
        within = (begin <= start[:, 0]) & (end >= stop[:, 0])
        fits = open_ & within & ~(added & observed[unsure]).any(axis=1)
        first[unsure[fits]] = begin
        open_ &= ~fits
    return first
