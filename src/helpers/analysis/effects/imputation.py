"""Imputation: what each optimised service would have shown without optimisation, from comparable untreated ones."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from helpers.analysis.effects import averages
from helpers.analysis.effects.building import Drop
from helpers.analysis.effects.coding import BoolArray, EffectsError, IntArray
from helpers.analysis.effects.fit import Fit, Layout
from helpers.analysis.effects.inference import warn_few
from helpers.analysis.effects.masks import Masks, lost, make_masks
from helpers.analysis.effects.panel import Panel
from helpers.analysis.effects.solving import Solved, components, jackknife_variance, leave_one_out, month_effects
from helpers.analysis.effects.strata import Chain, Plan, decide
from helpers.analysis.effects.sums import Keys

VARIANCES = ("jackknife", "analytic")


UNLINKED = "treated month without an untreated comparison in its stratum"
"""Reason of a drop."""


@dataclass(frozen=True)
class Imputation:
    """Imputation estimator with month effects by grade before optimisation and audit date.

    Model of a service without optimisation: Y = service effect + month effect of its stratum, fitted on untreated
    service-months; the effect is the mean of Y minus the fitted value over treated service-months.

    Parameters
    ----------
    effects : str
        Month effects: ``month:strata:audit``, ``month:strata`` or ``month``.
    fallback : tuple of str
        Coarser month effects, used where the declared ones cannot be estimated (see ``levels`` of the fit).
    min_controls : int
        Services never optimised that a stratum of ``month:strata:audit`` needs.
    min_share : float
        Share of treated service-months that must keep a comparison before a coarser level is taken.
    drop_audit : bool
        Leave the audit months out of the baseline (the fallbacks always do).
    anticipation : int
        Months before the start in which people may have reacted already.
    weights : str, optional
        Column of weights of treated service-months, ``applications`` for "what a citizen meets".
    vcov : str
        ``jackknife`` (leave one region out, t(G − 1)) or ``analytic`` (Borusyak, Jaravel & Spiess; too short with
        few regions).

    Notes
    -----
    *Assumes*: parallel trends within a stratum; within a grade, choice for optimisation independent of the bad draw
    at the audit; no anticipation beyond ``anticipation``; no spill-over between services; absorbing treatment.

    *References*: Borusyak, Jaravel & Spiess (2024), REStud 91; Wooldridge (2021); MacKinnon, Nielsen & Webb (2023).
    """

    effects: str = "month:strata:audit"
    fallback: tuple[str, ...] = ("month:strata", "month")
    min_controls: int = 3
    min_share: float = 0.9
    drop_audit: bool = True
    anticipation: int = 0
    weights: str | None = None
    vcov: str = "jackknife"

    def __post_init__(self) -> None:
        object.__setattr__(self, "fallback", tuple(self.fallback))
        if self.vcov not in VARIANCES:
            raise EffectsError(f"unknown vcov {self.vcov!r}; there are {', '.join(VARIANCES)}")
        self.chain()

    def chain(self) -> Chain:
        """The declared chain of strata."""
        return Chain(self.effects, self.fallback, self.min_controls, self.min_share, self.drop_audit)

    def masks(
        self, panel: Panel, outcome: str, shift: int = 0, cohort: IntArray | None = None, sample: bool = True
    ) -> Masks:
        """Roles of the service-months under these settings."""
        return make_masks(
            panel,
            outcome,
            anticipation=self.anticipation,
            weights=self.weights,
            shift=shift,
            drop_audit=self.drop_audit,
            cohort=cohort,
            sample=sample,
        )

    def fit(self, panel: Panel, outcome: str, *, shift: int = 0) -> Fit:
        """Estimate the effect on one outcome.

        Parameters
        ----------
        panel : Panel
        outcome : str
            Numeric column: log days, a share, a grade indicator.
        shift : int
            Placebo date so many months early, on untreated months alone.

        Returns
        -------
        Fit

        Raises
        ------
        EffectsError
            No treated service-month keeps an untreated comparison, a single region, an outcome that is no number.
        """
        masks = self.masks(panel, outcome, shift)
        plan = decide(self.chain(), masks.sums, masks.total, int(panel.times[-1]))
        found = assemble(self, panel, outcome, plan, masks.drops, shift)
        alone = lost(masks, masks.untreated(self.drop_audit))
        found = replace(found, drops=found.drops + alone + unlinked(plan, alone) + masks.aside(self.drop_audit))
        if self.vcov == "analytic":
            from helpers.analysis.effects.units import analytic_se

            found = replace(found, se=analytic_se(found, masks))
        return found

    def fit_chunks(self, chunks: Iterable[pd.DataFrame], outcome: str, **roles: Any) -> Fit:
        """Estimate from a stream of frames, keeping sums only.

        Parameters
        ----------
        chunks : iterable of DataFrame
            Pieces of the panel; all months of a service must be in one piece.
        outcome : str
        **roles
            Arguments of :class:`Panel` (``unit=``, ``time=``, ``cohort=``, …).

        Returns
        -------
        Fit
            The same numbers as from the whole panel. Placebo dates, permutations, the analytic variance and standard
            errors between a region's own services need the whole panel and are refused.

        Raises
        ------
        EffectsError
            As :meth:`fit`, and when a service is split between two pieces.
        """
        from helpers.analysis.effects.streaming import stream

        if self.vcov == "analytic":
            raise EffectsError("the analytic variance needs the whole panel; use vcov='jackknife' for a stream")
        return stream(self, chunks, outcome, roles)

    def point(self, panel: Panel, outcome: str, shift: int, cohort: IntArray) -> float:
        """Estimate alone under other dates, for permutations; regions do not matter, so the cells are coarser."""
        masks = self.masks(panel, outcome, shift, cohort)
        keys = Keys(np.zeros_like(masks.keys.cluster), masks.keys.stratum, masks.keys.audit, masks.keys.cohort)
        masks = replace(masks, keys=keys)
        plan = decide(self.chain(), masks.sums, masks.total, int(panel.times[-1]))
        value = weight = 0.0
        for stratum in plan.strata:
            moment, response = stratum.cells.moment.sum(axis=0), stratum.cells.response.sum(axis=0)
            effect = month_effects(moment, response, components(moment))
            rows = stratum.rows
            value += float(rows.level.sum() - (rows.slope @ effect).sum())
            weight += float(rows.weight.sum())
        return value / weight


def solve_plan(plan: Plan, clusters: int) -> tuple[Solved, ...]:
    """Month effects of every stratum, whole and without each region."""
    return tuple(leave_one_out(s.cells.moment, s.cells.response, s.cells.cluster, clusters) for s in plan.strata)


def contributing(plan: Plan, clusters: int) -> BoolArray:
    """Regions with any observation in the estimate."""
    seen = np.zeros(clusters, dtype=bool)
    for stratum in plan.strata:
        seen[stratum.cells.cluster] = True
        seen[stratum.rows.cluster] = True
    return seen


def unlinked(plan: Plan, alone: tuple[Drop, ...]) -> tuple[Drop, ...]:
    """Treated months that leave the estimand for want of a comparison, beyond those of services left ``alone``."""
    left_out = plan.treated - sum(int(s.rows.count.sum()) for s in plan.strata) - sum(drop.rows for drop in alone)
    if left_out <= 0:
        return ()
    return (Drop(UNLINKED, left_out, 0),)


def assemble(
    spec: Imputation,
    panel: Panel | None,
    outcome: str,
    plan: Plan,
    drops: tuple[Drop, ...],
    shift: int = 0,
    layout: Layout | None = None,
) -> Fit:
    """Fit from a plan: solve, average, leave one region out."""
    if layout is None:
        if panel is None:
            raise EffectsError("a fit needs a panel or its layout")
        layout = Layout(panel.times, panel.cluster_labels, panel.stratum_labels, panel.names)
    clusters = len(layout.cluster_labels)
    solved = solve_plan(plan, clusters)
    used = contributing(plan, clusters)
    months, services, regions = averages.counts(plan.strata, averages.everything, 1)
    warn_few(int(used.sum()), int(regions[0]))
    found = Fit(
        outcome, float("nan"), float("nan"), float(used.sum() - 1),
        "log_point" if outcome.startswith("log") else "outcome_unit",
        plan.kept, int(months[0]), int(services[0]), int(used.sum()), int(regions[0]), plan.table, plan.note, drops,
        spec.vcov, spec, layout, plan, solved, used, panel, shift,
    )  # fmt: skip
    average = found._average(averages.everything, 1)
    se = float(np.sqrt(jackknife_variance(average.value, average.without, used)[0, 0]))
    return replace(found, att=float(average.value[0]), se=se)
