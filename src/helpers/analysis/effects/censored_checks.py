"""What regressions for times that are not over yet say of a panel of services by month.

A service-month comes as quartiles of the days of all its applications, those still open included as censored. It
stands for four cases: a quarter of applications finished by the lower quartile, by the median and by the upper one, and
a quarter only known to take longer. A quartile that the month does not reach leaves its quarter open as well.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.analysis.effects.censored import CensoredLogNormal
from helpers.analysis.effects.censored_hazard import CensoredHazard
from helpers.analysis.effects.coding import NEVER, BoolArray, EffectsError, FloatArray
from helpers.analysis.effects.panel import Panel
from helpers.analysis.effects.sums import LongArray

QUARTILES = ("q25_days", "median_days", "q75_days")
MOST_SERVICES = 80
"""So many services are drawn: hazards by service are dear, and the check asks for sign and strength alone."""
FEWEST_SERVICES = 10


@dataclass(frozen=True, eq=False)
class QuarterCases:
    """Cases of the services drawn, one entry a case.

    Attributes
    ----------
    days : float array
        Quartile by which the case was finished, or beyond which it still was not.
    is_open, treated : bool arrays
    unit, month, cluster : int arrays
        Positions in the panel.
    services, months : int
        Services, and service-months behind the cases.
    """

    days: FloatArray
    is_open: BoolArray
    treated: BoolArray
    unit: LongArray
    month: LongArray
    cluster: LongArray
    services: int
    months: int


@dataclass(frozen=True)
class CensoredCheck:
    """Effect on time by a regression that takes open applications for what they are.

    ``estimate``, ``low``, ``high``: log points of time for ``log_normal`` (negative = faster), times as fast for
    ``hazard`` (above 1 = faster).
    """

    model: str
    estimate: float
    low: float
    high: float
    p_value: float
    is_faster: bool
    services: int
    months: int
    clusters: int


def quarter_cases(panel: Panel, anticipation: int = 0, seed: int = 0, most: int = MOST_SERVICES) -> QuarterCases:
    """Cases of optimised services and as many untreated ones of the same strata, drawn by seed.

    Parameters
    ----------
    panel : Panel
        Its frame has the columns ``q25_days, median_days, q75_days``.
    anticipation : int
        Months before the start that are left out, as are audit months.
    seed : int
    most : int
        Services drawn at most.

    Raises
    ------
    EffectsError
        Fewer than ten services with both kinds of months, or no quartiles.
    """
    times = np.stack([panel.matrix(column) for column in QUARTILES])
    early = (panel.event < 0) & (panel.event >= -anticipation) & (panel.cohort != NEVER)[:, None]
    used = np.isfinite(times[0]) & (times[0] > 0) & ~panel.audit & ~early
    chosen = _drawn(panel, used, seed, most)
    inside = np.zeros(panel.n_units, dtype=bool)
    inside[chosen] = True
    unit, month = np.nonzero(used & inside[:, None])
    known = np.fmax.accumulate(times[:, unit, month], axis=0)  # the last quartile that is reached
    days = np.concatenate([known, known[-1:]])
    is_open = np.concatenate([~np.isfinite(times[:, unit, month]), np.ones((1, len(unit)), dtype=bool)])
    return QuarterCases(
        days.ravel(), is_open.ravel(), np.tile(panel.treated[unit, month], 4), np.tile(unit, 4), np.tile(month, 4),
        np.tile(panel.cluster_code[unit], 4).astype(np.int64), len(chosen), len(unit),
    )  # fmt: skip


def _drawn(panel: Panel, used: BoolArray, seed: int, most: int) -> LongArray:
    """Positions of the services drawn: optimised ones, and never optimised ones stratum by stratum."""
    rng = np.random.default_rng(seed)
    both = (used & panel.treated).any(axis=1) & (used & ~panel.treated).any(axis=1)
    spare = (used.sum(axis=1) > 1) & ~panel.treated.any(axis=1)
    first = rng.permutation(np.flatnonzero(both))[: most // 2]
    others: list[npt.NDArray[np.int64]] = []
    for stratum, wanted in zip(*np.unique(panel.stratum_code[first], return_counts=True), strict=True):
        others.append(rng.permutation(np.flatnonzero(spare & (panel.stratum_code == stratum)))[: int(wanted)])
    second = np.concatenate(others) if others else np.zeros(0, dtype=np.int64)
    if min(len(first), len(second)) < FEWEST_SERVICES // 2:
        raise EffectsError(
            f"{len(first)} optimised and {len(second)} comparable services with quartiles: at least "
            f"{FEWEST_SERVICES // 2} of each are needed"
        )
    return np.sort(np.concatenate([first, second]))


def censored_checks(panel: Panel, anticipation: int = 0, seed: int = 0) -> list[CensoredCheck]:
    """Log-normal regression with services and months as dummies, and hazards stratified by service.

    Raises
    ------
    EffectsError
        Too few services, or a regression that cannot be estimated.
    """
    cases = quarter_cases(panel, anticipation, seed)
    months = _dummies(cases.month, "month")
    regressors = pd.concat([pd.Series(cases.treated.astype(float), name="treated"), months], axis=1)
    design = pd.concat([regressors, _dummies(cases.unit, "service", constant=True)], axis=1)
    clusters = len(np.unique(cases.cluster))
    normal = CensoredLogNormal(cases.days, design, cases.is_open, cases.cluster).fit().table.loc["treated"]
    hazard = CensoredHazard(cases.days, regressors, cases.is_open, cases.unit, cases.cluster).fit()
    ratio = hazard.table.loc["treated"]
    size = (cases.services, cases.months, clusters)
    return [
        CensoredCheck(
            "log_normal", float(normal["estimate"]), float(normal["ci_low"]), float(normal["ci_high"]),
            float(normal["p_value"]), bool(normal["estimate"] < 0), *size,
        ),
        CensoredCheck(
            "hazard", float(ratio["ratio"]), float(ratio["ratio_low"]), float(ratio["ratio_high"]),
            float(ratio["p_value"]), bool(ratio["ratio"] > 1), *size,
        ),
    ]  # fmt: skip


def _dummies(codes: LongArray, name: str, constant: bool = False) -> pd.DataFrame:
    """Indicators of all values but the first, which is the constant where one is wanted."""
    values, where = np.unique(codes, return_inverse=True)
    table = np.eye(len(values))[where]
    if constant:
        table[:, 0] = 1.0
        return pd.DataFrame(table, columns=["constant", *[f"{name} {v}" for v in values[1:]]])
    return pd.DataFrame(table[:, 1:], columns=[f"{name} {v}" for v in values[1:]])
