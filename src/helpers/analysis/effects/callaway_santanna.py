"""Callaway–Sant'Anna: effects by cohort and month from plain comparisons of means.

A second estimator with few assumptions: each cohort's change since a base month is compared with that of services
not (yet) optimised. Sums by region make the jackknife exact; nothing is estimated from a matrix of dummies.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.analysis.effects.coding import NEVER, EffectsError, FloatArray
from helpers.analysis.effects.cohort_cells import ChangeSums, compare, estimate
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
        warn_few(panel.n_clusters, _treated_regions(panel))
        y = panel.matrix(outcome)
        plan = compare(panel, self)
        table, replicates, influence = estimate(panel, plan, ChangeSums(panel, y, plan), self)
        drops = (*panel.drops, *plan.drops, *_missing(panel, y))
        return CallawaySantAnnaFit(table, replicates, influence, drops, panel.n_clusters, outcome, self, plan.reference)


@dataclass(frozen=True, eq=False)
class CallawaySantAnnaFit:
    """Effects by cohort and month.

    Attributes
    ----------
    cells : DataFrame
        One row a cohort and month: ``cohort``, ``month``, ``base``, ``event_time``, ``att`` (unit of the outcome),
        ``n_treated``, ``n_control`` (services).
    replicates : GroupTime
        The same with the estimates without each region.
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


def _treated_regions(panel: Panel) -> int:
    started = (panel.cohort != NEVER) & (panel.cohort <= panel.times[-1])
    return len(np.unique(panel.cluster_code[started]))


def _missing(panel: Panel, y: FloatArray) -> tuple[Drop, ...]:
    gone = panel.observed & np.isnan(y)
    return (Drop("outcome missing", int(gone.sum()), int(gone.any(axis=1).sum())),) if gone.any() else ()
