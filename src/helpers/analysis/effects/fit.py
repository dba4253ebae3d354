"""What an imputation gives back: the effect with its interval, and every question that may be asked of it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.analysis.effects import averages, fit_views
from helpers.analysis.effects.building import Drop
from helpers.analysis.effects.coding import NEVER, EffectsError, FloatArray
from helpers.analysis.effects.inference import Percent, interval, p_value
from helpers.analysis.effects.leads import Leads, PretrendTest, designed, lead_estimates, pretrend
from helpers.analysis.effects.panel import Panel
from helpers.analysis.effects.region_spread import RegionSpread
from helpers.analysis.effects.solving import Solved
from helpers.analysis.effects.strata import Plan
from helpers.analysis.effects.sums import LongArray, event_of
from helpers.analysis.effects.within import Design, solve_regressors

if TYPE_CHECKING:
    from helpers.analysis.effects.honest import HonestDiD
    from helpers.analysis.effects.imputation import Imputation
    from helpers.analysis.effects.permutation import PermutationTest
    from helpers.analysis.effects.universal import UniversalStudy


@dataclass(frozen=True)
class Layout:
    """Names behind the codes of a fit."""

    times: LongArray
    cluster_labels: npt.NDArray[Any]
    stratum_labels: npt.NDArray[Any]
    names: dict[str, Any]


@dataclass(frozen=True)
class Fit:
    """An effect of optimisation with its interval. Frozen; every method gives a new table or result.

    Attributes
    ----------
    att, se, df : float
        Mean effect over treated service-months (log points when the outcome is a logarithm), standard error, degrees
        of freedom of the t interval (G − 1).
    unit : str
        ``log_point`` for outcomes named ``log_…``, ``outcome_unit`` otherwise.
    kept : float
        Share of treated service-months that keep an identified comparison; the rest leave the estimand.
    n_obs, n_services, n_clusters, n_treated_clusters : int
        Treated service-months averaged, their services, regions with data, regions with a treated service.
    levels : DataFrame
        The chain of strata as applied, one row a stratum.
    note : str
        What the reader must be told about the chain; blank if nothing.
    drops : tuple of Drop
        Everything left out, with counts and reasons.
    """

    outcome: str
    att: float
    se: float
    df: float
    unit: str
    kept: float
    n_obs: int
    n_services: int
    n_clusters: int
    n_treated_clusters: int
    levels: pd.DataFrame = field(repr=False)
    note: str
    drops: tuple[Drop, ...] = field(repr=False)
    vcov: str
    spec: "Imputation" = field(repr=False)
    layout: Layout = field(repr=False)
    plan: Plan = field(repr=False)
    solved: tuple[Solved, ...] = field(repr=False)
    contributing: npt.NDArray[np.bool_] = field(repr=False)
    panel: Panel | None = field(repr=False)
    shift: int = 0
    spread: RegionSpread | None = field(default=None, repr=False)

    estimator = "imputation"
    contrast = False

    # ---------------------------------------------------------------- numbers
    @property
    def p_value(self) -> float:
        """Two-sided p value of no effect."""
        return p_value(self.att, self.se, self.df)

    def conf_int(self, level: float = 0.95) -> tuple[float, float]:
        """Interval of the effect, t(G − 1)."""
        return interval(self.att, self.se, self.df, level)

    def percent(self, level: float = 0.95) -> Percent:
        """Effect on a logarithm as a change in per cent, 100(exp(x) − 1), with its interval."""
        low, high = self.conf_int(level)
        return Percent(*(float(100 * np.expm1(x)) for x in (self.att, low, high)))

    def summary(self) -> pd.DataFrame:
        """Estimate, interval and everything needed to judge it; columns ``item``, ``value``."""
        return fit_views.summary(self)

    def effective_clusters(self) -> float:
        """Number of equally large regions with the same concentration of treated service-months."""
        weight = np.zeros(len(self.contributing))
        for stratum in self.plan.strata:
            weight += np.bincount(stratum.rows.cluster, weights=stratum.rows.weight, minlength=len(weight))
        return float(weight.sum() ** 2 / (weight**2).sum())

    def influence(self) -> pd.DataFrame:
        """Effect without each region, most influential first.

        Returns
        -------
        DataFrame
            ``cluster``, ``att_without``, ``difference`` (without − with), ``n`` treated service-months of the region.
        """
        return fit_views.influence(self)

    # ---------------------------------------------------------------- averages
    def _link(self, sums: averages.Totals, reference: FloatArray) -> FloatArray:
        """Effect from sums by group; NaN where nothing is left."""
        empty = sums.weight <= 1e-9 * np.maximum(reference, 1e-300)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(empty, np.nan, (sums.level - sums.shift) / sums.weight)

    def _average(self, grouping: averages.Grouping, groups: int) -> averages.Averages:
        clusters = len(self.contributing)
        whole, without = averages.totals(self.plan.strata, self.solved, grouping, groups, clusters)
        months, services, regions = averages.counts(self.plan.strata, grouping, groups)
        return averages.Averages(
            self._link(whole, whole.weight), self._link(without, whole.weight[None, :]), months, services, regions
        )

    def _events(self) -> LongArray:
        found = [event_of(s.rows.cohort, s.rows.month, self.layout.times) for s in self.plan.strata]
        return np.unique(np.concatenate(found)).astype(np.int64)

    def event_study(self, leads: int = 4, level: float = 0.95, seed: int = 0) -> pd.DataFrame:
        """Effects by months since treatment, and leads from untreated months alone.

        Parameters
        ----------
        leads : int
            Latest untreated event times of treated services to test; with audit months or months of anticipation
            left out these are the last ones before them. Reference: all earlier months of the service.
        level : float
            Of the single and of the simultaneous intervals.
        seed : int
            Of the multiplier draws behind the sup-t bands.

        Returns
        -------
        DataFrame
            ``event_time, att, se, lo, hi, lo_simultaneous, hi_simultaneous, n, kind, unit``. Leads and effects come
            from different regressions (``kind``): do not feed them together to HonestDiD, use :meth:`honest`.
        """
        return fit_views.event_study(self, leads, level, seed)

    def by(self, group: str, level: float = 0.95) -> pd.DataFrame:
        """Effects by region, grade before, cohort or month.

        Parameters
        ----------
        group : str
            ``region``, ``pre_grade``, ``cohort``, ``month``, or the panel's own name of such a column.
        level : float
            Of the intervals.

        Returns
        -------
        DataFrame
            ``group, att, se, lo, hi, df, n, services, regions, unit``. Regions carry the standard error between their
            own services with k − 1 degrees of freedom (NaN for a single service, and from a stream where a treated
            month of the region lost its comparison), other groups the jackknife.
        """
        return fit_views.by(self, group, level)

    def _own_se(self, codes: LongArray, att: FloatArray) -> FloatArray:
        """Standard error of each region from the spread of its services' own effects."""
        if self.spread is not None:
            return self.spread.standard_errors(codes, att, self.plan, self.solved, self.spec)
        units, weight, effect = self.unit_effects()
        cluster = self._whole_panel().cluster_code[units]
        where = np.searchsorted(codes, cluster)
        groups = len(codes)
        k = np.bincount(where, minlength=groups)
        total = np.bincount(where, weights=weight, minlength=groups)
        spread = np.bincount(where, weights=(weight * (effect - att[where])) ** 2, minlength=groups)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(k > 1, np.sqrt(k / (k - 1) * spread) / total, np.nan)

    def unit_effects(self) -> tuple[LongArray, FloatArray, FloatArray]:
        """Position, weight (treated service-months) and mean effect of each optimised service that was kept."""
        from helpers.analysis.effects.units import unit_effects

        return unit_effects(self)

    def _whole_panel(self) -> Panel:
        if self.panel is None:
            raise EffectsError("a fit from a stream keeps sums only: this question needs the whole panel")
        return self.panel

    # ---------------------------------------------------------------- doubts
    def _regress(self, columns: Design) -> tuple[FloatArray, FloatArray]:
        """Coefficients on untreated months, whole and without each region."""
        return solve_regressors(*designed(self.plan.strata, columns, len(self.contributing)))

    def _leads(self, leads: int) -> Leads:
        return lead_estimates(
            self._regress,
            self.plan.strata,
            self.layout.times,
            leads,
            self.spec.anticipation,
            len(self.contributing),
        )

    def pretrend_test(self, leads: int = 3) -> PretrendTest:
        """Joint F test of leads, on untreated months alone.

        With fewer than 20 regions at most two leads are tested: more would reject too often. "Not rejected" is not
        "proved": the result also gives the largest slope not excluded.

        Parameters
        ----------
        leads : int

        Returns
        -------
        PretrendTest
        """
        return pretrend(self._leads, self._regress, self.layout.times, leads, self.contributing)

    def placebo(self, shift: int = 4) -> "Fit":
        """The same estimate as if treatment had begun ``shift`` months earlier, on untreated months alone.

        Returns
        -------
        Fit
            Its ``att`` should not differ from zero.
        """
        if shift < 1:
            raise EffectsError("a placebo date lies at least one month early")
        return self.spec.fit(self._whole_panel(), self.outcome, shift=shift)

    def permutation_test(self, reps: int = 999, seed: int = 0) -> "PermutationTest":
        """Distribution of the estimate when dates are dealt out anew among comparable services.

        Dates are permuted between regions when all services of each region start together, otherwise between
        services of the same grade and audit date.

        Returns
        -------
        PermutationTest
        """
        from helpers.analysis.effects.permutation import permutation_test

        return permutation_test(self, reps, seed)

    def universal(self, leads: int = 4, lags: int | None = None) -> "UniversalStudy":
        """Event study with one reference month and one joint covariance: what HonestDiD needs."""
        from helpers.analysis.effects.universal import universal_event_study

        return universal_event_study(self, leads, lags)

    def honest(
        self, delta: str = "smoothness", grid: list[float] | None = None, leads: int = 4, lags: int | None = 6
    ) -> "HonestDiD":
        """How strong a hidden trend may be before the conclusion falls (Rambachan & Roth).

        Parameters
        ----------
        delta : str
            ``smoothness`` (second differences ≤ M) or ``relative_magnitude`` (steps ≤ M̄ × the largest step before).
        grid : list of float, optional
            Values of M or M̄.
        leads, lags : int
            Months before and after the reference month; the judged effect is the mean over the months after.
        """
        from helpers.analysis.effects.honest import honest_did

        study = self.universal(leads, lags)
        return honest_did(study.beta, study.cov, n_pre=study.n_pre, delta=delta, grid=grid, weights=study.weights)

    def never(self) -> int:
        """Services of the strata that are never treated within the panel."""
        last = int(self.layout.times[-1])
        cells = [(s.cells.cohort, s.cells.units) for s in self.plan.strata]
        return int(sum(units[(cohort == NEVER) | (cohort > last)].sum() for cohort, units in cells))
