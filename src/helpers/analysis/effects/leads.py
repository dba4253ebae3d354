"""Leads: what moved before treatment, from untreated months alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from helpers.analysis.effects.coding import NEVER, BoolArray, EffectsError, FloatArray
from helpers.analysis.effects.solving import jackknife_variance
from helpers.analysis.effects.strata import Stratum
from helpers.analysis.effects.sums import Cells, LongArray
from helpers.analysis.effects.within import Design, identified, normal_equations

MANY_REGIONS = 20
"""From so many regions on the F test of three or four leads keeps its size."""


@dataclass(frozen=True)
class Leads:
    """Coefficients of the event times before treatment, whole and without each region."""

    events: LongArray
    value: FloatArray
    without: FloatArray
    count: LongArray


@dataclass(frozen=True)
class PretrendTest:
    """Joint test of the leads.

    Attributes
    ----------
    statistic, p_value : float
        F statistic and its p value.
    df1, df2 : int
        Leads tested; regions − 1.
    leads : DataFrame
        ``event_time, att, se, n``.
    slope, slope_se, slope_low, slope_high : float
        Difference in linear trend between services to be treated and the rest before treatment, a month, with its
        95 % interval.
    largest_slope : float
        Largest difference in trend, in absolute value, that the data do not exclude.
    note : str
    """

    statistic: float
    p_value: float
    df1: int
    df2: int
    leads: pd.DataFrame
    slope: float
    slope_se: float
    slope_low: float
    slope_high: float
    largest_slope: float
    note: str


Regress = Callable[[Design], tuple[FloatArray, FloatArray]]
"""Coefficients of regressors shared by the strata, whole and without each region; NaN where not identified."""


def designed(strata: tuple[Stratum, ...], columns: Design, clusters: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Normal equations of regressors that several strata share, whole (first) and without each region."""
    parts = [normal_equations(s.cells, columns(s.cells, s.own), clusters) for s in strata]
    left, right, size = (sum(part[i] for part in parts) for i in range(3))
    return np.asarray(left), np.asarray(right), np.asarray(size)


def _indicators(times: LongArray, events: LongArray) -> Design:
    def columns(cells: Cells, own: npt.NDArray[np.bool_]) -> FloatArray:
        treated = own & (cells.cohort != NEVER) & (cells.cohort <= times[-1])
        event = times[None, :] - cells.cohort.astype(np.int64)[:, None]
        return (treated[:, None, None] & (event[:, :, None] == events)).astype(np.float64)

    return columns


def _available(strata: tuple[Stratum, ...], times: LongArray, before: int) -> dict[int, int]:
    """Untreated service-months of services to be treated, by event time."""
    found: dict[int, int] = {}
    for stratum in strata:
        cells = stratum.cells
        treated = np.flatnonzero(stratum.own & (cells.cohort != NEVER) & (cells.cohort <= times[-1]))
        event = times[None, :] - cells.cohort[treated].astype(np.int64)[:, None]
        count = cells.months[treated]
        used = (count > 0) & (event < -before)
        for value in np.unique(event[used]):
            found[int(value)] = found.get(int(value), 0) + int(count[used & (event == value)].sum())
    return found


def lead_estimates(
    regress: Regress, strata: tuple[Stratum, ...], times: LongArray, leads: int, anticipation: int, clusters: int
) -> Leads:
    """Coefficients of the latest untreated event times, relative to all earlier months of the service.

    Parameters
    ----------
    regress : callable
        Regression on untreated months.
    strata : tuple of Stratum
    times : int array
    leads : int
        Wanted number; fewer come back when earlier months do not suffice for a reference.
    anticipation, clusters : int

    Returns
    -------
    Leads
    """
    available = _available(strata, times, anticipation)
    events = np.asarray(sorted(available, reverse=True)[:leads][::-1], dtype=np.int64)
    while len(events):
        left, _, size = designed(strata, _indicators(times, events), clusters)
        if identified(left, size):
            value, without = regress(_indicators(times, events))
            return Leads(events, value, without, np.asarray([available[int(e)] for e in events], dtype=np.int64))
        events = events[1:]
    return Leads(events, np.zeros(0), np.zeros((clusters, 0)), np.zeros(0, dtype=np.int64))


def pretrend(
    estimate: Callable[[int], Leads],
    regress: Regress,
    times: LongArray,
    leads: int,
    contributing: BoolArray,
) -> PretrendTest:
    """Joint F test of the leads with the jackknife covariance, and the slope that is not excluded."""
    regions = int(contributing.sum())
    note = ""
    if regions < MANY_REGIONS and leads > 2:
        leads, note = 2, f"{regions} regions: two leads only; see the permutation test"
    found = estimate(leads)
    if not len(found.value):
        raise EffectsError("no untreated month before treatment is left for a lead")
    cov = jackknife_variance(found.value, found.without, contributing)
    k = len(found.value)
    statistic = float(found.value @ np.linalg.pinv(cov, hermitian=True) @ found.value / k)
    table = pd.DataFrame(
        {"event_time": found.events, "att": found.value, "se": np.sqrt(np.diag(cov)), "n": found.count}
    )
    slope, slope_se = _slope(regress, times, contributing)
    half = float(stats.t.ppf(0.975, regions - 1)) * slope_se
    return PretrendTest(
        statistic,
        float(stats.f.sf(statistic, k, regions - 1)),
        k,
        regions - 1,
        table,
        slope,
        slope_se,
        slope - half,
        slope + half,
        max(abs(slope - half), abs(slope + half)),
        note,
    )


def _slope(regress: Regress, times: LongArray, contributing: BoolArray) -> tuple[float, float]:
    """Difference in linear trend before treatment, log points (or units) a month."""
    centred = (times - times.mean()).astype(np.float64)

    def columns(cells: Cells, own: BoolArray) -> FloatArray:
        treated = own & (cells.cohort != NEVER) & (cells.cohort <= times[-1])
        return (treated[:, None] * centred)[:, :, None]

    value, without = regress(columns)
    return float(value[0]), float(np.sqrt(jackknife_variance(value, without, contributing)[0, 0]))
