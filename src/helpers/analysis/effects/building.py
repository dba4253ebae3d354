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


@dataclass(frozen=True)
class _Places:
    """Where each row stands among units × steps of time.

    Attributes
    ----------
    shape : tuple of int
        Units, steps.
    position : int array, shape (rows,), or None
        Unit × steps + step; None for a full table whose rows stand in that order already.
    first : int array, shape (units,)
        A row of each unit.
    """

    shape: tuple[int, int]
    position: LongArray | None
    first: LongArray

    @classmethod
    def of(cls, unit: IntArray, step: IntArray, shape: tuple[int, int]) -> "_Places":
        """Places of rows with these codes."""
        if len(unit) == shape[0] * shape[1]:
            units, steps = np.arange(shape[0], dtype=np.int32), np.arange(shape[1], dtype=np.int32)
            if (unit.reshape(shape) == units[:, None]).all() and (step.reshape(shape) == steps).all():
                return cls(shape, None, np.arange(0, len(unit), shape[1], dtype=np.int64))
        first = np.zeros(shape[0], dtype=np.int64)
        first[unit[::-1]] = np.arange(len(unit) - 1, -1, -1)
        return cls(shape, unit.astype(np.int64) * shape[1] + step, first)

    def spread(self, values: npt.NDArray[Any], empty: float) -> npt.NDArray[Any]:
        """One value a row as units × steps, ``empty`` where there is no row."""
        if self.position is None:
            return values.reshape(self.shape)
        flat = np.full(self.shape[0] * self.shape[1], empty, dtype=values.dtype)
        flat[self.position] = values
        return flat.reshape(self.shape)

    def observed(self, units: npt.NDArray[Any], times: LongArray) -> BoolArray:
        """Which unit-steps have a row; refused when one has several."""
        if self.position is None:
            return np.ones(self.shape, dtype=bool)
        flat = np.zeros(self.shape[0] * self.shape[1], dtype=bool)
        flat[self.position] = True
        if int(flat.sum()) != len(self.position):
            counts = np.bincount(self.position, minlength=len(flat))
            worst = int(np.flatnonzero(counts > 1)[0])
            raise EffectsError(
                f"{int((counts > 1).sum())} service-months occur more than once, the first: "
                f"{units[worst // self.shape[1]]} in {month_label(int(times[worst % self.shape[1]]))}; "
                "one row a service and month is needed"
            )
        return flat.reshape(self.shape)

    def constant(self, codes: IntArray, unit: IntArray, what: str, why: str) -> IntArray:
        """Code of each unit from the codes of the rows, refused when it changes within a unit."""
        by_unit = codes[self.first]
        if self.position is None:
            moved = (codes.reshape(self.shape) != by_unit[:, None]).ravel()
        else:
            moved = codes != by_unit[unit]
        if moved.any():
            count = len(np.unique(unit[moved]))
            raise EffectsError(f"{what} changes within {count} of {self.shape[0]} units: {why}")
        return by_unit


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
        times, step = self._times(time.labels, time.codes)
        places = _Places.of(unit.codes, step, (len(unit.labels), len(times)))
        observed = places.observed(unit.labels, times)
        cohort = self._cohort(unit.codes, places, times)
        keep = self._not_always_treated(cohort, times, observed)
        cluster = self._constant("cluster", unit.codes, places)
        stratum = self._constant("strata", unit.codes, places)
        audit = self._audit(places)
        position, units = places.position, unit.labels
        cluster_code, cluster_labels = self._groups(cluster, keep, units)
        stratum_code, stratum_labels = self._groups(stratum, keep, None)
        if not keep.all():
            where = np.where(keep, np.cumsum(keep) - 1, -1)[unit.codes]
            position = np.where(where >= 0, where * len(times) + step, -1)
            audit, observed, cohort, units = audit[keep], observed[keep], cohort[keep], units[keep]
        return {
            "frame": df, "names": names, "times": times, "units": units, "cohort": cohort,
            "cluster_code": cluster_code, "cluster_labels": cluster_labels, "stratum_code": stratum_code,
            "stratum_labels": stratum_labels, "audit": audit, "audit_code": audit_dates(audit, observed),
            "observed": observed, "left_out": unit.labels[~keep], "drops": tuple(self.drops), "position": position,
        }  # fmt: skip

    def _times(self, labels: npt.NDArray[Any], codes: IntArray) -> tuple[LongArray, IntArray]:
        numbers = np.asarray([period_number(label) for label in labels], dtype=np.int64)
        times, where = np.unique(numbers, return_inverse=True)
        if len(times) == len(labels) and (np.diff(where) == 1).all():
            return times, codes
        return times, where.astype(np.int32)[codes]

    def _cohort(self, unit: IntArray, places: _Places, times: LongArray) -> IntArray:
        why = "treatment must be absorbing, with one first treated month for each unit"
        if self.names["cohort"] is not None:
            coded = code(self.df, self.names["cohort"])
            numbers = np.asarray([cohort_number(label) for label in coded.labels] + [NEVER], dtype=np.int32)
            used = numbers if (coded.codes < 0).any() else numbers[:-1]
            if len(np.unique(used)) == len(used):  # no two names of the same start
                return numbers[places.constant(coded.codes, unit, "cohort", why)]
            return places.constant(numbers[coded.codes], unit, "cohort", why)
        status = pd.to_numeric(self.df[self.names["treatment"]]).to_numpy(dtype=np.float64, na_value=np.nan)
        if not np.isin(status[~np.isnan(status)], (0.0, 1.0)).all():
            raise EffectsError(f"column {self.names['treatment']} must be 0 or 1")
        table = places.spread(status, np.nan)
        ever = (table == 1).any(axis=1)
        start = np.where(ever, (table == 1).argmax(axis=1), len(times))
        back = (table == 0) & (np.arange(len(times))[None, :] > start[:, None])
        if back.any():
            raise EffectsError(
                f"treatment goes back to 0 in {int(back.any(axis=1).sum())} of {len(table)} units: {why}"
            )
        return np.where(ever, times[np.minimum(start, len(times) - 1)], NEVER).astype(np.int32)

    def _not_always_treated(self, cohort: IntArray, times: LongArray, observed: BoolArray) -> BoolArray:
        always = (cohort != NEVER) & (times[observed.argmax(axis=1)] >= cohort)
        if always.any():
            self.drops.append(Drop("no untreated month of the service", int(observed[always].sum()), int(always.sum())))
        return np.asarray(~always)

    def _constant(self, role: str, unit: IntArray, places: _Places) -> Group | None:
        if self.names[role] is None:
            return None
        coded = code(self.df, self.names[role])
        if role == "cluster" and (coded.codes < 0).any():
            raise EffectsError(f"the cluster is missing in {int((coded.codes < 0).sum())} rows")
        why = "it must be known before treatment and stay" if role == "strata" else "a unit belongs to one cluster"
        return places.constant(coded.codes, unit, role, why), coded.labels

    def _groups(
        self, group: Group | None, keep: BoolArray, default: npt.NDArray[Any] | None
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

    def _audit(self, places: _Places) -> BoolArray:
        if self.names["audit"] is None:
            return np.zeros(places.shape, dtype=bool)
        series = self.df[self.names["audit"]]
        if series.dtype == np.bool_:
            return np.asarray(places.spread(series.to_numpy(), False))
        numeric = pd.to_numeric(series, errors="coerce") if series.dtype.kind not in "iuf" else series
        values = np.asarray(numeric.to_numpy(dtype=np.float64, na_value=np.nan))
        if not np.isin(values[~np.isnan(values)], (0.0, 1.0)).all() or (np.isnan(values).all() and len(values)):
            raise EffectsError(f"column {self.names['audit']} must be true or false (is it an audit month?)")
        return np.asarray(places.spread(values == 1, False))


def audit_dates(audit: BoolArray, observed: BoolArray) -> IntArray:
    """Position of the first audit month of each unit, −1 when it has none.

    A unit without a row beside its audit months may have been audited longer than it seems. Its window is read off
    the windows of units that are observed on both sides: the longest one that agrees with all its months.
    """
    steps = audit.shape[1]
    has = np.asarray(audit.any(axis=1))
    if not has.any():
        return np.full(len(audit), -1, dtype=np.int32)
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
