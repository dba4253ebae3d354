"""Targets with a date: the pace they need, the pace observed, and whether anything may be said.

Grain in: one published value per row (entity × period of one indicator) and one target per row. Grain out: the table
``targets`` (target × entity). Two, three or four points identify no curve: they are described, never extended.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from helpers.analysis.growth import logit
from helpers.tables import periods

MIN_POINTS = 5
PACE_UNITS = {"logit": "logit_per_year", "points": "percentage_point_per_year", "count": "count_per_year"}
COLUMNS = [
    "target_id",
    "entity_id",
    "indicator",
    "target_value",
    "target_year",
    "current_value",
    "current_period",
    "required_pace",
    "observed_pace",
    "observed_low",
    "observed_high",
    "pace_unit",
    "verdict",
    "why",
]


@dataclass(frozen=True)
class Target:
    """A target at least so high by the end of a period.

    ``scale`` is *share* (per cent; paces in logits, in points if the target is 100) or *count*.
    """

    target_id: str
    indicator: str
    value: float
    due: str
    scale: str

    @property
    def pace_scale(self) -> str:
        """Scale on which a pace is constant: no logit reaches 100 per cent."""
        if self.scale == "count":
            return "count"
        return "logit" if self.value < 100 else "points"


@dataclass(frozen=True)
class Forecast:
    """Value at the date of the target by simulation: interval for a new value, and the chance to reach the target."""

    low: float
    high: float
    chance: float


def read_targets(reference: pd.DataFrame) -> list[Target]:
    """Targets of the reference table.

    Raises
    ------
    ValueError
        For a scale other than *share* or *count*, or a share above 100.
    """
    result = []
    for row in reference.to_dict("records"):
        target = Target(row["target_id"], row["indicator"], float(row["target_value"]), row["due"], row["scale"])
        if target.scale not in ("share", "count") or (target.scale == "share" and not 0 < target.value <= 100):
            raise ValueError(f"target {target.target_id}: scale {target.scale!r} and value {target.value:g}")
        result.append(target)
    return result


def assess(target: Target, points: pd.DataFrame, entity_id: str = "RU", seed: int = 0) -> dict[str, object]:
    """One row of the table ``targets``.

    Parameters
    ----------
    points
        Columns ``period, value`` and, where the figure is an interval, ``value_low, value_high``; one population and
        no series break. Values that are bare bounds (missing ``value``) are not used.
    seed
        Of the simulated value at the target's date.

    Returns
    -------
    dict
        With :data:`COLUMNS`. *reachable*: the whole 95 % predictive interval at the date reaches the target;
        *behind*: none of it does; otherwise *cannot_tell*. The observed interval is that of the slope from five
        points up, and the slowest and fastest step below.

    *Assumes* the growth of the past goes on: logistic with a ceiling of 100 for shares, linear for counts.
    """
    known = points[points["value"].notna()].sort_values("period", key=lambda p: p.map(periods.sort_key))
    row: dict[str, object] = dict.fromkeys(COLUMNS, float("nan"))
    row.update(
        target_id=target.target_id,
        entity_id=entity_id,
        indicator=target.indicator,
        target_value=target.value,
        target_year=periods.parse(target.due).year,
        current_period="",
        pace_unit=PACE_UNITS[target.pace_scale],
    )
    if known.empty:
        return {**row, "verdict": "cannot_tell", "why": "no current value is published"}
    last = known.iloc[-1]
    years = _when(target.due) - _when(last["period"])
    current = float(last["value"])
    row.update(current_value=current, current_period=last["period"])
    if current >= target.value:
        return {**row, "required_pace": 0.0, "verdict": "reachable", "why": "the target is reached"}
    if years <= 0:
        return {**row, "verdict": "behind", "why": "the date has passed below the target"}
    gap = _scaled(target.value, target.pace_scale) - _scaled(current, target.pace_scale)
    row["required_pace"] = float(gap / years)
    if len(known) == 1:
        return {**row, "verdict": "cannot_tell", "why": "one point shows no pace"}
    return {**row, **_judge(target, known, seed)}


def _judge(target: Target, known: pd.DataFrame, seed: int) -> dict[str, object]:
    pace = observed_pace(known, target.pace_scale)
    if len(known) < MIN_POINTS:
        why = f"{len(known)} points identify no curve; the interval is the slowest and fastest step"
        return {**pace, "verdict": "cannot_tell", "why": why}
    ahead = forecast(known, target, seed)
    if ahead.low >= target.value:
        verdict = "reachable"
    else:
        verdict = "behind" if ahead.high < target.value else "cannot_tell"
    why = f"{len(known)} points: {ahead.low:.1f} to {ahead.high:.1f} expected at the date if growth goes on"
    return {**pace, "verdict": verdict, "why": why}


def observed_pace(points: pd.DataFrame, scale: str) -> dict[str, object]:
    """Pace per year on a scale of :data:`PACE_UNITS`: ``observed_pace, observed_low, observed_high``.

    From five points up the least-squares slope with its 95 % t-interval; below, last against first with the
    slowest and fastest single step, rounding included.
    """
    times = points["period"].map(_when).to_numpy()
    values = _scaled(points["value"].to_numpy(dtype=float), scale)
    if len(points) >= MIN_POINTS:
        fit = _line(times, values)
        half = fit.quantile * fit.slope_error
        return {
            "observed_pace": fit.slope,
            "observed_low": fit.slope - half,
            "observed_high": fit.slope + half,
        }
    low, high = _ends(points, scale)
    gaps = np.diff(times)
    slowest, fastest = (low[1:] - high[:-1]) / gaps, (high[1:] - low[:-1]) / gaps
    return {
        "observed_pace": float((values[-1] - values[0]) / (times[-1] - times[0])),
        "observed_low": float(slowest.min()),
        "observed_high": float(fastest.max()),
    }


def forecast(points: pd.DataFrame, target: Target, seed: int = 0, draws: int = 20_000) -> Forecast:
    """Simulated value at the target's date: error of the line and of a new value together.

    Raises
    ------
    ValueError
        For fewer than five points.

    *Assumes* independent errors of equal size on the scale of the pace.
    """
    if len(points) < MIN_POINTS:
        raise ValueError(f"{len(points)} points identify no curve; {MIN_POINTS} are needed")
    scale = "logit" if target.scale == "share" else "count"
    times = points["period"].map(_when).to_numpy()
    fit = _line(times, _scaled(points["value"].to_numpy(dtype=float), scale))
    when = _when(target.due)
    error = fit.residual * np.sqrt(1 + 1 / len(times) + (when - fit.centre) ** 2 / fit.spread)
    noise = np.random.default_rng(seed).standard_t(len(times) - 2, draws)
    values = fit.level + fit.slope * (when - fit.centre) + error * noise
    if scale == "logit":
        values = 100 / (1 + np.exp(-values))
    low, high = np.quantile(values, [0.025, 0.975])
    return Forecast(float(low), float(high), float(np.mean(values >= target.value)))


@dataclass(frozen=True)
class _Line:
    slope: float
    level: float
    centre: float
    spread: float
    residual: float
    slope_error: float
    quantile: float


def _line(times: np.ndarray, values: np.ndarray) -> _Line:
    centre, level = float(times.mean()), float(values.mean())
    spread = float(((times - centre) ** 2).sum())
    slope = float(((times - centre) * (values - level)).sum() / spread)
    freedom = len(times) - 2
    residual = float(np.sqrt(((values - level - slope * (times - centre)) ** 2).sum() / freedom))
    error = residual / np.sqrt(spread)
    return _Line(slope, level, centre, spread, residual, error, float(stats.t.ppf(0.975, freedom)))


def _ends(points: pd.DataFrame, scale: str) -> tuple[np.ndarray, np.ndarray]:
    value = points["value"]
    low = points["value_low"].fillna(value) if "value_low" in points else value
    high = points["value_high"].fillna(value) if "value_high" in points else value
    return _scaled(low.to_numpy(dtype=float), scale), _scaled(high.to_numpy(dtype=float), scale)


def _scaled(value: float | np.ndarray, scale: str) -> np.ndarray:
    if scale != "logit":
        return np.asarray(value, dtype=float)
    # A share printed as 0 or 100 keeps half a point of doubt; its logit would be infinite.
    return logit(np.clip(value, 0.5, 99.5))


def _when(period: str) -> float:
    """End of a period in years."""
    year, month = periods.parse(period).last_month
    return year + month / 12
