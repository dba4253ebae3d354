"""Regression to the mean: how much of a before/after change would have come by itself."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from helpers.analysis.effects import averages
from helpers.analysis.effects.coding import BoolArray, EffectsError, FloatArray
from helpers.analysis.effects.imputation import Imputation, contributing, solve_plan
from helpers.analysis.effects.inference import interval, warn_few
from helpers.analysis.effects.masks import Masks
from helpers.analysis.effects.panel import Panel
from helpers.analysis.effects.solving import Solved, jackknife_variance, leave_one_out
from helpers.analysis.effects.strata import Stratum, decide
from helpers.analysis.effects.sums import cell_sums, treated_rows
from helpers.analysis.effects.units import kept_months

PARTS = ("naive", "trend", "regression_to_mean", "effect")


@dataclass(frozen=True)
class Decomposition:
    """naive = trend + regression_to_mean + effect, exactly; every part with its jackknife standard error.

    Attributes
    ----------
    naive, trend, regression_to_mean, effect : float
        Change of the optimised services against their baseline; what season and common trend moved; what would have
        come back by itself; effect of the default imputation.
    naive_se, trend_se, regression_to_mean_se, effect_se : float
    cov : DataFrame
        Joint covariance of the parts.
    df : float
    baseline, outcome, unit : str
    n_services, n_obs, n_clusters : int
    table : DataFrame
        The same by group (``all`` first, then the strata): columns of the ``rtm`` table.
    """

    naive: float
    naive_se: float
    trend: float
    trend_se: float
    regression_to_mean: float
    regression_to_mean_se: float
    effect: float
    effect_se: float
    cov: pd.DataFrame
    df: float
    baseline: str
    outcome: str
    unit: str
    n_services: int
    n_obs: int
    n_clusters: int
    table: pd.DataFrame

    def conf_int(self, part: str = "effect", level: float = 0.95) -> tuple[float, float]:
        """Interval of one part."""
        if part not in PARTS:
            raise EffectsError(f"unknown part {part!r}; there are {', '.join(PARTS)}")
        return interval(getattr(self, part), getattr(self, f"{part}_se"), self.df, level)


def rtm_decomposition(
    panel: Panel, outcome: str, baseline: str = "audit", imputation: Imputation | None = None
) -> Decomposition:
    """Split a before/after change into common trend, regression to the mean and effect.

    Parameters
    ----------
    panel : Panel
    outcome : str
    baseline : str
        ``audit`` months of the service, as officials compare, or ``all`` its untreated months.
    imputation : Imputation, optional
        Estimator of the effect; default settings.

    Returns
    -------
    Decomposition
        All parts over the same treated service-months, from one joint jackknife.

    Raises
    ------
    EffectsError
        No optimised service with a month in the baseline.

    Notes
    -----
    *Assumes* what the imputation assumes; "regression to the mean" is the remainder and holds everything that
    services of the same grade and audit date went through together.
    """
    if baseline not in ("audit", "all"):
        raise EffectsError(f"unknown baseline {baseline!r}; there are audit, all")
    spec = imputation or Imputation()
    masks = spec.masks(panel, outcome)
    base = masks.clean & panel.audit if baseline == "audit" else masks.clean
    masks = _restrict(masks, base, baseline)
    plan = decide(spec.chain(), masks.sums, masks.total, int(panel.times[-1]))
    solved = solve_plan(plan, panel.n_clusters)
    cells = cell_sums(masks.y, masks.clean, masks.keys)
    common = leave_one_out(cells.moment, cells.response, cells.cluster, panel.n_clusters)
    kept = kept_months(spec, plan, solved, masks)
    rows = treated_rows(masks.keys, kept, base, masks.y, masks.weights)
    naive_stratum = Stratum("month", (0,), cells, np.ones(len(cells.cluster), dtype=bool), rows)
    codes = np.unique(naive_stratum.rows.stratum).astype(np.int64)
    used = contributing(plan, panel.n_clusters)
    warn_few(int(used.sum()))
    groups: list[tuple[str, averages.Grouping]] = [("all", averages.everything)]
    groups += [(str(panel.stratum_labels[c]), averages.by_code("stratum", np.asarray([c]))) for c in codes]
    lines, found = [], []
    for label, grouping in groups if len(codes) > 1 else groups[:1]:
        found.append(_parts(plan.strata, solved, naive_stratum, common, grouping, used))
        services = int(averages.counts((naive_stratum,), grouping, 1)[1][0])
        lines.append(_line(outcome, label, *found[-1], services))
    value, cov = found[0]
    numbers: dict[str, Any] = {}
    for i, part in enumerate(PARTS):
        numbers |= {part: float(value[i]), f"{part}_se": float(np.sqrt(cov[i, i]))}
    return Decomposition(
        **numbers, cov=pd.DataFrame(cov, index=list(PARTS), columns=list(PARTS)), df=float(used.sum() - 1),
        baseline=baseline, outcome=outcome, unit="log_point" if outcome.startswith("log") else "outcome_unit",
        n_services=lines[0]["n_services"], n_obs=int(naive_stratum.rows.count.sum()), n_clusters=int(used.sum()),
        table=pd.DataFrame(lines),
    )  # fmt: skip


def _restrict(masks: Masks, base: npt.NDArray[np.bool_], baseline: str) -> Masks:
    """Treated months of services that have a month in the baseline."""
    treated = masks.treated & np.asarray(base.any(axis=1))[:, None]
    if not treated.any():
        raise EffectsError(f"no optimised service has an untreated month in the baseline ({baseline})")
    return replace(masks, treated=treated, total=int(treated.sum()))


def _parts(
    strata: tuple[Stratum, ...],
    solved: tuple[Solved, ...],
    naive_stratum: Stratum,
    common: Solved,
    grouping: averages.Grouping,
    used: BoolArray,
) -> tuple[FloatArray, FloatArray]:
    """Four parts and their joint jackknife covariance."""
    clusters = len(used)
    effect, effect_without = averages.totals(strata, solved, grouping, 1, clusters)
    naive, naive_without = averages.totals((naive_stratum,), (common,), grouping, 1, clusters)

    def parts(e: averages.Totals, n: averages.Totals) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            change, trend = n.level / n.weight, n.shift / n.weight
            att = (e.level - e.shift) / e.weight
        return np.stack([change, trend, change - trend - att, att], axis=-1)[..., 0, :]

    value, without = parts(effect, naive), parts(effect_without, naive_without)
    return value, jackknife_variance(value, without, used)


def _line(outcome: str, group: str, value: FloatArray, cov: FloatArray, services: int) -> dict[str, Any]:
    line: dict[str, Any] = {"outcome": outcome, "group": group}
    for i, part in enumerate(PARTS):
        line |= {part: float(value[i]), f"{part}_se": float(np.sqrt(cov[i, i]))}
    line |= {"unit": "log_point" if outcome.startswith("log") else "outcome_unit", "n_services": services}
    return line


def rtm_expected_change(
    mean: float, sd: float, rho: float, cut: float, side: str = "above", n_baseline: int = 1
) -> float:
    """Change to expect from regression to the mean alone, in closed form.

    Parameters
    ----------
    mean, sd : float
        Mean and standard deviation of single months over all services.
    rho : float
        Correlation between months of the same service, from services never optimised.
    cut : float
        Services are chosen whose mean over the baseline lies beyond it.
    side : str
        ``above`` (long times) or ``below`` the cut.
    n_baseline : int
        Months in the baseline.

    Returns
    -------
    float
        Expected later mean minus baseline mean of the chosen: negative when chosen above, positive when below.

    Notes
    -----
    *Assumes* normal values with σ²_b = ρσ² between and σ²_w = (1 − ρ)σ² within services, months of a service
    independent given the service.

    *References*: Barnett, van der Pols & Dobson (2005), IJE 34; Davis (1976).
    """
    if side not in ("above", "below"):
        raise EffectsError(f"side is above or below, not {side!r}")
    if not (sd > 0 and 0 <= rho <= 1 and n_baseline >= 1):
        raise EffectsError("sd must be positive, rho between 0 and 1, n_baseline at least 1")
    within, between = (1 - rho) * sd**2 / n_baseline, rho * sd**2
    spread = float(np.sqrt(between + within))
    sign = 1.0 if side == "above" else -1.0
    z = sign * (cut - mean) / spread
    hazard = float(np.exp(stats.norm.logpdf(z) - stats.norm.logsf(z)))
    return -sign * within / spread * hazard
