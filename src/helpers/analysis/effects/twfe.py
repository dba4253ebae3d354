"""Static two-way fixed effects: the regression most reports run, and what it compares. A contrast, not an effect."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.analysis.effects.averages import sum_by
from helpers.analysis.effects.building import Drop
from helpers.analysis.effects.coding import NEVER, BoolArray, EffectsError, FloatArray, month_label
from helpers.analysis.effects.inference import (
    Percent,
    interval,
    p_value,
    simultaneous,
    warn_few,
    wild_from_sums,
)
from helpers.analysis.effects.panel import Panel
from helpers.analysis.effects.solving import components, jackknife_variance, solve
from helpers.analysis.effects.sums import Cells, Keys, LongArray, cell_sums
from helpers.analysis.effects.within import Design, identified, normal_equations, solve_regressors

VARIANCES = ("jackknife", "crv1", "wild")


@dataclass(frozen=True)
class TwoWayFit:
    """Coefficient of a treatment dummy with service and month effects; ``contrast`` is true."""

    outcome: str
    att: float
    se: float
    df: float
    unit: str
    n_obs: int
    n_services: int
    n_clusters: int
    vcov: str
    drops: tuple[Drop, ...] = field(repr=False)
    panel: Panel = field(repr=False)
    cells: Cells = field(repr=False)
    spec: "TwoWayFE" = field(repr=False)
    wild_p: float = float("nan")
    wild_interval: tuple[float, float] = (float("nan"), float("nan"))

    estimator = "twfe"
    contrast = True

    @property
    def p_value(self) -> float:
        """Two-sided p value of a zero coefficient."""
        return self.wild_p if self.vcov == "wild" else p_value(self.att, self.se, self.df)

    def conf_int(self, level: float = 0.95) -> tuple[float, float]:
        """Interval: t(G − 1), or the inverted bootstrap test (then at 95 % only)."""
        if self.vcov == "wild":
            if level != 0.95:
                raise EffectsError("the bootstrap interval is computed at 95 %")
            return self.wild_interval
        return interval(self.att, self.se, self.df, level)

    def percent(self, level: float = 0.95) -> Percent:
        """Coefficient on a logarithm as a change in per cent."""
        return Percent(*(float(100 * np.expm1(x)) for x in (self.att, *self.conf_int(level))))

    def summary(self) -> pd.DataFrame:
        """Coefficient, interval and counts; columns ``item``, ``value``."""
        low, high = self.conf_int()
        items: list[tuple[str, object]] = [
            ("outcome", self.outcome),
            ("estimator", self.estimator),
            ("note", "a contrast, not an effect: services treated earlier serve as controls"),
            ("coefficient", self.att),
            ("standard error", self.se),
            ("95 % interval, low", low),
            ("95 % interval, high", high),
            ("unit", self.unit),
            ("variance", self.vcov),
            ("degrees of freedom", self.df),
            ("regions", self.n_clusters),
            ("service-months", self.n_obs),
            ("services", self.n_services),
        ]
        items += [(f"left out: {drop.reason}", drop.rows) for drop in self.drops]
        return pd.DataFrame(items, columns=["item", "value"])

    def event_study(self, leads: int = 4, lags: int | None = None, level: float = 0.95, seed: int = 0) -> pd.DataFrame:
        """Dummies by months since treatment, reference −1; months beyond ``leads`` and ``lags`` share a dummy each.

        Returns
        -------
        DataFrame
            ``event_time, att, se, lo, hi, lo_simultaneous, hi_simultaneous, n, unit``. Under effects that differ
            between cohorts these coefficients mix event times.
        """
        times = self.panel.times
        events, low, high = _window(times, self.cells.cohort, leads, lags)
        columns = _event_design(times, events, low, high)(self.cells, _all(self.cells))
        left, right, size = normal_equations(self.cells, columns, self.panel.n_clusters)
        if not identified(left, size):
            raise EffectsError("event dummies are not identified: without services never treated ask for fewer leads")
        value, without = solve_regressors(left, right, size)
        used = _used(self.cells, self.panel.n_clusters)
        se = np.sqrt(np.diag(jackknife_variance(value, without, used)))
        joint = simultaneous((without - value)[used], se, self.df, level, seed)
        single = interval(0.0, 1.0, self.df, level)[1]
        count = (self.cells.months[:, :, None] * (columns > 0)).sum(axis=(0, 1)).astype(np.int64)
        return pd.DataFrame(
            {
                "event_time": events,
                "att": value,
                "se": se,
                "lo": value - single * se,
                "hi": value + single * se,
                "lo_simultaneous": value - joint * se,
                "hi_simultaneous": value + joint * se,
                "n": count,
                "unit": self.unit,
            }
        )

    def decompose(self) -> pd.DataFrame:
        """Goodman-Bacon: the coefficient as a weighted mean of comparisons of two groups each.

        Returns
        -------
        DataFrame
            ``kind`` (treated vs untreated, earlier vs later, later vs earlier), ``treated``, ``control``, ``weight``,
            ``estimate``; weights add up to 1 and the weighted mean is ``att``.

        Raises
        ------
        EffectsError
            On an unbalanced panel, where the decomposition does not hold.

        References
        ----------
        Goodman-Bacon (2021), J. Econometrics 225.
        """
        return goodman_bacon(self.panel, self.outcome)


@dataclass(frozen=True)
class TwoWayFE:
    """Y = service effect + month effect + β·treated, by ordinary least squares.

    Parameters
    ----------
    vcov : str
        ``jackknife`` (CRV3), ``crv1`` (service effects nested in regions are not counted) or ``wild`` (restricted
        wild cluster bootstrap).
    reps, seed : int
        Of the bootstrap.

    Notes
    -----
    With effects that grow or differ between cohorts, services treated earlier are wrong controls: with the cohort
    heterogeneity of the benchmark it loses nine tenths of the effect.
    """

    vcov: str = "jackknife"
    reps: int = 9_999
    seed: int = 0

    contrast = True

    def __post_init__(self) -> None:
        if self.vcov not in VARIANCES:
            raise EffectsError(f"unknown vcov {self.vcov!r}; there are {', '.join(VARIANCES)}")

    def fit(self, panel: Panel, outcome: str) -> TwoWayFit:
        """Coefficient of one outcome.

        Raises
        ------
        EffectsError
            Treatment that does not vary within the panel, a single region.
        """
        y = panel.matrix(outcome)
        seen = panel.observed & ~np.isnan(y)
        keys = Keys(panel.cluster_code, np.zeros_like(panel.cohort), np.zeros_like(panel.cohort), panel.cohort)
        cells = cell_sums(y, seen, keys)
        used = _used(cells, panel.n_clusters)
        regions = int(used.sum())
        warn_few(regions)
        left, right, size = normal_equations(cells, _static(panel.times)(cells, _all(cells)), panel.n_clusters)
        value, without = solve_regressors(left, right, size)
        if np.isnan(value[0]):
            raise EffectsError("treatment does not vary between services within months: nothing to compare")
        gone = panel.observed & ~seen
        missing = Drop(f"{outcome} missing", int(gone.sum()), int(gone.any(axis=1).sum()))
        drops = panel.drops + ((missing,) if missing.rows else ())
        wild_p, bounds = float("nan"), (float("nan"), float("nan"))
        if self.vcov == "jackknife":
            se = float(np.sqrt(jackknife_variance(value, without, used)[0, 0]))
        else:
            xx, xy = _regression_sums(cells, panel)
            se = _crv1(xx, xy, int(seen.sum()), float(value[0]))
            if self.vcov == "wild":
                found = wild_from_sums(xx, xy, len(panel.times), self.reps, self.seed)
                wild_p, bounds = found.p_value, found.conf_int
        return TwoWayFit(
            outcome, float(value[0]), se, float(regions - 1),
            "log_point" if outcome.startswith("log") else "outcome_unit", int(seen.sum()), int(seen.any(axis=1).sum()),
            regions, self.vcov, drops, panel, cells, self, wild_p, bounds,
        )  # fmt: skip


def _window(
    times: LongArray, cohort: npt.NDArray[np.int32], leads: int, lags: int | None
) -> tuple[LongArray, int, int]:
    """Event times with a dummy, without the reference −1, and the first and last, which hold all beyond them."""
    dates = np.unique(cohort[(cohort != NEVER) & (cohort <= times[-1])]).astype(np.int64)
    found = np.unique(times[None, :] - dates[:, None])
    low = max(int(found.min()), -leads)
    high = int(found.max()) if lags is None else min(int(found.max()), lags)
    events = np.unique(np.clip(found, low, high))
    return events[events != -1], low, high


def _all(cells: Cells) -> BoolArray:
    return np.ones(len(cells.cluster), dtype=bool)


def _used(cells: Cells, clusters: int) -> BoolArray:
    used = np.zeros(clusters, dtype=bool)
    used[cells.cluster] = True
    return used


def _static(times: LongArray) -> Design:
    def columns(cells: Cells, own: npt.NDArray[np.bool_]) -> FloatArray:
        treated = (cells.cohort != NEVER)[:, None] & (times[None, :] >= cells.cohort[:, None])
        return treated[:, :, None].astype(np.float64)

    return columns


def _event_design(times: LongArray, events: LongArray, low: int, high: int) -> Design:
    def columns(cells: Cells, own: npt.NDArray[np.bool_]) -> FloatArray:
        event = times[None, :] - cells.cohort.astype(np.int64)[:, None]
        event = np.clip(event, low, high)
        return ((cells.cohort != NEVER)[:, None, None] & (event[:, :, None] == events)).astype(np.float64)

    return columns


def _regression_sums(cells: Cells, panel: Panel) -> tuple[FloatArray, FloatArray]:
    """X′X and X′y by region for month dummies and treatment, services conditioned out."""
    design = _static(panel.times)(cells, _all(cells))
    where, clusters = cells.cluster.astype(np.int64), panel.n_clusters
    product = cells.moment @ design
    corner = np.swapaxes(design, 1, 2) @ product
    top = np.concatenate([cells.moment, product], axis=2)
    bottom = np.concatenate([np.swapaxes(product, 1, 2), corner], axis=2)
    xx = sum_by(where, np.concatenate([top, bottom], axis=1), clusters)
    own = np.einsum("ctq,ct->cq", design, cells.response)
    xy = sum_by(where, np.concatenate([cells.response, own], axis=1), clusters)
    seen = _used(cells, clusters)
    return xx[seen], xy[seen]


def _crv1(xx: FloatArray, xy: FloatArray, n: int, beta: float) -> float:
    """CRV1 with G/(G−1)·(n−1)/(n−k); k counts month effects and treatment, service effects lie within regions."""
    steps = xx.shape[1] - 1
    moment, across = xx[:, :steps, :steps].sum(axis=0), xx[:, :steps, steps].sum(axis=0)
    label = components(moment)
    rest = xy[:, :steps].sum(axis=0) - across * beta
    effect, projection = solve(moment, rest, label), solve(moment, across, label)
    row = np.append(-projection, 1.0)
    scale = float(row @ xx.sum(axis=0) @ row)
    score = (xy - xx @ np.append(effect, beta)) @ row
    regions, k = len(xx), 1 + steps
    factor = regions / (regions - 1) * (n - 1) / (n - k)
    return float(np.sqrt(factor * (score**2).sum()) / scale)


def goodman_bacon(panel: Panel, outcome: str) -> pd.DataFrame:
    """See :meth:`TwoWayFit.decompose`."""
    y = panel.matrix(outcome)
    if not panel.observed.all() or np.isnan(y).any():
        raise EffectsError("the decomposition needs a balanced panel: every service in every month")
    cohort = np.where(panel.cohort > panel.times[-1], NEVER, panel.cohort)
    groups = [_Wave.of(int(g), cohort, y, panel.times) for g in np.unique(cohort)]
    lines = []
    for early in groups:
        for late in groups:
            if early.start == NEVER:
                continue
            if late.start == NEVER:
                lines.append(_pair("treated vs untreated", early, late, panel.times))
            elif late.start > early.start:
                lines.append(_pair("earlier vs later", early, late, panel.times))
                lines.append(_pair("later vs earlier", late, early, panel.times))
    frame = pd.DataFrame(lines, columns=["kind", "treated", "control", "weight", "estimate"])
    frame["weight"] /= frame["weight"].sum()
    return frame


@dataclass(frozen=True)
class _Wave:
    """Services that start together: their share, mean path, and share of months treated."""

    start: int
    share: float
    path: FloatArray
    on: float

    @classmethod
    def of(cls, start: int, cohort: npt.NDArray[np.integer], y: FloatArray, times: LongArray) -> "_Wave":
        mine = cohort == start
        on = 0.0 if start == NEVER else float((times >= start).mean())
        return cls(start, float(mine.mean()), y[mine].mean(axis=0), on)

    @property
    def name(self) -> str:
        return "never" if self.start == NEVER else month_label(self.start)


def _pair(kind: str, treated: _Wave, control: _Wave, times: LongArray) -> tuple[str, str, str, float, float]:
    """Unnormalised weight and difference of one comparison of two groups."""
    part = treated.share / (treated.share + control.share)
    balance = (treated.share + control.share) ** 2 * part * (1 - part)
    if kind == "treated vs untreated":
        window, weight = np.ones(len(times), dtype=bool), treated.on * (1 - treated.on)
    elif kind == "earlier vs later":
        window, weight = times < control.start, (treated.on - control.on) * (1 - treated.on)
    else:
        window, weight = times >= control.start, treated.on * (control.on - treated.on)
    after, before = window & (times >= treated.start), window & (times < treated.start)
    if not after.any() or not before.any():
        return kind, treated.name, control.name, 0.0, 0.0
    gap = treated.path - control.path
    estimate = float(gap[after].mean() - gap[before].mean())
    return kind, treated.name, control.name, balance * weight, estimate
