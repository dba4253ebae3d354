"""Rows of the contract tables as `Estimate`: scores, ranks, effects and published figures, with what may be compared.

Grain in: one row of a table. Grain out: one `Estimate`. Nothing is repaired and no standard error is invented.
"""

import math
from collections.abc import Mapping

import pandas as pd

from helpers.presentation import formats
from helpers.presentation.results.estimates import Estimate
from helpers.tables import periods

INDEX = "b_region_index"
TOTAL = "total"
METHODS = ("equal_body", "published", "size_weighted", "geometric")  # the first present: intervals before prints
Row = Mapping[str, object]
_Z = 1.959963984540054


def number(value: object) -> float | None:
    """A float, or None for a missing value."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    result = float(value)  # type: ignore[arg-type]
    return result if math.isfinite(result) else None


def whole(value: object) -> int | None:
    """An integer, or None for a missing value."""
    result = number(value)
    return None if result is None else round(result)


def score(row: Row) -> Estimate:
    """Score of one entity with the interval that its kind allows."""
    kind = str(row["interval_kind"]) or "none"
    low, high = number(row["score_low"]), number(row["score_high"])
    if low is None and high is None:
        kind = "none"
    unit = formats.unit_code(str(row.get("unit") or "percent"))
    return Estimate(number(row["score"]), low, high, unit, kind, whole(row["n_items"]) or None, str(row["period"]))


def score_change(row: Row) -> Estimate | None:
    """Yearly change of a score in percentage points; None unless it is comparable."""
    if not row["is_comparable"] or number(row["score_change"]) is None:
        return None
    low, high = number(row["change_low"]), number(row["change_high"])
    kind = str(row["interval_kind"]) if low is not None and high is not None else "none"
    return Estimate(number(row["score_change"]), low, high, "pp", kind, None, str(row["period"]))


def observed(row: Row) -> Estimate | None:
    """Published figure with the interval of its printed form; None for categories, dates and stated changes."""
    value, low, high = (number(row[key]) for key in ("value", "value_low", "value_high"))
    if value is None and low is None and high is None:
        return None
    unit = formats.unit_code(str(row["unit"]))
    if row["cmp"] in (">", ">=", "<", "<=") or low is None or high is None:
        kind = "published_bound"
    else:
        kind = "none" if low == high else "rounding"
    return Estimate(value, low, high, "" if unit == "count" else unit, kind, None, str(row["period"]))


def difference(first: Estimate | None, second: Estimate | None) -> Estimate | None:
    """First minus second in percentage points, with an interval for the *difference*.

    Two sampling intervals are combined as √(se² + se²), any other pair by interval arithmetic.

    *Assumes* that the two estimates are independent; a region is one part in 89 of the country's mean.
    """
    if first is None or second is None or first.value is None or second.value is None:
        return None
    value = first.value - second.value
    if not (first.has_interval and second.has_interval):
        return Estimate(value, unit="pp", period=first.period)
    a, b = (first.low, first.high), (second.low, second.high)
    if first.interval_kind == second.interval_kind == "sampling_95":
        half = math.hypot(a[1] - a[0], b[1] - b[0]) / 2  # type: ignore[operator]
        return Estimate(value, value - half, value + half, "pp", "sampling_95", None, first.period)
    kinds = {first.interval_kind, second.interval_kind}
    kind = "method" if "method" in kinds or "sampling_95" in kinds else sorted(kinds)[0]
    return Estimate(value, a[0] - b[1], a[1] - b[0], "pp", kind, None, first.period)  # type: ignore[operator]


def effect_estimate(value: object, low: object, high: object, unit: str, n: int | None, period: str) -> Estimate:
    """An estimate of block 7; log points become per cent, bound by bound."""
    numbers_ = [number(item) for item in (value, low, high)]
    unit = formats.unit_code(unit)
    if unit == "log_point":
        numbers_ = [None if item is None else 100 * math.expm1(item) for item in numbers_]
        unit = "percent_change"
    kind = "sampling_95" if numbers_[1] is not None and numbers_[2] is not None else "none"
    return Estimate(numbers_[0], numbers_[1], numbers_[2], unit, kind, n, period)


def from_error(value: object, error: object, unit: str, n: int | None, period: str) -> Estimate:
    """An estimate from its standard error (normal 95 % interval)."""
    middle, se = number(value), number(error)
    if middle is None or se is None:
        return effect_estimate(value, None, None, unit, n, period)
    return effect_estimate(middle, middle - _Z * se, middle + _Z * se, unit, n, period)


def index_scores(scores: pd.DataFrame, observations: pd.DataFrame) -> pd.DataFrame:
    """Totals of the regional index, one row an entity × period, of the first method present for each.

    Where the table of scores has none, the published values of the observations take their place.

    Returns
    -------
    DataFrame
        Columns of ``scores``, levels ``region``, ``district`` and ``country``.
    """
    chosen = scores[
        (scores["rating"] == INDEX)
        & (scores["group"] == TOTAL)
        & scores["level"].isin(["region", "district", "country"])
    ]
    if chosen.empty:
        chosen = _from_observations(observations, scores.columns)
    order = chosen["method"].map({method: number for number, method in enumerate(METHODS)})
    chosen = chosen.assign(_order=order).sort_values(["_order", "entity_id", "period"], kind="stable")
    return chosen.drop_duplicates(["level", "entity_id", "period"]).drop(columns="_order")


def _from_observations(observations: pd.DataFrame, columns: pd.Index) -> pd.DataFrame:
    rows = observations[
        (observations["rating"] == INDEX)
        & (observations["indicator"] == "index")
        & (observations["entity_type"] == "region")
    ]
    values = {
        "rating": INDEX,
        "entity_type": "region",
        "entity_id": rows["entity_id"],
        "entity_name": rows["entity_name"],
        "period": rows["period"],
        "level": "region",
        "group": TOTAL,
        "method": "published",
        "region_iso": rows["region_iso"],
        "score": rows["value"],
        "score_low": rows["value_low"],
        "score_high": rows["value_high"],
        "interval_kind": "rounding",
        "n_items": 0,
        "is_comparable": False,
        "unit": "percent",
        "is_synthetic": False,
    }
    return pd.DataFrame({column: values.get(column, float("nan")) for column in columns}, index=rows.index)


def time_of(period: str) -> float:
    """Middle of a period on an axis of years: 2024 → 2024.5, 2024-H1 → 2024.25."""
    parsed = periods.parse(period)
    parts = {"year": 1, "half": 2, "quarter": 4, "month": 12}[parsed.kind]
    return parsed.year + (parsed.number - 0.5) / parts


def start_of(period: str) -> float:
    """Start of a period on an axis of years: 2024 and 2024-H1 → 2024.0."""
    parsed = periods.parse(period)
    parts = {"year": 1, "half": 2, "quarter": 4, "month": 12}[parsed.kind]
    return parsed.year + (parsed.number - 1) / parts


def months_of(period: str) -> tuple[str, str]:
    """First and last month of a period as text, ``2024-01`` and ``2024-06``."""
    parsed = periods.parse(period)
    length = {"year": 12, "half": 6, "quarter": 3, "month": 1}[parsed.kind]
    last = parsed.number * length
    return f"{parsed.year}-{last - length + 1:02d}", f"{parsed.year}-{last:02d}"
