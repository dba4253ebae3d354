"""Callaway–Sant'Anna: effects by cohort and month from plain comparisons of means.

A second estimator with few assumptions: each cohort's change since a base month is compared with that of services
not (yet) optimised. Sums by region make the jackknife exact; nothing is estimated from a matrix of dummies.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from helpers.analysis.effects.coding import NEVER, BoolArray, EffectsError, FloatArray, IntArray, month_label
from helpers.analysis.effects.group_time import Aggregate, GroupTime, aggregate_group_time
from helpers.analysis.effects.honest import HonestDiD, honest_did
from helpers.analysis.effects.inference import warn_few
from helpers.analysis.effects.panel import Drop, Panel

CONTROLS = ("not_yet_treated", "never_treated")
BASES = ("before_audit", "g-1", "varying", "universal")
VCOVS = ("jackknife", "analytic")


@dataclass(frozen=True)
class CallawaySantAnna:
    """Group-time average effects.

    Parameters
    ----------
    control : {"not_yet_treated", "never_treated"}
        Whom the cohort is compared with: also services optimised later, or only those never optimised.
    base : {"before_audit", "g-1", "varying", "universal"}
        Month that changes are counted from. "before_audit": last month before the cohort's audit window, since the
        audit months themselves chose the services ("g-1" for a panel without audit). "g-1": the last untreated
        month. "varying": the same after treatment, the month before each month earlier (the convention of R did).
        "universal": one number of months before the start for all cohorts, early enough for every audit window, as
        an event study with one reference period needs.
    vcov : {"jackknife", "analytic"}
        Leave one region out with t(G − 1), or influence functions summed by region, without a small-sample factor.
    anticipation : int
        Months before the start in which people may have reacted already.

    Notes
    -----
    *Assumes* parallel trends of the cohort and its controls since the base month, without strata: under regression
    to the mean it is biased, with base "g-1" the most of all.

    References
    ----------
    Callaway & Sant'Anna 2021, Journal of Econometrics 225.
    """

    control: str = "not_yet_treated"
    base: str = "before_audit"
    vcov: str = "jackknife"
    anticipation: int = 0

    def __post_init__(self) -> None:
        for value, known in ((self.control, CONTROLS), (self.base, BASES), (self.vcov, VCOVS)):
            if value not in known:
                raise EffectsError(f"unknown choice {value!r}: one of {', '.join(known)}")
        if self.anticipation < 0:
            raise EffectsError("anticipation is a number of months, not negative")

    def fit(self, panel: Panel, outcome: str) -> "CallawaySantAnnaFit":
        """Effects of every cohort in every month.

        Parameters
        ----------
        panel : Panel
        outcome : str
            Column of the panel, for instance log days.

        Returns
        -------
        CallawaySantAnnaFit

        Raises
        ------
        EffectsError
            No cohort with a base month and controls.
        """
        warn_few(panel.n_clusters)
        y = np.where(panel.observed, panel.matrix(outcome), np.nan)
        plan = _plan(panel, self)
        sums = _Sums(panel, y, plan)
        table, replicates, influence = _effects(panel, y, plan, sums, self)
        if table.empty:
            raise EffectsError("no cohort has a base month, a later month and controls in both")
        drops = (*panel.drops, *plan.drops, *_missing(panel, y))
        return CallawaySantAnnaFit(table, replicates, influence, drops, panel.n_clusters, outcome, self, plan.reference)


@dataclass(frozen=True, eq=False)
class CallawaySantAnnaFit:
    """Effects by cohort and month.

    Attributes
    ----------
    group_time : GroupTime
        Cells, their estimates and what their uncertainty is made of; ``table()`` shows them.
    drops : tuple of Drop
        Cohorts and months left out, with the reason.
    clusters : int
        Regions.
    reference : int or None
        Event time of the base month where it is the same for all cohorts.
    """

    cells: pd.DataFrame
    replicates: GroupTime
    influence: FloatArray | None
    drops: tuple[Drop, ...]
    clusters: int
    outcome: str
    estimator: CallawaySantAnna
    reference: int | None

    @property
    def df(self) -> float:
        """Degrees of freedom: G − 1 for the jackknife, infinite for the analytic version."""
        return self.clusters - 1.0 if self.estimator.vcov == "jackknife" else float("inf")

    def aggregate(self, kind: str = "simple", level: float = 0.95) -> Aggregate:
        """Averages of the effects by cohort and month.

        Parameters
        ----------
        kind : {"simple", "dynamic", "group", "calendar"}
            All treated cells; by month since the start; by cohort; by month. Cells of one group are weighted by the
            size of their cohort; the overall value of "dynamic", "group" and "calendar" is the average of its
            groups (by cohort size for "group").
        level : float
            Level of the intervals.

        Raises
        ------
        EffectsError
            Unknown kind, or no treated cell.
        """
        return aggregate_group_time(self.replicates, self.influence, kind, self.df, level)

    def honest(self, delta: str = "smoothness", grid: list[float] | None = None, last: int | None = None) -> HonestDiD:
        """Sensitivity of the average over event times 0 … ``last`` to a hidden trend.

        The months between the base and the start (audit, anticipation) count as months after the reference whose
        own effect is left open.

        Raises
        ------
        EffectsError
            For a base that is not one event time for all cohorts (use ``base="universal"``), or gaps in event time.
        """
        if self.reference is None:
            raise EffectsError('the event study needs one reference period: fit with base="universal"')
        study = self.aggregate("dynamic")
        events = study.table["event_time"].to_numpy(dtype=int)
        top = int(events.max()) if last is None else last
        used = np.flatnonzero((events != self.reference) & (events <= top))
        kept = events[used]
        wanted = [e for e in range(int(kept.min()), top + 1) if e != self.reference]
        if list(kept) != wanted:
            raise EffectsError("event times have gaps: choose a shorter range")
        after = kept[kept > self.reference]
        weights = (after >= 0) / (after >= 0).sum()
        cov = study.covariance[np.ix_(used, used)]
        n_pre = int((kept < self.reference).sum())
        return honest_did(study.table["att"].to_numpy(dtype=float)[used], cov, n_pre, delta, grid, weights)


@dataclass(frozen=True, eq=False)
class _Plan:
    """Cohorts with a base month, by position in time; ``base[k, t]`` is −1 where the cell is not estimated."""

    cohorts: IntArray
    starts: IntArray
    base: IntArray
    code: IntArray
    sizes: IntArray
    drops: tuple[Drop, ...]
    reference: int | None


def _plan(panel: Panel, estimator: CallawaySantAnna) -> _Plan:
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
    return _Plan(cohorts, starts, base, code, sizes, tuple(drops), int(gaps[0]) if same else None)


def _base_positions(panel: Panel, estimator: CallawaySantAnna, code: IntArray, starts: IntArray) -> IntArray:
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


class _Sums:
    """Sums of changes since a base month, and their counts, by region × cohort × month; one pass a base month."""

    def __init__(self, panel: Panel, y: FloatArray, plan: _Plan) -> None:
        self.y, self.plan = y, plan
        width = len(plan.cohorts) + 1
        cell = panel.cluster_code.astype(np.int64) * width + plan.code
        shape = (panel.n_clusters * width, panel.n_units)
        self.adder = sparse.csr_array((np.ones(panel.n_units), (cell, np.arange(panel.n_units))), shape=shape)
        self.shape = (panel.n_clusters, width, panel.n_times)
        self.cache: dict[int, tuple[FloatArray, FloatArray]] = {}

    def since(self, base: int) -> tuple[FloatArray, FloatArray]:
        """Sums and counts of Y − Y in month ``base``; base −1: of first differences."""
        if base not in self.cache:
            change = self.change(base)
            seen = np.isfinite(change)
            total = (self.adder @ np.where(seen, change, 0.0)).reshape(self.shape)
            self.cache[base] = total, (self.adder @ seen.astype(np.float64)).reshape(self.shape)
        return self.cache[base]

    def change(self, base: int) -> FloatArray:
        """The changes themselves, shape (N, T)."""
        if base >= 0:
            return self.y - self.y[:, [base]]
        out = np.full(self.y.shape, np.nan)
        out[:, 1:] = self.y[:, 1:] - self.y[:, :-1]
        return out


def _controls(plan: _Plan, k: int, month: int, base: int, estimator: CallawaySantAnna) -> BoolArray:
    """Which cohorts serve as controls of cohort ``k`` between two months; the last entry are those never treated."""
    chosen = np.zeros(len(plan.cohorts) + 1, dtype=bool)
    chosen[-1] = True
    if estimator.control == "not_yet_treated":
        chosen[:-1] = plan.starts > max(month, base) + estimator.anticipation
        chosen[k] = False
    return chosen


def _effects(
    panel: Panel, y: FloatArray, plan: _Plan, sums: _Sums, estimator: CallawaySantAnna
) -> tuple[pd.DataFrame, GroupTime, FloatArray | None]:
    rows, values, without, influences = [], [], [], []
    region_sizes = np.zeros((panel.n_clusters, len(plan.cohorts) + 1))
    np.add.at(region_sizes, (panel.cluster_code, plan.code), 1.0)
    for k, month in np.argwhere(plan.base >= 0):
        base = int(plan.base[k, month])
        key = -1 if base == month - 1 and estimator.base == "varying" else base
        total, count = sums.since(key)
        chosen = _controls(plan, k, month, base, estimator)
        s1, n1 = total[:, k, month], count[:, k, month]
        s0, n0 = total[:, chosen, month].sum(axis=1), count[:, chosen, month].sum(axis=1)
        if n1.sum() == 0 or n0.sum() == 0:
            continue
        rows.append((k, month, base, int(n1.sum()), int(n0.sum())))
        values.append(s1.sum() / n1.sum() - s0.sum() / n0.sum())
        with np.errstate(invalid="ignore", divide="ignore"):
            without.append((s1.sum() - s1) / (n1.sum() - n1) - (s0.sum() - s0) / (n0.sum() - n0))
        if estimator.vcov == "analytic":
            own = (s1 - n1 * s1.sum() / n1.sum()) / n1.sum()
            influences.append(own - (s0 - n0 * s0.sum() / n0.sum()) / n0.sum())
    cells = pd.DataFrame(rows, columns=["cohort", "month", "base", "n_treated", "n_control"])
    sizes = plan.sizes[:-1].astype(float)
    group_time = GroupTime(
        cohort=cells["cohort"].to_numpy(dtype=np.int64),
        month=cells["month"].to_numpy(dtype=np.int64),
        event=(panel.times[cells["month"]] - plan.cohorts[cells["cohort"]]).astype(np.int64),
        att=np.asarray(values, dtype=float),
        without=np.asarray(without, dtype=float).T.reshape(panel.n_clusters, len(cells)),
        sizes=sizes,
        region_sizes=region_sizes[:, :-1],
        n_units=panel.n_units,
        region_units=np.bincount(panel.cluster_code, minlength=panel.n_clusters).astype(float),
        n_treated=cells["n_treated"].to_numpy(dtype=np.int64),
        cohort_labels=tuple(month_label(int(g)) for g in plan.cohorts),
        month_labels=tuple(panel.time_labels),
    )
    influence = np.asarray(influences, dtype=float).T if influences else None
    cells["cohort"] = [group_time.cohort_labels[k] for k in cells["cohort"]]
    cells["month"] = [group_time.month_labels[m] for m in cells["month"]]
    cells["base"] = [group_time.month_labels[b] for b in cells["base"]]
    cells.insert(3, "event_time", group_time.event)
    cells.insert(4, "att", group_time.att)
    return cells, group_time, influence


def _missing(panel: Panel, y: FloatArray) -> tuple[Drop, ...]:
    gone = panel.observed & ~np.isfinite(y)
    return (Drop("outcome missing", int(gone.sum()), int(gone.any(axis=1).sum())),) if gone.any() else ()
