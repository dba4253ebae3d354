"""Counts: imputation with multiplicative effects of services and months, services conditioned out."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from helpers.analysis.effects import averages
from helpers.analysis.effects.building import Drop
from helpers.analysis.effects.coding import EffectsError, FloatArray, IntArray
from helpers.analysis.effects.fit import Fit, Layout
from helpers.analysis.effects.imputation import UNLINKED, Imputation, contributing
from helpers.analysis.effects.inference import warn_few
from helpers.analysis.effects.masks import Masks
from helpers.analysis.effects.multiplicative import (
    Counts,
    compress,
    links,
    newton,
    pieces,
    predicted_rows,
    shares,
    without_each,
    without_empty_months,
)
from helpers.analysis.effects.panel import Panel
from helpers.analysis.effects.solving import Solved, components, jackknife_variance, solve
from helpers.analysis.effects.strata import LEVELS, Stratum, decide
from helpers.analysis.effects.sums import BLOCK, Keys, LongArray
from helpers.analysis.effects.within import Design, normal_equations, solve_regressors

FEW_REGIONS = 20
"""Up to so many regions each replicate is iterated to the end instead of one Newton step."""


@dataclass(frozen=True)
class PoissonFit(Fit):
    """Effect on a count. ``att`` and ``se`` are log points of the ratio Σ Y / Σ Y(0); ``att_pct`` is per cent.

    Attributes
    ----------
    dispersion : float
        Pearson dispersion on untreated service-months; the estimate is right whatever it is.
    """

    dispersion: float = float("nan")
    iterations: int = 0
    exposure: str | None = field(default=None)

    estimator = "poisson_imputation"

    @property
    def att_pct(self) -> float:
        """Σ Y / Σ Y(0) − 1 over treated service-months, per cent."""
        return float(100 * np.expm1(self.att))

    @property
    def se_pct(self) -> float:
        """Standard error of ``att_pct``, by the delta method."""
        return float(100 * np.exp(self.att) * self.se)

    def _link(self, sums: averages.Totals, reference: FloatArray) -> FloatArray:
        empty = sums.weight <= 1e-9 * np.maximum(reference, 1e-300)
        with np.errstate(invalid="ignore", divide="ignore"):
            value = np.log(np.maximum(sums.level, 0.0) / (sums.base + sums.shift))
        return np.where(empty | ~np.isfinite(value), np.nan, value)

    def _own_se(self, codes: LongArray, att: FloatArray) -> FloatArray:
        """Standard error of each region's log ratio from the spread of its services' own ratios."""
        units, level, base = self.unit_sums()
        where = np.searchsorted(codes, self._whole_panel().cluster_code[units])
        groups = len(codes)
        k = np.bincount(where, minlength=groups)
        total = np.bincount(where, weights=level, minlength=groups)
        spread = np.bincount(where, weights=(level - base * np.exp(att)[where]) ** 2, minlength=groups)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where((k > 1) & (total > 0), np.sqrt(k / (k - 1) * spread) / total, np.nan)

    def unit_sums(self) -> tuple[LongArray, FloatArray, FloatArray]:
        """Position, Σ of counts and Σ of imputed means over treated months, of each service that was kept."""
        spec, panel = self._poisson(), self._whole_panel()
        masks, exposure = spec.counted(panel, self.outcome, self.shift)
        found: list[tuple[LongArray, FloatArray, FloatArray]] = []
        for stratum in self.plan.strata:
            drop = True if stratum.level != spec.effects else spec.drop_audit
            lines, units = stratum_lines(stratum, masks, exposure, drop)
            label = links(lines)
            effect, _ = newton(lines, label)
            first = (lines.scale > 0).argmax(axis=1)
            linked = label[None, :] == label[first][:, None]
            ratio = (lines.total / (lines.scale * np.exp(effect)).sum(axis=1))[:, None]
            mean = np.where(linked, lines.hit * np.exp(effect) * ratio, 0.0).sum(axis=1)
            kept = mean > 0
            found.append((units[kept], np.where(linked, lines.level, 0.0).sum(axis=1)[kept], mean[kept]))
        units, level, base = (np.concatenate([part[i] for part in found]) for i in range(3))
        order = np.argsort(units, kind="stable")
        return units[order], level[order], base[order]

    def unit_effects(self) -> tuple[LongArray, FloatArray, FloatArray]:
        """Position, imputed mean as weight, and Σ Y / Σ Y(0) − 1 of each service that was kept."""
        units, level, base = self.unit_sums()
        return units, base, level / base - 1

    def _poisson(self) -> "PoissonImputation":
        if not isinstance(self.spec, PoissonImputation):
            raise EffectsError("a Poisson fit comes from PoissonImputation")
        return self.spec

    def _regress(self, columns: Design) -> tuple[FloatArray, FloatArray]:
        spec = self._poisson()
        masks, exposure = spec.counted(self._whole_panel(), self.outcome, self.shift)
        lines = [spec.counts(stratum, masks, exposure) for stratum in self.plan.strata]
        return regress_counts(lines, self.plan.strata, self.solved, columns, len(self.contributing))


@dataclass(frozen=True)
class PoissonImputation(Imputation):
    """Imputation for counts: E[Y without optimisation] = exposure × exp(service effect + month effect).

    Takes everything :class:`Imputation` takes. Service effects are conditioned out, so many services bring no bias;
    right for any distribution with this mean, over- and under-dispersed ones too.

    Parameters
    ----------
    exposure : str or True, optional
        Column of applications for visits (True: the panel's exposure); none for documents.

    Notes
    -----
    *Assumes* parallel trends in ratios within a stratum. Reported in per cent, never as log(1 + y).

    *References*: Wooldridge (1999) J. Econometrics, (2023) Econometrics J. 26(3).
    """

    exposure: str | bool | None = None

    def exposure_column(self, panel: Panel) -> str | None:
        """Column of the exposure, None for an exposure of one."""
        if self.exposure is True:
            if panel.names["exposure"] is None:
                raise EffectsError("the panel has no exposure column")
            return str(panel.names["exposure"])
        return self.exposure or None

    def counted(
        self, panel: Panel, outcome: str, shift: int = 0, cohort: IntArray | None = None
    ) -> tuple[Masks, FloatArray | None]:
        """Roles of the service-months, without services that have no count before treatment; and the exposure.

        Raises
        ------
        EffectsError
            Negative counts; counts that are zero in every untreated month; exposure that is nowhere positive.
        """
        masks = self.masks(panel, outcome, shift, cohort)
        if (masks.y < 0).any():
            raise EffectsError(f"{outcome} is negative in {int((masks.y < 0).sum())} service-months")
        column = self.exposure_column(panel)
        exposure = None if column is None else panel.weight_matrix(column)
        treated, clean, drops = masks.treated, masks.clean, list(masks.drops)
        if exposure is not None:
            bare = (treated | clean) & (exposure <= 0)
            if bare.any():
                drops.append(Drop(f"{column} zero or missing", int(bare.sum()), int(bare.any(axis=1).sum())))
                treated, clean = treated & ~bare, clean & ~bare
        base = clean & ~masks.audit if self.drop_audit else clean
        empty = ~(np.where(base, masks.y, 0.0).sum(axis=1) > 0)
        known = empty & (treated | clean).any(axis=1)
        if known.all():
            raise EffectsError(f"{outcome} is zero in every untreated service-month: no ratio can be estimated")
        if known.any():
            rows = int((treated | clean)[known].sum())
            drops.append(Drop(f"{outcome} zero in all untreated months of the service", rows, int(known.sum())))
            treated, clean = treated & ~known[:, None], clean & ~known[:, None]
        if not treated.any():
            raise EffectsError(f"{outcome}: no treated service has a count in its untreated months")
        return replace(masks, treated=treated, clean=clean, drops=tuple(drops)), exposure

    def counts(self, stratum: Stratum, masks: Masks, exposure: FloatArray | None) -> Counts:
        """Lines of one stratum."""
        drop = True if stratum.level != self.effects else self.drop_audit
        return stratum_counts(stratum, masks, exposure, drop)

    def fit(self, panel: Panel, outcome: str, *, shift: int = 0) -> "PoissonFit":
        """Estimate the effect on one count.

        Parameters
        ----------
        panel : Panel
        outcome : str
            Counts, or their means, never negative.
        shift : int
            Placebo date so many months early.

        Returns
        -------
        PoissonFit

        Raises
        ------
        EffectsError
            As for :class:`Imputation`, and for counts that are negative or all zero before treatment.
        """
        if self.vcov != "jackknife":
            raise EffectsError("counts have the jackknife variance only")
        masks, exposure = self.counted(panel, outcome, shift)
        plan = decide(self.chain(), masks.sums, masks.total, int(panel.times[-1]))
        used = contributing(plan, panel.n_clusters)
        regions = int(used.sum())
        strata, solved, chi, free, most = [], [], 0.0, 0, 0
        for stratum in plan.strata:
            lines = self.counts(stratum, masks, exposure)
            label = links(lines)
            effect, steps = newton(lines, label)
            rows = predicted_rows(lines, effect)
            rows = rows.take(label[rows.month] == label[rows.first])
            strata.append(replace(stratum, rows=rows))
            solved.append(without_each(lines, effect, label, panel.n_clusters, regions <= FEW_REGIONS))
            one, two = pearson(lines, effect)
            chi, free, most = chi + one, free + two, max(most, steps)
        kept = sum(int(stratum.rows.count.sum()) for stratum in strata)
        if kept == 0:
            raise EffectsError(f"{outcome}: no treated service-month keeps a comparison with any count")
        plan = replace(plan, strata=tuple(strata), kept=kept / masks.total)
        left_out = int(masks.treated.sum()) - kept
        drops = masks.drops + ((Drop(UNLINKED, left_out, 0),) if left_out else ()) + masks.aside(self.drop_audit)
        layout = Layout(panel.times, panel.cluster_labels, panel.stratum_labels, panel.names)
        months, services, treated_regions = averages.counts(plan.strata, averages.everything, 1)
        warn_few(regions, int(treated_regions[0]))
        found = PoissonFit(
            outcome, float("nan"), float("nan"), float(regions - 1), "log_point", plan.kept, int(months[0]),
            int(services[0]), regions, int(treated_regions[0]), plan.table, plan.note, drops, self.vcov, self,
            layout, plan, tuple(solved), used, panel, shift, dispersion=chi / max(free, 1), iterations=most,
            exposure=self.exposure_column(panel),
        )  # fmt: skip
        average = found._average(averages.everything, 1)
        se = float(np.sqrt(jackknife_variance(average.value, average.without, used)[0, 0]))
        return replace(found, att=float(average.value[0]), se=se)

    def fit_chunks(self, chunks: Any, outcome: str, **roles: Any) -> Fit:
        """Refused: with exposure every Newton step reads all rows again, and sums without it are as long as the panel.

        Raises
        ------
        EffectsError
            Always.
        """
        raise EffectsError(
            f"{outcome}: counts cannot be streamed, every step of their fit needs several passes over all rows; fit "
            "them whole, which takes about 65 bytes a row beside the data"
        )

    def point(self, panel: Panel, outcome: str, shift: int, cohort: IntArray) -> float:
        """Estimate alone under other dates, for permutations."""
        masks, exposure = self.counted(panel, outcome, shift, cohort)
        keys = Keys(np.zeros_like(masks.keys.cluster), masks.keys.stratum, masks.keys.audit, masks.keys.cohort)
        masks = replace(masks, keys=keys)
        plan = decide(self.chain(), masks.sums, masks.total, int(panel.times[-1]))
        level = base = 0.0
        for stratum in plan.strata:
            lines = self.counts(stratum, masks, exposure)
            label = links(lines)
            rows = predicted_rows(lines, newton(lines, label)[0])
            ok = label[rows.month] == label[rows.first]
            level, base = level + float(rows.level[ok].sum()), base + float(rows.base[ok].sum())
        return float(np.log(level / base))


def stratum_counts(stratum: Stratum, masks: Masks, exposure: FloatArray | None, drop_audit: bool) -> Counts:
    """Lines of one stratum, services with the same months added up where exposure and weights allow."""
    lines, _ = stratum_lines(stratum, masks, exposure, drop_audit)
    return compress(lines) if exposure is None and masks.weights is None else lines


def stratum_lines(
    stratum: Stratum, masks: Masks, exposure: FloatArray | None, drop_audit: bool
) -> tuple[Counts, LongArray]:
    """Lines of one stratum and their positions: services that inform it, with the treated months that it serves."""
    keys = masks.keys
    base = masks.untreated(drop_audit)
    member = np.asarray(base.any(axis=1))
    if stratum.level != LEVELS[-1]:
        member &= keys.stratum == stratum.key[0]
    if stratum.level == LEVELS[0]:
        member &= keys.audit == stratum.key[1]
    units = np.flatnonzero(member)
    # in the order of the cells, so that sums by cell need no copies
    units = units[np.lexsort((keys.cohort[units], keys.audit[units], keys.stratum[units], keys.cluster[units]))]
    chosen = Keys(keys.cluster[units], keys.stratum[units], keys.audit[units], keys.cohort[units])
    served = {pair for pair in zip(stratum.rows.stratum.tolist(), stratum.rows.audit.tolist(), strict=True)}
    pairs = zip(chosen.stratum.tolist(), chosen.audit.tolist(), strict=True)
    own = np.fromiter((pair in served for pair in pairs), dtype=bool, count=len(units))
    mask, hit = base[units], masks.treated[units] & own[:, None]
    y = masks.y[units]
    counted, level = np.where(mask, y, 0.0), np.where(hit, y, 0.0)
    del y
    if exposure is None:
        scale, reach = mask.astype(np.float64), hit.astype(np.float64)
    else:
        scale, reach = np.where(mask, exposure[units], 0.0), np.where(hit, exposure[units], 0.0)
    if masks.weights is not None:
        reach, level = reach * masks.weights[units], level * masks.weights[units]
    size = np.ones(len(units), dtype=np.int64)
    lines = Counts(chosen, scale, counted, counted.sum(axis=1), reach, level, hit, size)
    return without_empty_months(lines), units


def pearson(lines: Counts, effect: FloatArray) -> tuple[float, int]:
    """Pearson statistic and degrees of freedom; for added-up services those of their sums."""
    chi, cells = 0.0, 0
    months = np.zeros(lines.base.shape[1], dtype=bool)
    for begin in range(0, len(lines.total), BLOCK):
        block = slice(begin, begin + BLOCK)
        mean = shares(lines, effect, block)[0] * lines.total[block, None]
        used = mean > 0
        chi += float(((lines.base[block] - mean)[used] ** 2 / mean[used]).sum())
        cells, months = cells + int(used.sum()), months | used.any(axis=0)
    return chi, cells - len(lines.total) - int(months.sum())


def regress_counts(
    lines: list[Counts], strata: tuple[Stratum, ...], solved: tuple[Solved, ...], columns: Design, clusters: int
) -> tuple[FloatArray, FloatArray]:
    """Conditional Poisson regression on further regressors by cohort and month, whole and without each region.

    Newton steps in all coefficients together; without a region one step from the full solution.
    """
    month = [np.zeros(counts.base.shape[1]) for counts in lines]
    designs: list[FloatArray] = []
    for counts, stratum in zip(lines, strata, strict=True):
        pairs = {pair for pair in zip(stratum.rows.stratum.tolist(), stratum.rows.audit.tolist(), strict=True)}
        cells = pieces(counts, np.zeros(counts.base.shape[1]))
        own = np.asarray([p in pairs for p in zip(cells.stratum.tolist(), cells.audit.tolist(), strict=True)])
        designs.append(columns(cells, own))
    beta = np.zeros(designs[0].shape[2])
    without = np.zeros((clusters, len(beta)))
    for _ in range(50):
        left, right, size = np.zeros((1, 1, 1)), np.zeros((1, 1)), np.zeros((1, 1))
        stacked = []
        for i, counts in enumerate(lines):
            effect = month[i] + (designs[i] @ beta)[_cell_of(counts)]
            cells = pieces(counts, effect)
            a, b, c = normal_equations(cells, designs[i], clusters)
            left, right, size = left + a, right + b, size + c
            stacked.append(cells)
        step, moved = solve_regressors(left, right, size)
        if np.isnan(step).any():
            return np.full(len(beta), np.nan), np.full((clusters, len(beta)), np.nan)
        for i, cells in enumerate(stacked):
            moment, response = cells.moment.sum(axis=0), cells.response.sum(axis=0)
            response = response - (cells.moment @ (designs[i] @ step)[..., None])[..., 0].sum(axis=0)
            month[i] = month[i] + np.clip(solve(moment, response, components(moment)), -5, 5)
        beta = beta + np.clip(step, -5, 5)
        without = beta + moved - step
        if np.abs(step).max() < 1e-10:
            break
    return beta, without


def _cell_of(counts: Counts) -> LongArray:
    """Number of the cell of each line, in the order of :func:`pieces`."""
    keys = counts.keys
    table = np.column_stack([keys.cluster, keys.stratum, keys.audit, keys.cohort])
    return np.unique(table, axis=0, return_inverse=True)[1].reshape(-1)
